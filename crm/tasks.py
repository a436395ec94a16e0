"""What beat has done at its hours: each task reads the clock, makes one call, and says what it did."""

import logging

from celery import shared_task
from django.utils import timezone

from crm import deliveries, flows
from crm import heartbeat as signs_of_life
from crm.flows import backtests, learning, moves, outbounds, previews, publishing, reports
from crm.models.notices import Channel
from leads.tasks import run_import
from scoring.tasks import run_backtest, run_preview, run_publication, run_suggestion
from sla.tasks import run_clock_move

logger = logging.getLogger(__name__)

AT_ONCE = {"expires": 10}
"""How a task is queued beside its hours; beat queues it again anyway."""


@shared_task
def sweep_timers() -> None:
    """Take every step that clocks have come to; where they are many, another worker helps."""
    if told := flows.sweep_timers(at=timezone.now(), call_help=lambda: sweep_timers.apply_async(**AT_ONCE)):
        logger.info("Told %d people of clocks.", told)
        send_deliveries.apply_async(**AT_ONCE)
        send_to_webhooks.apply_async(**AT_ONCE)


@shared_task
def sweep_scores() -> None:
    """Look again at the scores that time may have moved."""
    if swept := flows.sweep_scores(at=timezone.now()):
        logger.info("Looked again at %d scores.", swept)


@shared_task
def send_deliveries() -> None:
    """Send what people must be told; a round is short, and another follows while there is something to send."""
    if done := deliveries.send_due(at=timezone.now()):
        logger.info("Mail: %d sent, %d to be tried again, %d failed.", done.sent, done.retried, done.failed)
        send_deliveries.apply_async(**AT_ONCE)


@shared_task
def send_to_webhooks() -> None:
    """Tell webhooks what they listen to, as with mail."""
    if done := deliveries.send_due(at=timezone.now(), channel=Channel.WEBHOOK):
        logger.info("Webhooks: %d sent, %d to be tried again, %d failed.", done.sent, done.retried, done.failed)
        send_to_webhooks.apply_async(**AT_ONCE)


@shared_task
def send_reports() -> None:
    """Have the reports written whose hour has come."""
    if told := reports.send_due_reports(at=timezone.now()):
        logger.info("Wrote %d reports.", told)


@shared_task
def route_waiting() -> None:
    """Offer waiting leads to people who have room by now."""
    if offered := flows.route_waiting(at=timezone.now()):
        logger.info("Offered %d leads that had waited.", offered)


@shared_task
def take_outbound() -> None:
    """Have every outbound that is due take its next contacts."""
    if taken := outbounds.take_due(at=timezone.now()):
        logger.info("Outbound took %d contacts.", taken)


@shared_task
def resurface() -> None:
    """Bring back the contacts whose day has come."""
    if back := flows.resurface_due(at=timezone.now()):
        logger.info("%d contacts came back.", back)


@shared_task
def resume_jobs() -> None:
    """Take up the jobs whose task or runner was lost."""
    for import_id in flows.imports_to_resume(at=timezone.now()):
        run_import.delay(import_id=import_id)
    for backtest_id in backtests.backtests_to_resume(at=timezone.now()):
        run_backtest.delay(backtest_id=backtest_id)
    for publication_id in publishing.publications_to_resume(at=timezone.now()):
        run_publication.delay(publication_id=publication_id)
    for suggestion_id in learning.suggestions_to_resume(at=timezone.now()):
        run_suggestion.delay(suggestion_id=suggestion_id)
    for preview_id in previews.previews_to_resume(at=timezone.now()):
        run_preview.delay(preview_id=preview_id)
    for move_id in moves.moves_to_resume(at=timezone.now()):
        run_clock_move.delay(move_id=move_id)


@shared_task
def heartbeat() -> None:
    """Show /readyz that beat, broker and worker all do their part."""
    signs_of_life.beat()
