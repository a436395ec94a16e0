"""What a salesperson does next, in the order in which waiting costs most: promises first, then what goes cold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from crm import formats, notices, openers
from crm.deeds import Deed
from crm.faces import OpenHours, ScoreFace
from crm.models import Role, User
from crm.openers import Opening
from crm.queries import clocks, going_cold, history
from crm.queries.clocks import Clock
from crm.queries.going_cold import LABELS, Cold, Kind, Planned
from leads.models import Contact, Handoff
from leads.stages import HandoffState
from scoring import queries as scores
from sla.models import Milestone, Timer

LATER = (Milestone.MEETING, Milestone.FOLLOW_UP)
"""Clocks that run for days; they are something to do only when they are about to be missed."""


@dataclass(frozen=True)
class Item:
    """One thing to do. Those with a clock have `clock`, the others say `when` in words."""

    kind: Kind
    contact: Contact
    score: ScoreFace
    why: str
    note: str
    opening: Opening
    standing: str = ""
    clock: Clock | None = None
    when: str = ""
    handoff_id: int | None = None

    @property
    def key(self) -> str:
        """The row's name on the page; the same as long as the same thing is to be done."""
        return f"{self.kind}-{self.contact.pk}"

    @property
    def label(self) -> str:
        return str(LABELS[self.kind])

    @property
    def promise(self) -> str:
        """The kind with what was promised: "First contact, 8 working hours"."""
        if self.clock is None:
            return self.label
        hours = formats.duration(self.clock.timer.target_seconds)
        return _("%(kind)s within %(hours)s of working time") % {"kind": self.label, "hours": hours}

    @property
    def is_answer(self) -> bool:
        return self.kind is Kind.ANSWER

    @property
    def is_call(self) -> bool:
        """Whether the act is a call: somebody is to be spoken to, and there is a number."""
        return not self.is_answer and bool(self.contact.phone)

    @property
    def tel(self) -> str:
        """The number as a phone dials it."""
        return formats.tel(self.contact.phone)

    @property
    def first_name(self) -> str:
        return self.contact.first_name or self.contact.name


@dataclass(frozen=True)
class Tab:
    """One kind with how many rows it has."""

    label: str
    href: str
    count: int
    is_current: bool


@dataclass(frozen=True)
class Inbox:
    """The page, true at `now`."""

    now: dt.datetime
    first: Item | None
    clocked: tuple[Item, ...]
    others: tuple[Item, ...]
    tabs: tuple[Tab, ...]
    hours: tuple[OpenHours, ...]
    coming: tuple[Planned, ...]
    total: int

    @property
    def is_empty(self) -> bool:
        return self.total == 0


def inbox_of(user: User, *, now: dt.datetime, kind: str = "") -> Inbox:
    """What waits for `user` at `now`, in a constant number of queries however much it is; `kind` narrows the list."""
    timers, drawn = _clocked(user, now=now)
    contacts = {timer.handoff.contact_id: timer.handoff.contact for timer in timers}
    taken = set(contacts)
    work, back = _without_clock(user, now=now, taken=taken)
    contacts |= {contact.pk: contact for contact in [*work, *back]}
    deeds = history.deeds_of(list(contacts), since=now - openers.MEMORY)
    loose = going_cold.going_cold(work, back, deeds, now=now)
    shown = {contact.pk: contact for contact in [*(contacts[key] for key in taken), *(one.contact for one in loose)]}
    faces = _faces(list(shown.values()), now=now)
    managers = [str(person) for person in notices.people_with(Role.MANAGER)]
    clocked = [
        _clocked_item(timer, drawn.by_timer[timer.pk], faces, deeds, managers=managers, now=now) for timer in timers
    ]
    loose_items = [_loose_item(one, faces, deeds, now=now) for one in loose]
    everything = [*clocked, *loose_items]
    chosen = [item for item in everything if not kind or item.kind == kind]
    rest = chosen[1:]
    return Inbox(
        now=now,
        first=chosen[0] if chosen else None,
        clocked=tuple(item for item in rest if item.clock),
        others=tuple(item for item in rest if not item.clock),
        tabs=_tabs(everything, current=kind),
        hours=drawn.hours,
        coming=going_cold.coming_days(work, now=now),
        total=len(everything),
    )


