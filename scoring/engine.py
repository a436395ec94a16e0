"""The arithmetic of a decaying score: plain values in, plain values out.

One rule's component for one contact is the sum of its activities' points, each halved every `H` days:

    raw(t) = Σ points · 2^(−(t − occurred_at) / H) = amount · 2^(−(t − reference_at) / H)
    amount = Σ points · 2^((occurred_at − reference_at) / H)

so that taking in an activity is one addition and nothing has to be recomputed as time goes by. A score is
`fit + adjustment + Σ clamp(raw, floor, cap)`; floor and cap are applied on reading, which makes the order of
arrival irrelevant. A clamped component never leaves its side of zero: a positive one only falls, a negative one
only rises, both towards 0. All bounds in this module rest on that.

How exact: `amount` is a double. For points of one sign the order and batching of additions change a component by
less than 1e-9 of its value; where points of both signs meet, by less than 1e-9 of the sum of their sizes. A component
answers for instants from its latest activity on; an earlier instant needs a replay of the activities up to it.
Instants are aware datetimes in any zone; a naive one raises `ValueError`.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY_SECONDS = 86_400
MIN_HALF_LIFE_DAYS = 1.0
# 2^±900 leaves room below 2^1023 for millions of points; PostgreSQL raises on underflow, so below counts 0.
EXPONENT_LIMIT = 900.0
# Half the limit: a stored amount then stays near 2^450, and what a reading 900 half-lives after the reference drops
# is below 2^-450 points. Rebasing only at 900 would drop the points of an activity that has just happened.
REBASE_EXPONENT = EXPONENT_LIMIT / 2
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MIN_CHECK_DELAY = timedelta(minutes=1)

_MICROSECOND = timedelta(microseconds=1)
_MAX_REFINEMENTS = 24


FIT_BANDS = (30.0, 20.0, 10.0)
"""Lowest fit of the letters A, B and C."""
ENGAGEMENT_BANDS = (45.0, 30.0, 15.0)
"""Lowest engagement of the digits 1, 2 and 3."""


@dataclass(frozen=True, slots=True)
class Term:
    """One rule's component: `amount` points at `reference_at`, half of them `half_life_days` later.

    `cap` and `floor` bound what is counted of it; None is unbounded. Raises `ValueError` unless
    `floor ≤ 0 ≤ cap`, the half-life is at least a day and the amount is a finite number.
    """

    amount: float
    reference_at: datetime
    half_life_days: float
    cap: float | None = None
    floor: float | None = None

    def __post_init__(self) -> None:
        _check_half_life(self.half_life_days)
        if not math.isfinite(self.amount):
            raise ValueError(f"The amount of a component must be a finite number, not {self.amount}.")
        if self.cap is not None and not self.cap >= 0:
            raise ValueError(f"The cap of a rule must be 0 or more, not {self.cap}.")
        if self.floor is not None and not self.floor <= 0:
            raise ValueError(f"The floor of a rule must be 0 or less, not {self.floor}.")


@dataclass(frozen=True, slots=True)
class TermPoints:
    """What one component is worth at an instant: `raw` decayed points, `points` of them counted."""

    raw: float
    points: float

    @property
    def is_capped(self) -> bool:
        """Whether the cap or the floor of the rule cut something."""
        return self.points != self.raw


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A score taken apart; `terms` stand in the order in which they were given."""

    engagement: float
    fit: float
    adjustment: float
    score: float
    terms: tuple[TermPoints, ...]


def weight(*, seconds: float, half_life_days: float) -> float:
    """Return `2^(seconds / (86400 · half_life_days))`, and 0.0 where the exponent is below −900.

    Raises `OverflowError` above 900: the caller has to choose a later reference first.
    """
    _check_half_life(half_life_days)
    exponent = seconds / (DAY_SECONDS * half_life_days)
    if exponent < -EXPONENT_LIMIT:
        return 0.0
    if exponent > EXPONENT_LIMIT:
        raise OverflowError(f"2^{exponent:.0f} is too large for a score; move the reference of the component first.")
    return 2.0**exponent


