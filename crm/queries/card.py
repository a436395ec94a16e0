"""The contact page: everything that is known of one contact, and what the reader may do with it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Prefetch, Q, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext as _

from crm import formats, openers
from crm.charts import ScoreCourse
from crm.errors import NotFound
from crm.faces import OpenHours, ScoreFace, ScoreReasons
from crm.flows.talks import HAPPY_FROM, may_change
from crm.models import User
from crm.openers import Opening
from crm.queries import board, clocks, conversation, desk, history, inbox, referrals, tasks, timeline, why
from crm.queries.conversation import Conversation
from crm.queries.desk import Desk
from crm.queries.referrals import Referred
from crm.queries.tasks import Todo
from crm.queries.timeline import Timeline
from crm.window_chart import WindowFace, day_words, window_face
from leads import definitions, facts, locks, words
from leads.models import Activity, Contact, Handoff, HandoffEvent, Opportunity, Qualification, Referral, Task
from leads.models.windows import lead_time_beside, with_lead_time
from leads.qualification import Answer, answers_of, may_write
from leads.selling import Seller, sellers
from leads.stages import HandoffState, ReasonKind, Stage
from leads.window import window_of
from scoring import queries as scores
from scoring.queries import Explanation
from scoring.services import published_rules
from sla.models import Timer

COLLEAGUES = 5


@dataclass(frozen=True)
class Colleague:
    """Somebody else at the same company whom the reader may see."""

    contact_id: int
    name: str
    job_title: str
    stage: str
    score: float | None
    owner: str
    last_active_at: dt.datetime | None


@dataclass(frozen=True)
class Earlier:
    """A handoff that ended: when, how, by whom, and what was said."""

    ended_at: dt.datetime
    how: str
    by: str
    reason: str
    comment: str
    rating: int | None
    outcome: str
    """What became of it for marketing; empty when it was never handed to sales."""


@dataclass(frozen=True)
class Meeting:
    """A campaign or channel through which the contact came, and when."""

    at: dt.datetime
    name: str


@dataclass(frozen=True)
class Missing:
    """Something about the contact itself that nobody knows yet, and how to ask for it."""

    name: str
    question: str


@dataclass(frozen=True)
class Place:
    """Where the contact stands in the reader's inbox; `following` is who comes next."""

    number: int
    of: int
    following: Contact | None


@dataclass(frozen=True)
class Won:
    """What the contact bought last, and how satisfied they are with it."""

    opportunity: Opportunity
    can_ask: bool
    can_suggest: bool


