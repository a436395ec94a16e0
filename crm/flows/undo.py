"""Taking a verb back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Conflict, Forbidden
from crm.flows import handoffs, opportunities, referrals, scores
from crm.models import Delivery, Notice, User
from leads import lifecycle, locks, next_steps, qualification, routing
from leads.models import Contact, Handoff, HandoffEvent, OpportunityEvent, Reason
from leads.stages import OPEN_STATES, HandoffState, ReasonKind, Stage, VerbName

FOR_GOOD = (VerbName.HAND_OVER, VerbName.MERGE)
"""What cannot be taken back, and says so before: too much hangs on it."""


@transaction.atomic
def undo(*, actor: User, handoff_id: int, since: dt.datetime | None = None, at: dt.datetime) -> Handoff:
    """Take back the last verb on a handoff: the same person, within ten minutes, nothing having followed.

    `since` is when it was offered: an act that came later is not the one that was meant, and two clicks are one.

    Contact, handoff and clocks are as before, but for what others did to the clocks meanwhile; a review that a
    rejection opened goes, and what was queued to be told of it is not sent. Raises `NotFound`, `Forbidden`, `Conflict`.
    """
    referrals.lock_for_undo(handoff_id)
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    routing.hold()
    sla.services.hold([handoff.pk])
    lifecycle.require_none_since(handoff.events.values_list("at", flat=True), since)
    event = handoff.events.exclude(verb=VerbName.UNDO).filter(undone_at=None).order_by("-at", "-id").first()
    has_way_back = event is not None and (event.before is not None or event.verb == VerbName.PROSPECT)
    if event is None or not has_way_back or event.verb in FOR_GOOD:
        raise Conflict(_("There is nothing to undo."))
    if event.actor_id != actor.pk:
        raise Forbidden(_("Only %(name)s can undo this.") % {"name": event.actor or _("Baton")})
    if at - event.at > lifecycle.UNDO_WINDOW:
        raise Conflict(_("That was more than ten minutes ago."))
    _require_nothing_followed(handoff, event)
    if event.verb == VerbName.PROSPECT:
        _give_up(handoff, event, actor=actor, at=at)
        return handoff
    _require_taker(handoff, event)
    before = event.before or {}
    if event.verb == VerbName.REDIRECT:
        referrals.take_back(handoff, event, actor=actor, at=at)
    elif event.verb == VerbName.REJECT:
        Handoff.objects.filter(previous=handoff).delete()
    opportunities.take_back(before.get("opportunity"), event)
    lifecycle.put_back(handoff, event, actor=actor, at=at)
    handoffs.note_override(handoff)
    routing.take_back_turn(handoff, since=event.at, at=at)
    next_steps.restore(event, actor=actor, at=at)
    sla.services.thaw(handoff, before.get("timers", []), since=event.at, at=at)
    told = Notice.objects.filter(handoff=handoff, created_at__gte=event.at, dedup_key__contains=f":{event.pk}:")
    told.exclude(deliveries__in=Delivery.objects.filter(sent_at__isnull=False)).delete()
    return handoff


def _require_taker(handoff: Handoff, event: HandoffEvent) -> None:
    """Raise `Conflict` when the lead would come to somebody who has gone, or takes none now, since the act."""
    before = (event.before or {})["handoff"]
    holder_id = before["assignee_id"] if before["state"] in OPEN_STATES else None
    if holder_id is None or (handoff.is_open and handoff.assignee_id == holder_id):
        return
    holder = User.objects.get(id=holder_id)
    if not (holder.is_active and holder.is_on_duty):
        raise Conflict(_("%(name)s takes no leads any more, so it cannot be undone.") % {"name": holder})


def _give_up(handoff: Handoff, event: HandoffEvent, *, actor: User, at: dt.datetime) -> None:
    """An own prospect that was entered by mistake is a lead of marketing's: what was typed stays."""
    lifecycle.move(
        handoff,
        VerbName.UNDO,
        actor=actor,
        at=at,
        to_state=HandoffState.CLOSED,
        to_stage=Stage.LEAD,
        comment=event.verb,
        contact_fields={"owner": None},
    )
    event.undone_at = at
    event.save(update_fields=["undone_at"])
    sla.services.cancel([handoff.pk], at=at)


def _require_nothing_followed(handoff: Handoff, event: HandoffEvent) -> None:
    """Raise `Conflict` when somebody acted on the contact since."""
    since, contact = event.at, handoff.contact
    # What became of the handoff to the right person, `referrals.take_back` asks.
    own = Q(state="in_review") | Q(cause=Handoff.Cause.REFERRED)
    followed = (
        Handoff.objects.filter(previous=handoff).exclude(own).exists()
        or contact.handoffs.filter(formed_at__gt=since).exclude(previous=handoff).exists()
        or contact.activities.filter(recorded_at__gt=since, direction="outbound").exists()
        or handoff.opportunities.filter(opened_at__gt=since).exists()
        or OpportunityEvent.objects.filter(opportunity__handoff=handoff, at__gt=since, undone_at=None).exists()
        # What the act replaced was that of one of two contacts.
        or contact.merges.filter(at__gte=since).exists()
    )
    if followed:
        raise Conflict(_("Somebody has gone on from there already, so it cannot be undone."))


@transaction.atomic
def undo_contact(*, actor: User, contact_id: int, since: dt.datetime | None = None, at: dt.datetime) -> Contact:
    """Take back what was last said of a contact itself: verdicts, that it will not buy, or that it may after all.

    The same person, within ten minutes, nothing having been said since; the score follows. `since` as in `undo`.
    Raises `NotFound`, `Forbidden`, `Conflict`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    lifecycle.require_none_since(contact.changes.values_list("at", flat=True), since)
    last = contact.changes.order_by("-at", "-id").first()
    rows = list(contact.changes.filter(at=last.at, merge=None)) if last else []
    said = {row.field: row.old for row in rows}
    if not said or not all(qualification.is_of(name) or name == lifecycle.DISQUALIFIED for name in said):
        raise Conflict(_("There is nothing to undo."))
    if rows[0].actor_id != actor.pk:
        raise Forbidden(_("Only %(name)s can undo this.") % {"name": rows[0].actor or _("Baton")})
    if at - rows[0].at > lifecycle.UNDO_WINDOW:
        raise Conflict(_("That was more than ten minutes ago."))
    if lifecycle.DISQUALIFIED in said:
        with_handoff = HandoffEvent.objects.filter(handoff__contact=contact, at=rows[0].at, undone_at=None).first()
        if with_handoff is not None:
            return undo(actor=actor, handoff_id=with_handoff.handoff_id, since=since, at=at).contact
        if contact.handoffs.open().exists():
            raise Conflict(_("Somebody has gone on from there already, so it cannot be undone."))
        code = said.pop(lifecycle.DISQUALIFIED)
        reason = Reason.objects.get(kind=ReasonKind.DISQUALIFY, code=code) if code else None
        lifecycle.flag(contact, reason=reason, actor=actor, at=at)
    qualification.write_back(contact, said, actor=actor, at=at)
    scores.rescore([contact], at=at)
    return contact
