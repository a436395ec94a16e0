"""Geometry of the charts: from plain figures to positions that a template only writes down.

Positions across are in per cent and positions down in pixels, as strings ready for SVG attributes, so that a chart
fills whatever room its card has while its text keeps its size, and no locale puts a comma into a number.
Pure: no database, no Django, no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crm.meters import across, down, within

TOP_ROOM, PLOT_HEIGHT, AXIS_ROOM, MARK_LINE = 34, 128, 18, 16
GAP_SHARE = 0.06
HOUR_SECONDS = 3600
STEPS_SECONDS = (5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 57_600, 144_000, 288_000)


def anchor(share: float, *, edge: float = 0.14) -> str:
    """Which end of a label stands at its mark, so that it stays inside the chart: start, middle or end."""
    if share < edge:
        return "start"
    return "end" if share > 1 - edge else "middle"


# Histogram of response times.


@dataclass(frozen=True)
class Bin:
    """One bar: how many lie between its lower edge and the next."""

    edge: str
    """The lower edge as written below the axis; empty leaves it out."""
    count: int
    href: str = ""
    title: str = ""
    """The bar in words, for readers and the table: "3 to 4 h"."""


@dataclass(frozen=True)
class AxisMark:
    """A named position, in bars from the left: 3.5 is the middle of the fourth."""

    at: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Counts by equal steps, a limit between them, and marks such as the median below the axis."""

    bins: tuple[Bin, ...]
    last_edge: str = ""
    limit_at: float | None = None
    limit_label: str = ""
    within_label: str = ""
    after_label: str = ""
    marks: tuple[AxisMark, ...] = ()
    label: str = ""
    """The chart in one sentence, read aloud in its place."""
    step_heading: str = ""
    count_heading: str = ""


@dataclass(frozen=True)
class BarPlan:
    """One bar with its count above."""

    source: Bin
    x: str
    width: str
    y: str
    height: str
    label_x: str
    label_y: str
    is_after: bool

    @property
    def tone(self) -> str:
        """The tone of its count in the table."""
        return "red" if self.is_after else ""


@dataclass(frozen=True)
class LabelPlan:
    """A text with its place and the end that stands there."""

    x: str
    y: str
    text: str
    anchor: str = "middle"
    is_minor: bool = False
    """Left out where there is little room."""


@dataclass(frozen=True)
class HistogramPlan:
    """A histogram ready to be written down."""

    height: int
    baseline: str
    mark_end: str
    bars: tuple[BarPlan, ...]
    edges: tuple[LabelPlan, ...]
    limit_x: str | None
    limit_labels: tuple[LabelPlan, ...]
    within_label: LabelPlan | None
    after_label: LabelPlan | None
    marks: tuple[LabelPlan, ...]


def plan_histogram(chart: Histogram) -> HistogramPlan:
    """Bars from zero, as wide as the chart allows; those from the limit on are `is_after`."""
    total = len(chart.bins) or 1
    tallest = max((item.count for item in chart.bins), default=0) or 1
    baseline = TOP_ROOM + PLOT_HEIGHT
    bars = []
    for index, item in enumerate(chart.bins):
        height = item.count / tallest * PLOT_HEIGHT
        bars.append(
            BarPlan(
                source=item,
                x=across((index + GAP_SHARE / 2) / total),
                width=across((1 - GAP_SHARE) / total),
                y=down(baseline - height),
                height=down(height),
                label_x=across((index + 0.5) / total),
                label_y=down(baseline - height - 5),
                is_after=chart.limit_at is not None and index >= chart.limit_at,
            )
        )
    marks = _plan_marks(chart.marks, total=total, first_y=baseline + AXIS_ROOM + MARK_LINE - 2)
    lines = len({mark.y for mark in marks})
    limit = None if chart.limit_at is None else within(chart.limit_at / total)
    limit_labels, inside, after = _plan_limit(chart, limit)
    return HistogramPlan(
        height=baseline + AXIS_ROOM + lines * MARK_LINE,
        baseline=down(baseline),
        mark_end=down(baseline + 6),
        bars=tuple(bars),
        edges=_plan_edges(chart, total=total, y=down(baseline + 15)),
        limit_x=None if limit is None else across(limit),
        limit_labels=limit_labels,
        within_label=inside,
        after_label=after,
        marks=marks,
    )


