"""Tables that are charts: shares by group, counts by weekday and hour, shares by how soon somebody was answered.

As in `crm.charts`, positions are shares of the width, and figures stand in words beside every mark. Pure: no database,
no Django, no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crm.meters import across, within
from crm.statistics import SMALLEST_SAMPLE, Spread

# Shares by group.


@dataclass(frozen=True)
class GroupShare:
    """How many of one group's promises were in time, and how long they took; counts link to their rows."""

    name: str
    within: int
    of: int
    of_href: str = ""
    href: str = ""
    took: Spread = field(default_factory=Spread)
    delays: tuple[Spread, ...] = ()
    """System, human and total delay, where they are told."""
    late: int = 0
    late_href: str = ""
    open: int = 0
    open_href: str = ""

    @property
    def share(self) -> float:
        """The share in time, 0 to 1; 0 where there is nothing to count."""
        return self.within / self.of if self.of else 0.0


@dataclass(frozen=True)
class GroupBars:
    """Shares by group against what was promised."""

    rows: tuple[GroupShare, ...]
    total: GroupShare | None = None
    promised: float | None = None
    smallest_sample: int = SMALLEST_SAMPLE
    name_heading: str = ""
    share_heading: str = ""
    delay_headings: tuple[tuple[str, str], ...] = ()
    """(name, order) of each delay."""


@dataclass(frozen=True)
class GroupPlan:
    """One group, ready to be written down."""

    source: GroupShare
    width: str
    tick: str | None
    is_short: bool
    is_comparable: bool

    @property
    def late_tone(self) -> str:
        """The tone of the count of late ones."""
        return "red" if self.is_short else ""


def plan_group_bars(chart: GroupBars) -> tuple[GroupPlan, ...]:
    """A bar to the share, a tick at the promise; below the smallest sample there is no bar and no judgment.

    Red is kept for those more than ten points below the promise.
    """
    return tuple(
        GroupPlan(
            source=row,
            width=across(within(row.share)),
            tick=None if chart.promised is None else across(within(chart.promised)),
            is_short=chart.promised is not None and row.share < chart.promised - 0.1,
            is_comparable=row.of >= chart.smallest_sample,
        )
        for row in chart.rows
    )


# Counts by weekday and hour.

SHADES = 4


@dataclass(frozen=True)
class HeatCell:
    """How many arrived then, and how many of them were late."""

    count: int
    href: str
    late: int
    late_href: str
    shade: int = 0
    """From 0, nothing, to `SHADES`, the most of the table; the number says the same."""


@dataclass(frozen=True)
class HeatRow:
    """One weekday, its stretches of hours and their sum."""

    label: str
    cells: tuple[HeatCell, ...]
    total: HeatCell


@dataclass(frozen=True)
class HeatTable:
    """Counts by weekday and stretch of hours."""

    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    totals: tuple[HeatCell, ...]
    """One for each column, then one of all."""


def shade_of(count: int, most: int) -> int:
    """The shade of a count where the largest has `SHADES`: anything is at least 1."""
    return 0 if not count else max(1, -(-count * SHADES // most))


# Shares by how soon somebody was answered.


@dataclass(frozen=True)
class Band:
    """Those answered within a stretch of time: how many, how many of them were won, how many are not decided yet."""

    name: str
    of: int
    of_href: str
    won: int
    won_href: str
    open: int
    open_href: str
    low: float | None = None
    high: float | None = None
    """The interval in which the true share lies, 95 of 100 times."""

    @property
    def share(self) -> float:
        """The share won, 0 to 1; 0 where there is nothing to count."""
        return self.won / self.of if self.of else 0.0


@dataclass(frozen=True)
class BandPlan:
    """One band, ready to be written down; positions are None below the smallest sample."""

    source: Band
    width: str | None
    low_x: str | None
    high_x: str | None


def plan_bands(bands: Sequence[Band], *, smallest_sample: int = SMALLEST_SAMPLE) -> tuple[BandPlan, ...]:
    """Bars from zero on one axis, with the interval as a whisker; small ones have neither."""
    shown = [band for band in bands if band.of >= smallest_sample]
    end = max((band.high or band.share for band in shown), default=0.0) or 1.0

    def position(share: float | None) -> str:
        return across(within((share or 0.0) / end))

    return tuple(
        BandPlan(band, position(band.share), position(band.low), position(band.high))
        if band.of >= smallest_sample
        else BandPlan(band, None, None, None)
        for band in bands
    )
