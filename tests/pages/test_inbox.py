"""The inbox: what waits, in the order in which waiting costs most, each number with its rows."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from crm import flows
from crm.models import Notice
from crm.queries.inbox import inbox_of
from crm.queries.navigation import navigation_counts
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, ask, bring_to, look_at_prices, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def inbox(browsing, salesperson):
    client = browsing(salesperson)

    def text(path: str = "/inbox/", **headers: str) -> str:
        answer = client.get(path, **headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return text


def words(page: str) -> str:
    return re.sub(r"\s+", " ", strip_tags(page.replace("<", " <"))).replace(" .", ".").replace(" ,", ",")


def names_in_order(page: str) -> list[str]:
    return re.findall(r'data-row="[a-z_]+-\d+".*?class="name"[^>]*>([^<]+)<', page, flags=re.S)


def test_an_empty_inbox_says_what_comes_next(inbox):
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "New leads reach you here and by e-mail" in page


def test_an_offered_lead_stands_first_with_the_sentence_to_say_its_clock_and_what_follows(
    inbox, marketer, salesperson, manager
):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, message="Lorries wait 40 minutes")
    page = inbox()
    assert "You asked us for a demo today and wrote: ‘Lorries wait 40 minutes’." in words(page)
    assert "4 h left" in words(page)
    assert "At 14:00 Maija Manager is told." in words(page)
    assert "Read and answer" in words(page)
    assert "data-open-hours" in page and 'data-key="Enter"' in page


def test_late_ones_come_first_then_those_with_least_time(inbox, marketer, salesperson, tuesday):
    tuesday.move_to(TUESDAY + 5 * HOUR)
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY + 4 * HOUR, name="plenty")
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="late")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * HOUR, name="soon")
    assert names_in_order(inbox()) == ["Late Novak", "Soon Novak", "Plenty Novak"]
    assert "1 h late" in words(inbox())


def test_accepted_leads_ask_for_a_call_until_one_is_logged(inbox, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert "Call +358 40 1" in words(inbox())
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", outcome="no_answer", at=TUESDAY)
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "Called, no answer" in page


def test_what_was_planned_comes_back_on_its_day(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.log_contact(
        actor=salesperson,
        contact_id=handoff.contact_id,
        type="call",
        outcome="call_back",
        note="The board decides on Thursday",
        next_at=TUESDAY + 2 * DAY,
        at=TUESDAY,
    )
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "Coming days" in page and "Thu 19" in page
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = words(inbox())
    assert "Next step" in page and "The board decides on Thursday" in page


def test_who_stirs_after_the_last_call_is_active_again(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    tuesday.move_to(TUESDAY + DAY)
    look_at_prices(handoff.contact, times=3, at=TUESDAY + 20 * HOUR)
    page = words(inbox())
    assert "Active again" in page
    assert "We spoke yesterday. You looked at our prices 3 times" in page


def test_a_silent_offer_says_what_is_at_stake(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Ten docks", amount=9800, at=TUESDAY)
    assert "Nothing waits for you." in words(inbox())
    tuesday.move_to(TUESDAY + 9 * DAY)
    page = words(inbox())
    assert "9 days" in page and "9,800 € at stake" in page


def test_who_was_not_reached_is_tried_again(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", outcome="no_answer", at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = words(inbox())
    assert "Not reached" in page and "1 try" in page


def test_who_was_given_back_comes_back(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.recycle(
        actor=salesperson,
        handoff_id=handoff.pk,
        reason="no_budget",
        comment="Frozen until spring",
        resurface_at=TUESDAY + 10 * DAY,
        at=TUESDAY,
    )
    assert "Nothing waits for you." in words(inbox())
    tuesday.move_to(TUESDAY + 10 * DAY + HOUR)
    flows.resurface_due(at=TUESDAY + 10 * DAY + MINUTE)
    assert Notice.objects.filter(kind="resurfaced").exists()
    page = words(inbox())
    assert "Came back" in page and "Frozen until spring" in page


def test_one_kind_alone_is_shown_when_asked_for(inbox, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="ana")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="bo")
    assert names_in_order(inbox("/inbox/?kind=contact")) == ["Bo Novak"]
    assert len(names_in_order(inbox("/inbox/?kind=nonsense"))) == 2
    assert "None of this kind waits." in words(inbox("/inbox/?kind=back"))


def test_nobody_elses_work_is_seen(browsing, other_salesperson, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert "Novak" not in browsing(other_salesperson).get("/inbox/").content.decode()


def test_every_number_of_the_month_opens_that_many_rows(inbox, browsing, salesperson, marketer, tuesday):
    kept = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="kept")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="missed")
    offer_ = flows.open_opportunity(actor=salesperson, handoff_id=kept.pk, name="", amount=9800, at=TUESDAY)
    flows.win_opportunity(actor=salesperson, opportunity_id=offer_.pk, reason="price", at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = inbox()
    assert re.search(r"Contacted in time 1 of 2", words(page))
    assert re.search(r"Answered in time 2 of 2", words(page))
    links = [
        (int(number), href.replace("&amp;", "&"))
        for href, number in re.findall(r'class="count[^"]*" href="(/(?:handoffs|opportunities)/[^"]+)">(\d+)<', page)
    ]
    assert len(links) == 5
    client = browsing(salesperson)
    for number, href in links:
        assert client.get(href).content.decode().count("<tr data-row=") == number, href


def test_done_today_counts_acts_and_calls_of_today_only(inbox, marketer, salesperson, tuesday):
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name="old")
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="new")
    rejected = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="no")
    flows.reject(actor=salesperson, handoff_id=rejected.pk, reason="too_small", at=TUESDAY)
    page = words(inbox())
    assert "3 done today" in page
    assert "Rejected: No Novak" in page and "Old Novak" not in page


def test_the_fragment_is_the_list_without_the_page(inbox, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    fragment = inbox(**HTMX)
    assert "<html" not in fragment and 'id="inbox-sentence" hx-swap-oob' in fragment
    assert names_in_order(fragment) == ["Eva Novak"]


@pytest.mark.parametrize("who", ["marketer", "manager", "administrator"])
def test_the_inbox_is_for_salespeople(who, request, browsing):
    assert browsing(request.getfixturevalue(who)).get("/inbox/").status_code == 403


def test_strangers_are_asked_to_sign_in(anonymous):
    assert anonymous.get("/inbox/").status_code == 302


def test_the_inbox_takes_no_posts(browsing, salesperson):
    assert browsing(salesperson).post("/inbox/").status_code == 405


def test_the_number_in_the_navigation_is_that_of_the_rows(inbox, marketer, salesperson, manager, tuesday):
    for state in ("offered", "accepted", "called"):
        bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=state)
    tuesday.move_to(TUESDAY + 9 * DAY)
    now = TUESDAY + 9 * DAY
    rows = names_in_order(inbox())
    assert sorted(rows) == ["Accepted Novak", "Called Novak", "Offered Novak"]
    assert navigation_counts(user=salesperson)["inbox"] == inbox_of(salesperson, now=now).total == len(rows)


def test_a_long_inbox_takes_no_more_queries_than_a_short_one(inbox, marketer, salesperson, manager, tuesday):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            inbox()
        return len(queries)

    def add(numbers: range) -> None:
        for n in numbers:
            for state in ("offered", "accepted", "called"):
                bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=f"{state}{n}")

    add(range(1))
    tuesday.move_to(TUESDAY + 9 * DAY)
    few = count()
    tuesday.move_to(TUESDAY)
    add(range(1, 5))
    tuesday.move_to(TUESDAY + 9 * DAY)
    assert count() == few
    assert few <= 32


def test_a_lead_offered_to_the_team_says_that_the_first_has_it(
    inbox, marketer, manager, salesperson, other_salesperson, sales_team
):
    sales_team.kind = "partner"
    sales_team.save()
    handoff = offer(ask(at=TUESDAY - HOUR), by=marketer, to=other_salesperson, at=TUESDAY)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=sales_team.pk, at=TUESDAY)
    assert "whoever is first has it" in words(inbox())
