"""Geometry of the chart of a threshold: what a version would find, and how good, had the threshold been another.

Two panels on one axis: the share accepted above, MQLs a week below, with what sales can take as a dashed line.
Positions as in `crm.charts`. Pure: no database, no Django, no clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from crm.charts import LabelPlan
from crm.meters import across, down, within

LEFT, RIGHT = 0.1, 0.78
TITLE_Y, PLOT_TOP, PLOT_HEIGHT, PANEL_GAP, AXIS_ROOM = 12, 26, 120, 40, 22
LABEL_GAP = 15
NEAR = 0.1


@dataclass(frozen=True)
class CurvePoint:
    """One threshold. `precision` is None where too few were judged."""

    threshold: float
    precision: float | None
    per_week: float


@dataclass(frozen=True)
class Curve:
    """One version over all thresholds, and the threshold it has."""

    name: str
    points: tuple[CurvePoint, ...]
    threshold: float
    threshold_text: str
    precision_text: str = ""
    per_week_text: str = ""


@dataclass(frozen=True)
class ThresholdChart:
    """The version in question, beside it the published one in grey, and how many a week sales can take."""

    curve: Curve
    before: Curve | None = None
    capacity: float | None = None
    capacity_lines: tuple[str, ...] = ()
    label: str = ""
    """The chart in one sentence, read aloud in its place."""


@dataclass(frozen=True)
class LinePlan:
    """A line of one version in one panel, in pieces where something is not known."""

    pieces: tuple[str, ...]
    is_old: bool
    name: LabelPlan | None
    own_x: str
    own_y: str | None
    own_label: LabelPlan | None


@dataclass(frozen=True)
class TickPlan:
    """A grid line and the value that it stands for."""

    y: str
    label_y: str
    value: float


@dataclass(frozen=True)
class MarkPlan:
    """A threshold below the axis; the version's own stands out."""

    label: LabelPlan
    is_own: bool


@dataclass(frozen=True)
class PanelPlan:
    """One panel: its ticks, and its lines, the older first."""

    title_y: str
    top: str
    ticks: tuple[TickPlan, ...]
    lines: tuple[LinePlan, ...]


@dataclass(frozen=True)
class ThresholdPlan:
    """The chart ready to be written down."""

    height: int
    left: str
    right: str
    width: str
    panel_height: int
    precision: PanelPlan
    per_week: PanelPlan
    own_x: str
    before_x: str | None
    top: str
    bottom: str
    marks: tuple[MarkPlan, ...]
    capacity_y: str | None
    beyond_height: str | None
    """How far the room above what sales can take reaches down, in pixels."""
    capacity_labels: tuple[LabelPlan, ...]


@dataclass(frozen=True)
class _Scale:
    """Values down one panel, `high` at its top."""

    top: float
    low: float
    high: float

    def y(self, value: float) -> float:
        return self.top + (self.high - value) / (self.high - self.low) * PLOT_HEIGHT


@dataclass(frozen=True)
class _Axis:
    """Thresholds across both panels."""

    low: float
    high: float

    def share(self, threshold: float) -> float:
        return within((threshold - self.low) / (self.high - self.low)) if self.high > self.low else 0.5

    def x(self, threshold: float) -> float:
        return LEFT + self.share(threshold) * (RIGHT - LEFT)


def plan_threshold(chart: ThresholdChart) -> ThresholdPlan:
    """Where everything stands. The share runs over round tens that hold the lines; the count from zero."""
    curves = [curve for curve in (chart.before, chart.curve) if curve is not None]
    points = [point for curve in curves for point in curve.points]
    axis = _Axis(min(point.threshold for point in points), max(point.threshold for point in points))
    second_top = PLOT_TOP + PLOT_HEIGHT + PANEL_GAP
    shares = _share_scale([point.precision for point in points if point.precision is not None])
    step, counts = _count_scale([*(point.per_week for point in points), (chart.capacity or 0) * 1.2], top=second_top)
    bottom = second_top + PLOT_HEIGHT
    capacity_y = None if chart.capacity is None else counts.y(chart.capacity)
    is_moved = chart.before is not None and chart.before.threshold != chart.curve.threshold
    return ThresholdPlan(
        height=bottom + AXIS_ROOM,
        left=across(LEFT),
        right=across(RIGHT),
        width=across(RIGHT - LEFT),
        panel_height=PLOT_HEIGHT,
        precision=PanelPlan(
            title_y=down(TITLE_Y),
            top=down(PLOT_TOP),
            ticks=_ticks(shares, [value / 100 for value in _round_values(shares.low * 100, shares.high * 100)]),
            lines=_lines(curves, axis, shares, is_share=True),
        ),
        per_week=PanelPlan(
            title_y=down(second_top - PLOT_TOP + TITLE_Y),
            top=down(second_top),
            ticks=_ticks(counts, [step * place for place in range(round(counts.high / step) + 1)]),
            lines=_lines(curves, axis, counts, is_share=False),
        ),
        own_x=across(axis.x(chart.curve.threshold)),
        before_x=across(axis.x(chart.before.threshold)) if chart.before and is_moved else None,
        top=down(PLOT_TOP),
        bottom=down(bottom),
        marks=_marks(chart, axis, y=down(bottom + 16)),
        capacity_y=None if capacity_y is None else down(capacity_y),
        beyond_height=None if capacity_y is None else down(capacity_y - second_top),
        capacity_labels=tuple(
            LabelPlan(x=across(RIGHT + 0.014), y=down((capacity_y or 0) + 4 + 14 * place), text=text, anchor="start")
            for place, text in enumerate(chart.capacity_lines if capacity_y is not None else ())
        ),
    )


