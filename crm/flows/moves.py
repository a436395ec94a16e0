"""Moving running clocks to what holds now: a job that is a row, may be killed, and may be run twice."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

import sla.services
from crm.errors import NotFound
from leads import locks
from leads.models import Handoff
from sla.models import Calendar, ClockMove, Policy, Timer, TimerQuerySet

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 300
# So many are moved before the answer, in the transaction of what caused it; more go behind the page.
AT_ONCE = 500
LEASE = dt.timedelta(minutes=2)


def move_calendar(*, actor: User, calendar: Calendar, at: dt.datetime) -> ClockMove | None:
    """Let the open clocks of a changed calendar fall due by its hours; None when none runs on it.

    A few are done at once, many are left to `run_move`. The caller is in a transaction.
    """
    total = timers_of(calendar=calendar).count()
    if not total:
        return None
    # A change before this one need not be carried out any more: both compute from the hours as they are.
    ClockMove.objects.filter(calendar=calendar, finished_at=None).update(
        state=ClockMove.State.DONE, finished_at=at, updated_at=at
    )
    return _begin(ClockMove(calendar=calendar, actor=actor, total=total, created_at=at, updated_at=at), at=at)


def move_policy(*, actor: User, policy: Policy, at: dt.datetime) -> ClockMove | None:
    """Move the clocks that run on an earlier version of a policy, or on it though it is out of use; None without any.

    Each is cancelled, and one takes its place that started when it started, under the policy that fits the lead now:
    what a clock that started today would get. Steps of the ladder that were taken are not taken again. The new one may
    fall due in the past; then it is missed. One that is missed already stays as it is, for a broken promise is not
    mended by another. A few are done at once, many are left to `run_move`. The caller is in a transaction.
    """
    total = timers_behind(policy, at=at).count()
    if not total:
        return None
    return _begin(ClockMove(policy=policy, actor=actor, total=total, created_at=at, updated_at=at), at=at)


def timers_behind(policy: Policy, *, at: dt.datetime) -> TimerQuerySet:
    """The open clocks that `move_policy` moves: those that are not what the policy promises now, nor missed."""
    return Timer.objects.outdated().filter(policy=policy, due_at__gte=at)


def timers_of(*, calendar: Calendar) -> TimerQuerySet:
    """The clocks that a change of a calendar moves: the open ones that run on it, missed ones among them."""
    return Timer.objects.open().filter(calendar=calendar)


def _begin(move: ClockMove, *, at: dt.datetime) -> ClockMove:
    move.save()
    return run_move(move_id=move.pk, at=at) if move.total <= AT_ONCE else move


def run_move(*, move_id: int, at: dt.datetime) -> ClockMove:
    """Move what is still to be moved; return the row. May be run twice, at once, or after a kill.

    1. A batch is one transaction: it locks the row of the job, then what it moves, in the order contact, handoff,
       timer, and writes how far it is. Whoever runs beside it waits for the row and goes on behind it.
    2. A batch that raises is done again clock by clock; one that raises alone stays as it is and is named.
    """
    began = time.monotonic()
    size, singly = BATCH, 0
    while True:
        now = at + dt.timedelta(seconds=time.monotonic() - began)
        try:
            taken = _move_following(move_id, size=size, at=now)
        except OperationalError:
            # The database is away or busy: the sweep takes the job up again.
            raise
        except Exception as error:
            if size == 1:
                logger.exception("A clock could not be moved; passing it over.")
                _pass_over(move_id, error=error, at=now)
                taken = 1
            else:
                logger.exception("A batch of clocks could not be moved; doing them one by one.")
                size, singly = 1, BATCH
                continue
        if taken == 0:
            return _found(move_id)
        if size == 1:
            singly -= 1
            size = 1 if singly > 0 else BATCH


def moves_to_resume(*, at: dt.datetime) -> list[int]:
    """Moves that nobody is at: not begun, or killed in the middle."""
    free = Q(state=ClockMove.State.QUEUED, created_at__lte=at - dt.timedelta(seconds=5)) | Q(updated_at__lte=at - LEASE)
    return list(ClockMove.objects.filter(free, finished_at=None).order_by("id").values_list("id", flat=True))


@transaction.atomic
def _move_following(move_id: int, *, size: int, at: dt.datetime) -> int:
    """Do the next batch; return how many clocks it looked at, 0 at the end."""
    move = _ongoing(move_id)
    if move is None:
        return 0
    ids = _following(move, size=size, at=at)
    if not ids:
        move.state, move.finished_at, move.updated_at = ClockMove.State.DONE, at, at
        move.save(update_fields=["state", "finished_at", "updated_at"])
        return 0
    move.moved += sla.services.reschedule_calendar(timer_ids=ids) if move.calendar else _refit(ids, at=at)
    move.state, move.updated_at, move.last_timer_id = ClockMove.State.RUNNING, at, ids[-1]
    move.done += len(ids)
    move.total = max(move.total, move.done)
    move.save(update_fields=["state", "updated_at", "moved", "done", "total", "last_timer_id"])
    return len(ids)


def _following(move: ClockMove, *, size: int, at: dt.datetime) -> list[int]:
    if move.calendar is not None:
        rows = timers_of(calendar=move.calendar)
    else:
        assert move.policy is not None
        rows = timers_behind(move.policy, at=at)
    return list(rows.filter(id__gt=move.last_timer_id).order_by("id").values_list("id", flat=True)[:size])


def _refit(timer_ids: list[int], *, at: dt.datetime) -> int:
    """Lock contacts, handoffs and these timers, in this order, and bring those still open under what fits them now."""
    rows = Timer.objects.outdated().filter(id__in=timer_ids, due_at__gte=at).order_by("id")
    contact_ids = list(rows.values_list("handoff__contact_id", flat=True))
    contacts = {contact.pk: contact for contact in locks.locked_contacts(contact_ids)}
    handoff_ids = list(rows.values_list("handoff_id", flat=True))
    locked = Handoff.objects.filter(id__in=handoff_ids).order_by("id").select_for_update(of=("self",))
    handoffs = {row.pk: row for row in locked.select_related("assignee", "team")}
    timers = list(rows.select_for_update(of=("self",)))
    for timer in timers:
        timer.handoff = handoffs[timer.handoff_id]
        timer.handoff.contact = contacts[timer.handoff.contact_id]
    return sla.services.refit(timers, at=at)


@transaction.atomic
def _pass_over(move_id: int, *, error: Exception, at: dt.datetime) -> None:
    move = _ongoing(move_id)
    ids = _following(move, size=1, at=at) if move is not None else []
    if not ids:
        return
    sentence = _("Clock %(id)d could not be moved: %(error)s.") % {"id": ids[0], "error": error}
    ClockMove.objects.filter(id=move_id).update(
        error=f"{move.error}\n{sentence}".strip()[:5000] if move else sentence,
        last_timer_id=ids[0],
        done=F("done") + 1,
        updated_at=at,
    )


def _ongoing(move_id: int) -> ClockMove | None:
    """The locked row of a move that still goes on."""
    rows = ClockMove.objects.select_for_update(of=("self",), no_key=True).select_related("policy", "calendar")
    return rows.filter(id=move_id, finished_at=None).first()


def _found(move_id: int) -> ClockMove:
    move = ClockMove.objects.select_related("policy", "calendar").filter(id=move_id).first()
    if move is None:
        raise NotFound(_("There is no such move of clocks."))
    return move
