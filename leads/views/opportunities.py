"""Offers in money: the list, and opening, winning and losing them from the contact page."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import flows, formats
from crm.access import person
from crm.flows import AfterLoss
from crm.queries import card as card_queries
from crm.queries import desk
from crm.queries import opportunities as queries
from leads.forms_sales import LoseForm, WinForm
from leads.forms_talks import OfferForm
from leads.models import Opportunity
from leads.stages import Refusal, VerbName
from leads.views.answers import act, handoff_to, or_gone

PAGE_SIZE = 50


@require_safe
def opportunity_list(request: HttpRequest) -> HttpResponse:
    """Offers by state, those that wait longest first."""
    user, now = person(request), timezone.now()
    given = {name: str(value) for name, value in request.GET.items()}
    given.setdefault("state", Opportunity.State.OPEN)
    chosen = queries.OpportunityListFilter(given, queryset=queries.opportunities_of(user))
    page = Paginator(chosen.qs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "page": page,
        "summary": queries.summary_of(user, given=given),
        "state": given["state"],
        "now": now,
        "shows_owner": user.sees_all_contacts,
    }
    return render(request, "leads/opportunities.html", context)


@require_POST
@or_gone
def opportunity_open(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """The owner sends an offer."""
    handoff = handoff_to(request, handoff_id, VerbName.OPEN_OPPORTUNITY)

    def send(values: dict[str, Any]) -> str:
        offer = flows.open_opportunity(actor=person(request), handoff_id=handoff_id, at=timezone.now(), **values)
        amount = formats.money(offer.amount, currency=offer.currency)
        return _("%(name)s is an opportunity of %(amount)s.") % {"name": offer.contact, "amount": amount}

    form = OfferForm(request.POST, auto_id="offer_form_%s")
    return act(request, handoff.contact_id, form=form, name="offer_form", do=send, undo=handoff_id)


@require_POST
def opportunity_win(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """They bought."""
    offer = _opportunity_to(request, opportunity_id, VerbName.WIN)

    def win(values: dict[str, Any]) -> str:
        won = flows.win_opportunity(actor=person(request), opportunity_id=opportunity_id, at=timezone.now(), **values)
        amount = formats.money(won.amount, currency=won.currency)
        return _("Won %(name)s, %(amount)s.") % {"name": won.name, "amount": amount}

    form = WinForm(request.POST, auto_id="win_form_%s")
    return act(request, offer.contact_id, form=form, name="win_form", do=win, undo=offer.handoff_id)


@require_POST
def opportunity_lose(request: HttpRequest, opportunity_id: int) -> HttpResponse:
    """They did not buy, and what then."""
    offer = _opportunity_to(request, opportunity_id, VerbName.LOSE)

    def lose(values: dict[str, Any]) -> str:
        lost = flows.lose_opportunity(
            actor=person(request),
            opportunity_id=opportunity_id,
            reason=values["reason"],
            then=AfterLoss(values["then"]),
            then_reason=values["then_reason"],
            resurface_at=values["resurface_at"],
            comment=values["comment"],
            at=timezone.now(),
        )
        return _("Lost %(name)s: %(reason)s.") % {"name": lost.name, "reason": lost.reason}

    form = LoseForm(request.POST, auto_id="lose_form_%s")
    return act(request, offer.contact_id, form=form, name="lose_form", do=lose, undo=offer.handoff_id)


def _opportunity_to(request: HttpRequest, opportunity_id: int, verb: VerbName) -> Opportunity:
    """The opportunity, for somebody whose place it is to close it."""
    user = person(request)
    offer = card_queries.opportunity_seen(user, opportunity_id)
    if desk.may(user, verb, contact=offer.contact, handoff=offer.handoff) is Refusal.WRONG_ROLE:
        raise PermissionDenied(_("That is for the owner of the contact to do."))
    return offer
