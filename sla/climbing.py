"""The sweep of the clocks: steps of ladders that are due are taken. It tells people, and notes what else is to be done.

A step that moves the lead is written down as a `LadderAct` in the transaction that takes the step; `crm.flows.acts`
does it afterwards, contact first.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from django.db import connection

from crm import notices
from crm.models import Role, User
from leads.models import Handoff
from sla import ladder
from sla.models import LadderAct, Timer
from sla.services import hold, pauses_of

RETRY = dt.timedelta(minutes=15)
NEEDED = (
    *("milestone", "calendar", "target_seconds", "steps", "step", "assignee", "started_at", "due_at", "next_check_at"),
    *("handoff__contact", "handoff__team"),
)
"""What climbing reads of a timer."""


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

    def of_step(self, step: ladder.Step, *, timer: Timer) -> list[int]:
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

    def _owners(self, timer: Timer) -> list[int]:
        """Whose promise it is: the assignee, the team that it was offered to, else marketing."""
        if timer.assignee_id is not None:
            return [timer.assignee_id] if timer.assignee_id in self._people else []
        return self.of_team(timer.handoff.team_id) if timer.handoff.team_id else self._marketers


def timers_due(*, at: dt.datetime, limit: int, only: int | None = None) -> list[Timer]:
    """Lock a batch of timers that are to be looked at (`only`: this one), passing over those another sweep holds."""
    due = Timer.objects.filter(next_check_at__lte=at).order_by("next_check_at", "id")
    if only is not None:
        due = due.filter(id=only)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    # A batch has few calendars, and needs little of each handoff.
    return list(due.select_related("handoff").only(*NEEDED).prefetch_related("calendar")[:limit])


def climb(timers: Sequence[Timer], *, at: dt.datetime) -> int:
    """Take every step of the ladder that is due at `at` for these locked timers; return how many people are told.

    1. Each timer is judged anew from its facts: pauses may have moved it.
    2. Notices and their sendings are written, each once for ever by its key; acts, each once for ever by its step.
    3. The timers are written with the instant of their next step.
    """
    pauses = pauses_of([timer.handoff_id for timer in timers])
    calendars = {calendar.pk: calendar.parse() for calendar in {timer.calendar for timer in timers}}
    listeners = Listeners()
    drafts: list[notices.Draft] = []
    acts: list[LadderAct] = []
    for timer in timers:
        calendar = calendars[timer.calendar_id]
        next_at = ladder.next_time(timer, calendar=calendar, pauses=pauses[timer.handoff_id])
        while next_at is not None and next_at <= at:
            step = timer.steps[timer.step]
            if ladder.is_act(step):
                acts.append(
                    LadderAct(timer=timer, step=timer.step, kind=step["kind"], due_at=next_at, next_attempt_at=next_at)
                )
            else:
                drafts += [_draft(timer, step["kind"], to=one) for one in listeners.of_step(step, timer=timer)]
            timer.step += 1
            next_at = ladder.next_time(timer, calendar=calendar, pauses=pauses[timer.handoff_id])
        timer.next_check_at = next_at
    written = notices.tell(drafts, at=at)
    LadderAct.objects.bulk_create(acts)
    _write(timers)
    return len(written)


def _write(timers: Sequence[Timer]) -> None:
    """Write where timers stand on their ladders: most stand alike, at the top, and are written by one statement."""
    alike: dict[tuple[int, dt.datetime | None], list[int]] = defaultdict(list)
    for timer in timers:
        alike[timer.step, timer.next_check_at].append(timer.pk)
    for (step, next_check_at), ids in alike.items():
        if len(ids) > 1:
            Timer.objects.filter(id__in=ids).update(step=step, next_check_at=next_check_at)
    alone = [timer for timer in timers if len(alike[timer.step, timer.next_check_at]) == 1]
    Timer.objects.bulk_update(alone, ["step", "next_check_at"])


def _draft(timer: Timer, kind: str, *, to: int) -> notices.Draft:
    return notices.Draft(
        kind=kind,
        dedup_key=f"timer:{timer.pk}:{timer.step}:{to}",
        recipient_id=to,
        contact_id=timer.handoff.contact_id,
        handoff_id=timer.handoff_id,
        timer_id=timer.pk,
        step=timer.step,
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
