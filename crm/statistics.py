"""Medians and percentiles, computed here alone so that every database and every page gets the same figure. Pure."""

from __future__ import annotations

from collections.abc import Sequence

SMALLEST_SAMPLE = 5
"""Fewer than these are not compared: the page says "too few to compare"."""


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of `values` lie, interpolated between neighbors; None without values.

    The definition of SQL's `percentile_cont`: in order, numbered from 0 to n − 1, the value at `share · (n − 1)`.
    """
    if not values:
        return None
    if not 0 <= share <= 1:
        raise ValueError("share lies between 0 and 1")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def median(values: Sequence[float]) -> float | None:
    """The middle value; None without values."""
    return percentile(values, 0.5)
