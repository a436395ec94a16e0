"""Pages about what both teams agreed on."""

from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from leads.views import definitions

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/definitions/", RedirectView.as_view(pattern_name="reasons"), name="definitions"),
    path("settings/definitions/reasons/", definitions.reason_list, name="reasons"),
    path("settings/definitions/reasons/new/", definitions.reason_new, name="reason_new"),
    path("settings/definitions/reasons/<int:reason_id>/", definitions.reason_edit, name="reason_edit"),
    path("settings/definitions/reasons/<int:reason_id>/shift/", definitions.reason_shift, name="reason_shift"),
    path("settings/definitions/reasons/<int:reason_id>/retire/", definitions.reason_retire, name="reason_retire"),
    path(
        "settings/definitions/reasons/<int:reason_id>/bring-back/",
        definitions.reason_bring_back,
        name="reason_bring_back",
    ),
    path("settings/definitions/reasons/<int:reason_id>/delete/", definitions.reason_delete, name="reason_delete"),
]
