"""Who led to a contact and to whom it led, with what was said and done there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q

from crm.models import User
from crm.queries import timeline
from crm.queries.timeline import Line
from leads.models import Contact, HandoffEvent, Referral

LINES = 6
"""So many of the latest things done with who led here are shown; their own page has all."""


@dataclass(frozen=True)
class Referred:
    """The other one of a referral, as seen from a contact."""

    contact: Contact
    is_through: bool
    """Whether the other one led here, rather than that this contact led to the other."""
    at: dt.datetime
    reason: str
    comment: str
    lines: tuple[Line, ...] = ()


def referred_of(user: User, contact: Contact) -> tuple[Referred, ...]:
    """The referrals of a contact whose other side the reader may see: one query, and two more where there are some."""
    seen = Contact.objects.visible_to(user)
    either = Q(contact=contact, through__in=seen) | Q(through=contact, contact__in=seen)
    rows = list(Referral.objects.filter(either).select_related("contact", "through", "handoff__previous__reason"))
    return tuple(
        Referred(
            contact=row.through if row.contact_id == contact.pk else row.contact,
            is_through=row.contact_id == contact.pk,
            at=row.at,
            reason=str(row.handoff.previous.reason or "") if row.handoff.previous else "",
            comment=row.comment,
            lines=_lines(row.through) if row.contact_id == contact.pk else (),
        )
        for row in rows
    )


def _lines(old: Contact) -> tuple[Line, ...]:
    """The latest things done by and with who led here."""
    activities = list(
        old.activities.select_related("type", "actor", "campaign").order_by("-occurred_at", "-id")[:LINES]
    )
    events = HandoffEvent.objects.filter(handoff__contact=old, undone_at=None)
    acts = list(events.select_related("actor", "assignee", "reason", "handoff__reason").order_by("-at", "-id")[:LINES])
    lines = [*timeline.activity_lines(activities), *timeline.handoff_lines(acts, pauses=(), now=old.created_at)]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True)[:LINES])
