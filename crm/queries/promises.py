"""What is promised, to whom and in which working time: policies in their order, and calendars."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import holidays
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import formats
from crm.queries import timers
from leads import condition_words
from leads.conditions import parse_conditions
from sla import clock, ladder
from sla.models import Calendar, Milestone, Policy
from sla.working_hours import WEEKDAYS

SHORT_DAYS = (
    gettext_lazy("Mon"),
    gettext_lazy("Tue"),
    gettext_lazy("Wed"),
    gettext_lazy("Thu"),
    gettext_lazy("Fri"),
    gettext_lazy("Sat"),
    gettext_lazy("Sun"),
)
WEEKS_SHOWN = 4

# Policies -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PolicyRow:
    """One policy of a list."""

    policy: Policy
    conditions: tuple[str, ...]
    """For whom it holds, as sentences; none is for everybody."""
    ladder: str
    open_count: int
    open_href: str


@dataclass(frozen=True)
class PolicyGroup:
    """The policies of one milestone in the order in which they are asked."""

    milestone: Milestone
    rows: tuple[PolicyRow, ...]


def policies() -> tuple[PolicyGroup, ...]:
    """Every policy, by milestone, the active ones first in their order: three queries at most."""
    found: dict[str, list[PolicyRow]] = defaultdict(list)
    is_open = Q(timers__met_at=None, timers__cancelled_at=None, timers__isnull=False)
    rows = Policy.objects.select_related("calendar").annotate(open_count=Count("timers", filter=is_open))
    ordered = list(rows.order_by("-is_active", "position", "-id"))
    names = ladder.names_in(row.steps for row in ordered)
    for row in ordered:
        found[row.milestone].append(
            PolicyRow(
                policy=row,
                conditions=conditions_in_words(row.conditions),
                ladder=ladder_in_words(row.steps, names),
                open_count=row.open_count,
                open_href=timers.address(policy=row.pk, state="open"),
            )
        )
    return tuple(PolicyGroup(one, tuple(found[one.value])) for one in Milestone if found[one.value])


def conditions_in_words(conditions: Any) -> tuple[str, ...]:
    """Conditions as sentences."""
    return tuple(condition_words.whole_sentence(one) for one in parse_conditions(conditions))


def ladder_in_words(steps: Sequence[ladder.Step], names: ladder.Names) -> str:
    """What a ladder does, and when: "75 % owner, 100 % owner and manager, +2 h reassign". Empty is the standard one."""
    told: dict[str, list[str]] = defaultdict(list)
    for step in steps or ladder.STANDARD_STEPS:
        after = step.get("after_seconds")
        when = formats.percent(step["at_percent"] / 100) if after is None else f"+{formats.duration(after)}"
        if (what := step_in_words(step, names)) not in told[when]:
            told[when].append(what)
    return ", ".join(f"{when} {_(' and ').join(whats)}" for when, whats in told.items())


def step_in_words(step: ladder.Step, names: ladder.Names) -> str:
    """Whom a step tells, or what it does with the lead, in a word or two."""
    gone = _("manager")
    match step:
        case {"kind": "reassign"}:
            return _("reassign")
        case {"kind": "overflow", "team": team_id} if team_id in names.teams:
            return _("offer to %(team)s") % {"team": names.teams[team_id]}
        case {"kind": "overflow"}:
            return _("offer to another team")
        case {"to": "person", "person": person_id}:
            return str(names.people.get(person_id, gone))
        case {"to": "team", "team": team_id}:
            return str(names.teams.get(team_id, gone))
        case {"to": "owner"}:
            return _("owner")
    return gone


# Calendars ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CalendarRow:
    """One calendar of a list."""

    calendar: Calendar
    week: str
    policy_count: int


@dataclass(frozen=True)
class Day:
    """One day of a calendar as it will be."""

    date: dt.date
    hours: tuple[str, ...]
    """The open stretches, such as "09:00–17:00"."""
    short_hours: tuple[str, ...]
    """The same where room is scarce: "9–17"."""
    has_month: bool
    """Whether the month is to be named: the first day of a week or a month."""
    note: str
    """Why the day is unlike others of its weekday."""
    is_today: bool
    is_past: bool

    @property
    def is_open(self) -> bool:
        return bool(self.hours)


def calendars() -> list[CalendarRow]:
    """Every calendar with its week in words and how many active policies use it: one query."""
    rows = Calendar.objects.annotate(policy_count=Count("policies", filter=Q(policies__is_active=True)))
    return [CalendarRow(row, week_in_words(row), row.policy_count) for row in rows.order_by("name")]


def week_in_words(calendar: Calendar) -> str:
    """The hours of a week, days alike together: "Mon – Fri 09:00–17:00, Sat 10:00–14:00"."""
    if calendar.always_open:
        return _("always")
    parsed = calendar.parse()
    groups: list[tuple[int, int]] = []
    for day in range(7):
        if groups and parsed.weekly[groups[-1][0]] == parsed.weekly[day]:
            groups[-1] = (groups[-1][0], day)
        else:
            groups.append((day, day))
    said = []
    for first, last in groups:
        if hours := hours_in_words(parsed.weekly[first]):
            days = str(SHORT_DAYS[first]) if first == last else f"{SHORT_DAYS[first]} \u2013 {SHORT_DAYS[last]}"
            said.append(f"{days} {', '.join(hours)}")
    return ", ".join(said) or _("never by the week")


def hours_in_words(hours: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """Stretches given in minutes after midnight: "09:00–17:00"."""
    return tuple(f"{_time(start)}\u2013{_time(end)}" for start, end in hours)


def _time(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _short(minute: int) -> str:
    return str(minute // 60) if minute % 60 == 0 else f"{minute // 60}:{minute % 60:02}"


def coming_weeks(calendar: Calendar, *, now: dt.datetime) -> tuple[tuple[Day, ...], ...]:
    """This week and the next three, Monday first, by the days of the calendar's own zone."""
    parsed = calendar.parse()
    today = now.astimezone(zoneinfo.ZoneInfo(calendar.time_zone)).date()
    monday = today - dt.timedelta(days=today.weekday())
    days = [monday + dt.timedelta(days=number) for number in range(7 * WEEKS_SHOWN)]
    names = _names(calendar, years={day.year for day in days})
    made = [
        Day(
            date=day,
            hours=hours_in_words(parsed.hours_on(day)),
            short_hours=tuple(f"{_short(start)}\u2013{_short(end)}" for start, end in parsed.hours_on(day)),
            has_month=day.weekday() == 0 or day.day == 1,
            note=_note(parsed, day, names),
            is_today=day == today,
            is_past=day < today,
        )
        for day in days
    ]
    return tuple(tuple(made[start : start + 7]) for start in range(0, len(made), 7))


