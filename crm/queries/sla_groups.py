"""The promises of a period told apart: by person, team, source, campaign or grade, and by when their leads arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import formats, statistics
from crm.queries import calendars, origins, sla_charts, timers
from crm.queries.origins import Split
from crm.queries.timers import DECIDED, LATE, NOBODY, Fact, Stopwatch
from crm.share_charts import GroupBars, GroupShare, HeatCell, HeatRow, HeatTable, shade_of
from crm.statistics import SMALLEST_SAMPLE
from sla.models import Milestone, TimerQuerySet

if TYPE_CHECKING:
    from crm.queries.sla_period import Asked

Key = str | None
STRETCHES = ((0, 7), (7, 9), (9, 11), (11, 13), (13, 15), (15, 17), (17, 19), (19, 24))
"""The hours of a day, parted as a working day is felt: [from, to)."""
HOURS = tuple((hour, hour + 1) for hour in range(24))
"""The hours of a day, each by itself."""
ORDERS: dict[str, Callable[[GroupShare], float | str]] = {
    "name": lambda row: row.name.casefold(),
    "share": lambda row: row.share,
    "median": lambda row: row.took.median or 0.0,
    "ninth": lambda row: row.took.ninth or 0.0,
    "system": lambda row: row.delays[0].median or 0.0,
    "human": lambda row: row.delays[1].median or 0.0,
    "total": lambda row: row.delays[2].median or 0.0,
    "late": lambda row: row.late,
    "open": lambda row: row.open,
}
"""By what a table of groups can be sorted."""


def groups(
    facts: Sequence[Fact], contacts: Sequence[Fact], *, running: TimerQuerySet, watch: Stopwatch, asked: Asked
) -> GroupBars:
    """One row a group with a promise in the period or an open one now; those without a group come last. One query.

    `facts` are the decided promises, `contacts` the first contacts that were made, of which the delays are told;
    `running` the open clocks now.
    """
    decided, contacted = _by_group(facts), _by_group(contacts)
    names: dict[Key, str] = {one.group_key or None: one.group_name or "" for one in [*contacts, *facts]}
    open_now: dict[Key, int] = defaultdict(int)
    annotated = running.order_by().annotate(
        group_key=origins.key_of(asked.split), group_name=origins.name_of(asked.split)
    )
    for key, name, n in annotated.values_list("group_key", "group_name").annotate(n=Count("pk")):
        open_now[key or None] += n
        names.setdefault(key or None, name or "")
    names[None] = _without(asked)
    keys = sorted({*decided, *open_now}, key=lambda key: (key is None, names[key].casefold()))

    def row(name: str, key: str, of: Sequence[Fact], contacts_of: Sequence[Fact], open_count: int) -> GroupShare:
        late = sum(not one.is_kept for one in of)
        chosen = {asked.split.value: key}
        return GroupShare(
            name=name,
            within=len(of) - late,
            of=len(of),
            of_href=asked.address(state=DECIDED, **chosen),
            took=statistics.spread([seconds for _fact, seconds in sla_charts.times(of, watch)]),
            delays=sla_charts.delay_spreads(contacts_of, watch=watch),
            late=late,
            late_href=asked.address(state=LATE, **chosen),
            open=open_count,
            open_href=timers.address(milestone=asked.milestone.value, state="open", **chosen),
        )

    rows = [
        row(names[key], key or _none_of(asked.split), decided[key], contacted[key], open_now.get(key, 0))
        for key in keys
    ]
    return GroupBars(
        rows=tuple(_sorted(rows, order=asked.order)),
        total=row(_("All"), "", facts, contacts, sum(open_now.values())) if len(rows) > 1 else None,
        smallest_sample=SMALLEST_SAMPLE,
        name_heading=str(asked.split.label),
        share_heading=_("In time"),
        delay_headings=((_("System"), "-system"), (_("Human"), "-human"), (_("Total"), "-total")),
    )


def _by_group(facts: Sequence[Fact]) -> dict[Key, list[Fact]]:
    found: dict[Key, list[Fact]] = defaultdict(list)
    for one in facts:
        found[one.group_key or None].append(one)
    return found


def _sorted(rows: list[GroupShare], *, order: str) -> list[GroupShare]:
    """In the order asked for; else those that can be compared first, the larger share first."""
    key = ORDERS.get(order.removeprefix("-"))
    if key is None:
        return sorted(rows, key=lambda row: (row.of < SMALLEST_SAMPLE, -row.share))
    return sorted(rows, key=key, reverse=order.startswith("-"))


def _none_of(split: Split) -> str:
    return NOBODY if split is Split.PERSON else origins.NONE


def _without(asked: Asked) -> str:
    """What those without a group are called."""
    if asked.split is Split.PERSON:
        return _("Marketing") if asked.milestone == Milestone.REVIEW else _("Nobody yet")
    return {
        Split.TEAM: _("No team"),
        Split.SOURCE: _("No source"),
        Split.CAMPAIGN: _("No campaign"),
        Split.GRADE: _("No grade"),
    }[asked.split]


# When they arrived ----------------------------------------------------------------------------------------------------


def arrivals(facts: Sequence[Fact], *, asked: Asked, stretches: Sequence[tuple[int, int]] = STRETCHES) -> HeatTable:
    """The decided promises by when their handoff was formed: weekday and hours of the current zone."""
    counts: dict[tuple[int | None, int | None], list[int]] = defaultdict(lambda: [0, 0])
    for one in facts:
        arrived = timezone.localtime(one.formed_at)
        day = arrived.isoweekday()
        stretch = next(i for i, (_since, to) in enumerate(stretches) if arrived.hour < to)
        for place in ((day, stretch), (day, None), (None, stretch), (None, None)):
            counts[place][0] += 1
            counts[place][1] += not one.is_kept
    most = max((counts[day, i][0] for day in range(1, 8) for i in range(len(stretches))), default=0)

    def cell(day: int | None, stretch: int | None, *, is_shaded: bool = False) -> HeatCell:
        count, late = counts[day, stretch]
        since, to = stretches[stretch] if stretch is not None else (None, None)
        # The first hour is no bound: an address leaves nothing out that says something, and nothing else in.
        when = {"weekday": day, "since_hour": since or None, "to_hour": to if to != 24 else None}
        return HeatCell(
            count=count,
            href=asked.address(state=DECIDED, **when),
            late=late,
            late_href=asked.address(state=LATE, **when),
            shade=shade_of(count, most) if is_shaded and most else 0,
        )

    columns = range(len(stretches))
    return HeatTable(
        columns=tuple(f"{since:02}\u2013{to:02}" for since, to in stretches),
        rows=tuple(
            HeatRow(
                label=str(calendars.SHORT_DAYS[day - 1]),
                cells=tuple(cell(day, i, is_shaded=True) for i in columns),
                total=cell(day, None),
            )
            for day in range(1, 8)
        ),
        totals=(*(cell(None, i) for i in columns), cell(None, None)),
    )


def arrivals_said(table: HeatTable) -> str:
    """When most of those that were late arrived: "5 of 11 not met when due came between 15 and 17"; else empty."""
    everything, columns = table.totals[-1], table.totals[:-1]
    if everything.late < SMALLEST_SAMPLE:
        return ""
    worst = max(range(len(columns)), key=lambda i: columns[i].late)
    since, to = STRETCHES[worst]
    return _("%(late)s of %(all)s not met when due came between %(since)d and %(to)d") % {
        "late": formats.number(columns[worst].late),
        "all": formats.number(everything.late),
        "since": since,
        "to": to,
    }
