"""What marketing has to review, row by row: what made each lead cross, its clock and its score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from crm import formats, openers
from crm.faces import ClockFace, OpenHours, ScoreFace
from crm.models import User
from crm.queries import clocks, doubts
from crm.queries.doubts import Doubt
from leads import words
from leads.models import Activity, Contact, Handoff, HandoffEvent, Touch
from leads.selling import Seller
from leads.stages import HandoffState, VerbName
from scoring import queries as scores
from scoring.models import ScoringModel
from scoring.services import Rules
from sla.models import Milestone, Timer

HOUR = dt.timedelta(hours=1)
FORMS = ("demo_request", "form_submission")


class Tab(StrEnum):
    """Which of the waiting leads."""

    REVIEW = "review"
    REJECTED = "rejected"
    WAITING = "waiting"


class Due(StrEnum):
    """A part of them by the review clock."""

    LATE = "late"
    HOUR = "hour"


@dataclass(frozen=True)
class Chosen:
    """Which rows of the queue, in which order: what the address of the page says."""

    tab: Tab = Tab.REVIEW
    due: Due | None = None
    is_hot: bool = False
    is_doubted: bool = False
    source: str = ""
    country: str = ""
    order: str = "due"

    @property
    def is_filtered(self) -> bool:
        return bool(self.due or self.is_hot or self.is_doubted or self.source or self.country)


@dataclass(frozen=True)
class Counts:
    """How the queue stands. `room` is how many leads sales can take before everybody on duty is full."""

    review: int
    rejected: int
    waiting: int
    late: int
    within_the_hour: int
    room: int

    def of(self, tab: Tab) -> int:
        """The number beside a tab."""
        return {Tab.REVIEW: self.review, Tab.REJECTED: self.rejected, Tab.WAITING: self.waiting}[tab]


@dataclass(frozen=True)
class Answer:
    """What a salesperson said no with."""

    by: str
    reason: str
    comment: str
    rating: int | None
    at: dt.datetime | None


@dataclass(frozen=True)
class Row:
    """One lead of the queue."""

    handoff_id: int
    contact_id: int
    name: str
    company: str
    crossed: str
    origin: str
    clock: ClockFace | None
    score: ScoreFace
    since: dt.datetime
    """When it came into the queue; of a waiting one, when it was approved."""
    answer: Answer | None
    doubt: Doubt | None
    """Why its promotion is in doubt; None when it is not."""


@dataclass(frozen=True)
class Listing:
    """The rows of one page, and the open hours in which their clocks count."""

    rows: tuple[Row, ...]
    hours: tuple[OpenHours, ...]


@dataclass(frozen=True)
class Gone:
    """A row that somebody dealt with while it stood on another's screen."""

    handoff_id: int
    text: str


def chosen_handoffs(chosen: Chosen, *, user: User, now: dt.datetime) -> QuerySet[Handoff]:
    """The handoffs of one tab with the filters on it, in order, with `review_due_at`."""
    rows = _with_due(Handoff.objects.visible_to(user)).filter(_is_in(chosen.tab))
    if chosen.due is Due.LATE:
        rows = rows.filter(review_due_at__lt=now)
    if chosen.due is Due.HOUR:
        rows = rows.filter(review_due_at__gte=now, review_due_at__lte=now + HOUR)
    if chosen.is_hot:
        hot = ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).values("hot_threshold")[:1]
        rows = rows.filter(contact__score__value__gte=Subquery(hot))
    if chosen.is_doubted:
        rows = doubts.only_doubted(rows)
    if chosen.source:
        rows = rows.filter(contact__source__code=chosen.source)
    if chosen.country:
        rows = rows.filter(contact__country=chosen.country)
    return rows.order_by(*_ORDERS.get(chosen.order, _ORDERS["due"]), "id")


def _with_due(rows: QuerySet[Handoff]) -> Any:
    review = Timer.objects.open().filter(handoff=OuterRef("pk"), milestone=Milestone.REVIEW)
    return rows.annotate(review_due_at=Subquery(review.values("due_at")[:1]))


