"""Taking a verb back."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Conflict, Forbidden
from crm.models import Delivery, Notice, User
from leads import lifecycle, next_steps
from leads.models import Handoff, HandoffEvent
from leads.stages import OPEN_STATES, VerbName

UNDOABLE = (
    VerbName.APPROVE,
    VerbName.RETURN,
    VerbName.ACCEPT,
    VerbName.REJECT,
    VerbName.REASSIGN,
    VerbName.OVERFLOW,
    VerbName.RECYCLE,
    VerbName.DISQUALIFY,
)


@transaction.atomic
def undo(*, actor: User, handoff_id: int, at: dt.datetime) -> Handoff:
    """Take back the last verb on a handoff: the same person, within ten minutes, nothing having followed.

    Contact, handoff and clocks are as before, but for what others did to the clocks meanwhile; a review that a
    rejection opened goes, and what was queued to be told of it is not sent. Raises `NotFound`, `Forbidden`, `Conflict`.
    """
    handoff = lifecycle.locked_handoff(user=actor, handoff_id=handoff_id)
    sla.services.hold([handoff.pk])
    event = handoff.events.exclude(verb=VerbName.UNDO).filter(undone_at=None).order_by("-at", "-id").first()
    if event is None or event.before is None or VerbName(event.verb) not in UNDOABLE:
        raise Conflict(_("There is nothing to undo."))
    if event.actor_id != actor.pk:
        raise Forbidden(_("Only %(name)s can undo this.") % {"name": event.actor or _("Baton")})
    if at - event.at > lifecycle.UNDO_WINDOW:
        raise Conflict(_("That was more than ten minutes ago."))
    _require_nothing_followed(handoff, since=event.at)
    _require_taker(handoff, event)
    Handoff.objects.filter(previous=handoff).delete()
    lifecycle.put_back(handoff, event, actor=actor, at=at)
    next_steps.restore(event, actor=actor, at=at)
    sla.services.thaw(handoff, event.before.get("timers", []), since=event.at, at=at)
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


def _require_nothing_followed(handoff: Handoff, *, since: dt.datetime) -> None:
    """Raise `Conflict` when somebody acted on the contact since."""
    followed = (
        Handoff.objects.filter(previous=handoff).exclude(state="in_review").exists()
        or handoff.contact.handoffs.filter(formed_at__gt=since).exclude(previous=handoff).exists()
        or handoff.contact.activities.filter(recorded_at__gt=since, direction="outbound").exists()
        or handoff.opportunities.filter(opened_at__gt=since).exists()
        # What the act replaced was that of one of two contacts.
        or handoff.contact.merges.filter(at__gte=since).exists()
    )
    if followed:
        raise Conflict(_("Somebody has gone on from there already, so it cannot be undone."))
