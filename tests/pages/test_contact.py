"""The contact page: what is known, why the points, and to each only what they may do."""

import re

import pytest

from crm import flows
from leads.models import Contact
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, bring_to, look_at_prices
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def offered(marketer, salesperson):
    return bring_to(
        "offered", marketer=marketer, seller=salesperson, at=TUESDAY, message="Lorries wait", company="Harbor Oy"
    )


@pytest.fixture
def seen(browsing):
    def get(user, contact_id: int, query: str = "", **headers: str) -> str:
        answer = browsing(user).get(f"/contacts/{contact_id}/{query}", **headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def test_the_assignee_sees_the_sentence_the_clock_and_both_answers(seen, offered, salesperson, manager):
    page = seen(salesperson, offered.contact_id)
    text = words(page)
    assert "You asked us for a demo today and wrote: ‘Lorries wait’." in text
    assert "4 h left" in text and "At 14:00 Maija Manager is told." in text
    assert "Becomes an SQL, yours. First contact due tomorrow 10:00." in text
    assert f"/handoffs/{offered.pk}/accept/" in page and f"/handoffs/{offered.pk}/reject/" in page
    assert 'class="action-bar"' in page


def test_each_reason_tells_how_often_it_was_given_this_quarter(seen, offered, salesperson, marketer):
    for name in ("one", "two"):
        said_no = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name=name)
        flows.reject(actor=salesperson, handoff_id=said_no.pk, reason="too_early", at=TUESDAY)
    assert re.search(r"Too early [^0-9]*2 ", words(seen(salesperson, offered.contact_id)))


def test_others_see_how_things_stand_and_no_answer(seen, offered, marketer, manager):
    for user in (marketer, manager):
        page = seen(user, offered.contact_id)
        assert "/accept/" not in page and "/reject/" not in page
        assert "It is offered to Sam Seller; nobody has answered yet." in words(page)


def test_only_managers_give_leads_to_somebody_else(seen, offered, salesperson, marketer, manager):
    address = f"/handoffs/{offered.pk}/reassign/"
    assert address in seen(manager, offered.contact_id)
    assert address not in seen(marketer, offered.contact_id)
    assert address not in seen(salesperson, offered.contact_id)


def test_in_review_marketing_finds_its_way_to_the_queue(seen, marketer, salesperson):
    handoff = bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY)
    page = seen(marketer, handoff.contact_id)
    assert f"/queue/{handoff.pk}/" in page
    assert f"/handoffs/{handoff.pk}/approve/" in page and f"/handoffs/{handoff.pk}/return/" in page


def test_the_owner_may_do_everything_that_follows(seen, marketer, salesperson):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    page = seen(salesperson, handoff.contact_id)
    for act in ("opportunity", "recycle"):
        assert f"/handoffs/{handoff.pk}/{act}/" in page
    assert f"/contacts/{handoff.contact_id}/disqualify/" in page
    assert "Reached" in words(page)
    offer = flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Ten docks", amount=9800, at=TUESDAY)
    page = seen(salesperson, handoff.contact_id)
    assert f"/opportunities/{offer.pk}/win/" in page and f"/opportunities/{offer.pk}/lose/" in page
    assert "9,800 €" in words(page)


def test_the_points_are_explained_and_every_rule_opens_its_activities(seen, offered, salesperson):
    look_at_prices(offered.contact, times=7, at=TUESDAY)
    page = seen(salesperson, offered.contact_id)
    assert "Visits the prices × 7" in words(page) and "the rule’s cap of 20 cut 8.0" in words(page)
    assert "Model version 1." in words(page) and "points missing to 60" in words(page)
    behind = seen(salesperson, offered.contact_id, "?rule=Visits%20the%20prices")
    assert words(behind).count("Looked at the prices · +4.0") == 7


def test_the_history_merges_what_they_did_with_what_was_done(seen, offered, salesperson, marketer):
    flows.edit_contact(
        actor=marketer, contact_id=offered.contact_id, values={"phone": "+358 40 2"}, at=TUESDAY + MINUTE
    )
    flows.pause_clocks(
        actor=salesperson, handoff_id=offered.pk, until=TUESDAY + DAY, reason="On a ship", at=TUESDAY + 2 * MINUTE
    )
    text = words(seen(salesperson, offered.contact_id, "?all=1"))
    places = [
        text.index(line)
        for line in (
            "Clocks paused until tomorrow 10:00",
            "Changed phone: +358 40 1 → +358 40 2",
            "Approved, offered to Sam Seller",
            "Asked to be contacted, now MQL",
            "Came in as Subscriber",
        )
    ]
    assert places == sorted(places)
    assert "“Lorries wait”" in text


def test_a_short_history_offers_the_whole(seen, offered, salesperson):
    for hours in range(1, 12):
        look_at_prices(offered.contact, at=TUESDAY - hours * 30 * HOUR)
    short = words(seen(salesperson, offered.contact_id))
    assert "All, with 12 activities" in short
    assert "Everything that happened" in words(seen(salesperson, offered.contact_id, "?all=1"))


