"""What to do first: the one order of everything that waits for a salesperson, by what is lost by waiting.

Pure: no database, no Django, no clock. `docs/metrics.md` says the same in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

LEAST_STAKE = 0.1
AMOUNT_UNIT = 1000


class Tier(IntEnum):
    """How waiting costs; a lower tier comes first, whatever is at stake."""

    LATE = 0
    """What was promised for a time has not been done by then: every hour breaks the promise further."""
    PROMISED = 1
    """It is promised for a time that is still to come."""
    COLDER = 2
    """Nobody promised a time; it gets colder."""
    RESTING = 3
    """Its clock stands still: nothing is lost before that ends."""


@dataclass(frozen=True, order=True)
class Urgency:
    """Where something stands in the order; the least comes first.

    `cost` is in working hours, weighed by what is at stake: of what is late or gets colder the hours that have gone by
    times the stake, of what is promised the hours that are left divided by it, negative.
    """

    tier: Tier
    minus_cost: float
    tie: tuple[int, int]
    """What breaks a tie, so that the order is total and stays the same from one look to the next."""

    @property
    def cost(self) -> float:
        return -self.minus_cost


def stake_of(*, score: float, threshold: float, amount: float = 0.0) -> float:
    """What is at stake, as a weight: 1 is a lead that just became an MQL, without an offer.

    `score` in points over the `threshold` of an MQL; an open offer adds log10(1 + `amount` / 1,000), so that 10,000 of
    its currency weigh about as much as a lead at the threshold, and 100,000 twice that. At least 0.1.
    """
    of_score = score / threshold if threshold > 0 else 0.0
    return max(of_score + math.log10(1 + max(amount, 0.0) / AMOUNT_UNIT), LEAST_STAKE)


def urgency(
    *,
    stake: float,
    hours_left: float | None = None,
    hours_waiting: float = 0.0,
    is_resting: bool = False,
    tie: tuple[int, int],
) -> Urgency:
    """Where something stands that has `stake` (above 0) at stake.

    `hours_left` are the working hours until the time it is promised for, negative past it; None when no time was
    promised, and then `hours_waiting` are the working hours since it began to get colder. Of two that are late, the one
    with more hours times stake comes first; of two in time, the one with fewer hours left for its stake.
    """
    if is_resting:
        return Urgency(Tier.RESTING, hours_left or 0.0, tie)
    if hours_left is None:
        return Urgency(Tier.COLDER, -hours_waiting * stake, tie)
    if hours_left < 0:
        return Urgency(Tier.LATE, hours_left * stake, tie)
    return Urgency(Tier.PROMISED, hours_left / stake, tie)
