"""Whether one share is clearly larger than another. Pure: no database, no Django, no clock."""

from __future__ import annotations

import math

CLEAR_Z = 2.326
"""The one-sided 1 % point of the normal distribution: of a hundred like groups about one is pointed out by chance."""
FEWEST = 10
"""Groups smaller than this are not compared."""
FEWEST_EXPECTED = 5.0


def two_proportion_z(*, hits: int, of: int, rest_hits: int, rest_of: int) -> float:
    """The statistic of the test of two proportions with a pooled variance; positive when the first share is larger.

    z = (p₁ − p₂) / √(p · (1 − p) · (1/n₁ + 1/n₂)) with p = (x₁ + x₂) / (n₁ + n₂); 0 when all or none are hits.
    Source: NIST/SEMATECH e-Handbook of Statistical Methods, section 7.3.3.
    """
    if not 0 <= hits <= of or not 0 <= rest_hits <= rest_of or not of or not rest_of:
        raise ValueError("Each group must have members, and not more hits than members.")
    pooled = (hits + rest_hits) / (of + rest_of)
    variance = pooled * (1 - pooled) * (1 / of + 1 / rest_of)
    return (hits / of - rest_hits / rest_of) / math.sqrt(variance) if variance > 0 else 0.0


def is_comparable(*, hits: int, of: int, rest_hits: int, rest_of: int) -> bool:
    """Whether both groups are large enough for the test: `FEWEST` members each, and `FEWEST_EXPECTED` hits and misses
    expected in each if their shares were the same, as the normal approximation asks."""
    if min(of, rest_of) < FEWEST:
        return False
    pooled = (hits + rest_hits) / (of + rest_of)
    return min(of, rest_of) * min(pooled, 1 - pooled) >= FEWEST_EXPECTED


def is_clearly_more(*, hits: int, of: int, rest_hits: int, rest_of: int) -> bool:
    """Whether the share of hits is clearly larger than among the rest; never where they cannot be compared."""
    if not is_comparable(hits=hits, of=of, rest_hits=rest_hits, rest_of=rest_of):
        return False
    return two_proportion_z(hits=hits, of=of, rest_hits=rest_hits, rest_of=rest_of) > CLEAR_Z


WILSON_Z = 1.96
"""The two-sided 5 % point of the normal distribution."""


def wilson_interval(*, hits: int, of: int) -> tuple[float, float]:
    """The interval in which a share lies 95 of 100 times, also for few and for shares near 0 and 1.

    (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n). Source: E. B. Wilson, Probable inference, the law of
    succession, and statistical inference, Journal of the American Statistical Association 22 (1927). Raises
    `ValueError`.
    """
    if not 0 <= hits <= of or not of:
        raise ValueError("There must be members, and not more hits than members.")
    share, z2 = hits / of, WILSON_Z**2
    middle = share + z2 / (2 * of)
    reach = WILSON_Z * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return max((middle - reach) / (1 + z2 / of), 0.0), min((middle + reach) / (1 + z2 / of), 1.0)
