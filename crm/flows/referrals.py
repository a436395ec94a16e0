"""Who has no say points to the one who has: the handoff moves on to the right person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

import scoring.services
import sla.services
from crm.errors import Conflict, Invalid
from crm.flows import handoffs, scores
from leads import lifecycle, locks, next_steps, qualification, services
from leads.models import Contact, Handoff, Opportunity, Referral, StageChange
from leads.models.qualification import Letter, Verdict
from leads.stages import PROMOTABLE_STAGES, HandoffState, ReasonKind, Stage, VerbName
from sla.models import Milestone

if TYPE_CHECKING:
    from crm.models import User
    from leads.models import HandoffEvent

OF_THE_COMPANY = (Letter.BUDGET, Letter.NEED, Letter.TIMELINE)
"""What was found out of these holds whoever signs."""


@locks.tried_again
@transaction.atomic
def redirect(
    *,
    actor: User,
    handoff_id: int,
    reason: str,
    to_contact_id: int | None = None,
    values: Mapping[str, Any] | None = None,
    comment: str = "",
    at: dt.datetime,
) -> Referral:
    """The owner found that somebody else decides: `to_contact_id` of the same company, or `values` of a new contact.

    1. The old handoff closes with its reason, its clocks and what was planned end; the contact is marketing's lead
       again, without authority.
    2. The right person becomes an SQL of the same salesperson: a new handoff, accepted, that follows the old one. A
       first contact is promised anew, since nobody has spoken to them.
    3. What was found out about budget, need and timeline goes along; who was found through whom is kept.

    Raises `NotFound`, `Forbidden`, `Conflict` when somebody works on that person already, `Invalid`.
    """
    to_contact_id, is_named = _known(to_contact_id, values or {})
    _lock_both(Handoff.objects.filter(id=handoff_id).values_list("contact_id", flat=True), to_contact_id)
    old = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    found = lifecycle.find_reason(kind=ReasonKind.REDIRECT, code=reason)
    lifecycle.require(VerbName.REDIRECT, actor=actor, contact=old.contact, handoff=old, reason=found)
    if to_contact_id is None:
        new = dict(values or {}) | {"company": old.contact.company, "source": old.contact.source}
        person = services.create(values=new, owner=None, at=at, actor=actor)
    else:
        # Whoever knows the address of somebody may name them, also where the contact is not theirs to see.
        person = _right_person(old.contact, to_contact_id, seen_by=None if is_named else actor)
    known = {answer.letter: answer for answer in qualification.answers_of(old.contact)}
    rested = {str(row.pk): row.resurface_at.isoformat() for row in lifecycle.resting([person.pk]) if row.resurface_at}
    event = lifecycle.move(
        old,
        VerbName.REDIRECT,
        actor=actor,
        at=at,
        to_state=HandoffState.CLOSED,
        to_stage=Stage.LEAD,
        reason=found,
        comment=comment,
        before=handoffs.before_of(old) | {"bant": _plain(known[Letter.AUTHORITY]), "rested": rested},
        contact_fields={"owner": None},
    )
    sla.services.cancel([old.pk], at=at)
    next_steps.end_with(event, contact_id=old.contact_id, owner_id=actor.pk, why=_("Somebody else decides"))
    no_say: dict[str, Any] = {"verdict": Verdict.NO, "evidence": comment.strip() or known[Letter.AUTHORITY].evidence}
    qualification.write(old.contact, answers={Letter.AUTHORITY: no_say}, actor=actor, at=at)
    handoff = _take_up(person, old, actor=actor, at=at)
    along: dict[str, dict[str, Any]] = {
        letter.value: {"verdict": one.verdict, "evidence": one.evidence, "decide_by_date": one.decide_by_date}
        for letter, one in known.items()
        if letter in OF_THE_COMPANY and one.verdict and not person.qualifications.filter(letter=letter).exists()
    }
    qualification.write(person, answers=along, actor=actor, at=at)
    scores.rescore([old.contact, person], at=at)
    return Referral.objects.create(
        contact=person,
        through=old.contact,
        handoff=handoff,
        comment=comment,
        is_new=to_contact_id is None,
        at=at,
        actor=actor,
    )


def _plain(answer: qualification.Answer) -> dict[str, Any]:
    return {"verdict": answer.verdict, "evidence": answer.evidence}


def _known(contact_id: int | None, values: Mapping[str, Any]) -> tuple[int | None, bool]:
    """The contact that is meant, and whether it was named by an address; None for somebody new."""
    email = str(values.get("email") or "")
    if contact_id is None and email:
        return services.find_by_email(Contact.objects.all(), [email]).get(services.normal_email(email)), True
    return contact_id, False


def _lock_both(old: Iterable[int], other: int | None) -> None:
    """Both contacts, in id order."""
    locks.locked_contacts([*old, *([other] if other is not None else [])])


def _right_person(old: Contact, to_contact_id: int, *, seen_by: User | None) -> Contact:
    """The known contact who decides, locked. Raises as `redirect`."""
    person = locks.locked_contact(user=seen_by, contact_id=to_contact_id)
    if person.pk == old.pk:
        raise Invalid(_("Choose somebody else: this is the contact who does not decide."), field="contact")
    if old.company_id is None or person.company_id != old.company_id:
        raise Invalid(_("Choose somebody of the same company."), field="contact")
    if person.is_disqualified or person.stage not in PROMOTABLE_STAGES:
        raise Conflict(
            _("%(contact)s is in somebody's hands already. Ask a manager to pass them on.") % {"contact": person}
        )
    return person


def _take_up(person: Contact, old: Handoff, *, actor: User, at: dt.datetime) -> Handoff:
    """The right person is the salesperson's: accepted at once, with clocks of their own."""
    person.owner = actor
    person.save(update_fields=["owner"])
    outcome = scoring.services.rescore([person], at=at, is_history=True)[0]
    formed = lifecycle.Formed(
        contact=person,
        cause=Handoff.Cause.REFERRED,
        score=outcome.score,
        grade=outcome.grade,
        model_version=outcome.model_version,
        previous=old,
    )
    handoffs = lifecycle.form_handoffs([formed], at=at, state=HandoffState.ACCEPTED, verb=VerbName.REDIRECT)
    sla.services.start(handoffs, [Milestone.CONTACT, Milestone.MEETING], at=at)
    return handoffs[0]


