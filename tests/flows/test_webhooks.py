"""Webhooks: each happening once, signed, tried again, and switched off when it fails for good."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re

import pytest
from django.conf import settings as django_settings
from django.db import IntegrityError, transaction

from crm import deliveries, notices, webhooks
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import webhooks as flows
from crm.models import Delivery, Notice, Webhook
from crm.models.notices import WEBHOOK_KINDS, Channel, NoticeKind
from crm.models.webhooks import WebhookForm
from leads.models import Contact
from tests.concurrency import webhook_server
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings):
    """A receiver of the test's own, on this machine."""
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True
    with webhook_server.running() as server:
        yield server


@pytest.fixture
def make(administrator, receiver):
    """`make(form=…)` enters a webhook that leads to the receiver."""

    def enter(**values):
        given = {"name": f"Room {Webhook.objects.count()}", "url": receiver.url, "form": "generic"}
        kinds = {"kinds": [NoticeKind.RESURFACED]}
        return flows.create_webhook(actor=administrator, values=given | kinds | values, at=AT)

    return enter


@pytest.fixture
def tell(salesperson):
    """`tell(people…)` tells these people of one happening: a contact came back."""
    send(*CROSSING)
    contact = Contact.objects.get()

    def say(*people, at=AT, kind=NoticeKind.RESURFACED):
        number = Notice.objects.count()
        drafts = [
            notices.Draft(kind=kind, dedup_key=f"test:{number}:{one.pk}", recipient_id=one.pk, contact_id=contact.pk)
            for one in people or (salesperson,)
        ]
        return notices.tell(drafts, at=at)

    return say


def post_due(at=AT, **more):
    return deliveries.send_due(at=at, channel=Channel.WEBHOOK, **more)


def posts():
    return Delivery.objects.filter(channel="webhook")


def test_a_happening_is_told_once_however_many_people_are(make, tell, receiver, salesperson, manager):
    make()
    tell(salesperson, manager)
    assert post_due() == deliveries.Sent(sent=1)
    assert not post_due(at=AT + HOUR)
    (post,) = receiver.posts
    assert post.json["data"]["recipients"] == [salesperson.email, manager.email]
    assert Delivery.objects.filter(channel="email").count() == 2


def test_a_webhook_is_told_only_what_it_listens_to(make, tell):
    make(kinds=[NoticeKind.BREACH])
    tell()
    assert not posts().exists()


def test_mail_and_webhooks_have_rounds_of_their_own(make, tell, receiver):
    make()
    tell()
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=1)
    assert receiver.posts == []
    assert posts().get().state == "queued"


def test_a_program_is_told_in_json_and_can_tell_that_it_was_us(make, tell, receiver):
    webhook = make()
    tell()
    post_due()
    (post,) = receiver.posts
    delivery = posts().get()
    assert post.key == post.headers["webhook-id"] == delivery.message_id.strip("<>") == post.json["id"]
    assert post.json["type"] == "notice.resurfaced"
    assert post.json["data"]["subject"] == "Came back: eva@firm.example"
    assert post.json["data"]["url"].endswith(f"/contacts/{Contact.objects.get().pk}/")
    is_from_baton = documented_check()
    assert is_from_baton(webhook.secret, post.headers, post.body)
    assert not is_from_baton(webhook.secret, post.headers, post.body + b" ")
    assert not is_from_baton(webhooks.SECRET_PREFIX + base64.b64encode(b"other").decode(), post.headers, post.body)


