"""How many contacts of each channel came how far."""

from __future__ import annotations

import datetime as dt
import statistics
from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from crm.models import User
from leads.filters import NO_CODE
from leads.models import Contact, Handoff, Opportunity, Source
from leads.outcomes import Outcome
from leads.queries import Outcomes


@dataclass(frozen=True)
class ChannelRow:
    """One channel; `source` is None for the contacts of which nobody knows where they came from.

    `handoffs` counts attempts, `outcomes` what became of those that were handed over, `won` opportunities.
    `days_to_won` is the median number of days from the first touch to the win, over those `timed` wins that came after
    the first touch: the others say nothing of how long it takes.
    """

    source: Source | None
    contacts: int
    handoffs: int
    won: int
    timed: int
    days_to_won: float | None
    outcomes: Outcomes

    @property
    def code(self) -> str:
        """By what lists find the contacts and handoffs of the channel."""
        return self.source.code if self.source else NO_CODE


def channel_rows(*, user: User) -> list[ChannelRow]:
    """Every channel that has contacts which `user` may see, the one with most contacts first: six queries."""
    contacts = _counts(Contact.objects.visible_to(user), by="source_id")
    handoffs = _counts(Handoff.objects.visible_to(user), by="contact__source_id")
    won = _counts(Opportunity.objects.visible_to(user).filter(state=Opportunity.State.WON), by="contact__source_id")
    days = _days_to_won(user)
    outcomes = _outcomes(user)
    sources = Source.objects.in_bulk([key for key in contacts if key is not None])
    rows = [
        ChannelRow(
            source=sources.get(key) if key is not None else None,
            contacts=count,
            handoffs=handoffs.get(key, 0),
            won=won.get(key, 0),
            timed=len(days[key]),
            days_to_won=statistics.median(days[key]) if days[key] else None,
            outcomes=outcomes[key],
        )
        for key, count in contacts.items()
    ]
    return sorted(rows, key=lambda row: (-row.contacts, row.source.name if row.source else ""))


def _counts(rows, *, by: str) -> dict[int | None, int]:  # type: ignore[no-untyped-def]
    return dict(rows.order_by().values_list(by).annotate(Count("id")))


def _outcomes(user: User) -> dict[int | None, Outcomes]:
    """By channel, what became of the leads that were handed over."""
    found: QuerySet = Handoff.objects.visible_to(user).with_outcome().order_by()
    rows = found.values_list("contact__source_id", "outcome")
    counts: dict[int | None, dict[str, int]] = defaultdict(dict)
    for source_id, outcome, count in rows.annotate(Count("id")):
        if outcome is not None:
            counts[source_id][outcome] = count
    none = dict.fromkeys((one.value for one in Outcome), 0)
    return defaultdict(lambda: Outcomes(**none), {key: Outcomes(**none | found) for key, found in counts.items()})


def _days_to_won(user: User) -> dict[int | None, list[float]]:
    """By channel, the days from the first touch to each win that came after it."""
    rows = (
        Opportunity.objects.visible_to(user)
        .filter(state=Opportunity.State.WON)
        .annotate(met_at=Min("contact__touches__at"))
        .order_by()
        .values_list("contact__source_id", "met_at", "closed_at")
    )
    days: dict[int | None, list[float]] = defaultdict(list)
    for source_id, met_at, closed_at in rows:
        if met_at is not None and closed_at is not None and closed_at >= met_at:
            days[source_id].append((closed_at - met_at) / dt.timedelta(days=1))
    return days
