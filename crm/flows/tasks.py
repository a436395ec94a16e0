"""What people mean to do with contacts: planned, put off, done, given up, and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.models import User
from leads import lifecycle, locks, next_steps
from leads.models import Contact, Task
from leads.models.tasks import TaskKind, TaskVerb

if TYPE_CHECKING:
    from leads.models import TaskEvent

CHANGEABLE = ("kind", "what", "due_at", "has_time", "minutes")


@transaction.atomic
def add_task(
    *,
    actor: User,
    contact_id: int,
    due_at: dt.datetime,
    kind: str = TaskKind.CALL,
    what: str = "",
    has_time: bool = False,
    minutes: int = 30,
    owner_email: str = "",
    at: dt.datetime,
) -> Task:
    """Plan something to be done with a contact, by oneself or, as a manager or for its owner, by somebody named.

    `has_time`: at that very time, else some time on that day. Raises `NotFound`, `Forbidden`, `Invalid`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    owner = _owner(owner_email, contact=contact, actor=actor)
    _check_ahead(due_at, at=at)
    return next_steps.add(
        contact_id=contact.pk,
        owner_id=owner.pk,
        due_at=due_at,
        kind=kind,
        what=what,
        has_time=has_time,
        minutes=minutes,
        actor=actor,
        at=at,
    )


@transaction.atomic
def change_task(*, actor: User, task_id: int, values: Mapping[str, Any], at: dt.datetime) -> Task:
    """Put a task off, or say more exactly what it is: `values` are of `CHANGEABLE`, `owner` is an e-mail address.

    Raises `NotFound`, `Forbidden`, `Conflict` when it is not open any more, `Invalid`.
    """
    task = _locked(actor, task_id)
    _require_open(task)
    wanted = {name: values[name] for name in CHANGEABLE if name in values}
    if "due_at" in wanted:
        _check_ahead(wanted["due_at"], at=at)
    if values.get("owner"):
        owner = _owner(values["owner"], contact=task.contact, actor=actor)
        if owner.pk != task.owner_id:
            next_steps.hand_on([task], to_id=owner.pk, actor=actor, at=at)
    next_steps.change(task, TaskVerb.CHANGE, wanted, actor=actor, at=at)
    return task


@transaction.atomic
def finish_task(*, actor: User, task_id: int, at: dt.datetime) -> Task:
    """It is done. Raises `NotFound`, `Forbidden`, `Conflict` when it was done or canceled already."""
    task = _locked(actor, task_id)
    _require_open(task)
    next_steps.change(task, TaskVerb.FINISH, {"done_at": at}, actor=actor, at=at)
    return task


@transaction.atomic
def cancel_task(*, actor: User, task_id: int, reason: str = "", at: dt.datetime) -> Task:
    """It need not be done after all. Raises as `finish_task`."""
    task = _locked(actor, task_id)
    _require_open(task)
    values = {"cancelled_at": at, "end_reason": reason.strip()[:200]}
    next_steps.change(task, TaskVerb.CANCEL, values, actor=actor, at=at)
    return task


@transaction.atomic
def undo_task(*, actor: User, task_id: int, since: dt.datetime | None = None, at: dt.datetime) -> Task:
    """Take back the last change of a task: the same person, within ten minutes, nothing having followed.

    What a verb on the handoff did to it is taken back with that. `since` as in `undo`. Raises `NotFound`, `Forbidden`,
    `Conflict`.
    """
    task = _locked(actor, task_id, is_hers=False)
    lifecycle.require_none_since(task.events.values_list("at", flat=True), since)
    event = task.events.exclude(verb=TaskVerb.UNDO).filter(undone_at=None).order_by("-at", "-id").first()
    if event is None or event.cause_id is not None or (event.before is None and not task.is_open):
        raise Conflict(_("There is nothing to undo."))
    _require_undoable(event, actor=actor, at=at)
    next_steps.put_back(task, event, actor=actor, at=at)
    return task


def _require_undoable(event: TaskEvent, *, actor: User, at: dt.datetime) -> None:
    if event.actor_id != actor.pk:
        raise Forbidden(_("Only %(name)s can undo this.") % {"name": event.actor or _("Baton")})
    if at - event.at > lifecycle.UNDO_WINDOW:
        raise Conflict(_("That was more than ten minutes ago."))


def may_change(user: User, task: Task) -> bool:
    """Whether the person may do, change and cancel a task: whose it is, who owns the contact, and managers."""
    return user.is_manager or user.pk in (task.owner_id, task.contact.owner_id)


def _locked(actor: User, task_id: int, *, is_hers: bool = True) -> Task:
    """A task the actor may see and change, its contact locked first."""
    contact_id = Task.objects.visible_to(actor).filter(id=task_id).values_list("contact_id", flat=True).first()
    if contact_id is None:
        raise NotFound(_("There is no such task."))
    contact = locks.locked_contact(user=None, contact_id=contact_id)
    task = Task.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(id=task_id)
    task.contact = contact
    if is_hers and not may_change(actor, task):
        raise Forbidden(_("That is for %(name)s or a manager to do.") % {"name": task.owner})
    return task


def _require_open(task: Task) -> None:
    if task.done_at is not None:
        raise Conflict(_("This is done already."))
    if task.cancelled_at is not None:
        raise Conflict(_("This was canceled already."))


def _check_ahead(due_at: dt.datetime, *, at: dt.datetime) -> None:
    if due_at <= at:
        raise Invalid(_("It lies ahead. Choose a later day."), field="due_at")


def _owner(email: str, *, contact: Contact, actor: User) -> User:
    """Whose the task is to be. Only managers, and marketers for the contact's own owner, plan for others."""
    email = email.strip()
    if not email or email.casefold() == actor.email.casefold():
        return actor
    owner = User.objects.filter(email__iexact=email, is_active=True).first()
    if owner is None or not Contact.objects.visible_to(owner).filter(pk=contact.pk).exists():
        raise Invalid(_("Nobody with this address works with the contact."), field="owner")
    if not (actor.is_manager or contact.owner_id in (actor.pk, owner.pk)):
        raise Forbidden(_("A manager plans what others are to do."))
    return owner
