"""Writing working time, and what a change of it does to the clocks that run by it."""

from __future__ import annotations

import datetime as dt

from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid
from sla import clock, services
from sla.models import Calendar


def save(calendar: Calendar, *, at: dt.datetime) -> int:
    """Write a new or changed calendar and move the open clocks that run on it; return how many were moved.

    Raises `Invalid` naming the field that is malformed, and when a policy on it could not be kept any more.
    """
    try:
        parsed = calendar.parse()
    except clock.CalendarError as error:
        raise Invalid(worded(error), field=error.field) from None
    if Calendar.objects.filter(name__iexact=calendar.name).exclude(pk=calendar.pk).exists():
        raise Invalid(_("There is a calendar of this name already."), field="name")
    if calendar._state.adding:
        calendar.save()
        return 0
    for policy in calendar.policies.all():
        require_reach(parsed, working_seconds=policy.target_seconds, at=at, field="weekly")
    calendar.save()
    try:
        return services.reschedule_calendar(calendar)
    except clock.ClockError as error:
        raise Invalid(worded(error), field="weekly") from None


def delete(calendar: Calendar) -> None:
    """Remove a calendar that no policy and no clock uses. Raises `Conflict`."""
    try:
        calendar.delete()
    except ProtectedError:
        raise Conflict(_("Policies or clocks use this calendar, so it stays.")) from None


def require_reach(calendar: clock.Calendar, *, working_seconds: float, at: dt.datetime, field: str) -> None:
    """Raise `Invalid` unless a promise made at `at`, or on any later day, can fall due in this working time.

    Extra days pass: without weekly hours there would come a day from which on no clock could be started.
    """
    if not (calendar.always_open or any(calendar.weekly)):
        raise Invalid(_("Clocks need a calendar that opens every week. Give it weekly hours."), field=field)
    try:
        clock.due_at(calendar, at, working_seconds)
    except clock.ClockError as error:
        raise Invalid(worded(error), field=field) from None


def worded(error: clock.ClockError) -> str:
    """The sentence of a refusal of the clock, in the reader's language."""
    return _(error.sentence) % error.values
