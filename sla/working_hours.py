"""What a calendar is, and how the working hours that people enter become one. Values only, no Django."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from zoneinfo import available_timezones

import holidays

from sla.timeline import Minutes, Timeline

WEEKDAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
CLOSED_WEEK: tuple[Minutes, ...] = ((),) * 7
# Names that mean "whatever this machine is set to": a calendar must say the same everywhere.
MACHINE_ZONES = {"localtime", "Factory"}
TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for extraction by `makemessages`; these modules themselves know no language but their own."""
    return sentence


class ClockError(ValueError):
    """A question that the clock cannot answer.

    `field` names the argument at fault, `str(error)` is the English sentence. To translate it:
    `gettext(error.sentence) % error.values`; a weekday in `error.values["day"]` is an English name too.
    """

    def __init__(self, field: str, sentence: str, **values: object) -> None:
        super().__init__(sentence % values)
        self.field = field
        self.sentence = sentence
        self.values = values


class CalendarError(ClockError):
    """Working hours from which no calendar can be made; `field` is the name of the calendar's field."""


@dataclass(frozen=True)
class Calendar:
    """When a team works. Not checked here: `parse_calendar` does that.

    `weekly` holds seven days, Monday first, each its open intervals in minutes after midnight (end excluded, 1440 is
    midnight), sorted and disjoint. `country` and `subdivision` choose public holidays of the package `holidays`;
    those and `closures` are closed. A day in `extra_days` has exactly the hours given there, whatever else holds for
    it; no hours close it. `always_open` overrides all of these. Treat `extra_days` as frozen like the rest.
    """

    time_zone: str
    always_open: bool = False
    weekly: tuple[Minutes, ...] = CLOSED_WEEK
    country: str = ""
    subdivision: str = ""
    closures: frozenset[date] = frozenset()
    extra_days: Mapping[date, Minutes] = field(default_factory=dict, hash=False)

    def hours_on(self, day: date) -> Minutes:
        """The open intervals of a local day, in minutes after midnight by the clock on the wall."""
        if self.always_open:
            return ((0, 1440),)
        if day in self.extra_days:
            return self.extra_days[day]
        if day in self.closures or day in holidays_of(self.country, self.subdivision, day.year):
            return ()
        return self.weekly[day.weekday()]

    @cached_property
    def timeline(self) -> Timeline:
        """The open time of this calendar on the UTC axis; equal calendars share one."""
        return _timeline_of(self)


@lru_cache(maxsize=256)
def _timeline_of(calendar: Calendar) -> Timeline:
    return Timeline(calendar.time_zone, calendar.hours_on, calendar.always_open)


@lru_cache(maxsize=4096)
def holidays_of(country: str, subdivision: str, year: int) -> frozenset[date]:
    """Public holidays of a year, observed days included as the package gives them; none without a country."""
    if not country:
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def parse_calendar(
    *,
    time_zone: str,
    always_open: bool = False,
    weekly: Mapping[str, object] | None = None,
    country: str = "",
    subdivision: str = "",
    closures: Iterable[object] = (),
    extra_days: Mapping[str, object] | None = None,
) -> Calendar:
    """A calendar from its JSON form.

    `weekly` maps "mon" to "sun" to intervals such as `[["09:00", "12:00"], ["13:00", "24:00"]]` (a day left out is
    closed), `extra_days` maps days such as "2026-12-05" to intervals, `closures` lists days, each "YYYY-MM-DD" or
    `{"date": "YYYY-MM-DD", "name": …}`. Intervals may come in any order; adjacent ones become one. Raises
    `CalendarError` on anything that is not so, on a zone, country or subdivision that is not known, and on a calendar
    that would never be open. The hours are checked even where `always_open` overrides them.
    """
    if not isinstance(time_zone, str) or time_zone not in _time_zones():
        sentence = gettext_noop("“%(value)s” is not a known time zone. Use a name such as Europe/Helsinki.")
        raise CalendarError("time_zone", sentence, value=time_zone)
    country, subdivision = _parsed_region(country, subdivision)
    week = _parsed_week(weekly)
    extra = _parsed_extra_days(extra_days)
    if not (always_open or any(week) or any(extra.values())):
        sentence = gettext_noop("This calendar would never be open. Give hours for at least one day of the week.")
        raise CalendarError("weekly", sentence)
    return Calendar(
        time_zone=time_zone,
        always_open=bool(always_open),
        weekly=week,
        country=country,
        subdivision=subdivision,
        closures=_parsed_closures(closures),
        extra_days=extra,
    )


