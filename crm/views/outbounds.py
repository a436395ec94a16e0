"""Outbound: who is taken for a campaign, how many a day, and how it stands."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Conflict, Invalid
from crm.flows import outbounds as flows
from crm.forms_outbounds import OutboundForm
from crm.models import Role
from crm.queries import outbounds as queries
from leads.models import Outbound

SHOWN = 25
marketing_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)
setters_only = roles_required(Role.MARKETER, Role.MANAGER)


@marketing_only
@require_safe
def outbound_list(request: HttpRequest) -> HttpResponse:
    """All of them with how each stands."""
    rows = queries.outlooks(list(queries.outbounds()), user=person(request), at=timezone.now())
    context = {"rows": rows, "can_act": person(request).has_role(Role.MARKETER, Role.MANAGER)}
    return render(request, "leads/outbound/list.html", context)


@setters_only
@require_http_methods(["GET", "HEAD", "POST"])
def outbound_new(request: HttpRequest) -> HttpResponse:
    """Set one up; it takes nobody before it is started."""
    form = OutboundForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = flows.create_outbound(actor=person(request), values=form.cleaned_data, at=timezone.now())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Set up %(name)s. Nobody is taken yet.") % {"name": made})
            return HttpResponseRedirect(reverse("outbound", args=[made.pk]), status=303)
    return render(request, "leads/outbound/new.html", {"form": form}, status=422 if form.errors else 200)


@setters_only
@require_http_methods(["GET", "HEAD", "POST"])
def outbound_edit(request: HttpRequest, outbound_id: int) -> HttpResponse:
    """Change its name, how many it takes a day, or, before it took anybody, whom."""
    found, status = _found(outbound_id), 200
    is_settled = found.taken.exists()
    form = OutboundForm.of(found, request.POST if request.method == "POST" else None, is_settled=is_settled)
    if form.is_bound and form.is_valid():
        try:
            flows.edit_outbound(
                actor=person(request), outbound_id=outbound_id, values=form.cleaned_data, at=timezone.now()
            )
        except (Conflict, Invalid) as refusal:
            field = getattr(refusal, "field", None)
            form.add_error(field if field in form.fields else None, str(refusal))
            status = 409 if isinstance(refusal, Conflict) else 422
        else:
            toasts.tell(request=request, text=_("Saved, for whom it takes from now on."))
            return HttpResponseRedirect(reverse("outbound", args=[outbound_id]), status=303)
    elif form.is_bound:
        status = 422
    context = {"form": form, "outbound": found, "is_settled": is_settled}
    return render(request, "leads/outbound/edit.html", context, status=status)


def _found(outbound_id: int) -> Outbound:
    found = queries.outbounds().filter(id=outbound_id).first()
    if found is None:
        raise Http404
    return found


@marketing_only
@require_safe
def outbound_page(request: HttpRequest, outbound_id: int) -> HttpResponse:
    """What starting it will do, and whom it took."""
    found = _found(outbound_id)
    user, now = person(request), timezone.now()
    context = {
        "of": queries.outlooks([found], user=user, at=now)[0],
        "next_ones": queries.candidates(found, at=now).visible_to(user).select_related("company")[:SHOWN],
        "latest": found.taken.select_related("contact__company", "handoff").order_by("-at", "-id")[:SHOWN],
        "can_act": user.has_role(Role.MARKETER, Role.MANAGER),
    }
    return render(request, "leads/outbound/page.html", context)


@setters_only
@require_POST
def outbound_act(request: HttpRequest, outbound_id: int) -> HttpResponse:
    """Start it, pause it, or end it."""
    state = request.POST.get("state", "")
    if state not in Outbound.State.values:
        raise Http404
    found = flows.set_state(actor=person(request), outbound_id=outbound_id, state=state, at=timezone.now())
    said = {
        Outbound.State.RUNNING: _("%(name)s runs: the first are taken within a minute of working time."),
        Outbound.State.PAUSED: _("%(name)s is paused: it takes nobody until it goes on."),
        Outbound.State.ENDED: _("%(name)s has ended. Whom it took stays as it is."),
    }
    toasts.tell(request=request, text=said[Outbound.State(found.state)] % {"name": found})
    return HttpResponseRedirect(reverse("outbound", args=[found.pk]), status=303)
