"""Filters of the queue that a person keeps under a name."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from crm import toasts
from crm.access import person
from crm.errors import Conflict, Invalid
from crm.flows import saved_filters as flows
from crm.models import FilteredPage, SavedFilter
from leads.views.queue import back_of, chosen_of, readers_only


class FilterForm(forms.Form):
    """A name for a filter, and who finds it where."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=flows.LONGEST_NAME)
    is_shared = forms.BooleanField(label=gettext_lazy("Offer it to everybody who sees the queue"), required=False)
    is_default = forms.BooleanField(label=gettext_lazy("Open the queue with it"), required=False)


@readers_only
@require_http_methods(["GET", "HEAD", "POST"])
def filter_new(request: HttpRequest) -> HttpResponse:
    """Keep what the queue is narrowed down to; `query` says by what."""
    given = request.POST if request.method == "POST" else request.GET
    query = back_of(chosen_of(QueryDict(given.get("query", "")[:500])))
    form = FilterForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            row = flows.save_filter(
                user=person(request), page=FilteredPage.QUEUE, query=query, values=form.cleaned_data
            )
        except Invalid as refusal:
            form.add_error(refusal.field, str(refusal))
        except Conflict as refusal:
            form.add_error(None, str(refusal))
        else:
            toasts.tell(request=request, text=_("Kept as %(name)s.") % {"name": row})
            return HttpResponseRedirect(f"{reverse('queue')}?{row.query}", status=303)
    return _page(request, form, query=query)


@readers_only
@require_http_methods(["GET", "HEAD", "POST"])
def filter_edit(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Rename a filter of one's own, share it, open the queue with it."""
    row = get_object_or_404(SavedFilter, id=filter_id, user=person(request), page=FilteredPage.QUEUE)
    initial = {"name": row.name, "is_shared": row.is_shared, "is_default": row.is_default}
    form = FilterForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            flows.edit_filter(user=person(request), filter_id=row.pk, values=form.cleaned_data)
        except Invalid as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            toasts.tell(request=request, text=_("Saved the filter."))
            return HttpResponseRedirect(f"{reverse('queue')}?{row.query}", status=303)
    return _page(request, form, query=row.query, row=row)


@readers_only
@require_POST
def filter_delete(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Forget a filter of one's own."""
    row = flows.delete_filter(user=person(request), filter_id=filter_id)
    toasts.tell(request=request, text=_("Forgot the filter %(name)s.") % {"name": row})
    return HttpResponseRedirect(f"{reverse('queue')}?{row.query}", status=303)


def _page(request: HttpRequest, form: FilterForm, *, query: str, row: SavedFilter | None = None) -> HttpResponse:
    context = {"form": form, "query": query, "row": row}
    return render(request, "leads/queue/filter_form.html", context, status=422 if form.errors else 200)