def _plan_edges(chart: Histogram, *, total: int, y: str) -> tuple[LabelPlan, ...]:
    edges = [*(item.edge for item in chart.bins), chart.last_edge]
    last = len(edges) - 1
    return tuple(
        LabelPlan(
            x=across(i / total),
            y=y,
            text=text,
            anchor={0: "start", last: "end"}.get(i, "middle"),
            is_minor=i == last - 1 and last > 8,
        )
        for i, text in enumerate(edges)
        if text
    )


def _plan_limit(
    chart: Histogram, limit: float | None
) -> tuple[tuple[LabelPlan, ...], LabelPlan | None, LabelPlan | None]:
    """The limit's name and both counts: one on each side, or all to the left where the right has no room."""
    if limit is None:
        return (), None, None
    is_crowded = limit > 0.72
    right_x, right_anchor = (across(limit - 0.015), "end") if is_crowded else (across(limit + 0.015), "start")
    name = LabelPlan(x=right_x, y="10", text=chart.limit_label, anchor=right_anchor)
    after = LabelPlan(x=right_x, y="26", text=chart.after_label, anchor=right_anchor)
    left = LabelPlan(x=across(limit - (0.24 if is_crowded else 0.015)), y="10", text=chart.within_label, anchor="end")
    return (
        ((name,) if chart.limit_label else ()),
        left if chart.within_label and limit > 0.15 else None,
        after if chart.after_label else None,
    )


def _plan_marks(marks: Sequence[AxisMark], *, total: int, first_y: float) -> tuple[LabelPlan, ...]:
    """Labels below the axis; one that would touch the one before it goes a line lower."""
    planned: list[LabelPlan] = []
    previous, line = -1.0, 0
    for mark in sorted(marks, key=lambda item: item.at):
        share = within(mark.at / total)
        # Such a label is up to three fifths as wide as the chart of a phone.
        line = line + 1 if planned and share - previous < 0.6 else 0
        planned.append(
            LabelPlan(x=across(share), y=down(first_y + line * MARK_LINE), text=mark.label, anchor=anchor(share))
        )
        previous = share
    return tuple(planned)


# Delays: median and 90th percentile of a period against the one before.


@dataclass(frozen=True)
class Delay:
    """One measure; figures in seconds, words as they stand beside the bar."""

    name: str
    note: str
    median: float | None
    percentile_90: float | None
    before_median: float | None = None
    before_percentile_90: float | None = None
    limit: float | None = None
    median_text: str = ""
    median_change: str = ""
    percentile_text: str = ""
    percentile_change: str = ""
    few_text: str = ""
    """Says why there is no bar: too few to compare."""


@dataclass(frozen=True)
class DelayBars:
    """Several delays on one axis."""

    rows: tuple[Delay, ...]
    label: str = ""


@dataclass(frozen=True)
class DelayPlan:
    """One delay, ready to be written down; what is not known is None."""

    source: Delay
    median_x: str | None
    range_width: str | None
    before_median_x: str | None
    before_width: str | None
    limit_x: str | None


@dataclass(frozen=True)
class Tick:
    """A position on a time axis."""

    x: str
    seconds: int
    anchor: str
    is_minor: bool
    """Left out where there is little room."""


@dataclass(frozen=True)
class DelayBarsPlan:
    """Several delays on one axis, ready to be written down."""

    rows: tuple[DelayPlan, ...]
    ticks: tuple[Tick, ...]


