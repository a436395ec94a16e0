"""Contacts entered, edited, disqualified and coming back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

import scoring.services
import sla.services
from crm import notices
from crm.errors import Conflict, Forbidden
from crm.flows import activities, handoffs, scores
from crm.models import Role
from crm.models.notices import NoticeKind
from leads import lifecycle, locks, next_steps, qualification, services
from leads.models import Contact, ContactChange, Handoff, Reason, Source
from leads.stages import HandoffState, ReasonKind, Stage, VerbName
from sla.models import Milestone

if TYPE_CHECKING:
    from crm.models import User


@transaction.atomic
def create_contact(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Contact:
    """A person enters a contact. A salesperson's is their own prospect: at once an SQL of theirs, with a contact clock.

    Everybody else's is a lead, since somebody spoke to them. Raises `Invalid`.
    """
    is_own = actor.is_salesperson and not actor.sees_all_contacts
    if is_own:
        values = values | {"source": Source.objects.get(code="own")}
    contact = services.create(values=values, owner=actor if is_own else None, at=at, actor=actor)
    if not is_own:
        lifecycle.warm([contact], at=at, actor=actor)
        scores.rescore([contact], at=at)
        return contact
    outcome = scoring.services.rescore([contact], at=at, is_history=True)[0]
    lifecycle.require(VerbName.PROSPECT, actor=actor, contact=contact, handoff=None)
    formed = lifecycle.Formed(
        contact=contact,
        cause=Handoff.Cause.OWN,
        score=outcome.score,
        grade=outcome.grade,
        model_version=outcome.model_version,
    )
    handoffs = lifecycle.form_handoffs([formed], at=at, state=HandoffState.ACCEPTED, verb=VerbName.PROSPECT)
    sla.services.start(handoffs, [Milestone.CONTACT, Milestone.MEETING], at=at)
    return contact


@transaction.atomic
def edit_contact(*, actor: User, contact_id: int, values: dict[str, Any], at: dt.datetime) -> Contact:
    """Change fields of a contact; each change is kept, and the score follows. Raises `NotFound`, `Invalid`."""
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    if services.edit(contact, values=values, actor=actor, at=at):
        scores.rescore([contact], at=at)
    return contact


@transaction.atomic
def qualify(
    *, actor: User, contact_id: int, answers: Mapping[str, Mapping[str, Any]], at: dt.datetime
) -> list[ContactChange]:
    """Write what sales found out, as `leads.qualification.write` takes it; the score follows. Returns what changed.

    For the owner and managers. Raises `NotFound`, `Forbidden`, `Invalid`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    if not qualification.may_write(actor, contact):
        raise Forbidden(_("The owner and managers say what sales found out. Accept the lead first."))
    changes = qualification.write(contact, answers=answers, actor=actor, at=at)
    if changes:
        scores.rescore([contact], at=at)
    return changes


@transaction.atomic
def touch_contact(
    *, actor: User, contact_id: int, source: Source | None = None, note: str = "", at: dt.datetime
) -> Contact:
    """A known contact met us once more, on the phone or at a fair: keep the touch and what they said.

    A subscriber becomes a lead, since somebody spoke to them. Raises `NotFound`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    services.touch([(contact.pk, None, source, at)])
    if contact.stage == Stage.SUBSCRIBER and not contact.is_disqualified:
        lifecycle.warm([contact], at=at, actor=actor)
        scores.rescore([contact], at=at)
    if note.strip():
        activities.log_contact(actor=actor, contact_id=contact_id, type="note", note=note, at=at)
    return contact


@transaction.atomic
def disqualify(
    *,
    actor: User,
    contact_id: int,
    reason: str,
    comment: str = "",
    seen_as: Collection[HandoffState] = (),
    at: dt.datetime,
) -> Contact:
    """Mark a contact as one that will not buy, with a counted reason. An open handoff closes, its clocks stop.

    A contact in the hand-over falls back to lead; reversible by `requalify`. `seen_as`: the states of the open handoff
    in which it was seen, for who must not close what a colleague passed on meanwhile; empty for any, and for none.
    Raises `NotFound`, `Forbidden`, `Conflict`, `Invalid`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    handoff = locks.open_handoff_of(contact)
    if seen_as:
        lifecycle.require_state(contact, handoff, seen_as)
    found = lifecycle.find_reason(kind=ReasonKind.DISQUALIFY, code=reason)
    lifecycle.require(VerbName.DISQUALIFY, actor=actor, contact=contact, handoff=handoff, reason=found)
    if contact.is_disqualified:
        raise Conflict(_("%(contact)s is disqualified already.") % {"contact": contact})
    if found is not None:
        disqualify_locked(contact, handoff, VerbName.DISQUALIFY, actor=actor, at=at, reason=found, comment=comment)
    return contact


