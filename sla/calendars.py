"""Writing working time: calendars, who works by them, and what keeps one from being removed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.errors import Conflict, Invalid
from crm.models import Team
from leads.models import RoutingSettings
from sla import clock
from sla.models import Calendar, CalendarOf, Policy, Timer

HOURS = ("time_zone", "always_open", "weekly", "country", "subdivision", "closures", "extra_days")


def save(calendar: Calendar, *, at: dt.datetime) -> bool:
    """Write a new or changed calendar; return whether clocks may run otherwise on it than before.

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
        return False
    before = Calendar.objects.select_for_update(no_key=True).get(pk=calendar.pk)
    for seconds in _targets_on(calendar):
        require_reach(parsed, working_seconds=seconds, at=at, field="weekly")
    calendar.save()
    return any(getattr(before, name) != getattr(calendar, name) for name in HOURS)


def _targets_on(calendar: Calendar) -> list[int]:
    """What is promised in the time of a calendar: by its policies, and by those of its teams and people."""
    by_others = Q(calendar=calendar)
    if calendar.teams.exists() or calendar.people.exists():
        by_others |= ~Q(calendar_of=CalendarOf.NAMED)
    return list(Policy.objects.filter(by_others).values_list("target_seconds", flat=True).distinct())


def require_use(calendar: Calendar, *, at: dt.datetime) -> None:
    """Raise `Invalid` unless teams and people may work by a calendar: what is promised in their time falls due."""
    targets = Policy.objects.exclude(calendar_of=CalendarOf.NAMED).values_list("target_seconds", flat=True)
    for seconds in {*targets, 0}:
        require_reach(calendar.parse(), working_seconds=seconds, at=at, field="calendar")


def set_teams(calendar: Calendar, *, teams: Collection[Team], at: dt.datetime) -> None:
    """Let exactly these teams work by a saved calendar. Raises `Invalid`."""
    if teams:
        require_use(calendar, at=at)
    Team.objects.filter(calendar=calendar).exclude(id__in=[team.pk for team in teams]).update(calendar=None)
    Team.objects.filter(id__in=[team.pk for team in teams]).update(calendar=calendar)


def delete(calendar: Calendar) -> None:
    """Remove a calendar that nothing uses. Raises `Conflict`, which says what does."""
    uses = uses_of(calendar)
    if uses:
        raise Conflict(_("It stays, since it is in use: %(uses)s.") % {"uses": ", ".join(uses)})
    calendar.delete()


def uses_of(calendar: Calendar) -> list[str]:
    """What keeps a calendar from being removed, in words: "the policy “Answer”", "the team Sales", "12 clocks"."""
    uses = users_of(calendar)
    if clocks := Timer.objects.filter(calendar=calendar).count():
        counted = ngettext("%(n)d clock that runs or ran by it", "%(n)d clocks that run or ran by it", clocks)
        uses.append(counted % {"n": clocks})
    return uses


def users_of(calendar: Calendar) -> list[str]:
    """The policies, teams and people that use a calendar, in words."""
    uses = [_("the policy “%(name)s”") % {"name": one.name} for one in calendar.policies.all()]
    uses += [_("the team %(name)s") % {"name": one.name} for one in calendar.teams.all()]
    uses += [_("the working time of %(name)s") % {"name": one.name} for one in calendar.people.all()]
    if RoutingSettings.objects.filter(overflow_calendar=calendar).exists():
        uses.append(_("how long leads wait for somebody"))
    return uses


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
