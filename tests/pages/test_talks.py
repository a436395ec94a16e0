"""The board of opportunities, the right person, and how satisfied customers are, as pages."""

import datetime as dt
from decimal import Decimal

import pytest
from django.urls import reverse

from crm import flows
from leads.models import Contact, Opportunity, Referral
from tests.pages.sales_work import HOUR, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def accepted(marketer, salesperson):
    return bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="cy")


@pytest.fixture
def offer(accepted, salesperson):
    return flows.open_opportunity(
        actor=salesperson, handoff_id=accepted.pk, name="Docks", amount=Decimal(1500), currency="PLN", at=TUESDAY
    )


@pytest.fixture
def won(offer, salesperson):
    return flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="price", at=TUESDAY)


def step_of(offer):
    return Opportunity.objects.get(pk=offer.pk).step


def test_the_board_has_a_column_a_step_and_adds_no_currencies(browsing, manager, marketer, salesperson, offer, tuesday):
    other = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="di")
    flows.open_opportunity(
        actor=salesperson, handoff_id=other.pk, name="Gates", amount=Decimal(20), currency="EUR", at=TUESDAY
    )
    page = browsing(manager).get(reverse("opportunity_board"))
    board = page.context["board"]
    assert [(column.step, column.count) for column in board.columns] == [
        ("to_offer", 2),
        ("sent", 0),
        ("negotiating", 0),
    ]
    assert [worth.replace("\u00a0", " ") for worth in board.columns[0].worth] == ["1,500 zł", "20 €"]
    listed = browsing(manager).get(board.columns[0].href)
    assert len(listed.context["page"].object_list) == board.columns[0].count


def test_a_card_moves_by_its_button_with_and_without_javascript_and_back(browsing, salesperson, offer, tuesday):
    client, address = browsing(salesperson), reverse("opportunity_move", args=[offer.pk])
    answer = client.post(address, {"step": "sent", "next": reverse("opportunity_board")})
    assert (answer.status_code, answer["Location"]) == (303, reverse("opportunity_board"))
    assert step_of(offer) == "sent" and Opportunity.objects.get().sent_date == TUESDAY.date()
    answer = client.post(address, {"step": "negotiating"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and b'id="board"' in answer.content
    client.post(reverse("opportunity_undo", args=[offer.pk]))
    assert step_of(offer) == "sent"


def test_a_step_that_is_none_and_a_closed_offer_are_refused_on_the_board(browsing, salesperson, offer, tuesday):
    client, address = browsing(salesperson), reverse("opportunity_move", args=[offer.pk])
    assert client.post(address, {"step": "nowhere"}).status_code == 422
    flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="price", at=TUESDAY)
    refused = client.post(address, {"step": "sent"})
    assert refused.status_code == 409 and b"This opportunity is won" in refused.content


ADDRESSES = ("opportunity_move", "opportunity_change", "opportunity_satisfaction", "opportunity_case_study")


@pytest.mark.parametrize("name", ADDRESSES)
def test_who_may_not(browsing, other_salesperson, marketer, salesperson, offer, name):
    address = reverse(name, args=[offer.pk])
    assert browsing(other_salesperson).post(address).status_code == 404
    assert browsing(marketer).post(address).status_code == 403
    assert browsing(salesperson).get(address).status_code == 405


def test_the_offer_is_changed_where_it_is_shown(browsing, salesperson, offer):
    client, address = browsing(salesperson), reverse("opportunity_change", args=[offer.pk])
    values = {"name": "Docks", "amount": "1750", "currency": "CHF"}
    assert client.post(address, values).status_code == 303
    offer.refresh_from_db()
    assert (offer.amount, offer.currency) == (Decimal(1750), "CHF")
    refused = client.post(address, values | {"currency": "XXX", "name": "Kept"})
    assert refused.status_code == 422 and b'value="Kept"' in refused.content


def test_a_satisfied_customer_is_suggested_to_marketing_and_found_in_the_list(
    browsing, salesperson, marketer, won, tuesday
):
    client, contact = browsing(salesperson), won.contact_id
    assert client.post(reverse("opportunity_case_study", args=[won.pk])).status_code == 409
    address = reverse("opportunity_satisfaction", args=[won.pk])
    assert client.post(address, {"rating": "6"}).status_code == 422
    assert client.post(address, {"rating": "5", "comment": "On time"}).status_code == 303
    assert b"Tell marketing" in client.get(reverse("contact", args=[contact])).content
    assert client.post(reverse("opportunity_case_study", args=[won.pk])).status_code == 303
    notice = marketer.notices.get(kind="case_study")
    assert notice.contact_id == contact
    found = browsing(marketer).get("/contacts/?case_study=true")
    assert str(won.contact).encode() in found.content
    assert str(won.contact).encode() not in browsing(marketer).get("/contacts/?case_study=false").content
    tuesday.shift(5 * MINUTE)
    client.post(reverse("opportunity_undo", args=[won.pk]))
    assert Opportunity.objects.get().case_study_at is None and not marketer.notices.filter(kind="case_study").exists()


def test_the_right_person_is_found_from_the_card_and_the_old_history_stands_on_the_new_one(
    browsing, salesperson, accepted
):
    client = browsing(salesperson)
    assert b"Somebody else decides" in client.get(reverse("contact", args=[accepted.contact_id])).content
    address = reverse("handoff_redirect", args=[accepted.pk])
    values = {"reason": "wrong_person", "last_name": "Boss", "comment": "Ask the owner"}
    answer = client.post(address, values)
    boss = Contact.objects.get(last_name="Boss")
    assert (answer.status_code, answer["Location"]) == (303, reverse("contact", args=[boss.pk]))
    page = client.get(answer["Location"]).content.decode()
    assert f"Found through {accepted.contact}" in page and "Ask the owner" in page
    old = client.get(reverse("contact", args=[accepted.contact_id])).content.decode()
    assert "Pointed to Boss" in old
    client.post(reverse("handoff_undo", args=[accepted.pk]))
    assert not Referral.objects.exists()


def test_the_right_person_needs_a_reason_and_a_name_and_what_was_typed_stays(
    browsing, salesperson, other_salesperson, marketer, accepted
):
    address = reverse("handoff_redirect", args=[accepted.pk])
    refused = browsing(salesperson).post(address, {"job_title": "Owner", "reason": ""})
    assert refused.status_code == 422 and b'value="Owner"' in refused.content
    assert browsing(salesperson).post(address, {"reason": "wrong_person"}).status_code == 422
    assert browsing(salesperson).get(address).status_code == 405
    assert browsing(other_salesperson).post(address).status_code == 404
    assert browsing(marketer).post(address).status_code == 403


def test_what_was_found_out_is_taken_back_from_the_page(browsing, salesperson, other_salesperson, accepted):
    client = browsing(salesperson)
    client.post(reverse("contact_qualify", args=[accepted.contact_id]), {"budget": "confirmed"})
    address = reverse("contact_undo", args=[accepted.contact_id])
    assert browsing(other_salesperson).post(address).status_code == 404
    assert client.get(address).status_code == 405
    client.post(address)
    assert not accepted.contact.qualifications.exists()
