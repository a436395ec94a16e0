"""What is promised: policies, for managers and administrators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import promises as flows
from crm.models import Role
from crm.queries import promises as queries
from sla import ladder
from sla.forms import PolicyForm
from sla.models import Policy

promisers_only = roles_required(Role.MANAGER, Role.ADMIN)


@promisers_only
@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Every policy in the order in which it is asked."""
    groups = queries.policies()
    active = sum(row.policy.is_active for group in groups for row in group.rows)
    return render(request, "sla/policies/list.html", {"groups": groups, "active": active})


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


def _suggested() -> dict[str, object]:
    """What a new promise starts with: the hours that people work, not the first calendar by name."""
    last_asked = Policy.objects.filter(is_active=True).order_by("-position", "id").first()
    return {"hours": 4, "calendar": last_asked.calendar_id if last_asked else None}


def _form_page(request: HttpRequest, policy: Policy | None) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    form = PolicyForm.of(policy, data) if policy else PolicyForm(data, initial=_suggested())
    if form.is_bound and form.is_valid():
        user, now = person(request), timezone.now()
        try:
            if policy is None:
                saved = flows.create_policy(actor=user, values=form.values(), at=now)
            else:
                saved = flows.edit_policy(actor=user, policy_id=policy.pk, values=form.values(), at=now)
        except Invalid as refusal:
            field = "hours" if refusal.field == "target_seconds" else refusal.field
            form.add_error(field if field in form.fields else None, str(refusal))
        except Conflict as refusal:
            form.add_error(None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the policy %(name)s.") % {"name": saved.name})
            return HttpResponseRedirect(reverse("policies"), status=303)
    steps = policy.steps if policy else []
    context = {
        "form": form,
        "policy": policy,
        "conditions": queries.conditions_in_words(policy.conditions) if policy else (),
        "ladder": queries.ladder_in_words(steps, ladder.names_in([steps])),
    }
    return render(request, "sla/policies/form.html", context, status=422 if form.errors else 200)
