"""When to call a buyer: set once by managers, shown with its state on every contact page."""

import datetime as dt
import itertools

import pytest

from crm import flows
from crm.queries import going_cold
from crm.window_chart import window_face
from leads.models.windows import LeadTimeSetting, lead_time
from leads.window import LeadTime, window_of
from tests.pages.sales_work import TUESDAY, bring_to
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

ADDRESS = "/settings/definitions/window/"
TODAY = dt.date(2026, 11, 17)


def test_managers_set_it_and_everybody_reads_it(browsing, manager, salesperson):
    assert "from 60 to 21 days before they decide" in words(browsing(salesperson).get(ADDRESS).content.decode())
    assert "earliest_days" not in browsing(salesperson).get(ADDRESS).content.decode()
    answer = browsing(manager).post(ADDRESS, {"earliest_days": 90, "latest_days": 30})
    assert (answer.status_code, answer["Location"]) == (303, ADDRESS)
    assert lead_time() == LeadTime(90, 30) and LeadTimeSetting.objects.get().changed_by == manager
    browsing(manager).post(ADDRESS, {"earliest_days": 80, "latest_days": 30})
    assert LeadTimeSetting.objects.count() == 1
    assert "Set by Maija Manager" in words(browsing(salesperson).get(ADDRESS).content.decode())


@pytest.mark.parametrize("given", [{"earliest_days": 30, "latest_days": 30}, {"earliest_days": "", "latest_days": 5}])
def test_a_window_that_cannot_be_is_refused(given, browsing, manager):
    answer = browsing(manager).post(ADDRESS, given)
    assert answer.status_code == 422 and f'value="{given["latest_days"]}"' in answer.content.decode()
    assert lead_time() == LeadTime()


@pytest.mark.parametrize("who", ["salesperson", "marketer"])
def test_others_may_not_set_it(who, request, browsing):
    client = browsing(request.getfixturevalue(who))
    assert client.post(ADDRESS, {"earliest_days": 90, "latest_days": 30}).status_code == 403
    assert client.put(ADDRESS).status_code == 405
    assert not LeadTimeSetting.objects.exists()


@pytest.mark.parametrize(
    ("deadline", "said"),
    [
        ("2027-02-01", "Too early Talk to them from 3 Dec on, in 16 days."),
        ("2027-01-16", "Call now 39 days left, until 26 Dec."),
        ("2026-12-08", "Call now Today is the last day."),
        ("2026-12-01", "Too late to win it Sales should have talked to them until 10 Nov."),
        ("2026-11-16", "Too late to win it They were to decide by 16 Nov."),
    ],
)
def test_the_card_says_whether_it_is_the_time_to_call(deadline, said, browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    address = f"/contacts/{handoff.contact_id}/"
    assert "When to call Not known. Ask by when they must decide" in words(
        browsing(salesperson).get(address).content.decode()
    )
    timeline = {"verdict": "confirmed", "decide_by_date": dt.date.fromisoformat(deadline)}
    flows.qualify(actor=salesperson, contact_id=handoff.contact_id, answers={"timeline": timeline}, at=TUESDAY)
    text = words(browsing(salesperson).get(address).content.decode())
    assert f"When to call {said}" in text
    assert ("Given back to marketing, it comes back by itself on 3 Dec." in text) == said.startswith("Too early")
    assert "1 of 4 known. Ask for the rest." in text


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 20, 21, 22, 59, 60, 61, 400])
def test_the_bar_stays_within_its_frame_whenever_today_is(days):
    face = window_face(window_of(TODAY + dt.timedelta(days=days), LeadTime()), today=TODAY)
    edges = [(float(part.x[:-1]), float(part.width[:-1])) for part in face.parts]
    assert all(x >= 0 and width > 0 and x + width <= 100.01 for x, width in edges)
    assert all(0 <= float(label.x[:-1]) <= 100 for label in (*face.above, *face.below))
    for (x, width), (following, _width) in itertools.pairwise(edges):
        assert x + width == pytest.approx(following, abs=0.02)


def test_who_will_not_buy_has_no_time_to_call(browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.disqualify(actor=salesperson, contact_id=handoff.contact_id, reason="never_buys", at=TUESDAY)
    page = browsing(marketer).get(f"/contacts/{handoff.contact_id}/").content.decode()
    assert "Disqualified: Will not buy." in words(page) and "When to call" not in words(page)


def test_the_inbox_and_the_card_go_by_the_same_lead_time(browsing, marketer, salesperson, manager):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    timeline = {"verdict": "confirmed", "decide_by_date": TODAY + dt.timedelta(days=80)}
    flows.qualify(actor=salesperson, contact_id=handoff.contact_id, answers={"timeline": timeline}, at=TUESDAY)
    [held] = going_cold.held_by(salesperson, now=TUESDAY)
    assert held.lead_time == LeadTime()
    browsing(manager).post(ADDRESS, {"earliest_days": 90, "latest_days": 30})
    [held] = going_cold.held_by(salesperson, now=TUESDAY)
    assert held.lead_time == LeadTime(90, 30)
    card = words(browsing(salesperson).get(f"/contacts/{handoff.contact_id}/").content.decode())
    assert "When to call Call now 50 days left" in card
