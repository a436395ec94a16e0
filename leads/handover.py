"""The hand-over rule: is an MQL passed straight to sales, or does marketing review it first?

Rules are asked in their order; the first whose conditions all hold decides, and where none does, marketing reviews.
They are asked once, when the handoff is formed. What sales rejects is reviewed always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Min, ProtectedError
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid, NotFound
from leads import condition_words, facts, order
from leads.conditions import Judged, all_match, judge, parse_conditions
from leads.models import Handoff, HandoverRule

FIELDS = ("name", "conditions", "is_straight", "is_active")
KNOWN = facts.POLICY_FIELDS - {"handoff.team"}
"""What conditions may ask for: a handoff that is being formed has no team."""
LONGEST_NAME = 100


# Asking ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judgement:
    """One rule before one handoff; it fits when every condition holds."""

    rule: HandoverRule
    conditions: tuple[Judged, ...]

    @property
    def fits(self) -> bool:
        return all(one.holds for one in self.conditions)


class Judge:
    """The active rules in the order in which they are asked, for handoffs that are being formed.

    As many queries however many handoffs: one for the rules, and what their conditions ask for.
    """

    def __init__(self, handoffs: Sequence[Handoff]) -> None:
        self.rules = [(rule, parse_conditions(rule.conditions)) for rule in HandoverRule.objects.filter(is_active=True)]
        asked = {one.field for _rule, conditions in self.rules for one in conditions}
        self._drawn = facts.fetch_handoffs(handoffs, fields=asked) if asked else facts.Drawn()

    def passes_straight(self, handoff: Handoff) -> HandoverRule | None:
        """The rule that passes the handoff straight to sales; None where marketing reviews it."""
        get = facts.handoff_getter(handoff, drawn=self._drawn)
        first = next((rule for rule, conditions in self.rules if all_match(conditions, get)), None)
        return first if first is not None and first.is_straight else None

    def judge(self, handoff: Handoff) -> Iterator[Judgement]:
        """Every rule in order, each condition with what the handoff has for it."""
        get = facts.handoff_getter(handoff, drawn=self._drawn)
        for rule, conditions in self.rules:
            yield Judgement(rule, judge(conditions, get))


# Setting up -----------------------------------------------------------------------------------------------------------


def locked(rule_id: int) -> HandoverRule:
    """A rule, locked. Raises `NotFound`."""
    rule = HandoverRule.objects.select_for_update(no_key=True).filter(id=rule_id).first()
    if rule is None:
        raise NotFound(_("There is no such rule."))
    return rule


def save(rule: HandoverRule, *, values: Mapping[str, Any]) -> HandoverRule:
    """Write a new rule, which is asked first, or a locked one; `values` are columns named in `FIELDS`.

    What holds is asked when a handoff is formed, so those that are open stay as they are. Raises `Invalid`.
    """
    for name in FIELDS:
        if name in values:
            setattr(rule, name, values[name])
    rule.name = str(rule.name or "").strip()
    if not rule.name or len(rule.name) > LONGEST_NAME:
        raise Invalid(_("Give a name of up to %(most)d characters.") % {"most": LONGEST_NAME}, field="name")
    rule.conditions = condition_words.checked(rule.conditions, known=KNOWN)
    if rule._state.adding:
        first = HandoverRule.objects.aggregate(first=Min("position"))["first"]
        rule.position = 0 if first is None else first - 1
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError:
        raise Invalid(_("There is a rule of this name already."), field="name") from None
    return rule


def shift(rule: HandoverRule, *, by: int) -> bool:
    """Have a locked rule asked one place earlier (-1) or later (1) among those in use; whether it moved."""
    rows = HandoverRule.objects.select_for_update(no_key=True).filter(is_active=True)
    return order.shift(list(rows), pk=rule.pk, by=by)


def delete(rule: HandoverRule) -> None:
    """Remove a locked rule that passed nothing to sales yet. Raises `Conflict`."""
    try:
        rule.delete()
    except ProtectedError:
        text = _("It passed leads to sales, so it stays for their history. Take it out of use instead.")
        raise Conflict(text) from None
