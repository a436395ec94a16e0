"""What a salesperson does now: the list, and the one act of each row, done in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from crm import flows, formats, openers, toasts
from crm.access import person, roles_required
from crm.deeds import OUTCOMES
from crm.errands import Kind
from crm.errors import Conflict, Forbidden, Invalid
from crm.models import Role
from crm.queries import card as card_queries
from crm.queries import conversation, desk, own_work, plan, task_list, to_do
from crm.queries import inbox as inbox_queries
from leads.forms import SayForm
from leads.forms_sales import InboxLogForm, LaterForm
from leads.models import Task
from leads.stages import VerbName
from leads.views.answers import handoff_to, logged_words, or_gone

sellers_only = roles_required(Role.SALESPERSON)


@sellers_only
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, in the order of what is lost by waiting; for htmx the part that refreshes."""
    return inbox_page(request)


def inbox_page(
    request: HttpRequest, *, form: forms.Form | None = None, row: int | None = None, status: int = 200
) -> HttpResponse:
    """The page or its fragment; `form` is that of the contact `row`, refused, shown with what was typed."""
    user, now = person(request), timezone.now()
    kind = _kind(request)
    context: dict[str, Any] = {
        "inbox": inbox_queries.inbox_of(user, now=now, kind=kind, is_whole="all" in request.GET),
        "here": inbox_path(kind),
        "kind": kind,
        "tasks": task_list.own_tabs(user, now=now),
        "done": own_work.done_today(user, now=now),
        "month": own_work.own_month(user, now=now),
        "outcomes": OUTCOMES,
        "next_days": desk.next_days(to_do.working_time_of(user), now=now),
        "refused": form,
        "refused_row": row,
    }
    template = "leads/inbox/fragment.html" if request.htmx else "leads/inbox/page.html"  # type: ignore[attr-defined]
    return render(request, template, context, status=status)


def _kind(request: HttpRequest) -> str:
    """The kind of rows that is looked at; a form says so itself."""
    asked = request.POST.get("kind") or request.GET.get("kind", "")
    return asked if asked in set(Kind) else ""


def inbox_path(kind: str) -> str:
    """The address of the list, of one kind or whole."""
    return f"{reverse('inbox')}?{urlencode({'kind': kind})}" if kind else reverse("inbox")


def _after(request: HttpRequest) -> HttpResponse:
    """The list after something was done: in place, or anew without JavaScript."""
    if request.htmx:  # type: ignore[attr-defined]
        return inbox_page(request)
    return HttpResponseRedirect(inbox_path(_kind(request)), status=303)


