"""The list of tasks, and what is done with one in its row."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import flows, formats, openers, toasts
from crm.access import person
from crm.errors import Conflict, Invalid
from crm.flows.tasks import may_change
from crm.queries import desk, to_do
from crm.queries import task_list as queries
from crm.queries import tasks as task_queries
from leads.forms_tasks import KINDS, WhenForm
from leads.models import Task


@require_safe
def task_list(request: HttpRequest) -> HttpResponse:
    """One's own tasks, late ones first; managers see everybody's. For htmx the part that changes."""
    return _list_page(request)


@require_POST
def task_list_done(request: HttpRequest, task_id: int) -> HttpResponse:
    """The task of a row is done."""

    def finish(task: Task) -> str:
        flows.finish_task(actor=person(request), task_id=task.pk, at=timezone.now())
        return _("Done with %(name)s: %(what)s.") % {"name": task.contact, "what": task}

    return _act(request, task_id, form=forms.Form(request.POST), do=finish)


@require_POST
def task_list_later(request: HttpRequest, task_id: int) -> HttpResponse:
    """The task of a row moves to another day."""
    form = WhenForm(request.POST, auto_id=f"later_{task_id}_%s")

    def put_off(task: Task) -> str:
        now = timezone.now()
        moved = flows.change_task(actor=person(request), task_id=task.pk, values=form.cleaned_data, at=now)
        when = openers.mid_sentence(formats.when(moved.due_at, now=now, with_time=moved.has_time))
        return _("%(name)s, %(what)s: %(when)s.") % {"name": task.contact, "what": moved, "when": when}

    return _act(request, task_id, form=form, do=put_off)


def _act(request: HttpRequest, task_id: int, *, form: forms.Form, do: Callable[[Task], str]) -> HttpResponse:
    """Do one thing with a task and show the list as it was narrowed; refused input stays in its row."""
    task = task_queries.task_seen(person(request), task_id)
    if not may_change(person(request), task):
        raise PermissionDenied(_("That is for %(name)s or a manager to do.") % {"name": task.owner})
    if not form.is_valid():
        return _list_page(request, refused=form, row=task_id, status=422)
    try:
        text = do(task)
    except Invalid as refusal:
        form.add_error("day" if refusal.field == "due_at" else None, str(refusal))
        return _list_page(request, refused=form, row=task_id, status=422)
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return _list_page(request, status=409)
    here = _here(request)
    toasts.tell(
        request=request, text=text, undo_url=f"{reverse('task_undo', args=[task_id])}?{urlencode({'next': here})}"
    )
    if request.htmx:  # type: ignore[attr-defined]
        return _list_page(request)
    return HttpResponseRedirect(here, status=303)


def _here(request: HttpRequest) -> str:
    """The list, narrowed as it is; its forms carry the query on."""
    query = request.GET.urlencode()
    return reverse("tasks") + (f"?{query}" if query else "")


def _list_page(
    request: HttpRequest, *, refused: forms.Form | None = None, row: int | None = None, status: int = 200
) -> HttpResponse:
    user, now = person(request), timezone.now()
    given = {name: str(value) for name, value in request.GET.items()}
    context = {
        "list": queries.list_of(user, given=given, now=now),
        "kinds": KINDS,
        "next_days": desk.next_days(to_do.working_time_of(user), now=now),
        "query": request.GET.urlencode(),
        "here": _here(request),
        "refused": refused,
        "refused_row": row,
        "now": now,
    }
    template = "leads/tasks/fragment.html" if request.htmx else "leads/tasks/page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)
