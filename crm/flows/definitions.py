"""Setting up what both teams have agreed on: the words, the hand-over rule, the reasons."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Forbidden
from leads import definitions, handover, reasons
from leads.models import DefinitionVersion, HandoverRule, Reason

if TYPE_CHECKING:
    from crm.models import User


def require_definer(actor: User) -> None:
    """Raise `Forbidden` unless `actor` may change what was agreed: managers and administrators."""
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators change what was agreed."))


@transaction.atomic
def define(*, actor: User, word: str, text: str, seen: int, at: dt.datetime) -> DefinitionVersion:
    """Write what a word means from now on. See `leads.definitions.write`.

    Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict`.
    """
    require_definer(actor)
    return definitions.write(word=word, text=text, seen=seen, actor=actor, at=at)


# Reasons --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def add_reason(*, actor: User, kind: str, values: Mapping[str, Any]) -> Reason:
    """Let people give a further reason: `label`, `description`. Raises `Forbidden`, `Invalid`."""
    require_definer(actor)
    return reasons.add(kind=kind, values=values)


@transaction.atomic
def edit_reason(*, actor: User, reason_id: int, values: Mapping[str, Any]) -> Reason:
    """Change a reason: its words, and `is_retired`. See `leads.reasons`.

    Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict`.
    """
    require_definer(actor)
    reason = reasons.locked(reason_id)
    if "label" in values or "description" in values:
        reasons.edit(reason, values=values)
    if "is_retired" in values and values["is_retired"] != reason.is_retired:
        (reasons.retire if values["is_retired"] else reasons.bring_back)(reason)
    return reason


@transaction.atomic
def shift_reason(*, actor: User, reason_id: int, by: int) -> bool:
    """Offer a reason one place earlier (-1) or later (1); whether it moved. Raises `Forbidden`, `NotFound`."""
    require_definer(actor)
    return reasons.shift(reasons.locked(reason_id), by=by)


@transaction.atomic
def delete_reason(*, actor: User, reason_id: int) -> None:
    """Remove a reason that was never given. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_definer(actor)
    reasons.delete(reasons.locked(reason_id))


# The hand-over rule ---------------------------------------------------------------------------------------------------


@transaction.atomic
def add_handover_rule(*, actor: User, values: Mapping[str, Any]) -> HandoverRule:
    """Add a rule, to be asked first. See `leads.handover.save`. Raises `Forbidden`, `Invalid`."""
    require_definer(actor)
    return handover.save(HandoverRule(), values=values)


@transaction.atomic
def edit_handover_rule(*, actor: User, rule_id: int, values: Mapping[str, Any]) -> HandoverRule:
    """Change a rule for handoffs that are formed from now on. Raises `Forbidden`, `NotFound`, `Invalid`."""
    require_definer(actor)
    return handover.save(handover.locked(rule_id), values=values)


@transaction.atomic
def shift_handover_rule(*, actor: User, rule_id: int, by: int) -> bool:
    """Have a rule asked one place earlier (-1) or later (1); whether it moved. Raises `Forbidden`, `NotFound`."""
    require_definer(actor)
    return handover.shift(handover.locked(rule_id), by=by)


@transaction.atomic
def delete_handover_rule(*, actor: User, rule_id: int) -> None:
    """Remove a rule that passed nothing to sales yet. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_definer(actor)
    handover.delete(handover.locked(rule_id))
