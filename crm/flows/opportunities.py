"""Offers in money: opened, won, or lost and what then."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Conflict, NotFound
from crm.flows import contacts, handoffs, recycling, talks
from crm.flows.conversation import Said
from leads import lifecycle, locks, next_steps
from leads.models import Handoff, Opportunity, Reason, TaskKind
from leads.stages import HandoffState, ReasonKind, Stage, VerbName

if TYPE_CHECKING:
    from crm.models import User
    from leads.models import HandoffEvent


class AfterLoss(StrEnum):
    """What the owner chooses to do with a contact whose opportunity was lost."""

    WORK_ON = "work_on"
    RECYCLE = "recycle"
    DISQUALIFY = "disqualify"


@transaction.atomic
def open_opportunity(
    *,
    actor: User,
    handoff_id: int,
    name: str,
    amount: Decimal,
    currency: str = "EUR",
    sent_date: dt.date | None = None,
    at: dt.datetime,
) -> Opportunity:
    """There is money to talk about: the contact becomes an opportunity, the handoff stays accepted.

    `sent_date` is the day on which the offer was sent; without one it is still to be offered.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    lifecycle.require(VerbName.OPEN_OPPORTUNITY, actor=actor, contact=handoff.contact, handoff=handoff)
    before = handoffs.before_of(handoff)
    opportunity = Opportunity(
        contact=handoff.contact,
        handoff=handoff,
        owner=actor,
        name=name.strip() or str(handoff.contact.company or handoff.contact)[:150],
        amount=amount,
        currency=currency.upper(),
        step=Opportunity.Step.SENT if sent_date else Opportunity.Step.TO_OFFER,
        sent_date=sent_date,
        opened_at=at,
    )
    talks.check(opportunity, at=at)
    opportunity.save()
    lifecycle.move(
        handoff,
        VerbName.OPEN_OPPORTUNITY,
        actor=actor,
        at=at,
        to_stage=Stage.OPPORTUNITY,
        before=before | {"opportunity": opportunity.pk},
    )
    return opportunity


@transaction.atomic
def win_opportunity(
    *, actor: User, opportunity_id: int, reason: str, comment: str = "", at: dt.datetime
) -> Opportunity:
    """The contact buys: it becomes a customer, the handoff closes, its clocks are cancelled.

    Some weeks later the owner asks how satisfied they are: a task.
    """
    opportunity, handoff = _locked(actor, opportunity_id)
    found = lifecycle.find_reason(kind=ReasonKind.WON, code=reason)
    lifecycle.require(VerbName.WIN, actor=actor, contact=handoff.contact, handoff=handoff, reason=found)
    event = lifecycle.move(
        handoff,
        VerbName.WIN,
        actor=actor,
        at=at,
        to_state=HandoffState.CLOSED,
        to_stage=Stage.CUSTOMER,
        reason=found,
        comment=comment,
        before=handoffs.before_of(handoff) | {"opportunity": opportunity.pk},
    )
    sla.services.cancel([handoff.pk], at=at)
    next_steps.add(
        contact_id=handoff.contact_id,
        owner_id=actor.pk,
        due_at=talks.asked_at(actor, at=at),
        kind=TaskKind.SATISFIED,
        actor=actor,
        at=at,
        cause=event,
    )
    return _close(opportunity, Opportunity.State.WON, reason=found, comment=comment, at=at)


@transaction.atomic
def lose_opportunity(
    *,
    actor: User,
    opportunity_id: int,
    reason: str,
    then: AfterLoss = AfterLoss.WORK_ON,
    then_reason: str = "",
    resurface_at: dt.datetime | None = None,
    comment: str = "",
    at: dt.datetime,
) -> Opportunity:
    """The offer is lost; the owner says why and what then: work on (SQL), recycle until a date, or disqualify.

    `then_reason` is the recycle or disqualify reason. Clocks go with what is chosen.
    """
    opportunity, handoff = _locked(actor, opportunity_id)
    found = lifecycle.find_reason(kind=ReasonKind.LOST, code=reason)
    lifecycle.require(VerbName.LOSE, actor=actor, contact=handoff.contact, handoff=handoff, reason=found)
    before = handoffs.before_of(handoff) | {"opportunity": opportunity.pk}
    _close(opportunity, Opportunity.State.LOST, reason=found, comment=comment, at=at)
    if then is AfterLoss.RECYCLE:
        recycling.recycle_locked(
            handoff,
            VerbName.LOSE,
            actor=actor,
            at=at,
            reason=lifecycle.reason_or_invalid(kind=ReasonKind.RECYCLE, code=then_reason),
            resurface_at=resurface_at,
            said=Said(comment),
            before=before,
        )
    elif then is AfterLoss.DISQUALIFY:
        why = lifecycle.reason_or_invalid(kind=ReasonKind.DISQUALIFY, code=then_reason)
        contacts.disqualify_locked(
            handoff.contact, handoff, VerbName.LOSE, actor=actor, at=at, reason=why, comment=comment, before=before
        )
    else:
        lifecycle.move(handoff, VerbName.LOSE, actor=actor, at=at, to_stage=Stage.SQL, comment=comment, before=before)
    return opportunity


def take_back(opportunity_id: int | None, event: HandoffEvent) -> None:
    """What `event` did to an opportunity, for `undo`: one that it opened goes, one that it closed is open again."""
    if opportunity_id is None:
        return
    rows = Opportunity.objects.filter(id=opportunity_id)
    if event.verb == VerbName.OPEN_OPPORTUNITY:
        rows.delete()
        return
    rows.update(state=Opportunity.State.OPEN, reason=None, comment="", closed_at=None)


def _locked(actor: User, opportunity_id: int) -> tuple[Opportunity, Handoff]:
    """An open opportunity the actor may see, and its handoff, both locked, the contact first."""
    handoff_id = (
        Opportunity.objects.visible_to(actor).filter(id=opportunity_id).values_list("handoff_id", flat=True).first()
    )
    if handoff_id is None:
        raise NotFound(_("There is no such opportunity."))
    handoff = locks.locked_handoff(user=None, handoff_id=handoff_id)
    sla.services.hold([handoff.pk])
    opportunity = Opportunity.objects.select_for_update(of=("self",)).get(id=opportunity_id)
    if opportunity.state != Opportunity.State.OPEN:
        raise Conflict(
            _("This opportunity is closed already: %(state)s.") % {"state": opportunity.get_state_display().lower()}
        )
    return opportunity, handoff


def _close(
    opportunity: Opportunity, state: Opportunity.State, *, reason: Reason | None, comment: str, at: dt.datetime
) -> Opportunity:
    opportunity.state, opportunity.reason = state, reason
    opportunity.comment, opportunity.closed_at = comment, at
    opportunity.save(update_fields=["state", "reason", "comment", "closed_at"])
    return opportunity
