"""Working time: calendars, the days they make, who uses them, and what a clock on one would do."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass

import holidays
from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from holidays.registry import COUNTRIES

from crm import formats
from crm.flows import moves
from crm.queries import timers
from sla import calendars as calendar_rows
from sla import clock
from sla.models import Calendar, ClockMove, Timer
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
DAY_SECONDS = 86_400


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
    shift: str
    """What its own clocks do that day where they are changed: "Clocks go back 1 h"."""
    length: str
    """How long it is then: "25 h"."""
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


def weeks_from(calendar: Calendar, *, since: dt.date | None, now: dt.datetime) -> tuple[tuple[Day, ...], ...]:
    """Four weeks, Monday first, by the days of the calendar's own zone: from this one, or that of `since`."""
    first = since or today_of(calendar, now=now)
    monday = first - dt.timedelta(days=first.weekday())
    made = days_of(calendar, since=monday, until=monday + dt.timedelta(days=7 * WEEKS_SHOWN - 1), now=now)
    return tuple(made[start : start + 7] for start in range(0, len(made), 7))


def today_of(calendar: Calendar, *, now: dt.datetime) -> dt.date:
    """The day it is at `now` where the calendar is kept."""
    return now.astimezone(zoneinfo.ZoneInfo(calendar.time_zone)).date()


def days_of(calendar: Calendar, *, since: dt.date, until: dt.date, now: dt.datetime) -> tuple[Day, ...]:
    """The days of a calendar from one to another, both included."""
    parsed, today = calendar.parse(), today_of(calendar, now=now)
    days = [since + dt.timedelta(days=number) for number in range((until - since).days + 1)]
    names = _names(calendar, years={day.year for day in days})
    return tuple(
        Day(
            date=day,
            hours=hours_in_words(parsed.hours_on(day)),
            short_hours=tuple(f"{_short(start)}\u2013{_short(end)}" for start, end in parsed.hours_on(day)),
            has_month=day.weekday() == 0 or day.day == 1,
            note=_note(parsed, day, names),
            shift=_shift(seconds),
            length=formats.duration(seconds) if seconds != DAY_SECONDS else "",
            is_today=day == today,
            is_past=day < today,
        )
        for day, seconds in ((day, _length(calendar.time_zone, day)) for day in days)
    )


def _length(time_zone: str, day: dt.date) -> float:
    """How many seconds a day of a zone has."""
    zone = zoneinfo.ZoneInfo(time_zone)
    since, until = (dt.datetime.combine(one, dt.time(), zone) for one in (day, day + dt.timedelta(days=1)))
    return until.timestamp() - since.timestamp()


def _shift(seconds: float) -> str:
    """What the clocks of a zone do on a day of so many seconds, where that is not 24 hours."""
    more = seconds - DAY_SECONDS
    if not more:
        return ""
    sentence = _("Clocks go back %(time)s") if more > 0 else _("Clocks go forward %(time)s")
    return sentence % {"time": formats.duration(more)}


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


@dataclass(frozen=True)
class Use:
    """What runs on a calendar, and what keeps it from being removed."""

    open_count: int
    open_href: str
    all_count: int
    all_href: str
    uses: tuple[str, ...]
    """What else keeps it, in words."""
    move: ClockMove | None
    """The latest move of its clocks, where it is not over."""

    @property
    def is_used(self) -> bool:
        """Whether it cannot be removed."""
        return bool(self.uses or self.all_count)


def use_of(calendar: Calendar) -> Use:
    """Who uses a calendar, by seven queries."""
    return Use(
        open_count=moves.timers_of(calendar=calendar).count(),
        open_href=timers.address(calendar=calendar.pk, state="open"),
        all_count=Timer.objects.filter(calendar=calendar).count(),
        all_href=timers.address(calendar=calendar.pk),
        uses=tuple(calendar_rows.users_of(calendar)),
        move=calendar.moves.filter(finished_at=None).first(),
    )


def countries() -> list[tuple[str, str]]:
    """The countries whose public holidays are known: code and English name."""
    return sorted((code, f"{name.replace('_', ' ').title()}") for name, (_class, code, *_rest) in COUNTRIES.items())


def subdivisions(country: str) -> list[str]:
    """The parts of a country that have holidays of their own."""
    return list(holidays.list_supported_countries(include_aliases=False).get(country, []))


def company_zone() -> str:
    """The time zone in which the company works: that of the calendar most promises are made in, else the site's own."""
    hours = Calendar.objects.filter(always_open=False).annotate(promises=Count("policies")).order_by("-promises", "id")
    first = hours.first()
    return first.time_zone if first else settings.TIME_ZONE
