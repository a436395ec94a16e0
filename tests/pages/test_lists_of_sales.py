"""The lists behind the numbers: handoffs by state, person and clock, and opportunities by state."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import flows
from tests.pages.sales_work import DAY, HOUR, TUESDAY, bring_to
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def world(marketer, salesperson, other_salesperson, tuesday):
    """Ana in review, Bo offered and missed, Cy accepted, Di called, each formed on Tuesday; it is 15:00."""
    made = {
        "ana": bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY + 4 * HOUR, name="ana"),
        "bo": bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="bo"),
        "cy": bring_to("accepted", marketer=marketer, seller=other_salesperson, at=TUESDAY + HOUR, name="cy"),
        "di": bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="di"),
    }
    tuesday.move_to(TUESDAY + 5 * HOUR)
    return made


def names(client, address: str) -> list[str]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    text = words(answer.content.decode())
    return [name for name in ("Ana", "Bo", "Cy", "Di") if f"{name} Novak" in text]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Ana", "Bo", "Cy", "Di"]),
        ("state=offered", ["Bo"]),
        ("state=open", ["Ana", "Bo", "Cy", "Di"]),
        ("state=offered&state=in_review", ["Ana", "Bo"]),
        ("assignee=otto.other@baton.example", ["Cy"]),
        ("milestone=answer&timer=missed", ["Bo"]),
        ("milestone=answer&timer=met", ["Cy", "Di"]),
        ("milestone=contact&timer=running", ["Bo", "Cy"]),
        ("milestone=contact&timer=soon", []),
        ("milestone=contact&promised_by=sam.seller@baton.example", ["Bo", "Di"]),
        ("timer=missed&milestone=review", []),
        ("since=2026-11-17&until=2026-11-17", ["Ana", "Bo", "Cy", "Di"]),
        ("since=2026-11-18", []),
        ("by=due&since=2026-11-18&milestone=contact", ["Bo", "Cy", "Di"]),
        ("cause=threshold", []),
    ],
)
def test_handoffs_are_found_by_what_is_asked(browsing, manager, world, query, found):
    assert names(browsing(manager), f"/handoffs/?{query}") == found


def test_of_one_contact(browsing, manager, world):
    page = words(browsing(manager).get(f"/handoffs/?contact={world['cy'].contact_id}").content.decode())
    assert "1 handoff" in page and "Contact: Cy Novak" in page


def test_what_was_asked_stays_in_the_form_and_each_part_can_be_taken_away(browsing, manager, world):
    asked = "/handoffs/?state=offered&state=accepted&timer=missed&assignee=sam.seller@baton.example&between=away"
    page = browsing(manager).get(f"{asked}&since=2026-11-01&page=1").content.decode()
    for name, value in (("state", "offered"), ("state", "accepted"), ("timer", "missed")):
        assert f'<input type="checkbox" name="{name}" value="{value}" checked>' in page
    assert '<input type="hidden" name="between" value="away">' in page
    chips = dict(re.findall(r'class="chip" href="([^"]+)" aria-label="Without: ([^"]+)"', page))
    assert list(chips.values()) == [
        "State: Offered",
        "State: Accepted",
        "Assignee: Sam Seller",
        "Clock: Missed",
        "Between two chairs: whose owner is away",
        "Formed: 1 Nov 2026",
    ]
    without_offered = next(href for href, text in chips.items() if text == "State: Offered").replace("&amp;", "&")
    assert without_offered == asked.replace("state=offered&", "").replace("@", "%40") + "&since=2026-11-01"


def test_salespeople_find_only_their_own(browsing, salesperson, world):
    assert names(browsing(salesperson), "/handoffs/") == ["Bo", "Di"]
    assert names(browsing(salesperson), f"/handoffs/?contact={world['cy'].contact_id}") == []


def test_a_filter_that_is_not_understood_shows_nothing_and_says_so(browsing, manager, world):
    answer = browsing(manager).get("/handoffs/?timer=purple&since=yesterday")
    page = words(answer.content.decode())
    assert answer.status_code == 422
    assert "The filter was not understood." in page and "Novak" not in page


@pytest.mark.parametrize("address", ["/handoffs/", "/opportunities/"])
def test_lists_take_no_posts(browsing, manager, address):
    assert browsing(manager).post(address).status_code == 405


def test_an_empty_list_says_what_fills_it(browsing, manager):
    client = browsing(manager)
    assert "Nothing has been handed over yet." in client.get("/handoffs/").content.decode()
    assert "No offer is open." in client.get("/opportunities/").content.decode()


def test_a_long_list_takes_no_more_queries(browsing, manager, marketer, salesperson, world):
    client = browsing(manager)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get("/handoffs/")
        return len(queries)

    few = count()
    for name in ("ed", "flo", "gus"):
        bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name=name)
    assert count() == few


@pytest.fixture
def deals(world, salesperson, other_salesperson):
    made = {}
    for name, owner, amount, currency in (("di", salesperson, 9800, "EUR"), ("cy", other_salesperson, 400, "PLN")):
        made[name] = flows.open_opportunity(
            actor=owner, handoff_id=world[name].pk, name=name, amount=amount, currency=currency, at=TUESDAY
        )
    return made


def test_opportunities_stand_by_state_with_what_they_are_worth(browsing, manager, deals, salesperson):
    client = browsing(manager)
    assert "2 worth 9,800 €, 400 zł." in words(client.get("/opportunities/").content.decode())
    flows.win_opportunity(actor=salesperson, opportunity_id=deals["di"].pk, reason="price", at=TUESDAY + DAY)
    assert names(client, "/opportunities/") == ["Cy"]
    assert names(client, "/opportunities/?state=won") == ["Di"]
    assert names(client, "/opportunities/?state=won&since=2026-11-19") == []
    assert names(client, "/opportunities/?state=won&owner=sam.seller@baton.example") == ["Di"]


def test_salespeople_see_their_own_opportunities(browsing, salesperson, deals):
    assert names(browsing(salesperson), "/opportunities/") == ["Di"]
