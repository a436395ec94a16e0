"""Marketing's queue: what waits and why, the evidence about each lead, and who may look."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from crm import flows
from crm.models import User
from leads.models import Handoff
from tests.pages.sales_work import HOUR, HTMX, MINUTE, TUESDAY, ask, look_at_prices, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


def rows(answer) -> list[str]:
    """The names in the list, in order."""
    return re.findall(r'class="name" href="/queue/\d+/[^>]*>([^<]+)<', answer.content.decode())


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


def test_an_empty_queue_says_what_comes_next(client):
    answer = client.get("/queue/")
    assert answer.status_code == 200
    assert "Everything is reviewed. The next lead comes by itself" in words(answer)


def test_the_head_says_how_things_stand_with_links_to_the_rows(client, salesperson, tuesday):
    tuesday.move_to(TUESDAY + 4 * HOUR)
    ask("late", at=TUESDAY - HOUR)
    ask("soon", at=TUESDAY + 30 * MINUTE)
    ask("plenty", at=TUESDAY + 4 * HOUR)
    page = client.get("/queue/")
    assert "3 to review, 1 late, 1 due within the hour. Sales can take 8 more today." in words(page)
    assert rows(page) == ["Late Novak", "Soon Novak", "Plenty Novak"]
    assert rows(client.get("/queue/?due=late")) == ["Late Novak"]
    assert rows(client.get("/queue/?due=hour")) == ["Soon Novak"]
    assert rows(client.get("/queue/?order=-due")) == ["Plenty Novak", "Soon Novak", "Late Novak"]


def test_a_full_sales_is_said_and_waiting_leads_have_a_tab(client, marketer, salesperson):
    User.objects.update(capacity=1)
    offer(ask("taken", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    flows.approve(actor=marketer, handoff_id=ask("waits", at=TUESDAY).pk, at=TUESDAY)
    page = client.get("/queue/")
    assert "Nothing to review. Sales is full: what is approved waits for capacity." in words(page)
    page = client.get("/queue/?tab=waiting")
    assert rows(page) == ["Waits Novak"]
    assert "Everybody on duty is full." in words(page)


def test_a_row_says_what_made_it_cross_and_where_it_came_from(client):
    handoff = ask("eva", at=TUESDAY - HOUR)
    look_at_prices(handoff.contact, times=5, at=TUESDAY - 30 * MINUTE)
    page = words(client.get("/queue/"))
    assert "Demo request, /pricing × 5" in page
    assert "form /demo" in page


def test_a_lead_that_sales_rejected_comes_with_the_answer(client, marketer, salesperson):
    handoff = offer(ask("eva", at=TUESDAY - 2 * HOUR), by=marketer, to=salesperson, at=TUESDAY - HOUR)
    flows.reject(
        actor=salesperson, handoff_id=handoff.pk, reason="too_early", comment="Next year.", rating=2, at=TUESDAY
    )
    ask("other", at=TUESDAY)
    page = client.get("/queue/?tab=rejected")
    assert rows(page) == ["Eva Novak"]
    assert "Rejected by Sam Seller: Too early. “Next year.” Rated 2 of 5." in words(page)
    assert "Rejected: Too early" in words(client.get("/queue/"))


def test_filters_narrow_the_list_and_nonsense_is_left_out(client):
    handoff = ask("eva", at=TUESDAY)
    handoff.contact.country = "FI"
    handoff.contact.save()
    ask("pia", at=TUESDAY)
    assert rows(client.get("/queue/?country=fi")) == ["Eva Novak"]
    assert "Nothing here fits the filter." in words(client.get("/queue/?hot=1"))
    assert "Nothing here fits the filter." in words(client.get("/queue/?source=referral"))
    assert len(rows(client.get("/queue/?tab=nonsense&due=x&order=;&page=zz&focus=zz"))) == 2


def test_the_panel_names_who_would_get_it_and_why(client, salesperson):
    handoff = ask("eva", at=TUESDAY - HOUR, message="Lorries wait 40 minutes")
    for headers in ({}, HTMX):
        answer = client.get(f"/queue/{handoff.pk}/", **headers)
        page = words(answer)
        assert answer.status_code == 200
        assert "Approve, offer to Sam Seller" in page
        assert "Next in the rotation; 0 of 8 open." in page
        assert "3 h left" in page
        assert "“Lorries wait 40 minutes” form /demo" in page
        assert "Asks for a demo" in page and "Why this score" in page
    assert b"<html" not in client.get(f"/queue/{handoff.pk}/", **HTMX).content


def test_the_row_asked_for_has_the_panel_else_the_first(client):
    first, second = ask("first", at=TUESDAY - HOUR), ask("second", at=TUESDAY)
    assert f'data-row="{first.pk}" data-current' in client.get("/queue/").content.decode()
    assert f'data-row="{second.pk}" data-current' in client.get(f"/queue/?focus={second.pk}").content.decode()


def test_the_fragment_brings_head_count_and_toasts_along(client):
    ask("eva", at=TUESDAY)
    answer = client.get("/queue/?order=-score", **HTMX)
    page = answer.content.decode()
    assert "<html" not in page
    assert 'id="queue-sentence" hx-swap-oob="true"' in page and 'id="toasts"' in page
    assert answer["HX-Replace-Url"] == "/queue/?order=-score"


def test_news_announce_what_came_and_turn_what_went_into_a_line(client, browsing, manager, salesperson, tuesday):
    gone, stays = ask("gone", at=TUESDAY), ask("stays", at=TUESDAY)
    tuesday.shift(MINUTE)
    ask("new", at=TUESDAY + MINUTE)
    flows.approve(actor=manager, handoff_id=gone.pk, at=TUESDAY + MINUTE)
    since = TUESDAY.isoformat().replace("+", "%2B")
    answer = client.get(f"/queue/news/?since={since}&shown={gone.pk},{stays.pk}", **HTMX)
    page = words(answer)
    assert "1 new" in page
    assert "Maija Manager approved Gone Novak, Firm, today 10:01. It went to Sam Seller." in page
    assert f'id="queue-row-{gone.pk}" hx-swap-oob="true"' in answer.content.decode()
    assert f"shown={stays.pk}" in answer.content.decode()
    quiet = client.get(f"/queue/news/?since={since}&shown={stays.pk},x,&since=zz", **HTMX)
    assert quiet.status_code == 200


def test_the_preview_counts_who_would_get_the_selected(client, salesperson, other_salesperson):
    ids = [ask(name, at=TUESDAY, company=name).pk for name in ("eva", "pia", "ivo")]
    asked = "&".join(f"handoff={one}" for one in ids)
    assert client.get(f"/queue/preview/?{asked}", **HTMX).content.decode() == "Sam 2, Otto 1"
    User.objects.update(is_on_duty=False)
    assert client.get(f"/queue/preview/?{asked}", **HTMX).content.decode() == "waiting for capacity 3"


def test_leads_of_one_company_go_to_one_person(client, salesperson, other_salesperson):
    ids = [ask(name, at=TUESDAY).pk for name in ("eva", "pia")]
    asked = "&".join(f"handoff={one}" for one in ids)
    assert client.get(f"/queue/preview/?{asked}", **HTMX).content.decode() == "Sam 2"


def test_the_room_page_lists_who_can_take_how_many(client, marketer, salesperson, other_salesperson):
    offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    User.objects.filter(pk=other_salesperson.pk).update(is_on_duty=False)
    page = client.get("/queue/room/")
    assert "7 more leads fit." in words(page)
    assert "/handoffs/?assignee=sam.seller%40baton.example&amp;state=open" in page.content.decode()


def test_a_lead_that_is_decided_says_so(client, marketer, salesperson):
    handoff = offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    page = words(client.get(f"/queue/{handoff.pk}/"))
    assert "Offered, Sam Seller. There is nothing left to review." in page
    assert "Approve" not in page


PAGES = ("/queue/", "/queue/news/", "/queue/preview/", "/queue/room/")


def test_marketers_managers_and_administrators_read_it(browsing, marketer, manager, administrator):
    handoff = ask("eva", at=TUESDAY)
    for user in (marketer, manager, administrator):
        for path in (*PAGES, f"/queue/{handoff.pk}/"):
            assert browsing(user).get(path).status_code == 200, (user, path)
    assert "Approve" not in words(browsing(administrator).get("/queue/"))
    assert "Return…" not in words(browsing(manager).get("/queue/"))


def test_salespeople_do_not(browsing, salesperson):
    handoff = ask("eva", at=TUESDAY)
    for path in (*PAGES, f"/queue/{handoff.pk}/"):
        for headers in ({}, HTMX):
            assert browsing(salesperson).get(path, **headers).status_code == 403


def test_what_is_not_there_is_not_found_and_pages_are_only_read(client):
    assert client.get("/queue/4711/").status_code == 404
    assert client.get("/queue/4711/", **HTMX).status_code == 404
    assert [client.post(path).status_code for path in PAGES] == [405] * len(PAGES)


def test_the_number_of_queries_does_not_grow_with_the_rows(client, marketer, salesperson):
    def count(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(path).status_code == 200
        return len(queries)

    def add(name: str) -> None:
        handoff = ask(name, at=TUESDAY - HOUR, company=name)
        look_at_prices(handoff.contact, times=3, at=TUESDAY - HOUR)
        offer(handoff, by=marketer, to=salesperson, at=TUESDAY - 30 * MINUTE)
        flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY)

    add("eva")
    few = count("/queue/"), count("/contacts/"), count("/queue/?tab=rejected")
    for number in range(6):
        add(f"more{number}")
    assert Handoff.objects.filter(state="in_review").count() == 7
    assert (count("/queue/"), count("/contacts/"), count("/queue/?tab=rejected")) == few


def test_two_hundred_rows_cost_no_more_queries_than_ten(client, salesperson):
    def fill(first, last):
        given = [
            flows.ActivityIn(
                type="demo_request",
                occurred_at=TUESDAY,
                external_id=f"many-{number}",
                contact=flows.ContactIn(email=f"many{number}@firm{number}.example", company=f"Firm {number}"),
            )
            for number in range(first, last)
        ]
        flows.record_activities(activities=given, by=None, actor=None, at=TUESDAY)

    def queries():
        with CaptureQueriesContext(connection) as asked:
            page = client.get("/queue/")
        return len(asked), len(rows(page))

    fill(0, 10)
    client.get("/queue/")
    few, shown = queries()
    fill(10, 200)
    many, shown_of_many = queries()
    assert (shown, shown_of_many) == (10, 50)
    assert many <= few
    assert "200 to review" in words(client.get("/queue/"))
