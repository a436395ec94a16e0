"""Whose turn it is: a rotation over people with weights, without database or clock.

Of `n` turns since the rotation began a person of weight `w`, among weights that add up to `W`, is due `n · w / W`. The
promise is that everybody is within one of that at every turn. Read as jobs, the person's turn `k` (from 0) may come at
turn `floor(k · W / w)` at the earliest and by turn `ceil((k + 1) · W / w)`: the windows of proportionate fairness
(Baruah, Cohen, Plaxton and Varvel, 1996), within which the earliest deadline first always succeeds.

Within those windows there is a choice, and it goes to whoever is furthest behind over all rotations: for each turn
everybody in the pool is credited their part of it, and who gets it is debited one. So ties rotate, and a pool that
changes with every lead, where each rotation ends after its first turn, is fair by weight in the long run too. Somebody
who is not in the pool is credited nothing: who comes back is not flooded.

A turn that is taken back stays counted and stands open, and the next lead of the rotation takes it up: so the promise
holds of the turns at every moment, and of the leads as soon as none is open. What is still open when the rotation
begins anew is credited to whoever lost it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_WEIGHT = 10


@dataclass(slots=True)
class Share:
    """One person's part: their weight (0: not in the pool now), their turns since the rotation began, by how much they
    are behind over all rotations, the number of their latest turn, and how many of their turns stand open.
    """

    weight: int = 0
    given: int = 0
    behind: float = 0.0
    last_turn: int = 0
    open: int = 0


@dataclass(slots=True)
class Rotation:
    """The shares by person, and the number of the latest turn ever given."""

    shares: dict[int, Share] = field(default_factory=dict)
    turn: int = 0

    @property
    def pool(self) -> dict[int, int]:
        """The weights of those among whom it rotates."""
        return {person: share.weight for person, share in self.shares.items() if share.weight}

    def whose_turn(self, pool: Mapping[int, int]) -> int:
        """The person whose turn is next among `pool`: weights of 1 and more by person, at least one."""
        is_same = dict(pool) == self.pool
        if is_same and (still_open := [one for one in pool if self.shares[one].open]):
            return min(still_open)
        behind = self._behind(settled=not is_same)
        given = {person: self.shares[person].given if is_same else 0 for person in pool}

        def furthest_behind(person: int) -> tuple[float, int, int]:
            share = self.shares.get(person, Share())
            # Rounded, so that what adds up to the same counts as the same.
            return -round(behind.get(person, 0), 6), share.last_turn, person

        return next(one for one in sorted(pool, key=furthest_behind) if _keeps_promise(given, pool, one))

    def give(self, person: int, pool: Mapping[int, int]) -> bool:
        """Count a turn for a person of `pool`; whether the rotation began anew, the pool being another than before."""
        is_new = dict(pool) != self.pool
        if is_new:
            behind = self._behind(settled=True)
            for one, share in self.shares.items():
                share.weight, share.given, share.open, share.behind = pool.get(one, 0), 0, 0, behind[one]
            for one in pool.keys() - self.shares.keys():
                self.shares[one] = Share(weight=pool[one])
        self.turn += 1
        total = sum(pool.values())
        for one, weight in pool.items():
            self.shares[one].behind += weight / total
        share = self.shares[person]
        share.given, share.behind, share.last_turn = share.given + 1, share.behind - 1, self.turn
        return is_new

    def take_up(self, person: int, pool: Mapping[int, int]) -> bool:
        """Fill a turn of the person that stands open; whether there was one among this very pool."""
        share = self.shares.get(person, Share())
        if dict(pool) != self.pool or not share.open:
            return False
        share.open -= 1
        return True

    def take_back(self, person: int) -> None:
        """Have one of the turns that the person was given since the rotation began stand open."""
        self.shares[person].open += 1

    def _behind(self, *, settled: bool) -> dict[int, float]:
        """By how much each is behind; `settled` as if the turns that stand open had not been."""
        if not settled:
            return {one: share.behind for one, share in self.shares.items()}
        never, total = sum(one.open for one in self.shares.values()), sum(self.pool.values()) or 1
        return {one: share.behind + share.open - never * share.weight / total for one, share in self.shares.items()}


def _keeps_promise(given: Mapping[int, int], pool: Mapping[int, int], person: int) -> bool:
    """Whether everybody can still be kept within one of what they are due, at every turn, if this one is the person's.

    Turn by turn to the end of the round, where all have exactly what they are due, the earliest deadline comes first;
    if that fails, nothing else succeeds.
    """
    total, counts = sum(pool.values()), dict(given)
    turn = sum(counts.values())
    if counts[person] * total >= (turn + 1) * pool[person]:
        return False
    end = (turn // total + 1) * total
    chosen = person
    while True:
        if -(-(counts[chosen] + 1) * total // pool[chosen]) <= turn:
            return False
        counts[chosen] += 1
        turn += 1
        if turn == end:
            return True
        may = (one for one in pool if counts[one] * total < (turn + 1) * pool[one])
        chosen = min(may, key=lambda one: -(-(counts[one] + 1) * total // pool[one]))
