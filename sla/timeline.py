"""The open time of one calendar, laid out on the UTC axis so that adding it up is two binary searches.

Everything here counts in whole microseconds since 1970-01-01 UTC, as `int`, so that sums are exact. The open intervals
of a calendar are computed a UTC year at a time, when first asked for, and kept.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

Minutes = tuple[tuple[int, int], ...]
"""Open intervals of one local day: (start, end) in minutes after midnight, end excluded, sorted and disjoint."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1970, 2099
SECOND = 1_000_000
DAY_SECONDS = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
OFFSET_PROBE_SECONDS = 6 * 3600


def year_start(year: int) -> int:
    """Seconds from 1970 to the first instant of a UTC year."""
    return (date(year, 1, 1).toordinal() - EPOCH_ORDINAL) * DAY_SECONDS


def instant(micros: int) -> datetime:
    """The aware UTC datetime of a number of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


EARLIEST = year_start(FIRST_YEAR) * SECOND
LATEST = year_start(LAST_YEAR + 1) * SECOND


@lru_cache(maxsize=4096)
def offset_spans(time_zone: str, year: int) -> tuple[tuple[int, int, int], ...]:
    """The spans of a UTC year within which a zone keeps one offset: (from, to, offset), in seconds.

    `zoneinfo` does not list its transitions, so the offset is probed every six hours and a change between two probes
    is found by bisection. No zone has changed twice within six hours.
    """
    zone = ZoneInfo(time_zone)

    def offset_at(seconds: int) -> int:
        wall = datetime.fromtimestamp(seconds, zone).replace(tzinfo=UTC)
        return int(wall.timestamp()) - seconds

    spans = []
    since, end = year_start(year), year_start(year + 1)
    offset, probed = offset_at(since), since
    while probed < end:
        following = min(probed + OFFSET_PROBE_SECONDS, end)
        if offset_at(following) != offset:
            before, after = probed, following
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if offset_at(middle) == offset else (before, middle)
            if after < end:
                spans.append((since, after, offset))
                since, offset = after, offset_at(after)
        probed = following
    spans.append((since, end, offset))
    return tuple(spans)


class Chart(NamedTuple):
    """Open intervals between two instants: where each starts, ends, and how much was open before it."""

    since: int
    until: int
    starts: list[int]
    ends: list[int]
    before: list[int]


class Timeline:
    """Sums of open time of one calendar. Safe to share between threads: a wider chart replaces a narrower one whole."""

    def __init__(self, time_zone: str, hours_on: Callable[[date], Minutes], is_always_open: bool) -> None:
        self._time_zone = time_zone
        self._hours_on = hours_on
        self._is_always_open = is_always_open
        self._years: dict[int, list[tuple[int, int]]] = {}
        self._chart = Chart(0, 0, [], [], [])

    def chart(self, since: int, until: int) -> Chart:
        """A chart that covers both instants, which must lie between `EARLIEST` and `LATEST`."""
        chart = self._chart
        if chart.since <= since and until < chart.until:
            return chart
        first, last = instant(since).year, instant(until).year
        if chart.until > chart.since:
            first, last = min(first, instant(chart.since).year), max(last, instant(chart.until - 1).year)
        self._chart = chart = self._charted(first, min(last, LAST_YEAR))
        return chart

    def worked(self, since: int, until: int) -> int:
        """Open microseconds from one instant to a later one."""
        chart = self.chart(since, until)
        return _open_before(chart, until) - _open_before(chart, since)

    def reach(self, since: int, amount: int, limit: int) -> int | None:
        """The earliest instant by which `amount` (above 0) is open from `since` on; None if that is after `limit`."""
        horizon = since
        while True:
            chart = self.chart(since, horizon)
            target = _open_before(chart, since) + amount
            index = bisect_left(chart.before, target) - 1
            if index >= 0:
                reached = chart.starts[index] + target - chart.before[index]
                if reached <= chart.ends[index]:
                    return reached if reached <= limit else None
            if chart.until > limit:
                return None
            horizon = min(chart.until + (chart.until - since), limit)

    def between(self, since: int, until: int) -> list[tuple[int, int]]:
        """The open intervals between two instants, cut to them."""
        chart = self.chart(since, until)
        first, last = bisect_right(chart.ends, since), bisect_left(chart.starts, until)
        return [(max(chart.starts[index], since), min(chart.ends[index], until)) for index in range(first, last)]

    def is_open(self, moment: int) -> bool:
        """Whether an instant lies in an open interval, its end excluded."""
        chart = self.chart(moment, moment)
        index = bisect_right(chart.starts, moment) - 1
        return index >= 0 and moment < chart.ends[index]

    def _charted(self, first: int, last: int) -> Chart:
        starts: list[int] = []
        ends: list[int] = []
        before: list[int] = []
        total = 0
        for year in range(first, last + 1):
            if year not in self._years:
                self._years[year] = self._open_in(year)
            for start, end in self._years[year]:
                if ends and ends[-1] == start:
                    ends[-1] = end
                else:
                    starts.append(start)
                    ends.append(end)
                    before.append(total)
                total += end - start
        # The chart reaches one microsecond past the last year, so that LATEST itself can be asked for.
        until = year_start(last + 1) * SECOND
        return Chart(year_start(first) * SECOND, until + (last == LAST_YEAR), starts, ends, before)

    def _open_in(self, year: int) -> list[tuple[int, int]]:
        """The open intervals of a UTC year, in order.

        Within a span of one offset, local time is UTC plus that offset: the local hours are cut to the span and shifted
        back. An hour that two spans share by name is thus open in both, one that none contains in neither.
        """
        if self._is_always_open:
            return [(year_start(year) * SECOND, year_start(year + 1) * SECOND)]
        intervals = []
        for since, until, offset in offset_spans(self._time_zone, year):
            for day in range((since + offset) // DAY_SECONDS, (until + offset - 1) // DAY_SECONDS + 1):
                midnight = day * DAY_SECONDS - offset
                for start_minute, end_minute in self._hours_on(date.fromordinal(EPOCH_ORDINAL + day)):
                    start = max(midnight + start_minute * 60, since)
                    end = min(midnight + end_minute * 60, until)
                    if start < end:
                        intervals.append((start * SECOND, end * SECOND))
        return intervals


def _open_before(chart: Chart, moment: int) -> int:
    index = bisect_right(chart.starts, moment) - 1
    if index < 0:
        return 0
    start, end = chart.starts[index], chart.ends[index]
    return chart.before[index] + min(moment, end) - start


def merged(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of intervals as sorted, disjoint ones; adjacent ones become one."""
    union: list[tuple[int, int]] = []
    for start, end in sorted(pairs):
        if union and start <= union[-1][1]:
            if end > union[-1][1]:
                union[-1] = (union[-1][0], end)
        else:
            union.append((start, end))
    return union
