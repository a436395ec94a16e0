"""The state of a timer: one pure function of its facts and of now."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class TimerState(StrEnum):
    """How a promise stands. `missed` is past due and not met yet, `late` was met after it was due."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    LATE = "late"
    MISSED = "missed"
    CANCELLED = "cancelled"


def timer_state(
    *,
    now: datetime,
    due_at: datetime,
    met_at: datetime | None,
    cancelled_at: datetime | None,
    paused_from: datetime | None,
    paused_until: datetime | None,
) -> TimerState:
    """The state of a timer at `now`; all instants aware.

    The first that holds: cancelled; met, on time up to and including `due_at`, or late; missed once `now` is past
    `due_at`, pause or not, since a missed clock cannot be paused; paused from `paused_from` up to but not including
    `paused_until`; running. `due_at` has the pauses already in it.
    """
    if cancelled_at is not None:
        return TimerState.CANCELLED
    if met_at is not None:
        return TimerState.MET if met_at <= due_at else TimerState.LATE
    if now > due_at:
        return TimerState.MISSED
    if paused_from is not None and paused_until is not None and paused_from <= now < paused_until:
        return TimerState.PAUSED
    return TimerState.RUNNING