def documented_check():
    """The example of docs/webhooks.md, as those who receive copy it."""
    text = (django_settings.BASE_DIR / "docs" / "webhooks.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 - our own page
    return names["is_from_baton"]


def test_the_signature_is_that_of_standard_webhooks():
    # The example of the convention's own page.
    secret, key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    body = b'{"test": 2432232314}'
    at = dt.datetime.fromtimestamp(1614265330, tz=dt.UTC)
    headers = webhooks.signature_headers(secret=secret, key=key, body=body, at=at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    by_hand = hmac.new(base64.b64decode(secret[6:]), f"{key}.1614265330.".encode() + body, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(by_hand.digest()).decode()}"


def test_slack_gets_its_own_markup_and_a_name_calls_nobody(make, tell, receiver):
    make(form="slack")
    Contact.objects.update(first_name="<!channel>", last_name="& Co")
    tell()
    post_due()
    said = receiver.posts[0].json
    assert set(said) == {"text", "unfurl_links", "unfurl_media"}
    first, second = said["text"].split("\n")
    assert re.fullmatch(r"\*<http[^|]+/contacts/\d+/\|Came back: &lt;!channel&gt; &amp; Co>\*", first)
    assert second.endswith("For Sam Seller.")
    assert "webhook-signature" not in receiver.posts[0].headers


def test_mattermost_gets_markdown_and_a_name_calls_nobody(make, tell, receiver):
    make(form="mattermost")
    Contact.objects.update(first_name="@all", last_name="[x](http://evil.example)")
    tell()
    post_due()
    text = receiver.posts[0].json["text"]
    assert "@all" not in text
    assert r"\[x\]\(http://evil\.example\)" in text
    assert text.startswith("**[Came back")


def test_teams_gets_an_adaptive_card_in_a_message(make, tell, receiver):
    make(form="teams")
    tell()
    post_due()
    said = receiver.posts[0].json
    (attachment,) = said["attachments"]
    card = attachment["content"]
    assert said["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert card["body"][0]["inlines"][0]["text"] == "Came back: eva@firm.example"
    assert card["actions"][0]["type"] == "Action.OpenUrl"


def test_every_form_has_words_for_every_kind(make, receiver, salesperson):
    told = [
        webhooks.Told(
            kind=kind,
            subject="Subject",
            summary="",
            text="",
            url="https://baton.example/",
            recipients=(),
            addresses=(),
            created_at=AT,
        )
        for kind in WEBHOOK_KINDS
    ]
    for form in WebhookForm:
        for notes in (told[:1], told):
            assert "Subject" in json.dumps(webhooks.FORMS[form](notes, "key"))


def test_a_failure_is_tried_again_and_keeps_its_key(make, tell, receiver):
    webhook = make()
    receiver.status = 503
    tell()
    assert post_due(jitter=lambda: 0.0) == deliveries.Sent(retried=1)
    assert posts().get().error == "It answered 503. “not now”"
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since is not None) == (1, True)
    receiver.status = 202
    assert post_due(at=AT + 2 * MINUTE) == deliveries.Sent(sent=1)
    assert len({post.key for post in receiver.posts}) == 1
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.failing_since) == (0, None)


def test_one_that_nobody_answers_is_tried_once_a_batch_and_keeps_no_other(make, tell, receiver, salesperson):
    away, there = make(url="http://127.0.0.1:9/"), make()
    for _n in range(3):
        tell()
    assert post_due(jitter=lambda: 0.0) == deliveries.Sent(sent=3, retried=3)
    away.refresh_from_db()
    assert away.failures == 1
    assert there.deliveries.filter(state="sent").count() == 3


def test_a_redirect_is_not_followed(make, tell, receiver):
    make()
    receiver.status, receiver.location = 307, receiver.url + "/elsewhere"
    tell()
    assert post_due() == deliveries.Sent(retried=1)
    assert [post.path for post in receiver.posts] == ["/hook"]
    assert "redirect" in posts().get().error


def test_one_that_is_gone_is_switched_off_and_an_administrator_told(make, tell, receiver, administrator):
    webhook = make()
    receiver.status = 410
    tell()
    tell()
    assert post_due() == deliveries.Sent(failed=2)
    webhook.refresh_from_db()
    assert not webhook.is_active
    assert webhook.off_reason == "It answered 410: it is gone for good. “not now”"
    assert len(receiver.posts) == 1
    notice = Notice.objects.get(kind=NoticeKind.WEBHOOK_OFF)
    assert notice.recipient == administrator
    tell()
    assert posts().count() == 2, "one that is off is told nothing more"


def test_ten_failures_over_twelve_hours_switch_it_off_and_one_press_on_again(make, tell, receiver, administrator):
    webhook = make()
    receiver.status = 500
    at = AT
    for n in range(3):
        tell(at=at)
        for _try in range(deliveries.MAX_ATTEMPTS):
            webhook.refresh_from_db()
            if webhook.is_active:
                post_due(at=at, jitter=lambda: 0.0)
            at += HOUR
        assert webhook.is_active or n == 2
        at += HOUR
    webhook.refresh_from_db()
    assert not webhook.is_active
    assert webhook.failures >= webhooks.OFF_AFTER_FAILURES
    assert webhook.off_at - webhook.failing_since >= webhooks.OFF_AFTER
    failed = list(posts().filter(state="failed").values_list("id", flat=True))
    assert failed
    with pytest.raises(Conflict, match="Switch it on first"):
        deliveries.send_again(actor=administrator, delivery_ids=failed, at=at)
    flows.switch_on(actor=administrator, webhook_id=webhook.pk)
    receiver.status = 200
    assert len(deliveries.send_again(actor=administrator, delivery_ids=failed, at=at)) == len(failed)
    assert post_due(at=at) == deliveries.Sent(sent=len(failed))
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.failures, webhook.off_reason) == (True, 0, "")