@dataclass(frozen=True)
class Card:
    """One contact as one person sees it at `now`."""

    now: dt.datetime
    contact: Contact
    where: str
    handoff: Handoff | None
    offer: Opportunity | None
    closed_offers: tuple[Opportunity, ...]
    opening: Opening
    explanation: Explanation
    score: ScoreFace
    reasons: ScoreReasons
    course: ScoreCourse
    timeline: Timeline
    touches: tuple[Meeting, ...]
    colleagues: tuple[Colleague, ...]
    has_more_colleagues: bool
    personas: tuple[str, ...]
    window: WindowFace | None
    """When to talk to them; None while nobody knows by when they must decide."""
    returns_date: dt.date | None
    """The day proposed for giving back a lead that is too early."""
    returns_on: str
    """The day on which a lead that is too early comes back if it is given back now, in words; else empty."""
    missing: tuple[Missing, ...]
    earlier: tuple[Earlier, ...]
    conversation: Conversation
    answers: tuple[Answer, ...]
    """What sales found out, all four questions."""
    can_qualify: bool
    moves: tuple[board.Move, ...]
    """The steps to which the reader may move the offer."""
    won: Won | None
    referred: tuple[Referred, ...]
    todos: tuple[Todo, ...]
    desk: Desk
    hours: tuple[OpenHours, ...]
    place: Place | None
    sellers: tuple[Seller, ...]

    @property
    def sender(self) -> str:
        """The marketer who passed the lead on; empty when nobody did."""
        return str(self.handoff.reviewed_by) if self.handoff and self.handoff.reviewed_by else ""

    @property
    def is_cold(self) -> bool:
        """Whether a lead in the hand-over fell back below the cooling threshold; who never stood above it did not."""
        formed_with = self.handoff.score if self.handoff else None
        return self.explanation.is_cool and (formed_with or 0) >= self.explanation.cooling_threshold

    @property
    def is_to_be_won(self) -> bool:
        """Whether the day of a decision still matters: not of a customer, nor of who will not buy."""
        return self.contact.stage != Stage.CUSTOMER and not self.contact.is_disqualified

    @property
    def known_words(self) -> str:
        """How much of what sales must find out is known."""
        known = sum(answer.verdict is not None for answer in self.answers)
        if known == len(self.answers):
            return _("All four are known.")
        return _("%(n)d of %(all)d known. Ask for the rest.") % {"n": known, "all": len(self.answers)}

    @property
    def offered(self) -> str:
        """When the lead was offered, in words."""
        if self.handoff is None or self.handoff.offered_at is None:
            return ""
        return openers.mid_sentence(formats.when(self.handoff.offered_at, now=self.now))

    @property
    def is_team_offer(self) -> bool:
        """Whether whoever of a team is first has the lead."""
        return self.handoff is not None and self.handoff.assignee_id is None and self.handoff.team_id is not None

    @property
    def shows_channel(self) -> bool:
        """Whether the channel says more than the touches do."""
        source = self.contact.source
        return source is not None and all(touch.name != str(source) for touch in self.touches)

    @property
    def first_name(self) -> str:
        return self.contact.first_name or self.contact.name

    @property
    def tel(self) -> str:
        """The number as a phone dials it."""
        return formats.tel(self.contact.phone)


def contact_seen(user: User, contact_id: int) -> Contact:
    """The contact or that into which it was merged, if it is the reader's to see.

    Raises `NotFound` alike when absent and when forbidden.
    """
    rows = Contact.objects.visible_to(user).select_related("company", "source", "owner", "disqualified_reason")
    rows = rows.annotate(
        has_tasks=Exists(Task.objects.open().filter(contact=OuterRef("pk"))),
        is_referred=Exists(Referral.objects.filter(Q(contact=OuterRef("pk")) | Q(through=OuterRef("pk")))),
        **definitions.written_meanings("stage", "hot", "cold"),
    )
    contact = rows.filter(id=contact_id).first()
    if contact is None:
        contact = rows.filter(id__in=locks.kept_ids([contact_id]).values()).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    return contact


def farewell(user: User, *, now: dt.datetime, **which: int) -> str:
    """What became of a handoff that was offered to the reader or their team and is with somebody else now.

    `which` names it: `id`, or `contact` for the latest of a contact. Empty when none ever was theirs, so that a
    stranger learns nothing.
    """
    theirs = Q(events__assignee=user)
    if user.team_id:
        theirs |= Q(team=user.team_id, overflowed_at__isnull=False)
    rows = Handoff.objects.filter(theirs, **which).select_related("contact", "assignee").order_by("-formed_at", "-id")
    handoff = rows.distinct().first()
    if handoff is None or handoff.assignee is None:
        return ""
    taken = handoff.events.filter(undone_at=None).exclude(verb="undo").order_by("-at", "-id").first()
    when = openers.mid_sentence(formats.when(taken.at if taken else handoff.formed_at, now=now))
    return _("%(contact)s is with %(name)s since %(when)s.") % {
        "contact": handoff.contact,
        "name": handoff.assignee,
        "when": when,
    }


def handoff_seen(user: User, handoff_id: int) -> Handoff:
    """The handoff with its contact, if it is the reader's to see. Raises `NotFound` as `contact_seen`."""
    rows = Handoff.objects.visible_to(user).select_related("contact", "assignee", "team")
    handoff = rows.filter(id=handoff_id).first()
    if handoff is None:
        raise NotFound(_("There is no such handoff."))
    return handoff


