"""What only a browser shows of the manager's pages: new figures arrive, and what is being read stays where it is."""

import datetime as dt

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from crm.models import User
from leads.models import Handoff
from sla.models import Calendar, Policy, Timer
from tests.pages.sales_work import bring_to

pytestmark = [pytest.mark.django_db(transaction=True)]
DAY = dt.timedelta(days=1)


@pytest.fixture
def late_ones(marketer, salesperson):
    """Six leads called a day after they were offered, on clocks that always run."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    now = timezone.now()
    for number in range(6):
        at = now - (number + 2) * DAY
        handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=at, name=f"lead{number}")
        flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", at=at + DAY)


def refresh(page):
    """What comes by itself every few seconds, now."""
    page.evaluate("htmx.ajax('GET', location.pathname, {source: '#sla', target: '#sla', swap: 'innerHTML show:none'})")


def test_new_figures_arrive_and_what_is_read_stays_where_it_is(late_ones, marketer, salesperson, manager, new_page):
    page = new_page(manager)
    page.goto("/sla/")
    # New ones come above it, so it is known by its own name.
    story = page.locator(f"#{page.locator('details.story').first.get_attribute('id')}")
    story.scroll_into_view_if_needed()
    story.locator("summary").click()
    expect(story).to_have_attribute("open", "")
    top = story.bounding_box()["y"]
    at = timezone.now()
    for number in range(4):
        bring_to("offered", marketer=marketer, seller=salesperson, at=at, name=f"more{number}")
    past = at - dt.timedelta(hours=1)
    Timer.objects.filter(handoff__contact__email__startswith="more", met_at=None).update(
        started_at=past, warn_at=past, due_at=past
    )
    refresh(page)
    expect(page.locator("#sla-sentence")).to_contain_text("8 promises are missed")
    assert abs(story.bounding_box()["y"] - top) < 2
    expect(page.locator("details.story[open]")).to_have_count(1)
    expect(story).to_have_attribute("open", "")
    expect(story.locator("summary")).to_be_focused()


def test_nothing_is_replaced_while_words_are_selected(late_ones, manager, new_page):
    page = new_page(manager)
    page.goto("/sla/")
    page.evaluate("document.getSelection().selectAllChildren(document.querySelector('#sla h2'))")
    page.evaluate("document.querySelector('#sla h2').dataset.old = 'yes'")
    refresh(page)
    page.wait_for_timeout(400)
    assert page.locator("#sla h2[data-old]").count() == 1
    page.evaluate("document.getSelection().removeAllRanges()")
    refresh(page)
    expect(page.locator("#sla h2[data-old]")).to_have_count(0)


@pytest.mark.parametrize("address", ["/sla/?split=campaign", "/sla/breaches/", "/sla/unnoticed/?kind=away"])
def test_figures_and_lists_fit_a_phone(late_ones, salesperson, manager, new_page, address):
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    page = new_page(manager, viewport={"width": 390, "height": 844}, is_mobile=True)
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_leads_of_somebody_away_are_given_on_together(late_ones, salesperson, other_salesperson, manager, new_page):
    other_salesperson.capacity = 50
    other_salesperson.save()
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    page = new_page(manager)
    page.goto("/sla/unnoticed/")
    expect(page.locator("h1")).to_have_text("Unnoticed")
    page.locator("[data-select-all]").check()
    page.locator(".selection button[value=give]").click()
    expect(page.locator("main")).to_contain_text("Everybody who holds a lead is on duty.")
    assert set(Handoff.objects.values_list("assignee", flat=True)) == {other_salesperson.pk}
