"""What a person may do with a contact right now, and what they need to see to do it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Count, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm import formats, openers
from crm.models import User
from crm.queries import clocks
from crm.queries.clocks import Clock
from crm.queries.to_do import WorkingTime, working_time_of
from leads import lifecycle, stages, words
from leads.models import Contact, Handoff, HandoffEvent, Opportunity, Reason
from leads.stages import HandoffState, ReasonKind, Refusal, Stage, VerbName
from sla.models import Milestone, Timer
from sla.services import MOST_PAUSES

WITH_REASONS = (
    VerbName.REJECT,
    VerbName.RETURN,
    VerbName.RECYCLE,
    VerbName.REDIRECT,
    VerbName.WIN,
    VerbName.DISQUALIFY,
)
WEEK = 7
LOOKED_AHEAD = 60
"""Days among which the next working ones are looked for."""


class Panel(StrEnum):
    """What stands at the top of the right column."""

    ANSWER = "answer"
    WORK = "work"
    REVIEW = "review"
    WATCH = "watch"


@dataclass(frozen=True)
class ReasonChoice:
    """A reason, how often it was given this quarter, and when it applies."""

    code: str
    label: str
    count: int
    description: str = ""


@dataclass(frozen=True)
class Day:
    """A day to get in touch again, as a button says it."""

    value: str
    label: str


@dataclass(frozen=True)
class Promise:
    """One running clock of the handoff, with what comes if nobody acts."""

    milestone: str
    label: str
    clock: Clock
    due: str
    """When it falls due, within a sentence."""
    consequence: str


@dataclass(frozen=True)
class Desk:
    """The acts of one person on one contact. What is not allowed is not shown."""

    panel: Panel
    standing: str
    """How things stand, in a sentence or two, for those who wait for somebody else."""
    promises: tuple[Promise, ...]
    reasons: Mapping[str, tuple[ReasonChoice, ...]]
    next_days: tuple[Day, ...]
    contact_due: str
    """When the first contact falls due, in words; empty when no such clock runs."""
    can_answer: bool
    can_open_opportunity: bool
    can_close_opportunity: bool
    can_recycle: bool
    can_redirect: bool
    can_disqualify: bool
    can_requalify: bool
    can_reassign: bool
    can_pause: bool
    can_resume: bool
    can_approve: bool
    can_return: bool
    can_adjust: bool

    @property
    def answer(self) -> Promise | None:
        return next((one for one in self.promises if one.milestone == Milestone.ANSWER), None)

    @property
    def contact(self) -> Promise | None:
        return next((one for one in self.promises if one.milestone == Milestone.CONTACT), None)

    @property
    def is_answer(self) -> bool:
        return self.panel is Panel.ANSWER

    @property
    def is_work(self) -> bool:
        return self.panel is Panel.WORK

    @property
    def is_review(self) -> bool:
        return self.panel is Panel.REVIEW

    @property
    def is_call_due(self) -> bool:
        """Whether the first contact is still owed."""
        return self.is_work and self.contact is not None

    @property
    def has_management(self) -> bool:
        return self.can_reassign or self.can_pause or self.can_resume


def may(user: User, verb: VerbName, *, contact: Contact, handoff: Handoff | None) -> Refusal | None:
    """Why `user` could not do `verb` here, if they gave a reason where one is asked; None when they could."""
    return stages.check(
        verb,
        actors=lifecycle.capacities(user, contact=contact, handoff=handoff),
        state=handoff.state_enum if handoff else None,
        stage=Stage(contact.stage),
        has_reason=True,
    )


def desk_of(
    user: User,
    *,
    contact: Contact,
    handoff: Handoff | None,
    last: Handoff | None,
    last_event: HandoffEvent | None,
    offer: Opportunity | None,
    timers: Sequence[Timer],
    drawn: clocks.Clocks,
    now: dt.datetime,
) -> Desk:
    """What `user` may do at `now`, by two queries. `handoff` is the open one, `last` the latest whatever its state."""

    def can(verb: VerbName) -> bool:
        return may(user, verb, contact=contact, handoff=handoff) is None

    open_timers = [
        timer
        for timer in timers
        if handoff and timer.handoff_id == handoff.pk and not timer.met_at and not timer.cancelled_at
    ]
    is_mine = handoff is not None and handoff.assignee_id == user.pk
    promises = tuple(
        Promise(
            milestone=timer.milestone,
            label=str(Milestone(timer.milestone).label),
            clock=drawn.by_timer[timer.pk],
            due=openers.mid_sentence(formats.when(timer.due_at, now=now)),
            consequence=clocks.consequence(drawn.by_timer[timer.pk], now=now, is_own=is_mine),
        )
        for timer in open_timers
    )
    contact_due = next((one.due for one in promises if one.milestone == Milestone.CONTACT), "")
    pauses = drawn.pauses.get(handoff.pk, ()) if handoff else ()
    is_paused = any(one.starts_at <= now < one.ends_at for one in pauses)
    has_hand = bool(promises) and (user.is_marketer or user.is_manager or is_mine)
    has_missed = any(one.clock.is_missed for one in promises)
    can_pause = has_hand and not is_paused and not has_missed and len(pauses) < MOST_PAUSES
    can_judge = user.is_marketer or user.is_manager
    return Desk(
        panel=_panel(user, contact, handoff, can_answer=can(VerbName.ACCEPT), can_judge=can_judge),
        standing=_standing(user, contact, handoff, last, last_event, now=now),
        promises=promises,
        reasons=_reasons(now=now) if any(can(verb) for verb in WITH_REASONS) else {},
        next_days=next_days(working_time_of(user), now=now),
        contact_due=contact_due,
        can_resume=has_hand and is_paused,
        can_answer=can(VerbName.ACCEPT),
        can_open_opportunity=can(VerbName.OPEN_OPPORTUNITY),
        can_close_opportunity=offer is not None and can(VerbName.WIN),
        can_recycle=can(VerbName.RECYCLE),
        can_redirect=can(VerbName.REDIRECT),
        can_disqualify=not contact.is_disqualified and can(VerbName.DISQUALIFY),
        can_requalify=contact.is_disqualified and can(VerbName.REQUALIFY),
        can_reassign=can(VerbName.REASSIGN),
        can_pause=can_pause,
        can_approve=can(VerbName.APPROVE),
        can_return=can(VerbName.RETURN),
        can_adjust=can_judge,
    )


def _panel(user: User, contact: Contact, handoff: Handoff | None, *, can_answer: bool, can_judge: bool) -> Panel:
    if can_answer:
        return Panel.ANSWER
    if handoff and handoff.state == HandoffState.ACCEPTED and user.pk in (handoff.assignee_id, contact.owner_id):
        return Panel.WORK
    if handoff and handoff.state in (HandoffState.IN_REVIEW, HandoffState.WAITING) and can_judge:
        return Panel.REVIEW
    return Panel.WATCH


def _standing(
    user: User,
    contact: Contact,
    handoff: Handoff | None,
    last: Handoff | None,
    last_event: HandoffEvent | None,
    *,
    now: dt.datetime,
) -> str:
    """Where the contact stands, who brought it there and when."""
    if last is None or last_event is None:
        stage = words.STAGES[Stage(contact.stage)]
        return _("In stage %(stage)s, not handed over yet.") % {"stage": stage}
    when = openers.mid_sentence(formats.when(last_event.at, now=now))
    who = _("You") if last_event.actor_id == user.pk else str(last_event.actor or _("Baton"))
    did = words.DEEDS[VerbName(last_event.verb)]
    sentence = _("%(who)s %(did)s %(when)s.") % {"who": who, "did": did, "when": when}
    if last_event.verb in (VerbName.CROSS, VerbName.REQUEST, VerbName.OUTBOUND):
        sentence = _("The lead %(did)s %(when)s.") % {"did": did, "when": when}
    return f"{sentence} {_whose_turn(user, handoff or last, now=now)}".strip()


def _whose_turn(user: User, handoff: Handoff, *, now: dt.datetime) -> str:
    name = _("you") if handoff.assignee_id == user.pk else str(handoff.assignee or handoff.team or "")
    if handoff.state == HandoffState.IN_REVIEW:
        return _("It is with marketing for review.")
    if handoff.state == HandoffState.WAITING:
        return _("It waits until somebody in sales has room.")
    if handoff.state == HandoffState.OFFERED:
        return _("It is offered to %(name)s; nobody has answered yet.") % {"name": name}
    if handoff.state == HandoffState.ACCEPTED:
        return _("It is with %(name)s.") % {"name": name}
    if handoff.state == HandoffState.RECYCLED and handoff.resurface_at:
        day = openers.mid_sentence(formats.when(handoff.resurface_at, now=now, with_time=False))
        return _("It comes back by itself on %(day)s.") % {"day": day}
    return ""


def _reasons(*, now: dt.datetime) -> Mapping[str, tuple[ReasonChoice, ...]]:
    """The reasons of every kind, each with how often it was given since the quarter began; one query."""
    local = timezone.localtime(now)
    quarter = local.replace(
        month=(local.month - 1) // 3 * 3 + 1, day=1, hour=0, minute=0, second=0, microsecond=0
    ).astimezone(dt.UTC)
    rows = Reason.objects.filter(is_retired=False).annotate(
        of_handoffs=Count("handoffs", filter=Q(handoffs__ended_at__gte=quarter), distinct=True),
        of_offers=Count("opportunities", filter=Q(opportunities__closed_at__gte=quarter), distinct=True),
    )
    found: dict[str, list[ReasonChoice]] = {kind.value: [] for kind in ReasonKind}
    for row in rows.order_by("kind", "position", "id"):
        is_of_offers = row.kind in (ReasonKind.WON, ReasonKind.LOST)
        count = row.of_offers if is_of_offers else row.of_handoffs
        found[row.kind].append(ReasonChoice(row.code, row.label, count, row.description))
    return {kind: tuple(given) for kind, given in found.items()}


def next_days(time: WorkingTime, *, now: dt.datetime) -> tuple[Day, ...]:
    """The next two days on which the person works, and the first such a week from now; another day is typed."""
    today = timezone.localtime(now).date()
    ahead = [today + dt.timedelta(days=n) for n in range(1, LOOKED_AHEAD)]
    working = [day for day in ahead if time.works_on(day)]
    tomorrow, in_a_week = today + dt.timedelta(days=1), today + dt.timedelta(days=WEEK)
    near, far = working[:2], [day for day in working[2:] if day >= in_a_week][:1]

    def label(day: dt.date) -> str:
        if day == tomorrow:
            return _("Tomorrow")
        if day == in_a_week:
            return _("In a week")
        if day > in_a_week:
            return date_format(day, pgettext("date pattern: weekday, day and month", "D j M"))
        return date_format(day, pgettext("date pattern: weekday and day", "D j"))

    return tuple(Day(day.isoformat(), label(day)) for day in (*near, *far))
