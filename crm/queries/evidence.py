"""Everything that speaks for or against one lead in review: what the panel beside the queue shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from crm import deeds, formats
from crm.charts import ScoreCourse
from crm.errors import NotFound
from crm.faces import ClockFace, OpenHours, ScoreFace, ScoreReasons
from crm.models import User
from crm.queries import clocks, conversation
from crm.queries import why as whys
from crm.queries.conversation import Conversation
from crm.queries.doubts import Doubt, doubts_of
from crm.queries.duplicates import Duplicate, duplicates_of
from crm.queries.queue import Answer, answer_of
from leads import lifecycle, routing, stages, words
from leads.models import Activity, Contact, Handoff, HandoffEvent, Touch
from leads.routing import Choice
from leads.selling import Seller, sellers
from leads.stages import HandoffState, Stage, VerbName
from scoring import queries as scores
from scoring.services import Rules, published_rules
from sla.models import Milestone, Timer

OWN_WORDS = 3
LATER_TOUCHES = 3


@dataclass(frozen=True)
class Meeting:
    """One touch: when, and what was met."""

    at: dt.datetime
    name: str
    campaign_id: int | None


@dataclass(frozen=True)
class Words:
    """What the contact wrote, and where."""

    at: dt.datetime
    where: str
    text: str


@dataclass(frozen=True)
class Before:
    """An earlier handoff of the same contact, and how it ended."""

    ended_at: dt.datetime | None
    state: str
    by: str
    reason: str
    comment: str
    rating: int | None


@dataclass(frozen=True)
class Evidence:
    """One handoff as somebody decides about it at `now`."""

    handoff: Handoff
    contact: Contact
    now: dt.datetime
    place: str
    clock: ClockFace | None
    hours: tuple[OpenHours, ...]
    score: ScoreFace
    course: ScoreCourse
    reasons: ScoreReasons
    activity_count: int
    first_touch: Meeting | None
    later_touches: tuple[Meeting, ...]
    own_words: tuple[Words, ...]
    answer: Answer | None
    before: tuple[Before, ...]
    conversation: Conversation
    duplicates: tuple[Duplicate, ...]
    doubt: Doubt | None
    choice: Choice | None
    sellers: tuple[Seller, ...]
    can_approve: bool
    can_return: bool
    can_offer: bool
    can_disqualify: bool

    @property
    def is_waiting(self) -> bool:
        return self.handoff.state == HandoffState.WAITING

    @property
    def is_decided(self) -> bool:
        """Nothing is left for marketing to do."""
        return self.handoff.state not in (HandoffState.IN_REVIEW, HandoffState.WAITING)

    @property
    def state_word(self) -> str:
        return str(words.HANDOFF_STATES[self.handoff.state_enum])


def evidence(
    *,
    user: User,
    handoff_id: int,
    now: dt.datetime,
    rules: Rules | None = None,
    selling: Sequence[Seller] | None = None,
) -> Evidence:
    """What speaks for or against a lead at `now`, in a constant number of queries.

    `rules` in force and those who sell (`selling`) are read unless they are at hand.
    Raises `NotFound` alike when there is no such handoff and when it is not the user's to see.
    """
    rows = Handoff.objects.visible_to(user).select_related(
        "contact__company", "contact__source", "contact__disqualified_reason", "assignee", "reason", "reviewed_by"
    )
    rows = rows.select_related("previous__assignee", "previous__reason")
    handoff = rows.filter(id=handoff_id).first()
    if handoff is None:
        raise NotFound(_("There is no such handoff."))
    contact = handoff.contact
    timers = list(
        Timer.objects.open().filter(handoff=handoff, milestone=Milestone.REVIEW).select_related("calendar")[:1]
    )
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: contact.name)
    rules = rules or published_rules()
    selling = sellers(at=now) if selling is None else selling
    ledger = scores.ledger_of(contact, at=now, rules=rules)
    why = scores.explain(contact, at=now, rules=rules, ledger=ledger)
    touches = list(contact.touches.select_related("campaign", "source").order_by("at", "id"))
    can_approve = _may(user, VerbName.APPROVE, handoff)
    is_offerable = can_approve or _may(user, VerbName.OFFER, handoff)
    return Evidence(
        handoff=handoff,
        contact=contact,
        now=now,
        place=_place(contact),
        clock=drawn.by_timer[timers[0].pk].face if timers else None,
        hours=drawn.hours,
        score=whys.score_face(why),
        course=whys.score_course(contact, why, now=now, rules=rules, ledger=ledger),
        reasons=whys.score_reasons(why, now=now, rows_at=reverse("contact", args=[contact.pk])),
        activity_count=contact.activities.count(),
        first_touch=_meeting(touches[0]) if touches else None,
        later_touches=tuple(_meeting(touch) for touch in touches[1:][-LATER_TOUCHES:]),
        own_words=_own_words(contact),
        answer=answer_of(handoff.previous) if handoff.previous else None,
        before=_before(handoff),
        conversation=conversation.conversation_of(
            contact, reader=user, events=_events(contact), notes=conversation.notes_of(contact)
        ),
        duplicates=duplicates_of(user, contact),
        doubt=doubts_of([handoff.pk]).get(handoff.pk),
        choice=routing.preview([handoff], at=now, selling=selling)[0] if can_approve else None,
        sellers=tuple(one for one in selling if not one.is_refused) if is_offerable else (),
        can_approve=can_approve,
        can_return=_may(user, VerbName.RETURN, handoff),
        can_offer=_may(user, VerbName.OFFER, handoff),
        can_disqualify=_may(user, VerbName.DISQUALIFY, handoff) and not contact.is_disqualified,
    )


def _may(user: User, verb: VerbName, handoff: Handoff) -> bool:
    """Whether the user could do `verb` here, given a reason where one is asked."""
    actors = lifecycle.capacities(user, contact=handoff.contact, handoff=handoff)
    stage = Stage(handoff.contact.stage)
    return stages.check(verb, actors=actors, state=handoff.state_enum, stage=stage, has_reason=True) is None


def _place(contact: Contact) -> str:
    """Where the contact is found, and how large the company is."""
    company = contact.company
    parts = [contact.city or (company.city if company else ""), contact.country or (company.country if company else "")]
    if company and company.employees:
        parts.append(_("%(count)s people") % {"count": formats.number(company.employees)})
    return ", ".join(part for part in parts if part)


# History --------------------------------------------------------------------------------------------------------------


def _meeting(touch: Touch) -> Meeting:
    return Meeting(at=touch.at, name=str(touch.campaign or touch.source or ""), campaign_id=touch.campaign_id)


def _own_words(contact: Contact) -> tuple[Words, ...]:
    """The latest of what the contact wrote in forms and mails."""
    rows = contact.activities.filter(direction="inbound").exclude(type__in=["page_view", "email_open", "email_click"])
    found = []
    for row in rows.select_related("type").order_by("-occurred_at", "-id")[:20]:
        deed = _deed(row)
        if deed.words:
            form = row.properties.get("form") or row.properties.get("path")
            where = _("form %(form)s") % {"form": form} if form else deeds.headline(deed)
            found.append(Words(at=row.occurred_at, where=where, text=deed.words))
    return tuple(found[:OWN_WORDS])


def _deed(row: Activity) -> deeds.Deed:
    return deeds.Deed(
        type=row.type_id,
        at=row.occurred_at,
        type_name=str(row.type),
        direction=row.direction,
        properties=row.properties,
    )


def _before(handoff: Handoff) -> tuple[Before, ...]:
    """The contact's other handoffs, newest first; the answer that led to this one stands elsewhere."""
    rows = handoff.contact.handoffs.exclude(id__in=[handoff.pk, handoff.previous_id or 0])
    return tuple(
        Before(
            ended_at=row.ended_at,
            state=str(words.HANDOFF_STATES[row.state_enum]).lower(),
            by=str(row.reviewed_by or "") if row.state == HandoffState.RETURNED else str(row.assignee or ""),
            reason=str(row.reason or ""),
            comment=row.comment,
            rating=row.rating,
        )
        for row in rows.select_related("assignee", "reviewed_by", "reason").order_by("-formed_at", "-id")[:5]
    )


def _events(contact: Contact) -> list[HandoffEvent]:
    """What was done with all handoffs of the contact."""
    rows = HandoffEvent.objects.filter(handoff__contact=contact).select_related("actor", "assignee", "reason")
    return list(rows)
