"""Each role logs in and does its main job in a real browser: with the mouse, by keyboard, and without JavaScript."""

import datetime as dt
import time

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from leads.models import Contact, Handoff
from sla.models import Calendar, Policy, Timer

pytestmark = [pytest.mark.django_db(transaction=True)]
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def always_open():
    """So that what a page says of a clock does not depend on the hour at which the test runs."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))


@pytest.fixture
def leads():
    """Three contacts who asked for a demo: three leads to review, oldest first."""
    now = timezone.now()
    for index, name in enumerate(("Eva Kos", "Piotr Nowak", "Aino Salo")):
        first, last = name.split()
        flows.record_activities(
            activities=[
                flows.ActivityIn(
                    type="demo_request",
                    occurred_at=now - dt.timedelta(minutes=30 - index),
                    external_id=f"demo-{index}",
                    contact=flows.ContactIn(
                        email=f"{first.lower()}@firm{index}.example",
                        fields={"first_name": first, "last_name": last, "phone": f"+35850123000{index}"},
                        company=f"Firm {index}",
                    ),
                    properties={"form": "/demo", "message": "Lorries wait 40 minutes."},
                )
            ],
            by=None,
            actor=None,
            at=now - dt.timedelta(minutes=30 - index),
        )
    return list(Handoff.objects.order_by("id"))


@pytest.fixture
def offered(leads, marketer, salesperson):
    """All three offered to `salesperson`, Eva's a minute before the next, so that it is the first to be answered."""
    for index, handoff in enumerate(leads):
        at = timezone.now() - dt.timedelta(minutes=10 - index)
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=at)
    return leads


