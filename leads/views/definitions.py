"""What both teams agreed on: read by everybody, written by managers and administrators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import definitions as flows
from crm.models import Role
from crm.queries import definitions as queries
from crm.queries import which
from leads import reasons
from leads.forms_conditions import condition_lists
from leads.forms_definitions import DefinitionForm, HandoverForm, ReasonForm
from leads.models import HandoverRule, Reason

definers_only = roles_required(Role.MANAGER, Role.ADMIN)


def is_definer(request: HttpRequest) -> bool:
    """Whether the reader may change what was agreed."""
    return person(request).has_role(Role.MANAGER, Role.ADMIN)


# Words ----------------------------------------------------------------------------------------------------------------


@require_safe
def definition_list(request: HttpRequest) -> HttpResponse:
    """Every word with what it means, since when and by whom."""
    context = {"words": queries.definitions(), "can_change": is_definer(request), "tab": "words"}
    return render(request, "leads/definitions/words.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def definition_page(request: HttpRequest, word: str) -> HttpResponse:
    """One word with all that it has meant; managers and administrators write what it means from now on."""
    found = next((one for one in queries.definitions() if one.word == word), None)
    if found is None:
        raise Http404(_("There is no such word."))
    form, status = DefinitionForm(initial={"text": found.text, "seen": found.number}), 200
    if request.method == "POST":
        form = DefinitionForm(request.POST)
        if form.is_valid():
            try:
                flows.define(actor=person(request), word=word, at=timezone.now(), **form.cleaned_data)
            except Invalid as refusal:
                form.add_error("text", str(refusal))
            except Conflict as refusal:
                # What was typed stays; saved once more it follows what the colleague wrote, which is shown beside it.
                found = next(one for one in queries.definitions() if one.word == word)
                form = DefinitionForm(request.POST | {"seen": str(found.number)})
                form.add_error(None, str(refusal))
                status = 409
            else:
                toasts.tell(request=request, text=_("From now on everybody reads this."))
                return HttpResponseRedirect(reverse("definitions"), status=303)
        status = status if status == 409 else 422
    context = {"found": found, "form": form, "can_change": is_definer(request)}
    return render(request, "leads/definitions/word.html", context, status=status)


# Reasons --------------------------------------------------------------------------------------------------------------


@require_safe
def reason_list(request: HttpRequest) -> HttpResponse:
    """Every reason, by what it is a reason for."""
    return _reasons_page(request)


def _reasons_page(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    return render(request, "leads/definitions/reasons.html", _reasons(request), status=status)


def _reasons(request: HttpRequest) -> dict[str, Any]:
    groups = queries.reason_groups(person(request))
    return {
        "groups": groups,
        "in_use": sum(not row.reason.is_retired for group in groups for row in group.rows),
        "can_change": is_definer(request),
        "tab": "reasons",
    }


@definers_only
@require_http_methods(["GET", "HEAD", "POST"])
def reason_new(request: HttpRequest) -> HttpResponse:
    """Let people give a further reason."""
    return _reason_form(request, None)


@definers_only
@require_http_methods(["GET", "HEAD", "POST"])
def reason_edit(request: HttpRequest, reason_id: int) -> HttpResponse:
    """Say one in other words."""
    return _reason_form(request, get_object_or_404(Reason, id=reason_id, kind__in=reasons.KINDS))


def _reason_form(request: HttpRequest, reason: Reason | None) -> HttpResponse:
    form = ReasonForm(request.POST or None, reason=reason, kind=request.GET.get("kind", ""))
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            if reason is None:
                kind = values.pop("kind")
                saved = flows.add_reason(actor=person(request), kind=kind, values=values)
            else:
                saved = flows.edit_reason(actor=person(request), reason_id=reason.pk, values=values)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the reason %(name)s.") % {"name": saved})
            return HttpResponseRedirect(f"{reverse('reasons')}#reason-{saved.pk}", status=303)
    context = {"form": form, "reason": reason}
    return render(request, "leads/definitions/reason.html", context, status=422 if form.errors else 200)


@definers_only
@require_POST
def reason_shift(request: HttpRequest, reason_id: int) -> HttpResponse:
    """Offer one a place earlier or later."""
    by = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if by is None:
        toasts.warn(request=request, text=_("Say whether it goes up or down."))
        return _reasons_page(request, status=422)
    flows.shift_reason(actor=person(request), reason_id=reason_id, by=by)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/definitions/reason_lists.html", _reasons(request))
    return HttpResponseRedirect(f"{reverse('reasons')}#reason-{reason_id}", status=303)


@definers_only
@require_POST
def reason_retire(request: HttpRequest, reason_id: int) -> HttpResponse:
    """Offer one no more; old answers keep it."""
    reason = get_object_or_404(Reason, id=reason_id)
    text = _("Retired %(name)s: nobody can give it any more, and old answers keep it.") % {"name": reason}
    return _do(request, text, lambda: _set_retired(request, reason_id, True))


@definers_only
@require_POST
def reason_bring_back(request: HttpRequest, reason_id: int) -> HttpResponse:
    """Offer a retired one again."""
    reason = get_object_or_404(Reason, id=reason_id)
    text = _("%(name)s can be given again.") % {"name": reason}
    return _do(request, text, lambda: _set_retired(request, reason_id, False))


@definers_only
@require_POST
def reason_delete(request: HttpRequest, reason_id: int) -> HttpResponse:
    """Remove one that was never given."""
    reason = get_object_or_404(Reason, id=reason_id)
    text = _("Removed the reason %(name)s.") % {"name": reason}
    return _do(request, text, lambda: flows.delete_reason(actor=person(request), reason_id=reason_id))


def _set_retired(request: HttpRequest, reason_id: int, is_retired: bool) -> None:
    flows.edit_reason(actor=person(request), reason_id=reason_id, values={"is_retired": is_retired})


def _do(request: HttpRequest, text: str, act: Callable[[], None], *, to: str = "reasons") -> HttpResponse:
    """Do it and say so, or say why not; then the list again."""
    try:
        act()
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=text)
    return HttpResponseRedirect(reverse(to), status=303)


# The hand-over rule ---------------------------------------------------------------------------------------------------


@require_safe
def handover_list(request: HttpRequest) -> HttpResponse:
    """Every rule in the order in which it is asked, and what happens to all other leads."""
    return _handover_page(request)


def _handover_page(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    return render(request, "leads/definitions/handover.html", _handover(request), status=status)


def _handover(request: HttpRequest) -> dict[str, Any]:
    rows = queries.handover_rules(person(request))
    in_use = [row for row in rows if row.rule.is_active]
    return {
        "rows": rows,
        "in_use": len(in_use),
        "has_rest": not any(row.takes_the_rest for row in in_use),
        "can_change": is_definer(request),
        "tab": "handover",
    }


@require_safe
def handover_which(request: HttpRequest) -> HttpResponse:
    """What would happen to a lead that crossed the threshold now, and why; to whoever sees it."""
    user, now = person(request), timezone.now()
    query, asked = request.GET.get("q", "").strip()[:200], request.GET.get("contact", "")
    context = {
        "query": query,
        "found": which.contacts_found(user, query) if query else None,
        "outcome": queries.outcome(user, contact_id=which.as_id(asked), now=now) if asked else None,
    }
    return render(request, "leads/definitions/handover_which.html", context)


@definers_only
@require_http_methods(["GET", "HEAD", "POST"])
def handover_new(request: HttpRequest) -> HttpResponse:
    """Add a rule."""
    return _handover_form(request, HandoverRule())


@definers_only
@require_http_methods(["GET", "HEAD", "POST"])
def handover_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change a rule, or take it out of use."""
    return _handover_form(request, get_object_or_404(HandoverRule, id=rule_id))


