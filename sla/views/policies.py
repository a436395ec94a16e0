"""What is promised: policies, for managers and administrators; and which one a lead gets, for whoever sees it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import promises as flows
from crm.models import Role
from crm.queries import promises as queries
from crm.queries import which
from leads.forms_conditions import condition_lists
from sla import ladder, tasks
from sla.forms_policies import PolicyForm
from sla.models import CalendarOf, ClockMove, Policy

FIELDS_OF = {"target_seconds": "target", "steps": "", "conditions": ""}
promisers_only = roles_required(Role.MANAGER, Role.ADMIN)


@promisers_only
@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy in the order in which it is asked."""
    return _list_page(request)


def _list_page(request: HttpRequest, *, status: int = 200) -> HttpResponse:
    groups = queries.policies()
    active = sum(row.policy.is_active for group in groups for row in group.rows)
    has_order = any(row.has_order for group in groups for row in group.rows)
    context = {"groups": groups, "active": active, "has_order": has_order}
    return render(request, "sla/policies/list.html", context, status=status)


@promisers_only
@require_http_methods(["GET", "HEAD", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    """Promise something more."""
    return _form_page(request, None)


@promisers_only
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Change a promise, or take it out of use."""
    return _form_page(request, get_object_or_404(Policy.objects.select_related("calendar"), id=policy_id))


@promisers_only
@require_POST
def policy_copy(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Make another one that promises the same, not in use yet."""
    made = flows.copy_policy(actor=person(request), policy_id=policy_id, at=timezone.now())
    toasts.tell(request=request, text=_("This is the copy. It starts no clocks until it is in use."))
    return HttpResponseRedirect(reverse("policy_edit", args=[made.pk]), status=303)


@promisers_only
@require_POST
def policy_delete(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Remove one under which no clock was ever started."""
    policy = get_object_or_404(Policy, id=policy_id)
    try:
        flows.delete_policy(actor=person(request), policy_id=policy_id)
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return HttpResponseRedirect(reverse("policy_edit", args=[policy_id]), status=303)
    toasts.tell(request=request, text=_("Removed the policy %(name)s.") % {"name": policy.name})
    return HttpResponseRedirect(reverse("policies"), status=303)


@promisers_only
@require_POST
def policy_shift(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Have one asked a place earlier or later."""
    by = {"up": -1, "down": 1}.get(request.POST.get("to", ""))
    if by is None:
        toasts.warn(request=request, text=_("Say whether it goes up or down."))
        return _list_page(request, status=422)
    flows.shift_policy(actor=person(request), policy_id=policy_id, by=by)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "sla/policies/table.html", {"groups": queries.policies()})
    return HttpResponseRedirect(f"{reverse('policies')}#policy-{policy_id}", status=303)


@promisers_only
@require_POST
def policy_move(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Bring the clocks that run on what is no longer promised under what fits them now."""
    try:
        move = flows.move_clocks(actor=person(request), policy_id=policy_id, at=timezone.now())
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        tasks.run_soon(move)
        toasts.tell(request=request, text=_moved(move))
    return HttpResponseRedirect(reverse("policy_edit", args=[policy_id]), status=303)


def _suggested() -> dict[str, object]:
    """What a new promise starts with: the hours that people work, not the first calendar by name."""
    last_asked = Policy.objects.filter(is_active=True).order_by("-position", "id").first()
    calendar_id = last_asked.calendar_id if last_asked else None
    return {"target": "4 h", "calendar": calendar_id, "calendar_of": CalendarOf.NAMED.value}


def _form_page(request: HttpRequest, policy: Policy | None) -> HttpResponse:
    form = PolicyForm(request.POST if request.method == "POST" else None, policy=policy, initial=_suggested())
    if form.is_bound and form.is_valid():
        if request.POST.get("act") == "restate":
            return render(request, "sla/policies/said.html", {"said": _restated(form)})
        try:
            return _save(request, form, policy)
        except Invalid as refusal:
            field = FIELDS_OF.get(refusal.field or "", refusal.field) or None
            form.add_error(field if field in form.fields else None, str(refusal))
        except Conflict as refusal:
            form.add_error(None, str(refusal))
    elif request.POST.get("act") == "restate":
        # What is being typed makes no sense yet; saving says why.
        return render(request, "sla/policies/said.html", {"said": ""})
    kept = Policy.objects.select_related("calendar").get(id=policy.pk) if policy else None
    context = {
        "form": form,
        "policy": kept,
        "of": queries.policy_page(kept, now=timezone.now()) if kept else None,
        "condition_lists": condition_lists(),
        "wants_move": "move" in request.POST,
    }
    return render(request, "sla/policies/form.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, form: PolicyForm, policy: Policy | None) -> HttpResponse:
    user, now, move = person(request), timezone.now(), None
    if policy is None:
        saved = flows.create_policy(actor=user, values=form.values(), at=now)
    else:
        has_move = "move" in request.POST
        saved, move = flows.edit_policy(
            actor=user, policy_id=policy.pk, values=form.values(), at=now, has_move=has_move
        )
    tasks.run_soon(move)
    text = _("Saved the policy %(name)s.") % {"name": saved.name}
    toasts.tell(request=request, text=f"{text} {_moved(move)}" if move else text)
    address = reverse("policy_edit", args=[saved.pk]) if move and not move.is_done else reverse("policies")
    return HttpResponseRedirect(address, status=303)


def _moved(move: ClockMove) -> str:
    if not move.is_done:
        return _("Its clocks are being moved.")
    return ngettext("%(n)d clock was moved.", "%(n)d clocks were moved.", move.moved) % {"n": move.moved}


def _restated(form: PolicyForm) -> str:
    values = form.values()
    promised = {name: values[name] for name in ("target_seconds", "calendar_of", "conditions", "steps")}
    return queries.promise_in_words(
        values["milestone"],
        names=ladder.names_in([values["steps"]]),
        **promised | {"calendar": values["calendar"].name},
    )


@require_safe
def which_policy(request: HttpRequest) -> HttpResponse:
    """Which policy a lead gets, and why: for a contact or its open handoff, to whoever sees it."""
    user, now = person(request), timezone.now()
    query = request.GET.get("q", "").strip()[:200]
    asked = request.GET.get("contact", "")
    answer = which.which(user, contact_id=which.as_id(asked), now=now) if asked else None
    context = {"answer": answer, "query": query, "found": which.contacts_found(user, query) if query else None}
    return render(request, "sla/policies/which.html", context | {"now": now})
