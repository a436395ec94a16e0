"""How often a report comes, when the next one does, and which days it is about. Pure."""

from __future__ import annotations

import datetime as dt

OFF, DAILY, WEEKLY = "off", "daily", "weekly"
MONDAY = 0


def next_at(after: dt.datetime, *, rhythm: str, hour: int, zone: dt.tzinfo) -> dt.datetime:
    """The first instant after `after` at which the local clock strikes `hour`: of any day, or of a Monday.

    An hour that is skipped in spring is taken as the one after it; of one that comes twice in autumn, the first.
    """
    day = after.astimezone(zone).date()
    while True:
        at = dt.datetime.combine(day, dt.time(hour), tzinfo=zone).astimezone(dt.UTC)
        if at > after and (rhythm == DAILY or day.weekday() == MONDAY):
            return at
        day += dt.timedelta(days=1)


def days_before(at: dt.datetime, *, rhythm: str, zone: dt.tzinfo) -> tuple[dt.date, dt.date]:
    """The days that a report made at `at` is about, both included: yesterday, or the last whole week."""
    today = at.astimezone(zone).date()
    if rhythm == DAILY:
        yesterday = today - dt.timedelta(days=1)
        return yesterday, yesterday
    monday = today - dt.timedelta(days=today.weekday())
    return monday - dt.timedelta(days=7), monday - dt.timedelta(days=1)
