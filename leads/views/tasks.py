"""What is to be done with a contact, on its page: planned, put off, done, given up, taken to a calendar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import flows, formats, openers, toasts
from crm.access import person
from crm.calendar_file import ics_of
from crm.errors import Conflict, Forbidden
from crm.flows.tasks import may_change
from crm.queries import card as card_queries
from crm.queries import tasks as queries
from leads.forms_tasks import CancelForm, TaskForm, WhenForm
from leads.models import Task
from leads.views.answers import act
from leads.views.review import back_to


@require_POST
def task_add(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Plan something to do with a contact."""
    contact = card_queries.contact_seen(person(request), contact_id)

    def add(values: dict[str, Any]) -> str:
        task = flows.add_task(actor=person(request), contact_id=contact.pk, at=timezone.now(), **values)
        return _("%(what)s: %(when)s.") % {"what": task, "when": _when(task)}

    form = TaskForm(request.POST, auto_id="task_form_%s")
    return act(request, contact.pk, form=form, name="task_form", do=add, fields={"due_at": "day"})


@require_POST
def task_later(request: HttpRequest, task_id: int) -> HttpResponse:
    """Put a task off to another day."""

    def put_off(task: Task, values: dict[str, Any]) -> str:
        moved = flows.change_task(actor=person(request), task_id=task.pk, values=values, at=timezone.now())
        return _("%(what)s: %(when)s.") % {"what": moved, "when": _when(moved)}

    return _act(request, task_id, form_class=WhenForm, do=put_off, name="later_form")


@require_POST
def task_finish(request: HttpRequest, task_id: int) -> HttpResponse:
    """It is done."""

    def finish(task: Task, values: dict[str, Any]) -> str:
        flows.finish_task(actor=person(request), task_id=task.pk, at=timezone.now())
        return _("Done: %(what)s.") % {"what": task}

    return _act(request, task_id, form_class=forms.Form, do=finish)


@require_POST
def task_cancel(request: HttpRequest, task_id: int) -> HttpResponse:
    """It need not be done."""

    def cancel(task: Task, values: dict[str, Any]) -> str:
        flows.cancel_task(actor=person(request), task_id=task.pk, at=timezone.now(), **values)
        return _("Not to be done any more: %(what)s.") % {"what": task}

    return _act(request, task_id, form_class=CancelForm, do=cancel)


@require_POST
def task_undo(request: HttpRequest, task_id: int) -> HttpResponse:
    """Take back one's own last change of a task, within ten minutes."""
    try:
        since = toasts.undo_since(request)
        task = flows.undo_task(actor=person(request), task_id=task_id, since=since, at=timezone.now())
    except (Conflict, Forbidden) as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=_("Taken back: %(name)s is as before.") % {"name": task})
    return HttpResponseRedirect(back_to(request), status=303)


@require_safe
def task_calendar(request: HttpRequest, task_id: int) -> HttpResponse:
    """A task as a file that a calendar takes."""
    task = queries.task_seen(person(request), task_id)
    address = request.build_absolute_uri(reverse("contact", args=[task.contact_id]))
    response = HttpResponse(
        ics_of(task, address=address, now=timezone.now()), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="baton-{task.pk}.ics"'
    return response


def _when(task: Task) -> str:
    return openers.mid_sentence(formats.when(task.due_at, now=timezone.now(), with_time=task.has_time))


def _act(
    request: HttpRequest,
    task_id: int,
    *,
    form_class: type[forms.Form],
    do: Callable[[Task, dict[str, Any]], str],
    name: str = "",
) -> HttpResponse:
    """Do one thing with a task and show the page of its contact."""
    task = queries.task_seen(person(request), task_id)
    if not may_change(person(request), task):
        raise PermissionDenied(_("That is for %(name)s or a manager to do.") % {"name": task.owner})
    form = form_class(request.POST, auto_id=f"later_{task.pk}_%s")
    return act(
        request,
        task.contact_id,
        form=form,
        name=name,
        do=lambda values: do(task, values),
        undo_at=reverse("task_undo", args=[task.pk]),
        fields={"due_at": "day"},
    )
