"""What is to be done with one contact."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from crm.errors import NotFound
from crm.flows.tasks import may_change
from crm.models import User
from leads.models import Contact, Task, TaskKind
from leads.models.tasks import REACHING


@dataclass(frozen=True)
class Todo:
    """One open task, as the reader may act on it."""

    task: Task
    can_change: bool
    is_overdue: bool
    is_theirs: bool
    """Whether it is the reader's own."""

    @property
    def is_asked(self) -> bool:
        """Whether the answer of the customer does it, rather than a button."""
        return self.task.kind == TaskKind.SATISFIED


def task_seen(user: User, task_id: int) -> Task:
    """The task with its contact, company and owner, if it is the reader's to see. Raises `NotFound`."""
    task = Task.objects.visible_to(user).select_related("contact__company", "owner").filter(id=task_id).first()
    if task is None:
        raise NotFound(_("There is no such task."))
    return task


def todos_of(user: User, contact: Contact, *, now: dt.datetime) -> tuple[Todo, ...]:
    """The open tasks of a contact that the reader sees, the earliest first; one query."""
    rows = Task.objects.open().filter(contact=contact).select_related("owner").order_by("due_at", "id")
    found = []
    for task in rows:
        task.contact = contact
        found.append(
            Todo(
                task,
                can_change=may_change(user, task),
                is_overdue=_ends_at(task) < now,
                is_theirs=task.owner_id == user.pk,
            )
        )
    return tuple(found)


def _ends_at(task: Task) -> dt.datetime:
    """Until when it is not late: its time, or the end of its day."""
    if task.has_time:
        return task.due_at
    return timezone.localtime(task.due_at).replace(hour=23, minute=59, second=59)


def asks_next_step(user: User, contact: Contact, *, now: dt.datetime) -> bool:
    """Whether who logs a contact is to say what comes next: the owner, of a lead in work, where nothing else waits."""
    if contact.owner_id != user.pk or contact.stage not in ("sql", "opportunity"):
        return False
    waiting = Task.objects.open().filter(contact=contact, owner=user, due_at__gt=now).exclude(kind__in=REACHING)
    return not waiting.exists()
