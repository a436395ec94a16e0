"""Counting in the background what publishing a draft would do: where contacts are too many for a request."""

from __future__ import annotations

import datetime as dt
import logging
import time

from django.db import OperationalError
from django.utils.translation import gettext as _

from crm.errors import NotFound
from crm.flows import jobs
from crm.queries import publishing, rule_numbers
from leads.models import Contact
from scoring.models import JobState, PreviewJob, ScoringModel

logger = logging.getLogger(__name__)
LEASE = dt.timedelta(minutes=2)
FRESH = dt.timedelta(hours=1)
"""So long a count is taken for what would happen now."""


def ask(model: ScoringModel, *, at: dt.datetime) -> tuple[PreviewJob, bool]:
    """The count of a draft as it stands, and whether it was queued just now.

    It is counted again once the draft has changed, or an hour has passed; until then the earlier result stays in the
    row. One that failed is tried again after as long as a runner may be silent.
    """
    known = {"revision_at": model.changed_at, "state": JobState.QUEUED, "total": 0, "created_at": at, "updated_at": at}
    job, is_new = PreviewJob.objects.get_or_create(model=model, defaults=known)
    if is_new:
        return job, True
    is_over = job.state in (JobState.DONE, JobState.FAILED)
    age = at - (job.finished_at or job.updated_at)
    is_old = is_over and age > (FRESH if job.state == JobState.DONE else LEASE)
    if job.revision_at == model.changed_at and not is_old:
        return job, False
    # Whoever is at it finds its place taken. Of two who ask at once, one queues it.
    as_seen = PreviewJob.objects.filter(pk=job.pk, updated_at=job.updated_at)
    is_queued = as_seen.update(**known | {"updated_at": max(at, job.updated_at + dt.timedelta(microseconds=1))}, done=0)
    return _found(job.pk), bool(is_queued)


def run_preview(*, preview_id: int, at: dt.datetime) -> PreviewJob:
    """Count; return the row. Does nothing when it is over or somebody else is at it.

    The row becomes `running`, says after each batch how far it is, and ends with the result; a runner that finds that
    another has written to the row, or that the draft was changed and is to be counted anew, stops.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    free = PreviewJob.objects.filter(jobs.is_free(at, lease=LEASE), id=preview_id)
    if not free.update(state=JobState.RUNNING, done=0, total=Contact.objects.count(), error="", updated_at=at):
        return _found(preview_id)
    job = _found(preview_id)

    def progress(done: int) -> None:
        if not jobs.write(job, now=now(), done=done):
            raise _PlaceTaken

    try:
        found = publishing.preview(job.model, at=at, on_progress=progress)
        fit_counts = rule_numbers.fit_counts(job.model)
    except OperationalError:
        # The database is away or busy: the sweep takes the job up again.
        raise
    except _PlaceTaken:
        logger.info("The preview of version %d was asked for anew.", job.model.version)
    except Exception as error:
        logger.exception("The preview of version %d failed.", job.model.version)
        sentence = _("It stopped: %(error)s.") % {"error": error}
        jobs.write(job, now=now(), state=JobState.FAILED, error=sentence, finished_at=now())
    else:
        counted = publishing.kept(found) | {"fit_counts": fit_counts}
        result = {"result": counted, "result_revision_at": job.revision_at}
        jobs.write(job, now=now(), state=JobState.DONE, done=found.contacts, finished_at=now(), **result)
    return _found(preview_id)


def previews_to_resume(*, at: dt.datetime) -> list[int]:
    """Previews that nobody is at, though they are queued or were begun."""
    return list(PreviewJob.objects.filter(jobs.is_free(at, lease=LEASE)).order_by("id").values_list("id", flat=True))


class _PlaceTaken(Exception):
    """Another runner is at the job, or the draft is to be counted as it stands now."""


def _found(preview_id: int) -> PreviewJob:
    job = PreviewJob.objects.select_related("model").filter(id=preview_id).first()
    if job is None:
        raise NotFound(_("There is no such preview: its draft was discarded."))
    return job
