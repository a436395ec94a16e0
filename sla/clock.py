"""Working time: when a promise falls due, and how much of it has been used.

Pure interval arithmetic: no database, no reading of the present time. A wall minute is open by its local name, so an
hour that autumn repeats counts twice and one that spring skips counts never. Instants go in as aware datetimes of any
zone and come out in UTC, exact to the microsecond. The clock knows the years 1970 to 2099.

The one definition behind everything here:

    elapsed(start, end) = open time between start and end that no pause covers
    due_at(start, w)    = min {t : elapsed(start, t) ≥ w}

so a closing edge (Friday 17:00) is a valid due time, and `w = 0` gives `start`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from sla.timeline import EARLIEST, EPOCH, LATEST, SECOND, instant, merged
from sla.working_hours import Calendar, CalendarError, ClockError, gettext_noop, parse_calendar

__all__ = [
    "SEARCH_LIMIT",
    "Calendar",
    "CalendarError",
    "ClockError",
    "due_at",
    "elapsed",
    "is_open",
    "next_opening",
    "open_intervals",
    "parse_calendar",
]

SEARCH_LIMIT = timedelta(days=3653)
"""How far ahead a due time or an opening is looked for: ten years."""

Pauses = Iterable[tuple[datetime, datetime]]
MICROSECOND = timedelta(microseconds=1)


def due_at(calendar: Calendar, start: datetime, working_seconds: float, pauses: Pauses = ()) -> datetime:
    """The earliest instant, in UTC, by which `working_seconds` of open, unpaused time have passed since `start`.

    `pauses` are (from, to) pairs in any order; they may overlap each other and matter only where they overlap open
    time. Raises `ClockError` on a datetime without a zone or outside the clock's years, an amount that is negative or
    not finite, a pause that ends before it starts, and when the time is not reached within `SEARCH_LIMIT`.
    """
    begin = _micros(start, "start")
    if not (working_seconds >= 0 and math.isfinite(working_seconds)):
        raise ClockError("working_seconds", gettext_noop("The working time must be a number of seconds, 0 or more."))
    remaining = round(working_seconds * SECOND)
    if remaining == 0:
        return instant(begin)
    timeline = calendar.timeline
    limit = _limit_after(begin)
    for paused_from, paused_until in _paused_spans(pauses, begin, limit) if pauses else ():
        worked = timeline.worked(begin, paused_from)
        if worked >= remaining:
            break
        remaining -= worked
        begin = paused_until
    due = timeline.reach(begin, remaining, limit)
    if due is None:
        raise ClockError(
            "working_seconds",
            gettext_noop("This calendar does not open long enough within ten years. Shorten the time or add hours."),
        )
    return instant(due)


def elapsed(calendar: Calendar, start: datetime, end: datetime, pauses: Pauses = ()) -> float:
    """Seconds of open time from `start` to `end` that no pause covers; 0 when `end` is not after `start`.

    `pauses` as in `due_at`. Raises `ClockError` on a datetime without a zone or outside the clock's years, and on a
    pause that ends before it starts.
    """
    begin, finish = _micros(start, "start"), _micros(end, "end")
    if finish <= begin:
        return 0.0
    worked = calendar.timeline.worked
    total = worked(begin, finish)
    for paused_from, paused_until in _paused_spans(pauses, begin, finish) if pauses else ():
        total -= worked(paused_from, paused_until)
    return total / SECOND


def open_intervals(calendar: Calendar, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The open intervals between two instants, in UTC, in order, cut to them; intervals that touch are one.

    Raises `ClockError` on a datetime without a zone or outside the clock's years.
    """
    begin, finish = _micros(start, "start"), _micros(end, "end")
    if finish <= begin:
        return []
    return [(instant(since), instant(until)) for since, until in calendar.timeline.between(begin, finish)]


def next_opening(calendar: Calendar, at: datetime) -> datetime | None:
    """`at` itself when open then, else the next instant of opening, in UTC; None when none comes in `SEARCH_LIMIT`.

    Raises `ClockError` on a datetime without a zone or outside the clock's years.
    """
    moment = _micros(at, "at")
    # Time is counted in whole microseconds, so the first open one ends one microsecond after the opening.
    reached = calendar.timeline.reach(moment, 1, _limit_after(moment))
    return None if reached is None else instant(reached - 1)


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether an instant is working time. The opening edge is open, the closing edge is not.

    Raises `ClockError` on a datetime without a zone or outside the clock's years.
    """
    moment = _micros(at, "at")
    return calendar.timeline.is_open(moment)


def _micros(moment: datetime, name: str) -> int:
    micros = _micros_unbounded(moment, name)
    if not EARLIEST <= micros < LATEST:
        raise ClockError(name, gettext_noop("%(moment)s is outside the years 1970 to 2099."), moment=moment.isoformat())
    return micros


def _micros_unbounded(moment: datetime, name: str) -> int:
    try:
        gap = moment - EPOCH
    except TypeError:
        sentence = gettext_noop("%(moment)s names no time zone. Give a moment with its offset.")
        raise ClockError(name, sentence, moment=moment) from None
    return (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds


def _limit_after(begin: int) -> int:
    return min(begin + SEARCH_LIMIT // MICROSECOND, LATEST)


def _paused_spans(pauses: Pauses, since: int, until: int) -> list[tuple[int, int]]:
    spans = []
    for paused_from, paused_until in pauses:
        start, end = _micros_unbounded(paused_from, "pauses"), _micros_unbounded(paused_until, "pauses")
        if end < start:
            sentence = gettext_noop("The pause from %(start)s ends before it starts, at %(end)s.")
            raise ClockError("pauses", sentence, start=paused_from.isoformat(), end=paused_until.isoformat())
        start, end = max(start, since), min(end, until)
        if start < end:
            spans.append((start, end))
    return merged(spans)