def count_waiting(user: User, *, now: dt.datetime) -> int:
    """How many rows the inbox of `user` has at `now`, without drawing them: the number beside it in the navigation."""
    clocked = list(own_timers(user, now=now).values_list("handoff__contact_id", flat=True))
    work, back = _without_clock(user, now=now, taken=set(clocked))
    deeds = history.deeds_of([contact.pk for contact in [*work, *back]], since=now - openers.MEMORY)
    return len(clocked) + len(going_cold.going_cold(work, back, deeds, now=now))


def _without_clock(user: User, *, now: dt.datetime, taken: set[int]) -> tuple[list[Contact], list[Contact]]:
    """The contacts in work and those that came back, but for the `taken` ones, which have a row with a clock."""
    work = going_cold.in_work(user, now=now, but_not=taken)
    return work, going_cold.back_again(user, now=now, but_not=taken | {contact.pk for contact in work})


def own_timers(user: User, *, now: dt.datetime) -> QuerySet[Timer]:
    """The open clocks that `user` is to stop, one a handoff at most.

    Of an offer its answer clock, of an accepted lead that of the first contact; without such a one, the meeting's or
    the follow-up's that falls due first, from its warning on.
    """
    mine = Q(handoff__assignee=user)
    if user.team_id:
        mine |= Q(handoff__assignee=None, handoff__team=user.team_id)
    is_first = Q(handoff__state=HandoffState.OFFERED, milestone=Milestone.ANSWER) | Q(
        handoff__state=HandoffState.ACCEPTED, milestone=Milestone.CONTACT
    )
    is_later = Q(handoff__state=HandoffState.ACCEPTED, milestone__in=LATER, warn_at__lte=now)
    falls_sooner = Q(due_at__lt=OuterRef("due_at")) | Q(due_at=OuterRef("due_at"), pk__lt=OuterRef("pk"))
    others = Timer.objects.open().filter(handoff=OuterRef("handoff"))
    before = others.filter(is_first | (is_later & falls_sooner))
    step = is_first | (is_later & ~Exists(before))
    return Timer.objects.visible_to(user).open().filter(mine, step)


def _clocked(user: User, *, now: dt.datetime) -> tuple[list[Timer], clocks.Clocks]:
    """Own clocks in order, by two queries."""
    own = own_timers(user, now=now)
    timers = list(own.select_related("calendar", "handoff__contact__company", "handoff__assignee"))
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: timer.handoff.contact.name)
    return in_order(timers, drawn), drawn


def in_order(timers: Iterable[Timer], drawn: clocks.Clocks) -> list[Timer]:
    """Clocks as the inbox orders them: late ones first, then by the time left; those that stand still come last."""

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


def _clocked_item(
    timer: Timer,
    clock: Clock,
    faces: Mapping[int, ScoreFace],
    deeds: Mapping[int, Sequence[Deed]],
    *,
    managers: Sequence[str],
    now: dt.datetime,
) -> Item:
    handoff, contact = timer.handoff, timer.handoff.contact
    known = deeds.get(contact.pk, ())
    note = clocks.consequence(clock, managers=managers, now=now)
    return Item(
        kind=Kind(timer.milestone),
        contact=contact,
        score=faces[contact.pk],
        why=openers.reason_to_call(known, now=now) or _cause(handoff),
        note=note or _("Due %(when)s") % {"when": openers.mid_sentence(formats.when(timer.due_at, now=now))},
        opening=openers.opening(known, now=now),
        standing=_standing(handoff, now=now),
        clock=clock,
        handoff_id=handoff.pk,
    )


def _cause(handoff: Handoff) -> str:
    return handoff.get_cause_display()


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


def _loose_item(
    one: Cold, faces: Mapping[int, ScoreFace], deeds: Mapping[int, Sequence[Deed]], *, now: dt.datetime
) -> Item:
    known = deeds.get(one.contact.pk, ())
    return Item(
        kind=one.kind,
        contact=one.contact,
        score=faces[one.contact.pk],
        why=one.why or openers.reason_to_call(known, now=now),
        note=one.note,
        opening=openers.opening(known, now=now),
        standing=f"{one.why}." if one.why else "",
        when=one.when,
    )


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
