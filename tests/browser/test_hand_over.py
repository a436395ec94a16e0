"""A leaver's hand-over in a real browser: an administrator decides who gets what, and it is all done in one step."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from crm.models import Departure, Notice, User
from leads.models import Handoff
from sla.models import Calendar, Policy
from tests.pages.sales_work import bring_to

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def held(marketer, salesperson):
    """Two leads to be answered and one in work, of one salesperson's."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    now = timezone.now()
    return [
        bring_to(state, marketer=marketer, seller=salesperson, at=now, name=name, company=f"{name.title()} Oy")
        for name, state in (("one", "offered"), ("two", "offered"), ("tea", "called"))
    ]


def test_a_leavers_hand_over(held, administrator, salesperson, other_salesperson, new_page):
    third = User.objects.create_user("tea@baton.example", name="Tea Third", roles=("salesperson",))
    page = new_page(administrator)
    page.goto(f"/settings/people/{salesperson.pk}/")
    page.get_by_label("Active", exact=True).uncheck()
    page.get_by_role("button", name="Save Sam Seller").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Hand over from Sam Seller")

    shares = page.locator("#shares")
    page.get_by_label("Who gets these: Leads to be answered").select_option(third.email)
    expect(shares).to_contain_text("Tea Third")
    expect(shares.locator("tr", has_text="Tea Third").locator("td").nth(1)).to_have_text(re.compile("[23]"))
    page.locator("details", has_text="Two Novak").locator("summary").click()
    page.get_by_label("Who gets Two Novak").select_option(other_salesperson.email)
    page.get_by_label("Who gets these: Leads in work").select_option(other_salesperson.email)
    expect(shares.locator("tr", has_text="Otto Other").locator("td").nth(1)).to_have_text("2")
    expect(shares.locator("tr", has_text="Tea Third").locator("td").nth(1)).to_have_text("1")
    assert not Departure.objects.exists()

    page.get_by_role("button", name="Hand over, deactivate Sam Seller").click()
    expect(page.locator(".toast")).to_contain_text("Sam Seller is not active any more. Handed over: 3, to 2 people.")
    assert {one.assignee for one in Handoff.objects.filter(pk__in=[held[1].pk, held[2].pk])} == {other_salesperson}
    assert Handoff.objects.get(pk=held[0].pk).assignee == third
    assert held[2].contact.activities.get(type="call").actor == salesperson
    assert Notice.objects.filter(kind="handed_over").count() == 2

    # The new holder works on, and finds what was said before.
    theirs = new_page(other_salesperson)
    theirs.goto(f"/contacts/{held[2].contact_id}/")
    expect(theirs.locator("main")).to_contain_text("Sam Seller")
    flows.accept(actor=other_salesperson, handoff_id=held[1].pk, at=timezone.now())


def test_without_javascript_it_is_the_same_form(held, administrator, salesperson, other_salesperson, new_page):
    page = new_page(administrator, java_script_enabled=False)
    page.goto(f"/people/{salesperson.pk}/hand-over/?why=leave")
    page.get_by_label("Who gets these: Leads in work").select_option(other_salesperson.email)
    page.get_by_role("button", name="Show who gets how many").click()
    expect(page.locator("#shares")).to_contain_text("Otto Other")
    page.get_by_role("button", name="Hand over, deactivate Sam Seller").click()
    expect(page).to_have_url(re.compile("/settings/people/$"))
    assert not User.objects.get(pk=salesperson.pk).is_active
