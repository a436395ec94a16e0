"""What is agreed once is shown where it is used: what the words mean, and why a lead is with somebody."""

import pytest

from crm.flows import definitions
from tests.pages.sales_work import DAY, TUESDAY, bring_to
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.mark.parametrize("address", ["/queue/", "/contacts/", "/handoffs/", "/sla/", "/scoring/"])
def test_each_page_says_what_its_words_mean_to_who_cannot_point(address, browsing, manager):
    definitions.define(actor=manager, word="mql", text="Asked for a quote.", seen=0, at=TUESDAY)
    text = words(browsing(manager).get(address).content.decode())
    assert "What the words mean" in text and "MQL Asked for a quote." in text


def test_a_lead_that_fell_back_is_cold_and_one_that_never_stood_there_is_not(browsing, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    page = f"/contacts/{handoff.contact_id}/"
    cold = "Cold Nothing was heard from them"
    handoff.score = 80
    handoff.save()
    tuesday.move_to(TUESDAY + 200 * DAY)
    assert cold in words(browsing(salesperson).get(page).content.decode())
    handoff.score = 20
    handoff.save()
    assert cold not in words(browsing(salesperson).get(page).content.decode())


@pytest.mark.parametrize(
    ("state", "who"), [("offered", "salesperson"), ("accepted", "salesperson"), ("offered", "manager")]
)
def test_why_somebody_has_a_lead_stands_beside_their_name(state, who, request, browsing, marketer, salesperson):
    handoff = bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY)
    client = browsing(request.getfixturevalue(who))
    assert "Why Sam Seller: " + handoff.assigned_because in words(
        client.get(f"/contacts/{handoff.contact_id}/").content.decode()
    )
    assert "Sam Seller " + handoff.assigned_because in words(client.get("/handoffs/").content.decode())


def test_a_filtered_queue_says_how_many_of_all_it_shows(browsing, marketer, salesperson):
    for name in ("one", "two", "three"):
        bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY, name=name)
    text = words(browsing(marketer).get("/queue/?source=nowhere").content.decode())
    assert "0 of 3 are shown, by the filter. Show all" in text
    assert "are shown, by the filter" not in words(browsing(marketer).get("/queue/").content.decode())
