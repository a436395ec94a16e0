"""All versions of the rules, and two of them side by side."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from crm.access import person, roles_required
from crm.models import Role
from scoring import drafts
from scoring.models import Publication, ScoringModel
from scoring.views.drafts import publication_context
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
