"""Medians and percentiles, computed here alone so that every database and every page gets the same figure. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Spread:
    """How times are spread: how many they are, their median and 90th percentile; None without values."""

    n: int = 0
    median: float | None = None
    ninth: float | None = None


def spread(values: Sequence[float]) -> Spread:
    """The spread of values."""
    return Spread(len(values), median(values), percentile(values, 0.9))