def test_switching_it_off_gives_up_what_waits(make, tell, receiver, administrator):
    webhook = make()
    tell()
    flows.switch_off(actor=administrator, webhook_id=webhook.pk, at=AT)
    assert posts().get().state == "failed"
    assert "Ada Admin switched it off." in posts().get().error
    assert not post_due(at=AT + HOUR)


def test_a_test_is_posted_at_once_and_says_what_came_of_it(make, receiver, administrator):
    webhook = make()
    flows.send_test(actor=administrator, webhook_id=webhook.pk, at=AT)
    assert receiver.posts[0].json["type"] == "notice.test"
    receiver.status = 404
    with pytest.raises(Conflict, match="It answered 404"):
        flows.send_test(actor=administrator, webhook_id=webhook.pk, at=AT)
    assert not posts().exists()


def test_an_address_inside_is_refused_when_entered_and_when_called(make, tell, receiver, settings, administrator):
    webhook = make()
    tell()
    settings.WEBHOOKS_INSIDE = False
    assert post_due() == deliveries.Sent(failed=1)
    assert receiver.posts == []
    assert "127.0.0.1 is inside the own network" in posts().get().error
    with pytest.raises(Invalid, match="inside the own network"):
        flows.edit_webhook(actor=administrator, webhook_id=webhook.pk, values={"url": "http://10.0.0.1/"})


def test_only_administrators_touch_webhooks(make, manager, administrator):
    webhook = make()
    for act in (flows.switch_on, flows.renew_secret, flows.delete_webhook):
        with pytest.raises(Forbidden):
            act(actor=manager, webhook_id=webhook.pk)
        with pytest.raises(NotFound):
            act(actor=administrator, webhook_id=webhook.pk + 1)
    with pytest.raises(Forbidden):
        flows.send_test(actor=manager, webhook_id=webhook.pk, at=AT)
    with pytest.raises(NotFound):
        flows.send_test(actor=administrator, webhook_id=webhook.pk + 1, at=AT)


def test_a_name_is_taken_once_and_kinds_are_known(make, administrator):
    webhook = make()
    with pytest.raises(Invalid, match="of this name"):
        make(name=webhook.name)
    for kinds in ([], ["webhook_off"], ["nonsense"]):
        with pytest.raises(Invalid, match="Choose what it is told of"):
            make(kinds=kinds)


def test_the_database_holds_that_a_sending_has_one_receiver_and_is_made_once(make, tell, salesperson):
    webhook = make()
    (notice_id,) = tell()
    given = {"notice_id": notice_id, "next_attempt_at": AT, "created_at": AT}
    for wrong in (
        {"channel": "email"},
        {"channel": "webhook"},
        {"channel": "email", "recipient": salesperson, "webhook": webhook},
        {"channel": "webhook", "recipient": salesperson},
        {"channel": "webhook", "webhook": webhook},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Delivery.objects.create(**given, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(off_at=AT, off_reason="why", is_active=True)
