"""Personas: the shared pictures of the kinds of buyers, in versions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.flows import personas
from crm.flows.publishing import require_editor
from crm.models import Role
from leads.forms_conditions import condition_lists
from leads.forms_segments import PersonaForm
from leads.models import Persona
from leads.views.segments import lines

judges_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)
editors_only = roles_required(Role.MARKETER, Role.ADMIN)


def _may_edit(request: HttpRequest) -> bool:
    user = person(request)
    return user.is_marketer or user.is_admin


@judges_only
@require_safe
def persona_list(request: HttpRequest) -> HttpResponse:
    """The personas in use with how many contacts are one, and those that were taken out of use."""
    rows = list(Persona.objects.select_related("created_by"))
    in_use = [row for row in rows if row.is_active]
    names = {row.name for row in in_use}
    newest: dict[str, Persona] = {}
    for row in rows:
        if row.name not in names:
            newest.setdefault(row.name, row)
    context = {
        "lines": lines(in_use, request=request),
        "retired": list(newest.values()),
        "may_edit": _may_edit(request),
    }
    return render(request, "leads/personas/list.html", context)


@editors_only
@require_http_methods(["GET", "HEAD", "POST"])
def persona_new(request: HttpRequest) -> HttpResponse:
    """Draw a persona."""
    return _page(request, Persona())


@judges_only
@require_http_methods(["GET", "HEAD", "POST"])
def persona_page(request: HttpRequest, persona_id: int) -> HttpResponse:
    """One version of a persona, the others beside it; the one in use can be changed, which makes the next."""
    return _page(request, get_object_or_404(Persona.objects.select_related("created_by"), id=persona_id))


def _page(request: HttpRequest, persona: Persona) -> HttpResponse:
    if request.method == "POST":
        require_editor(person(request))
    form = PersonaForm.of(persona, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            saved = _save(request, persona, form)
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            text = _("%(name)s, version %(version)d, is in use.") % {"name": saved.name, "version": saved.version}
            toasts.tell(request=request, text=text)
            return HttpResponseRedirect(reverse("persona", args=[saved.pk]), status=303)
    others = Persona.objects.filter(name=persona.name).select_related("created_by") if persona.pk else ()
    context = {
        "form": form,
        "persona": persona,
        "line": lines([persona], request=request)[0] if persona.pk else None,
        "versions": others,
        "may_edit": _may_edit(request) and (persona.is_active or persona.pk is None),
        "condition_lists": condition_lists(),
    }
    return render(request, "leads/personas/page.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, persona: Persona, form: PersonaForm) -> Persona:
    user, at = person(request), timezone.now()
    if persona._state.adding:
        return personas.create_persona(actor=user, values=form.values(), at=at)
    return personas.change_persona(actor=user, persona_id=persona.pk, values=form.values(), at=at)


@editors_only
@require_POST
def persona_retire(request: HttpRequest, persona_id: int) -> HttpResponse:
    """Take a persona out of use."""
    persona = personas.retire_persona(actor=person(request), persona_id=persona_id, at=timezone.now())
    toasts.tell(request=request, text=_("%(name)s is not in use any more.") % {"name": persona.name})
    return HttpResponseRedirect(reverse("personas"), status=303)
