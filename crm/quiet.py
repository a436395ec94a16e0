"""When a person wants to be left alone: hours of the day by their own clock, and days out of office. Pure."""

from __future__ import annotations

import datetime as dt

Hours = tuple[dt.time, dt.time]
Span = tuple[dt.datetime, dt.datetime]


def free_from(at: dt.datetime, *, hours: Hours | None, away: Span | None, zone: dt.tzinfo) -> dt.datetime:
    """The first instant from `at` on that lies neither in the quiet hours nor within `away`; `at` itself when it does.

    `hours` begin and end by the local name of the minute and may span midnight, so an hour repeated in autumn is quiet
    twice, and one skipped in spring is not there. Their end is the first minute that is not quiet any more.
    """
    while True:
        if away and away[0] <= at < away[1]:
            at = away[1]
        if hours is None or not is_quiet(at, hours=hours, zone=zone):
            return at
        at = _end(at, hours=hours, zone=zone)


def is_quiet(at: dt.datetime, *, hours: Hours, zone: dt.tzinfo) -> bool:
    """Whether the local time of `at` lies within the quiet hours."""
    begin, end = hours
    clock = at.astimezone(zone).time()
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def _end(at: dt.datetime, *, hours: Hours, zone: dt.tzinfo) -> dt.datetime:
    """When the quiet hours end that `at` lies in."""
    local = at.astimezone(zone)
    day = local.date() if local.time() < hours[1] else local.date() + dt.timedelta(days=1)
    ends = (dt.datetime.combine(day, hours[1], tzinfo=zone).replace(fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    # Of an end that comes twice the first that is still ahead.
    return min(end for end in ends if end > at)
