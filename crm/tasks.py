"""What beat has done at its hours: each task reads the clock, makes one call, and says what it did."""

from celery import shared_task

from crm import heartbeat as signs_of_life


@shared_task
def heartbeat() -> None:
    """Show /readyz that beat, broker and worker all do their part."""
    signs_of_life.beat()
