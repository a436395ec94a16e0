"""Where the lines of a threshold's chart stand."""

from hypothesis import given
from hypothesis import strategies as st

from crm import threshold_chart
from crm.threshold_chart import LEFT, PLOT_HEIGHT, PLOT_TOP, RIGHT, Curve, CurvePoint, ThresholdChart


def curve(points, *, threshold, name="version 8"):
    return Curve(
        name=name,
        points=tuple(CurvePoint(*point) for point in points),
        threshold=threshold,
        threshold_text=f"{threshold:g}",
        precision_text="58 %",
        per_week_text="21",
    )


SLOPE = [(40.0, 0.4, 40.0), (50.0, 0.5, 30.0), (60.0, 0.6, 20.0), (70.0, None, 10.0), (80.0, 0.8, 5.0)]


def per_cent(position):
    return float(position.removesuffix("%")) / 100


def test_both_panels_share_the_axis_and_the_line_breaks_where_nothing_is_known():
    plan = threshold_chart.plan_threshold(ThresholdChart(curve=curve(SLOPE, threshold=60.0)))
    assert abs(per_cent(plan.own_x) - (LEFT + (RIGHT - LEFT) / 2)) < 1e-3
    (share,), (count,) = plan.precision.lines, plan.per_week.lines
    assert [piece.count(",") for piece in share.pieces] == [3]
    assert [piece.count(",") for piece in count.pieces] == [5]
    assert share.own_x == count.own_x == plan.own_x
    assert plan.before_x is None
    assert plan.capacity_y is None


def test_what_sales_can_take_stands_inside_the_panel():
    plan = threshold_chart.plan_threshold(
        ThresholdChart(curve=curve(SLOPE, threshold=60.0), capacity=100.0, capacity_lines=("100", "a week"))
    )
    assert float(plan.per_week.top) < float(plan.capacity_y) < float(plan.bottom)
    assert len(plan.capacity_labels) == 2


def test_names_of_lines_that_end_together_keep_apart():
    plan = threshold_chart.plan_threshold(
        ThresholdChart(curve=curve(SLOPE, threshold=64.0), before=curve(SLOPE, threshold=60.0, name="version 7"))
    )
    old, new = plan.precision.lines
    assert (old.is_old, new.is_old) == (True, False)
    assert abs(float(old.name.y) - float(new.name.y)) >= threshold_chart.LABEL_GAP
    assert old.own_label.anchor == "end"


shares = st.one_of(st.none(), st.floats(0, 1))


@given(
    st.lists(st.tuples(shares, st.floats(0, 1e6)), min_size=1, max_size=30),
    st.floats(0, 400),
    st.one_of(st.none(), st.floats(0, 1e5)),
)
def test_nothing_leaves_its_panel(values, threshold, capacity):
    points = [(threshold + place, share, count) for place, (share, count) in enumerate(values)]
    plan = threshold_chart.plan_threshold(
        ThresholdChart(curve=curve(points, threshold=threshold), capacity=capacity, capacity_lines=("x",))
    )
    for panel, top in ((plan.precision, PLOT_TOP), (plan.per_week, float(plan.per_week.top))):
        heights = [
            float(place.split(",")[1]) for line in panel.lines for piece in line.pieces for place in piece.split()
        ]
        heights += [float(tick.y) for tick in panel.ticks]
        assert all(top - 0.2 <= height <= top + PLOT_HEIGHT + 0.2 for height in heights)
        assert 2 <= len(panel.ticks) <= 7
    for mark in plan.marks:
        assert LEFT - 1e-3 <= per_cent(mark.label.x) <= RIGHT + 1e-3


def test_the_table_has_every_fifth_threshold_and_the_versions_own():
    points = [(float(place), 0.5, 1.0) for place in range(40, 60)]
    chart = ThresholdChart(curve=curve(points, threshold=52.0), before=curve(points, threshold=43.0))
    assert [row.point.threshold for row in threshold_chart.rows(chart)] == [40.0, 43.0, 45.0, 50.0, 52.0, 55.0]
