"""The board in a real browser: a card moves by keys, by the mouse and without scripts, and is won or lost."""

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from leads.models import Opportunity
from tests.browser.test_main_jobs import becomes
from tests.pages.sales_work import bring_to

pytestmark = [pytest.mark.django_db(transaction=True)]
BOARD = "/opportunities/board/"


@pytest.fixture
def deals(marketer, salesperson):
    """Open offers to Ana, Bo and Cy, all still to be sent, the oldest first."""
    now = timezone.now()
    found = {}
    for n, name in enumerate(("ana", "bo", "cy")):
        lead = bring_to(
            "called", marketer=marketer, seller=salesperson, at=now - dt.timedelta(minutes=30 - n), name=name
        )
        found[name] = flows.open_opportunity(
            actor=salesperson,
            handoff_id=lead.pk,
            name=f"Docks of {name.title()}",
            amount=9800,
            currency="EUR",
            at=now - dt.timedelta(minutes=20 - n),
        )
    return found


def step_becomes(deal, step):
    becomes(lambda: Opportunity.objects.get(pk=deal.pk).step, step)


def state_becomes(deal, state):
    becomes(lambda: Opportunity.objects.get(pk=deal.pk).state, state)


def column(page, step):
    return page.locator(f".board-column[data-step={step}]")


def card(page, name):
    return page.locator(".board-card", has_text=name)


def test_a_card_is_moved_by_keys_and_the_focus_goes_with_it(deals, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(BOARD)
    card(page, "Ana Novak").focus()
    page.keyboard.press("j")
    expect(page.locator("[data-row]:focus")).to_contain_text("Bo Novak")
    page.keyboard.press("l")
    expect(column(page, "sent")).to_contain_text("Bo Novak")
    expect(page.locator("[data-row]:focus")).to_contain_text("Bo Novak")
    expect(page.get_by_role("status").filter(has_text="Bo Novak: Offer sent.")).to_be_visible()
    step_becomes(deals["bo"], "sent")
    page.keyboard.press("l")
    step_becomes(deals["bo"], "negotiating")
    expect(column(page, "negotiating").locator("[data-row]:focus")).to_contain_text("Bo Novak")
    page.keyboard.press("l")  # There is no further step: nothing happens, to no other card either.
    page.keyboard.press("h")
    expect(column(page, "sent").locator("[data-row]:focus")).to_contain_text("Bo Novak")
    step_becomes(deals["bo"], "sent")
    assert page.locator("[data-row][data-current]").count() == 1
    assert {Opportunity.objects.get(pk=deals[name].pk).step for name in ("ana", "cy")} == {"to_offer"}
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("Taken back: Bo Novak is as before.")
    step_becomes(deals["bo"], "negotiating")


def test_the_button_of_a_card_keeps_the_focus_within_the_card(deals, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(BOARD)
    card(page, "Cy Novak").get_by_role("button", name="Offer sent").press("Enter")
    expect(column(page, "sent")).to_contain_text("Cy Novak")
    expect(card(page, "Cy Novak").locator(":focus")).to_have_count(1)


def test_a_card_is_dragged_to_another_column(deals, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(BOARD)
    card(page, "Ana Novak").drag_to(column(page, "negotiating"))
    expect(column(page, "negotiating")).to_contain_text("Ana Novak")
    expect(page.locator("#toasts")).to_contain_text("Ana Novak: Negotiating.")
    expect(page.locator("[data-row]:focus")).to_contain_text("Ana Novak")
    step_becomes(deals["ana"], "negotiating")
    card(page, "Cy Novak").drag_to(column(page, "to_offer"))  # Where it is already.
    expect(page.locator(".is-target, .is-dragged")).to_have_count(0)
    assert Opportunity.objects.get(pk=deals["cy"].pk).step == "to_offer"


def test_one_is_won_by_a_key_and_one_is_dragged_to_lost_each_with_a_reason(deals, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(BOARD)
    card(page, "Ana Novak").focus()
    page.keyboard.press("w")
    page.wait_for_url("**/contacts/*/#win_form_reason")
    won = page.locator("details", has=page.locator("#win_form_reason"))
    won.locator("[name=reason]").first.check(force=True)
    won.get_by_role("button", name="Won, 9,800").click()
    expect(page.locator("#toasts")).to_contain_text("Won Docks of Ana")
    state_becomes(deals["ana"], "won")

    page.goto(BOARD)
    expect(card(page, "Ana Novak")).to_have_count(0)
    card(page, "Bo Novak").drag_to(page.locator(".board-end[data-step=lost]"))
    page.wait_for_url("**/contacts/*/#lose_form_reason")
    lost = page.locator("details", has=page.locator("#lose_form_reason"))
    lost.locator("#lose_form_reason [name=reason]").first.check(force=True)
    lost.get_by_role("button", name="Lost", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Lost Docks of Bo")
    state_becomes(deals["bo"], "lost")
    assert Opportunity.objects.get(pk=deals["bo"].pk).reason is not None


def test_without_scripts_each_card_has_its_buttons_and_comes_back_to_the_board(deals, salesperson, new_page):
    page = new_page(salesperson, java_script_enabled=False)
    page.goto(BOARD)
    card(page, "Ana Novak").get_by_role("button", name="Offer sent").click()
    expect(column(page, "sent")).to_contain_text("Ana Novak")
    expect(page.locator("#toasts")).to_contain_text("Ana Novak: Offer sent.")
    card(page, "Ana Novak").get_by_role("link", name="Won").click()
    won = page.locator("details", has=page.locator("#win_form_reason"))
    won.locator("#win_form_reason label").first.click()
    won.get_by_role("button", name="Won, 9,800").click()
    state_becomes(deals["ana"], "won")


def test_who_only_looks_on_has_no_buttons_and_drags_nothing(deals, marketer, new_page):
    page = new_page(marketer)
    page.goto(BOARD)
    expect(card(page, "Ana Novak")).to_be_visible()
    expect(page.locator(".board-card button, .board-card [data-to], .board-card[draggable]")).to_have_count(0)
