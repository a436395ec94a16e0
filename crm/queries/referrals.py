"""Who led to a contact and to whom it led, with what was said and done there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from crm.models import User
from crm.queries import timeline
from crm.queries.timeline import Line
from leads.models import Activity, Contact, HandoffEvent, Referral

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


def referrals_of(user: User, contact: Contact) -> list[Referral]:
    """The referrals of a contact whose other side the reader may see, by one query."""
    seen = Contact.objects.visible_to(user)
    either = Q(contact=contact, through__in=seen) | Q(through=contact, contact__in=seen)
    return list(Referral.objects.filter(either).select_related("contact", "through", "handoff__previous__reason"))


def referred_of(
    contact: Contact,
    rows: Sequence[Referral],
    *,
    activities: Mapping[int, Sequence[Activity]],
    events: Mapping[int, Sequence[HandoffEvent]],
) -> tuple[Referred, ...]:
    """The other sides of `rows`; no query.

    `activities` and `events` are those of who led here, by contact, newest first and read as `timeline_of` wants them.
    """
    return tuple(
        Referred(
            contact=row.through if row.contact_id == contact.pk else row.contact,
            is_through=row.contact_id == contact.pk,
            at=row.at,
            reason=str(row.handoff.previous.reason or "") if row.handoff.previous else "",
            comment=row.comment,
            lines=_lines(row.through, activities[row.through_id], events[row.through_id])
            if row.contact_id == contact.pk
            else (),
        )
        for row in rows
    )


def _lines(old: Contact, activities: Sequence[Activity], events: Sequence[HandoffEvent]) -> tuple[Line, ...]:
    """The latest things done by and with who led here."""
    acts = [event for event in events if event.undone_at is None][:LINES]
    lines = [*timeline.activity_lines(activities[:LINES]), *timeline.handoff_lines(acts, pauses=(), now=old.created_at)]
    return tuple(sorted(lines, key=lambda line: line.at, reverse=True)[:LINES])
