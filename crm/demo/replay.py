"""Living through past days in order: what is planned happens at its time, and between it time itself acts."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
from collections.abc import Callable

from django.db.models import Min

from crm import flows
from sla import clock
from sla.models import Timer

Act = Callable[[dt.datetime], None]
SWEEP_DELAY = dt.timedelta(seconds=3)
ROUTING_INTERVAL = dt.timedelta(minutes=30)
MORNING = dt.timedelta(hours=5)


class Replay:
    """A list of things to come, done in the order of their time; the sweeps run as they would have."""

    def __init__(self, *, since: dt.datetime, until: dt.datetime, hours: clock.Calendar) -> None:
        self.until = until
        self.hours = hours
        self._coming: list[tuple[dt.datetime, int, Act]] = []
        self._number = itertools.count()
        self._routed_at = since
        self._morning_at = since.replace(hour=0, minute=0, second=0, microsecond=0) + MORNING

    def plan(self, at: dt.datetime, act: Act) -> None:
        """Let `act` happen at `at`, or never when that is after the end."""
        if at <= self.until:
            heapq.heappush(self._coming, (at, next(self._number), act))

    def run(self) -> None:
        """Do everything that is planned, and what it leads to, up to the end."""
        while self._coming:
            at, _number, act = heapq.heappop(self._coming)
            self._pass_time(at)
            act(at)
        self._pass_time(self.until)
        flows.sweep_scores(at=self.until)

    # Working time ------------------------------------------------------------------------------------------------

    def after(self, at: dt.datetime, hours: float) -> dt.datetime:
        """The instant that lies `hours` of working time after `at`."""
        return clock.due_at(self.hours, at, hours * 3600)

    def hours_left(self, at: dt.datetime) -> float:
        """Hours of working time from `at` to the end."""
        return clock.elapsed(self.hours, at, self.until) / 3600

    def before(self, hours: float, *, end: dt.datetime | None = None) -> dt.datetime:
        """The latest instant from which exactly `hours` of working time pass until `end` (the end of all)."""
        end = end or self.until
        spans = clock.open_intervals(self.hours, end - dt.timedelta(days=30 + 2 * hours), end)
        left = dt.timedelta(hours=hours)
        for opened_at, closed_at in reversed(spans):
            if left < closed_at - opened_at:
                return closed_at - left
            left -= closed_at - opened_at
        return spans[0][0]

    # Sweeps ------------------------------------------------------------------------------------------------------

    def _pass_time(self, at: dt.datetime) -> None:
        while self._morning_at <= at:
            self._sweep_timers(self._morning_at)
            flows.resurface_due(at=self._morning_at)
            if self._morning_at.weekday() == 0:
                flows.sweep_scores(at=self._morning_at)
            self._morning_at += dt.timedelta(days=1)
        self._sweep_timers(at)
        if at - self._routed_at >= ROUTING_INTERVAL and clock.is_open(self.hours, at):
            flows.route_waiting(at=at)
            self._routed_at = at

    def _sweep_timers(self, at: dt.datetime) -> None:
        while True:
            first = Timer.objects.aggregate(first=Min("next_check_at"))["first"]
            if first is None or first + SWEEP_DELAY > at:
                return
            flows.sweep_timers(at=first + SWEEP_DELAY)
