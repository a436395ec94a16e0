"""Percentiles as SQL's percentile_cont has them."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.statistics import Spread, median, percentile, spread

numbers = st.lists(st.floats(min_value=0, max_value=1e9), min_size=2, max_size=50)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.9, 7.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.9, 4.6),
        ([0.0, 10.0], 0.25, 2.5),
        ([1.0, 2.0, 9.0], 0.0, 1.0),
        ([1.0, 2.0, 9.0], 1.0, 9.0),
    ],
)
def test_known_percentiles(values, share, expected):
    assert percentile(values, share) == (expected if expected is None else pytest.approx(expected))


@given(numbers)
def test_deciles_are_those_of_the_standard_library(values):
    deciles = statistics.quantiles(values, n=10, method="inclusive")
    for number, expected in enumerate(deciles, start=1):
        assert percentile(values, number / 10) == pytest.approx(expected, abs=1e-3)


@given(numbers)
def test_the_order_of_values_does_not_matter(values):
    assert median(values) == median(values[::-1]) == pytest.approx(statistics.median(values))


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ValueError, match="0 and 1"):
        percentile([1.0], 90)


def test_a_spread_is_number_median_and_ninetieth_percentile():
    assert spread([]) == Spread(0, None, None)
    found = spread([5.0, 1.0, 3.0])
    assert (found.n, found.median) == (3, 3.0)
    assert found.ninth == percentile([1.0, 3.0, 5.0], 0.9)
