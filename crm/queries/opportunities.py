"""Lists of offers in money."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import django_filters as filters
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import formats
from crm.faces import Tab
from crm.models import User
from leads.filters import OpportunityFilter
from leads.models import Opportunity


class OpportunityListFilter(OpportunityFilter):
    """Opportunities as pages ask for them; `since` and `until` are days, both included, on which they were closed,
    of open ones on which they were opened."""

    since = filters.DateFilter(method="later", label=_("From"))
    until = filters.DateFilter(method="later", label=_("To"))

    class Meta:
        model = Opportunity
        fields: list[str] = []

    def later(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Nothing by itself: which instant is meant depends on the state."""
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        column = "closed_at" if asked["state"] in (Opportunity.State.WON, Opportunity.State.LOST) else "opened_at"
        if asked["since"]:
            rows = rows.filter(**{f"{column}__gte": _midnight(asked["since"])})
        if asked["until"]:
            rows = rows.filter(**{f"{column}__lt": _midnight(asked["until"] + dt.timedelta(days=1))})
        return rows


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def opportunities_of(user: User) -> QuerySet[Opportunity]:
    """Every opportunity that `user` may see, with what a row shows: the latest closed first, else the oldest open."""
    return (
        Opportunity.objects.visible_to(user)
        .select_related("contact__company", "owner", "reason")
        .order_by("-closed_at", "opened_at", "id")
    )


@dataclass(frozen=True)
class Summary:
    """How many there are in each state, and what those in the chosen one are worth together."""

    tabs: tuple[Tab, ...]
    worth: str
    count: int


def summary_of(user: User, *, given: Mapping[str, str]) -> Summary:
    """The same rows in every state, by a query each; `given` is what the page was asked for."""
    asked = QueryDict(mutable=True)
    asked.update({name: value for name, value in given.items() if name not in ("state", "page") and value})
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    state = given.get("state", "")
    for code in Opportunity.State.values:
        rows = OpportunityListFilter({**asked.dict(), "state": code}, queryset=Opportunity.objects.visible_to(user)).qs
        for amount, currency in rows.order_by().values_list("amount", "currency"):
            counts[code] += 1
            if code == state:
                sums[currency] += amount
    tabs = []
    for code, label in Opportunity.State.choices:
        address = asked.copy()
        address["state"] = code
        tabs.append(Tab(str(label), f"/opportunities/?{address.urlencode()}", counts[code], code == state))
    worth = ", ".join(
        formats.money(amount, currency=currency)
        for amount, currency in sorted(((amount, currency) for currency, amount in sums.items()), reverse=True)
    )
    return Summary(tabs=tuple(tabs), worth=worth, count=counts[state])
