"""Clocks as pages show them: how much working time is left now, when it is open, and what comes if nobody acts."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, Max, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext as _

from crm import formats, openers
from crm.faces import ClockFace, OpenHours
from crm.models import Role, User
from sla import clock, ladder
from sla.models import Pause, Timer
from sla.states import TimerState, timer_state

# A page that is left open counts on for as long as this; then it has to be fetched anew.
AHEAD = dt.timedelta(days=14)
LIVE = (TimerState.RUNNING, TimerState.MISSED)


@dataclass(frozen=True)
class Step:
    """One step of a timer's ladder that has not been taken: what is done, and when."""

    at: dt.datetime
    kind: str
    to: str
    """Whom it tells, as ladders name them; empty when it moves the lead."""


@dataclass(frozen=True)
class Clock:
    """One timer at an instant: what is drawn of it, and the steps of its ladder."""

    timer: Timer
    face: ClockFace
    ahead: tuple[Step, ...]
    taken: tuple[str, ...]
    """To whom the steps that were taken went."""
    pause_reason: str = ""
    """Why it stands still; empty unless it does."""

    @property
    def state(self) -> str:
        return self.face.state

    @property
    def is_missed(self) -> bool:
        return self.face.state == TimerState.MISSED

    @property
    def seconds_left(self) -> int:
        return self.face.seconds_left or 0


@dataclass(frozen=True)
class Clocks:
    """The clocks of a page by the timer's id, and the open hours that its scripts count with."""

    by_timer: dict[int, Clock]
    hours: tuple[OpenHours, ...]
    pauses: Mapping[int, Sequence[Pause]]
    """Those of each handoff, with who paused it."""


def clocks_of(
    timers: Sequence[Timer], *, now: dt.datetime, name_of: Callable[[Timer], str] = lambda timer: ""
) -> Clocks:
    """The clocks of these timers at `now`, by one query; `timers` come with their calendar.

    `name_of` says whose clock it is, for announcements.
    """
    pauses = _pauses_of(timers)
    calendars = {timer.calendar_id: timer.calendar for timer in timers}
    parsed = {key: row.parse() for key, row in calendars.items()}
    made = {
        timer.pk: _clock(timer, calendar=parsed[timer.calendar_id], pauses=pauses[timer.handoff_id], now=now, name=name)
        for timer, name in ((timer, name_of(timer)) for timer in timers)
    }
    live = sorted({one.timer.calendar_id for one in made.values() if one.face.hours_key})
    hours = tuple(_hours(key, parsed[key], now=now) for key in live)
    return Clocks(by_timer=made, hours=hours, pauses=pauses)


def _pauses_of(timers: Sequence[Timer]) -> dict[int, list[Pause]]:
    found: dict[int, list[Pause]] = defaultdict(list)
    ids = {timer.handoff_id for timer in timers}
    for row in Pause.objects.filter(handoff_id__in=ids).select_related("actor") if ids else ():
        found[row.handoff_id].append(row)
    return found


def _clock(timer: Timer, *, calendar: clock.Calendar, pauses: Sequence[Pause], now: dt.datetime, name: str) -> Clock:
    running = next((row for row in pauses if row.starts_at <= now < row.ends_at), None)
    state = timer_state(
        now=now,
        due_at=timer.due_at,
        met_at=timer.met_at,
        cancelled_at=timer.cancelled_at,
        paused_from=running.starts_at if running else None,
        paused_until=running.ends_at if running else None,
    )
    spans = [(row.starts_at, row.ends_at) for row in pauses]
    gone = clock.elapsed(calendar, timer.started_at, timer.met_at or now, spans)
    is_known = state is not TimerState.CANCELLED
    face = ClockFace(
        state=state.value,
        at=now,
        target_seconds=timer.target_seconds,
        seconds_left=round(timer.target_seconds - gone) if is_known else None,
        due_at=timer.due_at,
        hours_key=str(timer.calendar_id) if state in LIVE and timer.started_at <= now else "",
        name=name,
        note=_standing_still(timer, state=state, pause=running, now=now),
    )
    ahead = []
    if timer.met_at is None and timer.cancelled_at is None:
        for number, step in enumerate(timer.steps[timer.step :], start=timer.step):
            at = ladder.time_of(number, of=timer, calendar=calendar, pauses=spans)
            ahead.append(Step(at=at, kind=step["kind"], to=step.get("to", "")))
    taken = tuple(step.get("to", "") for step in timer.steps[: timer.step])
    reason = running.reason if running and state is TimerState.PAUSED else ""
    return Clock(timer=timer, face=face, ahead=tuple(ahead), taken=taken, pause_reason=reason)


