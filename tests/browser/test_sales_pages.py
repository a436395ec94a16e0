"""What only a browser shows of sales' pages: keys, the place that stays, and acts in place."""

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from leads.models import Handoff
from sla.models import Calendar, Policy
from tests.pages.sales_work import bring_to

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def leads(marketer, salesperson):
    """Three leads offered to `salesperson` a minute apart, on clocks that always run."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    now = timezone.now()
    return [
        bring_to("offered", marketer=marketer, seller=salesperson, at=now - dt.timedelta(minutes=9 - n), name=name)
        for n, name in enumerate(("ana", "bo", "cy"))
    ]


def test_the_row_in_focus_stays_in_focus_when_the_list_refreshes(leads, salesperson, marketer, new_page):
    page = new_page(salesperson)
    page.keyboard.press("j")
    expect(page.locator("[data-row]:focus")).to_contain_text("Bo Novak")
    bring_to("offered", marketer=marketer, seller=salesperson, at=timezone.now(), name="di")
    with page.expect_response(lambda response: response.url.endswith("/inbox/")):
        page.evaluate("htmx.ajax('GET', '/inbox/', {source: '#inbox', target: '#inbox', swap: 'innerHTML'})")
    expect(page.locator("#inbox")).to_contain_text("Di Novak")
    expect(page.locator("[data-row]:focus")).to_contain_text("Bo Novak")
    assert page.locator("[data-row][data-current]").count() == 1
    expect(page.locator("[data-new-rows]")).to_have_text("1 new")


def test_rejecting_by_key_asks_for_a_reason_first(leads, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(f"/contacts/{leads[0].contact_id}/")
    page.keyboard.press("r")
    page.wait_for_function("document.activeElement.name === 'reason'")
    page.keyboard.press("ArrowDown")
    with page.expect_response(lambda response: "/reject/" in response.url):
        page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Rejected Ana Novak: No budget.")
    assert Handoff.objects.get(pk=leads[0].pk).state == "rejected"


def test_an_answer_is_taken_back_by_a_key(leads, salesperson, new_page):
    page = new_page(salesperson)
    page.goto(f"/contacts/{leads[0].contact_id}/")
    page.keyboard.press("a")
    expect(page.locator("#work")).to_contain_text("First contact")
    expect(page.locator("#contact-head")).to_contain_text("SQL")
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("Taken back: Ana Novak is as before.")
    expect(page.locator("#answer")).to_be_visible()
    assert Handoff.objects.get(pk=leads[0].pk).state == "offered"


def test_on_a_phone_the_answer_is_at_hand_and_nothing_is_wider_than_the_screen(leads, salesperson, new_page):
    page = new_page(salesperson, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    for address in ("/inbox/", f"/contacts/{leads[0].contact_id}/", "/handoffs/", "/opportunities/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    page.goto(f"/contacts/{leads[0].contact_id}/")
    with page.expect_response(lambda response: "/accept/" in response.url):
        page.locator(".action-bar").get_by_role("button", name="Accept").tap()
    expect(page.locator(".action-bar").get_by_role("link", name="Call Ana")).to_be_visible()


def test_a_colleague_is_named_by_the_keyboard_alone(leads, salesperson, marketer, manager, new_page):
    page = new_page(salesperson, may_refuse=True)
    page.goto(f"/contacts/{leads[0].contact_id}/")
    field = page.locator("#say_form_text")
    field.focus()
    page.keyboard.type("Thanks @m")
    options = page.locator(".names [role=option]")
    expect(options).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(field).to_have_value("Thanks @Mira Marketer ")
    expect(options).to_have_count(0)
    page.keyboard.type("and @maij")
    expect(options).to_have_count(1)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    page.keyboard.type("a, look")
    page.get_by_role("button", name="Say it").press("Enter")
    said = page.locator("#conversation .timeline li").last
    expect(said).to_contain_text("Thanks @Mira Marketer and @Maija Manager, look")
    expect(said.locator(".at-name")).to_have_count(2)
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.keyboard.type("@Nobody, hello")
    page.get_by_role("button", name="Say it").press("Enter")
    expect(page.locator("#say-error")).to_contain_text("Nobody here is called @Nobody")
    expect(field).to_have_value("@Nobody, hello")
