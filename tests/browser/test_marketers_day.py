"""A marketer's day: a queue of thirty cleared by keyboard alone, and a colleague who clears it at the same time."""

import datetime as dt
import time

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from crm.models import Team, User
from leads.models import Contact, Handoff, Merge
from sla.models import Calendar, Policy

pytestmark = [pytest.mark.django_db(transaction=True)]
THIRTY = 30
TWIN = 9
"""Which of them is in Baton twice."""


@pytest.fixture(autouse=True)
def always_open(sales_team):
    """So that what a page says of a clock, and who may get a lead, does not depend on the hour of the test."""
    calendar = Calendar.objects.get(always_open=True)
    Policy.objects.update(calendar=calendar)
    Team.objects.update(calendar=calendar)


def ask(number, *, minutes_ago):
    """Somebody asks for a demo."""
    at = timezone.now() - dt.timedelta(minutes=minutes_ago)
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request",
                occurred_at=at,
                external_id=f"demo-{number}",
                contact=flows.ContactIn(
                    email=f"lead{number}@firm{number}.example",
                    fields={"first_name": f"Lead{number}", "last_name": f"Nr{number}"},
                    company=f"Firm {number}",
                ),
                properties={"form": "/demo"},
            )
        ],
        by=None,
        actor=None,
        at=at,
    )


@pytest.fixture
def thirty(marketer, salesperson, other_salesperson):
    """Thirty leads to review, the first the most urgent; one of them is known under another address as well."""
    User.objects.update(capacity=THIRTY)
    for number in range(THIRTY):
        ask(number, minutes_ago=THIRTY - number)
    values = {"first_name": f"Lead{TWIN}", "last_name": f"Nr{TWIN}", "email": "twin@elsewhere.example"}
    flows.create_contact(actor=marketer, values=values, at=timezone.now())
    return list(Handoff.objects.order_by("formed_at"))


def becomes(read, expected):
    """Wait until `read()` is `expected`: the site answers in its own time."""
    deadline = time.monotonic() + 20
    while (found := read()) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == expected


def state_becomes(handoff, state):
    becomes(lambda: Handoff.objects.get(pk=handoff.pk).state, state)


def is_at(page, number):
    """Wait until the row of this lead is the current one, and its evidence is what is shown."""
    expect(page.locator("tr[data-current]")).to_contain_text(f"Lead{number} ")
    expect(page.locator("#panel h2").first).to_have_text(f"Lead{number} Nr{number}")


def tab_to(page, expression):
    """Go on with the Tab key until `expression` holds of what has the focus."""
    for _step in range(60):
        if page.evaluate(f"(() => {{ const at = document.activeElement; return Boolean({expression}); }})()"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key led nowhere of which this holds: {expression}")


def give_reason(page, key, *, button, word=""):
    """Unfold what `key` stands for, take the first reason, say a word, and press the button."""
    page.keyboard.press(key)
    tab_to(page, "at.type === 'radio'")
    page.keyboard.press("Space")
    if word:
        tab_to(page, "at.tagName === 'TEXTAREA'")
        page.keyboard.type(word)
    tab_to(page, f"at.matches('button.button-filled') && at.textContent.trim().startsWith('{button}')")
    page.keyboard.press("Enter")


def select(page, count):
    """Select the current row and those below it."""
    for number in range(count):
        page.keyboard.press("x")
        if number < count - 1:
            page.keyboard.press("j")
    expect(page.locator(".selection [data-selection-count]").first).to_have_text(str(count))


def test_a_marketer_clears_a_queue_of_thirty_by_keyboard_alone(thirty, marketer, new_page):
    page = new_page(marketer)
    expect(page.locator("#queue-sentence")).to_contain_text("30 to review")
    page.keyboard.press("?")
    keys = page.locator("#keys-dialog")
    for said in ("Return", "Disqualify", "Someone else", "Open the contact"):
        expect(keys).to_contain_text(said)
    page.keyboard.press("Escape")

    for number in range(3):
        is_at(page, number)
        page.keyboard.press("a")
        state_becomes(thirty[number], "offered")
    is_at(page, 3)

    page.keyboard.press("z")  # the third was a slip
    state_becomes(thirty[2], "in_review")
    is_at(page, 2)
    give_reason(page, "r", button="Return Lead2", word="Wants a brochure.")
    state_becomes(thirty[2], "returned")

    is_at(page, 3)
    give_reason(page, "d", button="Disqualify Lead3")
    state_becomes(thirty[3], "closed")

    is_at(page, 4)
    select(page, 3)
    give_reason(page, "Shift+R", button="Return")
    for handoff in thirty[4:7]:
        state_becomes(handoff, "returned")

    is_at(page, 7)
    for _step in range(TWIN - 7):
        page.keyboard.press("j")
    is_at(page, TWIN)
    expect(page.locator("#panel")).to_contain_text("Perhaps the same person:")
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Are they one person?")).to_be_visible()
    tab_to(page, "at.matches('main button.button-filled') && at.textContent.trim().startsWith('Merge into')")
    page.keyboard.press("Enter")
    becomes(Merge.objects.count, 1)
    expect(page.get_by_role("heading", name="Queue", level=1)).to_be_visible()

    left = Handoff.objects.filter(state="in_review").count()
    assert left == THIRTY - 7
    expect(page.locator("tr[data-current]")).to_have_count(1)
    tab_to(page, "at.matches('[data-select-all]')")
    page.keyboard.press("Space")
    expect(page.locator(".selection [data-selection-count]").first).to_have_text(str(left))
    page.keyboard.press("Shift+A")
    becomes(Handoff.objects.filter(state="in_review").count, 0)
    expect(page.locator("#queue")).to_contain_text("Everything is reviewed.")

    states = list(Handoff.objects.values_list("state", flat=True))
    assert {state: states.count(state) for state in set(states)} == {"offered": 25, "returned": 4, "closed": 1}
    assert not Handoff.objects.filter(state="returned", reason=None).exists()
    assert Handoff.objects.get(pk=thirty[2].pk).comment == "Wants a brochure."
    assert Contact.objects.get(is_disqualified=True).first_name == "Lead3"


def test_what_a_colleague_takes_vanishes_and_who_comes_second_is_told(thirty, marketer, manager, new_page):
    page = new_page(manager, may_refuse=True)
    page.clock.install()
    page.goto("/queue/")
    is_at(page, 0)
    flows.approve(actor=marketer, handoff_id=thirty[1].pk, at=timezone.now())
    page.clock.run_for(31_000)
    expect(page.locator(f"#queue-row-{thirty[1].pk}.gone-row")).to_contain_text("Mira Marketer approved Lead1 Nr1")

    flows.return_to_marketing(actor=marketer, handoff_id=thirty[0].pk, reason="not_ready", at=timezone.now())
    page.keyboard.press("a")
    expect(page.locator("#panel")).to_contain_text("The last to act was Mira Marketer.")
    expect(page.locator("#panel")).to_contain_text("Nothing was changed by you.")
    assert Handoff.objects.get(pk=thirty[0].pk).state == "returned"