def _names(calendar: Calendar, *, years: set[int]) -> dict[dt.date, str]:
    """What closed days are called: those of the country, then the calendar's own."""
    names: dict[dt.date, str] = {}
    if calendar.country:
        found = holidays.country_holidays(calendar.country, subdiv=calendar.subdivision or None, years=sorted(years))
        names.update(found.items())
    for closure in calendar.closures:
        if isinstance(closure, dict):
            names[dt.date.fromisoformat(closure["date"])] = str(closure.get("name") or _("Closed"))
        else:
            names[dt.date.fromisoformat(closure)] = _("Closed")
    return names


def _note(parsed: clock.Calendar, day: dt.date, names: dict[dt.date, str]) -> str:
    if parsed.always_open:
        return ""
    return _("Extra day") if day in parsed.extra_days else names.get(day, "")


@dataclass(frozen=True)
class Trial:
    """What a clock would do that started then."""

    start: dt.datetime
    due_at: dt.datetime
    working_seconds: int
    calendar_seconds: float


def try_out(calendar: Calendar, *, start: dt.datetime, working_seconds: int) -> Trial:
    """When a promise made at `start` would fall due, by the function that the clocks use. Raises `clock.ClockError`."""
    due_at = clock.due_at(calendar.parse(), start, working_seconds)
    return Trial(start, due_at, working_seconds, (due_at - start).total_seconds())


def weekday_names() -> tuple[str, ...]:
    """The names of the days, Monday first, in the active language."""
    monday = dt.date(2024, 1, 1)
    pattern = "l"
    return tuple(
        date_format(timezone.make_aware(dt.datetime.combine(monday + dt.timedelta(days=i), dt.time(12))), pattern)
        for i in range(len(WEEKDAYS))
    )