def _share_scale(shares: Sequence[float]) -> _Scale:
    """From the round ten below the lowest to that above the highest share, twenty points at least."""
    low = math.floor(min(shares, default=0.0) * 10) * 10
    high = max(math.ceil(max(shares, default=1.0) * 10) * 10, low + 20)
    if high > 100:
        low, high = 80, 100
    return _Scale(top=PLOT_TOP, low=low / 100, high=high / 100)


def _count_scale(counts: Sequence[float], *, top: float) -> tuple[float, _Scale]:
    """From zero to the round number above the highest count, in at most four steps."""
    most = max([*counts, 1.0])
    step = _nice(most / 4)
    return step, _Scale(top=top, low=0.0, high=math.ceil(most / step) * step)


def _nice(least: float) -> float:
    """The least of 1, 2, 5, 10, … that is not below `least`."""
    return next(size * 10.0**power for power in range(300) for size in (1, 2, 5) if size * 10.0**power >= least)


def _round_values(low: float, high: float, *, most: int = 4) -> list[float]:
    """At most about `most` round steps from low to high, both kept when they are round."""
    step = _nice((high - low) / most)
    first = math.ceil(low / step)
    return [step * place for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _ticks(scale: _Scale, values: Sequence[float]) -> tuple[TickPlan, ...]:
    return tuple(TickPlan(y=down(scale.y(value)), label_y=down(scale.y(value) + 4), value=value) for value in values)


def _lines(curves: Sequence[Curve], axis: _Axis, scale: _Scale, *, is_share: bool) -> tuple[LinePlan, ...]:
    """The lines of a panel; the names at their ends keep apart."""
    lines = []
    taken: float | None = None
    for curve in reversed(curves):
        known = [
            (axis.share(point.threshold) * 1000, scale.y(value))
            if (value := point.precision if is_share else point.per_week) is not None
            else None
            for point in curve.points
        ]
        is_old = curve is not curves[-1]
        ends = [place[1] for place in known if place is not None]
        name_y = ends[-1] + 4 if ends else None
        if name_y is not None and taken is not None and abs(name_y - taken) < LABEL_GAP:
            name_y = taken + LABEL_GAP if name_y >= taken else taken - LABEL_GAP
        taken = name_y if taken is None else taken
        own = next((point for point in curve.points if point.threshold == curve.threshold), None)
        value = None if own is None else own.precision if is_share else own.per_week
        own_y = None if value is None else scale.y(value)
        lines.append(
            LinePlan(
                pieces=_pieces(known),
                is_old=is_old,
                name=LabelPlan(x=across(RIGHT + 0.014), y=down(name_y), text=curve.name, anchor="start")
                if name_y is not None and is_share
                else None,
                own_x=across(axis.x(curve.threshold)),
                own_y=None if own_y is None else down(own_y),
                own_label=None if own_y is None else _own_label(curve, curves, axis, own_y, is_share=is_share),
            )
        )
    return tuple(reversed(lines))


def _own_label(curve: Curve, curves: Sequence[Curve], axis: _Axis, own_y: float, *, is_share: bool) -> LabelPlan | None:
    """What a version reaches at its own threshold, on the side away from the other version's."""
    is_old = curve is not curves[-1]
    others = [other.threshold for other in curves if other is not curve]
    is_left = curve.threshold < others[0] if others else False
    if others and curve.threshold == others[0] and is_old:
        return None
    text = curve.precision_text if is_share else curve.per_week_text
    return LabelPlan(
        x=across(axis.x(curve.threshold) + (-0.014 if is_left else 0.014)),
        y=down(own_y - 8 if not is_share or is_left else own_y + 16),
        text=text,
        anchor="end" if is_left else "start",
    )


def _pieces(known: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    """Polylines of the places that are known, broken where one is not."""
    pieces: list[list[str]] = [[]]
    for place in known:
        if place is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{place[0]:.1f},{place[1]:.1f}")
    return tuple(" ".join(piece) for piece in pieces if len(piece) > 1)


def _marks(chart: ThresholdChart, axis: _Axis, *, y: str) -> tuple[MarkPlan, ...]:
    """Round thresholds below the axis, and the versions' own, which others make room for."""
    own = [chart.curve.threshold, *([chart.before.threshold] if chart.before else [])]
    kept = [
        MarkPlan(LabelPlan(x=across(axis.x(value)), y=y, text=f"{value:g}"), is_own=False)
        for value in _round_values(axis.low, axis.high, most=6)
        if all(abs(axis.share(value) - axis.share(other)) > NEAR for other in own)
    ]
    marks = [MarkPlan(LabelPlan(x=across(axis.x(own[0])), y=y, text=chart.curve.threshold_text), is_own=True)]
    if chart.before and abs(axis.share(own[0]) - axis.share(own[1])) > NEAR / 2:
        label = LabelPlan(x=across(axis.x(own[1])), y=y, text=chart.before.threshold_text)
        marks.append(MarkPlan(label, is_own=False))
    return (*kept, *marks)


@dataclass(frozen=True)
class Row:
    """One threshold of the table below the chart."""

    point: CurvePoint
    before: CurvePoint | None
    is_own: bool


def rows(chart: ThresholdChart) -> tuple[Row, ...]:
    """The same figures for a table: every fifth threshold, and those that the versions have."""
    before = {point.threshold: point for point in chart.before.points} if chart.before else {}
    own = {chart.curve.threshold, *([chart.before.threshold] if chart.before else [])}
    return tuple(
        Row(point=point, before=before.get(point.threshold), is_own=point.threshold == chart.curve.threshold)
        for place, point in enumerate(chart.curve.points)
        if place % 5 == 0 or point.threshold in own
    )
