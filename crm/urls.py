"""Every address of the site."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from crm.views import (
    alerts,
    deliveries,
    departures,
    health,
    home,
    own_settings,
    people,
    reports,
    style_guide,
    theme,
    webhooks,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("login/", home.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("settings/", people.settings_home, name="settings"),
    path("settings/people/", people.people, name="people"),
    path("settings/people/new/", people.person_new, name="person_new"),
    path("settings/people/<int:person_id>/", people.person_edit, name="person_edit"),
    path("settings/people/<int:person_id>/password/", people.person_password, name="person_password"),
    path("people/<int:person_id>/hand-over/", departures.hand_over, name="hand_over"),
    path("settings/deliveries/", deliveries.deliveries, name="deliveries"),
    path("settings/deliveries/again/", deliveries.deliveries_again, name="deliveries_again"),
    path("settings/webhooks/", webhooks.webhooks, name="webhooks"),
    path("settings/webhooks/new/", webhooks.webhook_new, name="webhook_new"),
    path("settings/webhooks/<int:webhook_id>/", webhooks.webhook_edit, name="webhook_edit"),
    path("settings/webhooks/<int:webhook_id>/test/", webhooks.webhook_test, name="webhook_test"),
    path("settings/webhooks/<int:webhook_id>/switch/", webhooks.webhook_switch, name="webhook_switch"),
    path("settings/webhooks/<int:webhook_id>/secret/", webhooks.webhook_secret, name="webhook_secret"),
    path("settings/webhooks/<int:webhook_id>/delete/", webhooks.webhook_delete, name="webhook_delete"),
    path("my-settings/", own_settings.my_settings, name="my_settings"),
    path("sla/report/", reports.report, name="report"),
    path("sla/report/<int:notice_id>/", reports.report, name="report_of"),
    path("alerts/", alerts.alerts, name="alerts"),
    path("alerts/read/", alerts.alerts_read_all, name="alerts_read_all"),
    path("alerts/<int:notice_id>/read/", alerts.alert_read, name="alert_read"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("theme/", theme.set_theme, name="theme"),
    path("style-guide/", style_guide.style_guide_page, name="style_guide"),
    path("api/v1/", include("crm.api.urls")),
    path("", include("leads.urls")),
    path("", include("sla.urls")),
    path("", include("scoring.urls")),
]
