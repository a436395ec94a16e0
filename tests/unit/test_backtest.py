"""Living through a past again: against a slow machine that looks at one threshold at a time and adds everything up."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import backtest
from scoring.backtest import Fading, Lift, Step, Tally, Watch

HOUR, DAY = 3600.0, 86_400.0
RULES = (
    Fading(half_life_days=14, cap=20),
    Fading(half_life_days=3),
    Fading(half_life_days=30, floor=-25),
    Fading(half_life_days=7, cap=30, floor=-10),
)
POINTS = (8.0, 35.0, -20.0, 12.0)
THRESHOLDS = [0.0, 5.0, 20.0, 40.0, 60.0, 61.5, 90.0]


def score_by_hand(steps, *, constant, at, is_inclusive):
    """The sum over everything that happened, from nothing."""
    happened = [step for step in steps if step.at < at or (is_inclusive and step.at == at)]
    total = constant
    for step in happened:
        if step.constant is not None:
            total = step.constant
    for place, rule in enumerate(RULES):
        gains = [(points, step.at) for step in happened for at_place, points in step.gains if at_place == place]
        raw = math.fsum(points * 2 ** (-(at - gained_at) / DAY / rule.half_life_days) for points, gained_at in gains)
        low = -math.inf if rule.floor is None else rule.floor
        high = math.inf if rule.cap is None else rule.cap
        total += min(max(raw, low), high)
    return total


def first_crossing_by_hand(steps, *, constant, threshold, watch):
    """One threshold, one flag that says whether the contact is armed, one look after another."""

    def score(at, *, is_inclusive=True):
        return score_by_hand(steps, constant=constant, at=at, is_inclusive=is_inclusive)

    instants = sorted({step.at for step in steps if watch.since <= step.at < watch.until})
    looks = []
    edges = [watch.since, *instants, watch.until]
    for start, end in itertools.pairwise(edges):
        count = int((end - start) // backtest.LOOK_SECONDS) + 1
        regular = [start + backtest.LOOK_SECONDS * n for n in range(1, count + 1)]
        looks += [(at, True, False) for at in regular if at < end]
        if start < watch.free_from < end:
            looks.append((watch.free_from, True, False))
    for at in instants:
        is_request = any(step.is_request for step in steps if step.at == at)
        looks += [(at, False, False), (at, True, is_request)]
    looks.sort(key=lambda look: (look[0], look[1]))
    beginning = score(watch.since, is_inclusive=False)
    is_armed = watch.is_new or beginning < threshold
    if watch.is_new:
        looks.insert(0, (watch.since, False, False))
    for at, is_inclusive, is_request in looks:
        is_armed = is_armed or score(at, is_inclusive=is_inclusive) < threshold
        if at < watch.free_from:
            continue
        if is_request or (is_armed and score(at, is_inclusive=is_inclusive) >= threshold):
            return at
    return None


@st.composite
def pasts(draw):
    happened = draw(
        st.lists(
            st.tuples(
                st.integers(0, 60 * 24),
                st.lists(st.integers(0, len(RULES) - 1), max_size=3),
                st.sampled_from([None, None, None, -5.5, 12.25, 31.0]),
                st.sampled_from([False, False, False, False, True]),
            ),
            max_size=12,
        )
    )
    return [
        Step(
            at=hours * HOUR,
            gains=tuple((place, POINTS[place]) for place in places),
            constant=constant,
            is_request=is_request,
        )
        for hours, places, constant, is_request in sorted(happened, key=lambda one: one[0])
    ]


WATCHES = st.builds(
    lambda since, length, free_after, is_new: Watch(
        since=since * HOUR,
        until=(since + length) * HOUR,
        free_from=math.inf if free_after is None else (since + free_after) * HOUR,
        is_new=is_new,
    ),
    since=st.integers(0, 30 * 24),
    length=st.integers(1, 40 * 24),
    free_after=st.sampled_from([0, 0, 0, 1, 100, 500, None]),
    is_new=st.booleans(),
)


@given(steps=pasts(), watch=WATCHES, constant=st.sampled_from([-7.5, 0.0, 18.25, 63.0]))
def test_one_pass_finds_what_each_threshold_by_itself_finds(steps, watch, constant):
    found = backtest.replay(RULES, steps, constant=constant, thresholds=THRESHOLDS, watch=watch)
    by_hand = [
        first_crossing_by_hand(steps, constant=constant, threshold=threshold, watch=watch) for threshold in THRESHOLDS
    ]
    assert found.first == by_hand


def everything(*steps, constant=0.0, watch=None):
    watch = watch or Watch(since=0, until=100 * DAY, free_from=0)
    return backtest.replay(RULES, steps, constant=constant, thresholds=THRESHOLDS, watch=watch)


def test_who_was_above_before_the_period_crosses_only_after_having_cooled():
    first, again = Step(at=-DAY, gains=((1, 70.0),)), Step(at=30 * DAY, gains=((1, 70.0),))
    found = everything(first, Step(at=DAY, gains=((0, 5.0),)), again)
    assert found.first[THRESHOLDS.index(40.0)] == 30 * DAY


def test_a_request_crosses_every_threshold():
    found = everything(Step(at=DAY, is_request=True))
    assert found.first == [DAY] * len(THRESHOLDS)


def test_points_lost_that_fade_let_a_contact_cross_by_time_alone():
    lost = Step(at=0.0, gains=((2, -25.0),))
    found = everything(lost, constant=25.0)
    # 25 − 25 · 2^(−t/30) reaches 5 after 30 · log2(25/20) days.
    exactly_at = 30 * math.log2(25 / 20) * DAY
    crossed_at = found.first[THRESHOLDS.index(5.0)]
    assert exactly_at <= crossed_at < exactly_at + backtest.LOOK_SECONDS


def test_who_is_with_sales_is_found_when_coming_back():
    watch = Watch(since=0, until=100 * DAY, free_from=20 * DAY)
    found = everything(Step(at=DAY, gains=((0, 20.0), (3, 30.0))), constant=30.0, watch=watch)
    assert found.first[THRESHOLDS.index(40.0)] == 20 * DAY
    never = everything(Step(at=DAY, is_request=True), watch=Watch(since=0, until=DAY * 9, free_from=math.inf))
    assert never.first == [None] * len(THRESHOLDS)
    assert never.peak is None


def test_a_new_contact_is_armed_and_may_cross_by_fit_alone():
    assert everything(constant=41.0).first[THRESHOLDS.index(40.0)] is None
    new = Watch(since=0, until=DAY, free_from=0, is_new=True)
    assert everything(constant=41.0, watch=new).first[THRESHOLDS.index(40.0)] == 0


def test_precision_is_over_those_judged_and_needs_enough_of_them():
    tally = Tally()
    for _ in range(6):
        tally.add(is_accepted=True, is_refused=False, is_won=True)
    for _ in range(3):
        tally.add(is_accepted=False, is_refused=True, is_won=False)
    assert (tally.answered, tally.precision) == (9, None)
    tally.add(is_accepted=False, is_refused=True, is_won=False)
    tally.add(is_accepted=False, is_refused=False, is_won=False)
    assert (tally.mqls, tally.answered, tally.won, tally.precision) == (11, 10, 6, 0.6)


def test_lift_of_a_perfect_order_is_five_and_of_no_order_is_one():
    perfect, flat = Lift(), Lift()
    for place in range(100):
        perfect.add(float(place), is_good=place >= 80)
        flat.add(7.25, is_good=place >= 80)
    assert perfect.value() == pytest.approx(5)
    assert flat.value() == pytest.approx(1)
    assert Lift().value() is None


@given(
    st.lists(st.tuples(st.integers(-50, 200), st.booleans()), min_size=10, max_size=60, unique_by=lambda one: one[0])
)
def test_lift_is_that_of_a_sorted_list(cases):
    lift = Lift()
    for score, is_good in cases:
        lift.add(float(score), is_good=is_good)
    good = sum(is_good for _score, is_good in cases)
    ordered = [is_good for _score, is_good in sorted(cases, reverse=True)]
    room = len(cases) * 0.2
    whole = int(room)
    found = sum(ordered[:whole]) + (room - whole) * (ordered[whole] if whole < len(ordered) else 0)
    if not good:
        assert lift.value() is None
    else:
        assert lift.value() == pytest.approx((found / room) / (good / len(cases)))


@given(st.floats(0, 500), st.floats(0, 500))
def test_a_grid_rises_holds_both_thresholds_and_stays_small(first, second):
    found = backtest.grid(first, second)
    assert found == sorted(set(found))
    assert {first, second} <= set(found)
    assert len(found) <= 64