def opportunity_seen(user: User, opportunity_id: int) -> Opportunity:
    """The opportunity with its handoff and contact, if it is the reader's to see. Raises `NotFound`."""
    rows = Opportunity.objects.visible_to(user).select_related("contact", "handoff__contact", "handoff__assignee")
    opportunity = rows.filter(id=opportunity_id).first()
    if opportunity is None:
        raise NotFound(_("There is no such opportunity."))
    return opportunity


def is_before_the_offer(activity_id: int) -> bool:
    """Whether a contact by a person happened before the open handoff was offered, and so stopped none of its clocks."""
    open_one = Handoff.objects.open().filter(contact=OuterRef("contact"), offered_at__gt=OuterRef("occurred_at"))
    attempts = Activity.objects.filter(type__is_contact_attempt=True, direction="outbound", actor__isnull=False)
    return attempts.filter(Exists(open_one), pk=activity_id).exists()


def card_of(user: User, *, contact_id: int, now: dt.datetime, is_whole: bool = False, rule: str = "") -> Card:
    """The page of one contact in a constant number of queries.

    `is_whole` shows the whole history, `rule` the activities behind one rule instead. Raises `NotFound`.
    """
    contact = contact_seen(user, contact_id)
    led = referrals.referrals_of(user, contact) if contact.is_referred else []  # type: ignore[attr-defined]
    # What was done with who led here is read along with what was done with the contact itself.
    read = {contact.pk, *(row.through_id for row in led)}
    events_by, activities_by = _events(read), _activities(read)
    events, activities = events_by[contact.pk], activities_by[contact.pk]
    handoffs = _handoffs(events)
    offers = list(Opportunity.objects.visible_to(user).filter(contact=contact).select_related("reason", "owner"))
    handoff = next((row for row in handoffs if row.is_open), None)
    offer = next((row for row in offers if row.state == Opportunity.State.OPEN), None)
    timers, own, drawn = _clocks(user, contact, now=now)
    rules = published_rules()
    ledger = scores.ledger_of(contact, at=now, rules=rules, known=activities)
    explanation = scores.explain(contact, at=now, rules=rules, ledger=ledger)
    last = handoffs[0] if handoffs else None
    prefetch_related_objects(
        [contact], Prefetch("qualifications", queryset=with_lead_time(Qualification.objects.select_related("actor")))
    )
    window, returns_date, returns_on = _window(contact, now=now)
    colleagues = _colleagues(user, contact)
    acts = [event for event in events if event.undone_at is None and not timeline.is_echo(event)]
    made = desk.desk_of(
        user,
        contact=contact,
        handoff=handoff,
        last=handoff or last,
        last_event=acts[0] if acts else None,
        offer=offer,
        timers=timers,
        drawn=drawn,
        now=now,
    )
    chosen = next((one for one in explanation.activity_rules if one.rule == rule), None) if rule else None
    if chosen is not None:
        shown = timeline.timeline_of_rule(chosen, activity_count=len(activities))
    else:
        shown = timeline.timeline_of(
            contact,
            activities=activities,
            events=events,
            pauses=[row for one in handoffs for row in drawn.pauses.get(one.pk, ())],
            now=now,
            is_whole=is_whole,
        )
    return Card(
        now=now,
        contact=contact,
        where=_where(contact),
        handoff=handoff,
        offer=offer,
        closed_offers=tuple(row for row in offers if row.state != Opportunity.State.OPEN),
        opening=openers.opening([history.deed_of(row) for row in activities[: timeline.LONGEST]], now=now),
        explanation=explanation,
        score=why.score_face(explanation),
        reasons=why.score_reasons(explanation, now=now, rows_at=f"/contacts/{contact.pk}/"),
        course=why.score_course(contact, explanation, now=now, rules=rules, ledger=ledger),
        timeline=shown,
        touches=_touches(contact),
        colleagues=colleagues[:COLLEAGUES],
        has_more_colleagues=len(colleagues) > COLLEAGUES,
        personas=tuple(picture.name for picture in rules.pictures or facts.pictures() if picture.matches(contact)),
        window=window,
        returns_date=returns_date,
        returns_on=returns_on,
        missing=_missing(contact),
        earlier=tuple(_earlier(row) for row in handoffs if row.ended_at and not _is_merged(row)),
        conversation=conversation.conversation_of(
            contact, reader=user, events=events, notes=[row for row in activities if row.type_id == "note"]
        ),
        answers=answers_of(contact, rows=contact.qualifications.all()),
        can_qualify=may_write(user, contact),
        moves=board.moves_of(offer) if offer and may_change(user, offer) else (),
        won=_won(user, offers),
        referred=referrals.referred_of(contact, led, activities=activities_by, events=events_by),
        todos=tasks.todos_of(user, contact, now=now) if contact.has_tasks else (),  # type: ignore[attr-defined]
        desk=made,
        hours=drawn.hours,
        place=_place(contact, own) if user.is_salesperson else None,
        sellers=tuple(sellers(at=now)) if made.can_reassign or made.can_approve else (),
    )


