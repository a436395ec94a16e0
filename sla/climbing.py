"""The sweep of the clocks: steps of ladders that are due are taken. It tells people, and notes what else is to be done.

A step that moves the lead is written down as a `LadderAct` in the transaction that takes the step; `crm.flows.acts`
does it afterwards, contact first.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast

from crm import bulk, notices
from crm.models import Role, User
from leads.models import Handoff
from leads.sets import among
from sla import ladder
from sla.models import Calendar, LadderAct, Timer
from sla.services import hold, pauses_of

RETRY = dt.timedelta(minutes=15)


class Climber(NamedTuple):
    """What climbing reads of a timer: thousands are due at once, and making objects takes longer than judging."""

    id: int
    milestone: str
    calendar_id: int
    target_seconds: int
    steps: list[ladder.Step]
    step: int
    assignee_id: int | None
    started_at: dt.datetime
    due_at: dt.datetime
    handoff_id: int
    contact_id: int
    team_id: int | None


COLUMNS = (*Climber._fields[:4], "ladder", *Climber._fields[5:-2], "handoff__contact_id", "handoff__team_id")


@lru_cache(maxsize=1000)
def _steps(written: str) -> list[ladder.Step]:
    """A ladder, read once: most clocks stand on one of a few. Nobody changes it."""
    steps: list[ladder.Step] = json.loads(written)
    return steps


class Listeners:
    """Who hears of a step, looked up once for a batch: four queries at most."""

    @cached_property
    def _people(self) -> dict[int, User]:
        return {person.pk: person for person in User.objects.filter(is_active=True).order_by("id")}

    @cached_property
    def managers(self) -> list[int]:
        """Those who hear of what reaches nobody else."""
        found = notices.people_with(Role.MANAGER) or notices.people_with(Role.ADMIN)
        return [person.pk for person in found]

    @cached_property
    def _marketers(self) -> list[int]:
        return [person.pk for person in notices.people_with(Role.MARKETER)]

    def of_team(self, team_id: int | None) -> list[int]:
        """The active members of a team; those on duty if there are any."""
        members = [person for person in self._people.values() if team_id and person.team_id == team_id]
        return [person.pk for person in members if person.is_on_duty] or [person.pk for person in members]

    def of_step(self, step: ladder.Step, *, timer: Climber) -> list[int]:
        """Whom a step that tells reaches; the managers where its recipient is gone, so that somebody always hears."""
        match step["to"]:
            case "owner":
                found = self._owners(timer)
            case "person":
                found = [step["person"]] if step["person"] in self._people else []
            case "team":
                found = self.of_team(step["team"])
            case _:
                found = []
        return found or self.managers

    def _owners(self, timer: Climber) -> list[int]:
        """Whose promise it is: the assignee, the team that it was offered to, else marketing."""
        if timer.assignee_id is not None:
            return [timer.assignee_id] if timer.assignee_id in self._people else []
        return self.of_team(timer.team_id) if timer.team_id else self._marketers


def timers_due(*, at: dt.datetime, limit: int, only: Sequence[int] | None = None) -> list[Climber]:
    """Lock a batch of timers that are to be looked at (`only`: of these), passing over those another sweep holds."""
    due = Timer.objects.filter(next_check_at__lte=at).order_by("next_check_at", "id")
    if only is not None:
        due = due.filter(id__in=among(only))
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    rows = due.annotate(ladder=Cast("steps", TextField())).values_list(*COLUMNS)[:limit]
    return [Climber._make((*row[:4], _steps(row[4]), *row[5:])) for row in rows]


def climb(timers: Sequence[Climber], *, at: dt.datetime) -> int:
    """Take every step of the ladder that is due at `at` for these locked timers; return how many people are told.

    1. Each timer is judged anew from its facts: pauses may have moved it.
    2. Notices and their sendings are written, each once for ever by its key; acts, each once for ever by its step.
    3. The timers are written with the instant of their next step.
    """
    pauses = pauses_of([timer.handoff_id for timer in timers])
    calendars = {one.pk: one.parse() for one in Calendar.objects.filter(id__in={timer.calendar_id for timer in timers})}
    listeners = Listeners()
    drafts: list[notices.Draft] = []
    acts: list[LadderAct] = []
    taken: list[dict[str, Any]] = []
    for timer in timers:
        calendar, spans = calendars[timer.calendar_id], pauses.get(timer.handoff_id, ())
        number, next_at = timer.step, None
        while number < len(timer.steps):
            next_at = ladder.time_of(number, of=timer, calendar=calendar, pauses=spans)
            if next_at > at:
                break
            step = timer.steps[number]
            if ladder.is_act(step):
                acts.append(
                    LadderAct(
                        timer_id=timer.id, step=number, kind=step["kind"], due_at=next_at, next_attempt_at=next_at
                    )
                )
            else:
                drafts += [_draft(timer, number, to=one) for one in listeners.of_step(step, timer=timer)]
            number, next_at = number + 1, None
        taken.append({"id": timer.id, "step": number, "next_check_at": next_at})
    written = notices.tell(drafts, at=at)
    LadderAct.objects.bulk_create(acts)
    bulk.update(Timer, taken)
    return len(written)


def _draft(timer: Climber, number: int, *, to: int) -> notices.Draft:
    return notices.Draft(
        kind=timer.steps[number]["kind"],
        dedup_key=f"timer:{timer.id}:{number}:{to}",
        recipient_id=to,
        contact_id=timer.contact_id,
        handoff_id=timer.handoff_id,
        timer_id=timer.id,
        step=number,
        params={"milestone": timer.milestone, "due_at": timer.due_at.isoformat()},
    )


def push_ahead(timer_id: int, *, at: dt.datetime) -> None:
    """Look at a timer that could not be handled again in a quarter of an hour."""
    Timer.objects.filter(id=timer_id, next_check_at__isnull=False).update(next_check_at=at + RETRY)


# Acts -----------------------------------------------------------------------------------------------------------------


def acts_due(*, at: dt.datetime, limit: int) -> list[tuple[int, int]]:
    """Acts that are to be done, the oldest first, as their id and the handoff's."""
    due = LadderAct.objects.filter(next_attempt_at__lte=at).order_by("next_attempt_at", "id")
    return list(due.values_list("id", "timer__handoff_id")[:limit])