def _is_in(tab: Tab) -> Q:
    if tab is Tab.WAITING:
        return Q(state=HandoffState.WAITING)
    if tab is Tab.REJECTED:
        return Q(state=HandoffState.IN_REVIEW, cause=Handoff.Cause.REJECTED)
    return Q(state=HandoffState.IN_REVIEW)


# A waiting lead has no review clock any more; it is listed by when it was approved.
_ORDERS = {
    "due": (F("review_due_at").asc(nulls_last=True), "reviewed_at"),
    "-due": (F("review_due_at").desc(nulls_last=True), "-reviewed_at"),
    "score": (F("contact__score__value").asc(nulls_first=True),),
    "-score": (F("contact__score__value").desc(nulls_last=True),),
    "name": ("contact__last_name", "contact__first_name", "contact__email"),
    "-name": ("-contact__last_name", "-contact__first_name", "-contact__email"),
}


def counts(*, user: User, now: dt.datetime, selling: Sequence[Seller]) -> Counts:
    """How the queue stands at `now`, with who can take how many: one query."""
    late = Q(review_due_at__lt=now)
    soon = Q(review_due_at__gte=now, review_due_at__lte=now + HOUR)
    found = _with_due(Handoff.objects.visible_to(user).filter(_is_in(Tab.REVIEW) | _is_in(Tab.WAITING))).aggregate(
        review=Count("id", filter=_is_in(Tab.REVIEW)),
        rejected=Count("id", filter=_is_in(Tab.REJECTED)),
        waiting=Count("id", filter=_is_in(Tab.WAITING)),
        late=Count("id", filter=_is_in(Tab.REVIEW) & late),
        within_the_hour=Count("id", filter=_is_in(Tab.REVIEW) & soon),
    )
    return Counts(**found, room=sum(one.can_take for one in selling))


def listing(handoffs: Sequence[Handoff], *, now: dt.datetime, rules: Rules) -> Listing:
    """The rows of a page of `chosen_handoffs`, in a constant number of queries.

    They come with `contact__company`, `contact__source`, `previous__assignee` and `previous__reason`.
    """
    contacts = [handoff.contact for handoff in handoffs]
    live = scores.live_scores(contacts, at=now, rules=rules)
    leading = scores.leading_rules(contacts, at=now, rules=rules)
    origins = _origins(contacts)
    timers = list(
        Timer.objects.open()
        .filter(handoff__in=[handoff.pk for handoff in handoffs], milestone=Milestone.REVIEW)
        .select_related("calendar")
    )
    in_doubt = doubts.doubts_of([handoff.pk for handoff in handoffs])
    names = {handoff.pk: handoff.contact.name for handoff in handoffs}
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: names[timer.handoff_id])
    faces = {timer.handoff_id: drawn.by_timer[timer.pk].face for timer in timers}
    rows = tuple(
        Row(
            handoff_id=handoff.pk,
            contact_id=handoff.contact_id,
            name=handoff.contact.name,
            company=handoff.contact.company.name if handoff.contact.company else "",
            crossed=rules_in_words(leading.get(handoff.contact_id, [])),
            origin=origins.get(handoff.contact_id, ""),
            clock=faces.get(handoff.pk),
            score=score_face(live[handoff.contact_id]),
            since=handoff.reviewed_at or handoff.formed_at,
            answer=answer_of(handoff.previous) if handoff.previous else None,
            doubt=in_doubt.get(handoff.pk),
        )
        for handoff in handoffs
    )
    return Listing(rows=rows, hours=drawn.hours)


def for_listing(handoffs: QuerySet[Handoff]) -> QuerySet[Handoff]:
    """Fetch with handoffs what `listing` reads."""
    return handoffs.select_related("contact__company", "contact__source", "previous__assignee", "previous__reason")


def score_face(live: scores.LiveScore) -> ScoreFace:
    """A live score as lists draw it."""
    return ScoreFace(
        score=live.value,
        engagement=live.engagement,
        fit=live.fit,
        threshold=live.threshold,
        grade=live.grade,
        is_hot=live.is_hot,
    )


