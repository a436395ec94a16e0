"""What rules would have done: the score of one contact lived through again, and what came of those it would have found.

Pure: no database, no Django, no clock. Instants are seconds since 1970 UTC.

How a past is lived through (`replay`). The score is looked at when it may have moved up or down: at the beginning of
the watch, just before and just after everything that happened, when the contact comes free, and, while a rule stands
below zero, every `LOOK_SECONDS` in between, because points lost fade too and may lift a score by time alone. Without
points below zero a score only falls in between, so nothing is missed; with them a crossing by time alone is found up
to `LOOK_SECONDS` late, and one that is over before the next look is not seen.

A threshold T is crossed at a look when the contact is armed for T and its score is T or more; crossing disarms, a look
at which the score is below T arms again. A request crosses every threshold and disarms for all. So what is armed is
told by one number, `level`: armed for T means `level < T`. After a look that promotes, `level` is the score itself;
after a request it is infinite; while the contact is not free to be promoted it is the least score seen. That is why
one pass answers for every threshold at once.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from scoring.engine import DAY_SECONDS

LOOK_SECONDS = 6 * 3600.0
FEWEST_OUTCOMES = 10
"""Fewer answers than these are not made into a share."""
TOP_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Fading:
    """How the points of one rule fade and what bounds them."""

    half_life_days: float
    cap: float | None = None
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened: points by the place of their rule, a new sum of what does not fade, or a request."""

    at: float
    gains: tuple[tuple[int, float], ...] = ()
    constant: float | None = None
    is_request: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """When crossings count: from `since` on and before `until`, once the contact is free to be promoted.

    A contact that came into being within the watch is watched from then on (`is_new`): it is armed, as everybody is at
    first.
    """

    since: float
    until: float
    free_from: float
    is_new: bool = False


@dataclass(slots=True)
class Found:
    """The first crossing of each threshold within the watch, None where there was none, and the highest score."""

    first: list[float | None]
    peak: float | None = None


def replay(
    rules: Sequence[Fading], steps: Sequence[Step], *, constant: float, thresholds: Sequence[float], watch: Watch
) -> Found:
    """Live through `steps`, in the order of their instants, and return the first crossing of each threshold.

    `constant` is what does not fade until a step says otherwise; `thresholds` rise. Steps of one instant are one look.
    What was reached before the watch is no crossing within it, and what happens after it does not count.
    """
    course = _Course(rules, constant)
    looks = _Looks(thresholds=thresholds, watch=watch, found=Found(first=[None] * len(thresholds)))
    following = bisect_left(steps, watch.since, key=_at)
    for step in steps[:following]:
        course.take(step)
    if watch.is_new:
        looks.look(watch.since, course.score(watch.since))
    else:
        looks.begin(course.score(watch.since))
    at = watch.since
    for instant, together in groupby(steps[following : bisect_left(steps, watch.until, key=_at)], key=_at):
        for between in _between(course, watch, since=at, until=instant):
            looks.look(between, course.score(between))
        looks.look(instant, course.score(instant))
        is_request = False
        for step in together:
            course.take(step)
            is_request = is_request or step.is_request
        looks.look(instant, course.score(instant), is_request=is_request)
        at = instant
    for between in _between(course, watch, since=at, until=watch.until):
        looks.look(between, course.score(between))
    return looks.found


def _at(step: Step) -> float:
    return step.at


def _between(course: _Course, watch: Watch, *, since: float, until: float) -> list[float]:
    """When to look while nothing happens: regularly where points below zero fade, and when the contact comes free."""
    instants = []
    if course.has_losses():
        count = math.ceil((until - since) / LOOK_SECONDS)
        instants = [since + LOOK_SECONDS * place for place in range(1, count)]
    if since < watch.free_from < until:
        instants.append(watch.free_from)
        instants.sort()
    return instants


class _Course:
    """The components of one contact as time goes on."""

    def __init__(self, rules: Sequence[Fading], constant: float) -> None:
        self.constant = constant
        self.rules = rules
        # By the place of the rule: points at an instant, before floor and cap, and that instant.
        self.raws: dict[int, tuple[float, float]] = {}

    def take(self, step: Step) -> None:
        for place, points in step.gains:
            raw, at = self.raws.get(place, (0.0, step.at))
            self.raws[place] = (raw * self._weight(place, step.at - at) + points, step.at)
        if step.constant is not None:
            self.constant = step.constant

    def score(self, at: float) -> float:
        total = self.constant
        for place, (raw, raw_at) in self.raws.items():
            points = raw * self._weight(place, at - raw_at)
            rule = self.rules[place]
            if rule.cap is not None and points > rule.cap:
                points = rule.cap
            elif rule.floor is not None and points < rule.floor:
                points = rule.floor
            total += points
        return total

    def has_losses(self) -> bool:
        return any(raw < 0 for raw, _at in self.raws.values())

    def _weight(self, place: int, seconds: float) -> float:
        # Underflow gives 0.0, which is what so old points are worth.
        return 2.0 ** (-seconds / (DAY_SECONDS * self.rules[place].half_life_days)) if seconds else 1.0


