"""The inbox of a salesperson as a page shows it: one row a contact, in the order of what is lost by waiting."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import formats, openers
from crm.deeds import Deed
from crm.errands import LABELS, Errand, Kind
from crm.faces import OpenHours, ScoreFace, Tab
from crm.models import User
from crm.openers import Opening
from crm.queries import clocks, plan, to_do
from crm.queries.clocks import Clock, Clocks
from crm.queries.plan import PlanDay
from crm.queries.to_do import own_timers
from crm.urgency import Tier, Urgency
from leads.models import Contact, Handoff, Task
from leads.models.tasks import TaskKind
from leads.stages import HandoffState
from scoring import queries as scores
from sla.models import Timer

__all__ = ["Inbox", "Item", "in_order", "inbox_of", "own_timers"]

LONGEST = 100
"""Rows shown at once; the rest is a click away."""


@dataclass(frozen=True)
class Item:
    """One contact with what is to be done first; `also_kinds` are the other reasons why it stands here."""

    kind: Kind
    contact: Contact
    urgency: Urgency
    score: ScoreFace
    why: str
    note: str
    opening: Opening
    also_kinds: tuple[Kind, ...] = ()
    standing: str = ""
    clock: Clock | None = None
    when: str = ""
    handoff_id: int | None = None
    task: Task | None = None

    @property
    def key(self) -> str:
        """The row's name on the page; the same as long as the contact stands there, whatever is to be done next."""
        return f"contact-{self.contact.pk}"

    @property
    def label(self) -> str:
        return str(LABELS[self.kind])

    @property
    def also(self) -> tuple[str, ...]:
        return tuple(str(LABELS[kind]) for kind in self.also_kinds)

    @property
    def promise(self) -> str:
        """The kind with what was promised: "First contact, 8 working hours"."""
        if self.clock is None:
            return self.label
        hours = formats.duration(self.clock.timer.target_seconds)
        return _("%(kind)s within %(hours)s of working time") % {"kind": self.label, "hours": hours}

    @property
    def is_answer(self) -> bool:
        return self.kind in (Kind.ANSWER, Kind.TEAM)

    @property
    def act(self) -> str:
        """What the row's button does: accept, say, finish a task, or log what it is done with: call, meeting, email."""
        if self.is_answer:
            return "accept"
        if self.kind is Kind.MENTION:
            return "say"
        kind = self.task.kind if self.task else TaskKind.CALL
        if kind == TaskKind.OTHER:
            return "finish"
        if kind == TaskKind.CALL and not self.contact.phone:
            return str(TaskKind.EMAIL)
        return str(kind)

    @property
    def is_call(self) -> bool:
        return self.act == TaskKind.CALL

    @property
    def tel(self) -> str:
        """The number as a phone dials it."""
        return formats.tel(self.contact.phone)

    @property
    def first_name(self) -> str:
        return self.contact.first_name or self.contact.name


@dataclass(frozen=True)
class Group:
    """Rows that wait in the same way, under one heading."""

    title: str
    meaning: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Inbox:
    """The page, true at `now`."""

    now: dt.datetime
    items: tuple[Item, ...]
    """All rows of the kind asked for, in their order."""
    first: Item | None
    groups: tuple[Group, ...]
    """The rows shown after the first one."""
    hidden: int
    """How many rows are not shown before all are asked for."""
    tabs: tuple[Tab, ...]
    hours: tuple[OpenHours, ...]
    coming: tuple[PlanDay, ...]
    total: int

    @property
    def is_empty(self) -> bool:
        return self.total == 0


def inbox_of(user: User, *, now: dt.datetime, kind: str = "", is_whole: bool = False) -> Inbox:
    """What waits for `user` at `now`, in a constant number of queries however much it is.

    `kind` narrows the list; `is_whole` shows all of it, however long.
    """
    found = to_do.waiting_for(user, now=now)
    time = to_do.working_time_of(user)
    everything, hours = _items(found, time=time, now=now)
    chosen = [item for item in everything if not kind or item.kind == kind]
    shown = chosen if is_whole else chosen[:LONGEST]
    return Inbox(
        now=now,
        items=tuple(chosen),
        first=shown[0] if shown else None,
        groups=_groups(shown[1:]),
        hidden=len(chosen) - len(shown),
        tabs=_tabs(everything, current=kind),
        hours=hours,
        coming=plan.coming_days(user, found, now=now),
        total=len(everything),
    )