def add(
    *, amount: float, reference_at: datetime, points: float, occurred_at: datetime, half_life_days: float
) -> tuple[float, datetime]:
    """Take an activity's points into a stored component and return its new `(amount, reference_at)`.

    `amount + points · 2^((occurred_at − reference_at) / H)`. The reference stays where it is, so that a list of
    additions is a sum, until the activity lies more than 450 half-lives after it; then it moves to `occurred_at`.
    An empty component moves to an activity equally far before it too.
    """
    seconds = _seconds_between(reference_at, occurred_at)
    limit = REBASE_EXPONENT * DAY_SECONDS * half_life_days
    if seconds > limit or (amount == 0 and seconds < -limit):
        return amount * weight(seconds=-abs(seconds), half_life_days=half_life_days) + points, occurred_at
    return amount + points * weight(seconds=seconds, half_life_days=half_life_days), reference_at


def subtract(
    *, amount: float, reference_at: datetime, points: float, occurred_at: datetime, half_life_days: float
) -> tuple[float, datetime]:
    """Take back what `add` took in with the same arguments; what is left is exact to 1e-9 of what was there."""
    return add(
        amount=amount,
        reference_at=reference_at,
        points=-points,
        occurred_at=occurred_at,
        half_life_days=half_life_days,
    )


def combine(
    *, amount: float, reference_at: datetime, other_amount: float, other_reference_at: datetime, half_life_days: float
) -> tuple[float, datetime]:
    """Return `(amount, reference_at)` of two components of the same rule as one, whichever comes first.

    The later reference is kept, because points carried forward only shrink; an empty component has no say.
    """
    if other_amount == 0:
        return amount, reference_at
    if amount == 0:
        return other_amount, other_reference_at
    seconds = _seconds_between(reference_at, other_reference_at)
    carried = weight(seconds=-abs(seconds), half_life_days=half_life_days)
    if seconds >= 0:
        return other_amount + amount * carried, other_reference_at
    return amount + other_amount * carried, reference_at


def raw_at(term: Term, at: datetime) -> float:
    """Return `amount · 2^(−(at − reference_at) / H)`, before floor and cap.

    Raises `OverflowError` for an instant more than 900 half-lives before the reference of a non-empty component.
    """
    if term.amount == 0:
        return 0.0
    seconds = _seconds_between(term.reference_at, at)
    return term.amount * weight(seconds=-seconds, half_life_days=term.half_life_days)


def points_at(term: Term, at: datetime) -> float:
    """Return what counts of the component: `clamp(raw_at(term, at), floor, cap)`."""
    return _clamp(raw_at(term, at), term.floor, term.cap)


def score_at(*, terms: Iterable[Term], fit: float, adjustment: float, at: datetime) -> Breakdown:
    """Return the score at an instant, and what it is made of: `fit + adjustment + Σ points_at(term, at)`."""
    raws = [(term, raw_at(term, at)) for term in terms]
    parts = tuple(TermPoints(raw=raw, points=_clamp(raw, term.floor, term.cap)) for term, raw in raws)
    engagement = math.fsum(part.points for part in parts)
    return Breakdown(
        engagement=engagement, fit=fit, adjustment=adjustment, score=fit + adjustment + engagement, terms=parts
    )