@sellers_only
@require_POST
@or_gone
def inbox_accept(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Take the lead of a row."""
    handoff_to(request, handoff_id, VerbName.ACCEPT)
    try:
        taken = flows.accept(actor=person(request), handoff_id=handoff_id, at=timezone.now())
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return inbox_page(request, status=409)
    undo = f"{reverse('handoff_undo', args=[handoff_id])}?{urlencode({'next': inbox_path(_kind(request))})}"
    text = _("Accepted %(name)s: an SQL, yours.") % {"name": taken.contact}
    toasts.tell(request=request, text=text, undo_url=undo)
    return _after(request)


@sellers_only
@require_POST
def inbox_log(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Log the call, e-mail or meeting of a row, and plan what comes next."""
    contact = card_queries.contact_seen(person(request), contact_id)

    def log(values: dict[str, Any]) -> None:
        flows.log_contact(
            actor=person(request),
            contact_id=contact_id,
            type=values["type"],
            outcome=values["outcome"],
            note=values["note"],
            occurred_at=values["occurred_at"],
            next_at=values["next_at"],
            next_has_time=values["next_has_time"],
            at=timezone.now(),
        )
        toasts.tell(request=request, text=logged_words(contact, values))

    return _act(request, contact_id, form=InboxLogForm(request.POST, auto_id=f"log_{contact_id}_%s"), do=log)


@sellers_only
@require_POST
def inbox_later(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Set the next step of a row without doing anything now: put its task off, or plan one."""
    contact = card_queries.contact_seen(person(request), contact_id)

    def put_off(values: dict[str, Any]) -> None:
        now, due = timezone.now(), {"due_at": values["due_at"], "has_time": bool(values["later"])}
        if values["task"]:
            task = flows.change_task(actor=person(request), task_id=values["task"], values=due, at=now)
        else:
            task = flows.add_task(actor=person(request), contact_id=contact_id, at=now, **due)
        when = openers.mid_sentence(formats.when(task.due_at, now=now, with_time=task.has_time))
        text = _("%(name)s: next step %(when)s.") % {"name": contact, "when": when}
        toasts.tell(request=request, text=text, undo_url=_undo_task(request, task))

    return _act(request, contact_id, form=LaterForm(request.POST, auto_id=f"log_{contact_id}_%s"), do=put_off)


def _act(
    request: HttpRequest, contact_id: int, *, form: forms.Form, do: Callable[[dict[str, Any]], None]
) -> HttpResponse:
    """Do what a row's form says; refused input stays in it."""
    if not form.is_valid():
        return inbox_page(request, form=form, row=contact_id, status=422)
    try:
        do(form.cleaned_data)
    except Invalid as refusal:
        field = {"next_at": "later", "due_at": "later"}.get(refusal.field, refusal.field)
        form.add_error(field if field in form.fields else None, str(refusal))
        return inbox_page(request, form=form, row=contact_id, status=422)
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return inbox_page(request, status=409)
    return _after(request)


@sellers_only
@require_POST
def inbox_say(request: HttpRequest, handoff_id: int) -> HttpResponse:
    """Answer, in the conversation, whoever asks in a row."""
    contact = conversation.contact_spoken_of(person(request), handoff_id)

    def say(values: dict[str, Any]) -> None:
        flows.comment(actor=person(request), handoff_id=handoff_id, text=values["text"], at=timezone.now())
        toasts.tell(request=request, text=_("Said about %(name)s.") % {"name": contact})

    return _act(request, contact.pk, form=SayForm(request.POST, auto_id=f"say_{contact.pk}_%s"), do=say)


@sellers_only
@require_POST
def inbox_task_done(request: HttpRequest, task_id: int) -> HttpResponse:
    """The task of a row is done."""
    try:
        task = flows.finish_task(actor=person(request), task_id=task_id, at=timezone.now())
    except Conflict as refusal:
        toasts.warn(request=request, text=str(refusal))
        return inbox_page(request, status=409)
    text = _("Done with %(name)s: %(what)s.") % {"name": task.contact, "what": task}
    toasts.tell(request=request, text=text, undo_url=_undo_task(request, task))
    return _after(request)


@sellers_only
@require_POST
def inbox_task_undo(request: HttpRequest, task_id: int) -> HttpResponse:
    """Take back the last change of a task."""
    try:
        since = toasts.undo_since(request)
        task = flows.undo_task(actor=person(request), task_id=task_id, since=since, at=timezone.now())
    except (Conflict, Forbidden) as refusal:
        toasts.warn(request=request, text=str(refusal))
    else:
        toasts.tell(request=request, text=_("Taken back: the task with %(name)s.") % {"name": task.contact})
    return HttpResponseRedirect(inbox_path(_kind(request)), status=303)


def _undo_task(request: HttpRequest, task: Task) -> str:
    kind = _kind(request)
    return reverse("inbox_task_undo", args=[task.pk]) + (f"?{urlencode({'kind': kind})}" if kind else "")


@sellers_only
@require_safe
def inbox_plan(request: HttpRequest) -> HttpResponse:
    """What each of the coming days brings."""
    user, now = person(request), timezone.now()
    days = plan.days_ahead(user, to_do.waiting_for(user, now=now), now=now)
    return render(request, "leads/inbox/plan.html", {"days": days})
