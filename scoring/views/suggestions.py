"""Points suggested from outcomes: whether there are enough, the job that learns them, and what it found."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError as BrokerAway

from crm import formats, toasts
from crm.access import person
from crm.errors import Invalid
from crm.flows import learning as flows
from crm.queries import outcomes
from crm.queries.outcomes import Goal
from leads.condition_words import field_name
from scoring import learning
from scoring.forms_rules import SuggestForm
from scoring.models import JobState, SuggestionJob
from scoring.services import published_rules
from scoring.tasks import run_suggestion
from scoring.views.drafts import editors_only
from scoring.views.tabs import tabs

logger = logging.getLogger(__name__)


@editors_only
@require_http_methods(["GET", "HEAD", "POST"])
def suggest_points(request: HttpRequest) -> HttpResponse:
    """Whether there is enough to learn from, what is left out, and the button that starts learning."""
    asked = (request.POST if request.method == "POST" else request.GET).get("outcome", "")
    goal = Goal(asked) if asked in list(Goal) else Goal.ACCEPTED
    outlook = outcomes.outlook(goal)
    late = [] if outlook.missing else _late_fields(goal)
    form = SuggestForm(request.POST if request.method == "POST" else None, late=late, outcome=goal)
    if form.is_bound and form.is_valid():
        try:
            job = flows.start_suggestion(actor=person(request), at=timezone.now(), **form.cleaned_data)
        except Invalid as refusal:
            form.add_error(None, str(refusal))
        else:
            transaction.on_commit(partial(_hurry, job.pk))
            return HttpResponseRedirect(reverse("suggestion", args=[job.pk]), status=303)
    context = {
        "form": form,
        "goal": goal,
        "goals": SuggestForm.base_fields["outcome"].choices,  # type: ignore[attr-defined]
        "outlook": outlook,
        "share": min(outlook.closed / learning.ENOUGH_CASES, 1.0),
        "enough": learning.ENOUGH_CASES,
        "late": late,
        "latest": SuggestionJob.objects.filter(outcome=goal).select_related("actor", "draft").first(),
        "tabs": tabs("scoring_versions"),
    }
    return render(request, "scoring/suggest.html", context, status=422 if form.errors else 200)


def _late_fields(goal: Goal) -> list[tuple[str, str]]:
    """The fields that are left out, each with the words that say why."""
    filled = outcomes.collect(goal, rules=published_rules()).filled
    return [
        (
            name,
            _("%(field)s: filled after the handoff in %(share)s of %(cases)s cases")
            % {
                "field": field_name(name)[:1].upper() + field_name(name)[1:],
                "share": formats.percent(found.share),
                "cases": formats.number(found.cases),
            },
        )
        for name, found in learning.late_fields(filled).items()
    ]


@editors_only
@require_safe
def suggestion(request: HttpRequest, suggestion_id: int) -> HttpResponse:
    """How far the learning is, or what came of it; to htmx only that."""
    job = get_object_or_404(SuggestionJob.objects.select_related("draft", "actor"), id=suggestion_id)
    context: dict[str, Any] = {
        "job": job,
        "is_queued": job.state == JobState.QUEUED,
        "is_unfinished": job.state in (JobState.QUEUED, JobState.RUNNING),
        "is_cancelled": job.state == JobState.CANCELLED,
        "share": job.done / job.total if job.total else 0.0,
    }
    if job.auc is not None and job.auc_margin is not None:
        numbers = {"auc": job.auc, "margin": job.auc_margin}
        context |= {"auc": flows.auc_words(**numbers), "warning": flows.chance_sentence(**numbers), "is_learned": True}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "scoring/suggestion_state.html", context)
    return render(request, "scoring/suggestion.html", context | {"tabs": tabs("scoring_versions")})


@editors_only
@require_POST
def suggestion_cancel(request: HttpRequest, suggestion_id: int) -> HttpResponse:
    """Stop the learning."""
    flows.cancel_suggestion(actor=person(request), suggestion_id=suggestion_id, at=timezone.now())
    toasts.tell(request=request, text=_("Stopped. Nothing was drafted."))
    return HttpResponseRedirect(reverse("suggestion", args=[suggestion_id]), status=303)


def _hurry(suggestion_id: int) -> None:
    """Have it begun at once; without a broker the sweep of lost jobs begins it."""
    try:
        run_suggestion.delay(suggestion_id=suggestion_id)
    except BrokerAway:
        logger.warning("The broker is away; suggestion %d waits for the sweep of jobs.", suggestion_id)
