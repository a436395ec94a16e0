"""The pages about the score that no single job crosses: what is stopped, done once more, thrown away, counted apart."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from crm.flows import backtests, learning, publishing
from scoring.models import Backtest, Publication, ScoringModel, SuggestionJob
from scoring.tasks import run_backtest, run_publication, run_suggestion
from tests.browser.test_scoring_job import outcomes
from tests.flows.test_backtests import WARM, did
from tests.pages.test_rule_feedback import WITH_WEBINAR, WITHOUT, answered

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def worker_away(monkeypatch):
    """The jobs are done by the test itself, when it says so."""
    for task in (run_backtest, run_publication, run_suggestion):
        monkeypatch.setattr(task, "delay", lambda **given: None)


def test_a_rule_that_sales_rejects_is_opened_in_a_draft_which_is_thrown_away(marketer, salesperson, new_page):
    for place in range(14):
        answered(marketer, salesperson, f"webinar{place}", *WITH_WEBINAR, is_rejected=place < 12)
    for place in range(16):
        answered(marketer, salesperson, f"other{place}", *WITHOUT, is_rejected=place < 3)
    page = new_page(marketer)
    page.goto("/scoring/feedback/")
    pointed_out = page.locator(".notice", has_text="Attends a webinar")
    expect(pointed_out).to_contain_text("rejected clearly more often than the rest: 86 % of 14, 50 % on average")
    row = page.locator("tr", has_text="Attends a webinar")
    row.get_by_role("link", name="12", exact=True).click()
    expect(page.locator("main tbody tr")).to_have_count(12)
    page.go_back()
    pointed_out.get_by_role("button", name="Open a draft with this rule selected").click()

    expect(page.get_by_role("heading", name="Version 2, draft", level=1)).to_be_visible()
    opened = page.locator("#engagement details[open]")
    expect(opened).to_have_count(1)
    expect(opened).to_contain_text("Attends a webinar")
    opened.get_by_label("Points", exact=True).fill("5")
    opened.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_text("1 change from 1")).to_be_visible()

    page.get_by_role("button", name="Discard this draft").click()
    page.locator("#confirm-dialog").get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("Version 2 is discarded.")).to_be_visible()
    assert not ScoringModel.objects.filter(version=2).exists()


def test_a_backtest_is_stopped_and_run_again_and_both_are_kept(marketer, new_page):
    did("warm@firm.example", *WARM, at=timezone.now())
    page = new_page(marketer)
    page.goto("/scoring/backtests/")
    page.get_by_role("button", name="Run the backtest").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The backtest stops before its next batch of contacts.")).to_be_visible()
    first = Backtest.objects.get()
    backtests.run_backtest(backtest_id=first.pk, at=timezone.now())
    expect(page.get_by_role("heading", name="It was cancelled")).to_be_visible()

    page.get_by_role("button", name="Run the backtest again").click()
    again = Backtest.objects.exclude(pk=first.pk).get()
    backtests.run_backtest(backtest_id=again.pk, at=timezone.now())
    expect(page.locator("#backtest a[href*='/contacts/?only=']").first).to_be_visible()
    page.goto("/scoring/backtests/")
    for job in (first, again):
        expect(page.locator(f"main a[href='/scoring/backtests/{job.pk}/']").first).to_be_visible()


def test_learning_points_is_stopped_and_asked_for_again(marketer, salesperson, new_page):
    outcomes(marketer, salesperson)
    page = new_page(marketer)
    page.goto("/scoring/suggest/")
    page.get_by_role("button", name="Suggest points from them").click()
    page.get_by_role("button", name="Cancel").click()
    learning.run_suggestion(suggestion_id=SuggestionJob.objects.get().pk, at=timezone.now())
    expect(page.get_by_role("heading", name="It was cancelled")).to_be_visible()
    assert not ScoringModel.objects.filter(status="draft").exists()
    page.get_by_role("link", name="Ask again").click()
    expect(page.get_by_text("110 closed outcomes so far, 94 of them good.")).to_be_visible()


def test_too_few_outcomes_are_said_with_how_many_are_missing(marketer, salesperson, new_page):
    outcomes(marketer, salesperson, count=30)
    page = new_page(marketer)
    page.goto("/scoring/suggest/")
    expect(page.locator("main")).to_contain_text(re.compile(r"\b70\b"))
    expect(page.get_by_role("button", name="Suggest points from them")).to_have_count(0)


def test_what_publishing_would_do_is_counted_and_followed_without_scripts(marketer, new_page):
    did("warm@firm.example", *WARM, at=timezone.now())
    draft = publishing.draft_from(actor=marketer, model_id=1, at=timezone.now())
    page = new_page(marketer, java_script_enabled=False)
    page.goto(f"/scoring/drafts/{draft.pk}/")
    page.get_by_role("link", name="Count what publishing would do").click()
    expect(page.get_by_role("heading", name="If version 2 is published", level=1)).to_be_visible()
    expect(page.locator("main .outlook")).to_contain_text(re.compile(r"0\s*become MQLs"))
    page.get_by_role("link", name="Back to the draft").click()
    page.get_by_label("Why, in a sentence").fill("Nothing changes.")
    page.get_by_role("button", name="Publish version 2").click()
    publication = Publication.objects.get()
    publishing.run_publication(publication_id=publication.pk, at=timezone.now())
    page.goto(f"/scoring/publications/{publication.pk}/")
    expect(page.locator("#publication")).to_contain_text("1 of 1 contacts rescored")