def _handover_form(request: HttpRequest, rule: HandoverRule) -> HttpResponse:
    name, form = rule.name, HandoverForm(request.POST or None, rule=rule)
    if form.is_bound and form.is_valid():
        try:
            if rule._state.adding:
                saved = flows.add_handover_rule(actor=person(request), values=form.values())
            else:
                saved = flows.edit_handover_rule(actor=person(request), rule_id=rule.pk, values=form.values())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            text = _("Saved the rule %(name)s. It holds for leads from now on.") % {"name": saved}
            toasts.tell(request=request, text=text)
            return HttpResponseRedirect(f"{reverse('handover')}#rule-{saved.pk}", status=303)
    context = {"form": form, "rule": rule, "name": name, "condition_lists": condition_lists()}
    return render(request, "leads/definitions/handover_rule.html", context, status=422 if form.errors else 200)


@definers_only
@require_POST
def handover_shift(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Have a rule asked a place earlier or later."""
    by = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if by is None:
        toasts.warn(request=request, text=_("Say whether it goes up or down."))
        return _handover_page(request, status=422)
    flows.shift_handover_rule(actor=person(request), rule_id=rule_id, by=by)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/definitions/handover_rules.html", _handover(request))
    return HttpResponseRedirect(f"{reverse('handover')}#rule-{rule_id}", status=303)


@definers_only
@require_POST
def handover_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Remove a rule that passed nothing to sales yet."""
    rule = get_object_or_404(HandoverRule, id=rule_id)
    text = _("Removed the rule %(name)s.") % {"name": rule}
    act = partial(flows.delete_handover_rule, actor=person(request), rule_id=rule_id)
    return _do(request, text, act, to="handover")
