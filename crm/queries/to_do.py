"""Everything that waits for a salesperson: the one source of the inbox's rows, of its numbers, and of its order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import CharField, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value

from crm import openers
from crm.deeds import Deed
from crm.errands import Errand, clock_errand
from crm.models import User
from crm.queries import going_cold, history
from crm.queries.clocks import with_manager
from crm.queries.going_cold import Held
from crm.urgency import Urgency, stake_of, urgency
from leads.models import HandoffComment, Task
from leads.stages import HandoffState
from sla import clock
from sla.models import Milestone, Timer

HOUR = 3600
SATURDAY = 5
LATER = (Milestone.MEETING, Milestone.FOLLOW_UP)
"""Clocks that run for days; they are something to do only when they are about to be missed."""


@dataclass(frozen=True)
class ToDo:
    """What waits for one person at an instant, and what was read to find it."""

    errands: tuple[Errand, ...]
    """Every reason; a contact may have several."""
    held: tuple[Held, ...]
    tasks: tuple[Task, ...]
    """All that is open, also of days to come, in the order in which it falls due."""
    deeds: Mapping[int, Sequence[Deed]]

    @property
    def count(self) -> int:
        """How many rows they make: one a contact."""
        return len({errand.contact.pk for errand in self.errands})


def waiting_for(user: User, *, now: dt.datetime) -> ToDo:
    """What waits for `user` at `now`, in a constant number of queries however much it is."""
    mine = with_manager(own_timers(user, now=now)).select_related(*TIMER_PARTS)
    clocked = [clock_errand(timer) for timer in mine]
    came_back = going_cold.given_back_by(user, now=now).select_related("contact__company", "reason")
    given_back = {handoff.contact_id: handoff for handoff in came_back}
    held = {one.contact.pk: one for one in going_cold.held_by(user, now=now)}
    tasks = list(open_tasks(user).select_related("contact__company"))
    asked = list(going_cold.unanswered(user).select_related("author", "handoff__contact__company"))
    due = [task for task in tasks if task.due_at < going_cold.end_of_day(now)]
    promised = {errand.contact.pk for errand in clocked}
    known = {*held, *given_back, *promised, *(one.contact_id for one in due), *map(_contact_of, asked)}
    deeds = history.deeds_of(known, since=now - openers.MEMORY)
    found: list[Errand | None] = [*clocked]
    for task in due:
        key = task.contact_id
        found.append(going_cold.task_errand(task, deeds.get(key, ()), held=held.get(key), now=now))
    found += [going_cold.mention_errand(said, held=held.get(_contact_of(said)), now=now) for said in asked]
    steps = _first_by_contact((task.contact_id, task.due_at) for task in tasks)
    found += _judged(held, deeds, promised=promised, steps=steps, now=now)
    found += [going_cold.came_back(one, deeds.get(key, ()), now=now) for key, one in given_back.items()]
    return ToDo(
        errands=tuple(one for one in found if one is not None),
        held=tuple(held.values()),
        tasks=tuple(tasks),
        deeds=deeds,
    )


def count_waiting(user: User, *, now: dt.datetime) -> int:
    """How many rows the inbox of `user` has at `now`: the number beside it in the navigation. Three queries.

    What needs no judging is read as plain values by one of them.
    """
    plain = (
        _reasons("clock", own_timers(user, now=now), contact="handoff__contact_id"),
        _reasons("task", open_tasks(user), at="due_at"),
        _reasons("mention", going_cold.unanswered(user), contact="handoff__contact_id"),
        _reasons("back", going_cold.given_back_by(user, now=now)),
    )
    rows = list(plain[0].union(*plain[1:], all=True))
    held = {one.contact.pk: one for one in going_cold.held_by(user, now=now)}
    given_back = {contact_id for kind, contact_id, _at in rows if kind == "back"}
    promised = {contact_id for kind, contact_id, _at in rows if kind == "clock"}
    tasks = [(contact_id, at) for kind, contact_id, at in rows if kind == "task"]
    deeds = history.deeds_of({*held, *given_back}, since=now - openers.MEMORY)
    waiting = promised | {contact_id for kind, contact_id, _at in rows if kind == "mention"}
    waiting |= {contact_id for contact_id, due_at in tasks if due_at < going_cold.end_of_day(now)}
    judged = _judged(held, deeds, promised=promised, steps=_first_by_contact(tasks), now=now)
    waiting |= {errand.contact.pk for errand in judged if errand is not None}
    waiting |= {key for key in given_back if not going_cold.is_tried_again(deeds.get(key, ()), now=now)}
    return len(waiting)


def _reasons(kind: str, rows: QuerySet, *, contact: str = "contact_id", at: str | None = None) -> QuerySet:
    """Rows as kind, contact and instant, so that several kinds can be read by one query."""
    instant = F(at) if at else Value(None, output_field=DateTimeField())
    return rows.order_by().values_list(Value(kind, output_field=CharField()), F(contact), instant)


def _judged(
    held: Mapping[int, Held],
    deeds: Mapping[int, Sequence[Deed]],
    *,
    promised: Collection[int],
    steps: Mapping[int, dt.datetime],
    now: dt.datetime,
) -> list[Errand | None]:
    """Why contacts that somebody works on get colder; of those with a running clock only the window of the buyer."""
    found = []
    for key, one in held.items():
        of_contact, step_at = deeds.get(key, ()), steps.get(key)
        if key not in promised:
            found.append(going_cold.judge(one, of_contact, step_at=step_at, now=now))
        found.append(going_cold.judge_window(one, of_contact, step_at=step_at, now=now))
    return found


def _first_by_contact(tasks: Iterable[tuple[int, dt.datetime]]) -> dict[int, dt.datetime]:
    """When the next step with each contact is due."""
    first: dict[int, dt.datetime] = {}
    for contact_id, due_at in tasks:
        first[contact_id] = min(due_at, first.get(contact_id, due_at))
    return first


def _contact_of(said: HandoffComment) -> int:
    return said.handoff.contact_id


TIMER_PARTS = ("calendar", "handoff__contact__company", "handoff__assignee")


def is_for(user: User, prefix: str = "") -> Q:
    """Handoffs that `user` is to act on: their own, and those that nobody of their team has taken."""
    mine = Q(**{f"{prefix}assignee": user})
    if user.team_id:
        mine |= Q(**{f"{prefix}assignee": None, f"{prefix}team": user.team_id})
    return mine


def own_timers(user: User, *, now: dt.datetime) -> QuerySet[Timer]:
    """The open clocks that `user` is to stop, one a handoff at most.

    Of an offer its answer clock, of an accepted lead that of the first contact; without such a one, the meeting's or
    the follow-up's that falls due first, from its warning on.
    """
    is_first = Q(handoff__state=HandoffState.OFFERED, milestone=Milestone.ANSWER) | Q(
        handoff__state=HandoffState.ACCEPTED, milestone=Milestone.CONTACT
    )
    is_later = Q(handoff__state=HandoffState.ACCEPTED, milestone__in=LATER, warn_at__lte=now)
    falls_sooner = Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), pk__lt=OuterRef("pk"))
    others = Timer.objects.open().filter(handoff=OuterRef("handoff"))
    before = others.filter(is_first | (is_later & falls_sooner))
    step = is_first | (is_later & ~Exists(before))
    return Timer.objects.visible_to(user).open().filter(is_for(user, "handoff__"), step)


def open_tasks(user: User) -> QuerySet[Task]:
    """What `user` means to do and has not done, in the order in which it falls due."""
    return Task.objects.visible_to(user).open().filter(owner=user).order_by("due_at", "id")


@dataclass(frozen=True)
class WorkingTime:
    """The hours in which a person works: their own calendar, else their team's, else every hour."""

    calendar: clock.Calendar | None

    def hours(self, since: dt.datetime, until: dt.datetime) -> float:
        """Working hours between two instants; negative where `until` is before `since`."""
        if until < since:
            return -self.hours(until, since)
        if self.calendar is None:
            return (until - since).total_seconds() / HOUR
        return clock.elapsed(self.calendar, since, until) / HOUR

    def works_on(self, day: dt.date) -> bool:
        """Whether it is a working day: one with hours in the calendar; of who works at any hour, Monday to Friday."""
        if self.calendar is None or self.calendar.always_open:
            return day.weekday() < SATURDAY
        return bool(self.calendar.hours_on(day))


def working_time_of(user: User) -> WorkingTime:
    """When `user` works."""
    row = user.working_time
    return WorkingTime(row.parse() if row else None)


def urgency_of(
    errand: Errand,
    *,
    score: float,
    threshold: float,
    seconds_left: int | None,
    is_paused: bool,
    time: WorkingTime,
    now: dt.datetime,
) -> Urgency:
    """Where an errand stands; `seconds_left` and `is_paused` are those of its clock, where it has one."""
    stake = stake_of(score=score, threshold=threshold, amount=errand.amount)
    tie = (errand.kind.place, errand.contact.pk)
    if seconds_left is not None:
        return urgency(stake=stake, hours_left=seconds_left / HOUR, is_resting=is_paused, tie=tie)
    if errand.due_at is not None:
        return urgency(stake=stake, hours_left=time.hours(now, errand.due_at), tie=tie)
    since = errand.since or now
    return urgency(stake=stake, hours_waiting=max(time.hours(since, now), 0.0), tie=tie)
