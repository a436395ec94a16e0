"""A person's own alerts: unread first, read one by one or all at once, and nobody else's."""

import re

import pytest

from crm import flows
from crm.models import Notice
from tests.pages.sales_work import DAY, HOUR, HTMX, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def told(marketer, salesperson, manager):
    """The salesperson was offered a lead, and missed its answer."""
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - DAY)
    flows.sweep_timers(at=TUESDAY - HOUR)
    return handoff


def topics(client, **headers):
    answer = client.get("/alerts/", **headers)
    assert answer.status_code == 200
    return [(row.kind, row.read_at is not None) for row in answer.context["rows"]]


def test_everybody_has_a_page_of_their_own_alerts(told, salesperson, marketer, manager, administrator, browsing):
    assert ("offered", False) in topics(browsing(salesperson))
    assert {kind for kind, _read in topics(browsing(manager))} == {"escalate"}
    assert topics(browsing(marketer)) == []
    assert "Nothing has been said to you." in browsing(administrator).get("/alerts/").content.decode()


def test_an_alert_says_what_was_missed_and_leads_to_the_lead(told, salesperson, browsing):
    page = browsing(salesperson).get("/alerts/").content.decode()
    assert re.search(
        rf'<a class="name"[^>]*href="/contacts/{told.contact_id}/"[^>]*>Answer to Eva Novak \(Firm\)</a>', page
    )
    assert "Was due Mon 16 Nov 2026, 14:00" in page
    assert "Accept the lead, or reject it with a reason." in page


def test_the_unread_come_first_whatever_their_age(told, salesperson, browsing):
    client = browsing(salesperson)
    newest = Notice.objects.filter(recipient=salesperson).latest("created_at", "id")
    assert client.post(f"/alerts/{newest.pk}/read/").status_code == 303
    states = [is_read for _kind, is_read in topics(client)]
    assert states == sorted(states)
    assert states[-1] is True and states.count(True) == 1


def test_looking_marks_nothing_as_read(told, salesperson, browsing):
    client = browsing(salesperson)
    topics(client)
    client.get(f"/contacts/{told.contact_id}/")
    assert not Notice.objects.filter(recipient=salesperson, read_at__isnull=False).exists()


def test_read_once_stays_read_since_then(told, salesperson, browsing, tuesday):
    client, notice = browsing(salesperson), Notice.objects.filter(recipient=salesperson).first()
    client.post(f"/alerts/{notice.pk}/read/")
    tuesday.shift(HOUR)
    client.post(f"/alerts/{notice.pk}/read/")
    notice.refresh_from_db()
    assert notice.read_at == TUESDAY


def test_somebody_elses_alert_looks_absent(told, salesperson, manager, browsing):
    notice = Notice.objects.filter(recipient=manager).first()
    assert browsing(salesperson).post(f"/alerts/{notice.pk}/read/").status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None


def test_all_are_read_at_once_but_not_what_came_since_the_page_was_shown(told, salesperson, browsing, tuesday):
    client = browsing(salesperson)
    until = client.get("/alerts/").context["until"]
    tuesday.shift(HOUR)
    flows.sweep_timers(at=TUESDAY + HOUR)  # the contact clock is missed as well
    late = Notice.objects.filter(recipient=salesperson, created_at__gt=TUESDAY)
    assert late.exists()
    assert client.post("/alerts/read/", {"until": until}).status_code == 303
    unread = Notice.objects.filter(recipient=salesperson, read_at=None)
    assert set(unread) == set(late)


@pytest.mark.parametrize("until", ["", "now", "2026-11-17T10:00", "2026-99-17T10:00:00+00:00"])
def test_all_are_read_only_up_to_an_instant_that_is_understood(told, salesperson, browsing, until):
    answer = browsing(salesperson).post("/alerts/read/", {"until": until})
    assert answer.status_code == 422
    assert "Load the page again" in answer.content.decode()
    assert not Notice.objects.filter(recipient=salesperson, read_at__isnull=False).exists()


def test_a_fragment_answers_htmx_with_the_list_and_the_count(told, salesperson, browsing):
    client, notice = browsing(salesperson), Notice.objects.filter(recipient=salesperson).first()
    answer = client.post(f"/alerts/{notice.pk}/read/", **HTMX)
    page = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in page
    assert 'id="alerts-sentence" hx-swap-oob="true"' in page


def test_wrong_verbs_are_refused(told, salesperson, browsing):
    client, notice = browsing(salesperson), Notice.objects.filter(recipient=salesperson).first()
    codes = [client.get(f"/alerts/{notice.pk}/read/"), client.get("/alerts/read/"), client.post("/alerts/")]
    assert [answer.status_code for answer in codes] == [405, 405, 405]
