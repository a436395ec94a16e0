"""Where the marks of the charts stand."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import charts, meters, share_charts


def number(position: str) -> float:
    return float(position.removesuffix("%"))


def histogram(*counts: int, **given) -> charts.Histogram:
    return charts.Histogram(bins=tuple(charts.Bin(str(i), count) for i, count in enumerate(counts)), **given)


def test_positions_never_have_a_decimal_comma():
    assert meters.across(1 / 3) == "33.33%"
    assert meters.down(12.0) == "12"


def test_a_meter_past_due_is_full_with_a_notch_and_no_tick():
    assert meters.plan_meter(share=0.4, tick=0.75) == meters.MeterPlan(fill="40.00%", tick="75.00%", notch=None)
    assert meters.plan_meter(share=0.4, tick=0.75, notch=0.7) == meters.MeterPlan("100.00%", None, "70.00%")


def test_a_score_bar_ends_at_twice_the_threshold():
    plan = meters.plan_score_bar(fit=30, engagement=60, threshold=60)
    assert (plan.fit_width, plan.engagement_x, plan.engagement_width, plan.tick) == (
        "25.00%",
        "25.00%",
        "50.00%",
        "50.00%",
    )


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(0, 200))
def test_a_score_bar_stays_inside_its_room(fit, engagement, threshold):
    plan = meters.plan_score_bar(fit=fit, engagement=engagement, threshold=threshold)
    assert 0 <= number(plan.fit_width) <= 100
    assert number(plan.engagement_width) >= -0.01
    assert number(plan.engagement_x) + number(plan.engagement_width) <= 100.02


def test_what_a_cap_cut_follows_what_was_kept():
    plan = meters.plan_points_bar(points=20, cut_points=5, largest=40)
    assert (plan.kept_width, plan.cut_x, plan.cut_width, plan.is_minus) == ("50.00%", "50.00%", "12.50%", False)
    assert meters.plan_points_bar(points=-2, cut_points=0, largest=40).is_minus
    assert meters.plan_points_bar(points=0, cut_points=0, largest=0).kept_width == "0.00%"


def test_bars_start_at_zero_and_the_tallest_fills_the_plot():
    plan = charts.plan_histogram(histogram(10, 5, 0))
    assert [float(bar.height) for bar in plan.bars] == [charts.PLOT_HEIGHT, charts.PLOT_HEIGHT / 2, 0]
    assert all(float(bar.y) + float(bar.height) == pytest.approx(float(plan.baseline)) for bar in plan.bars)


def test_bars_from_the_limit_on_are_after_it():
    plan = charts.plan_histogram(histogram(3, 2, 1, limit_at=2, limit_label="limit 2 h", after_label="1 after it"))
    assert [bar.is_after for bar in plan.bars] == [False, False, True]
    assert [bar.tone for bar in plan.bars] == ["", "", "red"]
    assert plan.limit_x == "66.67%"
    assert plan.after_label.anchor == "start"


def test_near_the_right_edge_the_words_of_the_limit_stand_left_of_it():
    plan = charts.plan_histogram(histogram(3, 2, 1, 1, 1, limit_at=4, limit_label="limit", after_label="1 after it"))
    assert plan.after_label.anchor == "end"
    assert number(plan.after_label.x) < number(plan.limit_x)


def test_marks_that_would_touch_stand_on_two_lines():
    near = charts.plan_histogram(histogram(*[1] * 10, marks=(charts.AxisMark(4, "median"), charts.AxisMark(6, "p90"))))
    far = charts.plan_histogram(histogram(*[1] * 10, marks=(charts.AxisMark(1, "median"), charts.AxisMark(9, "p90"))))
    assert near.marks[0].y != near.marks[1].y
    assert far.marks[0].y == far.marks[1].y
    assert near.height == far.height + charts.MARK_LINE
    assert (far.marks[0].anchor, far.marks[1].anchor) == ("start", "end")


def test_an_empty_histogram_has_an_axis_and_no_bars():
    plan = charts.plan_histogram(charts.Histogram(bins=()))
    assert plan.bars == ()
    assert float(plan.baseline) > 0


@given(st.lists(st.integers(0, 10_000), max_size=40))
def test_bars_stay_inside_the_chart_and_do_not_overlap(counts):
    plan = charts.plan_histogram(histogram(*counts))
    edges = [(number(bar.x), number(bar.x) + number(bar.width)) for bar in plan.bars]
    assert all(0 <= left < right <= 100.01 for left, right in edges)
    assert all(earlier[1] <= later[0] + 0.02 for earlier, later in itertools.pairwise(edges))


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (12.2 * 3600, (0, 14_400, 28_800, 43_200, 57_600)),
        (3600, (0, 900, 1800, 2700, 3600)),
        (20, (0, 5, 10, 15, 20)),
        (0, (0, 5)),
    ],
)
def test_a_time_axis_has_round_steps_and_at_most_five_lines(largest, ticks):
    assert charts.axis_seconds(largest) == ticks


@given(st.floats(0, 1e8))
def test_a_time_axis_covers_what_it_shows(largest):
    ticks = charts.axis_seconds(largest)
    assert ticks[-1] >= largest
    assert len(ticks) <= 5


def test_delays_share_one_axis_and_unknown_figures_are_not_drawn():
    plan = charts.plan_delay_bars(
        charts.DelayBars(
            rows=(
                charts.Delay("Human", "", median=3600, percentile_90=7200, limit=3600),
                charts.Delay("System", "", median=None, percentile_90=None, few_text="too few to compare"),
            )
        )
    )
    assert (plan.rows[0].median_x, plan.rows[0].range_width, plan.rows[0].limit_x) == ("50.00%", "100.00%", "50.00%")
    assert plan.rows[1].median_x is None
    assert plan.rows[1].range_width is None
    assert [tick.seconds for tick in plan.ticks] == [0, 1800, 3600, 5400, 7200]


def test_no_delay_at_all_still_has_an_axis():
    assert charts.plan_delay_bars(charts.DelayBars(rows=())).ticks[-1].seconds == 3600


START = datetime(2026, 10, 18, tzinfo=UTC)


def course(*scores: float, **given) -> charts.CoursePlan:
    points = tuple(charts.CoursePoint(START + timedelta(days=i), score) for i, score in enumerate(scores))
    return charts.plan_score_course(charts.ScoreCourse(points=points, **given))


def test_a_course_runs_from_left_to_right_and_higher_scores_stand_higher():
    plan = course(20, 40, 96, end_label="96 now")
    points = [tuple(map(float, pair.split(","))) for pair in plan.polyline.split()]
    assert [x for x, _y in points] == [0, 500, 1000]
    assert points[0][1] > points[1][1] > points[2][1]
    assert float(plan.end_y) == pytest.approx(points[-1][1])


def test_thresholds_above_the_course_stay_in_view():
    plan = course(5, 6, thresholds=((90, "90 hot"), (60, "60 MQL")))
    assert 0 < float(plan.thresholds[0].y) < float(plan.thresholds[1].y) < plan.plot_height


def test_words_below_a_course_never_touch():
    marks = (
        charts.CourseMark(START + timedelta(days=8), "guide"),
        charts.CourseMark(START + timedelta(days=8.5), "demo"),
    )
    plan = course(*range(10), marks=marks, start_label="18 Oct")
    assert [mark.text for mark in plan.marks] == ["18 Oct", "demo"]


def test_a_course_without_points_draws_nothing():
    plan = charts.plan_score_course(charts.ScoreCourse(points=(), end_label="0 now"))
    assert plan.polyline == ""
    assert plan.end_label is None


def test_a_person_is_judged_only_by_enough_handoffs():
    rows = (
        share_charts.GroupShare("Maja", within=22, of=24),
        share_charts.GroupShare("Georgi", within=13, of=18),
        share_charts.GroupShare("Elina", within=0, of=2),
        share_charts.GroupShare("Rok", within=0, of=0),
    )
    plans = share_charts.plan_group_bars(share_charts.GroupBars(rows=rows, promised=0.9))
    assert [plan.is_short for plan in plans[:2]] == [False, True]
    assert [plan.is_comparable for plan in plans] == [True, True, False, False]
    assert plans[1].late_tone == "red"
    assert plans[3].width == "0.00%"
    assert plans[0].tick == "90.00%"


def test_words_below_a_course_stand_close_to_their_step():
    marks = (charts.CourseMark(START + timedelta(days=5), "demo"),)
    plan = course(20, 20, 20, 20, 20, 90, 88, 86, marks=marks, start_label="18 Oct")
    before = float(plan.polyline.split()[4].split(",")[1])
    start, demo = plan.marks
    assert before < float(demo.y) < before + 20
    assert float(demo.y) < float(start.y)


def test_words_below_a_course_never_lie_on_its_line():
    marks = (charts.CourseMark(START + timedelta(days=5), "demo"),)
    plan = course(20, 20, 20, 5, 40, 90, 88, 86, marks=marks)
    lowest = max(float(pair.split(",")[1]) for pair in plan.polyline.split())
    assert float(plan.marks[0].y) > lowest


def test_a_shade_tells_anything_from_nothing_and_the_most_from_the_rest():
    assert [share_charts.shade_of(count, 8) for count in (0, 1, 2, 3, 5, 8)] == [0, 1, 1, 2, 3, 4]


def test_bands_stand_on_one_axis_and_small_ones_have_no_bar():
    bands = (
        share_charts.Band("soon", 40, "#", 20, "#", 0, "#", low=0.35, high=0.65),
        share_charts.Band("later", 40, "#", 13, "#", 0, "#", low=0.2, high=0.48),
        share_charts.Band("never", 4, "#", 4, "#", 0, "#", low=0.5, high=1.0),
    )
    soon, later, never = share_charts.plan_bands(bands)
    assert soon.high_x == "100.00%"
    assert later.width == "50.00%"
    assert never.width is None and never.high_x is None
