"""Time as an event: the sweep of the timers, and standing still."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Forbidden
from crm.flows import acts
from leads import locks
from leads.models import Handoff
from sla import climbing

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 2500


def sweep_timers(*, at: dt.datetime, call_help: Callable[[], object] | None = None) -> int:
    """Take every step of every ladder that is due, then do what they ask for; return how many notices were written.

    Where more is due than a batch, `call_help` is called once: another sweep beside this one shares the work.

    1. A batch is locked (rows another sweep holds are passed over), judged anew, and written in one transaction.
    2. A batch that raises is done again, then in ever smaller halves, so that a poison row costs only itself: it is
       pushed ahead.
    3. Steps that move leads are done, one transaction each; those that a dead worker left behind among them.
    """
    told = 0
    while True:
        batch: list[int] = []
        try:
            with transaction.atomic():
                timers = climbing.timers_due(at=at, limit=BATCH)
                batch = [timer.id for timer in timers]
                found = climbing.climb(timers, at=at)
        except Exception:
            if not batch:
                raise
            logger.exception("A batch of %d timers failed; doing it once more, then in halves.", len(batch))
            found = _sweep_again(batch, at=at)
        told += found
        if len(batch) < BATCH:
            break
        if call_help is not None:
            call_help()
            call_help = None
    acts.run_due_acts(at=at)
    return told


def _sweep_again(timer_ids: Sequence[int], *, at: dt.datetime) -> int:
    """Take the steps of timers that failed together once more: all of them, then halves, down to who fails alone."""
    try:
        with transaction.atomic():
            told = climbing.climb(climbing.timers_due(at=at, limit=len(timer_ids), only=timer_ids), at=at)
    except Exception:
        if len(timer_ids) > 1:
            middle = len(timer_ids) // 2
            return _sweep_again(timer_ids[:middle], at=at) + _sweep_again(timer_ids[middle:], at=at)
        logger.exception("Timer %d failed; it is looked at again later.", timer_ids[0])
        climbing.push_ahead(timer_ids[0], at=at)
        return 0
    return told


@transaction.atomic
def pause_clocks(*, actor: User, handoff_id: int, until: dt.datetime, reason: str, at: dt.datetime) -> Handoff:
    """Let the clocks of a handoff stand still until an instant: its assignee or owner, marketers, managers.

    Raises `NotFound`, `Forbidden`, `Invalid`, `Conflict` (nothing runs, or a clock is missed already).
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    _require_hand(actor, handoff)
    sla.services.pause(handoff, actor=actor, at=at, until=until, reason=reason)
    return handoff


@transaction.atomic
def resume_clocks(*, actor: User, handoff_id: int, at: dt.datetime) -> Handoff:
    """End the pause of a handoff now. Raises as `pause_clocks`."""
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    _require_hand(actor, handoff)
    sla.services.resume(handoff, at=at)
    return handoff


def _require_hand(actor: User, handoff: Handoff) -> None:
    if not (actor.is_marketer or actor.is_manager or handoff.assignee_id == actor.pk):
        raise Forbidden(_("The clocks are paused by the assignee, a marketer or a manager."))
