"""What is done behind a page about promises; `crm.tasks.resume_jobs` takes up what was lost."""

from __future__ import annotations

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from crm.flows import moves
from sla.models import ClockMove

logger = logging.getLogger(__name__)


@shared_task
def run_clock_move(*, move_id: int) -> None:
    """Bring running clocks over to what holds now."""
    move = moves.run_move(move_id=move_id, at=timezone.now())
    logger.info("Move %d of clocks is %s: %d looked at, %d moved.", move.pk, move.state, move.done, move.moved)


def run_soon(move: ClockMove | None) -> None:
    """Have a move that was begun finished behind the page, if anything is left of it."""
    if move is not None and not move.is_done:
        transaction.on_commit(lambda: run_clock_move.delay(move_id=move.pk), robust=True)
