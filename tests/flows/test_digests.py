"""Many notices at once become one sending that lists them all, and none is lost on the way."""

import datetime as dt

import pytest
from django.core import mail
from django.db import IntegrityError, transaction

from crm import deliveries, digests, notices
from crm.models import Delivery, Notice, Webhook
from crm.models.notices import Channel, NoticeKind
from leads.models import Contact
from tests.concurrency import webhook_server
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def tell(marketer, salesperson, settings):
    """`tell(n)` tells the salesperson, or somebody else, `n` things of one contact."""
    settings.DIGEST_ABOVE = 5
    send(*CROSSING)
    contact = Contact.objects.get()

    def say(n, *, to=salesperson, at=AT):
        first = Notice.objects.count()
        for number in range(first, first + n):
            draft = notices.Draft(
                kind=NoticeKind.RESURFACED,
                dedup_key=f"test:{number}",
                recipient_id=to.pk,
                contact_id=contact.pk,
                step=number,
            )
            notices.tell([draft], at=at)

    return say


def grouped():
    return Delivery.objects.filter(state="grouped")


def test_as_many_as_are_borne_come_alone(tell):
    tell(5)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=5)
    assert not grouped().exists()


def test_more_come_as_one_mail_that_lists_them_all_with_their_links(tell, salesperson, settings):
    settings.SITE_URL = "https://baton.example"
    tell(40)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=1)
    (message,) = mail.outbox
    assert message.to == [salesperson.email]
    assert message.subject == "40 notices at once"
    link = f"https://baton.example/contacts/{Contact.objects.get().pk}/"
    assert message.body.count(link) == 40
    assert message.alternatives[0].content.count(f'href="{link}"') == 40
    digest = Delivery.objects.get(notice=None)
    assert grouped().filter(digest=digest, sent_at__isnull=False).count() == 40
    assert message.extra_headers["Message-ID"] == digest.message_id
    assert not deliveries.send_due(at=AT + HOUR)


def test_each_recipient_has_their_own(tell, manager, salesperson):
    tell(6)
    tell(3, to=manager)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=4)
    assert sorted(message.to[0] for message in mail.outbox) == sorted([salesperson.email, *[manager.email] * 3])


def test_what_left_alone_within_the_minute_counts(tell):
    tell(4)
    deliveries.send_due(at=AT)
    tell(2, at=AT + 10 * SECOND)
    assert deliveries.send_due(at=AT + 10 * SECOND) == deliveries.Sent(sent=1)
    assert mail.outbox[-1].subject == "2 notices at once"
    mail.outbox.clear()
    tell(4, at=AT + 5 * MINUTE)
    assert deliveries.send_due(at=AT + 5 * MINUTE) == deliveries.Sent(sent=4)


def test_digests_to_one_recipient_are_a_minute_apart_and_what_comes_between_joins_the_next(tell):
    tell(6)
    deliveries.send_due(at=AT)
    for seconds in (10, 20, 30):
        tell(6, at=AT + seconds * SECOND)
        assert not deliveries.send_due(at=AT + seconds * SECOND)
    assert deliveries.send_due(at=AT + 61 * SECOND) == deliveries.Sent(sent=1)
    assert mail.outbox[-1].subject == "18 notices at once"


def test_a_crash_between_grouping_and_sending_loses_nothing(tell):
    tell(8)
    assert digests.group_due(at=AT, channel=Channel.EMAIL) == 8
    (_died,) = deliveries.claim(at=AT)
    assert not deliveries.send_due(at=AT + deliveries.LEASE - SECOND)
    assert deliveries.send_due(at=AT + deliveries.LEASE) == deliveries.Sent(sent=1)
    assert mail.outbox[0].subject == "8 notices at once"


def test_a_crash_while_grouping_leaves_single_ones(tell, monkeypatch):
    tell(8)

    def die(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(digests, "_join", die)
        digests.group_due(at=AT, channel=Channel.EMAIL)
    assert not Delivery.objects.filter(notice=None).exists()
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=1)
    assert grouped().count() == 8


