"""Administrators see what failed and why, and send it again: one, or several."""

import pytest

from crm import deliveries
from crm.models import Delivery
from tests.pages.sales_work import HOUR, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


AGAIN = "/settings/deliveries/again/"


@pytest.fixture
def failed(marketer, salesperson, settings):
    """A mail whose server was away each time."""
    settings.EMAIL_BACKEND = "tests.flows.test_deliveries.NoServer"
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 10 * HOUR)
    for hours in range(6):
        deliveries.send_due(at=TUESDAY - 9 * HOUR + hours * 1.5 * HOUR)
    return Delivery.objects.get()


def test_what_failed_stands_there_with_its_reason(failed, administrator, browsing):
    page = browsing(administrator).get("/settings/deliveries/")
    assert failed.state == "failed"
    assert [row.pk for row in page.context["rows"]] == [failed.pk]
    text = page.content.decode()
    assert "ConnectionRefusedError: nobody listens" in text
    assert "A lead for you: Eva Novak (Firm)" in text
    assert "has failed" in text


def test_it_is_sent_again_at_a_press(failed, administrator, browsing):
    client = browsing(administrator)
    assert client.post(AGAIN, {"delivery": failed.pk}).status_code == 303
    failed.refresh_from_db()
    assert (failed.state, failed.attempts, failed.next_attempt_at) == ("queued", 0, TUESDAY)
    assert "None has failed." in client.get("/settings/deliveries/").content.decode()


def test_what_has_not_failed_is_not_sent_again(failed, administrator, browsing):
    client = browsing(administrator)
    client.post(AGAIN, {"delivery": failed.pk})
    answer = client.post(AGAIN, {"delivery": failed.pk})
    assert answer.status_code == 409
    assert "This is no longer failed: queued." in answer.content.decode()


def test_the_page_is_for_administrators(failed, marketer, salesperson, manager, browsing):
    for user in (marketer, salesperson, manager):
        client = browsing(user)
        assert client.get("/settings/deliveries/").status_code == 403
        assert client.post(AGAIN, {"delivery": failed.pk}).status_code == 403
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_wrong_verbs_states_and_rows_are_refused(failed, administrator, browsing):
    client = browsing(administrator)
    assert client.post("/settings/deliveries/").status_code == 405
    assert client.get(AGAIN).status_code == 405
    assert client.post(AGAIN, {"delivery": 999999}).status_code == 404
    unknown = client.get("/settings/deliveries/?state=lost")
    assert unknown.status_code == 422
    assert "That filter is not known; these failed." in unknown.content.decode()


def test_each_state_has_its_list(failed, administrator, browsing):
    tabs = browsing(administrator).get("/settings/deliveries/").context["tabs"]
    assert [(str(tab["label"]), tab["count"]) for tab in tabs] == [
        ("Failed", 1),
        ("Trying again", 0),
        ("Waiting", 0),
        ("Sending", 0),
        ("Sent", 0),
        ("In digests", 0),
        ("No longer true", 0),
    ]


def test_several_are_sent_again_at_one_press(failed, marketer, salesperson, administrator, browsing, settings):
    settings.EMAIL_BACKEND = "tests.flows.test_deliveries.NoServer"
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 8 * HOUR, name="ivo")
    for hours in range(6):
        deliveries.send_due(at=TUESDAY - 7 * HOUR + hours * 1.5 * HOUR)
    ids = list(Delivery.objects.values_list("pk", flat=True))
    client = browsing(administrator)
    answer = client.post(AGAIN, {"delivery": ids, "next": "/settings/deliveries/?state=failed&channel=email"})
    assert (answer.status_code, answer["Location"]) == (303, "/settings/deliveries/?state=failed&channel=email")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"}


def test_nothing_or_nonsense_chosen_is_said(failed, administrator, browsing):
    client = browsing(administrator)
    for chosen in ({}, {"delivery": "x"}, {"delivery": [failed.pk, "9" * 30]}):
        answer = client.post(AGAIN, chosen)
        assert answer.status_code == 422
        assert "Choose what is to be sent again." in answer.content.decode()
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_a_list_is_narrowed_to_a_person_and_a_channel(failed, salesperson, manager, administrator, browsing):
    client = browsing(administrator)

    def shown(**query):
        return [row.pk for row in client.get("/settings/deliveries/", query).context["rows"]]

    assert shown(recipient=salesperson.email, channel="email") == [failed.pk]
    assert shown(recipient=manager.email) == []
    assert shown(channel="webhook") == []
    page = client.get("/settings/deliveries/", {"recipient": manager.email})
    assert {tab["count"] for tab in page.context["tabs"]} == {0}
    assert all("recipient=" in tab["href"] for tab in page.context["tabs"])
