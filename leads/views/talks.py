"""Opportunities on their way: the board, moving and changing them, and how satisfied customers are."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import flows, formats, toasts
from crm.access import person
from crm.errors import Conflict, Forbidden
from crm.flows.talks import may_change
from crm.queries import board as queries
from crm.queries import card as card_queries
from leads.forms_talks import MoveForm, OfferChangeForm, SatisfactionForm
from leads.models import Opportunity
from leads.views.answers import act
from leads.views.review import back_to


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Open opportunities in columns, one a step."""
    return _board_page(request)


def _board_page(request: HttpRequest, *, conflict: str = "", status: int = 200) -> HttpResponse:
    user = person(request)
    given = {name: str(value) for name, value in request.GET.items()}
    context = {
        "board": queries.board_of(user, given=given),
        "now": timezone.now(),
        "shows_owner": user.sees_all_contacts,
        "query": request.GET.urlencode(),
        "conflict": conflict,
    }
    template = "leads/board/fragment.html" if request.htmx else "leads/board/page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


@require_POST
def opportunity_move(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """The talks have come further, or back: from the board, or from the contact page."""
    offer = _changeable(request, opportunity_id)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _board_page(request, conflict=_("There is no such step."), status=422)
    try:
        moved = flows.move_opportunity(
            actor=person(request), opportunity_id=offer.pk, step=form.cleaned_data["step"], at=timezone.now()
        )
    except Conflict as refusal:
        return _board_page(request, conflict=str(refusal), status=409)
    back = back_to(request)
    text = _("%(name)s: %(step)s.") % {"name": moved.contact, "step": moved.get_step_display()}
    toasts.tell(request=request, text=text, undo_url=f"{_undo_at(offer.pk)}?{urlencode({'next': back})}")
    if request.htmx:  # type: ignore[attr-defined]
        return _board_page(request)
    return HttpResponseRedirect(back, status=303)


@require_POST
def opportunity_change(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """Another name, amount, currency or day of the offer."""
    offer = _changeable(request, opportunity_id)

    def change(values: dict[str, Any]) -> str:
        changed = flows.change_opportunity(
            actor=person(request), opportunity_id=offer.pk, values=values, at=timezone.now()
        )
        amount = formats.money(changed.amount, currency=changed.currency)
        return _("%(name)s: %(amount)s.") % {"name": changed.name, "amount": amount}

    form = OfferChangeForm(request.POST, offer=offer)
    return act(request, offer.contact_id, form=form, name="change_form", do=change, undo_at=_undo_at(offer.pk))


@require_POST
def opportunity_satisfaction(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """How satisfied a customer is, and what they said."""
    offer = _changeable(request, opportunity_id)

    def rate(values: dict[str, Any]) -> str:
        rated = flows.rate_satisfaction(actor=person(request), opportunity_id=offer.pk, at=timezone.now(), **values)
        return _("%(name)s: %(rating)d of 5.") % {"name": rated.contact, "rating": rated.satisfaction}

    form = SatisfactionForm(request.POST, auto_id="satisfaction_form_%s")
    return act(request, offer.contact_id, form=form, name="satisfaction_form", do=rate, undo_at=_undo_at(offer.pk))


@require_POST
def opportunity_case_study(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """Tell marketing of a satisfied customer."""
    offer = _changeable(request, opportunity_id)

    def suggest(values: dict[str, Any]) -> str:
        told = flows.suggest_case_study(actor=person(request), opportunity_id=offer.pk, at=timezone.now())
        return _("Marketing hears of %(name)s.") % {"name": told.contact}

    form = forms.Form(request.POST)
    return act(request, offer.contact_id, form=form, name="", do=suggest, undo_at=_undo_at(offer.pk))


@require_POST
def opportunity_undo(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """Take back one's own last change of an opportunity, within ten minutes."""
    try:
        since = toasts.undo_since(request)
        offer = flows.undo_opportunity(
            actor=person(request), opportunity_id=opportunity_id, since=since, at=timezone.now()
        )
    except (Conflict, Forbidden) as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=_("Taken back: %(name)s is as before.") % {"name": offer.contact})
    return HttpResponseRedirect(back_to(request), status=303)


def _undo_at(opportunity_id: int) -> str:
    return reverse("opportunity_undo", args=[opportunity_id])


def _changeable(request: HttpRequest, opportunity_id: int) -> Opportunity:
    """The opportunity, for somebody whose place it is to change it."""
    offer = card_queries.opportunity_seen(person(request), opportunity_id)
    if not may_change(person(request), offer):
        raise PermissionDenied(_("That is for the owner or a manager to do."))
    return offer
