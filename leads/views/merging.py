"""Contacts that may be one person: as what else one is known, and merging two of them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from crm import flows, toasts
from crm.access import person
from crm.errors import Conflict, Forbidden, Invalid
from crm.models import User
from crm.queries import duplicates
from leads import queries
from leads.filters import ContactFilter
from leads.models import Contact

CHOICE = "choice-"
FOUND = 10


@require_safe
def contact_identity(request: HttpRequest, contact_id: int) -> HttpResponse:
    """As what else a contact is known, and who may be the same person: a fragment of the contact page."""
    user = person(request)
    found = duplicates.identity_of(user, contact_id)
    context = {"identity": found, "can_merge": duplicates.may_merge(user, found.contact)}
    return render(request, "leads/merging/identity.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def contact_merge(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Find the other contact of the same person, compare the two, and merge them."""
    user = person(request)
    kept = duplicates.contact_for_merging(user, contact_id)
    if not duplicates.may_merge(user, kept):
        raise Forbidden(_("Marketers, managers and administrators merge contacts, and who owns both."))
    given = request.POST if request.method == "POST" else request.GET
    other = given.get("with", "")
    if not (other.isascii() and other.isdigit() and len(other) < 19):
        return _choose_page(request, user, kept)
    merged = duplicates.contact_for_merging(user, int(other))
    if request.method != "POST":
        return _compare_page(request, user, kept, merged)
    choices = {name.removeprefix(CHOICE): given[name] for name in given if name.startswith(CHOICE)}
    try:
        flows.merge_contacts(actor=user, kept=kept.pk, merged=merged.pk, choices=choices, at=timezone.now())
    except Conflict as refusal:
        return _compare_page(request, user, kept, merged, choices=choices, refusal=str(refusal), status=409)
    except Invalid as refusal:
        return _compare_page(request, user, kept, merged, choices=choices, refusal=str(refusal), status=422)
    toasts.tell(request=request, text=_("%(name)s is one contact now.") % {"name": kept.name})
    return HttpResponseRedirect(_next(request) or reverse("contact", args=[kept.pk]), status=303)


def _choose_page(request: HttpRequest, user: User, kept: Contact) -> HttpResponse:
    """Who may be the same person, and a search for anybody else."""
    asked = request.GET.get("q", "").strip()[:200]
    rows = queries.contacts_listed(user=user).exclude(pk=kept.pk)
    found = ContactFilter({"q": asked}, queryset=rows).qs[:FOUND] if asked else ()
    context = {
        "identity": duplicates.identity_of(user, kept.pk),
        "asked": asked,
        "found": found,
        "next": _next(request),
    }
    return render(request, "leads/merging/choose.html", context, status=422 if request.method == "POST" else 200)


def _compare_page(
    request: HttpRequest,
    user: User,
    kept: Contact,
    merged: Contact,
    *,
    choices: dict[str, str] | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    if kept.pk == merged.pk:
        return _choose_page(request, user, kept)
    preview = duplicates.preview_of(user, kept, merged, choices=choices or {})
    if not preview.is_allowed:
        raise Forbidden(_("Marketers, managers and administrators merge contacts, and who owns both."))
    context = {"preview": preview, "refusal": refusal or preview.refusal, "next": _next(request)}
    return render(request, "leads/merging/compare.html", context, status=status)


def _next(request: HttpRequest) -> str:
    """The page to go on to, if it is one of ours; else empty."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts={request.get_host()})
    return asked if is_ours else ""
