"""What lists of clocks, promises and working time can be narrowed down by: one FilterSet for page and API."""

from __future__ import annotations

import django_filters as filters
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from leads.filters import IdFilter, PersonFilter, TextFilter, YesNoFilter
from sla.models import Calendar, Milestone, Policy, Timer
from sla.states import TimerState

STATES = [
    (TimerState.RUNNING.value, _("Running")),
    (TimerState.PAUSED.value, _("Paused")),
    (TimerState.MET.value, _("Met")),
    (TimerState.LATE.value, _("Late")),
    (TimerState.MISSED.value, _("Missed")),
    (TimerState.CANCELLED.value, _("Cancelled")),
]


class TimerFilter(filters.FilterSet):
    """Timers by handoff, contact, milestone, state, assignee, policy and calendar. The rows come with `with_state`."""

    handoff = IdFilter(field_name="handoff_id", label=_("Handoff"))
    contact = IdFilter(field_name="handoff__contact_id", label=_("Contact"))
    milestone = filters.ChoiceFilter(choices=Milestone.choices, label=_("Promise"))
    state = filters.ChoiceFilter(field_name="state_now", choices=STATES, label=_("State"))
    assignee = PersonFilter("assignee", label=_("Assignee"))
    policy = IdFilter(field_name="policy_id", label=_("Policy"))
    calendar = IdFilter(field_name="calendar_id", label=_("Calendar"))
    policy_version = IdFilter(label=_("Version of the policy"))
    is_outdated = YesNoFilter(method="outdated", label=_("Under what is no longer promised"))

    class Meta:
        model = Timer
        fields: list[str] = []

    def outdated(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Clocks of an earlier version of their policy, or of one that is out of use."""
        stays = Q(policy_version=F("policy__version"), policy__is_active=True)
        return rows.exclude(stays) if value == "true" else rows.filter(stays)


class PolicyFilter(filters.FilterSet):
    """Policies by name, milestone, calendar and whether they are in use."""

    name = TextFilter(label=_("Name"))
    milestone = filters.ChoiceFilter(choices=Milestone.choices, label=_("Promise"))
    calendar = IdFilter(field_name="calendar_id", label=_("Calendar"))
    active = YesNoFilter(field_name="is_active", label=_("Active"))

    class Meta:
        model = Policy
        fields: list[str] = []


class CalendarFilter(filters.FilterSet):
    """Calendars by name."""

    name = TextFilter(label=_("Name"))

    class Meta:
        model = Calendar
        fields: list[str] = []