def lock_for_undo(handoff_id: int) -> None:
    """Lock both contacts of a redirection in id order, before the handoff; nothing when it was none."""
    ids = Referral.objects.filter(handoff__previous=handoff_id).values_list("contact_id", "through_id").first()
    if ids is not None:
        locks.locked_contacts(ids)


def take_back(old: Handoff, event: HandoffEvent, *, actor: User, at: dt.datetime) -> None:
    """What `redirect` did to the right person and to the authority of the old one is as before; for `undo`.

    Raises `Conflict` when somebody went on with the new handoff.
    """
    referral = Referral.objects.select_related("handoff").get(handoff__previous=old)
    person, handoff = locks.locked_contacts([referral.contact_id])[0], referral.handoff
    before = event.before or {}
    followed = (
        handoff.events.exclude(verb=VerbName.REDIRECT).exists()
        or Opportunity.objects.filter(handoff=handoff).exists()
        or person.activities.filter(recorded_at__gt=event.at).exists()
        or person.tasks.exists()
        or handoff.comments.exists()
    )
    if followed:
        raise Conflict(_("Somebody has gone on with %(contact)s, so it cannot be undone.") % {"contact": person})
    stood = StageChange.objects.filter(handoff=handoff, verb=VerbName.REDIRECT).first()
    handoff.delete()
    if referral.is_new:
        person.delete()
    else:
        lifecycle.stand_again(person, stage=Stage(stood.from_stage if stood else Stage.LEAD), actor=actor, at=at)
        for handoff_id, day in before.get("rested", {}).items():
            Handoff.objects.filter(id=handoff_id).update(resurface_at=dt.datetime.fromisoformat(day))
    bant = before.get("bant")
    qualification.write(old.contact, answers={Letter.AUTHORITY: bant or {}}, actor=actor, at=at)
