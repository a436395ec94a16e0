"""How leads find people: rules and rotations, for managers and administrators; who would get a lead, for reviewers."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import routes as flows
from crm.forms_routing import RoutingRuleForm, RoutingSettingsForm
from crm.models import Role
from crm.queries import routes as queries
from crm.queries import which
from crm.queries.who import who
from leads.forms_conditions import condition_lists
from leads.models import RoutingRule, RoutingSettings

PAGE_SIZE = 50
FIELDS_OF = {"overflow_seconds": "overflow_after"}
routers_only = roles_required(Role.MANAGER, Role.ADMIN)
readers_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@routers_only
@require_safe
def routing(request: HttpRequest) -> HttpResponse:
    """Every rule in the order in which it is asked, with what each person got by it."""
    return _list_page(request)


def _list_page(request: HttpRequest, *, form: RoutingSettingsForm | None = None, status: int = 200) -> HttpResponse:
    rows = queries.rules(now=timezone.now())
    context = {
        "rows": rows,
        "active": sum(row.rule is not None and row.rule.is_active for row in rows),
        "has_order": any(row.has_order for row in rows),
        "waiting": queries.waiting_count(user=person(request)),
        "form": form or RoutingSettingsForm.of(RoutingSettings.objects.get()),
    }
    return render(request, "routing/list.html", context, status=status)


@routers_only
@require_POST
def routing_settings(request: HttpRequest) -> HttpResponse:
    """Say what becomes of a lead that waits too long."""
    form = RoutingSettingsForm(request.POST)
    if form.is_valid():
        try:
            flows.save_settings(actor=person(request), values=form.cleaned_data, at=timezone.now())
        except Invalid as refusal:
            field = FIELDS_OF.get(refusal.field or "", refusal.field)
            form.add_error(field if field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved what becomes of leads that wait."))
            return HttpResponseRedirect(reverse("routing"), status=303)
    return _list_page(request, form=form, status=422)


@routers_only
@require_http_methods(["GET", "HEAD", "POST"])
def routing_new(request: HttpRequest) -> HttpResponse:
    """Add a rule."""
    return _form_page(request, None)


@routers_only
@require_http_methods(["GET", "HEAD", "POST"])
def routing_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change a rule, or take it out of use."""
    return _form_page(request, get_object_or_404(RoutingRule.objects.prefetch_related("members"), id=rule_id))


def _form_page(request: HttpRequest, rule: RoutingRule | None) -> HttpResponse:
    form = RoutingRuleForm(request.POST if request.method == "POST" else None, rule=rule)
    if form.is_bound and form.is_valid():
        user = person(request)
        try:
            if rule is None:
                saved = flows.create_rule(actor=user, values=form.values())
            else:
                saved = flows.edit_rule(actor=user, rule_id=rule.pk, values=form.values())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the rule %(name)s.") % {"name": saved.name})
            return HttpResponseRedirect(reverse("routing"), status=303)
    context = {"form": form, "rule": rule, "condition_lists": condition_lists()}
    return render(request, "routing/form.html", context, status=422 if form.errors else 200)


@routers_only
@require_POST
def routing_shift(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Have one asked a place earlier or later."""
    by = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if by is None:
        toasts.warn(request=request, text=_("Say whether it goes up or down."))
        return _list_page(request, status=422)
    flows.shift_rule(actor=person(request), rule_id=rule_id, by=by)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "routing/table.html", {"rows": queries.rules(now=timezone.now())})
    return HttpResponseRedirect(f"{reverse('routing')}#rule-{rule_id}", status=303)


@routers_only
@require_POST
def routing_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Remove one by which nobody ever got a lead."""
    rule = get_object_or_404(RoutingRule, id=rule_id)
    try:
        flows.delete_rule(actor=person(request), rule_id=rule_id)
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return HttpResponseRedirect(reverse("routing_edit", args=[rule_id]), status=303)
    toasts.tell(request=request, text=_("Removed the rule %(name)s.") % {"name": rule.name})
    return HttpResponseRedirect(reverse("routing"), status=303)


@routers_only
@require_safe
def routing_turns(request: HttpRequest, rotation_id: int) -> HttpResponse:
    """The turns of a rotation since it began: the rows behind the counts."""
    asked = request.GET.get("person", "")
    found = queries.turns(rotation_id=rotation_id, person_id=which.as_id(asked) if asked else None)
    page = Paginator(found.rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "routing/turns.html", {"turns": found, "page": page})


@readers_only
@require_safe
def routing_who(request: HttpRequest) -> HttpResponse:
    """Who would get a lead, and why: every step before a contact or its open handoff."""
    user, now = person(request), timezone.now()
    query, asked = request.GET.get("q", "").strip()[:200], request.GET.get("contact", "")
    answer = who(user, contact_id=which.as_id(asked), now=now) if asked else None
    context = {"answer": answer, "query": query, "found": which.contacts_found(user, query) if query else None}
    return render(request, "routing/who.html", context)
