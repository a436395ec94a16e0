"""Marketing changes the rules in a real browser: a draft, its backtest, its publication, and the promoted contact."""

import datetime as dt
import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm.flows import backtests, publishing
from leads.models import Handoff
from scoring.models import ActivityRule, Backtest, Publication, ScoringModel
from scoring.tasks import run_backtest, run_publication
from sla.models import Calendar, Policy
from tests.flows.test_backtests import TEPID, did

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def worker_away(monkeypatch):
    """The jobs are done by the test itself, when it says so."""
    for task in (run_backtest, run_publication):
        monkeypatch.setattr(task, "delay", lambda **given: None)


@pytest.fixture
def tepid():
    """A contact whose downloads and webinars are worth 52 of 60 points."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    return did("tepid@firm.example", *TEPID, at=timezone.now() - dt.timedelta(hours=3))


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
