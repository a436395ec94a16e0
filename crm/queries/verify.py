"""Is the database what its ledger says? Every stored figure computed once more from the facts, differences in words."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

from django.db.models import F, Model, Q, QuerySet

import sla.services
from leads.models import Activity, Contact, ContactAddress, Handoff, Rotation, StageChange
from scoring import engine
from scoring.models import Adjustment, Component, Score
from scoring.queries import replay
from scoring.services import Rules, published_rules
from sla import clock, ladder
from sla.choosing import IF_PROMISED
from sla.models import Milestone, Timer

BATCH = 500
RELATIVE = 1e-9
ABSOLUTE = 1e-9
Row = TypeVar("Row", bound=Model)
SAME_INSTANT = dt.timedelta(milliseconds=1)


def score_differences() -> Iterator[str]:
    """Contacts whose stored components or score differ from a replay of their activities, in batches."""
    rules = published_rules()
    for contacts in _batches(Contact.objects.select_related("company", "source")):
        ids = [contact.pk for contact in contacts]
        ledger: dict[int, list[Activity]] = {pk: [] for pk in ids}
        rows = Activity.objects.filter(contact_id__in=ids, type__in=list(rules.by_type), bot_verdict=None)
        for activity in rows.select_related("campaign"):
            ledger[activity.contact_id].append(activity)
        components: dict[int, dict[int, Component]] = {pk: {} for pk in ids}
        for component in Component.objects.filter(contact_id__in=ids, rule__model=rules.model):
            components[component.contact_id][component.rule_id] = component
        scores = {score.contact_id: score for score in Score.objects.filter(contact_id__in=ids)}
        adjustments = _adjustments(ids)
        for contact in contacts:
            yield from _score_difference(
                contact,
                rules=rules,
                activities=ledger[contact.pk],
                components=components[contact.pk],
                score=scores.get(contact.pk),
                adjustments=adjustments.get(contact.pk, []),
            )


def _score_difference(
    contact: Contact,
    *,
    rules: Rules,
    activities: list[Activity],
    components: dict[int, Component],
    score: Score | None,
    adjustments: list[tuple[dt.datetime, float]],
) -> Iterator[str]:
    behind, terms = replay(rules, activities)
    if score is None:
        if activities:
            yield f"contact {contact.pk}: has activities and no score"
        return
    at = score.valued_at
    for rule_id in sorted(set(terms) | set(components)):
        term, component = terms.get(rule_id), components.get(rule_id)
        expected = engine.raw_at(term, at) if term else 0.0
        stored = engine.raw_at(rules.term_of(component), at) if component else 0.0
        count = component.count if component else 0
        if not _same(expected, stored) or count != len(behind.get(rule_id, ())):
            yield (
                f"contact {contact.pk}, rule “{rules.by_id[rule_id].row.name}”: {stored!r} of {count} stored, "
                f"{expected!r} of {len(behind.get(rule_id, ()))} in the ledger"
            )
    fit, given = rules.fit_of(contact), sum(points for then, points in adjustments if then <= at)
    value = engine.score_at(terms=terms.values(), fit=fit, adjustment=given, at=at).score
    if not _same(value, score.value):
        yield f"contact {contact.pk}: score {score.value!r} stored, {value!r} computed"


def clock_differences() -> Iterator[str]:
    """Timers whose stored instants differ from what their handoff's history and their calendar say."""
    timers = Timer.objects.select_related("handoff", "calendar")
    for batch in _batches(timers):
        pauses = sla.services.pauses_of([timer.handoff_id for timer in batch])
        for timer in batch:
            yield from _clock_difference(timer, pauses=pauses.get(timer.handoff_id, []))
        yield from _contact_differences(batch)
    expected = {
        Milestone.REVIEW: ["in_review"],
        Milestone.ANSWER: ["offered"],
        Milestone.CONTACT: ["offered", "accepted"],
        Milestone.MEETING: ["accepted"],
        Milestone.FOLLOW_UP: ["accepted"],
    }
    for milestone, states in expected.items():
        running = Timer.objects.open().filter(milestone=milestone)
        for timer in running.exclude(handoff__state__in=states):
            yield f"timer {timer.pk}: runs although handoff {timer.handoff_id} is not in {', '.join(states)}"
        if milestone in IF_PROMISED:
            continue
        without = Handoff.objects.filter(state__in=states).exclude(id__in=running.values("handoff_id"))
        if milestone is Milestone.CONTACT:
            without = without.filter(contacted_at=None)
        for handoff in without:
            yield f"handoff {handoff.pk}: {handoff.state} without a clock for {milestone.value}"


