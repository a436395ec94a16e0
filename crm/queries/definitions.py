"""What both teams have agreed on, as its pages show it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils.functional import Promise

from crm.models import User
from crm.queries import card, which
from leads import condition_words, handover, reasons, routing, words
from leads.conditions import parse_conditions
from leads.models import Contact, DefinitionVersion, Handoff, HandoverRule, Opportunity, Reason
from leads.routing import Choice
from leads.stages import ReasonKind


@dataclass(frozen=True)
class Definition:
    """A word, what it means now, and the versions of that, the newest first; none where it means what it came with."""

    word: str
    label: str | Promise
    text: str
    versions: tuple[DefinitionVersion, ...]

    @property
    def number(self) -> int:
        """The version that holds; 0 for the meaning that Baton came with."""
        return self.versions[0].number if self.versions else 0

    @property
    def written_at(self) -> dt.datetime | None:
        """Since when it means this; None where it always has."""
        return self.versions[0].at if self.versions else None

    @property
    def written_by(self) -> User | None:
        """Who wrote it so."""
        return self.versions[0].actor if self.versions else None

    @property
    def first_text(self) -> str:
        """The meaning that Baton came with."""
        return str(words.DEFINITIONS[self.word])


def definitions() -> tuple[Definition, ...]:
    """Every agreed word in the order of the way through; one query."""
    versions: dict[str, list[DefinitionVersion]] = defaultdict(list)
    for row in DefinitionVersion.objects.select_related("actor").order_by("-number"):
        versions[row.word].append(row)
    return tuple(
        Definition(
            word,
            label,
            versions[word][0].text if versions[word] else str(words.DEFINITIONS[word]),
            tuple(versions[word]),
        )
        for word, label in words.DEFINED.items()
    )


# Reasons --------------------------------------------------------------------------------------------------------------


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
    ReasonKind.REDIRECT: ("handoffs", "reason", {"state": "closed"}),
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


# The hand-over rule ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RuleRow:
    """One rule in its place, what it asks in words, and how many leads it passed straight to sales."""

    rule: HandoverRule
    sentence: str
    count: int
    href: str
    is_first: bool
    is_last: bool
    takes_the_rest: bool
    """Whether it asks nothing, so that no rule after it is asked."""
    never_asked: bool


def handover_rules(user: User) -> tuple[RuleRow, ...]:
    """Every rule in the order in which it is asked, those out of use at the end; two queries."""
    rows = list(HandoverRule.objects.order_by("-is_active", "position", "-id"))
    passed = Handoff.objects.visible_to(user).filter(straight_by__isnull=False).order_by()
    counts = dict(passed.values_list("straight_by").annotate(n=Count("pk", distinct=True)))
    in_use = [row for row in rows if row.is_active]
    catching = next((row for row in in_use if not row.conditions), None)
    last_asked = in_use.index(catching) if catching else len(in_use)
    return tuple(
        RuleRow(
            rule=row,
            sentence=_capitalized(condition_words.conditions_sentence(parse_conditions(row.conditions))),
            count=counts.get(row.pk, 0),
            href=f"{reverse('handoffs')}?straight_by={row.pk}",
            is_first=row.is_active and row is in_use[0],
            is_last=row.is_active and row is in_use[-1],
            takes_the_rest=row is catching,
            never_asked=row.is_active and in_use.index(row) > last_asked,
        )
        for row in rows
    )


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True)
class Asked:
    """One rule before a contact: each condition in words, whether it fits, and whether it is the one that decides."""

    rule: HandoverRule
    conditions: tuple[which.Asked, ...]
    fits: bool
    decides: bool


@dataclass(frozen=True)
class Outcome:
    """What would happen to a contact that crossed the threshold now."""

    contact: Contact
    rules: tuple[Asked, ...]
    is_straight: bool
    choice: Choice | None
    """Whom routing would find now; None where the lead would wait."""


def outcome(user: User, *, contact_id: int, now: dt.datetime) -> Outcome:
    """Every rule before a contact, by the code that decides when a handoff is formed. Raises `NotFound`."""
    contact = card.contact_seen(user, contact_id)
    handoff = which.supposed(contact, now=now)
    judged = list(handover.Judge([handoff]).judge(handoff))
    deciding = next((one for one in judged if one.fits), None)
    is_straight = deciding is not None and deciding.rule.is_straight
    return Outcome(
        contact=contact,
        rules=tuple(
            Asked(one.rule, tuple(which.asked(each) for each in one.conditions), one.fits, one is deciding)
            for one in judged
        ),
        is_straight=is_straight,
        choice=routing.preview([handoff], at=now)[0] if is_straight else None,
    )
