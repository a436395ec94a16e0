"""Pages about what both teams agreed on."""

from django.urls import URLPattern, URLResolver, path

from leads.views import definitions, windows

urlpatterns: list[URLPattern | URLResolver] = [
    path("settings/definitions/", definitions.definition_list, name="definitions"),
    path("settings/definitions/words/<slug:word>/", definitions.definition_page, name="definition"),
    path("settings/definitions/handover/", definitions.handover_list, name="handover"),
    path("settings/definitions/handover/which/", definitions.handover_which, name="handover_which"),
    path("settings/definitions/handover/new/", definitions.handover_new, name="handover_new"),
    path("settings/definitions/handover/<int:rule_id>/", definitions.handover_edit, name="handover_edit"),
    path("settings/definitions/handover/<int:rule_id>/shift/", definitions.handover_shift, name="handover_shift"),
    path("settings/definitions/handover/<int:rule_id>/delete/", definitions.handover_delete, name="handover_delete"),
    path("settings/definitions/window/", windows.contact_window, name="contact_window"),
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
