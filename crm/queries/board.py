"""Open opportunities by the step of their talks, as columns that one moves them along."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from crm import formats
from crm.flows.talks import may_change
from crm.models import User
from crm.queries.opportunities import OpportunityListFilter
from leads.models import Opportunity, Task

MOST = 50
"""Cards of a column; the list has the rest."""


@dataclass(frozen=True)
class Move:
    """Another step to which a card may go."""

    step: str
    label: str
    is_forward: bool
    key: str
    """The key that does it: to the neighbors only."""


@dataclass(frozen=True)
class Card:
    """One opportunity in its column."""

    opportunity: Opportunity
    since: dt.datetime
    next_at: dt.datetime | None
    """When its owner takes the next step; None when none is planned."""
    moves: tuple[Move, ...]
    can_close: bool
    """Whether the reader says that it is won or lost: who owns the contact."""

    @property
    def what(self) -> str:
        """The company and, where it says more, what is offered."""
        company = str(self.opportunity.contact.company or "")
        names = [company, self.opportunity.name if self.opportunity.name != company else ""]
        return ", ".join(name for name in names if name)


@dataclass(frozen=True)
class Column:
    """One step, with how many stand in it and what they are worth, by currency."""

    step: str
    label: str
    cards: tuple[Card, ...]
    count: int
    worth: tuple[str, ...]
    href: str

    @property
    def has_more(self) -> bool:
        return self.count > len(self.cards)


@dataclass(frozen=True)
class Board:
    """All columns, and what stands in them together."""

    columns: tuple[Column, ...]
    count: int
    worth: str


def board_of(user: User, *, given: Mapping[str, str]) -> Board:
    """The opportunities that `user` may see, narrowed as the list is by `given`; a query a column and one for the sums.

    In a column those stand first that have stood there longest. Amounts of different currencies are never added.
    """
    asked = {name: value for name, value in given.items() if name in OpportunityListFilter.base_filters}
    asked |= {"state": Opportunity.State.OPEN.value}
    asked.pop("step", None)
    rows = OpportunityListFilter(asked, queryset=Opportunity.objects.visible_to(user)).qs
    sums: dict[str, dict[str, Decimal]] = defaultdict(dict)
    counts: dict[str, int] = defaultdict(int)
    found = rows.order_by().values("step", "currency").annotate(amount=Sum("amount"), n=Count("pk"))
    for row in found:
        sums[row["step"]][row["currency"]] = row["amount"]
        counts[row["step"]] += row["n"]
    cards = _cards(user, rows)
    columns = tuple(
        Column(
            step=step,
            label=str(label),
            cards=tuple(cards[step]),
            count=counts[step],
            worth=_worth(sums[step]),
            href=f"/opportunities/?{urlencode(asked | {'step': step})}",
        )
        for step, label in Opportunity.Step.choices
    )
    total: dict[str, Decimal] = defaultdict(Decimal)
    for of_step in sums.values():
        for currency, amount in of_step.items():
            total[currency] += amount
    return Board(columns=columns, count=sum(counts.values()), worth=", ".join(_worth(total)))


def _cards(user: User, rows: QuerySet[Opportunity]) -> dict[str, list[Card]]:
    steps = Task.objects.open().filter(contact=OuterRef("contact"), owner=OuterRef("owner")).order_by("due_at")
    longest = Coalesce("moved_at", "opened_at")
    found: dict[str, list[Card]] = {step: [] for step in Opportunity.Step.values}
    for step, cards in found.items():
        shown = rows.filter(step=step).select_related("contact__company", "owner")
        shown = shown.annotate(next_at=Subquery(steps.values("due_at")[:1]))
        cards += [
            Card(
                one,
                since=one.in_step_since,
                next_at=one.next_at,
                moves=moves_of(one) if may_change(user, one) else (),
                can_close=one.contact.owner_id == user.pk,
            )
            for one in shown.order_by(longest, "id")[:MOST]
        ]
    return found


def moves_of(opportunity: Opportunity) -> tuple[Move, ...]:
    """The other steps, in their order."""
    steps = list(Opportunity.Step)
    here = steps.index(Opportunity.Step(opportunity.step))
    return tuple(
        Move(step.value, str(step.label), is_forward=index > here, key={1: "l", -1: "h"}.get(index - here, ""))
        for index, step in enumerate(steps)
        if index != here
    )


def _worth(sums: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Each currency for itself, the largest amount first."""
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(formats.money(amount, currency=currency) for currency, amount in ordered)
