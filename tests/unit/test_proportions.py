"""Whether one share is clearly larger than another."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import proportions


def test_the_statistic_is_that_of_the_handbook():
    # 40 of 200 against 50 of 400: p = 0.15, z = 0.075 / √(0.15 · 0.85 · (1/200 + 1/400)).
    z = proportions.two_proportion_z(hits=40, of=200, rest_hits=50, rest_of=400)
    assert z == pytest.approx(0.075 / math.sqrt(0.15 * 0.85 * 0.0075))


@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_groups_changed_over_give_the_contrary(of, rest_of, data):
    hits, rest_hits = data.draw(st.integers(0, of)), data.draw(st.integers(0, rest_of))
    one = proportions.two_proportion_z(hits=hits, of=of, rest_hits=rest_hits, rest_of=rest_of)
    other = proportions.two_proportion_z(hits=rest_hits, of=rest_of, rest_hits=hits, rest_of=of)
    assert one == pytest.approx(-other)
    clear = [
        proportions.is_clearly_more(hits=hits, of=of, rest_hits=rest_hits, rest_of=rest_of),
        proportions.is_clearly_more(hits=rest_hits, of=rest_of, rest_hits=hits, rest_of=of),
    ]
    assert not all(clear)


def test_small_groups_are_not_compared():
    assert not proportions.is_comparable(hits=9, of=9, rest_hits=10, rest_of=100)
    assert not proportions.is_clearly_more(hits=9, of=9, rest_hits=10, rest_of=100)
    # Large enough, but hardly anybody is a hit at all.
    assert not proportions.is_comparable(hits=3, of=50, rest_hits=1, rest_of=500)


def test_a_clear_difference_is_told_from_a_slight_one():
    assert proportions.is_clearly_more(hits=30, of=50, rest_hits=60, rest_of=200)
    assert not proportions.is_clearly_more(hits=17, of=50, rest_hits=60, rest_of=200)
    assert not proportions.is_clearly_more(hits=2, of=50, rest_hits=60, rest_of=200)


def test_groups_without_members_or_with_too_many_hits_are_refused():
    for wrong in ((0, 0, 1, 2), (3, 2, 1, 2), (1, 2, -1, 2)):
        with pytest.raises(ValueError, match="Each group"):
            proportions.two_proportion_z(hits=wrong[0], of=wrong[1], rest_hits=wrong[2], rest_of=wrong[3])


def test_the_interval_of_a_share_is_wilsons():
    # 10 of 50, the example of Newcombe (1998): 0.112 to 0.330.
    low, high = proportions.wilson_interval(hits=10, of=50)
    assert (round(low, 3), round(high, 3)) == (0.112, 0.33)


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_share_and_stays_within_all_shares(of, data):
    hits = data.draw(st.integers(0, of))
    low, high = proportions.wilson_interval(hits=hits, of=of)
    assert 0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1


def test_there_is_no_interval_of_nothing():
    for hits, of in ((0, 0), (3, 2), (-1, 2)):
        with pytest.raises(ValueError, match="members"):
            proportions.wilson_interval(hits=hits, of=of)
