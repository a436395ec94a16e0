"""What both teams have agreed on, as its pages show it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils.functional import Promise

from crm.models import User
from leads import reasons, words
from leads.models import Contact, Handoff, Opportunity, Reason
from leads.stages import ReasonKind


@dataclass(frozen=True)
class ReasonRow:
    """One reason in its list, and how many rows it was given for that the reader may see."""

    reason: Reason
    count: int
    href: str
    is_first: bool
    is_last: bool


@dataclass(frozen=True)
class ReasonGroup:
    """The reasons of one kind, those in use first and in the order in which they are offered."""

    kind: ReasonKind
    label: str | Promise
    rows: tuple[ReasonRow, ...]

    @property
    def has_order(self) -> bool:
        """Whether there are several to be put in order."""
        return sum(not row.reason.is_retired for row in self.rows) > 1


# Where the rows stand that a reason of each kind was given for.
_LISTS = {
    ReasonKind.RETURN: ("handoffs", "reason", {"state": "returned"}),
    ReasonKind.REJECT: ("handoffs", "reason", {"state": "rejected"}),
    ReasonKind.RECYCLE: ("handoffs", "reason", {"state": "recycled"}),
    ReasonKind.WON: ("opportunities", "reason", {"state": "won"}),
    ReasonKind.LOST: ("opportunities", "reason", {"state": "lost"}),
    ReasonKind.DISQUALIFY: ("contacts", "disqualified_reason", {}),
}


def reason_groups(user: User) -> tuple[ReasonGroup, ...]:
    """Every reason that people choose from, by kind; four queries however many there are."""
    given = _given(user)
    groups: dict[str, list[Reason]] = defaultdict(list)
    for row in Reason.objects.filter(kind__in=reasons.KINDS).order_by("is_retired", "position", "id"):
        groups[row.kind].append(row)
    return tuple(_group(kind, groups[kind.value], given) for kind in reasons.KINDS)


def _group(kind: ReasonKind, rows: list[Reason], given: dict[tuple[str, str, str], int]) -> ReasonGroup:
    page, name, more = _LISTS[kind]
    in_use = [row for row in rows if not row.is_retired]
    return ReasonGroup(
        kind=kind,
        label=words.REASON_KINDS[kind],
        rows=tuple(
            ReasonRow(
                reason=row,
                count=given.get((page, more.get("state", ""), row.code), 0),
                href=f"{reverse(page)}?{urlencode({name: row.code, **more})}",
                is_first=bool(in_use) and row is in_use[0],
                is_last=bool(in_use) and row is in_use[-1],
            )
            for row in rows
        ),
    )


def _given(user: User) -> dict[tuple[str, str, str], int]:
    """How many rows of each list have each reason: by list, state and code."""
    handoffs = Handoff.objects.visible_to(user).filter(reason__isnull=False).order_by()
    offers = Opportunity.objects.visible_to(user).filter(reason__isnull=False).order_by()
    contacts = Contact.objects.visible_to(user).filter(disqualified_reason__isnull=False).order_by()
    found = {}
    for page, rows in (("handoffs", handoffs), ("opportunities", offers)):
        for state, code, count in rows.values_list("state", "reason__code").annotate(n=Count("pk", distinct=True)):
            found[page, state, code] = count
    for code, count in contacts.values_list("disqualified_reason__code").annotate(n=Count("pk", distinct=True)):
        found["contacts", "", code] = count
    return found