def _events(contact_ids: Collection[int]) -> Mapping[int, list[HandoffEvent]]:
    """What was done with the handoffs of each contact, newest first, by one query."""
    rows = HandoffEvent.objects.filter(handoff__contact__in=contact_ids).select_related(
        "actor",
        "assignee",
        "reason",
        "handoff__assignee",
        "handoff__team",
        "handoff__reviewed_by",
        "handoff__reason",
    )
    found: dict[int, list[HandoffEvent]] = defaultdict(list)
    for event in rows.order_by("-at", "-id"):
        found[event.handoff.contact_id].append(event)
    return found


def _activities(contact_ids: Collection[int]) -> Mapping[int, list[Activity]]:
    """What each contact did and what was done with it, newest first, by one query."""
    rows = Activity.objects.filter(contact__in=contact_ids)
    found: dict[int, list[Activity]] = defaultdict(list)
    for row in rows.select_related("type", "actor", "campaign", "bot_verdict").order_by("-occurred_at", "-id"):
        found[row.contact_id].append(row)
    return found


def _handoffs(events: Iterable[HandoffEvent]) -> list[Handoff]:
    """The handoffs with which something was done, newest first: none is without an event."""
    found = {event.handoff_id: event.handoff for event in events}
    return sorted(found.values(), key=lambda row: (row.formed_at, row.pk), reverse=True)


def _won(user: User, offers: Sequence[Opportunity]) -> Won | None:
    """The latest opportunity that was won; None when there is none."""
    won = next((row for row in offers if row.state == Opportunity.State.WON), None)
    if won is None:
        return None
    is_theirs = may_change(user, won)
    is_happy = (won.satisfaction or 0) >= HAPPY_FROM
    return Won(won, can_ask=is_theirs, can_suggest=is_theirs and is_happy and won.case_study_at is None)


def _where(contact: Contact) -> str:
    """City and country of the contact or else of the company, and how large it is."""
    company = contact.company
    city = contact.city or (company.city if company else "")
    country = contact.country or (company.country if company else "")
    parts = [city or country]
    if company and company.employees:
        parts.append(_("%(count)s people") % {"count": formats.number(company.employees)})
    return ", ".join(part for part in parts if part)


def _touches(contact: Contact) -> tuple[Meeting, ...]:
    """Every campaign and channel the contact met, first to last; the channel it was entered with, if there is none."""
    rows = contact.touches.select_related("campaign", "source").order_by("at", "id")
    found = tuple(Meeting(row.at, str(row.campaign or row.source or "")) for row in rows)
    if found or contact.source is None:
        return found
    return (Meeting(contact.created_at, str(contact.source)),)


