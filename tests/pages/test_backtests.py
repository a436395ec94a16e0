"""The pages of backtests: started, watched, read, stopped, and every number opened."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from crm import flows
from crm.flows import backtests
from leads.models import Handoff
from scoring.models import Backtest, JobState, ScoringModel
from tests.flows.test_backtests import TEPID, WARM, did, draft_of_published

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def published(db):
    return ScoringModel.objects.get(status="published")


def queued(actor, model, *, at):
    return backtests.start_backtest(actor=actor, model_id=model.pk, since=at - 30 * DAY, until=at, at=at)


def finished(actor, model, *, at):
    return backtests.run_backtest(backtest_id=queued(actor, model, at=at).pk, at=at)


@pytest.fixture
def draft_result(marketer, salesperson, now):
    """Version 2 from 50 points on beside version 1 from 60: it finds one more; one of both was rejected."""
    for place in range(11):
        did(f"warm{place}@firm.example", *WARM, at=now - 20 * DAY)
    did("tepid@firm.example", *TEPID, at=now - 20 * DAY)
    for handoff in Handoff.objects.all():
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=now - 19 * DAY)
        flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=now - 18 * DAY)
    return finished(marketer, draft_of_published(threshold=50), at=now)


def test_a_backtest_is_started_from_its_form(browsing, marketer, published):
    client = browsing(marketer)
    today = timezone.localdate()
    page = client.get(reverse("backtests"))
    assert "No version has been tried yet." in page.content.decode()
    answer = client.post(
        reverse("backtests"), {"model": published.pk, "since": str(today - 30 * DAY), "until": str(today)}
    )
    job = Backtest.objects.get()
    assert (answer.status_code, answer.url) == (303, reverse("backtest", args=[job.pk]))
    assert (job.state, job.actor, job.model) == (JobState.QUEUED, marketer, published)
    assert timezone.localdate(job.since) == today - 30 * DAY
    assert "Version 1" in client.get(reverse("backtests")).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "soon"},
        {"since": "2099-01-01", "until": "2099-02-01"},
        {"until": "1999-01-01"},
        {"since": "0001-01-01"},
        {"model": "999"},
        {"since": ""},
    ],
)
def test_a_period_that_makes_no_sense_is_refused_in_its_form(browsing, marketer, published, wrong):
    today = timezone.localdate()
    given = {"model": published.pk, "since": str(today - 30 * DAY), "until": "9999-12-31"} | wrong
    answer = browsing(marketer).post(reverse("backtests"), given)
    assert answer.status_code == 422
    assert "data-errors" in answer.content.decode()
    assert not Backtest.objects.exists()


def test_a_result_compares_both_versions_and_opens_every_number(browsing, manager, draft_result):
    client = browsing(manager)
    text = client.get(reverse("backtest", args=[draft_result.pk])).content.decode()
    assert "Version 2 finds more" in text
    assert "too few" in text
    links = set(re.findall(r'href="(/scoring/backtests/\d+/contacts/\?only=[^"]+)"', text))
    assert any("only-model" in link for link in links)
    assert any("-reason-" in link for link in links)
    assert any("-week-" in link for link in links)
    for link in links:
        number = re.search(rf'href="{re.escape(link)}"[^>]*>([0-9]+)', text).group(1)
        opened = client.get(link)
        assert opened.status_code == 200
        assert opened.context["found"].total == int(number) == len(opened.context["rows"])
    only = client.get(reverse("backtest_contacts", args=[draft_result.pk]), {"only": "only-model"})
    assert [row.contact.email for row in only.context["rows"]] == ["tepid@firm.example"]


def test_shares_are_given_from_ten_answers_on(browsing, marketer, salesperson, now, published):
    did("eva@firm.example", *WARM, at=now - 20 * DAY)
    job = finished(marketer, published, at=now)
    text = browsing(marketer).get(reverse("backtest", args=[job.pk])).content.decode()
    assert "Too few outcomes to judge by: 10 more answers" in text


def test_a_result_says_that_it_is_older_than_the_rules(browsing, marketer, draft_result, now):
    client, address = browsing(marketer), reverse("backtest", args=[draft_result.pk])
    assert "before your last change" not in client.get(address).content.decode()
    ScoringModel.objects.filter(version=2).update(changed_at=now + DAY)
    assert "before your last change of version 2" in client.get(address).content.decode()
    again = client.post(reverse("backtest_again", args=[draft_result.pk]))
    assert again.url == reverse("backtest", args=[draft_result.pk + 1])


def test_a_running_backtest_shows_how_far_it_is_and_can_be_stopped(browsing, marketer, now, published):
    job = queued(marketer, published, at=now)
    client, address = browsing(marketer), reverse("backtest", args=[job.pk])
    assert "Waits to be begun" in client.get(address).content.decode()
    Backtest.objects.filter(pk=job.pk).update(
        state=JobState.RUNNING, total=400, done=100, result={"started_at": (now - dt.timedelta(minutes=2)).timestamp()}
    )
    page = client.get(address).content.decode()
    assert re.search(r"25\s% done", page)
    assert re.search(r"about 6 min\s+left", page)
    fragment = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert re.search(r"25\s% done", fragment)
    assert "<html" not in fragment
    assert 'hx-trigger="every 2s"' in fragment
    answer = client.post(reverse("backtest_cancel", args=[job.pk]))
    assert answer.status_code == 303
    assert "stops before its next batch" in client.get(address).content.decode()
    Backtest.objects.filter(pk=job.pk).update(state=JobState.CANCELLED)
    over = client.get(address).content.decode()
    assert "It was cancelled" in over
    assert "hx-trigger" not in over
    assert client.post(reverse("backtest_cancel", args=[job.pk])).status_code == 409


def test_a_failed_backtest_says_why(browsing, marketer, now, published):
    job = queued(marketer, published, at=now)
    Backtest.objects.filter(pk=job.pk).update(state=JobState.FAILED, error="It stopped after 7 contacts.")
    assert "It stopped after 7 contacts." in browsing(marketer).get(reverse("backtest", args=[job.pk])).content.decode()


def test_lists_that_are_not_there_are_404(browsing, marketer, draft_result, now, published):
    client = browsing(marketer)
    for only in ("", "nobody", "model-reason-999", "model-reason-x", "model-week-999", "model-nonsense", "only-else"):
        assert client.get(reverse("backtest_contacts", args=[draft_result.pk]), {"only": only}).status_code == 404
    waiting = queued(marketer, published, at=now)
    assert client.get(reverse("backtest_contacts", args=[waiting.pk]), {"only": "model"}).status_code == 404
    assert client.get(reverse("backtest", args=[waiting.pk + 1])).status_code == 404


def test_salespeople_do_not_judge_rules(browsing, salesperson, marketer, published, now):
    job = queued(marketer, published, at=now)
    client = browsing(salesperson)
    for name, args in (("backtests", []), ("backtest", [job.pk]), ("backtest_contacts", [job.pk])):
        assert client.get(reverse(name, args=args)).status_code == 403
    for name, args in (("backtests", []), ("backtest_cancel", [job.pk]), ("backtest_again", [job.pk])):
        assert client.post(reverse(name, args=args)).status_code == 403


def test_only_posts_change_something(browsing, administrator, published, now):
    job = queued(administrator, published, at=now)
    client = browsing(administrator)
    assert client.get(reverse("backtest_cancel", args=[job.pk])).status_code == 405
    assert client.get(reverse("backtest_again", args=[job.pk])).status_code == 405
    assert client.post(reverse("backtest", args=[job.pk])).status_code == 405
    assert client.put(reverse("backtests")).status_code == 405


def test_lists_and_results_take_a_constant_number_of_queries(
    browsing, marketer, draft_result, now, django_assert_max_num_queries
):
    client = browsing(marketer)
    for _ in range(5):
        finished(marketer, draft_result.model, at=now)
    with django_assert_max_num_queries(12):
        client.get(reverse("backtests"))
    with django_assert_max_num_queries(12):
        client.get(reverse("backtest", args=[draft_result.pk]))
    with django_assert_max_num_queries(12):
        client.get(reverse("backtest_contacts", args=[draft_result.pk]), {"only": "model"})
