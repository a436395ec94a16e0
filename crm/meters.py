"""Geometry of the small bars in tables and lists, and how positions are written.

Positions across are in per cent and positions down in pixels, as strings ready for SVG attributes: a bar fills
whatever room it has, and no locale puts a comma into a number. Pure: no database, no Django, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass


def across(share: float) -> str:
    """A position or width across, from a share of the whole."""
    return f"{share * 100:.2f}%"


def down(pixels: float) -> str:
    """A position or height down, in pixels."""
    return f"{pixels:.1f}".removesuffix(".0")


def within(share: float) -> float:
    """A share brought back between 0 and 1."""
    return min(max(share, 0.0), 1.0)


@dataclass(frozen=True)
class MeterPlan:
    """A thin bar with a tick, or a full one with a notch."""

    fill: str
    tick: str | None
    notch: str | None


def plan_meter(*, share: float, tick: float | None = None, notch: float | None = None) -> MeterPlan:
    """A meter filled to `share`; with a `notch` (where the end was) it is full and has no tick."""
    if notch is not None:
        return MeterPlan(fill=across(1), tick=None, notch=across(within(notch)))
    return MeterPlan(fill=across(within(share)), tick=None if tick is None else across(within(tick)), notch=None)


@dataclass(frozen=True)
class ScoreBarPlan:
    """Fit, then engagement, on a scale that ends at twice the threshold."""

    fit_width: str
    engagement_x: str
    engagement_width: str
    tick: str


def plan_score_bar(*, fit: float, engagement: float, threshold: float) -> ScoreBarPlan:
    """Negative parts draw nothing; what exceeds twice the threshold is cut off."""
    scale = threshold * 2 if threshold > 0 else 100
    fit_end = within(fit / scale)
    end = within((max(fit, 0) + max(engagement, 0)) / scale)
    return ScoreBarPlan(
        fit_width=across(fit_end),
        engagement_x=across(fit_end),
        engagement_width=across(end - fit_end),
        tick=across(within(threshold / scale)),
    )


@dataclass(frozen=True)
class PointsBarPlan:
    """Points of one rule beside the largest of the list; `cut_width` is what a cap took."""

    kept_width: str
    cut_x: str
    cut_width: str | None
    is_minus: bool


def plan_points_bar(*, points: float, cut_points: float, largest: float) -> PointsBarPlan:
    """A bar as long as `points` on a scale up to `largest`."""
    kept = within(abs(points) / largest) if largest else 0.0
    cut = min(cut_points / largest, 1 - kept) if largest and cut_points > 0 else 0.0
    return PointsBarPlan(
        kept_width=across(kept), cut_x=across(kept), cut_width=across(cut) if cut > 0 else None, is_minus=points < 0
    )