def answer_of(handoff: Handoff) -> Answer | None:
    """What sales said no with; None unless it did. Assignee and reason come with the handoff."""
    if handoff.state != HandoffState.REJECTED:
        return None
    return Answer(
        by=str(handoff.assignee or ""),
        reason=str(handoff.reason or ""),
        comment=handoff.comment,
        rating=handoff.rating,
        at=handoff.answered_at,
    )


def rules_in_words(rules: Sequence[scores.LeadingRule]) -> str:
    """What is behind a score in a few words: "Demo request, /pricing × 5"."""
    said = [one.label if one.count == 1 else f"{one.label}\u00a0×\u00a0{one.count}" for one in rules]
    return ", ".join([*said[:1], *(_uncapitalized(text) for text in said[1:])])


def _uncapitalized(text: str) -> str:
    """Text within a sentence; an abbreviation keeps its capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _origins(contacts: Sequence[Contact]) -> dict[int, str]:
    """Where each contact came from last: a campaign or channel, and the form they sent. Two queries."""
    ids = [contact.pk for contact in contacts]
    latest: dict[int, str] = {}
    for touch in Touch.objects.filter(contact_id__in=ids).select_related("campaign", "source").order_by("at", "id"):
        latest[touch.contact_id] = str(touch.campaign or touch.source or "")
    forms: dict[int, str] = {}
    sent = Activity.objects.filter(contact_id__in=ids, type__in=FORMS).order_by("occurred_at", "id")
    for contact_id, properties in sent.values_list("contact_id", "properties"):
        form = str(properties.get("form") or properties.get("path") or "").strip()
        if form:
            forms[contact_id] = form
    found = {}
    for contact in contacts:
        parts = [latest.get(contact.pk) or str(contact.source or "")]
        if contact.pk in forms:
            parts.append(_("form %(form)s") % {"form": forms[contact.pk]})
        found[contact.pk] = ", ".join(part for part in parts if part)
    return found


# What changed since the page was made ---------------------------------------------------------------------------------


def new_since(chosen: Chosen, *, user: User, shown: Collection[int], since: dt.datetime, now: dt.datetime) -> int:
    """How many rows have come in that are not on the screen."""
    rows = chosen_handoffs(chosen, user=user, now=now).filter(formed_at__gt=since)
    return rows.exclude(id__in=shown).count()


def gone(*, user: User, tab: Tab, shown: Collection[int], now: dt.datetime) -> list[Gone]:
    """Those of the shown rows that left the tab, each with who did what. Two queries."""
    rows = Handoff.objects.visible_to(user).filter(id__in=shown).exclude(_is_in(tab))
    left = {row.pk: row for row in rows.select_related("contact__company", "assignee", "reason")}
    last: dict[int, HandoffEvent] = {}
    for event in HandoffEvent.objects.filter(handoff__in=left).select_related("actor").order_by("at", "id"):
        last[event.handoff_id] = event
    return [Gone(handoff_id=key, text=_farewell(left[key], last.get(key), now=now)) for key in shown if key in left]


def _farewell(handoff: Handoff, event: HandoffEvent | None, *, now: dt.datetime) -> str:
    lead = handoff.contact.name
    if handoff.contact.company:
        lead = f"{lead}, {handoff.contact.company}"
    if event is None:
        return _("%(lead)s is no longer in this list.") % {"lead": lead}
    said = _("%(who)s %(did)s %(lead)s, %(ago)s.") % {
        "who": event.actor or _("Baton"),
        "did": words.DEEDS[VerbName(event.verb)],
        "lead": lead,
        "ago": openers.mid_sentence(formats.when(event.at, now=now)),
    }
    if handoff.state == HandoffState.OFFERED and handoff.assignee:
        return said + " " + _("It went to %(assignee)s.") % {"assignee": handoff.assignee}
    if handoff.state == HandoffState.WAITING:
        return said + " " + _("It waits for capacity.")
    return said