def axis_seconds(largest: float, *, lines: int = 5) -> tuple[int, ...]:
    """Round positions from zero on that cover `largest` seconds with at most `lines` lines."""
    for step in STEPS_SECONDS:
        needed = int(-(-largest // step))
        if needed <= lines - 1:
            return tuple(step * i for i in range(max(needed, 1) + 1))
    step = int(-(-largest // (lines - 1)))
    return tuple(step * i for i in range(lines))


def plan_delay_bars(chart: DelayBars) -> DelayBarsPlan:
    """Dot at the median, bar to the 90th percentile, thin grey below it the period before."""
    known = [
        value
        for row in chart.rows
        for value in (row.median, row.percentile_90, row.before_median, row.before_percentile_90, row.limit)
        if value is not None
    ]
    ticks = axis_seconds(max(known, default=0) or HOUR_SECONDS)
    end = ticks[-1]

    def position(value: float | None) -> str | None:
        return None if value is None else across(within(value / end))

    rows = tuple(
        DelayPlan(
            source=row,
            median_x=position(row.median),
            range_width=position(row.percentile_90),
            before_median_x=position(row.before_median),
            before_width=position(row.before_percentile_90),
            limit_x=position(row.limit),
        )
        for row in chart.rows
    )
    last = len(ticks) - 1
    return DelayBarsPlan(
        rows=rows,
        ticks=tuple(
            Tick(
                x=across(value / end),
                seconds=value,
                anchor={0: "start", last: "end"}.get(i, "middle"),
                is_minor=i % 2 == 1 and last > 2,
            )
            for i, value in enumerate(ticks)
        ),
    )


# Course of one score.


@dataclass(frozen=True)
class CoursePoint:
    """The score at an instant; two points at one instant make a step."""

    at: datetime
    score: float


@dataclass(frozen=True)
class CourseMark:
    """What happened at an instant, named below the line."""

    at: datetime
    label: str


@dataclass(frozen=True)
class ScoreCourse:
    """A score over a period, with the lines it may cross."""

    points: tuple[CoursePoint, ...]
    thresholds: tuple[tuple[float, str], ...] = ()
    """(score, words), such as (60, "60 MQL")."""
    marks: tuple[CourseMark, ...] = ()
    start_label: str = ""
    end_label: str = ""
    label: str = ""
    when_heading: str = ""
    score_heading: str = ""


@dataclass(frozen=True)
class ThresholdPlan:
    """A level line and its name above it."""

    y: str
    label_y: str
    text: str


@dataclass(frozen=True)
class CoursePlan:
    """A course ready to be written down; `polyline` is drawn on a plane of 1000 across."""

    height: int
    plot_height: int
    plot_share: str
    polyline: str
    end_x: str
    end_y: str
    end_label: LabelPlan | None
    thresholds: tuple[ThresholdPlan, ...]
    marks: tuple[LabelPlan, ...] = field(default=())


COURSE_HEIGHT, COURSE_PLOT, COURSE_SHARE = 100, 84, 0.84
MARK_REACH = 0.32
"""How far left of its step, as a share of the period, the line stays above a label; to the right half as far."""


def plan_score_course(chart: ScoreCourse) -> CoursePlan:
    """A line over time from zero up; the last value stands at its end, in the room kept free at the right."""
    points = sorted(chart.points, key=lambda point: point.at)
    levels = [level for level, _words in chart.thresholds]
    top = max([*(point.score for point in points), *levels, 1.0]) * 1.12
    bottom = min([*(point.score for point in points), 0.0])
    start, end = (points[0].at, points[-1].at) if points else (None, None)

    def time_share(at: datetime) -> float:
        if start is None or end is None or end == start:
            return 1.0
        return within((at - start) / (end - start))

    def y_of(score: float) -> float:
        return (top - score) / (top - bottom) * COURSE_PLOT + 8

    last_y = y_of(points[-1].score) if points else y_of(0)
    return CoursePlan(
        height=COURSE_HEIGHT + MARK_LINE,
        plot_height=COURSE_HEIGHT,
        plot_share=across(COURSE_SHARE),
        polyline=" ".join(f"{time_share(point.at) * 1000:.1f},{y_of(point.score):.1f}" for point in points),
        end_x=across(COURSE_SHARE),
        end_y=down(last_y),
        end_label=LabelPlan(x=across(COURSE_SHARE), y=down(last_y + 4), text=chart.end_label, anchor="start")
        if chart.end_label and points
        else None,
        thresholds=tuple(
            ThresholdPlan(y=down(y_of(level)), label_y=down(y_of(level) - 4), text=words)
            for level, words in chart.thresholds
        ),
        marks=_plan_course_marks(chart, time_share, [(time_share(point.at), y_of(point.score)) for point in points]),
    )


def _plan_course_marks(
    chart: ScoreCourse, time_share: Callable[[datetime], float], line: Sequence[tuple[float, float]]
) -> tuple[LabelPlan, ...]:
    """The first day at the left, then what happened, each close below its step in the `line` of (share, y).

    A label that would touch a later one is left out.
    """
    lowest = COURSE_HEIGHT + MARK_LINE - 4
    planned = [LabelPlan(x="0%", y=down(lowest), text=chart.start_label, anchor="start")] if chart.start_label else []
    following = 2.0
    kept = []
    for mark in sorted(chart.marks, key=lambda item: item.at, reverse=True):
        at = time_share(mark.at)
        share = at * COURSE_SHARE
        if following - share < 0.16 or share < 0.2:
            continue
        near = [y for x, y in line if -MARK_REACH < x - at < MARK_REACH / 2]
        y = min(max(near, default=lowest) + MARK_LINE, lowest)
        kept.append(LabelPlan(x=across(share), y=down(y), text=mark.label, anchor="end" if share > 0.7 else "middle"))
        following = share
    return (*planned, *reversed(kept))