def _standing_still(timer: Timer, *, state: TimerState, pause: Pause | None, now: dt.datetime) -> str:
    """Until when a clock does not count: a pause, or a day that was planned; empty when it does."""
    if state is TimerState.PAUSED and pause is not None:
        return _("until %(when)s") % {"when": openers.mid_sentence(formats.when(pause.ends_at, now=now))}
    if state is TimerState.RUNNING and timer.started_at > now:
        return _("counts from %(when)s") % {"when": openers.mid_sentence(formats.when(timer.started_at, now=now))}
    return ""


def _hours(key: int, calendar: clock.Calendar, *, now: dt.datetime) -> OpenHours:
    # From a day before, since a page that is shown again from the history counts from when it was made.
    intervals = clock.open_intervals(calendar, now - dt.timedelta(days=1), now + AHEAD)
    return OpenHours(
        key=str(key), intervals=tuple((int(start.timestamp()), int(end.timestamp())) for start, end in intervals)
    )


def consequence(of: Clock, *, now: dt.datetime, is_own: bool = True) -> str:
    """What happens, or has happened, because nobody acted: "At 11:52 Elina Saarinen is told.".

    The clock's timer comes `with_manager`; `is_own`: the reader is whose clock it is.
    """
    if of.pause_reason:
        return of.pause_reason
    sentences = []
    if of.is_missed:
        due = formats.when(of.timer.due_at, now=now)
        sentences.append(_("Was due %(when)s.") % {"when": openers.mid_sentence(due)})
        if "manager" in of.taken:
            sentences.append(_("%(who)s has been told.") % {"who": _manager(of)})
    step = next((one for one in of.ahead if one.to in ("", "manager")), None)
    if step is None and is_own:
        step = next((one for one in of.ahead if one.to == "owner"), None)
    if step is not None and step.to:
        who = _manager(of) if step.to == "manager" else _("you")
        sentences.append(_told(step, who=who, is_you=step.to != "manager", now=now))
    elif step is not None:
        sentences.append(_moved(step, now=now))
    return " ".join(text[:1].upper() + text[1:] for text in sentences)


def _told(step: Step, *, who: str, is_you: bool, now: dt.datetime) -> str:
    if step.at <= now:
        return _("You are told now.") if is_you else _("%(who)s is told now.") % {"who": who}
    values = {"who": who, "when": at_when(step.at, now=now)}
    return _("%(when)s you are told.") % values if is_you else _("%(when)s %(who)s is told.") % values


def _moved(step: Step, *, now: dt.datetime) -> str:
    """What becomes of a lead that a step moves."""
    if step.at <= now:
        return _("Somebody else gets it now.")
    values = {"when": at_when(step.at, now=now)}
    if step.kind == "overflow":
        return _("%(when)s it is offered to another team.") % values
    return _("%(when)s somebody else gets it.") % values


def at_when(moment: dt.datetime, *, now: dt.datetime) -> str:
    """When something happens, to begin a sentence with: "At 11:52", "Tomorrow at 09:46", "Wed at 09:46"."""
    day = formats.when(moment, now=now, with_time=False)
    time = formats.time_of_day(moment)
    if day == formats.when(now, now=now, with_time=False):
        return _("At %(time)s") % {"time": time}
    return _("%(day)s at %(time)s") % {"day": day, "time": time}


def with_manager(timers: QuerySet[Timer]) -> QuerySet[Timer]:
    """The same timers with the name of the only person whom ladders call manager beside each; no query of its own.

    As `notices.people_with`: of those on duty, where there are any.
    """
    on_duty = Q(is_on_duty=True)
    managers = User.objects.with_role(Role.MANAGER).order_by().values(whole=Value(1))
    counted = managers.annotate(total=Count("pk"), present=Count("pk", filter=on_duty)).annotate(
        only=Case(When(present=1, then=Max("name", filter=on_duty)), When(present=0, total=1, then=Max("name")))
    )
    return timers.annotate(manager_name=Subquery(counted.values("only")))


def _manager(of: Clock) -> str:
    return vars(of.timer)["manager_name"] or _("a manager")
