"""Giving a contact back to marketing until a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Invalid
from crm.flows import conversation
from crm.flows.conversation import Said
from crm.flows.handoffs import before_of, tell_named
from crm.models import User
from leads import lifecycle, locks, next_steps
from leads.models import Handoff, HandoffEvent, Reason
from leads.stages import HandoffState, ReasonKind, Stage, VerbName


@transaction.atomic
def recycle(
    *,
    actor: User,
    handoff_id: int,
    reason: str,
    resurface_at: dt.datetime | None = None,
    comment: str = "",
    at: dt.datetime,
) -> Handoff:
    """Give an accepted contact back to marketing until a date on which it comes back by itself. Clocks are cancelled.

    Raises `Invalid` without a reason or a date to come.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    found = lifecycle.find_reason(kind=ReasonKind.RECYCLE, code=reason)
    lifecycle.require(VerbName.RECYCLE, actor=actor, contact=handoff.contact, handoff=handoff, reason=found)
    said = conversation.read_words(comment, contact=handoff.contact)
    event = recycle_locked(
        handoff, VerbName.RECYCLE, actor=actor, at=at, reason=found, resurface_at=resurface_at, said=said
    )
    tell_named(handoff, event, said, actor=actor, at=at)
    return handoff


def recycle_locked(
    handoff: Handoff,
    verb: VerbName,
    *,
    actor: User,
    at: dt.datetime,
    reason: Reason | None,
    resurface_at: dt.datetime | None,
    said: Said,
    before: dict[str, Any] | None = None,
) -> HandoffEvent:
    """The common part of recycling by itself and after a lost opportunity."""
    if resurface_at is None or resurface_at <= at:
        raise Invalid(_("Say on which day it is to come back; the day lies ahead."), field="resurface_at")
    owner_id = handoff.contact.owner_id
    event = lifecycle.move(
        handoff,
        verb,
        actor=actor,
        at=at,
        to_state=HandoffState.RECYCLED,
        to_stage=Stage.LEAD,
        reason=reason,
        comment=said.text,
        names=said.names,
        before=before or before_of(handoff),
        contact_fields={"owner": None},
        resurface_at=resurface_at,
    )
    sla.services.cancel([handoff.pk], at=at)
    next_steps.end_with(event, contact_id=handoff.contact_id, owner_id=owner_id, why=_("Given back to marketing"))
    return event
