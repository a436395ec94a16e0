"""Finding two contacts that are one person, comparing them and merging them; where the old one's page leads."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import flows
from crm.queries import duplicates
from leads.models import Company, Contact, Handoff, Merge
from tests.pages.sales_work import HTMX, TUESDAY, ask, bring_to, look_at_prices
from tests.pages.test_queue import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

PHONE = "+358 40 123 4567"


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


@pytest.fixture
def lead():
    """Eva Novak of Firm, in review."""
    return ask("eva", at=TUESDAY, phone=PHONE)


def enter(marketer, **values):
    """Another contact, entered by hand."""
    values = {"first_name": "Eva", "last_name": "Novak"} | values
    return flows.create_contact(actor=marketer, values=values, at=TUESDAY)


@pytest.fixture
def other(marketer, lead):
    """The same person, who called under a private address."""
    return enter(marketer, email="eva.novak@gmail.com", phone="040 1234567", city="Turku", job_title="Buyer")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"first_name": "Ewa", "phone": "(040) 123-4567"}, "same phone number"),
        ({"first_name": "EVA", "last_name": "NOVAK", "email": "e@gmail.com"}, "private address"),
        ({"phone": "1", "email": "x@other.example"}, "same name, one without a company"),
        ({"email": "eva@firm-group.example", "last_name": "Nowak", "company": "Firm"}, "same address before the @"),
        ({"email": "e.novak@firm.example", "company": "Firm"}, "same name and company"),
        # Of these there may be many.
        ({"email": "eva@other.example", "company": "Other"}, ""),
        ({"first_name": "Ewa", "phone": "12"}, ""),
    ],
)
def test_possible_duplicates_come_with_plain_reasons(lead, marketer, values, why):
    if "company" in values:
        values = values | {"company": Company.objects.get_or_create(name=values["company"], created_at=TUESDAY)[0]}
        if values["company"].name == "Firm":
            values["company"] = lead.contact.company
    twin = enter(marketer, **values)
    found = duplicates.duplicates_of(marketer, lead.contact)
    assert [one.contact for one in found] == ([twin] if why else [])
    assert not why or why in found[0].why


def test_duplicates_are_looked_for_by_one_query_over_indexes(lead, marketer):
    for number in range(8):
        enter(marketer, phone=PHONE, email=f"e{number}@gmail.com")
    contact = lead.contact
    assert marketer.sees_all_contacts
    with CaptureQueriesContext(connection) as queries:
        found = duplicates.duplicates_of(marketer, contact)
    assert (len(found), len(queries)) == (5, 1)
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {queries.captured_queries[0]['sql']}")
        plan = str(cursor.fetchall())
    assert "phone_t" in plan and "last_na" in plan
    assert "SCAN leads_contact'" not in plan and "Seq Scan on leads_contact" not in plan


def test_a_salesperson_is_shown_only_whom_they_see(lead, other, salesperson, marketer):
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="ada", phone=PHONE)
    contact = Contact.objects.get(email="ada@firm.example")
    assert duplicates.duplicates_of(salesperson, contact) == ()
    assert len(duplicates.duplicates_of(marketer, contact)) == 2


def test_the_contact_page_and_the_queue_point_them_out(client, lead, other):
    contact = lead.contact
    page = client.get(f"/contacts/{contact.pk}/").content.decode()
    assert f'hx-get="/contacts/{contact.pk}/identity/"' in page
    assert f'href="/contacts/{contact.pk}/merge/"' in page
    shown = words(client.get(f"/contacts/{contact.pk}/identity/", **HTMX))
    assert "Perhaps the same person: Eva Novak, eva.novak@gmail.com, same phone number, same name" in shown
    panel = client.get("/queue/?tab=&source=").content.decode()
    assert f"/contacts/{contact.pk}/merge/?with={other.pk}&amp;next=%2Fqueue%2F" in panel


def test_the_comparison_shows_what_differs_and_what_happens(client, lead, other):
    look_at_prices(other, times=3, at=TUESDAY)
    page = words(client.get(f"/contacts/{lead.contact_id}/merge/?with={other.pk}"))
    assert "E-mail eva@firm.example eva.novak@gmail.com" in page
    assert "City – Turku" in page
    assert "3 activities go to Eva Novak." in page
    assert "The handoff that is in review goes on with its clocks." in page
    assert "A merge cannot be undone." in page


def test_a_merge_takes_the_chosen_values_and_leads_back(client, lead, other):
    address = f"/contacts/{lead.contact_id}/merge/"
    sent = {"with": other.pk, "choice-phone": "merged", "next": "/queue/?order=-score"}
    answer = client.post(address, sent)
    assert (answer.status_code, answer["Location"]) == (303, "/queue/?order=-score")
    kept = Contact.objects.get()
    assert (kept.phone, kept.city, kept.email) == ("040 1234567", "Turku", "eva@firm.example")
    assert "Eva Novak is one contact now." in words(client.get("/queue/"))
    shown = words(client.get(f"/contacts/{kept.pk}/identity/"))
    assert "Also known as eva.novak@gmail.com Eva Novak merged by Mira Marketer" in shown


def test_the_old_page_leads_to_the_kept_contact_for_those_who_may_see_it(browsing, client, salesperson, lead, other):
    client.post(f"/contacts/{lead.contact_id}/merge/", {"with": other.pk, "next": "//evil.example/"})
    answer = client.get(f"/contacts/{other.pk}/")
    assert (answer.status_code, answer["Location"]) == (301, f"/contacts/{lead.contact_id}/")
    assert browsing(salesperson).get(f"/contacts/{other.pk}/").status_code == 404
    # A form that still stands on somebody's screen reaches the one contact.
    assert client.post(f"/contacts/{other.pk}/adjust/", {"points": "5", "reason": "Met"}).status_code == 303
    assert lead.contact.adjustments.count() == 1


def test_what_is_not_safe_is_said_and_what_was_chosen_is_kept(client, marketer, lead, other):
    flows.disqualify(actor=marketer, contact_id=other.pk, reason="never_buys", at=TUESDAY)
    address = f"/contacts/{lead.contact_id}/merge/"
    page = client.get(f"{address}?with={other.pk}")
    assert "Eva Novak is disqualified and Eva Novak is MQL." in words(page)
    assert "Merge into" not in words(page)
    answer = client.post(address, {"with": other.pk, "choice-phone": "merged"})
    assert answer.status_code == 409
    assert 'name="choice-phone" value="merged" checked' in answer.content.decode()
    assert Contact.objects.count() == 2


@pytest.mark.parametrize("sent", [{}, {"with": "x"}, {"with": "²"}])
def test_a_merge_with_nobody_asks_whom(client, lead, sent):
    answer = client.post(f"/contacts/{lead.contact_id}/merge/", sent)
    assert answer.status_code == 422
    assert "choose the other one" in words(answer)


def test_a_bad_choice_and_the_same_contact_change_nothing(client, lead, other):
    address = f"/contacts/{lead.contact_id}/merge/"
    assert client.post(address, {"with": other.pk, "choice-city": "mine"}).status_code == 422
    assert client.post(address, {"with": lead.contact_id}).status_code == 422
    assert not Merge.objects.exists()


def test_anybody_else_is_found_by_name(client, lead, marketer):
    twin = enter(marketer, first_name="Evelina", last_name="Nowak", email="n@mail.example")
    page = client.get(f"/contacts/{lead.contact_id}/merge/?q=nowak")
    assert f'href="?with={twin.pk}"' in page.content.decode()
    assert "Nobody fits" in words(client.get(f"/contacts/{lead.contact_id}/merge/?q=zzz"))


def test_who_may_not_merge_is_told_and_who_may_not_see_is_not(
    browsing, marketer, salesperson, other_salesperson, lead, other
):
    flows.approve(actor=marketer, handoff_id=lead.pk, assignee_email=salesperson.email, at=TUESDAY)
    address = f"/contacts/{lead.contact_id}/merge/"
    assert browsing(salesperson).get(address).status_code == 403
    assert browsing(other_salesperson).get(address).status_code == 404
    flows.accept(actor=salesperson, handoff_id=lead.pk, at=TUESDAY)
    assert browsing(salesperson).get(address).status_code == 200
    assert browsing(salesperson).post(address, {"with": other.pk}).status_code == 404
    assert browsing(other_salesperson).get(f"/contacts/{lead.contact_id}/identity/").status_code == 404
    assert browsing(marketer).delete(address).status_code == 405
    assert browsing(marketer).post(f"/contacts/{lead.contact_id}/identity/").status_code == 405
    assert Handoff.objects.count() == 1


def test_the_comparison_takes_a_constant_number_of_queries(client, lead, other):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/contacts/{lead.contact_id}/merge/?with={other.pk}").status_code == 200
        return len(queries)

    few = count()
    look_at_prices(other, times=30, at=TUESDAY)
    assert count() == few <= 20