def becomes(read, expected):
    """Wait until `read()` is `expected`: the site answers in its own time."""
    deadline = time.monotonic() + 10
    while (found := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == expected


def state_becomes(handoff, state):
    becomes(lambda: Handoff.objects.get(pk=handoff.pk).state, state)


def is_contacted(handoff):
    return Handoff.objects.get(pk=handoff.pk).contacted_at is not None


def test_a_marketer_approves_one_lead_and_returns_another(leads, marketer, salesperson, new_page):
    page = new_page(marketer)
    expect(page.get_by_role("heading", name="Queue", level=1)).to_be_visible()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("Eva Kos")
    expect(panel).to_contain_text("Asks for a demo")
    panel.get_by_role("button", name=f"Approve, offer to {salesperson.name}").click()
    expect(page.locator("#toasts")).to_contain_text("Eva Kos")
    state_becomes(leads[0], "offered")

    page.goto(f"/queue/{leads[1].pk}/")
    page.get_by_text("Return…").first.click()
    page.get_by_text("Not ready yet").first.click()
    page.get_by_role("button", name="Return", exact=False).last.click()
    page.wait_for_load_state("networkidle")
    state_becomes(leads[1], "returned")


def test_a_marketer_approves_several_at_once(leads, marketer, salesperson, new_page):
    page = new_page(marketer)
    for handoff in leads[:2]:
        page.locator(f"input[name=handoff][value='{handoff.pk}']").check(force=True)
    page.get_by_role("button", name="Approve 2").click()
    expect(page.locator("#toasts")).to_contain_text("2")
    for handoff, state in zip(leads, ("offered", "offered", "in_review"), strict=True):
        state_becomes(handoff, state)


def test_a_marketer_clears_the_queue_by_keyboard(leads, marketer, salesperson, new_page):
    page = new_page(marketer)
    for handoff in leads:
        expect(page.locator("#panel h2").first).to_contain_text(handoff.contact.name)
        page.keyboard.press("a")
        state_becomes(handoff, "offered")


def test_a_salesperson_accepts_calls_and_rejects_with_the_mouse(offered, salesperson, new_page):
    page = new_page(salesperson)
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    page.get_by_role("link", name="Read it first").click()
    expect(page.get_by_role("heading", name="Eva Kos")).to_be_visible()
    page.get_by_role("button", name="Accept").first.click()
    expect(page.locator("#answer")).to_have_count(0)
    state_becomes(offered[0], "accepted")

    page.locator("#log").get_by_text("Reached", exact=True).click()
    with page.expect_response(lambda response: "/log/" in response.url) as logged:
        page.locator("#log").get_by_role("button", name="Tomorrow").click()
    logged.value.finished()
    expect(page.locator("#toasts")).not_to_be_empty()
    clocks = Timer.objects.filter(handoff=offered[0]).with_state(now=timezone.now())
    assert {clock.milestone: clock.state_now for clock in clocks} == {
        "review": "met",
        "answer": "met",
        "contact": "met",
    }

    page.goto(f"/contacts/{offered[1].contact_id}/")
    page.get_by_text("Too early").click()
    page.get_by_placeholder("A word", exact=False).fill("Wants to talk in spring.")
    page.locator("input[name=rating][value='2']").check(force=True)
    page.locator("button:not(.unseen):has-text('Reject'):visible").first.click()
    state_becomes(offered[1], "rejected")
    rejected = Handoff.objects.get(pk=offered[1].pk)
    assert (rejected.state, rejected.reason.code, rejected.rating) == ("rejected", "too_early", 2)
    assert rejected.comment == "Wants to talk in spring."


def test_a_salesperson_does_the_same_by_keyboard_alone(offered, salesperson, new_page):
    page = new_page()
    page.goto("/login/")
    page.keyboard.type(salesperson.email)
    page.keyboard.press("Tab")
    page.keyboard.type("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="Eva Kos")).to_be_visible()
    page.keyboard.press("a")
    expect(page.locator("#answer")).to_have_count(0)
    state_becomes(offered[0], "accepted")

    page.keyboard.press("c")
    page.wait_for_function("document.activeElement.name === 'outcome'")
    page.keyboard.press("Space")
    for _step in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Tomorrow":
            break
    with page.expect_response(lambda response: "/log/" in response.url):
        page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    becomes(lambda: is_contacted(offered[0]), True)


def test_a_salesperson_does_the_same_without_javascript(offered, salesperson, new_page):
    page = new_page(salesperson, java_script_enabled=False)
    page.get_by_role("link", name="Read it first").click()
    expect(page.get_by_role("heading", name="Eva Kos")).to_be_visible()
    page.get_by_role("button", name="Accept").first.click()
    state_becomes(offered[0], "accepted")
    page.locator("#log").get_by_text("No answer", exact=True).click()
    page.locator("#log").get_by_role("button", name="Tomorrow").click()
    becomes(lambda: is_contacted(offered[0]), True)

    page.goto(f"/contacts/{offered[1].contact_id}/")
    page.get_by_text("No budget").click()
    page.locator("button:not(.unseen):has-text('Reject'):visible").first.click()
    state_becomes(offered[1], "rejected")


def test_a_salesperson_enters_a_prospect_of_their_own(salesperson, new_page):
    page = new_page(salesperson)
    page.wait_for_load_state("networkidle")
    page.keyboard.press("n")
    page.locator("input[name=name]").fill("Ilmari Leppänen")
    page.locator("input[name=phone]").fill("+358 50 123 4567")
    page.locator("input[name=email]").fill("ilmari@aalto.example")
    page.locator("input[name=company]").fill("Aalto Rakennus")
    page.locator("form:has(input[name=name]) button.button-filled").click()
    becomes(Contact.objects.count, 1)
    contact = Contact.objects.get(email="ilmari@aalto.example")
    assert (contact.stage, contact.owner, contact.source.code) == ("sql", salesperson, "own")


def test_a_manager_sees_what_is_missed_and_opens_it(offered, salesperson, manager, new_page):
    late = Timer.objects.get(handoff=offered[0], milestone="answer")
    then = timezone.now() - DAY
    Timer.objects.filter(pk=late.pk).update(started_at=then, warn_at=then, due_at=then, next_check_at=then)
    flows.sweep_timers(at=timezone.now())
    page = new_page(manager)
    expect(page.get_by_role("heading", name="SLA", level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("Eva Kos")
    page.get_by_role("link", name="Eva Kos").first.click()
    expect(page.get_by_role("heading", name="Eva Kos")).to_be_visible()
    page.goto("/alerts/")
    expect(page.locator("main")).to_contain_text("Eva Kos")


def test_an_administrator_takes_somebody_off_duty(administrator, salesperson, new_page):
    page = new_page(administrator)
    page.goto("/settings/people/")
    page.get_by_role("link", name=salesperson.name).click()
    page.get_by_label("On duty").uncheck()
    page.locator("main form button.button-filled").click()
    becomes(lambda: type(salesperson).objects.get(pk=salesperson.pk).is_on_duty, False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("marketer", "/queue/"),
        ("marketer", "/contacts/"),
        ("marketer", "/imports/"),
        ("marketer", "/scoring/"),
        ("salesperson", "/inbox/"),
        ("salesperson", "/contacts/new/"),
        ("salesperson", "/opportunities/"),
        ("manager", "/sla/"),
        ("manager", "/handoffs/"),
        ("manager", "/alerts/"),
        ("marketer", "/scoring/versions/"),
        ("marketer", "/scoring/suggest/"),
        ("marketer", "/segments/new/"),
        ("salesperson", "/my-settings/"),
    ],
)
def test_nothing_is_wider_than_a_phone(role, address, scheme, request, offered, new_page):
    page = new_page(
        request.getfixturevalue(role), viewport={"width": 390, "height": 844}, color_scheme=scheme, is_mobile=True
    )
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
