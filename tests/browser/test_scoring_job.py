"""Marketing changes the rules in a real browser: a draft, its backtest, its publication, and the promoted contact."""

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm import flows
from crm.flows import backtests, learning, previews, publishing
from crm.queries import publishing as looking_ahead
from leads.models import Contact, Handoff, Persona, Segment
from scoring.models import ActivityRule, Backtest, FitRule, PreviewJob, Publication, ScoringModel, SuggestionJob
from scoring.tasks import run_backtest, run_preview, run_publication, run_suggestion
from sla.models import Calendar, Policy
from tests.flows.test_backtests import TEPID, did

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def worker_away(monkeypatch):
    """The jobs are done by the test itself, when it says so."""
    for task in (run_backtest, run_preview, run_publication, run_suggestion):
        monkeypatch.setattr(task, "delay", lambda **given: None)


@pytest.fixture
def tepid():
    """A contact whose downloads and webinars are worth 52 of 60 points."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    return did("tepid@firm.example", *TEPID, at=timezone.now() - dt.timedelta(hours=3))


def test_numbers_of_rules_come_by_themselves_once_everybody_is_counted(tepid, marketer, new_page, monkeypatch):
    monkeypatch.setattr(looking_ahead, "AT_ONCE", 0)
    in_force = ScoringModel.objects.get()
    draft = publishing.draft_from(actor=marketer, model_id=in_force.pk, at=timezone.now())
    page = new_page(marketer)
    page.goto(f"/scoring/drafts/{draft.pk}/")
    count = page.locator(f"#count-fit-{draft.fit_rules.first().pk}")
    expect(count).to_have_text("not counted yet")
    expect(page.locator("#draft-preview")).to_contain_text("Everybody is being counted")
    previews.run_preview(preview_id=PreviewJob.objects.get().pk, at=timezone.now())
    expect(page.locator("#publish .outlook")).to_be_visible()
    expect(count).to_contain_text("0 contacts")


def test_a_marketer_changes_a_rule_tries_it_and_publishes_it(tepid, marketer, new_page):
    page = new_page(marketer)
    page.goto("/scoring/versions/")
    page.get_by_role("button", name="New draft").click()
    expect(page.get_by_role("heading", name="Version 2, draft", level=1)).to_be_visible()
    outlook = page.locator("#publish .outlook")
    expect(outlook).to_contain_text(re.compile(r"0\s*become MQLs"))

    # The sentence opens into its form; another row for a condition keeps what was typed.
    rule = page.locator("#engagement li", has=page.get_by_text("Attends a webinar", exact=True)).first
    rule.locator("summary").click()
    rule.get_by_label("Points", exact=True).fill("22")
    rule.get_by_label("Together at most").fill("60")
    rule.get_by_role("button", name="Add a condition").click()
    expect(rule.get_by_label("Points", exact=True)).to_have_value("22")
    expect(rule.get_by_label("Property", exact=True)).to_be_visible()
    rule.get_by_role("button", name="Save the rule").click()
    expect(rule.locator(".rule-points del")).to_have_text("+14")
    expect(rule.locator(".rule-points b")).to_have_text("+22")
    expect(page.get_by_text("1 change from 1")).to_be_visible()
    assert ActivityRule.objects.get(model__version=2, name="Attends a webinar").cap == 60
    expect(outlook).to_contain_text(re.compile(r"1\s*becomes an MQL and enters the queue, which grows from 0 to 1"))

    page.get_by_role("link", name="Run a backtest").click()
    expect(page.get_by_label("Version")).to_have_value(str(ScoringModel.objects.get(version=2).pk))
    page.get_by_role("button", name="Run the backtest").click()
    expect(page.get_by_role("heading", name="Waits to be begun")).to_be_visible()
    backtests.run_backtest(backtest_id=Backtest.objects.get().pk, at=timezone.now())
    expect(page.get_by_role("heading", name=re.compile("Version 2 finds more"))).to_be_visible()

    page.goto("/scoring/versions/")
    page.get_by_role("link", name="Version 2", exact=True).click()
    page.get_by_label("Why, in a sentence").fill("Webinars say more than we thought.")
    page.get_by_role("button", name="Publish version 2").click()
    watched = page.locator("#publication")
    expect(watched).to_contain_text("0 of 1 contacts rescored")
    publishing.run_publication(publication_id=Publication.objects.get().pk, at=timezone.now())
    expect(watched).to_contain_text("1 of 1 contacts rescored, 1 promoted")
    expect(page.get_by_text("Webinars say more than we thought.")).to_be_visible()

    assert Handoff.objects.get().contact == tepid
    page.goto("/queue/")
    expect(page.get_by_text("tepid@firm.example").first).to_be_visible()


def test_a_rule_is_removed_after_a_question(tepid, marketer, new_page):
    draft = publishing.draft_from(actor=marketer, model_id=1, at=timezone.now())
    rule = draft.fit_rules.get(name="Private mailbox")
    page = new_page(marketer)
    page.goto(f"/scoring/drafts/{draft.pk}/?fit={rule.pk}")
    line = page.locator(f"#fit-{rule.pk}")
    line.get_by_role("button", name="Remove").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Remove it").click()
    expect(page.locator("#fit .is-removed")).to_contain_text("Private mailbox")
    assert not draft.fit_rules.filter(pk=rule.pk).exists()
    page.keyboard.press("z")
    expect(page.get_by_text("Put “Private mailbox” back.")).to_be_visible()
    expect(page.locator("#fit .is-removed")).to_have_count(0)
    assert draft.fit_rules.filter(name="Private mailbox").exists()


def condition(form, number, *, field, op, value=""):
    """Fill one row of the editor of conditions; an activity's property is typed, a contact's field is chosen."""
    row = form.locator(".condition").nth(number)
    what = row.locator(".condition-what").locator("input, select").first
    if what.evaluate("element => element.tagName") == "SELECT":
        what.select_option(field)
    else:
        what.fill(field)
    row.get_by_label("Compared").select_option(op)
    if value:
        row.get_by_label("Value").fill(value)


def test_every_option_of_a_rule_is_typed_in_the_browser(marketer, new_page):
    draft = publishing.draft_from(actor=marketer, model_id=1, at=timezone.now())
    page = new_page(marketer)
    page.goto(f"/scoring/drafts/{draft.pk}/?rule=new")
    form = page.locator("#engagement .rule-new form")
    form.get_by_label("Name", exact=True).fill("Reads cases in the autumn mailing")
    form.get_by_label("Type of activity").select_option("page_view")
    asked = [
        {"field": "path", "op": "starts_with", "value": "/cases"},
        {"field": "form", "op": "not_equals", "value": "/jobs"},
        {"field": "campaign", "op": "in", "value": "Autumn mailing, Trade fair"},
        {"field": "direction", "op": "equals", "value": "inbound"},
    ]
    for number, one in enumerate(asked):
        form.get_by_role("button", name="Add a condition").click()
        expect(form.locator(".condition")).to_have_count(number + 1)
        condition(form, number, **one)
    form.get_by_label("Points", exact=True).fill("-2")
    form.get_by_label("Together at most").fill("0")
    form.get_by_label("Together at least").fill("-8")
    form.get_by_label("Half-life in days", exact=True).fill("21")
    form.get_by_label("Each … counts once").fill("path")
    form.get_by_label("Once within so many days").fill("7")
    form.get_by_label("Asks to be contacted").check()
    form.get_by_label("Asks to be contacted").press("Enter")
    expect(page.locator("#engagement .is-changed", has_text="Reads cases in the autumn mailing")).to_be_visible()
    rule = ActivityRule.objects.get(name="Reads cases in the autumn mailing")
    assert [(one["property"], one["op"], one["value"]) for one in rule.conditions] == [
        ("path", "starts_with", "/cases"),
        ("form", "not_equals", "/jobs"),
        ("campaign", "in", ["Autumn mailing", "Trade fair"]),
        ("direction", "equals", "inbound"),
    ]
    assert (rule.points, rule.cap, rule.floor, rule.half_life_days) == (-2, 0, -8, 21)
    assert (rule.once_per, rule.within_days, rule.is_request) == ("path", 7, True)

    fit = [
        ("Large", "company.employees", "between", "200, 1000", [200, 1000]),
        ("Nordic", "country", "in", "FI, SE", ["FI", "SE"]),
        ("Hidden industry", "company.industry", "is_unset", "", None),
        ("Private mail", "email", "is_free_mail", "", None),
        ("Money", "bant.budget", "equals", "confirmed", "confirmed"),
        ("Runs the dock", "persona", "equals", "Runs the dock", "Runs the dock"),
        ("On trial", "attributes.", "equals", "trial", "trial"),
    ]
    for name, field, op, value, stored in fit:
        page.goto(f"/scoring/drafts/{draft.pk}/?fit=new")
        form = page.locator("#fit .rule-new form")
        form.get_by_label("Name", exact=True).fill(name)
        form.get_by_label("Points").fill("4")
        condition(form, 0, field=field, op=op, value=value)
        if field == "attributes.":
            form.get_by_label("Name of the attribute").fill("plan")
        else:
            expect(form.get_by_label("Name of the attribute")).to_be_hidden()
        form.get_by_role("button", name="Add the rule").click()
        expect(page.locator("#fit .is-changed", has=page.get_by_text(name, exact=True))).to_be_visible()
        rule = FitRule.objects.get(model=draft, name=name)
        assert (rule.field, rule.op, rule.value) == (field.replace("attributes.", "attributes.plan"), op, stored)


def test_personas_and_segments_are_drawn_and_open_their_contacts(marketer, new_page):
    for name, title in (("Aino", "Warehouse manager"), ("Ewa", "Buyer")):
        flows.create_contact(actor=marketer, values={"first_name": name, "job_title": title}, at=timezone.now())
    page = new_page(marketer)
    page.goto("/personas/")
    page.get_by_role("link", name="New persona").first.click()
    page.get_by_label("Name", exact=True).fill("Runs the dock")
    page.get_by_label("Who they are").fill("Wants calm mornings.")
    form = page.locator("form", has=page.locator(".conditions"))
    condition(form, 0, field="job_title", op="contains", value="warehouse")
    form.get_by_label("Value").blur()
    expect(form.locator("[aria-live]")).to_contain_text("1 contact meets this now.")
    page.get_by_role("button", name="Draw this persona").click()
    expect(page.get_by_text("Version 1, in use: 1 contact is one now.")).to_be_visible()
    condition(page.locator(".conditions"), 0, field="job_title", op="contains", value="warehouse, buyer")
    page.get_by_role("button", name="Save as the next version").click()
    expect(page.get_by_text("Version 2, in use: 2 contacts are one now.")).to_be_visible()
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.get_by_role("link", name="Ewa")).to_be_visible()

    page.goto("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.get_by_label("Name", exact=True).fill("Who run docks")
    condition(page.locator(".conditions"), 0, field="persona", op="equals", value="Runs the dock")
    page.get_by_role("button", name="Add a condition").click()
    condition(page.locator(".conditions"), 1, field="job_title", op="equals", value="Buyer")
    page.get_by_role("button", name="Remove condition 2").click()
    expect(page.locator(".condition")).to_have_count(1)
    page.get_by_role("button", name="Save the segment").click()
    expect(page.get_by_text("Saved the segment Who run docks.")).to_be_visible()
    assert (Persona.objects.count(), Segment.objects.get().name) == (2, "Who run docks")


def outcomes(marketer, salesperson, *, count=110):
    """As many leads who asked for a demo and were answered: those of Finland accepted, those of Bulgaria not."""
    at = timezone.now() - dt.timedelta(days=2)
    for number in range(count):
        fields = {"country": "FI" if number % 7 else "BG"}
        person = flows.ContactIn(email=f"n{number}@firm{number}.example", fields=fields)
        asked = flows.ActivityIn(type="demo_request", occurred_at=at, external_id=str(number), contact=person)
        flows.record_activities(activities=[asked], by=None, actor=None, at=at)
    for handoff in Handoff.objects.select_related("contact").order_by("id"):
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=at)
        if handoff.contact.country == "FI":
            flows.accept(actor=salesperson, handoff_id=handoff.pk, at=at)
        else:
            flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="no_budget", at=at)


def test_answers_become_points_and_points_become_the_queue(marketer, salesperson, tepid, new_page):
    outcomes(marketer, salesperson)
    Contact.objects.filter(pk=tepid.pk).update(country="FI")
    page = new_page(marketer)

    # What sales said, by rule, and the handoffs behind one number.
    page.goto("/scoring/")
    expect(page.get_by_role("heading", name="Scoring", level=1)).to_be_visible()
    page.get_by_role("link", name="Feedback by rule").click()
    row = page.locator("tr", has_text="Asks for a demo").first
    row.get_by_role("link", name="110", exact=True).click()
    expect(page.get_by_role("link", name="n109@firm109.example")).to_be_visible()

    # Points learned from it, in the background.
    page.goto("/scoring/versions/")
    page.get_by_role("link", name="Suggest points…").click()
    expect(page.get_by_text("110 closed outcomes so far, 94 of them good.")).to_be_visible()
    page.get_by_role("button", name="Suggest points from them").click()
    expect(page.get_by_role("heading", name="Waits to be begun")).to_be_visible()
    learning.run_suggestion(suggestion_id=SuggestionJob.objects.get().pk, at=timezone.now())
    expect(page.get_by_text("On cases held out, they tell good from bad")).to_be_visible()
    page.get_by_role("link", name="Read version 2").click()
    finns = page.locator("#fit li", has_text="Country is FI")
    expect(finns.locator(".rule-count a").first).to_have_text("95")
    finns.locator("summary").click()
    finns.get_by_label("Points").fill("60")
    finns.get_by_role("button", name="Save the rule").click()
    expect(finns.locator(".rule-points b")).to_have_text("+60")

    # Compared, tried against the past, and its contacts opened.
    page.get_by_role("link", name="Compare with version 1").click()
    expect(page.get_by_text("lines differ.")).to_be_visible()
    page.goto("/scoring/backtests/")
    page.get_by_label("Version").select_option(str(ScoringModel.objects.get(version=2).pk))
    page.get_by_role("button", name="Run the backtest").click()
    backtests.run_backtest(backtest_id=Backtest.objects.get().pk, at=timezone.now())
    page.locator("#backtest a[href*='/contacts/?only=']").first.click()
    expect(page.locator("main table")).to_be_visible()

    # Published beside what it would do, watched, and taken back by retiring it.
    page.goto(f"/scoring/drafts/{ScoringModel.objects.get(version=2).pk}/")
    outlook = page.locator("#publish .outlook")
    expect(outlook).to_contain_text("becomes an MQL and enters the queue")
    page.get_by_label("Why, in a sentence").fill("Finland answers.")
    page.get_by_role("button", name="Publish version 2").click()
    publishing.run_publication(publication_id=Publication.objects.get().pk, at=timezone.now())
    expect(page.locator("#publication")).to_contain_text("111 of 111 contacts rescored, 1 promoted")
    page.goto("/queue/")
    expect(page.get_by_text("tepid@firm.example").first).to_be_visible()
    page.goto("/scoring/versions/")
    page.get_by_role("button", name="Retire").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Retire it").click()
    expect(page.get_by_text("Version 2 was retired; these are the rules of version 1.").first).to_be_visible()
    assert ScoringModel.objects.get(status="published").version == 3
