"""Pages about promises and clocks."""

from django.urls import URLPattern, URLResolver, path

from sla.views import board, calendars, policies, unnoticed

urlpatterns: list[URLPattern | URLResolver] = [
    path("sla/", board.sla_page, name="sla"),
    path("sla/breaches/", board.breach_list, name="breaches"),
    path("sla/files/<slug:name>/", board.sla_file, name="sla_file"),
    path("sla/unnoticed/", unnoticed.unnoticed_page, name="unnoticed"),
    path("sla/unnoticed/act/", unnoticed.unnoticed_act, name="unnoticed_act"),
    path("sla/timers/", board.timer_list, name="timers"),
    path("sla/timers.csv", board.timer_list, {"is_file": True}, name="timers_file"),
    path("sla/which/", policies.which_policy, name="which_policy"),
    path("settings/policies/", policies.policies, name="policies"),
    path("settings/policies/new/", policies.policy_new, name="policy_new"),
    path("settings/policies/<int:policy_id>/", policies.policy_edit, name="policy_edit"),
    path("settings/policies/<int:policy_id>/copy/", policies.policy_copy, name="policy_copy"),
    path("settings/policies/<int:policy_id>/delete/", policies.policy_delete, name="policy_delete"),
    path("settings/policies/<int:policy_id>/move/", policies.policy_move, name="policy_move"),
    path("settings/policies/<int:policy_id>/shift/", policies.policy_shift, name="policy_shift"),
    path("settings/calendars/", calendars.calendars, name="calendars"),
    path("settings/calendars/new/", calendars.calendar_new, name="calendar_new"),
    path("settings/calendars/<int:calendar_id>/", calendars.calendar_edit, name="calendar_edit"),
    path("settings/calendars/<int:calendar_id>/delete/", calendars.calendar_delete, name="calendar_delete"),
    path("settings/moves/<int:move_id>/", calendars.clock_move, name="clock_move"),
]
