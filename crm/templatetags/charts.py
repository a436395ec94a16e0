"""Charts as SVG, each with the same figures as a table below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from crm import charts, formats, share_charts, threshold_chart, window_chart

register = template.Library()


@register.inclusion_tag("charts/histogram.html")
def histogram(chart: charts.Histogram) -> dict[str, Any]:
    """Bars with their counts, a dashed limit, red behind it; each bar is a link to its rows."""
    return {"chart": chart, "plan": charts.plan_histogram(chart)}


@register.inclusion_tag("charts/delay_bars.html")
def delay_bars(chart: charts.DelayBars) -> dict[str, Any]:
    """Medians as dots, bars to the 90th percentile, the period before in thin grey."""
    plan = charts.plan_delay_bars(chart)
    ticks = [{"tick": tick, "text": formats.duration(tick.seconds) if tick.seconds else "0"} for tick in plan.ticks]
    return {"chart": chart, "plan": plan, "ticks": ticks}


@register.inclusion_tag("charts/score_course.html")
def score_course(chart: charts.ScoreCourse) -> dict[str, Any]:
    """The course of a score with its thresholds."""
    return {"chart": chart, "plan": charts.plan_score_course(chart)}


@register.inclusion_tag("charts/window.html")
def contact_window(window: window_chart.WindowFace) -> dict[str, Any]:
    """When to call a buyer: too early, call now, too late, with today and the day of the decision."""
    return {"window": window}


@register.inclusion_tag("charts/group_bars.html", takes_context=True)
def group_bars(context: template.Context, chart: share_charts.GroupBars, place: str = "") -> dict[str, Any]:
    """Shares by group against the promise, a table in itself that sorts; `place`: the id it is scrolled to."""
    groups = share_charts.plan_group_bars(chart)
    return {"chart": chart, "groups": groups, "place": place, "request": context["request"]}


@register.inclusion_tag("charts/heat_table.html")
def heat_table(chart: share_charts.HeatTable) -> dict[str, Any]:
    """Counts by weekday and hour: shaded, each with its number, those that were late boxed."""
    return {"chart": chart}


@register.inclusion_tag("charts/bands.html")
def bands(chart: Sequence[share_charts.Band]) -> dict[str, Any]:
    """Shares won by how soon somebody was answered, with how sure they are: a table in itself."""
    return {"plans": share_charts.plan_bands(chart)}


@register.inclusion_tag("charts/threshold.html")
def threshold_curve(chart: threshold_chart.ThresholdChart) -> dict[str, Any]:
    """Precision and MQLs a week against the threshold, two panels on one axis."""
    plan = threshold_chart.plan_threshold(chart)
    return {
        "chart": chart,
        "plan": plan,
        "panels": (plan.precision, plan.per_week),
        "rows": threshold_chart.rows(chart),
    }
