"""The daily work of sales and marketing with scripts switched off: every button is a form, every act a page."""

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from crm import flows
from leads.models import Contact, Handoff, Opportunity
from sla.models import Calendar, Policy
from tests.browser.test_main_jobs import becomes, is_contacted, state_becomes
from tests.pages.sales_work import bring_to

pytestmark = [pytest.mark.django_db(transaction=True)]
MONTH = dt.timedelta(days=30)


@pytest.fixture(autouse=True)
def always_open():
    """So that what a page says of a clock does not depend on the hour at which the test runs."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))


@pytest.fixture
def open_page(new_page):
    """`open_page(user, address)` is a page of the site without scripts."""

    def open_(user, address: str) -> Page:
        page = new_page(user, may_refuse=True, java_script_enabled=False)
        page.goto(address)
        return page

    return open_


@pytest.fixture
def lead(marketer, salesperson):
    """`lead(state, name)` brings a lead so far: in_review, offered, accepted, called."""

    def bring(state: str, name: str = "ana") -> Handoff:
        ago = timezone.now() - dt.timedelta(minutes=9)
        return bring_to(state, marketer=marketer, seller=salesperson, at=ago, name=name)

    return bring


@pytest.fixture
def deal(lead, salesperson):
    """An open opportunity of `salesperson`."""
    handoff = lead("called")
    return flows.open_opportunity(
        actor=salesperson, handoff_id=handoff.pk, name="Pilot", amount=9800, currency="EUR", at=timezone.now()
    )


def deal_becomes(deal: Opportunity, state: str) -> Opportunity:
    becomes(lambda: Opportunity.objects.get(pk=deal.pk).state, state)
    return Opportunity.objects.select_related("reason", "contact").get(pk=deal.pk)


def unfold(page: Page, words: str):
    """Open an act that is folded away and return it."""
    fold = page.locator("details.fold", has=page.get_by_text(words, exact=True))
    fold.locator("summary").click()
    return fold


# Sales ----------------------------------------------------------------------------------------------------------------


def test_from_the_offer_to_the_deal(lead, salesperson, open_page):
    handoff = lead("offered")
    page = open_page(salesperson, f"/contacts/{handoff.contact_id}/")
    page.locator("#answer").get_by_role("button", name="Accept").click()
    state_becomes(handoff, "accepted")
    page.locator("#log").get_by_text("Reached", exact=True).click()
    page.locator("#log").get_by_placeholder("What was said", exact=False).fill("Wants a price for eight docks.")
    without = page.locator("#log")
    without.get_by_text("No next step", exact=True).click()
    without.get_by_label("Why there is no next step").fill("We send the offer now")
    without.get_by_role("button", name="Save without").click()
    becomes(lambda: is_contacted(handoff), True)

    offer = unfold(page, "Open an opportunity…")
    offer.get_by_label("What is offered").fill("Pilot, 8 docks")
    offer.get_by_label("Amount").fill("9800")
    offer.get_by_role("button", name="Open the opportunity").click()
    becomes(Opportunity.objects.count, 1)

    won = unfold(page, "Won…")
    won.get_by_text("Price", exact=False).first.click()
    won.get_by_role("button", name="Won, 9,800", exact=False).click()
    deal = deal_becomes(Opportunity.objects.get(), "won")
    assert (deal.contact.stage, deal.amount) == ("customer", 9800)
    expect(page.locator("#toasts")).to_contain_text("Won Pilot, 8 docks, 9,800")


def test_a_deal_is_lost_and_worked_on(deal, salesperson, open_page):
    page = open_page(salesperson, f"/contacts/{deal.contact_id}/")
    lost = unfold(page, "Lost…")
    lost.locator("#lose_form_reason label").first.click()
    lost.get_by_role("button", name="Lost").click()
    assert deal_becomes(deal, "lost").contact.stage == "sql"


def test_a_deal_is_lost_and_the_contact_recycled(deal, salesperson, open_page):
    page = open_page(salesperson, f"/contacts/{deal.contact_id}/")
    lost = unfold(page, "Lost…")
    lost.locator("#lose_form_reason label").first.click()
    lost.get_by_role("radio", name="Give", exact=False).check()
    lost.locator("#lose_form_comment").fill("No budget before spring.")
    lost.get_by_role("button", name="Lost").click()
    # It asks for what this choice needs, and keeps what was typed.
    expect(page.locator("#offer .errors")).to_contain_text("Choose a reason.")
    expect(page.locator("#lose_form_comment")).to_have_value("No budget before spring.")
    page.locator("#lose_form_recycle_reason label").first.click()
    page.locator("#lose_form_resurface_at").fill((timezone.localdate() + MONTH).isoformat())
    page.locator("#offer").get_by_role("button", name="Lost").click()
    assert deal_becomes(deal, "lost").contact.stage == "lead"
    assert Handoff.objects.get().state == "recycled"


def test_a_deal_is_lost_and_the_contact_disqualified(deal, salesperson, open_page):
    page = open_page(salesperson, f"/contacts/{deal.contact_id}/")
    lost = unfold(page, "Lost…")
    lost.locator("#lose_form_reason label").first.click()
    lost.get_by_role("radio", name="Disqualify", exact=False).check()
    lost.locator("#lose_form_disqualify_reason label").first.click()
    lost.get_by_role("button", name="Lost").click()
    assert deal_becomes(deal, "lost").contact.is_disqualified
    assert Handoff.objects.get().state == "closed"


def test_a_lead_is_rejected_with_a_reason_and_taken_back(lead, salesperson, open_page):
    handoff = lead("offered")
    page = open_page(salesperson, f"/contacts/{handoff.contact_id}/")
    page.locator("#answer").get_by_text("Too early").click()
    page.locator("#answer").get_by_text("2", exact=True).click()
    page.locator("#answer textarea").fill("Wants to talk in spring.")
    page.locator("#answer .button", has_text="Reject").click()
    state_becomes(handoff, "rejected")
    said = Handoff.objects.select_related("reason").get(pk=handoff.pk)
    assert (said.reason.code, said.rating, said.comment) == ("too_early", 2, "Wants to talk in spring.")
    expect(page.locator("#toasts")).to_contain_text("Rejected Ana Novak: Too early.")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    state_becomes(handoff, "offered")


def test_an_accepted_lead_is_given_back_to_marketing(lead, salesperson, open_page):
    handoff = lead("called")
    page = open_page(salesperson, f"/contacts/{handoff.contact_id}/")
    given = unfold(page, "Give back to marketing…")
    given.locator("#recycle_form_reason label").first.click()
    given.get_by_label("In your words", exact=False).fill("Their year has just been planned.")
    given.get_by_label("Comes back on").fill("2020-01-01")
    given.get_by_role("button", name="Give back until then").click()
    expect(page.locator("#recycle .errors")).to_be_visible()
    expect(page.locator("#recycle textarea")).to_have_value("Their year has just been planned.")
    page.get_by_label("Comes back on").locator("visible=true").fill((timezone.localdate() + MONTH).isoformat())
    page.get_by_role("button", name="Give back until then").click()
    state_becomes(handoff, "recycled")


# Marketing ------------------------------------------------------------------------------------------------------------


def test_several_leads_are_approved_or_returned_at_once(lead, marketer, salesperson, open_page):
    handoffs = [lead("in_review", name) for name in ("ana", "bo", "cy", "di")]
    page = open_page(marketer, "/queue/")

    def choose(*chosen: Handoff) -> None:
        for handoff in chosen:
            page.locator(f"input[name=handoff][value='{handoff.pk}']").check()

    choose(*handoffs[:2])
    page.locator(".selection").get_by_role("button", name="Approve").click()
    for handoff in handoffs[:2]:
        state_becomes(handoff, "offered")

    choose(*handoffs[2:])
    page.locator(".selection summary", has_text="Return").click()
    page.locator("#bulk-comment").fill("They want a brochure.")
    page.locator(".selection").get_by_role("button", name="Return").click()
    expect(page.locator(".errors")).to_be_visible()
    page.locator(".selection summary", has_text="Return").click()
    expect(page.locator("#bulk-comment")).to_have_value("They want a brochure.")
    page.locator(".selection").get_by_text("Not ready yet").click()
    page.locator(".selection").get_by_role("button", name="Return").click()
    for handoff in handoffs[2:]:
        state_becomes(handoff, "returned")


def test_a_lead_is_disqualified_in_the_queue(lead, marketer, open_page):
    handoff = lead("in_review")
    page = open_page(marketer, f"/queue/{handoff.pk}/")
    page.get_by_text("Disqualify", exact=True).click()
    page.locator("#disqualify_form_comment").fill("A student.")
    page.get_by_role("button", name="Disqualify Ana Novak").click()
    expect(page.locator(".errors")).to_be_visible()
    expect(page.locator("#disqualify_form_comment")).to_have_value("A student.")
    page.get_by_text("Will not buy").click()
    page.get_by_role("button", name="Disqualify Ana Novak").click()
    becomes(lambda: Contact.objects.get().is_disqualified, True)
