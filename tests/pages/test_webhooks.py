"""Administrators enter webhooks, try them out, and switch them on again."""

import pytest

from crm import webhooks as posting
from crm.flows import webhooks as flows
from crm.models import Webhook
from crm.models.notices import NoticeKind
from tests.concurrency import webhook_server
from tests.pages.sales_work import TUESDAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

LIST = "/settings/webhooks/"
ACTS = ("test", "switch", "secret", "delete")


@pytest.fixture
def receiver(settings):
    """A receiver of the test's own, on this machine."""
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True
    with webhook_server.running() as server:
        yield server


@pytest.fixture
def typed(receiver):
    """What is typed in."""
    return {"name": "Sales room", "form": "generic", "url": receiver.url, "kinds": ["breach", "offered"]}


@pytest.fixture
def webhook(typed, administrator):
    return flows.create_webhook(actor=administrator, values=typed, at=TUESDAY)


def test_one_is_entered_and_leads_to_its_own_page(typed, administrator, browsing):
    client = browsing(administrator)
    answer = client.post(f"{LIST}new/", typed)
    made = Webhook.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}{made.pk}/")
    assert (made.name, made.kinds, made.is_active) == ("Sales room", ["breach", "offered"], True)
    page = client.get(f"{LIST}{made.pk}/").content.decode()
    assert made.secret in page
    listed = client.get(LIST).content.decode()
    assert "Sales room" in listed and "Missed, A lead for you" in listed and made.secret not in listed


def test_what_is_wrong_is_named_and_nothing_is_lost(typed, webhook, administrator, browsing):
    client = browsing(administrator)
    for wrong, said in (
        ({"url": "ftp://x", "name": "Other"}, "begins with https://"),
        ({"kinds": []}, "Choose at least one"),
        ({"kinds": ["webhook_off"]}, "Select a valid choice"),
        ({"name": ""}, "This field is required"),
        ({}, "of this name already"),
    ):
        answer = client.post(f"{LIST}new/", typed | wrong)
        assert answer.status_code == 422
        text = answer.content.decode()
        assert said in text
        assert 'value="breach" id' in text or "kinds" in wrong, "what was chosen stands there still"
    assert Webhook.objects.count() == 1


def test_one_is_changed(webhook, typed, administrator, browsing):
    answer = browsing(administrator).post(f"{LIST}{webhook.pk}/", typed | {"form": "slack", "kinds": ["warn"]})
    assert answer.status_code == 303
    webhook.refresh_from_db()
    assert (webhook.form, webhook.kinds) == ("slack", ["warn"])


def test_a_test_says_what_came_of_it(webhook, receiver, administrator, browsing):
    client = browsing(administrator)
    assert client.post(f"{LIST}{webhook.pk}/test/").status_code == 303
    assert receiver.posts[0].json["type"] == "notice.test"
    receiver.status = 500
    answer = client.post(f"{LIST}{webhook.pk}/test/")
    assert answer.status_code == 409
    assert "The test did not arrive. It answered 500." in answer.content.decode()


def test_one_that_was_switched_off_says_why_and_is_switched_on_at_a_press(webhook, administrator, browsing):
    posting.switch_off(webhook_id=webhook.pk, reason="It answered 410: it is gone for good.", at=TUESDAY)
    client = browsing(administrator)
    assert "1 is switched off." in client.get(LIST).content.decode()
    assert "it is gone for good" in client.get(f"{LIST}{webhook.pk}/").content.decode()
    told = client.get("/alerts/").content.decode()
    assert f"{LIST}{webhook.pk}/" in told and "Sales room" in told
    assert client.post(f"{LIST}{webhook.pk}/switch/").status_code == 303
    webhook.refresh_from_db()
    assert webhook.is_active
    assert client.post(f"{LIST}{webhook.pk}/switch/", {"state": "off"}).status_code == 303
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.off_reason) == (False, "Ada Admin switched it off.")


def test_a_secret_is_renewed_and_one_is_deleted(webhook, administrator, browsing):
    client = browsing(administrator)
    before = webhook.secret
    assert client.post(f"{LIST}{webhook.pk}/secret/").status_code == 303
    webhook.refresh_from_db()
    assert webhook.secret != before
    assert client.post(f"{LIST}{webhook.pk}/delete/").status_code == 303
    assert not Webhook.objects.exists()
    assert "No webhook yet." in client.get(LIST).content.decode()


def test_the_pages_are_for_administrators(webhook, typed, marketer, salesperson, manager, browsing):
    for user in (marketer, salesperson, manager):
        client = browsing(user)
        for path in (LIST, f"{LIST}new/", f"{LIST}{webhook.pk}/"):
            assert client.get(path).status_code == 403
        assert client.post(f"{LIST}new/", typed).status_code == 403
        for act in ACTS:
            assert client.post(f"{LIST}{webhook.pk}/{act}/").status_code == 403
    assert Webhook.objects.get().is_active


def test_wrong_verbs_and_rows_are_refused(webhook, administrator, browsing):
    client = browsing(administrator)
    assert client.post(LIST).status_code == 405
    assert client.delete(f"{LIST}{webhook.pk}/").status_code == 405
    assert client.get(f"{LIST}999999/").status_code == 404
    for act in ACTS:
        assert client.get(f"{LIST}{webhook.pk}/{act}/").status_code == 405
        assert client.post(f"{LIST}999999/{act}/").status_code == 404


def test_a_list_costs_the_same_however_many(webhook, typed, administrator, browsing, django_assert_max_num_queries):
    for n in range(5):
        values = typed | {"name": f"Room {n}", "kinds": [NoticeKind.WARN]}
        flows.create_webhook(actor=administrator, values=values, at=TUESDAY)
    client = browsing(administrator)
    with django_assert_max_num_queries(12):
        client.get(LIST)
