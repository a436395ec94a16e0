"""What sales answered, by rule, campaign and type of activity; and the way from a bad rule to a draft without it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.flows import publishing
from crm.models import Role
from crm.queries import rule_feedback as queries
from scoring.models import ScoringModel
from scoring.views.tabs import tabs

PAGE_SIZE = 50
judges_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@judges_only
@require_safe
def rule_feedback(request: HttpRequest) -> HttpResponse:
    """The answers to one version, the published one unless the address names another."""
    user, model = person(request), _asked(request)
    found = queries.feedback(model, user=user)
    context = {
        "found": found,
        "versions": queries.versions_answered(),
        "groups": (
            (_("What they did"), _("rules that gave or took points"), found.rules),
            (_("Who they are"), _("rules of fit"), found.fit),
            (_("Campaigns"), _("met before the handoff"), found.campaigns),
            (_("Activities"), _("done before the handoff"), found.types),
        ),
        "may_draft": user.is_marketer or user.is_admin,
        "tabs": tabs("rule_feedback"),
    }
    return render(request, "scoring/feedback.html", context)


@judges_only
@require_safe
def feedback_handoffs(request: HttpRequest) -> HttpResponse:
    """The handoffs behind one number of the feedback."""
    user = person(request)
    found = queries.feedback(_asked(request), user=user)
    by, key = request.GET.get("by", ""), request.GET.get("key", "")
    line = found.line(by, key)
    if by and line is None:
        raise Http404(_("No handoff stands under that."))
    is_rejected = request.GET.get("answer") == "rejected"
    rows = queries.handoffs_behind(found, by=by, key=key, is_rejected=is_rejected, user=user)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"found": found, "line": line, "is_rejected": is_rejected, "page": page, "tabs": tabs("rule_feedback")}
    return render(request, "scoring/feedback_handoffs.html", context)


@judges_only
@require_POST
def draft_with_rule(request: HttpRequest) -> HttpResponse:
    """Draft a copy of a version and open it with one of its rules selected."""
    by, key = request.POST.get("by", ""), request.POST.get("key", "")
    model = get_object_or_404(ScoringModel, version=_number(request.POST.get("version", "")))
    related = {queries.RULE: "activity_rules", queries.FIT: "fit_rules"}.get(by)
    rule = getattr(model, related).filter(id=_number(key)).first() if related else None
    if related is None or rule is None:
        raise Http404(_("This version has no such rule."))
    draft = publishing.draft_from(actor=person(request), model_id=model.pk, at=timezone.now())
    copy = getattr(draft, related).filter(position=rule.position, name=rule.name).first()
    toasts.tell(
        request=request,
        text=_("Version %(version)d is a draft of version %(base)d.")
        % {"version": draft.version, "base": model.version},
    )
    return HttpResponseRedirect(_address(draft, by=by, rule_id=copy.pk if copy else None), status=303)


def _address(draft: ScoringModel, *, by: str, rule_id: int | None) -> str:
    selected = {by: rule_id} if rule_id else {}
    try:
        page, asked = reverse("scoring_draft", args=[draft.pk]), selected
    except NoReverseMatch:
        page, asked = reverse("scoring"), {"version": draft.version} | selected
    return f"{page}?{urlencode(asked)}" if asked else page


def _asked(request: HttpRequest) -> ScoringModel:
    models = ScoringModel.objects.exclude(status=ScoringModel.Status.DRAFT)
    asked = request.GET.get("version", "")
    if not asked:
        return get_object_or_404(models, status=ScoringModel.Status.PUBLISHED)
    return get_object_or_404(models, version=_number(asked))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