def _colleagues(user: User, contact: Contact) -> tuple[Colleague, ...]:
    if contact.company_id is None:
        return ()
    rows = (
        Contact.objects.visible_to(user)
        .filter(company=contact.company_id)
        .exclude(id=contact.pk)
        .select_related("owner")
        .annotate(stored_score=F("score__value"))
        .order_by(F("score__value").desc(nulls_last=True), "id")[: COLLEAGUES + 1]
    )
    return tuple(
        Colleague(
            contact_id=row.pk,
            name=row.name,
            job_title=row.job_title,
            stage=str(words.STAGES[Stage(row.stage)]),
            score=row.stored_score,
            owner=str(row.owner or ""),
            last_active_at=row.last_activity_at,
        )
        for row in rows
    )


def _is_merged(handoff: Handoff) -> bool:
    """Whether it was closed only because the contact was merged: the one that went on tells."""
    return handoff.reason is not None and handoff.reason.kind == ReasonKind.MERGE


def _earlier(handoff: Handoff) -> Earlier:
    outcome = handoff.find_outcome()
    is_returned = handoff.state == HandoffState.RETURNED
    return Earlier(
        ended_at=handoff.ended_at or handoff.formed_at,
        how=str(words.HANDOFF_STATES[handoff.state_enum]).lower(),
        by=str((handoff.reviewed_by if is_returned else handoff.assignee) or ""),
        reason=str(handoff.reason or ""),
        comment=handoff.comment,
        rating=handoff.rating,
        outcome=str(words.OUTCOMES[outcome]) if outcome else "",
    )


def _missing(contact: Contact) -> tuple[Missing, ...]:
    """What of the contact itself is not known, with the question that a call can begin with."""
    asked = (
        (contact.job_title, _("Job title"), _("What do you look after there?")),
        (contact.company_id, _("Company"), _("Whom do you work for?")),
        (contact.phone, _("Phone"), _("On which number do I reach you directly?")),
        (contact.email, _("E-mail"), _("Where may I send it?")),
    )
    return tuple(Missing(name, question) for value, name, question in asked if not value)


def _window(contact: Contact, *, now: dt.datetime) -> tuple[WindowFace | None, dt.date | None, str]:
    """The contact window that the decision leaves open, and when a lead that is too early comes back, also in words."""
    timeline = next((row for row in contact.qualifications.all() if row.decide_by_date), None)
    if timeline is None or timeline.decide_by_date is None:
        return None, None, ""
    found, today = window_of(timeline.decide_by_date, lead_time_beside(timeline)), timezone.localtime(now).date()
    back = found.return_date(today)
    return window_face(found, today=today), back, day_words(back, today) if back else ""


def _clocks(user: User, contact: Contact, *, now: dt.datetime) -> tuple[list[Timer], list[Timer], clocks.Clocks]:
    """The clocks of the contact, those of the reader's inbox in its order, and both drawn; two queries."""
    own = Q(pk__in=inbox.own_timers(user, now=now).values("pk")) if user.is_salesperson else Q(pk__in=[])
    rows = clocks.with_manager(Timer.objects.filter(Q(handoff__contact=contact) | own)).annotate(
        is_own=Exists(Timer.objects.filter(own, pk=OuterRef("pk")))
    )
    timers = list(rows.select_related("calendar", "policy", "handoff__contact"))
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: timer.handoff.contact.name)
    here: list[Timer] = [timer for timer in timers if timer.handoff.contact_id == contact.pk]
    return here, inbox.in_order((timer for timer in timers if timer.is_own), drawn), drawn


def _place(contact: Contact, own: Sequence[Timer]) -> Place:
    """Where the reader is in the inbox, and who comes next."""
    order = [timer.handoff.contact for timer in own]
    ids = [row.pk for row in order]
    if contact.pk not in ids:
        return Place(0, len(order), order[0]) if order else Place(0, 0, None)
    at = ids.index(contact.pk)
    following = order[(at + 1) % len(order)] if len(order) > 1 else None
    return Place(at + 1, len(order), following)
