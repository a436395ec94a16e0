"""Whose turn it is, against an oracle that counts by itself with exact fractions."""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.rotation import MOST_WEIGHT, Rotation

pools = st.dictionaries(st.integers(1, 9), st.integers(1, MOST_WEIGHT), min_size=1, max_size=9)


def take(rotation: Rotation, pool: dict[int, int]) -> int:
    person = rotation.whose_turn(pool)
    rotation.give(person, pool)
    return person


@given(pool=pools, turns=st.integers(1, 120))
def test_with_a_constant_pool_everybody_is_within_one_of_what_they_are_due_at_every_turn(pool, turns):
    rotation, counted = Rotation(), Counter()
    for turn in range(1, turns + 1):
        counted[take(rotation, pool)] += 1
        for person, weight in pool.items():
            assert abs(counted[person] - Fraction(turn * weight, sum(pool.values()))) < 1
    assert {person: share.given for person, share in rotation.shares.items()} == {one: counted[one] for one in pool}


@given(pool=pools)
def test_after_a_whole_round_everybody_has_exactly_their_weight(pool):
    rotation = Rotation()
    assert Counter(take(rotation, pool) for _turn in range(sum(pool.values()))) == Counter(pool)


@given(changes=st.lists(st.tuples(pools, st.integers(1, 30)), min_size=1, max_size=12))
def test_where_the_pool_changes_the_rotation_begins_anew_and_stays_fair(changes):
    rotation, before, counted = Rotation(), None, Counter()
    for pool, turns in changes:
        if pool != before:
            before, counted = pool, Counter()
        for _turn in range(turns):
            counted[take(rotation, pool)] += 1
            total = sum(counted.values())
            for person, weight in pool.items():
                assert abs(counted[person] - Fraction(total * weight, sum(pool.values()))) < 1
                assert rotation.shares[person].given == counted[person]
        assert rotation.pool == pool
    assert rotation.turn == sum(turns for _pool, turns in changes)


@given(pool=pools, back=st.lists(st.booleans(), min_size=1, max_size=80), chance=st.randoms(use_true_random=False))
def test_what_is_taken_back_is_taken_up_by_the_next_lead_and_all_stays_within_one(pool, back, chance):
    rotation, leads = Rotation(), []
    for is_taken_back in back:
        if is_taken_back and leads:
            rotation.take_back(leads.pop(chance.randrange(len(leads))))
            continue
        person = rotation.whose_turn(pool)
        was_open = any(share.open for share in rotation.shares.values())
        assert rotation.take_up(person, pool) is was_open
        if not was_open:
            rotation.give(person, pool)
        leads.append(person)
    counted, total = Counter(leads), sum(pool.values())
    for person, share in rotation.shares.items():
        assert share.given == counted[person] + share.open
        assert abs(share.given - Fraction(rotation.turn * pool[person], total)) < 1
    assert sum(share.open for share in rotation.shares.values()) == rotation.turn - len(leads)


def test_a_turn_that_is_open_when_the_pool_changes_is_made_up_for():
    rotation = Rotation()
    assert [take(rotation, {1: 1, 2: 1, 3: 1}) for _turn in range(3)] == [1, 2, 3]
    rotation.take_back(3)
    assert [take(rotation, {1: 1, 2: 1, 3: 1, 4: 1}) for _turn in range(2)] == [3, 4]
    assert round(sum(share.behind for share in rotation.shares.values()), 9) == 0


def test_equals_take_turns_and_ties_rotate():
    rotation = Rotation()
    assert [take(rotation, {1: 1, 2: 1, 3: 1}) for _turn in range(7)] == [1, 2, 3, 1, 2, 3, 1]


def test_a_pool_that_changes_with_every_lead_still_goes_round():
    """Every rotation begins with somebody else, and weights hold though each ends after its first turn."""
    rotation = Rotation()
    pools = ({1: 2, 2: 1, 3: 1, 4: 1}, {1: 2, 2: 1, 3: 1, 5: 1})
    given_to = Counter(take(rotation, pools[turn % 2]) for turn in range(200))
    assert given_to == {1: 80, 2: 40, 3: 40, 4: 20, 5: 20}


def test_who_comes_back_is_not_flooded():
    rotation = Rotation()
    for _turn in range(50):
        take(rotation, {1: 1, 2: 1})
    assert Counter(take(rotation, {1: 1, 2: 1, 3: 1}) for _turn in range(9)) == {1: 3, 2: 3, 3: 3}


def test_double_weight_is_every_other_turn():
    rotation = Rotation()
    turns = [take(rotation, {1: 2, 2: 1, 3: 1}) for _turn in range(12)]
    assert [turns[n : n + 4].count(1) for n in range(0, 12, 4)] == [2, 2, 2]


def test_asking_whose_turn_it_is_gives_none():
    rotation = Rotation()
    assert rotation.whose_turn({1: 1, 2: 1}) == rotation.whose_turn({1: 1, 2: 1}) == 1
    assert rotation == Rotation()


@pytest.mark.parametrize("weights", [[5, 1, 1], [3, 2, 2, 1], [7, 7, 3, 1, 1]])
def test_a_heavy_weight_gets_no_burst(weights):
    """Between two turns of the heaviest lies no more than its share makes room for."""
    pool, rotation = dict(enumerate(weights, 1)), Rotation()
    turns = [take(rotation, pool) for _turn in range(3 * sum(weights))]
    places = [turn for turn, person in enumerate(turns) if person == 1]
    assert max(b - a for a, b in itertools.pairwise(places)) <= 2 * sum(weights) / weights[0]
