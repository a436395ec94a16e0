"""The contact page, for every role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRefresh, reselect, reswap, retarget

from crm.access import person
from crm.errors import NotFound
from crm.queries import card as card_queries
from crm.queries import duplicates
from leads.forms import DisqualifyForm, ReturnForm, SayForm
from leads.forms_sales import (
    AdjustForm,
    LogForm,
    LoseForm,
    PauseForm,
    QualifyForm,
    ReassignForm,
    RecycleForm,
    RedirectForm,
    RejectForm,
    WinForm,
)
from leads.forms_talks import OfferChangeForm, OfferForm, SatisfactionForm
from leads.forms_tasks import TaskForm

FORMS: Mapping[str, type[forms.Form]] = {
    "answer_form": RejectForm,
    "log_form": LogForm,
    "recycle_form": RecycleForm,
    "disqualify_form": DisqualifyForm,
    "return_form": ReturnForm,
    "reassign_form": ReassignForm,
    "pause_form": PauseForm,
    "offer_form": OfferForm,
    "win_form": WinForm,
    "lose_form": LoseForm,
    "adjust_form": AdjustForm,
    "redirect_form": RedirectForm,
    "satisfaction_form": SatisfactionForm,
    "task_form": TaskForm,
}

TYPED = ("comment", "note", "text")
"""The fields in which people write in their own words."""


@require_safe
def contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Everything that is known of one contact, and what the reader may do with it."""
    return contact_page(request, contact_id)


def contact_page(
    request: HttpRequest,
    contact_id: int,
    *,
    refused: Mapping[str, forms.Form] | None = None,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page, or its changing part for htmx; `refused` are forms with what was typed, by their name here."""
    try:
        found = card_queries.card_of(
            person(request),
            contact_id=contact_id,
            now=timezone.now(),
            is_whole="all" in request.GET,
            rule=request.GET.get("rule", ""),
        )
    except NotFound:
        return gone_page(request, contact=contact_id)
    if found.contact.pk != contact_id and request.method != "POST":
        return HttpResponsePermanentRedirect(reverse("contact", args=[found.contact.pk]))
    refused = refused or {}
    context: dict[str, Any] = {
        "card": found,
        "desk": found.desk,
        "conflict": conflict,
        "can_merge": duplicates.may_merge(person(request), found.contact),
        # A form that was refused stands open, so that what was typed is in sight.
        "opened": dict.fromkeys(refused, True),
    }
    context |= {name: refused.get(name) or form(auto_id=f"{name}_%s") for name, form in FORMS.items()}
    context["say_form"] = refused.get("say_form") or SayForm(auto_id="say_form_%s")
    context["qualify_form"] = refused.get("qualify_form") or QualifyForm(answers=found.answers)
    context["change_form"] = refused.get("change_form") or OfferChangeForm(offer=found.offer)
    if found.returns_date and "recycle_form" not in refused:
        proposed = {"resurface_at": found.returns_date, "reason": "too_early"}
        context["recycle_form"] = RecycleForm(auto_id="recycle_form_%s", initial=proposed)
    template = "leads/contact/body.html" if request.htmx else "leads/contact/page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


def gone_page(request: HttpRequest, **which: int) -> HttpResponse:
    """404; to those with whom the lead was before it says who has it now. `which` as `card.farewell` takes it."""
    words = card_queries.farewell(person(request), now=timezone.now(), **which)
    if not words:
        raise NotFound(_("There is no such contact."))
    typed = next((text for name in TYPED if (text := request.POST.get(name, "").strip())), "")
    context = {"words": words, "typed": typed}
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "leads/contact/gone.html", context, status=404)
    # What stands on the screen is no longer theirs: the whole page goes, but for what they typed.
    if not typed:
        return HttpResponseClientRefresh()
    page = render(request, "leads/contact/gone.html", context, status=409)
    return reselect(reswap(retarget(page, "#main"), "outerHTML"), "#main")
