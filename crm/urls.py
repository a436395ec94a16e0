"""Every address of the site."""

from django.urls import URLPattern, URLResolver, include, path

from crm.views import health, style_guide, theme

urlpatterns: list[URLPattern | URLResolver] = [
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