@lru_cache(maxsize=1)
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - MACHINE_ZONES)


@lru_cache(maxsize=1)
def _regions() -> dict[str, list[str]]:
    # Codes only: names and three-letter aliases would give one calendar several spellings.
    regions: dict[str, list[str]] = holidays.list_supported_countries(include_aliases=False)
    return regions


def _parsed_region(country: str, subdivision: str) -> tuple[str, str]:
    country, subdivision = str(country or "").strip().upper(), str(subdivision or "").strip()
    if country and country not in _regions():
        sentence = gettext_noop("No public holidays are known for the country “%(value)s”. Use a code such as FI.")
        raise CalendarError("country", sentence, value=country)
    if subdivision and not country:
        raise CalendarError("subdivision", gettext_noop("Choose a country before one of its subdivisions."))
    if subdivision and subdivision not in _regions()[country]:
        sentence = gettext_noop("The country %(country)s has no subdivision “%(value)s” with holidays of its own.")
        raise CalendarError("subdivision", sentence, country=country, value=subdivision)
    return country, subdivision


def _parsed_week(weekly: object) -> tuple[Minutes, ...]:
    weekly = weekly or {}
    if not isinstance(weekly, Mapping):
        sentence = gettext_noop("The weekly hours must map days of the week, mon to sun, to lists of intervals.")
        raise CalendarError("weekly", sentence)
    for name in weekly:
        if name not in WEEKDAYS:
            sentence = gettext_noop("“%(value)s” is not a day of the week. Use mon, tue, wed, thu, fri, sat or sun.")
            raise CalendarError("weekly", sentence, value=name)
    return tuple(_parsed_hours("weekly", title, weekly.get(name)) for name, title in WEEKDAYS.items())


def _parsed_extra_days(extra_days: object) -> dict[date, Minutes]:
    extra_days = extra_days or {}
    if not isinstance(extra_days, Mapping):
        raise CalendarError("extra_days", gettext_noop("The extra days must map days to lists of intervals."))
    return {
        _parsed_day("extra_days", value): _parsed_hours("extra_days", str(value), hours)
        for value, hours in extra_days.items()
    }


def _parsed_closures(closures: object) -> frozenset[date]:
    if isinstance(closures, str | Mapping) or not isinstance(closures, Iterable):
        raise CalendarError("closures", gettext_noop("The closures must be a list of days."))
    return frozenset(
        _parsed_day("closures", item.get("date") if isinstance(item, Mapping) else item) for item in closures
    )


def _parsed_day(field: str, value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    problem = CalendarError(field, gettext_noop("“%(value)s” is not a day. Write it as 2026-12-31."), value=value)
    if not (isinstance(value, str) and DAY.fullmatch(value)):
        raise problem
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise problem from None


def _parsed_hours(field: str, day: str, hours: object) -> Minutes:
    """The intervals of one day, sorted and with adjacent ones joined. `day` is how the sentences call it."""
    if hours is None:
        return ()
    if not isinstance(hours, list | tuple):
        sentence = gettext_noop("The hours of %(day)s must be a list of intervals such as 09:00 to 17:00.")
        raise CalendarError(field, sentence, day=day)
    joined: list[tuple[int, int]] = []
    for start, end in sorted(_parsed_interval(field, day, interval) for interval in hours):
        if joined and start < joined[-1][1]:
            sentence = gettext_noop("Two intervals of %(day)s overlap: one starts at %(start)s, before %(end)s.")
            raise CalendarError(field, sentence, day=day, start=_written(start), end=_written(joined[-1][1]))
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _parsed_interval(field: str, day: str, interval: object) -> tuple[int, int]:
    if not isinstance(interval, list | tuple) or len(interval) != 2:
        sentence = gettext_noop("An interval of %(day)s must be a start and an end, such as 09:00 to 17:00.")
        raise CalendarError(field, sentence, day=day)
    start, end = (_parsed_time(field, day, value) for value in interval)
    if end <= start:
        sentence = gettext_noop("On %(day)s the end %(end)s is not after the start %(start)s. Midnight is 24:00.")
        raise CalendarError(field, sentence, day=day, start=interval[0], end=interval[1])
    return start, end


def _parsed_time(field: str, day: str, value: object) -> int:
    if not isinstance(value, str) or not TIME.fullmatch(value):
        sentence = gettext_noop("“%(value)s” of %(day)s is not a time. Write it as 09:00, or 24:00 for an end.")
        raise CalendarError(field, sentence, value=value, day=day)
    hours, minutes = value.split(":")
    return int(hours) * 60 + int(minutes)


def _written(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
