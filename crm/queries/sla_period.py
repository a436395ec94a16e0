"""How promises were kept in a period, against the same length of time before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm import formats, statistics
from crm.charts import DelayBars, Histogram
from crm.models import User
from crm.queries import sla_charts, sla_groups, sla_wins, timers
from crm.queries.origins import Split
from crm.queries.timers import DECIDED, KEPT, Fact, Stopwatch
from crm.share_charts import Band, GroupBars, HeatTable
from crm.statistics import SMALLEST_SAMPLE
from sla.models import Milestone

FOUR_WEEKS = 28
LONGEST_DAYS = 366


@dataclass(frozen=True)
class Period:
    """Whole days, both included."""

    since: dt.date
    until: dt.date

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def before(self) -> Period:
        """The same number of days just before."""
        length = dt.timedelta(days=self.days)
        return Period(self.since - length, self.until - length)

    @property
    def words(self) -> str:
        """The days in words: "20 Oct – 16 Nov", with the years where these differ."""
        pattern = pgettext("date pattern: day and month", "j M")
        if self.since.year != self.until.year:
            pattern = pgettext("date pattern: day, month and year", "j M Y")
        return f"{date_format(self.since, pattern)} \u2013 {date_format(self.until, pattern)}"


def last_days(days: int, *, now: dt.datetime) -> Period:
    """So many days up to and including today."""
    today = timezone.localtime(now).date()
    return Period(today - dt.timedelta(days=days - 1), today)


@dataclass(frozen=True)
class Asked:
    """What a person wants to see."""

    period: Period
    milestone: Milestone = Milestone.CONTACT
    is_calendar_time: bool = False
    split: Split = Split.PERSON
    """By what the promises are told apart."""
    order: str = ""
    """The order of the groups, one of `sla_groups.ORDERS`, "-" before it for the largest first."""

    def address(self, **more: object) -> str:
        """The rows of the chosen promise that fell due in the period, further narrowed down."""
        return timers.address(
            milestone=self.milestone.value,
            by="due",
            since=self.period.since.isoformat(),
            until=self.period.until.isoformat(),
            **more,
        )


@dataclass(frozen=True)
class Share:
    """How many of those promises that were decided were kept."""

    kept: int
    of: int
    kept_href: str
    of_href: str

    @property
    def share(self) -> float | None:
        return self.kept / self.of if self.of else None

    @property
    def is_enough(self) -> bool:
        """Whether there are enough to compare."""
        return self.of >= SMALLEST_SAMPLE


@dataclass(frozen=True)
class Report:
    """The lower part of the page."""

    asked: Asked
    target_seconds: tuple[int, ...]
    """Every length that was promised to those of the period."""
    now: Share
    before: Share
    unmet: int
    """Missed and still not met: no time can be told for these."""
    unmet_href: str
    delays: DelayBars
    measured: int
    """How many handoffs the delays are of."""
    measured_href: str
    histogram: Histogram | None
    median: float | None
    groups: GroupBars
    arrivals: HeatTable
    bands: tuple[Band, ...]
    """Of the handoffs formed in the period, by how soon they were contacted."""

    @property
    def limit(self) -> int | None:
        """What was promised, when it was the same for all."""
        return self.target_seconds[0] if len(self.target_seconds) == 1 else None

    @property
    def late(self) -> int:
        """How many were not kept: met late, or missed."""
        return self.now.of - self.now.kept

    @property
    def measured_times_href(self) -> str:
        return self.asked.address(state=("met", "late"))

    @property
    def measured_times(self) -> int:
        """How many promises the histogram is of."""
        return sum(one.count for one in self.histogram.bins) if self.histogram else 0

    @cached_property
    def heading(self) -> str:
        """What was promised, in words: "Contacted within 8 h"."""
        if self.limit is None:
            return {
                Milestone.REVIEW: _("Reviewed in time"),
                Milestone.ANSWER: _("Answered in time"),
                Milestone.CONTACT: _("Contacted in time"),
                Milestone.MEETING: _("Meeting arranged in time"),
                Milestone.FOLLOW_UP: _("Followed up in time"),
            }[self.asked.milestone]
        return {
            Milestone.REVIEW: _("Reviewed within %(time)s"),
            Milestone.ANSWER: _("Answered within %(time)s"),
            Milestone.CONTACT: _("Contacted within %(time)s"),
            Milestone.MEETING: _("Meeting arranged within %(time)s"),
            Milestone.FOLLOW_UP: _("Followed up within %(time)s"),
        }[self.asked.milestone] % {"time": formats.duration(self.limit)}

    @property
    def change_points(self) -> float | None:
        """By how many points the share grew; None when either period has too few."""
        if not (self.now.is_enough and self.before.is_enough):
            return None
        return round(100 * ((self.now.share or 0) - (self.before.share or 0)), 1)

    @property
    def change(self) -> str:
        """The change in words."""
        points = self.change_points
        if points is None:
            return _("too few to compare")
        if points == 0:
            return _("no change")
        figure = formats.number(abs(points), decimals=1)
        return (_("%(n)s points better") if points > 0 else _("%(n)s points worse")) % {"n": figure}

    @property
    def change_tone(self) -> str:
        points = self.change_points or 0
        return "green" if points > 0 else "red" if points < 0 else "quiet"


def report(*, user: User, asked: Asked, now: dt.datetime) -> Report:
    """The figures of a period and of the one before, for what `user` may see: five queries, however many rows.

    Counted are the promises that fell due on a day of the period and are decided: kept, or not. One that is still open
    and not due yet, or was cancelled, is not. Every definition stands in docs/metrics.md.
    """
    both = _facts(user, asked, now=now)
    watch = Stopwatch([*both[0], *both[1]], is_calendar_time=asked.is_calendar_time)
    chosen, chosen_before = ([one for one in facts if one.milestone == asked.milestone] for facts in both)
    earlier = replace(asked, period=asked.period.before)
    unmet = [one for one in chosen if one.state == "missed"]
    targets = tuple(sorted({one.target_seconds for one in chosen}))
    took = sla_charts.times(chosen, watch)
    running = timers.timers_of(user, now=now).open().filter(milestone=asked.milestone)
    contacts = [_contacted(facts) for facts in both]
    return Report(
        asked=asked,
        target_seconds=targets,
        now=_share(chosen, asked),
        before=_share(chosen_before, earlier),
        unmet=len(unmet),
        unmet_href=asked.address(state="missed"),
        delays=sla_charts.delays(contacts[0], contacts[1], watch=watch, limit=_limit(contacts[0], asked)),
        measured=len(contacts[0]),
        measured_href=replace(asked, milestone=Milestone.CONTACT).address(state=("met", "late")),
        histogram=sla_charts.histogram(took, limit=_limit(chosen, asked), asked=asked) if took else None,
        median=statistics.median([seconds for _fact, seconds in took]),
        groups=sla_groups.groups(chosen, contacts[0], running=running, watch=watch, asked=asked),
        arrivals=sla_groups.arrivals(chosen, asked=asked),
        bands=sla_wins.bands(user=user, period=asked.period),
    )


def decided_of(user: User, asked: Asked, *, now: dt.datetime) -> list[Fact]:
    """The decided promises of the period, of the milestone that is asked for."""
    return [one for one in _facts(user, asked, now=now)[0] if one.milestone == asked.milestone]


def contacts_of(user: User, asked: Asked, *, now: dt.datetime) -> tuple[list[Fact], list[Fact]]:
    """The first contacts of the period, and of the one before, that were made: those of which delays are told."""
    now_facts, before = _facts(user, asked, now=now)
    return _contacted(now_facts), _contacted(before)


def _contacted(facts: Sequence[Fact]) -> list[Fact]:
    return [one for one in facts if one.milestone == Milestone.CONTACT and one.met_at]


def _facts(user: User, asked: Asked, *, now: dt.datetime) -> tuple[list[Fact], list[Fact]]:
    """The decided promises of the period and of the one before: of the chosen milestone, and first contacts."""
    wanted = sorted({asked.milestone.value, Milestone.CONTACT.value})
    rows = timers.timers_of(user, now=now).filter(timers.in_states(DECIDED), milestone__in=wanted)
    found = timers.facts_of(
        rows.filter(timers.on_days("due_at", asked.period.before.since, asked.period.until)), split=asked.split
    )
    first_day = timezone.make_aware(dt.datetime.combine(asked.period.since, dt.time()))
    return [one for one in found if one.due_at >= first_day], [one for one in found if one.due_at < first_day]


def _limit(facts: Sequence[Fact], asked: Asked) -> int | None:
    """The promised time, where one line can show it: the same for all, in working time."""
    targets = {one.target_seconds for one in facts}
    return targets.pop() if len(targets) == 1 and not asked.is_calendar_time else None


def _share(facts: Sequence[Fact], asked: Asked) -> Share:
    return Share(
        kept=sum(one.is_kept for one in facts),
        of=len(facts),
        kept_href=asked.address(state=KEPT),
        of_href=asked.address(state=DECIDED),
    )
