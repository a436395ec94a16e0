"""The order of the inbox: total, the same at every look, and waiting never makes anything less urgent."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from crm.urgency import Tier, stake_of, urgency

HOURS = st.floats(min_value=-5000, max_value=5000, allow_nan=False)
STAKES = st.floats(min_value=0.1, max_value=10, allow_nan=False)
TIES = st.tuples(st.integers(0, 12), st.integers(1, 1000))


@st.composite
def waiting(draw):
    """What `urgency` takes for one thing: with a promised time, without one, or at rest."""
    values = {"stake": draw(STAKES), "tie": draw(TIES)}
    match draw(st.sampled_from(["promised", "colder", "resting"])):
        case "promised":
            return {**values, "hours_left": draw(HOURS)}
        case "colder":
            return {**values, "hours_waiting": abs(draw(HOURS))}
    return {**values, "hours_left": draw(HOURS), "is_resting": True}


def after(one, hours):
    """The same thing so many working hours later."""
    later = dict(one)
    if one.get("is_resting"):
        return later
    if "hours_left" in one:
        later["hours_left"] = one["hours_left"] - hours
    else:
        later["hours_waiting"] = one["hours_waiting"] + hours
    return later


@given(waiting(), st.floats(min_value=0, max_value=5000))
def test_waiting_never_makes_anything_less_urgent(one, hours):
    assert urgency(**after(one, hours)) <= urgency(**one)


@given(waiting(), waiting())
def test_of_two_things_one_comes_first(one, other):
    first, second = urgency(**one), urgency(**other)
    assert (first < second) + (second < first) + (first == second) == 1
    if one["tie"] != other["tie"]:
        assert first != second


@given(waiting(), waiting(), waiting())
def test_the_order_has_no_circles(one, other, third):
    for a, b, c in itertools.permutations([urgency(**each) for each in (one, other, third)]):
        if a <= b and b <= c:
            assert a <= c


@settings(max_examples=30)
@given(st.lists(waiting(), max_size=5, unique_by=lambda one: one["tie"]), st.randoms())
def test_the_order_is_the_same_however_the_things_were_found(things, random):
    shuffled = list(things)
    random.shuffle(shuffled)
    assert sorted(urgency(**one) for one in things) == sorted(urgency(**one) for one in shuffled)


@given(waiting(), st.floats(min_value=0, max_value=5))
def test_more_at_stake_is_never_less_urgent(one, more):
    assert urgency(**{**one, "stake": one["stake"] + more}) <= urgency(**one)


def test_what_is_late_comes_before_what_is_promised_and_that_before_what_gets_colder():
    late = urgency(stake=0.1, hours_left=-0.1, tie=(1, 1))
    promised = urgency(stake=10, hours_left=0.1, tie=(1, 1))
    colder = urgency(stake=10, hours_waiting=1000, tie=(1, 1))
    resting = urgency(stake=10, hours_left=-1000, is_resting=True, tie=(1, 1))
    assert [one.tier for one in sorted([resting, colder, promised, late])] == [
        Tier.LATE,
        Tier.PROMISED,
        Tier.COLDER,
        Tier.RESTING,
    ]


def test_the_cost_is_in_working_hours_weighed_by_the_stake():
    assert urgency(stake=2, hours_left=-3, tie=(1, 1)).cost == 6
    assert urgency(stake=2, hours_left=3, tie=(1, 1)).cost == -1.5
    assert urgency(stake=2, hours_waiting=3, tie=(1, 1)).cost == 6


def test_a_lead_at_the_threshold_weighs_one_and_an_offer_adds_by_its_size():
    assert stake_of(score=50, threshold=50) == 1
    assert stake_of(score=0, threshold=50) == 0.1
    assert stake_of(score=-30, threshold=50) == 0.1
    assert stake_of(score=50, threshold=50, amount=99_000) == 3
    assert stake_of(score=50, threshold=0, amount=9_000) == 1
