"""Backtests: what a version of the rules would have done in a past period: a job that is a row and may be run twice."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import OperationalError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import jobs
from crm.queries.capacity import weekly_capacity
from leads.models import Contact
from scoring.backtest_report import Report
from scoring.cases import Version, cases, version_of
from scoring.models import Backtest, JobState, ScoringModel
from scoring.services import load_rules

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 200
# A job whose runner has not written for so long has lost it. A batch takes a second or two.
LEASE = dt.timedelta(minutes=2)
LONGEST = dt.timedelta(days=3 * 366)
UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


@transaction.atomic
def start_backtest(*, actor: User, model_id: int, since: dt.datetime, until: dt.datetime, at: dt.datetime) -> Backtest:
    """Queue a backtest of a version over `since ≤ crossing < until`; `run_backtest` does it.

    For marketers, managers and administrators. The published version is lived through beside it. Raises `Forbidden`,
    `NotFound`, and `Invalid` for a period that has not begun, is in the wrong order or longer than three years.
    """
    _require(actor)
    model = ScoringModel.objects.filter(id=model_id).first()
    if model is None:
        raise NotFound(_("There is no such version."))
    if since >= at:
        raise Invalid(_("A backtest needs a period that has begun."), field="since")
    until = min(until, at)
    if until <= since:
        raise Invalid(_("The period must end after it begins."), field="until")
    if until - since > LONGEST:
        raise Invalid(_("Choose at most three years."), field="since")
    return Backtest.objects.create(
        model=model, since=since, until=until, actor=actor, total=Contact.objects.count(), created_at=at, updated_at=at
    )


def cancel_backtest(*, actor: User, backtest_id: int, at: dt.datetime) -> Backtest:
    """Stop a backtest: a queued one at once, a running one before its next batch. Raises `Conflict` when it is over."""
    _require(actor)
    job = _found(backtest_id)
    rows = Backtest.objects.filter(id=job.pk)
    if not rows.filter(state=JobState.QUEUED).update(
        state=JobState.CANCELLED, is_cancel_asked=True, updated_at=at, finished_at=at
    ) and not rows.filter(state=JobState.RUNNING).update(is_cancel_asked=True):
        raise Conflict(_("This backtest is over already."))
    return _found(backtest_id)


def run_backtest(
    *, backtest_id: int, at: dt.datetime, on_progress: Callable[[Backtest], None] = lambda job: None
) -> Backtest:
    """Do a backtest from the first contact on; return its row. Does nothing when it is over or somebody else is at it.

    1. Claim: the row becomes `running`, unless another runner has written to it within `LEASE`.
    2. Contacts are lived through in batches by id. What is kept in between does not grow with their number, and what
       was lost with a runner is simply done again: nothing but the row of the job is written.
    3. After each batch the row says how far it is, only where this runner was the last to write to it. So a runner
       that was thought dead and comes back finds its place taken and stops.

    A batch that cannot be read ends the job as `failed`; a database that is away leaves it to `backtests_to_resume`.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    if not Backtest.objects.filter(jobs.is_free(at, lease=LEASE), id=backtest_id).update(
        state=JobState.RUNNING, done=0, error="", result={"started_at": at.timestamp()}, updated_at=at
    ):
        return _found(backtest_id)
    job = _found(backtest_id)
    with translation.override(job.actor.language if job.actor else translation.get_language()):
        try:
            _live_through(job, at=at, now=now, on_progress=on_progress)
        except OperationalError:
            # The database is away or busy: the sweep takes the job up again.
            raise
        except Exception as error:
            logger.exception("Backtest %d failed after %d contacts.", job.pk, job.done)
            sentence = _("It stopped after %(done)d contacts: %(error)s.") % {"done": job.done, "error": error}
            jobs.write(job, now=now(), state=JobState.FAILED, error=sentence, finished_at=now())
    return _found(backtest_id)


def backtests_to_resume(*, at: dt.datetime) -> list[int]:
    """Backtests that nobody is at, though they are queued or were begun: their task or their runner was lost."""
    return list(Backtest.objects.filter(jobs.is_free(at, lease=LEASE)).order_by("id").values_list("id", flat=True))


def _live_through(
    job: Backtest, *, at: dt.datetime, now: Callable[[], dt.datetime], on_progress: Callable[[Backtest], None]
) -> None:
    began = time.monotonic()
    versions = _versions(job.model)
    report = Report(versions, since=job.since, until=job.until)
    total = Contact.objects.count()
    last_id = 0
    while ids := _following(last_id):
        for case in cases(ids, versions, thresholds=report.thresholds, since=job.since, until=job.until):
            report.add(case)
        last_id = ids[-1]
        if not jobs.write(job, now=now(), done=min(job.done + len(ids), total), total=total):
            return
        on_progress(job)
        if Backtest.objects.filter(id=job.pk, is_cancel_asked=True).exists():
            jobs.write(job, now=now(), state=JobState.CANCELLED, finished_at=now())
            return
    result = report.as_json() | {
        "started_at": at.timestamp(),
        "seconds": time.monotonic() - began,
        "capacity": weekly_capacity(at=at),
    }
    jobs.write(job, now=now(), state=JobState.DONE, done=total, total=total, result=result, finished_at=now())


def _versions(model: ScoringModel) -> list[Version]:
    """The version itself and, where it is another, the published one."""
    published = ScoringModel.objects.get(status=ScoringModel.Status.PUBLISHED)
    models = [model] if model == published else [model, published]
    return [version_of(load_rules(one)) for one in models]


def _following(last_id: int) -> list[int]:
    rows = Contact.objects.filter(id__gt=last_id).order_by("id")
    return list(rows.values_list("id", flat=True)[:BATCH])


def _found(backtest_id: int) -> Backtest:
    job = Backtest.objects.select_related("model", "actor").filter(id=backtest_id).first()
    if job is None:
        raise NotFound(_("There is no such backtest."))
    return job


def _require(actor: User) -> None:
    if not actor.sees_all_contacts:
        raise Forbidden(_("Marketers, managers and administrators run backtests."))
