"""All versions of the rules, two of them side by side, and points suggested from outcomes."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import flows, formats, toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.models import Role
from crm.queries import outcomes
from crm.queries.outcomes import Goal
from leads.condition_words import field_name
from scoring import drafts, learning
from scoring.forms_rules import SuggestForm
from scoring.models import Publication, ScoringModel
from scoring.services import published_rules
from scoring.views.drafts import editors_only, publication_context
from scoring.views.tabs import tabs

judges_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@judges_only
@require_safe
def scoring_versions(request: HttpRequest) -> HttpResponse:
    """Every version with its note, who published it and when; how far the latest publication is."""
    user = person(request)
    versions = list(ScoringModel.objects.select_related("published_by", "created_by", "based_on"))
    publication = Publication.objects.select_related("model").order_by("-id").first()
    context = {
        "versions": versions,
        "published": next((one for one in versions if one.status == ScoringModel.Status.PUBLISHED), None),
        "may_edit": user.is_marketer or user.is_admin,
        "tabs": tabs("scoring_versions"),
    }
    if publication is not None:
        context |= publication_context(publication)
    return render(request, "scoring/versions.html", context)


@judges_only
@require_safe
def scoring_compare(request: HttpRequest) -> HttpResponse:
    """Two versions side by side: the published one and the newest other, unless the address names them."""
    versions = list(ScoringModel.objects.all())
    by_number = {str(one.version): one for one in versions}
    published = next(one for one in versions if one.status == ScoringModel.Status.PUBLISHED)
    one = _asked(request, "one", by_number, published)
    newest = next((other for other in versions if other != one), one)
    other = _asked(request, "other", by_number, newest)
    lines = drafts.side_by_side(one, other)
    only_changes = request.GET.get("only") == "changes"
    context = {
        "one": one,
        "other": other,
        "versions": versions,
        "lines": [line for line in lines if not (only_changes and line.is_same)],
        "changes": sum(not line.is_same for line in lines),
        "only_changes": only_changes,
        "tabs": tabs("scoring_versions"),
    }
    return render(request, "scoring/compare.html", context)


def _asked(request: HttpRequest, name: str, by_number: dict[str, ScoringModel], usual: ScoringModel) -> ScoringModel:
    text = request.GET.get(name, "")
    if not text:
        return usual
    found = by_number.get(text)
    return found if found is not None else get_object_or_404(ScoringModel, pk=0)


@editors_only
@require_http_methods(["GET", "HEAD", "POST"])
def suggest_points(request: HttpRequest) -> HttpResponse:
    """Whether there is enough to learn from, what is left out, and the button that drafts what was learned."""
    asked = (request.POST if request.method == "POST" else request.GET).get("outcome", "")
    goal = Goal(asked) if asked in list(Goal) else Goal.ACCEPTED
    outlook = outcomes.outlook(goal)
    late = {} if outlook.missing else learning.late_fields(outcomes.collect(goal, rules=published_rules()).filled)
    names = [
        (
            name,
            _("%(field)s: filled after the handoff in %(share)s of %(cases)s cases")
            % {
                "field": field_name(name)[:1].upper() + field_name(name)[1:],
                "share": formats.percent(filled.share),
                "cases": formats.number(filled.cases),
            },
        )
        for name, filled in late.items()
    ]
    data = request.POST if request.method == "POST" else None
    form = SuggestForm(data, late=names, outcome=goal)
    if form.is_bound and form.is_valid():
        try:
            draft = flows.suggest_points(
                actor=person(request),
                outcome=form.cleaned_data["outcome"],
                insist_on=form.cleaned_data["insist_on"],
                at=timezone.now(),
            )
        except Invalid as refusal:
            form.add_error(None, str(refusal))
        else:
            toasts.tell(
                request=request,
                text=_("Version %(version)d is a draft with the suggested points.") % {"version": draft.version},
            )
            return HttpResponseRedirect(reverse("scoring_draft", args=[draft.pk]), status=303)
    context = {
        "form": form,
        "goal": goal,
        "goals": SuggestForm.base_fields["outcome"].choices,  # type: ignore[attr-defined]
        "outlook": outlook,
        "share": min(outlook.closed / learning.ENOUGH_CASES, 1.0),
        "enough": learning.ENOUGH_CASES,
        "late": names,
        "tabs": tabs("scoring_versions"),
    }
    return render(request, "scoring/suggest.html", context, status=422 if form.errors else 200)
