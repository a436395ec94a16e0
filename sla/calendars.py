"""Writing working time, and what a change of it does to the clocks that run by it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid
from sla import clock, services
from sla.models import Calendar

if TYPE_CHECKING:
    from crm.models import User

FIELDS = ("name", "time_zone", "always_open", "weekly", "country", "subdivision", "closures", "extra_days")


@transaction.atomic
def create_calendar(*, actor: User, values: dict[str, Any]) -> Calendar:
    """Add a calendar. Managers and administrators. Raises `Forbidden`, `Invalid`."""
    _require_right(actor)
    calendar = Calendar(**_known(values))
    _check(calendar)
    calendar.save()
    return calendar


@transaction.atomic
def edit_calendar(*, actor: User, calendar_id: int, values: dict[str, Any], at: dt.datetime) -> Calendar:
    """Change a calendar; open clocks that run by it fall due by the new hours.

    Managers and administrators. Raises `Forbidden`, `Invalid`, `Calendar.DoesNotExist`.
    """
    _require_right(actor)
    calendar = Calendar.objects.select_for_update().get(id=calendar_id)
    changed = [name for name, value in _known(values).items() if getattr(calendar, name) != value]
    for name in changed:
        setattr(calendar, name, values[name])
    if not changed:
        return calendar
    _check(calendar)
    calendar.save(update_fields=changed)
    if changed != ["name"]:
        _move_clocks(calendar, at=at)
    return calendar


@transaction.atomic
def delete_calendar(*, actor: User, calendar_id: int) -> None:
    """Remove a calendar that no policy and no clock uses. Raises `Forbidden`, `Conflict`, `Calendar.DoesNotExist`."""
    _require_right(actor)
    calendar = Calendar.objects.select_for_update().get(id=calendar_id)
    try:
        calendar.delete()
    except ProtectedError:
        raise Conflict(_("Policies or clocks use this calendar, so it stays.")) from None


def require_reach(calendar: clock.Calendar, *, working_seconds: float, at: dt.datetime, field: str) -> None:
    """Raise `Invalid` unless a promise made now, or on any later day, can fall due in this working time.

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


def _require_right(actor: User) -> None:
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators set working time."))


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in FIELDS}


def _check(calendar: Calendar) -> None:
    try:
        calendar.parse()
    except clock.CalendarError as error:
        raise Invalid(worded(error), field=error.field) from None
    if Calendar.objects.filter(name__iexact=calendar.name).exclude(pk=calendar.pk).exists():
        raise Invalid(_("There is a calendar of this name already."), field="name")


def _move_clocks(calendar: Calendar, *, at: dt.datetime) -> None:
    """Let open clocks fall due by the calendar's new hours."""
    parsed = calendar.parse()
    for policy in calendar.policies.all():
        require_reach(parsed, working_seconds=policy.target_seconds, at=at, field="weekly")
    try:
        services.reschedule_calendar(calendar)
    except clock.ClockError as error:
        raise Invalid(worded(error), field="weekly") from None