def locked_act(act_id: int, *, handoff: Handoff, at: dt.datetime) -> LadderAct | None:
    """Lock an act of a locked handoff, its timer first; None when another sweep has done it or it is not due yet.

    One that a pause has moved meanwhile waits for its new time.
    """
    hold([handoff.pk])
    rows = LadderAct.objects.select_for_update(of=("self",)).select_related("timer__calendar")
    act = rows.filter(id=act_id, next_attempt_at__lte=at).first()
    if act is None:
        return None
    timer = act.timer
    pauses = pauses_of([handoff.pk])[handoff.pk]
    act.due_at = ladder.time_of(act.step, of=timer, calendar=timer.calendar.parse(), pauses=pauses)
    if act.due_at <= at:
        return act
    act.next_attempt_at = act.due_at
    act.save(update_fields=["due_at", "next_attempt_at"])
    return None


def settle(act: LadderAct, *, outcome: LadderAct.Outcome, at: dt.datetime) -> None:
    """Note how a locked act ended; it is never done again."""
    act.outcome, act.done_at, act.next_attempt_at = outcome, at, None
    act.save(update_fields=["outcome", "done_at", "next_attempt_at", "due_at"])


def put_off(act_id: int, *, at: dt.datetime) -> None:
    """Try an act that failed again in a quarter of an hour."""
    LadderAct.objects.filter(id=act_id, next_attempt_at__isnull=False).update(next_attempt_at=at + RETRY)
