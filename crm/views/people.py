"""Administrators' page of the people who work with Baton."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.flows import people as flows
from crm.flows import ways_out
from crm.forms import PersonForm, time_zones
from crm.models import Role, User
from crm.queries import holdings
from crm.queries.calendars import company_zone
from leads.models import Handoff
from leads.models.handoffs import OPEN

admins_only = roles_required(Role.ADMIN)


@admins_only
@require_safe
def settings_home(request: HttpRequest) -> HttpResponse:
    """The first page of the settings."""
    return redirect("people")


@admins_only
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, those who are gone at the end."""
    rows = (
        User.objects.select_related("team")
        .prefetch_related("role_rows")
        .annotate(open_count=Count("handoffs", filter=Q(handoffs__state__in=OPEN), distinct=True))
        .order_by("-is_active", "name", "id")
    )
    context = {"people": rows, "active_count": sum(one.is_active for one in rows), "roles": dict(Role.choices)}
    return render(request, "people/list.html", context)


@admins_only
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    """Enter a person; their first password is shown once, here."""
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm(initial={"time_zone": company_zone()})
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            made, password = flows.create_person(
                actor=person(request), roles=values.pop("roles"), values=values, at=timezone.now()
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            return render(request, "people/password.html", {"person": made, "password": password, "is_new": True})
    return _form_page(request, form)


@admins_only
@require_http_methods(["GET", "HEAD", "POST"])
def person_edit(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change a person's roles, duty, team and capacity."""
    found = get_object_or_404(User.objects.prefetch_related("role_rows"), id=person_id)
    form = PersonForm(request.POST) if request.method == "POST" else PersonForm.of(found)
    if form.is_bound and form.is_valid():
        values = dict(form.cleaned_data)
        roles = values.pop("roles")
        # Who goes with something in hand hands it over first, on a page of its own; the rest is saved now.
        going = _going(found, values=values, roles=roles)
        if going:
            values |= {"is_active": True, "is_on_duty": found.is_on_duty}
            roles = roles if Role.SALESPERSON in roles or not found.is_salesperson else [*roles, Role.SALESPERSON]
        try:
            flows.edit_person(
                actor=person(request),
                person_id=person_id,
                roles=roles,
                values=values,
                at=timezone.now(),
            )
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            if going:
                return HttpResponseRedirect(f"{reverse('hand_over', args=[person_id])}?why={going}", status=303)
            toasts.tell(request=request, text=_("Saved %(name)s.") % {"name": values["name"]})
            return HttpResponseRedirect(reverse("people"), status=303)
    return _form_page(request, form, found=found, held=Handoff.objects.open().filter(assignee=found).count())


def _going(found: User, *, values: dict[str, Any], roles: list[str]) -> str:
    """In what way a person would go who holds something that then has to be handed over; empty when in none."""
    kind = ways_out.way_out(found, values=values, roles=roles)
    return kind if kind and holdings.holdings(found, kind=kind, user=None).items else ""


def _form_page(request: HttpRequest, form: PersonForm, **more: Any) -> HttpResponse:
    context = {"form": form, "time_zones": time_zones(), **more}
    return render(request, "people/form.html", context, status=422 if form.errors else 200)


@admins_only
@never_cache
@require_POST
def person_password(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give a person a new password, shown once."""
    found, password = flows.give_password(actor=person(request), person_id=person_id, at=timezone.now())
    return render(request, "people/password.html", {"person": found, "password": password, "is_new": False})
