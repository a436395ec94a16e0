"""How handoffs and opportunities ended, and what was known before: what points can be learned from.

What counts is what a score could have known: the fields as they stood when the handoff was formed, taken back through
the history of changes, and the activities up to then, as the rules in force count them.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from leads import facts
from leads.conditions import Condition, is_unset, matches
from leads.models import Activity, Contact, ContactChange, Handoff, Opportunity, Source
from leads.stages import HandoffState
from scoring import engine
from scoring.learning import Case, Filled, missing_outcomes
from scoring.models import ActivityRule
from scoring.services import Rules

MOST_CASES = 20_000
"""So many of the latest outcomes are looked at."""
BATCH = 1000
FIELDS = (
    "job_title",
    "phone",
    "country",
    "city",
    "language",
    "source",
    "company.industry",
    "company.employees",
    "company.annual_revenue",
    "company.country",
    "company.city",
)
"""What a rule may be learned about, beside attributes. Names say who somebody is, not what they need."""
HAND_MADE_OPERATORS = ("contains", "starts_with", "is_free_mail")
"""Fit rules with these cannot be found by grouping values: a person wrote them, and their points alone are learned."""
LEARNED_FIELDS = (*FIELDS, "email", "company.name", "company.domain")
NEW_RULE_COUNTS = 3.0
"""A rule for a type of activity that had none counts up to so many."""


class Goal(StrEnum):
    """Which end is the good one."""

    ACCEPTED = "accepted"
    WON = "won"


@dataclass(frozen=True)
class Outlook:
    """Whether there is enough to learn from: closed outcomes, how many of them good, how many more are needed."""

    closed: int
    positives: int
    missing: int


@dataclass(frozen=True)
class Collected:
    """The cases, and for every field in how many of them it is set today, and was filled only after the handoff."""

    cases: tuple[Case, ...]
    filled: dict[str, Filled]


@dataclass(frozen=True)
class _Ending:
    contact_id: int
    formed_at: dt.datetime
    is_good: bool


def rule_key(rule: ActivityRule) -> str:
    """The key under which cases carry how much a published rule counted."""
    return f"rule {rule.pk}"


def condition_key(condition: Condition) -> str:
    """The key under which cases carry whether they meet the condition of a fit rule that a person wrote."""
    return f"fit {condition.field} {condition.op} {condition.value!r}"


def type_key(code: str) -> str:
    """The key for a type of activity that no rule is about."""
    return f"type {code}"


def is_hand_made(condition: Condition) -> bool:
    """Whether a fit rule is one that only a person can write, whose points alone can be learned."""
    return condition.op in HAND_MADE_OPERATORS and is_learned_about(condition.field)


def is_learned_about(field: str) -> bool:
    """Whether rules are learned about the field. What sales finds out (BANT) and personas stay as people set them."""
    return field in LEARNED_FIELDS or field.startswith("attributes.")


def outlook(goal: Goal) -> Outlook:
    """Count the closed outcomes."""
    endings = _endings(goal)
    positives = sum(ending.is_good for ending in endings)
    return Outlook(len(endings), positives, missing_outcomes(closed=len(endings), positives=positives))


def collect(
    goal: Goal, *, rules: Rules, insist_on: Collection[str] = (), on_progress: Callable[[int], None] = lambda done: None
) -> Collected:
    """The latest outcomes as cases, one a contact. Fields in `insist_on` are taken as they stand today.

    `on_progress` is told how many are read after each batch.
    """
    cases: list[Case] = []
    set_today: Counter[str] = Counter()
    filled_after: Counter[str] = Counter()
    for batch in _batches(_endings(goal)):
        ids = [ending.contact_id for ending in batch]
        contacts = Contact.objects.select_related("company", "source").in_bulk(ids)
        changed = _values_before(batch)
        amounts = _amounts(batch, rules)
        for ending in batch:
            contact = contacts[ending.contact_id]
            today = _values(contact)
            then = {name: changed[contact.pk].get(name, value) for name, value in today.items()}
            for name, value in today.items():
                if not is_unset(value):
                    set_today[name] += 1
                    filled_after[name] += is_unset(then[name])
            then |= {name: today[name] for name in insist_on if name in today}
            own = amounts[contact.pk] | _hand_made(rules, contact, then)
            cases.append(Case(values=then, is_positive=ending.is_good, amounts=own))
        on_progress(len(cases))
    filled = {name: Filled(cases=count, after=filled_after[name]) for name, count in set_today.items()}
    return Collected(tuple(cases), filled)


def _endings(goal: Goal) -> list[_Ending]:
    """The latest outcome of each contact. A salesperson's own prospect was accepted by nobody, yet can be won."""
    rows: Any
    if goal is Goal.WON:
        closed = Opportunity.objects.exclude(state=Opportunity.State.OPEN).order_by("-closed_at", "-id")
        rows = closed.values_list("contact_id", "handoff__formed_at", "state")
        good = {Opportunity.State.WON.value}
    else:
        answered = Handoff.objects.filter(answered_at__isnull=False).exclude(cause__in=Handoff.BY_SALES)
        rows = answered.order_by("-answered_at", "-id").values_list("contact_id", "formed_at", "state")
        good = {state.value for state in HandoffState} - {HandoffState.REJECTED.value}
    endings: dict[int, _Ending] = {}
    for contact_id, formed_at, state in rows.iterator():
        endings.setdefault(contact_id, _Ending(contact_id, formed_at, state in good))
        if len(endings) == MOST_CASES:
            break
    return sorted(endings.values(), key=lambda ending: ending.contact_id)


