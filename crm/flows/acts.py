"""What a ladder does beyond telling: it gives a lead to somebody else, or offers it to another team."""

from __future__ import annotations

import datetime as dt
import logging

from django.db import transaction

from crm import notices
from crm.flows import handoffs
from crm.models.notices import NoticeKind
from leads import locks, routing
from leads.models import Handoff
from leads.stages import VerbName
from sla import climbing
from sla.models import LadderAct

logger = logging.getLogger(__name__)
BATCH = 100
MOST_MOVES = 2
"""So often a lead is reassigned by itself; after that a manager says who gets it."""


def run_due_acts(*, at: dt.datetime) -> int:
    """Do what steps of ladders asked for; return how many leads were moved. One transaction each, contact first.

    1. What is due is read without a lock; each is locked, judged anew, done and noted as done in one transaction.
    2. One that raises is logged and tried again later, and keeps no other waiting.

    A worker that dies before the commit leaves the row as it was, for the next sweep.
    """
    moved = 0
    for act_id, handoff_id in climbing.acts_due(at=at, limit=BATCH):
        try:
            with transaction.atomic():
                moved += _do(act_id, handoff_id=handoff_id, at=at)
        except Exception:
            logger.exception("Step %d of a ladder failed; it is tried again later.", act_id)
            climbing.put_off(act_id, at=at)
    return moved


def _do(act_id: int, *, handoff_id: int, at: dt.datetime) -> bool:
    """Do one act; return whether the lead was moved."""
    handoff = locks.locked_handoff(user=None, handoff_id=handoff_id)
    act = climbing.locked_act(act_id, handoff=handoff, at=at)
    if act is None:
        return False
    if act.timer.met_at is not None or act.timer.cancelled_at is not None:
        climbing.settle(act, outcome=LadderAct.Outcome.MOOT, at=at)
        return False
    why_not = _reassign(handoff, at=at) if act.kind == "reassign" else _overflow(handoff, act, at=at)
    if why_not:
        _tell_managers(handoff, act, why=why_not, at=at)
    climbing.settle(act, outcome=LadderAct.Outcome.TOLD if why_not else LadderAct.Outcome.MOVED, at=at)
    return not why_not


def _reassign(handoff: Handoff, *, at: dt.datetime) -> str:
    """Give the lead to somebody who has not had it; the code of the reason when that cannot be."""
    moves = handoff.events.filter(undone_at=None)
    if moves.filter(verb=VerbName.REASSIGN, actor=None).count() >= MOST_MOVES:
        return "moved_enough"
    had_it = set(moves.exclude(assignee=None).values_list("assignee_id", flat=True)) | {handoff.assignee_id}
    choice = routing.choose(handoff, at=at, but_not={one for one in had_it if one is not None})
    if choice is None:
        return "nobody_free"
    handoffs.move_to(handoff, choice, actor=None, at=at)
    return ""


def _overflow(handoff: Handoff, act: LadderAct, *, at: dt.datetime) -> str:
    """Offer the lead to the step's team; the code of the reason when that cannot be."""
    if handoff.overflowed_at is not None:
        return "with_a_team"
    team = handoffs.overflow_team(act.timer.steps[act.step].get("team"))
    if team is None:
        return "no_team"
    handoffs.offer_to_team(handoff, team, actor=None, at=at)
    return ""


def _tell_managers(handoff: Handoff, act: LadderAct, *, why: str, at: dt.datetime) -> None:
    """Say that a lead could not be moved, so that nobody thinks it was."""
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.STUCK,
                dedup_key=f"stuck:{act.pk}:{manager_id}",
                recipient_id=manager_id,
                contact_id=handoff.contact_id,
                handoff_id=handoff.pk,
                timer_id=act.timer_id,
                step=act.step,
                params={"why": why},
            )
            for manager_id in climbing.Listeners().managers
        ],
        at=at,
    )
