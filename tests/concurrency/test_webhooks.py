"""What webhooks are told is told, whoever is killed in between, and under one key however often."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.utils import timezone

from crm import notices
from crm.celery import app
from crm.models import Delivery, User, Webhook
from crm.models.notices import NoticeKind
from tests.concurrency.conftest import Running, Together, kill_group
from tests.concurrency.webhook_server import WebhookServer

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = dt.timedelta(seconds=1)
TOLD = 90
SENDERS = 4


def listen(receiver: WebhookServer) -> Webhook:
    """A webhook that leads to the receiver."""
    return Webhook.objects.create(
        name="Room", url=receiver.url, kinds=[NoticeKind.RESURFACED], created_at=timezone.now()
    )


def tell(n: int, *, to: User, at: dt.datetime) -> None:
    """So many happenings, of which the webhook alone is told."""
    # Each of a time of its own, so that none counts as the same happening.
    for number in range(n):
        draft = notices.Draft(kind=NoticeKind.RESURFACED, dedup_key=f"test:{number}", recipient_id=to.pk)
        notices.tell([draft], at=at)
    Delivery.objects.filter(channel="email").delete()


def keys() -> set[str]:
    return {one.message_id.strip("<>") for one in Delivery.objects.all()}


def test_a_worker_killed_between_the_answer_and_its_commit_posts_again_under_the_same_key(
    hands: Together, celery: Running, receiver: WebhookServer, salesperson: User, redis_url: str
) -> None:
    listen(receiver)
    tell(1, to=salesperson, at=timezone.now())
    receiver.is_holding.set()
    with celery("worker") as worker, app.connection(redis_url) as broker:
        app.send_task("crm.tasks.send_to_webhooks", connection=broker)
        assert receiver.has_somebody.wait(20), "no worker came to post"
        kill_group(worker)
    receiver.is_holding.clear()
    delivery = Delivery.objects.get()
    assert (delivery.state, len(receiver.posts)) == ("sending", 1)
    assert delivery.next_attempt_at is not None
    hands([{"act": "webhooks_inside"}] * 2)
    early = (delivery.next_attempt_at - 5 * SECOND).isoformat()
    assert hands([{"act": "send_due", "at": early, "channel": "webhook"}]) == [{"result": 0}]
    later = (delivery.next_attempt_at + SECOND).isoformat()
    answers = hands([{"act": "send_due", "at": later, "channel": "webhook"}] * 2)
    assert sum(answer["result"] for answer in answers) == 1
    assert [post.key for post in receiver.posts] == [*keys()] * 2
    assert Delivery.objects.get().state == "sent"


def test_a_receiver_that_fails_a_third_of_the_time_is_told_everything_once(
    hands: Together, receiver: WebhookServer, salesperson: User
) -> None:
    webhook = listen(receiver)
    receiver.fails_each = 3
    at = timezone.now()
    tell(TOLD, to=salesperson, at=at)
    hands([{"act": "webhooks_inside"}] * SENDERS)
    sent = 0
    for _round in range(20):
        answers = hands([{"act": "send_due", "at": at.isoformat(), "channel": "webhook"}] * SENDERS)
        sent += sum(answer["result"] for answer in answers)
        if not Delivery.objects.filter(next_attempt_at__isnull=False).exists():
            break
        at += dt.timedelta(minutes=90)
    assert set(Delivery.objects.values_list("state", flat=True)) <= {"sent", "failed"}
    told = Counter(post.key for post in receiver.taken)
    given_up = {one.message_id.strip("<>") for one in Delivery.objects.filter(state="failed")}
    assert set(told) | given_up == keys()
    assert set(told.values()) == {1}, "nothing was told twice, for nobody died"
    assert sent == len(told) > TOLD * 0.9
    # A third of the tries fails, five tries in a row hardly ever; those that did are there to be sent again.
    assert len(given_up) <= TOLD * 0.1
    webhook.refresh_from_db()
    assert webhook.is_active, "a success in between forgives the failures before it"
