"""The arithmetic of the score, held against direct sums and dense sampling."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scoring import engine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NOTHING = 1e-100  # what lies hundreds of half-lives back counts 0

half_lives = st.floats(min_value=1, max_value=400)
ages = st.floats(min_value=0, max_value=20_000).map(lambda days: timedelta(days=days))
gains = st.lists(st.tuples(st.floats(min_value=0.01, max_value=1000), ages), min_size=1, max_size=25)
mixed = st.lists(
    st.tuples(st.floats(min_value=-1000, max_value=1000).filter(lambda p: abs(p) > 0.01), ages), min_size=1, max_size=25
)
caps = st.none() | st.floats(min_value=0, max_value=60)
floors = st.none() | st.floats(min_value=-60, max_value=0)
terms_lists = st.lists(
    st.builds(
        lambda points, age, half_life, cap, floor: engine.Term(points, NOW - age, half_life, cap, floor),
        st.integers(min_value=-80, max_value=80),
        st.floats(min_value=0, max_value=60).map(lambda days: timedelta(days=days)),
        st.sampled_from([1, 7, 14, 30, 90]),
        caps,
        floors,
    ),
    max_size=5,
)


def oracle(activities, half_life_days, at):
    """Return the sum by its definition, summed exactly."""
    return math.fsum(
        points * math.pow(2, -max(0.0, min((at - occurred_at) / timedelta(days=half_life_days), 1070)))
        for points, occurred_at in activities
    )


def taken_in(activities, half_life_days, *, reference_at):
    amount = 0.0
    for points, occurred_at in activities:
        amount, reference_at = engine.add(
            amount=amount,
            reference_at=reference_at,
            points=points,
            occurred_at=occurred_at,
            half_life_days=half_life_days,
        )
    return amount, reference_at


def raw_of(component, half_life_days, at=NOW):
    amount, reference_at = component
    return engine.raw_at(engine.Term(amount, reference_at, half_life_days), at)


# Taking in


@settings(deadline=None)
@given(data=st.data(), points_and_ages=gains, half_life_days=half_lives)
def test_any_order_gives_the_sum_by_definition(data, points_and_ages, half_life_days):
    activities = [(points, NOW - age) for points, age in points_and_ages]
    shuffled = data.draw(st.permutations(activities))
    component = taken_in(shuffled, half_life_days, reference_at=shuffled[0][1])
    assert raw_of(component, half_life_days) == pytest.approx(
        oracle(activities, half_life_days, NOW), rel=1e-9, abs=NOTHING
    )


@settings(deadline=None)
@given(data=st.data(), points_and_ages=mixed, half_life_days=half_lives)
def test_gains_and_losses_in_any_order_agree_to_the_sum_of_their_sizes(data, points_and_ages, half_life_days):
    activities = [(points, NOW - age) for points, age in points_and_ages]
    shuffled = data.draw(st.permutations(activities))
    size = oracle([(abs(points), occurred_at) for points, occurred_at in activities], half_life_days, NOW)
    component = taken_in(shuffled, half_life_days, reference_at=shuffled[0][1])
    assert abs(raw_of(component, half_life_days) - oracle(activities, half_life_days, NOW)) <= 1e-9 * size + NOTHING


@settings(deadline=None)
@given(points_and_ages=gains, half_life_days=half_lives, cut=st.integers(min_value=0, max_value=25))
def test_batches_combined_either_way_give_the_sum_by_definition(points_and_ages, half_life_days, cut):
    activities = [(points, NOW - age) for points, age in points_and_ages]
    one = taken_in(activities[:cut], half_life_days, reference_at=activities[0][1])
    other = taken_in(activities[cut:], half_life_days, reference_at=activities[-1][1])
    expected = oracle(activities, half_life_days, NOW)
    for first, second in ((one, other), (other, one)):
        whole = engine.combine(
            amount=first[0],
            reference_at=first[1],
            other_amount=second[0],
            other_reference_at=second[1],
            half_life_days=half_life_days,
        )
        assert raw_of(whole, half_life_days) == pytest.approx(expected, rel=1e-9, abs=NOTHING)


@settings(deadline=None)
@given(points_and_ages=gains, half_life_days=half_lives, points=st.floats(min_value=0.01, max_value=1000), age=ages)
def test_what_is_taken_back_leaves_what_was_there(points_and_ages, half_life_days, points, age):
    activities = [(each, NOW - its_age) for each, its_age in points_and_ages]
    amount, reference_at = taken_in([*activities, (points, NOW - age)], half_life_days, reference_at=activities[0][1])
    left = engine.subtract(
        amount=amount,
        reference_at=reference_at,
        points=points,
        occurred_at=NOW - age,
        half_life_days=half_life_days,
    )
    size = oracle([*activities, (points, NOW - age)], half_life_days, NOW)
    assert abs(raw_of(left, half_life_days) - oracle(activities, half_life_days, NOW)) <= 1e-9 * size + NOTHING


def test_the_reference_stays_while_the_exponent_is_small():
    reference_at = NOW - timedelta(days=30)
    component = engine.add(amount=5.0, reference_at=reference_at, points=10, occurred_at=NOW, half_life_days=30)
    assert component == (25.0, reference_at)


@pytest.mark.parametrize("years", [2, 3, 10, 50])
def test_an_activity_decades_later_moves_the_reference_and_counts_in_full(years):
    first_at = NOW - timedelta(days=365 * years)
    amount, reference_at = taken_in([(10, first_at), (7, NOW)], 1, reference_at=first_at)
    assert reference_at == NOW
    assert amount == pytest.approx(7, rel=1e-9)


@pytest.mark.parametrize("gap_days", [440, 449, 451, 600, 899, 901, 905])
def test_a_fresh_activity_counts_however_far_the_reference_lies_behind(gap_days):
    first_at = NOW - timedelta(days=gap_days)
    component = taken_in([(10, first_at), (8, NOW)], 1, reference_at=first_at)
    assert raw_of(component, 1, NOW) == pytest.approx(8, rel=1e-9)
    assert raw_of(component, 1, NOW + timedelta(days=6)) == pytest.approx(8 / 64, rel=1e-9)


def test_an_empty_component_follows_its_first_activity_into_the_past():
    occurred_at = NOW - timedelta(days=5000)
    component = engine.add(amount=0.0, reference_at=NOW, points=10, occurred_at=occurred_at, half_life_days=1)
    assert component == (10, occurred_at)


def test_weight_doubles_every_half_life_and_vanishes_far_back():
    assert engine.weight(seconds=86_400 * 30, half_life_days=30) == 2
    assert engine.weight(seconds=-86_400, half_life_days=1) == 0.5
    assert engine.weight(seconds=-86_400 * 900, half_life_days=1) > 0
    assert engine.weight(seconds=-86_400 * 901, half_life_days=1) == 0.0
    with pytest.raises(OverflowError):
        engine.weight(seconds=86_400 * 901, half_life_days=1)


def test_an_hour_lost_to_summer_time_is_not_counted():
    zone = ZoneInfo("Europe/Helsinki")
    before, after = datetime(2026, 3, 28, 12, tzinfo=zone), datetime(2026, 3, 29, 12, tzinfo=zone)
    assert engine.raw_at(engine.Term(1, before, 1), after) == pytest.approx(2 ** (-23 / 24), rel=1e-12)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        engine.raw_at(engine.Term(1, NOW.replace(tzinfo=None), 1), NOW)


# Reading


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"cap": -1}, "cap"),
        ({"floor": 1}, "floor"),
        ({"half_life_days": 0.5}, "half-life"),
        ({"half_life_days": math.nan}, "half-life"),
        ({"amount": math.inf}, "amount"),
    ],
)
def test_a_floor_is_at_most_zero_a_cap_at_least_zero_a_half_life_at_least_a_day(bad, sentence):
    with pytest.raises(ValueError, match=sentence):
        engine.Term(**({"amount": 1, "reference_at": NOW, "half_life_days": 1} | bad))


def test_a_score_is_taken_apart_rule_by_rule():
    terms = [
        engine.Term(40, NOW - timedelta(days=30), 30, cap=15),
        engine.Term(-30, NOW, 30, floor=-10),
        engine.Term(8, NOW - timedelta(days=14), 7),
    ]
    breakdown = engine.score_at(terms=terms, fit=25, adjustment=-3, at=NOW)
    assert [part.raw for part in breakdown.terms] == [20, -30, 2]
    assert [part.points for part in breakdown.terms] == [15, -10, 2]
    assert [part.is_capped for part in breakdown.terms] == [True, True, False]
    assert (breakdown.engagement, breakdown.fit, breakdown.adjustment, breakdown.score) == (7, 25, -3, 29)


@settings(deadline=None)
@given(terms=terms_lists)
def test_a_component_counts_between_its_floor_and_its_cap(terms):
    for term in terms:
        points = engine.points_at(term, NOW)
        assert term.cap is None or points <= term.cap
        assert term.floor is None or points >= term.floor
        assert points * engine.raw_at(term, NOW) >= 0


# When to look again


def level_sides(terms, constant, at, levels):
    score = engine.score_at(terms=terms, fit=constant, adjustment=0, at=at).score
    return [None if math.isclose(score, level, abs_tol=1e-9) else score > level for level in levels]


def sampled_instants():
    """Every five minutes of two hours, hourly for ten days, then in growing steps for about ten years."""
    yield from (timedelta(minutes=5 * n) for n in range(24))
    yield from (timedelta(hours=n) for n in range(2, 240))
    yield from (timedelta(days=10) * 1.02**n for n in range(300))


@settings(max_examples=200, deadline=None)
@given(
    terms=terms_lists,
    constant=st.integers(min_value=-40, max_value=90),
    levels=st.lists(st.sampled_from([0, 15, 30, 45, 60, 61, 80, 90]), min_size=1, max_size=4),
)
def test_nothing_is_crossed_before_the_next_check(terms, constant, levels):
    check_at = engine.next_check_at(terms=terms, constant=constant, at=NOW, levels=levels)
    assert check_at is None or check_at >= NOW + MINUTE
    before = level_sides(terms, constant, NOW, levels)
    for after in sampled_instants():
        at = NOW + after
        if at >= NOW + timedelta(days=3650) or (check_at is not None and at >= check_at):
            break
        if at < NOW + MINUTE:
            continue
        for was_above, is_above in zip(before, level_sides(terms, constant, at, levels), strict=True):
            assert None in (was_above, is_above) or was_above == is_above


@settings(max_examples=200, deadline=None)
@given(
    terms=terms_lists,
    constant=st.integers(min_value=-40, max_value=90),
    levels=st.lists(st.sampled_from([0.5, 15.5, 30.5, 60.5, 90.5]), min_size=1, max_size=4),
)
def test_looking_again_and_again_comes_to_an_end_with_every_crossing_seen(terms, constant, levels):
    at, looks = NOW, 0
    while (check_at := engine.next_check_at(terms=terms, constant=constant, at=at, levels=levels)) is not None:
        assert check_at >= at + MINUTE
        at, looks = check_at, looks + 1
        assert looks < 200
    # The score ends at the constant: whoever no longer looks must have seen on which side of each level that is.
    score = engine.score_at(terms=terms, fit=constant, adjustment=0, at=at).score
    assert [score >= level for level in levels] == [constant >= level for level in levels]


def test_a_falling_score_is_looked_at_when_it_goes_below():
    terms = [engine.Term(40, NOW, 30)]
    check_at = engine.next_check_at(terms=terms, constant=40, at=NOW, levels=[60])
    # 40 + 40 · 2^(−t/30) = 60 after exactly one half-life; it is below 60 an instant later.
    assert check_at is not None
    assert timedelta(0) <= check_at - (NOW + timedelta(days=30)) < timedelta(seconds=1)


def test_fading_negative_points_are_looked_at_when_they_let_the_score_up():
    terms = [engine.Term(-20, NOW, 10)]
    check_at = engine.next_check_at(terms=terms, constant=70, at=NOW, levels=[60, 90])
    assert check_at is not None
    assert abs(check_at - (NOW + timedelta(days=10))) < timedelta(seconds=1)


def test_a_capped_component_is_looked_at_only_after_it_has_left_its_cap():
    terms = [engine.Term(80, NOW, 30, cap=20)]
    check_at = engine.next_check_at(terms=terms, constant=50, at=NOW, levels=[60])
    assert check_at is not None
    assert abs(check_at - (NOW + timedelta(days=90))) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("terms", "constant", "levels"),
    [
        ([], 70, [60]),
        ([engine.Term(10, NOW, 30)], 65, [60, 90]),
        ([engine.Term(10, NOW, 30)], 60, [60]),
        ([engine.Term(-10, NOW, 30)], 59, [60]),
        ([engine.Term(10, NOW, 30), engine.Term(-10, NOW, 30)], 59, [60]),
        ([engine.Term(10, NOW, 30)], 5, []),
        ([engine.Term(900, NOW, 30, cap=0)], 59, [60]),
    ],
)
def test_a_score_that_can_cross_nothing_is_not_looked_at_again(terms, constant, levels):
    assert engine.next_check_at(terms=terms, constant=constant, at=NOW, levels=levels) is None


def test_a_crossing_beyond_the_horizon_is_looked_at_on_the_horizon():
    terms = [engine.Term(40, NOW, 9000)]
    assert engine.next_check_at(terms=terms, constant=40, at=NOW, levels=[60]) == NOW + timedelta(days=3650)


@settings(max_examples=200, deadline=None)
@given(
    terms=terms_lists.map(lambda terms: [term for term in terms if term.amount >= 0]),
    constant=st.integers(min_value=0, max_value=60),
    level=st.sampled_from([20.5, 45.5, 60.5]),
)
def test_the_day_of_cooling_is_exact_to_the_second(terms, constant, level):
    def score(at):
        return engine.score_at(terms=terms, fit=constant, adjustment=0, at=at).score

    assume(score(NOW) >= level)
    cools_at = engine.crosses_at(terms=terms, constant=constant, at=NOW, level=level)
    if constant >= level or cools_at is None:
        assert score(NOW + timedelta(days=3650)) >= level
    else:
        assert score(cools_at) < level
        assert score(cools_at - timedelta(seconds=1)) >= level


def test_a_score_that_is_below_has_cooled_now():
    assert engine.crosses_at(terms=[engine.Term(5, NOW, 30)], constant=0, at=NOW, level=60) == NOW


def test_a_score_with_fading_losses_cools_when_its_gains_fade_faster():
    terms = [engine.Term(50, NOW, 7), engine.Term(-20, NOW, 30)]
    cools_at = engine.crosses_at(terms=terms, constant=35, at=NOW, level=60)
    assert cools_at is not None
    assert engine.score_at(terms=terms, fit=35, adjustment=0, at=cools_at).score < 60
    earlier = (cools_at - timedelta(seconds=1) - NOW) / 500
    for n in range(501):
        assert engine.score_at(terms=terms, fit=35, adjustment=0, at=NOW + n * earlier).score >= 60


# Bands and windows


@pytest.mark.parametrize(
    ("fit", "engagement", "expected"),
    [
        (30, 45, "A1"),
        (29.99, 44.99, "B2"),
        (20, 30, "B2"),
        (19.9, 29.9, "C3"),
        (10, 15, "C3"),
        (9.9, 14.9, "D4"),
        (-50, 200, "D1"),
        (80, -10, "A4"),
    ],
)
def test_a_grade_is_fit_as_a_letter_beside_engagement_as_a_digit(fit, engagement, expected):
    assert engine.grade(fit=fit, engagement=engagement) == expected


def test_bands_can_be_set_and_must_fall():
    assert engine.grade(fit=5, engagement=5, fit_bands=(5, 4, 3), engagement_bands=(7, 6, 5)) == "A3"
    with pytest.raises(ValueError, match="falling"):
        engine.grade(fit=1, engagement=1, fit_bands=(10, 20, 30))
    with pytest.raises(ValueError, match="three"):
        engine.grade(fit=1, engagement=1, engagement_bands=(20, 10))


def test_windows_are_aligned_to_the_epoch_in_utc():
    late_in_helsinki = datetime(2026, 3, 2, 1, 30, tzinfo=ZoneInfo("Europe/Helsinki"))
    assert engine.window_start(occurred_at=late_in_helsinki, within_days=1) == datetime(2026, 3, 1, tzinfo=UTC)
    assert engine.window_start(occurred_at=datetime(1970, 1, 8, tzinfo=UTC), within_days=7) == datetime(
        1970, 1, 8, tzinfo=UTC
    )
    assert engine.window_start(occurred_at=datetime(1969, 12, 31, tzinfo=UTC), within_days=7) == datetime(
        1969, 12, 25, tzinfo=UTC
    )


def test_without_a_length_there_is_one_window_for_ever():
    years_apart = {engine.window_start(occurred_at=at, within_days=None) for at in (NOW, NOW - timedelta(days=9000))}
    assert len(years_apart) == 1
    with pytest.raises(ValueError, match="at least one day"):
        engine.window_start(occurred_at=NOW, within_days=0)


@settings(deadline=None)
@given(
    at=st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    days=st.integers(min_value=1, max_value=400),
)
def test_an_instant_lies_within_its_window(at, days):
    start_at = engine.window_start(occurred_at=at, within_days=days)
    assert start_at <= at < start_at + timedelta(days=days)
    assert engine.window_start(occurred_at=start_at, within_days=days) == start_at
