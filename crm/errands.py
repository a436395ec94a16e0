"""Errands: each one reason why a contact stands in a salesperson's inbox. Values only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy

from leads.models import Contact, Handoff, HandoffComment, Task
from sla.models import Milestone, Timer


class Kind(StrEnum):
    """Why a contact stands in the inbox; of two alike urgent the earlier kind comes first."""

    ANSWER = "answer"
    TEAM = "team"
    CONTACT = "contact"
    MEETING = "meeting"
    FOLLOW_UP = "follow_up"
    APPOINTMENT = "appointment"
    TASK = "task"
    MENTION = "mention"
    WINDOW = "window"
    ACTIVE = "active"
    SILENT = "silent"
    NOT_REACHED = "not_reached"
    BACK = "back"

    @property
    def place(self) -> int:
        """Its number in the order above."""
        return list(Kind).index(self)


LABELS = {
    Kind.ANSWER: gettext_lazy("Answer"),
    Kind.TEAM: gettext_lazy("For your team"),
    Kind.CONTACT: gettext_lazy("First contact"),
    Kind.MEETING: gettext_lazy("Meeting to arrange"),
    Kind.FOLLOW_UP: gettext_lazy("Follow-up"),
    Kind.APPOINTMENT: gettext_lazy("Meeting"),
    Kind.TASK: gettext_lazy("Task"),
    Kind.MENTION: gettext_lazy("Asks you"),
    Kind.WINDOW: gettext_lazy("Contact window"),
    Kind.ACTIVE: gettext_lazy("Active again"),
    Kind.SILENT: gettext_lazy("Silent"),
    Kind.NOT_REACHED: gettext_lazy("Not reached"),
    Kind.BACK: gettext_lazy("Came back"),
}


@dataclass(frozen=True)
class Errand:
    """One reason. What has a clock carries its `timer`; what is promised without one, `due_at`; the rest, `since`."""

    kind: Kind
    contact: Contact
    timer: Timer | None = None
    handoff: Handoff | None = None
    task: Task | None = None
    comment: HandoffComment | None = None
    due_at: dt.datetime | None = None
    since: dt.datetime | None = None
    """When it began to get colder."""
    amount: float = 0.0
    """What is offered, in whatever currency; 0 without an open offer."""
    when: str = ""
    why: str = ""
    note: str = ""


def clock_errand(timer: Timer) -> Errand:
    """The errand of an open clock, read with its handoff and contact."""
    handoff = timer.handoff
    kind = Kind(timer.milestone)
    if timer.milestone == Milestone.ANSWER and handoff.assignee_id is None:
        kind = Kind.TEAM
    return Errand(kind, handoff.contact, timer=timer, handoff=handoff)
