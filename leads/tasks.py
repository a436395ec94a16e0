"""What is done behind a page that started it; `crm.tasks.resume_jobs` takes up what was lost."""

import logging

from celery import shared_task
from django.utils import timezone

from crm import flows

logger = logging.getLogger(__name__)


@shared_task
def run_import(*, import_id: int) -> None:
    """Take in a file of contacts."""
    job = flows.run_import(import_id=import_id, at=timezone.now())
    logger.info(
        "Import %d is %s: %d created, %d touched, %d refused.",
        job.pk,
        job.state,
        job.created,
        job.touched,
        job.refused,
    )
