"""Every table of the pages about promises as a file: the same figures, the same filters, times in seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import formats
from crm.models import User
from crm.queries import sla, sla_breaches, sla_charts, sla_groups, sla_period, timers
from crm.queries.sla_period import Asked, Report
from crm.queries.timers import Stopwatch
from crm.share_charts import GroupShare, HeatCell
from crm.spreadsheets import Cell, Table, moment, moments, seconds
from crm.statistics import Spread
from sla.models import Milestone, Timer

CHUNK = 500
"""How many promises are read at a time."""


def table(name: str, *, user: User, asked: Asked, now: dt.datetime) -> Table | None:
    """The table of that name, see `NAMES`, for what `user` may see; None when there is no such table."""
    if name == "clocks":
        return _clocks(user, now=now)
    if name == "between":
        return _between(user, now=now)
    if name == "breaches":
        return _breaches(user, asked, now=now)
    if name == "delays":
        return _delays(user, asked, now=now)
    if name == "arrivals":
        return _arrivals(user, asked, now=now)
    make = _OF_REPORT.get(name)
    return make(sla_period.report(user=user, asked=asked, now=now)) if make else None


def _name(what: str, asked: Asked) -> str:
    return f"{what}-{asked.milestone.value}-{asked.period.since:%Y-%m-%d}-{asked.period.until:%Y-%m-%d}"


def _clocks(user: User, *, now: dt.datetime) -> Table:
    board = sla.board(user=user, now=now)
    return Table(
        name=f"open-clocks-{now:%Y-%m-%d}",
        header=[_("Clock"), *(formats.status_word(state) for state in sla.STATES)],
        rows=[[row.label, *(cell.count for cell in row.cells)] for row in (*board.rows, board.total)],
    )


def _between(user: User, *, now: dt.datetime) -> Table:
    lying = [one.lying for one in sla.board(user=user, now=now).between]
    return Table(
        name=f"between-two-chairs-{now:%Y-%m-%d}",
        header=[_("Where leads lie"), _("Leads"), *moments(_("Oldest since"))],
        rows=[[str(one.chair.label), one.count, *moment(one.oldest_at)] for one in lying],
    )


def _delays(user: User, asked: Asked, *, now: dt.datetime) -> Table:
    """System, human and total delay in working and in calendar time, of the period and the one before."""
    both = sla_period.contacts_of(user, asked, now=now)
    rows: list[list[Cell]] = []
    for words, facts in zip((_("this period"), _("the period before")), both, strict=True):
        for time, is_calendar_time in ((_("working time"), False), (_("calendar time"), True)):
            watch = Stopwatch(facts, is_calendar_time=is_calendar_time)
            spreads = sla_charts.delay_spreads(facts, watch=watch)
            for delay, spread in zip((_("System"), _("Human"), _("Total")), spreads, strict=True):
                rows.append([words, time, delay, *_spread(spread)])
    return Table(
        name=_name("delays", asked), header=[_("Period"), _("Time"), _("Delay"), *_spread_header("")], rows=rows
    )


def _spread_header(of: str) -> list[str]:
    before = f"{of}: " if of else ""
    return [
        before + _("number"),
        before + _("median in seconds"),
        before + _("90th percentile in seconds"),
    ]


def _spread(of: Spread) -> list[Cell]:
    return [of.n, seconds(of.median), seconds(of.ninth)]


def _histogram(report: Report) -> Table:
    bins = report.histogram.bins if report.histogram else ()
    return Table(
        name=_name("times", report.asked),
        header=[_("Took"), _("Handoffs")],
        rows=[[one.title, one.count] for one in bins],
    )


def _groups(report: Report) -> Table:
    def row(of: GroupShare) -> list[Cell]:
        share = round(of.share, 4) if of.of else None
        found: list[Cell] = [of.name, of.within, of.of, share, of.late, of.open, *_spread(of.took)]
        for delay in of.delays:
            found += _spread(delay)
        return found

    delays = [heading for of in (_("System"), _("Human"), _("Total")) for heading in _spread_header(of)]
    decided = [_("In time"), _("Decided"), _("Share in time"), _("Late"), _("Open")]
    return Table(
        name=_name(f"by-{report.asked.split.value}", report.asked),
        header=[report.groups.name_heading, *decided, *_spread_header(_("Took")), *delays],
        rows=[row(one) for one in report.groups.rows],
    )


def _arrivals(user: User, asked: Asked, *, now: dt.datetime) -> Table:
    """Hour by hour, where the page shows longer stretches."""
    facts = sla_period.decided_of(user, asked, now=now)
    shown = sla_groups.arrivals(facts, asked=asked, stretches=sla_groups.HOURS)
    late = [_("%(hours)s, late") % {"hours": column} for column in shown.columns]

    def numbers(cells: Iterable[HeatCell]) -> list[Cell]:
        given = list(cells)
        return [*(one.count for one in given), *(one.late for one in given)]

    return Table(
        name=_name("arrivals", asked),
        header=[_("Weekday"), *shown.columns, *late],
        rows=[[row.label, *numbers(row.cells)] for row in shown.rows],
    )


def _wins(report: Report) -> Table:
    return Table(
        name=f"response-{report.asked.period.since:%Y-%m-%d}-{report.asked.period.until:%Y-%m-%d}",
        header=[_("First contact"), _("Won"), _("Handed over"), _("Undecided"), _("Share won")],
        rows=[[one.name, one.won, one.of, one.open, round(one.share, 4) if one.of else None] for one in report.bands],
    )


_OF_REPORT: dict[str, Callable[[Report], Table]] = {
    "times": _histogram,
    "groups": _groups,
    "response": _wins,
}
NAMES = ("clocks", "between", "delays", "breaches", "arrivals", *_OF_REPORT)


# Rows -----------------------------------------------------------------------------------------------------------------


def _breaches(user: User, asked: Asked, *, now: dt.datetime) -> Table:
    rows = sla_breaches.breaches_of(user, asked=asked, now=now)
    formed, offered, due, met = (moments(word) for word in (_("Formed"), _("Offered"), _("Due"), _("Met")))

    def lines() -> Iterator[list[Cell]]:
        for chunk in _chunks(rows):
            for one in sla_breaches.told(chunk, now=now).rows:
                handoff = one.timer.handoff
                story = "; ".join(
                    f"{formats.full_moment(line.at)} {line.text} {line.who}".rstrip() for line in one.lines
                )
                yield [
                    one.name,
                    one.promise,
                    one.who,
                    *moment(handoff.formed_at),
                    *moment(handoff.offered_at),
                    *moment(one.timer.due_at),
                    *moment(one.timer.met_at),
                    one.late_seconds,
                    story,
                ]

    late = _("Late by, working seconds")
    return Table(
        name=_name("breaches", asked),
        header=[_("Lead"), _("Promise"), _("Whose"), *formed, *offered, *due, *met, late, _("What happened")],
        rows=lines(),
    )


def promises(rows: QuerySet[Timer], *, now: dt.datetime) -> Table:
    """The promises of a list, `rows` with `timers.RELATED` and their state, in their order."""
    started, due, met = (moments(word) for word in (_("Started"), _("Due"), _("Met")))

    def lines() -> Iterator[list[Cell]]:
        states = dict(timers.STATES)
        for chunk in _chunks(rows):
            facts = timers.facts_of_timers(chunk, now=now)
            watches = [Stopwatch(facts, is_calendar_time=calendar) for calendar in (False, True)]
            by_pk = {fact.pk: fact for fact in facts}
            for one in chunk:
                fact = by_pk[one.pk]
                yield [
                    one.handoff.contact.name,
                    str(one.handoff.contact.company or ""),
                    str(Milestone(one.milestone).label),
                    timers.holder_of(one) or _("Marketing"),
                    str(states[fact.state]),
                    one.target_seconds,
                    *moment(one.started_at),
                    *moment(one.due_at),
                    *moment(one.met_at),
                    *(seconds(watch.took(fact)) for watch in watches),
                ]

    took = [_("Took, working seconds"), _("Took, calendar seconds")]
    who = [_("Lead"), _("Company"), _("Promise"), _("Whose"), _("State"), _("Promised seconds")]
    return Table(name=f"promises-{now:%Y-%m-%d}", header=[*who, *started, *due, *met, *took], rows=lines())


def _chunks(rows: QuerySet[Any]) -> Iterator[Sequence[Any]]:
    """The rows of a list, some at a time: the ids at once, so that a row that changes meanwhile comes once."""
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        found = rows.model._default_manager.select_related(*timers.RELATED).in_bulk(ids[start : start + CHUNK])
        yield [found[pk] for pk in ids[start : start + CHUNK] if pk in found]
