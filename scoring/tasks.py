"""What is done behind a page of scoring that started it; `crm.tasks.resume_jobs` takes up what was lost."""

import logging

from celery import shared_task
from django.utils import timezone

from crm.flows import backtests, learning, previews, publishing

logger = logging.getLogger(__name__)


@shared_task
def run_backtest(*, backtest_id: int) -> None:
    """Live through a past period by a version of the rules."""
    job = backtests.run_backtest(backtest_id=backtest_id, at=timezone.now())
    logger.info("Backtest %d is %s after %d of %d contacts.", job.pk, job.state, job.done, job.total)


@shared_task
def run_publication(*, publication_id: int) -> None:
    """Bring everybody under a published version of the rules."""
    job = publishing.run_publication(publication_id=publication_id, at=timezone.now())
    logger.info(
        "Publication %d is %s: %d of %d contacts, %d promoted.", job.pk, job.state, job.done, job.total, job.promoted
    )


@shared_task
def run_suggestion(*, suggestion_id: int) -> None:
    """Learn points from how handoffs ended, and draft them."""
    job = learning.run_suggestion(suggestion_id=suggestion_id, at=timezone.now())
    logger.info("Suggestion %d is %s.", job.pk, job.state)


@shared_task
def run_preview(*, preview_id: int) -> None:
    """Count what publishing a draft would do."""
    job = previews.run_preview(preview_id=preview_id, at=timezone.now())
    logger.info("Preview %d is %s after %d of %d contacts.", job.pk, job.state, job.done, job.total)