def _batches(endings: Sequence[_Ending]) -> Iterator[Sequence[_Ending]]:
    for start in range(0, len(endings), BATCH):
        yield endings[start : start + BATCH]


def _values(contact: Contact) -> dict[str, Any]:
    get = facts.contact_getter(contact, pictures=())
    return {name: get(name) for name in FIELDS} | {
        f"attributes.{name}": value for name, value in contact.attributes.items()
    }


def _values_before(batch: Sequence[_Ending]) -> dict[int, dict[str, Any]]:
    """For each contact, the earlier values of the fields that changed after its handoff was formed."""
    formed_at = {ending.contact_id: ending.formed_at for ending in batch}
    sources = {source.name: source.code for source in Source.objects.all()}
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    changes = ContactChange.objects.filter(contact_id__in=formed_at, merge=None).order_by("at", "id")
    for contact_id, name, old, at in changes.values_list("contact_id", "field", "old", "at").iterator():
        if at <= formed_at[contact_id]:
            continue
        known = found[contact_id]
        if name == "company" and is_unset(old):
            for field in FIELDS:
                if field.startswith("company."):
                    known.setdefault(field, None)
        known.setdefault(name, sources.get(str(old)) if name == "source" else old)
    return found


def _hand_made(rules: Rules, contact: Contact, values: dict[str, Any]) -> dict[str, float]:
    """Which of the rules that a person wrote the contact met."""
    get = facts.contact_getter(contact, pictures=())
    return {
        condition_key(check.condition): 1.0
        for check in rules.fit
        if is_hand_made(check.condition)
        and matches(check.condition, values[check.field] if check.field in values else get(check.field))
    }


def _amounts(batch: Sequence[_Ending], rules: Rules) -> dict[int, dict[str, float]]:
    """How much each rule counted when the handoff was formed, in units of its points: faded, once an object, capped."""
    formed_at = {ending.contact_id: ending.formed_at for ending in batch}
    rows = Activity.objects.filter(contact_id__in=formed_at, bot_verdict=None).select_related("campaign", "type")
    weights: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seen: set[tuple[Any, ...]] = set()
    for activity in rows.order_by("occurred_at", "id").iterator():
        seconds = (formed_at[activity.contact_id] - activity.occurred_at).total_seconds()
        if seconds < 0:
            continue
        own = weights[activity.contact_id]
        ruled = rules.by_type.get(activity.type_id, ())
        for rule in ruled:
            if not rule.counts(activity):
                continue
            if (counted_for := rule.object_of(activity)) is not None:
                key = (activity.contact_id, rule.row.pk, *counted_for)
                if key in seen:
                    continue
                seen.add(key)
            own[rule_key(rule.row)] += engine.weight(seconds=-seconds, half_life_days=rule.half_life_days)
        if not ruled and activity.type.direction == "inbound":
            fading = engine.weight(seconds=-seconds, half_life_days=rules.model.half_life_days)
            own[type_key(activity.type_id)] += fading
    most = {rule_key(rule.row): most_counted(rule.row) for rule in rules.by_id.values()}
    return defaultdict(
        dict,
        {
            contact_id: {key: _at_most(amount, most.get(key, NEW_RULE_COUNTS)) for key, amount in own.items()}
            for contact_id, own in weights.items()
        },
    )


def most_counted(rule: ActivityRule) -> float | None:
    """How many times its points a rule gives at most; None without a limit."""
    limit = rule.cap if rule.points > 0 else rule.floor
    return limit / rule.points if rule.points and limit is not None else None


def _at_most(amount: float, limit: float | None) -> float:
    return amount if limit is None else min(amount, limit)


def types_without_rule(keys: Iterable[str]) -> list[str]:
    """The codes of the types among keys of amounts."""
    prefix = type_key("")
    return sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))
