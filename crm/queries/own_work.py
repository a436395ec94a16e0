"""What a salesperson has done today, and how their month stands."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import deeds, formats
from crm.models import User
from crm.queries import history
from leads import words
from leads.models import Activity, HandoffEvent, Opportunity
from leads.stages import VerbName
from sla.models import Milestone, Timer

OWN_VERBS = (
    VerbName.ACCEPT,
    VerbName.REJECT,
    VerbName.RECYCLE,
    VerbName.OPEN_OPPORTUNITY,
    VerbName.WIN,
    VerbName.LOSE,
    VerbName.DISQUALIFY,
)


@dataclass(frozen=True)
class Done:
    """One thing done: "Accepted", and with whom."""

    at: dt.datetime
    text: str
    contact_id: int
    name: str


@dataclass(frozen=True)
class Kept:
    """How many promises of a kind were kept; both numbers open their rows."""

    label: str
    kept: int
    kept_href: str
    of: int
    of_href: str


@dataclass(frozen=True)
class Month:
    """The month so far: promises kept, and what was won, by currency."""

    first_day: dt.date
    promises: tuple[Kept, ...]
    won: int
    won_href: str
    sums: tuple[tuple[Decimal, str], ...]

    @property
    def sum_words(self) -> str:
        """What was won, in words: "15,100 €, 2,000 zł"."""
        return ", ".join(formats.money(amount, currency=currency) for amount, currency in self.sums)


def done_today(user: User, *, now: dt.datetime) -> list[Done]:
    """What `user` did since midnight of their zone, newest first: two queries."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    acts = (
        HandoffEvent.objects.filter(actor=user, at__gte=midnight, verb__in=OWN_VERBS, undone_at=None)
        # Rejecting opens the next review with an event of its own, which is no second act.
        .exclude(from_state="")
        .select_related("handoff__contact")
    )
    done = [Done(row.at, _said(row.verb), row.handoff.contact_id, row.handoff.contact.name) for row in acts]
    logged = Activity.objects.filter(actor=user, recorded_at__gte=midnight, direction="outbound").select_related(
        "contact", "type", "actor", "campaign"
    )
    done += [
        Done(row.recorded_at, deeds.headline(history.deed_of(row)), row.contact_id, row.contact.name) for row in logged
    ]
    return sorted(done, key=lambda one: one.at, reverse=True)


def _said(verb: str) -> str:
    said = str(words.DEEDS[VerbName(verb)])
    return said[:1].upper() + said[1:]


def own_month(user: User, *, now: dt.datetime) -> Month:
    """How the month of `user` stands: promises that fell due or were met by now, and what was won. Two queries."""
    first = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    judged = Q(met_at__isnull=False) | Q(due_at__lt=now)
    rows = (
        Timer.objects.visible_to(user)
        .filter(judged, assignee=user, cancelled_at=None, due_at__gte=first, due_at__lt=_next_month(first))
        .order_by()
        .values("milestone")
        .annotate(
            kept=Count("handoff", distinct=True, filter=Q(met_at__lte=F("due_at"))), of=Count("handoff", distinct=True)
        )
    )
    counts = {row["milestone"]: row for row in rows}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    won = Opportunity.objects.filter(owner=user, state=Opportunity.State.WON, closed_at__gte=first)
    amounts = list(won.values_list("amount", "currency"))
    for amount, currency in amounts:
        sums[currency] += amount
    since = first.date().isoformat()
    return Month(
        first_day=first.date(),
        promises=(
            _kept(user, _("Contacted in time"), Milestone.CONTACT, counts, first=first),
            _kept(user, _("Answered in time"), Milestone.ANSWER, counts, first=first),
        ),
        won=len(amounts),
        won_href="/opportunities/?" + urlencode({"state": "won", "owner": user.email, "since": since}),
        sums=tuple(sorted(((amount, currency) for currency, amount in sums.items()), reverse=True)),
    )


def _kept(user: User, label: str, milestone: Milestone, counts: dict[str, Any], *, first: dt.datetime) -> Kept:
    found = counts.get(milestone.value, {"kept": 0, "of": 0})
    last = (_next_month(first) - dt.timedelta(days=1)).date()
    asked: dict[str, Any] = {
        "milestone": milestone.value,
        "promised_by": user.email,
        "by": "due",
        "since": first.date().isoformat(),
        "until": last.isoformat(),
    }

    def rows(*states: str) -> str:
        return "/handoffs/?" + urlencode({**asked, "timer": states}, doseq=True)

    return Kept(
        label=label,
        kept=found["kept"],
        kept_href=rows("met"),
        of=found["of"],
        of_href=rows("met", "late", "missed"),
    )


def _next_month(first: dt.datetime) -> dt.datetime:
    """Midnight of the first of the month after, in the same zone: whatever the hour that spring or autumn moves."""
    year, month = divmod(first.year * 12 + first.month, 12)
    return timezone.make_aware(dt.datetime(year, month + 1, 1), first.tzinfo)  # noqa: DTZ001 - made aware at once