def disqualify_locked(
    contact: Contact,
    handoff: Handoff | None,
    verb: VerbName,
    *,
    actor: User,
    at: dt.datetime,
    reason: Reason,
    comment: str,
    before: dict[str, Any] | None = None,
) -> None:
    """The common part of disqualifying by itself and after a lost opportunity."""
    if handoff is None:
        lifecycle.flag(contact, reason=reason, actor=actor, at=at)
        return
    before = before or handoffs.before_of(handoff)
    handoff.contact, owner_id = contact, contact.owner_id
    event = lifecycle.move(
        handoff,
        verb,
        actor=actor,
        at=at,
        to_state=HandoffState.CLOSED,
        to_stage=Stage.LEAD,
        reason=reason,
        comment=comment,
        before=before,
        contact_fields={"owner": None},
    )
    lifecycle.flag(contact, reason=reason, actor=actor, at=at)
    sla.services.cancel([handoff.pk], at=at)
    next_steps.end_with(event, contact_id=contact.pk, owner_id=owner_id or handoff.assignee_id, why=str(reason))


@transaction.atomic
def requalify(*, actor: User, contact_id: int, at: dt.datetime) -> Contact:
    """Take the disqualified flag away; the score decides what follows. Raises `NotFound`, `Forbidden`, `Conflict`."""
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    lifecycle.require(VerbName.REQUALIFY, actor=actor, contact=contact, handoff=None)
    if not contact.is_disqualified:
        raise Conflict(_("%(contact)s is not disqualified.") % {"contact": contact})
    lifecycle.flag(contact, reason=None, actor=actor, at=at)
    scores.rescore([contact], at=at)
    return contact


def resurface_due(*, at: dt.datetime) -> int:
    """Bring back recycled contacts whose day has come; return how many. One transaction each.

    They are armed again, so that a score above the threshold promotes them at once, and marketing is told; but not of
    who was disqualified meanwhile.
    """
    due = Handoff.objects.filter(resurface_at__lte=at).order_by("resurface_at").values_list("id", "contact_id")
    came_back = 0
    for handoff_id, contact_id in list(due[:500]):
        with transaction.atomic():
            contacts = locks.locked_contacts([contact_id])
            due_still = Handoff.objects.filter(id=handoff_id, contact_id=contact_id, resurface_at__lte=at)
            # One that was merged or brought back meanwhile is looked at again by the next sweep.
            if not contacts or not due_still.update(resurface_at=None):
                continue
            if contacts[0].is_disqualified:
                continue
            scoring.services.arm([contact_id])
            scores.rescore(contacts, at=at)
            notices.tell(
                [
                    notices.Draft(
                        kind=NoticeKind.RESURFACED,
                        dedup_key=f"resurfaced:{handoff_id}:{user.pk}",
                        recipient_id=user.pk,
                        contact_id=contact_id,
                        handoff_id=handoff_id,
                    )
                    for user in notices.people_with(Role.MARKETER)
                ],
                at=at,
            )
            came_back += 1
    return came_back
