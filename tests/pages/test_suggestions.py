"""Suggesting points: a job with progress, which warns and drafts nothing where the points are no better than chance."""

import random
import re

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from crm.flows import learning
from scoring.models import JobState, ScoringModel, SuggestionJob
from scoring.views import suggestions as views
from tests.scoring.test_learning_from_outcomes import a_hundred, filled_by_sales, outcome

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def queue_of_jobs(monkeypatch):
    """The ids of the jobs that were handed to the worker."""
    handed = []
    monkeypatch.setattr(views, "_hurry", handed.append)
    return handed


def words(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def noise():
    """A hundred outcomes of which nothing that is known tells anything."""
    dice = random.Random(3)
    for number in range(100):
        outcome(number, is_good=number % 2 == 0, country=dice.choice(["FI", "BG", "SE"]))


def run(job=None):
    job = job or SuggestionJob.objects.first()
    return learning.run_suggestion(suggestion_id=job.pk, at=timezone.now())


def test_too_few_outcomes_say_how_many_are_missing(browsing, marketer):
    client = browsing(marketer)
    few = words(client.get(reverse("suggest_points"), {"outcome": "won"}))
    assert "0 closed outcomes so far" in few and "100 more are needed" in few and "Suggest points from them" not in few
    assert client.post(reverse("suggest_points"), {"outcome": "won"}).status_code == 422
    assert not SuggestionJob.objects.exists()


def test_points_are_learned_in_the_background_and_become_a_draft(
    browsing, marketer, queue_of_jobs, django_capture_on_commit_callbacks
):
    client = browsing(marketer)
    a_hundred(lambda dice, is_good: {"country": "FI" if is_good else "SE"})
    assert "No field is mostly filled after the handoff" in words(client.get(reverse("suggest_points")))
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(reverse("suggest_points"), {"outcome": "accepted"})
    job = SuggestionJob.objects.get()
    assert (answer.status_code, answer.url, queue_of_jobs) == (303, reverse("suggestion", args=[job.pk]), [job.pk])
    going_on = client.get(answer.url, headers=HTMX).content.decode()
    assert "Waits to be begun" in going_on and 'hx-trigger="every 2s"' in going_on and "<html" not in going_on
    run()
    draft = ScoringModel.objects.get(status="draft")
    over = client.get(answer.url)
    assert f"Version {draft.version} is a draft with the suggested points." in words(over)
    assert re.search(r"they tell good from bad with AUC 1 ± 0 \(0\.5 is chance\)|AUC 1\.00 ± 0\.00", words(over))
    assert (
        reverse("scoring_draft", args=[draft.pk]) in over.content.decode() and "hx-trigger" not in over.content.decode()
    )
    assert client.get(reverse("scoring_draft", args=[draft.pk])).status_code == 200
    assert "The latest suggestion" in words(client.get(reverse("suggest_points")))


def test_points_that_tell_nothing_are_drafted_only_for_who_insists(browsing, marketer):
    noise()
    client = browsing(marketer)
    page = client.post(reverse("suggest_points"), {"outcome": "accepted"}).url
    run()
    said = words(client.get(page))
    assert "Nothing was drafted: the points tell nothing." in said
    assert re.search(r"these points are (no better|worse) than chance: AUC 0\.\d+ ± 0\.\d+ \(0\.5 is chance\)", said)
    assert not ScoringModel.objects.filter(status="draft").exists()
    with pytest.raises(learning.NoBetterThanChance):
        learning.suggest_points(actor=marketer, at=timezone.now())
    again = client.post(reverse("suggest_points"), {"outcome": "accepted", "although_chance": "on"})
    run()
    draft = ScoringModel.objects.get(status="draft")
    assert "than chance" in draft.note
    said = words(client.get(again.url))
    assert f"Version {draft.version} is a draft" in said and "than chance" in said


def test_the_sentence_tells_worse_from_no_better():
    assert "worse than chance: AUC 0.31 ± 0.10" in learning.chance_sentence(auc=0.31, margin=0.1)
    assert "no better than chance: AUC 0.55 ± 0.10" in learning.chance_sentence(auc=0.55, margin=0.1)
    assert learning.chance_sentence(auc=0.7, margin=0.1) == ""


def test_late_fields_are_named_and_used_by_who_insists(browsing, marketer):
    filled_by_sales()
    client = browsing(marketer)
    html = client.get(reverse("suggest_points")).content.decode()
    late = re.findall(r'name="insist_on" value="([^"]+)"', html)
    assert late
    assert client.post(reverse("suggest_points"), {"outcome": "accepted", "insist_on": "email"}).status_code == 422
    answer = client.post(reverse("suggest_points"), {"outcome": "accepted", "insist_on": late})
    assert answer.status_code == 303
    run()
    assert "was used all the same" in ScoringModel.objects.get(status="draft").note


def test_a_job_run_twice_drafts_once_and_one_whose_place_was_taken_drafts_nothing(marketer, monkeypatch):
    a_hundred()
    job = learning.start_suggestion(actor=marketer, outcome="accepted", at=timezone.now())
    assert learning.suggestions_to_resume(at=timezone.now()) == [job.pk]
    assert run(job).state == run(job).state == JobState.DONE
    assert ScoringModel.objects.filter(status="draft").count() == 1
    assert learning.suggestions_to_resume(at=timezone.now()) == []
    second = learning.start_suggestion(actor=marketer, outcome="accepted", at=timezone.now())
    read = learning.outcomes.collect

    def cancelled_meanwhile(*args, on_progress, **given):
        learning.cancel_suggestion(actor=marketer, suggestion_id=second.pk, at=timezone.now())
        return read(*args, on_progress=on_progress, **given)

    monkeypatch.setattr(learning.outcomes, "collect", cancelled_meanwhile)
    assert run(second).state == JobState.CANCELLED
    assert ScoringModel.objects.filter(status="draft").count() == 1


def test_a_job_whose_runner_was_lost_is_taken_up_again(marketer):
    a_hundred()
    job = learning.start_suggestion(actor=marketer, outcome="accepted", at=timezone.now())
    began = timezone.now() - 2 * learning.LEASE
    SuggestionJob.objects.update(state=JobState.RUNNING, updated_at=began)
    assert learning.suggestions_to_resume(at=timezone.now()) == [job.pk]
    SuggestionJob.objects.update(updated_at=timezone.now())
    assert learning.suggestions_to_resume(at=timezone.now()) == [] and run(job).state == JobState.RUNNING


def test_a_suggestion_is_cancelled_once(browsing, marketer):
    a_hundred()
    job = learning.start_suggestion(actor=marketer, outcome="accepted", at=timezone.now())
    client = browsing(marketer)
    cancel = reverse("suggestion_cancel", args=[job.pk])
    assert client.post(cancel).status_code == 303
    assert "It was cancelled" in words(client.get(reverse("suggestion", args=[job.pk])))
    assert client.post(cancel).status_code == 409
    assert run(job).state == JobState.CANCELLED


def test_who_may(browsing, marketer, manager, salesperson):
    a_hundred()
    job = learning.start_suggestion(actor=marketer, outcome="accepted", at=timezone.now())
    page, cancel = (reverse(name, args=[job.pk]) for name in ("suggestion", "suggestion_cancel"))
    for user in (manager, salesperson):
        client = browsing(user)
        assert [client.get(page).status_code, client.post(cancel).status_code] == [403, 403]
    client = browsing(marketer)
    assert client.get(reverse("suggestion", args=[999])).status_code == 404
    assert client.post(reverse("suggestion_cancel", args=[999])).status_code == 404
    assert client.post(page).status_code == client.get(cancel).status_code == 405
