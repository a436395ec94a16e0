"""Leads that wait for somebody: offered as capacity frees, and past a set wait to another team."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction

from crm.errors import Conflict, Forbidden, NotFound
from crm.flows import handoffs
from leads import lifecycle, locks, routing
from leads.models import Handoff, RoutingSettings
from leads.stages import HandoffState

logger = logging.getLogger(__name__)
BATCH = 100
TRIED_AGAIN_AFTER = dt.timedelta(minutes=5)


def route_waiting(*, at: dt.datetime) -> int:
    """Offer waiting leads as capacity frees, then those that waited too long to the team set for it; return how many
    were offered. One transaction each.

    1. Which leads would find somebody is decided without a lock: who waits longest first, and to each person no more
       than one pass may give.
    2. Each of these is locked and decided anew. Who was faster, or took the room meanwhile, is left alone: the lead is
       offered already, or waits on.
    3. One that raises is logged, pushed ahead, and keeps no other waiting.
    """
    offered = 0
    for handoff_id in routing.drainable(at=at):
        try:
            handoffs.offer(actor=None, handoff_id=handoff_id, at=at)
            offered += 1
        except (Conflict, NotFound):
            continue
        except Forbidden:
            logger.exception("The system may not offer handoff %d.", handoff_id)
    return offered + _overflow_due(at=at)


def _overflow_due(*, at: dt.datetime) -> int:
    """Offer to the set team what waited too long."""
    due = Handoff.objects.filter(overflow_at__lte=at).order_by("overflow_at", "id")
    team_id = RoutingSettings.objects.values_list("overflow_team", flat=True).get()
    offered = 0
    for handoff_id in list(due.values_list("id", flat=True)[:BATCH]):
        try:
            _overflow(handoff_id, team_id=team_id, at=at)
            offered += 1
        except (Conflict, NotFound):
            continue
        except Exception:
            logger.exception("Handoff %d could not be offered to another team; it is tried again later.", handoff_id)
            Handoff.objects.filter(id=handoff_id, state=HandoffState.WAITING).update(overflow_at=at + TRIED_AGAIN_AFTER)
    return offered


@transaction.atomic
def _overflow(handoff_id: int, *, team_id: int | None, at: dt.datetime) -> None:
    """Offer a lead to the set team. Raises `Conflict` when it does not wait so long any more: what somebody was offered
    meanwhile is not taken from them, and what an undo has let wait anew keeps its time.
    """
    handoff = locks.locked_handoff(user=None, handoff_id=handoff_id)
    if handoff.overflow_at is None or handoff.overflow_at > at:
        lifecycle.refuse_second(handoff.contact, handoff)
    handoffs.overflow(actor=None, handoff_id=handoff_id, team_id=team_id, at=at)


def lock_all() -> None:
    """Lock the leads that wait, contacts first, for who goes on to lock routing and to change when they overflow."""
    waiting = Handoff.objects.filter(state=HandoffState.WAITING)
    locks.locked_contacts(list(waiting.values_list("contact_id", flat=True)))
    list(waiting.order_by("id").select_for_update(of=("self",), no_key=True).values_list("id"))


def reset_overflow(settings: RoutingSettings) -> None:
    """Have the leads that wait now overflow as the changed settings say; the leads are locked, then the settings.

    What is offered or taken back in this moment waits no more, and is left alone.
    """
    still = Handoff.objects.filter(state=HandoffState.WAITING)
    waiting = list(still.only("id", "reviewed_at", "formed_at"))
    for handoff in waiting:
        handoff.overflow_at = handoffs.overflow_at(settings, since=handoff.reviewed_at or handoff.formed_at)
    still.bulk_update(waiting, ["overflow_at"], batch_size=500)
