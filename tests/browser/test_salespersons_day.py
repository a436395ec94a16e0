"""A salesperson's whole day, from the inbox: the hottest is accepted, called and won; one rejected, one recycled."""

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from leads.models import Contact, Handoff, Task
from sla.models import Calendar, Policy
from tests.browser.test_main_jobs import becomes
from tests.pages.sales_work import bring_to, look_at_prices

pytestmark = [pytest.mark.django_db(transaction=True)]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def leads(marketer, salesperson):
    """Three leads, offered at once; Bo looked at the prices again and again, and is the hottest."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    at = timezone.now() - 5 * MINUTE
    made = {
        name: bring_to("offered", marketer=marketer, seller=salesperson, at=at, name=name)
        for name in ("ana", "bo", "cy")
    }
    look_at_prices(made["bo"].contact, times=6, at=at)
    return made


def row(page, name):
    return page.locator("#inbox [data-row]", has_text=name)


def open_card(page, name):
    row(page, name).get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def fold(page, action):
    """The form that posts to an address ending so, unfolded."""
    form = page.locator(f"form[action$='{action}']").first
    form.evaluate(
        "form => { for (let at = form; (at = at.closest('details')); at = at.parentElement) at.open = true; }"
    )
    return form


def send(page, form, action):
    """Press the form's own button, and wait until the page shows what came of it."""
    with page.expect_response(lambda response: response.url.endswith(action)) as answered:
        form.locator("button.button:not([formaction]):visible").last.click()
    assert answered.value.status == 200
    answered.value.finished()


def test_a_salesperson_works_down_the_inbox(leads, salesperson, new_page):
    page = new_page(salesperson)
    expect(page.locator("#inbox-sentence")).to_contain_text("3 things, in the order in which waiting costs most.")
    first = page.locator("#inbox [data-row]").first
    expect(first).to_contain_text("Bo Novak")

    first.get_by_role("button", name="Accept Bo").click()
    expect(page.locator("#toasts")).to_contain_text("Accepted Bo Novak: an SQL, yours.")
    call = row(page, "Bo Novak")
    call.locator("summary", has_text="Call").first.click()
    call.get_by_role("button", name="Reached").click()
    expect(page.locator("#toasts")).to_contain_text("Call with Bo Novak logged: reached.")
    expect(row(page, "Bo Novak")).to_have_count(0)
    becomes(lambda: Task.objects.open().filter(contact=leads["bo"].contact).count(), 1)

    page.goto(f"/contacts/{leads['bo'].contact_id}/")
    found_out = fold(page, "/qualify/")
    found_out.locator("[name=budget]").select_option("confirmed")
    found_out.locator("[name=need]").select_option("confirmed")
    found_out.locator("[name=need_evidence]").fill("Lorries wait 40 minutes.")
    send(page, found_out, "/qualify/")
    offer = fold(page, "/opportunity/")
    offer.locator("[name=name]").fill("Ten docks")
    offer.locator("[name=amount]").fill("9800")
    send(page, offer, "/opportunity/")
    won = fold(page, "/win/")
    won.locator("[name=reason]").first.check(force=True)
    send(page, won, "/win/")
    becomes(lambda: Contact.objects.get(pk=leads["bo"].contact_id).stage, "customer")

    page.goto("/inbox/")
    open_card(page, "Ana Novak")
    answer = fold(page, "/reject/")
    answer.locator("[name=reason]").first.check(force=True)
    answer.locator("[name=comment]").fill("Wants to talk in spring.")
    send(page, answer, "/reject/")
    becomes(lambda: Handoff.objects.get(pk=leads["ana"].pk).state, "rejected")

    page.goto("/inbox/")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Accepted Cy Novak")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Call with Cy Novak logged: reached.")
    page.goto(f"/contacts/{leads['cy'].contact_id}/")
    back = fold(page, "/recycle/")
    back.locator("[name=reason]").first.check(force=True)
    back.locator("[name=resurface_at]").fill((timezone.localdate() + dt.timedelta(days=9)).isoformat())
    send(page, back, "/recycle/")
    becomes(lambda: Handoff.objects.get(pk=leads["cy"].pk).state, "recycled")

    page.goto("/inbox/")
    expect(page.locator("#inbox")).to_contain_text("Nothing waits for you.")
    expect(page.locator(".sidebar a[href='/inbox/'] .nav-count")).to_have_text("0")
    for said in ("Accepted: Bo Novak", "Won: Bo Novak", "Rejected: Ana Novak", "Accepted: Cy Novak"):
        expect(page.locator("#done")).to_contain_text(said)
    coming = page.locator("#coming li", has_text="comes back")
    expect(coming).to_have_count(1)
    coming.locator("a", has_text="1").last.click()
    expect(page.locator("li:target")).to_contain_text("Cy Novak")


def test_what_was_done_in_place_keeps_its_row_and_is_taken_back(leads, salesperson, new_page):
    page = new_page(salesperson)
    row(page, "Bo Novak").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Accepted Bo Novak")
    expect(page.locator("[data-row]:focus")).to_contain_text("Bo Novak")
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("Taken back: Bo Novak is as before.")
    assert Handoff.objects.get(pk=leads["bo"].pk).state == "offered"


def test_a_task_is_put_off_by_three_keys(leads, marketer, salesperson, new_page):
    called = bring_to("called", marketer=marketer, seller=salesperson, at=timezone.now() - 3 * MINUTE, name="di")
    task = flows.add_task(
        actor=salesperson,
        contact_id=called.contact_id,
        due_at=timezone.now() + dt.timedelta(seconds=1),
        at=timezone.now(),
    )
    page = new_page(salesperson)
    row(page, "Di Novak").focus()
    page.keyboard.press("t")
    page.wait_for_function("document.activeElement.name === 'next'")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Di Novak: next step")
    expect(row(page, "Di Novak")).to_have_count(0)
    becomes(lambda: Task.objects.get(pk=task.pk).due_at > timezone.now() + dt.timedelta(hours=12), True)


def test_without_javascript_every_button_is_a_form(leads, salesperson, new_page):
    page = new_page(salesperson, java_script_enabled=False)
    page.get_by_role("button", name="Accept Bo").click()
    becomes(lambda: Handoff.objects.get(pk=leads["bo"].pk).state, "accepted")
    call = row(page, "Bo Novak")
    call.locator("summary").first.click()
    call.get_by_role("button", name="No answer").click()
    becomes(lambda: Handoff.objects.get(pk=leads["bo"].pk).contacted_at is not None, True)
    expect(page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    expect(row(page, "Bo Novak")).to_have_count(0)
