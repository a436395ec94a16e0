"""Segments: contacts chosen by conditions, under a name; and how many any conditions choose."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from crm import toasts
from crm.access import person, roles_required
from crm.errors import Invalid
from crm.models import Role
from leads import segments
from leads.condition_words import conditions_sentence
from leads.conditions import parse_conditions
from leads.forms_conditions import condition_lists
from leads.forms_segments import SegmentForm
from leads.models import Persona, Segment

marketing_only = roles_required(Role.MARKETER, Role.MANAGER, Role.ADMIN)


@dataclass(frozen=True)
class ChosenLine:
    """A segment or a persona of a list: in words, and how many contacts it chooses now."""

    row: Segment | Persona
    sentence: str
    count: int
    href: str


def lines(rows: list[Segment] | list[Persona], *, request: HttpRequest) -> list[ChosenLine]:
    """The rows with their words and counts; as many queries however many they are."""
    counts = segments.counts(rows, user=person(request))
    found = []
    for row in rows:
        said = conditions_sentence(parse_conditions(row.conditions))
        kind = "segment" if isinstance(row, Segment) else "persona"
        href = f"{reverse('contacts')}?{kind}={row.pk}"
        found.append(ChosenLine(row, said[:1].upper() + said[1:], counts[row.pk], href))
    return found


@marketing_only
@require_safe
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments with how many contacts each has now."""
    rows = list(Segment.objects.all())
    return render(request, "leads/segments/list.html", {"lines": lines(rows, request=request)})


@marketing_only
@require_http_methods(["GET", "HEAD", "POST"])
def segment_new(request: HttpRequest) -> HttpResponse:
    """Choose contacts, and save the choice."""
    return _form_page(request, Segment())


@marketing_only
@require_http_methods(["GET", "HEAD", "POST"])
def segment_edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    """One segment: change it, see how many it chooses."""
    return _form_page(request, get_object_or_404(Segment, id=segment_id))


def _form_page(request: HttpRequest, segment: Segment) -> HttpResponse:
    name, form = segment.name, SegmentForm.of(segment, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            segments.save_segment(segment, values=form.values(), actor=person(request), at=timezone.now())
        except Invalid as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the segment %(name)s.") % {"name": segment.name})
            return HttpResponseRedirect(reverse("segments"), status=303)
    context = {"form": form, "segment": segment, "name": name, "condition_lists": condition_lists()}
    return render(request, "leads/segments/form.html", context, status=422 if form.errors else 200)


@marketing_only
@require_POST
def segment_delete(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Forget a segment; its contacts stay as they are."""
    segment = get_object_or_404(Segment, id=segment_id)
    segments.delete_segment(segment)
    toasts.tell(request=request, text=_("Deleted the segment %(name)s.") % {"name": segment.name})
    return HttpResponseRedirect(reverse("segments"), status=303)


@marketing_only
@require_safe
def conditions_count(request: HttpRequest) -> HttpResponse:
    """How many contacts the conditions of a form that is being filled in choose: a fragment."""
    given = request.GET.copy()
    given["name"] = "-"
    form = SegmentForm(given)
    count = None
    if form.is_valid():
        asked = Segment(pk=0, conditions=form.cleaned_data["conditions"])
        count = segments.counts([asked], user=person(request))[0]
    return render(request, "leads/segments/count.html", {"count": count})
