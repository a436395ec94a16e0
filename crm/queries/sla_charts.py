"""The charts of response times, from the facts of promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import formats, statistics
from crm.charts import AxisMark, Bin, Delay, DelayBars, Histogram
from crm.queries.timers import Fact, Stopwatch
from crm.statistics import SMALLEST_SAMPLE, Spread
from sla.models import Milestone

if TYPE_CHECKING:
    from crm.queries.sla_period import Asked

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 7 * DAY)
"""How wide a bar may be, in seconds."""
BARS_WITHIN, BARS_AFTER = 8, 4
"""About how many bars lie before the limit, and how many behind it, before all that took longer."""

Times = list[tuple[Fact, float]]


def times(facts: Sequence[Fact], watch: Stopwatch) -> Times:
    """How many seconds each of these promises took; those that are not met are left out."""
    return [(one, took) for one in facts if (took := watch.took(one)) is not None]


# Delays ---------------------------------------------------------------------------------------------------------------


def delays(now: Sequence[Fact], before: Sequence[Fact], *, watch: Stopwatch, limit: int | None) -> DelayBars:
    """System, human and total delay of handoffs that were contacted, in a period and the one before."""
    kinds = (
        (_("System"), _("formed \u2192 offered"), _system, None),
        (_("Human"), _("offered \u2192 contacted"), _human, limit),
        (_("Total"), _("formed \u2192 contacted"), _total, None),
    )
    return DelayBars(
        rows=tuple(
            _delay(
                name,
                note,
                now=[took for one in now if (took := measure(one, watch)) is not None],
                before=[took for one in before if (took := measure(one, watch)) is not None],
                limit=line,
            )
            for name, note, measure, line in kinds
        ),
        label=_("Median and 90th percentile of three delays, against the period before"),
    )


def delay_spreads(facts: Sequence[Fact], *, watch: Stopwatch) -> tuple[Spread, Spread, Spread]:
    """How system, human and total delay of handoffs that were contacted are spread."""
    system, human, total = (
        statistics.spread([took for one in facts if (took := measure(one, watch)) is not None])
        for measure in (_system, _human, _total)
    )
    return system, human, total


def _system(fact: Fact, watch: Stopwatch) -> float | None:
    return watch.between(fact, fact.formed_at, fact.offered_at) if fact.offered_at else None


def _human(fact: Fact, watch: Stopwatch) -> float | None:
    is_known = fact.offered_at and fact.contacted_at
    return watch.between(fact, fact.offered_at, fact.contacted_at) if is_known else None  # type: ignore[arg-type]


def _total(fact: Fact, watch: Stopwatch) -> float | None:
    return watch.between(fact, fact.formed_at, fact.contacted_at) if fact.contacted_at else None


def _delay(name: str, note: str, *, now: Sequence[float], before: Sequence[float], limit: int | None) -> Delay:
    if len(now) < SMALLEST_SAMPLE:
        few = ngettext("%(n)s contacted: too few to tell", "%(n)s contacted: too few to tell", len(now))
        return Delay(name=name, note=note, median=None, percentile_90=None, few_text=few % {"n": len(now)})
    is_compared = len(before) >= SMALLEST_SAMPLE
    median, ninth = statistics.median(now), statistics.percentile(now, 0.9)
    median_before = statistics.median(before) if is_compared else None
    ninth_before = statistics.percentile(before, 0.9) if is_compared else None
    return Delay(
        name=name,
        note=note,
        median=median,
        percentile_90=ninth,
        before_median=median_before,
        before_percentile_90=ninth_before,
        limit=limit,
        median_text=formats.duration(median or 0),
        median_change=change(median, median_before),
        percentile_text=formats.duration(ninth or 0),
        percentile_change=change(ninth, ninth_before),
    )


def change(now: float | None, before: float | None) -> str:
    """By how much a time grew: "+5 min", "−1 h 05 min"; empty when one of them is not known."""
    if now is None or before is None:
        return ""
    seconds = now - before
    if abs(seconds) < MINUTE:
        return "±0"
    return f"{'+' if seconds > 0 else formats.MINUS}{formats.duration(seconds)}"


# Histogram ------------------------------------------------------------------------------------------------------------


def histogram(took: Times, *, limit: int | None, asked: Asked) -> Histogram:
    """Times in equal steps, so that the limit lies between two bars; the last bar holds all that took longer.

    A bar holds what took more than its lower edge and at most its upper one, as a promise is kept up to its limit.
    """
    seconds = [time for _fact, time in took]
    ninth = statistics.percentile(seconds, 0.9) or 0.0
    step = step_for_limit(limit) if limit else round_step(max(ninth, 1.0))
    inside = round(limit / step) if limit else math.ceil(max(ninth, 1.0) / step)
    bars = inside + (BARS_AFTER if limit else 1)
    counts = [0] * (bars + 1)
    for time in seconds:
        index = max(math.ceil(time / step) - 1, 0)
        if limit:  # to the right side of the limit, however the division was rounded
            index = min(index, inside - 1) if time <= limit else max(index, inside)
        counts[min(index, bars)] += 1
    unit, unit_word = _unit(step, is_calendar_time=asked.is_calendar_time)
    after = sum(counts[inside:])
    return Histogram(
        bins=tuple(_bin(index, counts, step=step, unit=unit, asked=asked) for index in range(bars + 1)),
        last_edge=f"{_edge(bars * step, unit)}+",
        limit_at=inside if limit else None,
        limit_label=_("limit %(time)s") % {"time": formats.duration(limit)} if limit else "",
        within_label=_("%(n)s within") % {"n": formats.number(len(seconds) - after)} if limit else "",
        after_label=_("%(n)s after it") % {"n": formats.number(after)} if limit and after else "",
        marks=_marks(seconds, step=step, bars=bars) if len(seconds) >= SMALLEST_SAMPLE else (),
        label=_("How many took how long, in steps of %(step)s") % {"step": formats.duration(step)},
        step_heading=unit_word,
        count_heading=_("Handoffs"),
    )


def step_for_limit(limit: int) -> float:
    """The width of a bar such that a limit is a whole number of them, about eight: a round one where there is one."""
    for step in STEPS:
        if limit % step == 0 and limit / step <= BARS_WITHIN:
            return step
    return limit / BARS_WITHIN


def round_step(seconds: float) -> float:
    """A round width of a bar, of which about eight make up so many seconds."""
    return next((step for step in STEPS if seconds / step <= BARS_WITHIN), STEPS[-1])


def _unit(step: float, *, is_calendar_time: bool) -> tuple[int, str]:
    """The unit in which edges are written, and its name."""
    if step % HOUR == 0:
        return HOUR, _("Hours") if is_calendar_time else _("Working hours")
    if step % MINUTE == 0:
        return MINUTE, _("Minutes") if is_calendar_time else _("Working minutes")
    return 1, _("Seconds") if is_calendar_time else _("Working seconds")


def _edge(seconds: float, unit: int) -> str:
    return formats.number(round(seconds / unit, 1))


def _bin(index: int, counts: Sequence[int], *, step: float, unit: int, asked: Asked) -> Bin:
    is_last = index == len(counts) - 1
    low, high = index * step, (index + 1) * step
    if is_last:
        title = _("over %(low)s") % {"low": formats.duration(low)}
    elif index == 0:
        title = _("up to %(high)s") % {"high": formats.duration(high)}
    else:
        title = _("%(low)s to %(high)s") % {"low": formats.duration(low), "high": formats.duration(high)}
    return Bin(
        edge=_edge(low, unit),
        count=counts[index],
        href=asked.address(
            state=("met", "late"),
            over=low if index else None,
            upto=None if is_last else high,
            time="calendar" if asked.is_calendar_time else None,
        ),
        title=title,
    )


def _marks(seconds: Sequence[float], *, step: float, bars: int) -> tuple[AxisMark, ...]:
    median, ninth = statistics.median(seconds) or 0.0, statistics.percentile(seconds, 0.9) or 0.0
    return (
        AxisMark(at=min(median / step, bars + 0.5), label=_("median %(time)s") % {"time": formats.duration(median)}),
        AxisMark(
            at=min(ninth / step, bars + 0.5), label=_("90th percentile %(time)s") % {"time": formats.duration(ninth)}
        ),
    )


def title(milestone: Milestone, median: float | None, n: int) -> str:
    """What the histogram shows, as a sentence: "Half are contacted within 3 h 10 min"."""
    if median is None or n < SMALLEST_SAMPLE:
        return _("Too few to tell how long it takes")
    return {
        Milestone.REVIEW: _("Half are reviewed within %(time)s"),
        Milestone.ANSWER: _("Half are answered within %(time)s"),
        Milestone.CONTACT: _("Half are contacted within %(time)s"),
        Milestone.MEETING: _("Half have a meeting within %(time)s"),
        Milestone.FOLLOW_UP: _("Half are followed up within %(time)s"),
    }[milestone] % {"time": formats.duration(median)}


def span(milestone: Milestone) -> str:
    """From what to what a promise runs: "offered to contacted"."""
    return {
        Milestone.REVIEW: _("formed to reviewed"),
        Milestone.ANSWER: _("offered to answered"),
        Milestone.CONTACT: _("offered to contacted"),
        Milestone.MEETING: _("accepted to meeting arranged"),
        Milestone.FOLLOW_UP: _("contact, or the day planned with it, to the next contact"),
    }[milestone]
