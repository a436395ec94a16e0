"""What the coming days bring to a salesperson, by the days of their own zone: plans, windows, leads that come back."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from crm import formats
from crm.models import User
from crm.queries import calendars, going_cold
from crm.queries.going_cold import end_of_day, start_of_day
from crm.queries.to_do import ToDo, is_for
from leads import window
from leads.models import Contact, Handoff
from leads.models.tasks import TaskKind
from leads.stages import HandoffState
from sla.models import Milestone, Timer

DAYS_AHEAD = 14
DAYS_BESIDE = 5
"""So many days with something in them stand beside the inbox."""


class Coming(StrEnum):
    """What a day brings."""

    APPOINTMENT = "meeting"
    TASK = "task"
    CLOCK = "clock"
    WINDOW = "window"
    BACK = "back"


WORDS = {
    Coming.APPOINTMENT: ngettext_lazy("meeting", "meetings", "n"),
    Coming.TASK: ngettext_lazy("task", "tasks", "n"),
    Coming.CLOCK: ngettext_lazy("promise due", "promises due", "n"),
    Coming.WINDOW: ngettext_lazy("window opens", "windows open", "n"),
    Coming.BACK: ngettext_lazy("comes back", "come back", "n"),
}


@dataclass(frozen=True)
class Entry:
    """One thing of a day."""

    contact: Contact
    at: dt.datetime | None
    """None where it is some time on that day."""
    text: str


@dataclass(frozen=True)
class Part:
    """The things of one kind on a day."""

    kind: Coming
    anchor: str
    entries: tuple[Entry, ...]

    @property
    def words(self) -> str:
        """What they are, in the number that there are: "next steps"."""
        return str(WORDS[self.kind] % {"n": len(self.entries)})

    @property
    def href(self) -> str:
        """Where these rows stand, and no others."""
        return f"{reverse('inbox_plan')}#{self.anchor}"


@dataclass(frozen=True)
class PlanDay:
    """A day to come."""

    day: dt.date
    closed: str
    """Why nobody works then: the holiday's name, or that it is no working day; empty on a working day."""
    is_marked: bool
    """Whether it is closed by name: a holiday or a closure."""
    parts: tuple[Part, ...]

    @property
    def is_empty(self) -> bool:
        return not self.parts


def coming_days(user: User, found: ToDo, *, now: dt.datetime) -> tuple[PlanDay, ...]:
    """The next few days that bring something, or are closed by name; two queries beside what was `found`."""
    days = days_ahead(user, found, now=now)
    return tuple(day for day in days if day.parts or day.is_marked)[:DAYS_BESIDE]


def days_ahead(user: User, found: ToDo, *, now: dt.datetime) -> tuple[PlanDay, ...]:
    """Each of the fourteen days after today with what it brings."""
    today = timezone.localtime(now).date()
    days = [today + dt.timedelta(days=number) for number in range(1, DAYS_AHEAD + 1)]
    until = start_of_day(days[-1] + going_cold.DAY)
    entries: dict[tuple[dt.date, Coming], list[Entry]] = defaultdict(list)
    for kind, day, entry in (
        *_tasks(found, now=now, until=until),
        *_clocks(user, now=now, until=until),
        *_windows(found, days=days),
        *_returns(user, now=now, until=until),
    ):
        entries[day, kind].append(entry)
    closed = _closed_days(user, days=days, now=now)
    return tuple(
        PlanDay(
            day=day,
            closed=closed[day][0],
            is_marked=closed[day][1],
            parts=tuple(
                Part(kind, f"{day.isoformat()}-{kind}", tuple(sorted(entries[day, kind], key=_place)))
                for kind in Coming
                if (day, kind) in entries
            ),
        )
        for day in days
    )


def _place(entry: Entry) -> tuple[float, str, int]:
    return entry.at.timestamp() if entry.at else 0.0, entry.contact.name, entry.contact.pk


Found = list[tuple[Coming, dt.date, Entry]]


def _tasks(found: ToDo, *, now: dt.datetime, until: dt.datetime) -> Found:
    """What the person means to do, and the meetings they are to be at."""
    return [
        (
            Coming.APPOINTMENT if task.kind == TaskKind.MEETING else Coming.TASK,
            timezone.localtime(task.due_at).date(),
            Entry(task.contact, task.due_at if task.has_time else None, str(task)),
        )
        for task in found.tasks
        if end_of_day(now) <= task.due_at < until
    ]


def _clocks(user: User, *, now: dt.datetime, until: dt.datetime) -> Found:
    """The promises of the person and of their team that fall due."""
    rows = (
        Timer.objects.visible_to(user)
        .open()
        .filter(is_for(user, "handoff__"), due_at__gte=end_of_day(now), due_at__lt=until)
        .filter(handoff__state__in=[HandoffState.OFFERED, HandoffState.ACCEPTED])
        .select_related("handoff__contact__company")
    )
    return [
        (
            Coming.CLOCK,
            timezone.localtime(row.due_at).date(),
            Entry(row.handoff.contact, row.due_at, str(Milestone(row.milestone).label)),
        )
        for row in rows
    ]


def _windows(found: ToDo, *, days: Sequence[dt.date]) -> Found:
    """The buyers whose contact window opens."""
    opening: Found = []
    for one in found.held:
        if one.decide_by is None:
            continue
        of_buyer = window.window_of(one.decide_by, one.lead_time)
        if days[0] <= of_buyer.opens_on <= days[-1]:
            text = _("Decides by %(day)s") % {"day": formats.whole_day(one.decide_by)}
            opening.append((Coming.WINDOW, of_buyer.opens_on, Entry(one.contact, None, text)))
    return opening


def _returns(user: User, *, now: dt.datetime, until: dt.datetime) -> Found:
    """The leads that the person gave back until that day."""
    rows = Handoff.objects.visible_to(user).filter(
        assignee=user, resurface_at__gte=end_of_day(now), resurface_at__lt=until
    )
    return [
        (
            Coming.BACK,
            timezone.localtime(row.resurface_at).date(),
            Entry(row.contact, None, str(row.reason or "")),
        )
        for row in rows.select_related("contact__company", "reason")
        if row.resurface_at is not None
    ]


def _closed_days(user: User, *, days: Sequence[dt.date], now: dt.datetime) -> dict[dt.date, tuple[str, bool]]:
    """What is said of each day on which the person's calendar has no hours, and whether it is closed by name."""
    calendar = user.working_time
    if calendar is None:
        return dict.fromkeys(days, ("", False))
    known = calendars.days_of(calendar, since=days[0], until=days[-1], now=now)
    return {
        day.date: ("", False) if day.is_open else (day.note or _("No working day"), bool(day.note)) for day in known
    }
