"""What a manager does with leads that nobody would notice: give them to somebody, or plan their next step."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, NotFound
from crm.flows import activities, handoffs
from crm.flows.activities import Recorded
from crm.models import User
from leads import locks, routing
from leads.models import Contact, ContactChange, Handoff
from leads.stages import HandoffState


def give(*, actor: User, handoff_id: int, assignee_email: str | None = None, at: dt.datetime) -> Handoff:
    """Give a lead to the named person, else to whom routing finds: one in review is approved, any other reassigned.

    Raises what `handoffs.approve` and `handoffs.reassign` raise.
    """
    is_in_review = _seen(actor, handoff_id).state == HandoffState.IN_REVIEW
    act = handoffs.approve if is_in_review else handoffs.reassign
    return act(actor=actor, handoff_id=handoff_id, assignee_email=assignee_email, at=at)


def plan_next_step(*, actor: User, handoff_id: int, next_at: dt.datetime, at: dt.datetime) -> Recorded:
    """Plan when the owner of a lead gets in touch again: a note that brings the lead into their inbox on that day.

    Raises `NotFound`, `Forbidden` and, for a day that has passed, `Invalid`.
    """
    handoff = _seen(actor, handoff_id)
    if not actor.is_manager and actor.pk != handoff.assignee_id:
        raise Forbidden(_("The next step is for the owner or a manager to plan."))
    note = _("%(name)s planned this step.") % {"name": actor}
    return activities.log_contact(
        actor=actor, contact_id=handoff.contact_id, type="note", note=note, next_at=next_at, at=at
    )


@locks.tried_again
@transaction.atomic
def own(*, actor: User, contact_id: int, owner_email: str, at: dt.datetime) -> Contact:
    """Give a contact that nobody owns to a salesperson, for managers and administrators; its history says so.

    Raises `NotFound`, `Forbidden`, `Invalid` for who can take nobody, `Conflict` for a contact that somebody has or
    whose lead is open: that has verbs of its own. Raises `MergedMeanwhile`.
    """
    if not Contact.objects.visible_to(actor).filter(id=contact_id).exists():
        raise NotFound(_("There is no such contact."))
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Whose a contact is, is for managers and administrators to say."))
    locks.all_locked({contact_id})
    contact = Contact.objects.select_related("owner").get(id=contact_id)
    if contact.owner is not None:
        values = {"contact": contact, "owner": contact.owner}
        raise Conflict(_("%(contact)s is %(owner)s’s already.") % values)
    if contact.phase is not None:
        raise Conflict(_("%(contact)s is an open lead: approve or reassign that.") % {"contact": contact})
    owner = routing.named(owner_email, at=at).assignee
    ContactChange.objects.create(contact=contact, field="owner", old="", new=str(owner), at=at, actor=actor)
    contact.owner = owner
    contact.save(update_fields=["owner"])
    return contact


def _seen(actor: User, handoff_id: int) -> Handoff:
    found = Handoff.objects.visible_to(actor).filter(id=handoff_id).first()
    if found is None:
        raise NotFound(_("There is no such handoff."))
    return found