def _items(found: to_do.ToDo, *, time: to_do.WorkingTime, now: dt.datetime) -> tuple[list[Item], tuple[OpenHours, ...]]:
    """One item a contact, in order, and the open hours in which their clocks count."""
    timers = [errand.timer for errand in found.errands if errand.timer is not None]
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: timer.handoff.contact.name)
    contacts = {errand.contact.pk: errand.contact for errand in found.errands}
    faces = _faces(list(contacts.values()), now=now)
    ranked: dict[int, list[tuple[Urgency, Errand]]] = defaultdict(list)
    for errand in found.errands:
        clock = drawn.by_timer[errand.timer.pk] if errand.timer else None
        face = faces[errand.contact.pk]
        rank = to_do.urgency_of(
            errand,
            score=face.score,
            threshold=face.threshold,
            seconds_left=clock.seconds_left if clock else None,
            is_paused=clock is not None and clock.state == "paused",
            time=time,
            now=now,
        )
        ranked[errand.contact.pk].append((rank, errand))
    items = []
    for key, reasons in ranked.items():
        (rank, errand), *others = sorted(reasons, key=lambda pair: pair[0])
        item = _item(errand, rank, faces[key], found.deeds.get(key, ()), drawn=drawn, now=now)
        items.append(replace(item, also_kinds=tuple(dict.fromkeys(other.kind for _rank, other in others))))
    return sorted(items, key=lambda item: item.urgency), drawn.hours


GROUPS = {
    Tier.LATE: (gettext_lazy("Late"), gettext_lazy("what was promised has passed")),
    Tier.PROMISED: (gettext_lazy("Promised"), gettext_lazy("each for a time still to come")),
    Tier.COLDER: (gettext_lazy("Today"), gettext_lazy("no clock, but it gets worse")),
    Tier.RESTING: (gettext_lazy("Paused"), gettext_lazy("nothing is lost before that ends")),
}


def _groups(items: Sequence[Item]) -> tuple[Group, ...]:
    parted = {tier: tuple(item for item in items if item.urgency.tier is tier) for tier in Tier}
    return tuple(Group(str(GROUPS[tier][0]), str(GROUPS[tier][1]), rows) for tier, rows in parted.items() if rows)


def in_order(timers: Iterable[Timer], drawn: Clocks) -> list[Timer]:
    """Clocks by themselves in order: late ones first, then by the time left; those that stand still come last."""

    def order(timer: Timer) -> tuple[bool, int, int]:
        one = drawn.by_timer[timer.pk]
        return one.state == "paused", one.seconds_left, timer.pk

    return sorted(timers, key=order)


def _faces(contacts: Sequence[Contact], *, now: dt.datetime) -> dict[int, ScoreFace]:
    return {
        key: ScoreFace(
            score=live.value,
            engagement=live.engagement,
            fit=live.fit,
            threshold=live.threshold,
            grade=live.grade,
            is_hot=live.is_hot,
        )
        for key, live in scores.live_scores(contacts, at=now).items()
    }


def _item(
    errand: Errand,
    rank: Urgency,
    face: ScoreFace,
    known: Sequence[Deed],
    *,
    drawn: Clocks,
    now: dt.datetime,
) -> Item:
    handoff = errand.handoff
    clock = drawn.by_timer[errand.timer.pk] if errand.timer else None
    why, note, standing = errand.why or openers.reason_to_call(known, now=now), errand.note, ""
    if handoff is not None and handoff.is_open:
        why = why or handoff.get_cause_display()
        standing = _standing(handoff, now=now)
    elif errand.why:
        standing = f"{errand.why.rstrip('.')}."
    if clock is not None:
        note = clocks.consequence(clock, now=now)
        note = note or _("Due %(when)s") % {"when": openers.mid_sentence(formats.when(clock.timer.due_at, now=now))}
    return Item(
        kind=errand.kind,
        contact=errand.contact,
        urgency=rank,
        score=face,
        why=why,
        note=note,
        opening=openers.opening(known, now=now),
        standing=standing,
        clock=clock,
        when=errand.when,
        handoff_id=handoff.pk if handoff else errand.comment.handoff_id if errand.comment else None,
        task=errand.task,
    )


def _standing(handoff: Handoff, *, now: dt.datetime) -> str:
    """How it came to the reader, and what has not happened yet."""
    if handoff.state == HandoffState.OFFERED:
        when = openers.mid_sentence(formats.when(handoff.offered_at, now=now)) if handoff.offered_at else ""
        if handoff.assignee_id is None:
            return _("Offered to your team %(when)s: whoever is first has it.") % {"when": when}
        return _("Offered to you %(when)s. Nobody has answered yet.") % {"when": when}
    if handoff.last_contacted_at is not None:
        when = openers.mid_sentence(formats.when(handoff.last_contacted_at, now=now))
        return _("Last contact %(when)s.") % {"when": when}
    when = openers.mid_sentence(formats.when(handoff.answered_at, now=now)) if handoff.answered_at else ""
    if handoff.cause == Handoff.Cause.OWN:
        return _("Your own prospect since %(when)s. Nobody has called yet.") % {"when": when}
    return _("Accepted by you %(when)s. Nobody has called yet.") % {"when": when}


def _tabs(items: Sequence[Item], *, current: str) -> tuple[Tab, ...]:
    """All, then each kind that has rows, or is looked at."""
    counts = {kind: sum(item.kind is kind for item in items) for kind in Kind}
    tabs = [Tab(_("All"), "/inbox/", len(items), not current)]
    tabs += [
        Tab(str(LABELS[kind]), f"/inbox/?kind={kind}", count, current == kind)
        for kind, count in counts.items()
        if count or current == kind
    ]
    return tuple(tabs)