def test_what_was_tried_alone_stays_alone(tell, settings):
    settings.EMAIL_BACKEND = "tests.flows.test_deliveries.NoServer"
    tell(2)
    deliveries.send_due(at=AT)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    tell(6, at=AT + 5 * MINUTE)
    assert deliveries.send_due(at=AT + 5 * MINUTE) == deliveries.Sent(sent=3)
    assert grouped().count() == 6


def test_a_digest_that_failed_is_sent_again_whole(tell, settings, administrator):
    settings.EMAIL_BACKEND = "tests.flows.test_deliveries.NoServer"
    tell(6)
    for hours in range(6):
        deliveries.send_due(at=AT + 2 * hours * HOUR)
    digest = Delivery.objects.get(notice=None)
    assert (digest.state, grouped().count()) == ("failed", 6)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    deliveries.send_again(actor=administrator, delivery_ids=[digest.pk], at=AT + 24 * HOUR)
    assert deliveries.send_due(at=AT + 24 * HOUR) == deliveries.Sent(sent=1)
    assert mail.outbox[0].extra_headers["Message-ID"] == digest.message_id


def test_a_digest_whose_notices_were_taken_back_is_given_up(tell):
    tell(6)
    digests.group_due(at=AT, channel=Channel.EMAIL)
    Notice.objects.all().delete()
    assert deliveries.send_due(at=AT) == deliveries.Sent(failed=1)
    assert mail.outbox == []


def test_so_many_a_digest_lists_and_the_rest_comes_in_another(tell, monkeypatch):
    monkeypatch.setitem(digests.AT_MOST, Channel.EMAIL, 10)
    tell(23)
    deliveries.send_due(at=AT)
    assert sorted(message.subject for message in mail.outbox) == [
        "10 notices at once",
        "10 notices at once",
        "3 notices at once",
    ]


def test_a_webhook_gets_digests_too(tell, settings):
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True
    with webhook_server.running() as receiver:
        Webhook.objects.create(name="Room", url=receiver.url, kinds=["resurfaced"], created_at=AT)
        tell(7)
        assert deliveries.send_due(at=AT, channel=Channel.WEBHOOK) == deliveries.Sent(sent=1)
    (post,) = receiver.posts
    assert post.json["type"] == "notice.digest"
    assert len(post.json["data"]["notices"]) == 7
    assert Delivery.objects.filter(channel="email", state="queued").count() == 7


def test_a_card_of_teams_stays_small_enough_to_be_taken(tell, settings):
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True
    settings.SITE_URL = "https://baton.our-own-company.example"
    Contact.objects.update(first_name="Aleksandra Katarzyna", last_name="Wiśniewska-Kowalczyk")
    with webhook_server.running() as receiver:
        Webhook.objects.create(name="Room", url=receiver.url, form="teams", kinds=["resurfaced"], created_at=AT)
        tell(45)
        deliveries.send_due(at=AT, channel=Channel.WEBHOOK)
    cards = [post.json["attachments"][0]["content"] for post in receiver.posts]
    links = [sum("selectAction" in str(block) for block in card["body"]) for card in cards]
    assert sorted(links) == [5, 20, 20]
    assert max(len(post.body.decode().encode("utf-16-le")) for post in receiver.posts) < 28 * 1024


def test_the_database_holds_that_what_is_in_a_digest_points_to_it(tell):
    tell(6)
    digests.group_due(at=AT, channel=Channel.EMAIL)
    for wrong in ({"digest": None}, {"state": "sent"}, {"notice": None}, {"next_attempt_at": AT}):
        with pytest.raises(IntegrityError), transaction.atomic():
            grouped().update(**wrong)


def test_grouping_costs_the_same_however_many(tell, django_assert_max_num_queries):
    tell(60)
    with django_assert_max_num_queries(12):
        digests.group_due(at=AT, channel=Channel.EMAIL)
