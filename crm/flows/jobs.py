"""What background jobs share: a row with a state, claimed by a conditional update, taken up when its runner is lost.

A job's model has `state` (a `JobState`) and `updated_at`, the instant that tells one runner from another.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Model, Q

from scoring.models import JobState


def is_free(at: dt.datetime, *, lease: dt.timedelta) -> Q:
    """Jobs that nobody is at: queued, or begun and not written to for as long as the lease."""
    return Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, updated_at__lt=at - lease)


def write(job: Any, *, now: dt.datetime, **fields: Any) -> bool:
    """Write to the job if this runner was the last to do so; False when its place was taken or it was cancelled."""
    # Later than the last by a microsecond at least: the instant is what tells one runner from another.
    now = max(now, job.updated_at + dt.timedelta(microseconds=1))
    kind: type[Model] = type(job)
    mine = kind._default_manager.filter(pk=job.pk, state=JobState.RUNNING, updated_at=job.updated_at)
    if not mine.update(**fields, updated_at=now):
        return False
    for name, value in (fields | {"updated_at": now}).items():
        setattr(job, name, value)
    return True
