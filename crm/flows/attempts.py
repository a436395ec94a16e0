"""What a person's attempt to reach a contact does to the promises of its handoff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sla.services
from leads import next_steps
from leads.intake import AnyActivity
from leads.models import Handoff
from leads.stages import HandoffState

REACHED = ("reached", "connected", "answered", "meeting")
ARRANGED = "meeting"
"""The type of an activity, and the outcome of a call or e-mail, by which there is a meeting."""


def note_attempts(rows: Iterable[AnyActivity]) -> None:
    """Keep what outbound calls, meetings and e-mails of people promise to keep, at the time they happened.

    Whenever they are entered, and never before the offer. What comes in, what an integration did and notes keep
    nothing. `rows` are activities of locked contacts, with their `type`; one that was noted before changes nothing.
    """
    attempts = [row for row in rows if row.type.is_contact_attempt and row.direction == "outbound" and row.actor_id]
    if not attempts:
        return
    handoffs = {
        handoff.contact_id: handoff
        for handoff in Handoff.objects.open()
        .filter(contact_id__in={row.contact_id for row in attempts}, offered_at__isnull=False)
        .select_for_update(of=("self",), no_key=True)
        .order_by("id")
    }
    for row in sorted(attempts, key=lambda row: (row.occurred_at, row.pk)):
        handoff = handoffs.get(row.contact_id)
        # A clock that is a little ahead of ours makes nobody late.
        happened_at = min(row.occurred_at, row.recorded_at)
        if handoff is not None and handoff.offered_at is not None and happened_at >= handoff.offered_at:
            _note(handoff, row, happened_at=happened_at)


def _note(handoff: Handoff, row: AnyActivity, *, happened_at: dt.datetime) -> None:
    """The first attempt stops the contact clock, an arranged meeting that of the meeting; each begins a follow-up."""
    outcome = str(row.properties.get("outcome", "")).casefold()
    is_meeting = ARRANGED in (row.type_id, outcome)
    is_latest = handoff.last_contacted_at is None or happened_at > handoff.last_contacted_at
    if is_meeting or outcome in REACHED:
        handoff.reached_at = min(happened_at, handoff.reached_at or happened_at)
    if is_meeting:
        handoff.meeting_at = min(happened_at, handoff.meeting_at or happened_at)
    handoff.contacted_at = min(happened_at, handoff.contacted_at or happened_at)
    handoff.last_contacted_at = max(happened_at, handoff.last_contacted_at or happened_at)
    handoff.save(update_fields=["contacted_at", "last_contacted_at", "reached_at", "meeting_at"])
    sla.services.meet_contact(handoff)
    sla.services.meet_meeting(handoff)
    if handoff.state_enum is HandoffState.ACCEPTED:
        sla.services.follow_up(
            handoff,
            contacted_at=happened_at,
            planned_at=next_steps.planned_in(row.properties),
            is_latest=is_latest,
        )