@dataclass(slots=True)
class _Looks:
    """What was seen so far."""

    thresholds: Sequence[float]
    watch: Watch
    found: Found
    level: float = -math.inf

    def begin(self, score: float) -> None:
        """The first look at a contact that was there before the watch."""
        self.level = score
        self.note(self.watch.since, score)

    def look(self, at: float, score: float, *, is_request: bool = False) -> None:
        if at < self.watch.free_from:
            self.level = min(self.level, score)
            return
        self.note(at, score)
        if not is_request and score <= self.level:
            self.level = score
            return
        first = self.found.first
        crossed = (
            range(len(first))
            if is_request
            else range(bisect_right(self.thresholds, self.level), bisect_right(self.thresholds, score))
        )
        for place in crossed:
            if first[place] is None:
                first[place] = at
        self.level = math.inf if is_request else score

    def note(self, at: float, score: float) -> None:
        """Keep the highest score seen while the contact was free."""
        if at >= self.watch.free_from and (self.found.peak is None or score > self.found.peak):
            self.found.peak = score


# What came of them ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """How many would have become MQL, and what came of those among them who were handed over."""

    mqls: int = 0
    accepted: int = 0
    refused: int = 0
    won: int = 0

    def add(self, *, is_accepted: bool, is_refused: bool, is_won: bool) -> None:
        """Count one contact; who won was accepted."""
        self.mqls += 1
        self.accepted += is_accepted
        self.refused += is_refused
        self.won += is_won

    @property
    def answered(self) -> int:
        """Those whom sales or marketing has judged; of the others nobody knows."""
        return self.accepted + self.refused

    @property
    def precision(self) -> float | None:
        """The share accepted of those judged, None below `FEWEST_OUTCOMES`."""
        return share(self.accepted, self.answered) if self.answered >= FEWEST_OUTCOMES else None


def share(part: int, whole: int) -> float | None:
    """Part of a whole, 0 to 1; None of nothing."""
    return part / whole if whole else None


@dataclass
class Lift:
    """How much denser good outcomes are among those scored highest. Keeps counts by whole points, not contacts."""

    bins: dict[int, list[int]] = field(default_factory=dict)

    def add(self, score: float, *, is_good: bool) -> None:
        """Count one contact under its score, rounded down to a whole point between −10,000 and 10,000."""
        counted = self.bins.setdefault(math.floor(min(max(score, -10_000.0), 10_000.0)), [0, 0])
        counted[0] += 1
        counted[1] += is_good

    def value(self, *, top: float = TOP_SHARE) -> float | None:
        """Share of good ones among the top of all, by score, divided by their share among all.

        Where the edge lies within a whole point, that point counts in proportion. None without a good one, or below
        `FEWEST_OUTCOMES` contacts.
        """
        total = sum(n for n, _good in self.bins.values())
        good = sum(good for _n, good in self.bins.values())
        if total < FEWEST_OUTCOMES or not good:
            return None
        room = total * top
        left, found = room, 0.0
        for points in sorted(self.bins, reverse=True):
            counted, good_here = self.bins[points]
            taken = min(left, counted)
            found += good_here * taken / counted
            left -= taken
            if left <= 0:
                break
        return (found / room) / (good / total)


def grid(first: float, second: float, *, most: int = 60) -> list[float]:
    """Thresholds for a curve: even steps from half the lower to half as much again as the higher, and both themselves.

    At most about `most` of them, at multiples of 1, 2, 5, 10 and so on.
    """
    low, high = sorted((first, second))
    span = max(high * 1.5 - low * 0.5, 1.0)
    step = next(size * 10**power for power in range(300) for size in (1, 2, 5) if span <= most * size * 10**power)
    start, end = math.floor(low * 0.5 / step), math.ceil(high * 1.5 / step)
    return sorted({float(place * step) for place in range(start, end + 1)} | {first, second})
