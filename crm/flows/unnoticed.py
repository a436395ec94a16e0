"""What a manager does with leads that nobody would notice: give them to somebody, or plan their next step."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from crm.errors import Forbidden, NotFound
from crm.flows import activities, handoffs
from crm.flows.activities import Recorded
from crm.models import User
from leads.models import Handoff
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


def _seen(actor: User, handoff_id: int) -> Handoff:
    found = Handoff.objects.visible_to(actor).filter(id=handoff_id).first()
    if found is None:
        raise NotFound(_("There is no such handoff."))
    return found
