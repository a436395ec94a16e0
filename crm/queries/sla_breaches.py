"""Promises that were not kept, each with its story: formed, offered, warned, missed, who acted, met how late."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm import formats
from crm.faces import ClockFace, OpenHours
from crm.models import Notice, User
from crm.models.notices import ALERT_KINDS, NoticeKind
from crm.queries import clocks, timeline, timers
from crm.queries.sla_period import Asked
from crm.queries.timeline import Line
from leads.models import Handoff, HandoffEvent
from sla.models import Milestone, Timer, TimerQuerySet

LISTED = 6
"""How many of them the page tells before the list of all."""


@dataclass(frozen=True)
class Breach:
    """A promise that was met late or not at all."""

    timer: Timer
    clock: ClockFace
    who: str
    lines: tuple[Line, ...]
    """What happened, in its order."""

    @property
    def contact_id(self) -> int:
        return self.timer.handoff.contact_id

    @property
    def name(self) -> str:
        return self.timer.handoff.contact.name

    @property
    def promise(self) -> str:
        return str(Milestone(self.timer.milestone).label)

    @property
    def late_seconds(self) -> int:
        """Working time past due when it was met, or now; 0 when all of it was closed time."""
        return max(-(self.clock.seconds_left or 0), 0)


@dataclass(frozen=True)
class Breaches:
    """Some of the promises that were not kept, and the open hours in which their clocks count."""

    rows: tuple[Breach, ...]
    hours: tuple[OpenHours, ...]


def breaches_of(user: User, *, asked: Asked, now: dt.datetime) -> TimerQuerySet:
    """The promises of the period that were not kept and that `user` may see, the latest due first."""
    period = timers.on_days("due_at", asked.period.since, asked.period.until)
    chosen = timers.timers_of(user, now=now).filter(timers.in_states(timers.LATE), period, milestone=asked.milestone)
    return chosen.select_related(*timers.RELATED).order_by("-due_at", "-pk")


def told(rows: Sequence[Timer], *, now: dt.datetime) -> Breaches:
    """These promises with their stories: three queries. `rows` come with `timers.RELATED`."""
    drawn = clocks.clocks_of(rows, now=now, name_of=lambda timer: timer.handoff.contact.name)
    notices: dict[int, list[Notice]] = defaultdict(list)
    for notice in (
        Notice.objects.filter(timer__in=[row.pk for row in rows], kind__in=ALERT_KINDS)
        .select_related("recipient")
        .order_by("created_at", "id")
    ):
        notices[notice.timer_id or 0].append(notice)
    events: dict[int, list[HandoffEvent]] = defaultdict(list)
    for event in (
        HandoffEvent.objects.filter(handoff__in={row.handoff_id for row in rows})
        .select_related("actor", "assignee", "reason")
        .order_by("at", "id")
    ):
        events[event.handoff_id].append(event)
    return Breaches(
        rows=tuple(
            Breach(
                timer=row,
                clock=drawn.by_timer[row.pk].face,
                who=timers.holder_of(row) or _("Marketing"),
                lines=_story(
                    row,
                    face=drawn.by_timer[row.pk].face,
                    alerts=notices[row.pk],
                    acts=timeline.handoff_lines(
                        events[row.handoff_id], pauses=drawn.pauses.get(row.handoff_id, ()), now=now
                    ),
                ),
            )
            for row in rows
        ),
        hours=drawn.hours,
    )


def _story(timer: Timer, *, face: ClockFace, alerts: Sequence[Notice], acts: Iterable[Line]) -> tuple[Line, ...]:
    handoff = timer.handoff
    lines = [Line(handoff.formed_at, _formed(handoff)), *acts, *_alert_lines(alerts)]
    promised = _("Due: %(promise)s within %(time)s of working time") % {
        "promise": Milestone(timer.milestone).label,
        "time": formats.duration(timer.target_seconds),
    }
    lines.append(Line(timer.due_at, promised, is_strong=True))
    if handoff.contacted_at and timer.milestone != Milestone.CONTACT:
        lines.append(Line(handoff.contacted_at, _("First contact")))
    if timer.met_at:
        late = formats.duration(max(-(face.seconds_left or 0), 0))
        lines.append(Line(timer.met_at, _("Met %(time)s late") % {"time": late}, is_strong=True))
    return tuple(sorted(lines, key=lambda line: line.at))


def _formed(handoff: Handoff) -> str:
    return _("Formed: %(cause)s") % {"cause": Handoff.Cause(handoff.cause).label.lower()}


def _alert_lines(alerts: Sequence[Notice]) -> list[Line]:
    """Who was told what, those who were told the same at the same moment together."""
    together: dict[tuple[dt.datetime, str], list[str]] = defaultdict(list)
    for one in alerts:
        together[one.created_at, one.kind].append(str(one.recipient))
    words = {
        NoticeKind.WARN: _("%(who)s was warned"),
        NoticeKind.BREACH: _("%(who)s was told that it is missed"),
        NoticeKind.ESCALATE: _("%(who)s was told that somebody else missed it"),
    }
    return [Line(at, words[NoticeKind(kind)] % {"who": ", ".join(names)}) for (at, kind), names in together.items()]
