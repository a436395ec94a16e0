"""The rules of the score, as sentences."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from crm.access import person, roles_required
from crm.models import Role
from scoring.models import ScoringModel
from scoring.sentences import activity_sentence, fit_sentence
from scoring.views.tabs import tabs


@dataclass(frozen=True)
class RuleLine:
    """One rule: its name, what it says, and how many contacts it has given points to, None where it is not kept."""

    pk: int
    name: str
    sentence: str
    points: float
    contact_count: int | None = None


@require_safe
@roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)
def scoring_rules(request: HttpRequest) -> HttpResponse:
    """The rules in force, or those of the version that the address names, and every version there was."""
    user = person(request)
    versions = list(ScoringModel.objects.select_related("published_by"))
    published = next(one for one in versions if one.status == ScoringModel.Status.PUBLISHED)
    asked = request.GET.get("version", "")
    model = (
        get_object_or_404(ScoringModel.objects.select_related("published_by"), version=int(asked))
        if (asked.isascii() and asked.isdigit() and len(asked) < 9)
        else published
    )
    counted = Count("components", filter=Q(components__count__gt=0))
    activity_rules = model.activity_rules.select_related("type").annotate(contact_count=counted)
    context = {
        "model": model,
        "published": published,
        "versions": versions,
        "activity_rules": [
            RuleLine(
                pk=rule.pk,
                name=rule.name,
                sentence=activity_sentence(rule, model),
                points=rule.points,
                contact_count=rule.contact_count,
            )
            for rule in activity_rules
        ],
        "fit_rules": [
            RuleLine(pk=rule.pk, name=rule.name, sentence=fit_sentence(rule), points=rule.points)
            for rule in model.fit_rules.all()
        ],
        "fit_bands": model.fit_bands,
        "engagement_bands": model.engagement_bands,
        "may_edit": user.is_marketer or user.is_admin,
        "tabs": tabs("scoring"),
    }
    return render(request, "scoring/rules.html", context)