def test_what_was_said_before_is_told(seen, offered, salesperson, other_salesperson, marketer):
    flows.reject(
        actor=salesperson, handoff_id=offered.pk, reason="no_budget", comment="Call in May", rating=3, at=TUESDAY
    )
    again = offered.next
    flows.approve(actor=marketer, handoff_id=again.pk, assignee_email=other_salesperson.email, at=TUESDAY + HOUR)
    text = words(seen(other_salesperson, offered.contact_id))
    assert "rejected by Sam Seller: No budget. Not properly qualified “Call in May” Rated 3 of 5." in text


def test_colleagues_are_those_whom_the_reader_may_see(seen, offered, salesperson, marketer):
    bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY, name="boss", company="Harbor Oy")
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="mate", company="Harbor Oy")
    theirs = words(seen(salesperson, offered.contact_id))
    assert "Also at Harbor Oy" in theirs and "Mate Novak" in theirs and "Boss Novak" not in theirs
    assert "Boss Novak" in words(seen(marketer, offered.contact_id))


def test_the_next_of_the_inbox_is_a_key_away(seen, offered, salesperson, marketer):
    other = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="bo")
    page = seen(salesperson, offered.contact_id)
    assert "1 of 2 with a clock" in words(page)
    assert f'href="/contacts/{other.contact_id}/" data-key="j"' in page


def test_a_contact_of_nobody_is_told_in_a_sentence(seen, marketer):
    contact = flows.create_contact(actor=marketer, values={"email": "new@firm.example"}, at=TUESDAY)
    text = words(seen(marketer, contact.pk))
    assert "In stage Lead, not handed over yet." in text
    assert "Nothing is known of what they want yet." in text


def test_the_fragment_is_the_page_without_its_frame(seen, offered, salesperson):
    fragment = seen(salesperson, offered.contact_id, **HTMX)
    assert "<html" not in fragment and 'id="contact-head" hx-swap-oob' in fragment


def test_words_of_contacts_are_never_markup(seen, marketer, salesperson):
    handoff = bring_to(
        "offered", marketer=marketer, seller=salesperson, at=TUESDAY, message="<script>alert(1)</script>"
    )
    assert "<script>alert" not in seen(salesperson, handoff.contact_id, "?all=1")
    assert "<script>alert" not in seen(salesperson, handoff.contact_id)


def test_to_a_stranger_there_is_no_such_contact(browsing, offered, other_salesperson):
    there = browsing(other_salesperson).get(f"/contacts/{offered.contact_id}/")
    nowhere = browsing(other_salesperson).get("/contacts/999999/")
    assert there.status_code == nowhere.status_code == 404
    assert "Novak" not in there.content.decode()


def test_who_had_the_lead_before_learns_who_has_it_now(browsing, offered, salesperson, other_salesperson, manager):
    flows.reassign(actor=manager, handoff_id=offered.pk, assignee_email=other_salesperson.email, at=TUESDAY)
    answer = browsing(salesperson).get(f"/contacts/{offered.contact_id}/")
    assert answer.status_code == 404
    assert "Eva Novak is with Otto Other since today 10:00." in answer.content.decode()


def test_the_page_takes_no_posts(browsing, offered, salesperson):
    assert browsing(salesperson).post(f"/contacts/{offered.contact_id}/").status_code == 405


def test_the_score_says_who_adjusted_it_and_what_is_known_where_fit_looks(browsing, marketer, offered):
    Contact.objects.filter(pk=offered.contact_id).update(country="FI", job_title="Warehouse manager of the north")
    flows.adjust_score(actor=marketer, contact_id=offered.contact_id, points=7, reason="Met at the fair", at=TUESDAY)
    page = browsing(marketer).get(f"/contacts/{offered.contact_id}/").content.decode()
    reasons = re.search(r'<table class="reasons">.*?</table>', page, re.DOTALL)[0]
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reasons))
    assert re.search(r"Country we serve FI .*?5", said)
    assert "Decides on operations Warehouse\u2026 10" in said
    assert re.search(r"Met at the fair now .*? by Mira Marketer", said)


def test_colleagues_tell_with_whom_they_are_and_when_they_did_something(seen, offered, salesperson, marketer):
    for name in ("one", "two", "three", "four", "five", "six"):
        bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name=name, company="Harbor Oy")
    text = words(seen(marketer, offered.contact_id))
    assert "last active today, with Sam Seller SQL," in text
    assert text.count(", with Sam Seller") == 5 and "Everybody there" in text


def test_what_nobody_knows_of_a_contact_is_a_question(seen, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, phone="", company="")
    text = words(seen(salesperson, handoff.contact_id))
    assert "0 of 4 known. Ask for the rest." in text
    assert "Phone Not known Ask: On which number do I reach you directly?" in text
    assert "Company Not known Ask: Whom do you work for?" in text and "E-mail Not known" not in text
