"""What somebody means to do with a contact, and by when; the earliest is the contact's next step."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models.contacts import Contact
from leads.models.handoffs import HandoffEvent

if TYPE_CHECKING:
    from crm.models import User

IS_OPEN = Q(done_at=None, cancelled_at=None)


class TaskKind(models.TextChoices):
    """What is to be done; the first three are the types of activity that a person logs.

    `SATISFIED` is asked of a customer, and done by their answer.
    """

    CALL = "call", _("Call")
    EMAIL = "email", _("E-mail")
    MEETING = "meeting", _("Meeting")
    SATISFIED = "satisfied", _("Ask how satisfied they are")
    OTHER = "other", _("Other")


REACHING = (TaskKind.CALL, TaskKind.EMAIL)
"""Kinds that any attempt to reach the contact does; which way it goes matters little."""


class TaskVerb(models.TextChoices):
    """What happens to a task."""

    ADD = "add", _("planned")
    CHANGE = "change", _("changed")
    FINISH = "finish", _("done")
    CANCEL = "cancel", _("canceled")
    HAND_ON = "hand_on", _("handed on")
    UNDO = "undo", _("taken back")


class TaskQuerySet(models.QuerySet["Task"]):
    """Tasks with row rights."""

    def open(self) -> TaskQuerySet:
        """Those that are still to be done."""
        return self.filter(IS_OPEN)

    def next_steps(self) -> TaskQuerySet:
        """Of each contact with an owner, the owner's earliest open task."""
        earlier = Q(due_at__lt=models.OuterRef("due_at")) | Q(
            due_at=models.OuterRef("due_at"), pk__lt=models.OuterRef("pk")
        )
        others = Task.objects.open().filter(contact=models.OuterRef("contact"), owner=models.OuterRef("owner"))
        return self.open().filter(~models.Exists(others.filter(earlier)), owner=F("contact__owner"))

    def visible_to(self, user: User) -> TaskQuerySet:
        """Who sees the contact sees its tasks."""
        if user.sees_all_contacts:
            return self
        return self.filter(contact__in=Contact.objects.visible_to(user))


class Task(models.Model):
    """One thing to do with one contact. Open until it is done or canceled; each change is a row of its history."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="tasks")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tasks")
    kind = models.CharField(_("kind"), max_length=10, choices=TaskKind, default=TaskKind.CALL)
    what = models.CharField(_("what"), max_length=200, blank=True)
    due_at = models.DateTimeField(_("due"))
    has_time = models.BooleanField(_("at a set time"), default=False)
    """Whether it is to be done at that very time, or some time on that day."""
    minutes = models.PositiveSmallIntegerField(_("minutes it takes"), default=30)
    done_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(_("why not"), max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # What calendars know it by, and how often what they show was changed.
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sequence = models.PositiveIntegerField(default=0)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["owner", "due_at"], condition=IS_OPEN, name="task_open_of_owner"),
            models.Index(fields=["contact", "due_at"], name="task_of_contact"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="task_done_or_cancelled", condition=Q(done_at=None) | Q(cancelled_at=None)),
            models.CheckConstraint(name="task_takes_a_day_at_most", condition=Q(minutes__range=(1, 1440))),
        ]

    def __str__(self) -> str:
        return self.what or str(TaskKind(self.kind).label)

    @property
    def is_open(self) -> bool:
        return self.done_at is None and self.cancelled_at is None

    @property
    def state(self) -> str:
        """`open`, `done` or `cancelled`."""
        if self.is_open:
            return "open"
        return "done" if self.done_at else "cancelled"


class TaskEvent(models.Model):
    """One change of one task, with what it replaced: the history and the undo."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="events")
    verb = models.CharField(max_length=10, choices=TaskVerb)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    before = models.JSONField(null=True, blank=True)
    cause = models.ForeignKey(HandoffEvent, null=True, blank=True, on_delete=models.CASCADE, related_name="task_events")
    """The verb on the handoff that did it, with which it is taken back."""
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["task", "at"])]

    def __str__(self) -> str:
        return f"{self.verb} {self.task_id}"