def next_check_at(
    *,
    terms: Sequence[Term],
    constant: float,
    at: datetime,
    levels: Iterable[float],
    horizon_days: float = 3650,
) -> datetime | None:
    """Return an instant before which the score crosses none of the levels by time alone, or None if it never can.

    The score is `constant + Σ points_at(term, t)`; it stands on a level's upper side from `score ≥ level` on. With
    `falling` the positive and `rising` the negative components, for every instant u from `at` to t:

        constant + falling(t) + rising(at)  ≤  score(u)  ≤  constant + falling(at) + rising(t)

    so nothing is crossed before the lower bound falls below the nearest level beneath, or the upper one reaches the
    nearest level above. Where the bounds leave that open at t, they are taken anew from there. The answer may be
    early, is never late but for this: it is at least a minute ahead, and at most `horizon_days`. It is given in UTC.
    """
    instant = _utc(at)
    earliest_at, horizon_at = instant + MIN_CHECK_DELAY, instant + timedelta(days=horizon_days)
    above, below = _nearest_levels(_score(terms, constant, instant), levels)
    for _ in range(_MAX_REFINEMENTS):
        step = _safe_step(terms, constant, instant, horizon_at, above=above, below=below)
        if step is None:
            return None
        instant += step
        score = _score(terms, constant, instant)
        is_crossed = (above is not None and score >= above) or (below is not None and score < below)
        if is_crossed or step < MIN_CHECK_DELAY or instant >= horizon_at:
            break
    return max(instant, earliest_at)


def crosses_at(
    *, terms: Sequence[Term], constant: float, at: datetime, level: float, horizon_days: float = 3650
) -> datetime | None:
    """Return the first instant from `at` on at which the score is below the level, to the second, in UTC.

    The score is `constant + Σ points_at(term, t)`. `at` itself when it is below already, None when it does not get
    there within `horizon_days`. For a falling score (no negative component) this is exact. While negative components
    fade as well it may dip and recover; a dip shorter than a hundredth of the time until it may be passed over.
    """
    instant = start_at = _utc(at)
    horizon_at = start_at + timedelta(days=horizon_days)
    if _score(terms, constant, start_at) < level:
        return start_at
    while instant < horizon_at:
        step = _safe_step(terms, constant, instant, horizon_at, above=None, below=level)
        if step is None:
            return None
        reached_at = min(instant + max(step, timedelta(seconds=1), (instant - start_at) / 100), horizon_at)
        if _score(terms, constant, reached_at) < level:
            return _second_below(terms, constant, level, instant, reached_at)
        instant = reached_at
    return None


def grade(
    *,
    fit: float,
    engagement: float,
    fit_bands: Sequence[float] = FIT_BANDS,
    engagement_bands: Sequence[float] = ENGAGEMENT_BANDS,
) -> str:
    """Return fit as a letter A–D beside engagement as a digit 1–4: "A1" is best, "D4" the least.

    Bands are the lowest values of A, B, C and of 1, 2, 3. Raises `ValueError` unless they are three falling numbers.
    """
    for name, bands in (("fit", fit_bands), ("engagement", engagement_bands)):
        if len(bands) != 3 or not bands[0] > bands[1] > bands[2]:
            raise ValueError(f"The bands of {name} must be three falling numbers, not {tuple(bands)}.")
    letter = "ABCD"[sum(fit < band for band in fit_bands)]
    digit = 1 + sum(engagement < band for band in engagement_bands)
    return f"{letter}{digit}"


def window_start(*, occurred_at: datetime, within_days: int | None) -> datetime:
    """Return the start, in UTC, of the window in which an object counts once.

    Windows are `within_days` long and aligned to 1970-01-01 00:00 UTC, so that they do not depend on which activity
    came first; None is one window for ever, which starts at that instant.
    """
    if within_days is None:
        return EPOCH
    if within_days < 1:
        raise ValueError(f"A window must be at least one day long, not {within_days}.")
    length = timedelta(days=within_days)
    return EPOCH + (_utc(occurred_at) - EPOCH) // length * length


@dataclass(frozen=True, slots=True)
class _Part:
    """A component, or several that decay alike and are not cut, seen from one instant."""

    raw: float
    half_life_days: float
    cap: float | None
    floor: float | None

    def points_after(self, microseconds: int) -> float:
        raw = self.raw * weight(seconds=-microseconds / 1_000_000, half_life_days=self.half_life_days)
        return _clamp(raw, self.floor, self.cap)


