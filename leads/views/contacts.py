"""The list of contacts, and entering and editing one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import flows, toasts
from crm.access import person
from crm.chips import chips_of
from crm.errors import Invalid
from crm.models import Role, User
from crm.queries import contacts as contact_queries
from crm.queries.narrowing import narrowed_by
from leads import queries, services, words
from leads.filters import ContactFilter
from leads.forms import ContactForm, NewContactForm
from leads.models import Company, Contact, Source

PAGE_SIZE = 50
# What other pages' numbers ask for and the form has no field for; it goes along when the form is sent.
KEPT = (
    "campaign",
    "company",
    "country",
    "rule",
    "segment",
    "persona",
    "where",
    "created_by_import",
    "touched_by_import",
)
NARROWING = (*KEPT, "owner", "source", "grade", "is_hot", "is_disqualified", "disqualified_reason")
GRADES = ("A", "B", "C", "D")


@require_safe
def contact_list(request: HttpRequest) -> HttpResponse:
    """The contacts that the person may see, searched, filtered and sorted; to htmx only the list."""
    user, now = person(request), timezone.now()
    rows = queries.contacts_listed(user=user, order=request.GET.get("order", ""))
    found = ContactFilter(request.GET, queryset=rows)
    page = Paginator(found.qs if found.is_valid() else rows.none(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "filter": found,
        "errors": found.form.errors,
        "page": page,
        "rows": contact_queries.contact_rows(list(page.object_list), now=now),
        "given": found.form.data,
        "chips": chips_of(narrowed_by(found, user=user, names=NARROWING), request=request),
        "is_filtered": any(value for name, value in request.GET.items() if name not in ("page", "order")),
    }
    if request.htmx:  # type: ignore[attr-defined]
        response = render(request, "leads/contacts/results.html", context)
        response["HX-Replace-Url"] = _address(request)
        return response
    context |= {
        "stages": queries.stage_counts(user=user),
        "stage_words": words.STAGES,
        "sources": Source.objects.all(),
        "owners": User.objects.with_role(Role.SALESPERSON) if user.sees_all_contacts else (),
        "grades": GRADES,
        "kept": [(name, request.GET.get(name, "")) for name in KEPT],
        "is_narrowed": any(request.GET.get(name) for name in NARROWING),
    }
    return render(request, "leads/contacts/list.html", context)


def _address(request: HttpRequest) -> str:
    """The address of this list without what was left empty in the form."""
    asked = urlencode([(name, value) for name, value in request.GET.items() if value])
    return f"{request.path}?{asked}" if asked else request.path


@require_http_methods(["GET", "HEAD", "POST"])
def contact_new(request: HttpRequest) -> HttpResponse:
    """Enter somebody who called or came by. One who is known already is not entered twice, but met once more."""
    if request.method != "POST":
        return _new_page(request, NewContactForm(initial={"email": request.GET.get("email", "")}))
    user, form = person(request), NewContactForm(request.POST)
    if form.is_valid():
        known = queries.contact_with_email(user=user, email=form.cleaned_data["email"])
        if known is not None:
            form.add_error("email", _("%(name)s has this address already.") % {"name": known.name})
            return _new_page(request, form, known=known)
        try:
            contact = _create(user, form.cleaned_data)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_created(contact))
            return _to(request, reverse("contact", args=[contact.pk]))
    return _new_page(request, form)


def _new_page(request: HttpRequest, form: NewContactForm, *, known: Contact | None = None) -> HttpResponse:
    user = person(request)
    context = {"form": form, "known": known, "is_own": user.is_salesperson and not user.sees_all_contacts}
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    template = "leads/contacts/new_dialog.html" if is_fragment else "leads/contacts/new.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _created(contact: Contact) -> str:
    if contact.owner is not None:
        return _("%(name)s is yours. The clock for the first contact runs.") % {"name": contact.name}
    return _("%(name)s is a lead now.") % {"name": contact.name}


@transaction.atomic
def _create(user: User, values: dict[str, Any]) -> Contact:
    now = timezone.now()
    fields = {name: values[name] for name in ("first_name", "last_name", "email", "phone", "job_title", "source")}
    contact = flows.create_contact(actor=user, values=fields | {"company": _company(values["company"])}, at=now)
    if values["note"]:
        flows.log_contact(actor=user, contact_id=contact.pk, type="note", note=values["note"], at=now)
    return contact


def _company(name: str) -> Company | None:
    """The company of this name, made when it is new."""
    return next(iter(services.companies_by_name({name}, at=timezone.now()).values()), None)


@require_safe
def contact_known(request: HttpRequest) -> HttpResponse:
    """Say, while the form is filled in, that an address is known: a fragment, empty when it is not."""
    known = queries.contact_with_email(user=person(request), email=request.GET.get("email", ""))
    return render(request, "leads/contacts/known.html", {"known": known})


@require_POST
def contact_touch(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Keep that a known contact met us once more, with what was typed for a new one."""
    form = NewContactForm(request.POST)
    if not form.is_valid():
        known = queries.contact_with_email(user=person(request), email=request.POST.get("email", ""))
        return _new_page(request, form, known=known)
    contact = flows.touch_contact(
        actor=person(request),
        contact_id=contact_id,
        source=form.cleaned_data["source"],
        note=form.cleaned_data["note"],
        at=timezone.now(),
    )
    toasts.tell(request=request, text=_("The touch is kept with %(name)s.") % {"name": contact.name})
    return _to(request, reverse("contact", args=[contact.pk]))


@require_http_methods(["GET", "HEAD", "POST"])
def contact_edit(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Change what is known about a contact; every change is kept, and the score follows."""
    user = person(request)
    contact = get_object_or_404(Contact.objects.visible_to(user).select_related("company"), id=contact_id)
    form = ContactForm(request.POST) if request.method == "POST" else ContactForm.of(contact)
    if form.is_bound and form.is_valid():
        try:
            _edit(user, contact_id, dict(form.cleaned_data))
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved. The score follows what changed."))
            return _to(request, reverse("contact", args=[contact_id]))
    context = {"form": form, "contact": contact}
    return render(request, "leads/contacts/edit.html", context, status=422 if form.errors else 200)


@transaction.atomic
def _edit(user: User, contact_id: int, values: dict[str, Any]) -> None:
    values["company"] = _company(values["company"])
    flows.edit_contact(actor=user, contact_id=contact_id, values=values, at=timezone.now())


def _to(request: HttpRequest, address: str) -> HttpResponse:
    """Go on to another page, out of a dialog too."""
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address, status=303)
