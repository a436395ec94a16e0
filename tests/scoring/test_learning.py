"""Points learned from cases whose truth is known: what is found, in which form, and when nothing is said."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.conditions import Condition, matches
from scoring import learning
from scoring.groups import POOL, group_values
from scoring.learning import Case, Filled, FitPoints, TooFewOutcomes

GOOD_COUNTRY = {"FI": 0.8, "PL": 0.5, "BG": 0.2}


def chance(values):
    """The truth: Finns buy more, so do the large, and so do those who leave their budget open."""
    odds = GOOD_COUNTRY[values["country"]] / (1 - GOOD_COUNTRY[values["country"]])
    odds *= 4 if values["seats"] >= 500 else 1
    odds *= 3 if values["budget"] is None else 1
    return odds / (1 + odds)


def cases(count, *, seed=1, more=lambda dice, is_good: {}):
    dice = random.Random(seed)
    made = []
    for number in range(count):
        values = {
            "country": dice.choice(list(GOOD_COUNTRY)),
            "seats": dice.randrange(1, 1000),
            "budget": dice.choice(["small", "large", None]),
            "shoe": dice.choice(["left", "right"]),
            "ticket": f"T-{number}",
        }
        is_good = dice.random() < chance(values)
        made.append(Case(values | more(dice, is_good), is_positive=is_good))
    return made


@pytest.fixture(scope="module")
def found():
    return learning.learn(cases(3000))


def rules_of(found, field) -> list[FitPoints]:
    return [rule for rule in found.fit if rule.field == field]


def points_for(found, field, value) -> int:
    return sum(
        rule.evidence.points
        for rule in rules_of(found, field)
        if matches(Condition(field, rule.op, tuple(rule.value) if isinstance(rule.value, list) else rule.value), value)
    )


def test_the_truth_is_found_and_noise_gets_next_to_nothing(found):
    countries = [points_for(found, "country", country) for country in ("FI", "PL", "BG")]
    # Odds of 4, 1 and 1/4: two doublings, twenty points, from one to the next.
    assert countries[0] - countries[1] == pytest.approx(20, abs=4)
    assert countries[1] - countries[2] == pytest.approx(20, abs=4)
    assert points_for(found, "seats", 800) - points_for(found, "seats", 200) == pytest.approx(20, abs=6)
    assert all(abs(rule.evidence.points) <= 3 for rule in rules_of(found, "shoe"))
    assert rules_of(found, "ticket") == []
    assert 0.78 < found.auc < 0.86


def test_unset_is_a_value_of_its_own(found):
    unset = next(rule for rule in rules_of(found, "budget") if rule.op == "is_unset")
    assert unset.evidence.points - points_for(found, "budget", "small") == pytest.approx(16, abs=4)


def test_points_are_whole_and_none_is_zero(found):
    assert found.fit
    for rule in found.fit:
        assert isinstance(rule.evidence.points, int)
        assert rule.evidence.points != 0


def test_each_rule_says_how_many_cases_stand_behind_it_and_how_many_ended_well(found):
    for rule in found.fit:
        condition = Condition(rule.field, rule.op, tuple(rule.value) if isinstance(rule.value, list) else rule.value)
        behind = [case for case in cases(3000) if matches(condition, case.values[rule.field])]
        assert rule.evidence.cases == len(behind) >= 10
        assert rule.evidence.positives == sum(case.is_positive for case in behind)
        assert rule.evidence.share == rule.evidence.positives / len(behind)


def test_the_same_cases_give_the_same_points(found):
    assert learning.learn(cases(3000)) == found


def test_held_out_cases_say_when_there_is_nothing_to_learn():
    dice = random.Random(5)
    noise = [
        Case({f"f{number}": dice.choice("abcdefgh") for number in range(10)}, dice.random() < 0.5)
        for _row in range(400)
    ]
    assert 0.4 < learning.learn(noise).auc < 0.6


def test_alike_cases_teach_nothing_and_break_nothing():
    found = learning.learn([Case({"country": "FI"}, is_positive=number % 2 == 0) for number in range(120)])
    assert (found.fit, found.amounts, found.average, found.auc) == ((), {}, 0.0, 0.5)


@pytest.mark.parametrize(
    ("closed", "good", "missing"), [(0, 0, 100), (37, 20, 63), (99, 50, 1), (120, 4, 6), (120, 118, 8), (95, 2, 8)]
)
def test_too_few_outcomes_say_how_many_are_missing(closed, good, missing):
    few = [Case({"country": "FI"}, is_positive=number < good) for number in range(closed)]
    with pytest.raises(TooFewOutcomes) as raised:
        learning.learn(few)
    assert raised.value.missing == missing
    assert str(missing) in str(raised.value)


def test_a_hundred_outcomes_are_enough():
    assert learning.learn(cases(100)).cases == 100


def test_a_field_that_is_left_out_has_no_rule_however_well_it_tells():
    leaky = cases(400, more=lambda dice, is_good: {"invoice": "paid" if is_good else None})
    assert rules_of(learning.learn(leaky), "invoice")
    assert rules_of(learning.learn(leaky, leave_out={"invoice"}), "invoice") == []


def test_fields_filled_mostly_after_the_fact_are_named_the_worst_first():
    filled = {
        "city": Filled(cases=200, after=100),
        "occupation": Filled(cases=90, after=60),
        "quality": Filled(cases=50, after=50),
        "country": Filled(cases=200, after=0),
    }
    late = learning.late_fields(filled)
    assert [(name, round(found.share, 2)) for name, found in late.items()] == [("quality", 1.0), ("occupation", 0.67)]


def test_amounts_get_points_for_each_unit():
    dice = random.Random(3)
    made = []
    for _number in range(2000):
        visits = dice.choice([0.0, 0.5, 1.0, 2.0])
        odds = 0.5 * 2**visits
        made.append(
            Case({}, dice.random() < odds / (1 + odds), {"visits": visits, "once": float(dice.random() < 0.001)})
        )
    found = learning.learn(made)
    assert found.amounts["visits"].points == pytest.approx(10, abs=3)
    assert found.amounts["visits"].cases == sum(case.amounts["visits"] > 0 for case in made)
    assert "once" not in found.amounts


def test_the_average_score_is_where_a_case_is_as_good_as_the_average_one(found):
    # The rules of a field count from its average case, so without amounts the average is near 0.
    assert abs(found.average) < 10
    assert found.fit_quartiles[0] > found.fit_quartiles[1] > found.fit_quartiles[2]


VALUES = st.one_of(
    st.none(),
    st.sampled_from(["", "Google", "google", "12", "12.0", "00100", "100", "ß", "x", "true"]),
    st.integers(-20, 200),
    st.decimals(-5, 5, places=2).map(float),
    st.booleans(),
)


@given(
    values=st.lists(VALUES, min_size=10, max_size=120), others=st.lists(VALUES, max_size=20), at_least=st.integers(1, 8)
)
def test_a_group_holds_exactly_the_values_that_its_rule_is_met_by(values, others, at_least):
    grouping = group_values("field", values, at_least=at_least)
    if grouping is None:
        return
    for value in (*values, *others):
        met = [
            index
            for index, group in enumerate(grouping.groups)
            if group.op != POOL and matches(Condition("field", group.op, _frozen(group.value)), value)
        ]
        index = grouping.index(value)
        named = [] if index is None or grouping.groups[index].op == POOL else [index]
        # Between two ranges there is room for a number with more decimals than any that was seen, and of two texts
        # that both equal a number the first is taken, if there were no numbers.
        assert met[:1] == named or (grouping.is_numeric and met == [])
        assert len(met) <= 1 or value in others


def _frozen(value):
    return tuple(value) if isinstance(value, list) else value


def test_numbers_fall_into_ranges_that_touch_and_a_frequent_one_is_its_own():
    values = [0] * 300 + [number % 100 + 1 for number in range(700)]
    grouping = group_values("visits", values, at_least=20)
    assert [group.op for group in grouping.groups] == ["lt", *["between"] * (len(grouping.groups) - 2), "gte"]
    assert grouping.groups[0].value == 1
    lows_and_highs = [group.value for group in grouping.groups[1:-1]]
    assert all(low == high + 1 for (_low, high), (low, _high) in itertools.pairwise(lows_and_highs))
    assert grouping.joined([1, 2]).value == [1, lows_and_highs[1][1]]


def test_spellings_of_one_text_are_one_group_and_rare_texts_are_pooled():
    values = ["Google"] * 30 + ["google"] * 10 + ["Bing"] * 25 + [f"site {number}" for number in range(40)]
    grouping = group_values("source", values, at_least=20)
    assert [(group.op, group.value) for group in grouping.groups] == [
        ("equals", "Google"),
        ("equals", "Bing"),
        (POOL, None),
    ]