def _parts(terms: Iterable[Term], at: datetime) -> list[_Part]:
    """Return the components as seen from `at`; those that decay alike and are not cut, now or later, as one.

    Joining them lets gains and losses of the same half-life cancel instead of widening the bounds.
    """
    free: dict[float, list[float]] = {}
    parts = []
    for term in terms:
        raw = raw_at(term, at)
        if _clamp(raw, term.floor, term.cap) == raw:
            free.setdefault(term.half_life_days, []).append(raw)
        else:
            parts.append(_Part(raw, term.half_life_days, term.cap, term.floor))
    parts.extend(_Part(math.fsum(raws), half_life_days, None, None) for half_life_days, raws in free.items())
    return parts


def _safe_step(
    terms: Sequence[Term],
    constant: float,
    at: datetime,
    horizon_at: datetime,
    *,
    above: float | None,
    below: float | None,
) -> timedelta | None:
    """Return how long after `at` neither bound meets its level: at most up to the horizon, None if they never do."""
    parts = _parts(terms, at)
    falling = [part for part in parts if part.raw > 0]
    rising = [part for part in parts if part.raw < 0]
    falling_now = math.fsum(part.points_after(0) for part in falling)
    rising_now = math.fsum(part.points_after(0) for part in rising)
    limit = max((horizon_at - at) // _MICROSECOND, 1)
    steps = []
    # Everything fades to 0, so the bound that counts for ever is the one with the fading side left out.
    if above is not None and constant + falling_now >= above:
        base = constant + falling_now
        steps.append(_first_true(lambda after: base + math.fsum(p.points_after(after) for p in rising) >= above, limit))
    if below is not None and constant + rising_now < below:
        floor = constant + rising_now
        steps.append(
            _first_true(lambda after: floor + math.fsum(p.points_after(after) for p in falling) < below, limit)
        )
    return timedelta(microseconds=min(steps)) if steps else None


def _second_below(
    terms: Sequence[Term], constant: float, level: float, known_at: datetime, below_at: datetime
) -> datetime:
    """Return the first whole second after `known_at` at which the score, below the level at `below_at`, is so."""
    seconds = _first_true(
        lambda after: _score(terms, constant, known_at + timedelta(seconds=after)) < level,
        math.ceil((below_at - known_at).total_seconds()),
    )
    return known_at + timedelta(seconds=seconds)


def _first_true(predicate: Callable[[int], bool], limit: int) -> int:
    """Return the least whole number from 0 for which the monotone predicate holds, `limit` if none below does."""
    if predicate(0):
        return 0
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        if predicate(middle):
            high = middle
        else:
            low = middle
    return high


def _nearest_levels(score: float, levels: Iterable[float]) -> tuple[float | None, float | None]:
    """Return the lowest level above the score and the highest it has reached: the others lie behind these."""
    known = list(levels)
    above = min((level for level in known if level > score), default=None)
    return above, max((level for level in known if level <= score), default=None)


def _score(terms: Iterable[Term], constant: float, at: datetime) -> float:
    return constant + math.fsum(points_at(term, at) for term in terms)


def _clamp(raw: float, floor: float | None, cap: float | None) -> float:
    if cap is not None and raw > cap:
        return cap
    if floor is not None and raw < floor:
        return floor
    return raw


def _check_half_life(half_life_days: float) -> None:
    if not (math.isfinite(half_life_days) and half_life_days >= MIN_HALF_LIFE_DAYS):
        raise ValueError(f"A half-life must be at least one day, not {half_life_days}.")


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone; give an aware datetime.")
    return instant.astimezone(UTC)


def _seconds_between(start_at: datetime, end_at: datetime) -> float:
    # By way of UTC: two datetimes of one zone subtract as wall clocks, an hour off across a change of summer time.
    return (_utc(end_at) - _utc(start_at)).total_seconds()