def _clock_difference(timer: Timer, *, pauses: list[ladder.PauseSpan]) -> Iterator[str]:
    handoff = timer.handoff
    met = {
        Milestone.REVIEW: handoff.reviewed_at,
        Milestone.ANSWER: handoff.answered_at,
        Milestone.CONTACT: handoff.contacted_at,
        Milestone.MEETING: handoff.meeting_at and max(handoff.meeting_at, timer.started_at),
        # Many follow one another; which contact ended each is compared with the ledger, a batch at a time.
        Milestone.FOLLOW_UP: timer.met_at,
    }[Milestone(timer.milestone)]
    if timer.met_at is not None and timer.met_at != met:
        yield f"timer {timer.pk}: met at {timer.met_at}, the history says {met}"
    if timer.met_at is not None or timer.cancelled_at is not None:
        return
    calendar = timer.calendar.parse()
    due_at = clock.due_at(calendar, timer.started_at, timer.target_seconds, pauses)
    if abs(due_at - timer.due_at) > SAME_INSTANT:
        yield f"timer {timer.pk}: due at {timer.due_at} stored, {due_at} computed"
    next_at = ladder.next_time(timer, calendar=calendar, pauses=pauses)
    if (next_at is None) != (timer.next_check_at is None):
        yield f"timer {timer.pk}: next looked at {timer.next_check_at} stored, {next_at} computed"


def _contact_differences(timers: list[Timer]) -> Iterator[str]:
    """Clocks that a contact is said to have stopped of which the ledger knows nothing: a person's, and outbound."""
    milestones = (Milestone.CONTACT, Milestone.FOLLOW_UP)
    met = [timer for timer in timers if timer.met_at is not None and timer.milestone in milestones]
    attempts = Activity.objects.filter(
        contact_id__in={timer.handoff.contact_id for timer in met},
        type__is_contact_attempt=True,
        direction="outbound",
        actor__isnull=False,
    )
    rows = attempts.values_list("contact_id", "occurred_at", "recorded_at")
    known = {(contact_id, min(occurred_at, recorded_at)) for contact_id, occurred_at, recorded_at in rows}
    for timer in met:
        if (timer.handoff.contact_id, timer.met_at) not in known:
            yield f"timer {timer.pk}: met at {timer.met_at}, the ledger has no contact by a person then"


def stage_differences() -> Iterator[str]:
    """Contacts whose stage is not where their stage history ends, and handoffs offered before they were formed."""
    latest: dict[int, str] = {}
    for contact_id, to_stage in (
        StageChange.objects.filter(merge=None).order_by("id").values_list("contact_id", "to_stage")
    ):
        latest[contact_id] = to_stage
    for contact_id, stage in Contact.objects.values_list("id", "stage").iterator():
        if latest.get(contact_id) != stage:
            yield f"contact {contact_id}: stage {stage}, its history ends in {latest.get(contact_id) or 'nothing'}"
    wrong = Handoff.objects.filter(Q(offered_at__lt=F("formed_at")) | Q(answered_at__lt=F("offered_at")))
    for handoff in wrong:
        yield f"handoff {handoff.pk}: its instants are out of order"


def address_differences() -> Iterator[str]:
    """Addresses that are the main one of a contact and a further one as well: nobody could say whose they are."""
    both = ContactAddress.objects.filter(email__in=Contact.objects.exclude(email=None).values("email"))
    for address in both.order_by("id"):
        yield f"address {address.email}: a further one of contact {address.contact_id}, and the main one of a contact"


def turn_differences() -> Iterator[str]:
    """Rotations whose shares count other turns than were given since they began, or than stand open."""
    for rotation in Rotation.objects.prefetch_related("shares").order_by("id"):
        shares = list(rotation.shares.all())
        since = rotation.turn - sum(share.given for share in shares)
        turns = rotation.turns.filter(number__gt=since)
        given = Counter(turns.values_list("person", flat=True))
        open_turns = Counter(turns.exclude(taken_back_at=None).values_list("person", flat=True))
        for share in shares:
            if share.open != open_turns[share.person_id]:
                yield (
                    f"rotation {rotation.pk}: {share.open} turns of person {share.person_id} stand open, "
                    f"in the history {open_turns[share.person_id]}"
                )
            if share.given != given[share.person_id]:
                yield (
                    f"rotation {rotation.pk}: person {share.person_id} has {share.given} turns, "
                    f"the history has {given[share.person_id]}"
                )


def _adjustments(contact_ids: list[int]) -> dict[int, list[tuple[dt.datetime, float]]]:
    found: dict[int, list[tuple[dt.datetime, float]]] = {}
    for contact_id, at, points in Adjustment.objects.filter(contact_id__in=contact_ids).values_list(
        "contact_id", "at", "points"
    ):
        found.setdefault(contact_id, []).append((at, points))
    return found


def _batches(rows: QuerySet[Row]) -> Iterator[list[Row]]:
    """All rows in batches by ascending id: flat in memory, however many there are."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield batch
        last = batch[-1].pk


def _same(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
