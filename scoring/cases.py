"""Cases for a backtest: contacts lived through again from the ledger under several versions, and how they ended.

What the ledger cannot tell is simplified. Activities count when they occurred, not when they were recorded. The
disqualified flag, and the days until which recycled contacts were to rest, have no history and hold nobody back.
Someone whom sales was working when the period began is watched from when they came back; who sales took on within it
until then, because what they did afterwards was no longer marketing's doing.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from leads import stages
from leads.models import Activity, Contact, Handoff, Opportunity
from leads.stages import HandoffState, ReasonKind
from scoring import backtest
from scoring.backtest import Fading, Found, Step, Watch
from scoring.models import Adjustment
from scoring.past import Past, pasts_of
from scoring.services import Rules

PROMOTABLE = tuple(stage.value for stage in stages.PROMOTABLE_STAGES)


class Ending(StrEnum):
    """What came of the handoffs that a contact had within the period: of several the one that tells most."""

    WON = "won"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETURNED = "returned"
    DISQUALIFIED = "disqualified"
    OPEN = "open"
    NONE = "none"

    @property
    def is_accepted(self) -> bool:
        return self in (Ending.WON, Ending.ACCEPTED)

    @property
    def is_refused(self) -> bool:
        return self in (Ending.REJECTED, Ending.RETURNED, Ending.DISQUALIFIED)


@dataclass(frozen=True, slots=True)
class End:
    """How a contact's handoffs ended: with which counted reason when refused, and when sales took it on."""

    ending: Ending = Ending.NONE
    reason_id: int | None = None
    taken_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One contact: what each version would have found, in the order of the versions, and how it ended."""

    contact_id: int
    end: End
    found: tuple[Found, ...]


@dataclass(frozen=True)
class Version:
    """One version of the rules as `scoring.backtest` takes them."""

    rules: Rules
    fadings: tuple[Fading, ...]
    places: dict[int, int]
    """By id of the rule its place among `fadings`."""
    fields: frozenset[str]
    """What its fit rules, and the personas these name, ask for."""


def version_of(rules: Rules) -> Version:
    """Prepare rules for many contacts."""
    rows = list(rules.by_id.values())
    return Version(
        rules=rules,
        fadings=tuple(
            Fading(half_life_days=rule.half_life_days, cap=rule.row.cap, floor=rule.row.floor) for rule in rows
        ),
        places={rule.row.pk: place for place, rule in enumerate(rows)},
        fields=frozenset(
            {check.field for check in rules.fit} | {one.field for seen in rules.pictures for one in seen.conditions}
        ),
    )


def cases(
    contact_ids: Collection[int],
    versions: Sequence[Version],
    *,
    thresholds: Sequence[float],
    since: dt.datetime,
    until: dt.datetime,
) -> Iterator[Case]:
    """The cases of these contacts, in the order of their ids, by a number of queries that does not depend on them."""
    contacts = list(Contact.objects.filter(id__in=contact_ids).select_related("company", "source").order_by("id"))
    for version in versions:
        version.rules.fetch(contacts)
    pasts = pasts_of(contacts)
    ends = _ends(contact_ids, since=since, until=until)
    adjustments: dict[int, list[Adjustment]] = defaultdict(list)
    for row in Adjustment.objects.filter(contact_id__in=contact_ids, at__lt=until).order_by("at", "id"):
        adjustments[row.contact_id].append(row)
    ledger = _Ledger(contact_ids, types={code for version in versions for code in version.rules.by_type}, until=until)
    for contact in contacts:
        past, end, activities = pasts[contact.pk], ends.get(contact.pk, End()), ledger.take(contact.pk)
        watch = _watch(past, end, activities, since=since, until=until)
        yield Case(
            contact_id=contact.pk,
            end=end,
            found=tuple(
                _lived_through(version, past, activities, adjustments[contact.pk], thresholds=thresholds, watch=watch)
                for version in versions
            ),
        )


class _Ledger:
    """The activities of contacts taken in the order of their ids: one query, read as it goes."""

    def __init__(self, contact_ids: Collection[int], *, types: Collection[str], until: dt.datetime) -> None:
        rows = Activity.objects.filter(
            contact_id__in=contact_ids, type__in=list(types), occurred_at__lt=until, bot_verdict=None
        )
        ordered = rows.select_related("campaign").order_by("contact_id", "occurred_at", "id")
        self._groups = groupby(ordered.iterator(chunk_size=2000), key=lambda row: row.contact_id)
        self._next = next(self._groups, None)

    def take(self, contact_id: int) -> list[Activity]:
        """The activities of the next contact, the oldest first."""
        if self._next is None or self._next[0] != contact_id:
            return []
        found = list(self._next[1])
        self._next = next(self._groups, None)
        return found


def _lived_through(
    version: Version,
    past: Past,
    activities: Sequence[Activity],
    adjustments: Sequence[Adjustment],
    *,
    thresholds: Sequence[float],
    watch: Watch,
) -> Found:
    if watch.free_from >= watch.until:
        return Found(first=[None] * len(thresholds))
    steps = _steps(version, activities) + _constants(version, past, adjustments)
    steps.sort(key=lambda step: step.at)
    constant = past.fit(version.rules, at=None)
    return backtest.replay(version.fadings, steps, constant=constant, thresholds=thresholds, watch=watch)


def _steps(version: Version, activities: Sequence[Activity]) -> list[Step]:
    """What the activities, the oldest first, give by this version. An object counts once: when it came first."""
    counted: set[tuple[int, str, int]] = set()
    steps = []
    for activity in activities:
        gains = []
        is_request = False
        for rule in version.rules.by_type.get(activity.type_id, ()):
            if not rule.counts(activity):
                continue
            is_request = is_request or rule.row.is_request
            counted_for = rule.object_of(activity)
            if counted_for is not None:
                key = (rule.row.pk, *counted_for)
                if key in counted:
                    continue
                counted.add(key)
            gains.append((version.places[rule.row.pk], rule.row.points))
        if gains or is_request:
            steps.append(Step(at=activity.occurred_at.timestamp(), gains=tuple(gains), is_request=is_request))
    return steps


def _constants(version: Version, past: Past, adjustments: Sequence[Adjustment]) -> list[Step]:
    """What does not fade, whenever it changed: fit by the facts as they were, and adjustments."""
    instants = sorted({*past.instants(version.fields), *(row.at for row in adjustments)})
    return [
        Step(
            at=at.timestamp(),
            constant=past.fit(version.rules, at=at) + sum(row.points for row in adjustments if row.at <= at),
        )
        for at in instants
    ]


def _watch(past: Past, end: End, activities: Sequence[Activity], *, since: dt.datetime, until: dt.datetime) -> Watch:
    there_from = min([past.contact.created_at, *(row.occurred_at for row in activities[:1])])
    free_from = past.free_from(since, stages=PROMOTABLE)
    ends_at = min(until, end.taken_at) if end.taken_at else until
    return Watch(
        since=max(since, there_from).timestamp(),
        until=ends_at.timestamp(),
        free_from=math.inf if free_from is None else free_from.timestamp(),
        is_new=there_from >= since,
    )


def _ends(contact_ids: Collection[int], *, since: dt.datetime, until: dt.datetime) -> dict[int, End]:
    """How the handoffs formed within the period ended. Salespeople's own prospects were never marketing's to find."""
    handoffs = Handoff.objects.filter(contact_id__in=contact_ids, formed_at__gte=since, formed_at__lt=until)
    # Of two handoffs of one person the one that went on tells how it ended.
    handoffs = handoffs.exclude(reason__kind=ReasonKind.MERGE)
    won = set(
        Opportunity.objects.filter(contact_id__in=contact_ids, state=Opportunity.State.WON).values_list(
            "handoff_id", flat=True
        )
    )
    ends: dict[int, End] = {}
    for handoff in handoffs.order_by("formed_at", "id"):
        end = _end_of(handoff, is_won=handoff.pk in won)
        ends[handoff.contact_id] = _joined(ends.get(handoff.contact_id, End()), end)
    return ends


def _end_of(handoff: Handoff, *, is_won: bool) -> End:
    state = handoff.state_enum
    if handoff.cause in Handoff.BY_SALES:
        return End(taken_at=handoff.formed_at)
    if handoff.answered_at and state is not HandoffState.REJECTED:
        return End(Ending.WON if is_won else Ending.ACCEPTED, taken_at=handoff.answered_at)
    ending = {
        HandoffState.REJECTED: Ending.REJECTED,
        HandoffState.RETURNED: Ending.RETURNED,
        HandoffState.CLOSED: Ending.DISQUALIFIED,
    }.get(state, Ending.OPEN)
    return End(ending, reason_id=handoff.reason_id if ending.is_refused else None)


_TELLS = (
    (Ending.NONE,),
    (Ending.OPEN,),
    (Ending.RETURNED, Ending.DISQUALIFIED),
    (Ending.REJECTED,),
    (Ending.ACCEPTED,),
    (Ending.WON,),
)
_RANKS = {ending: rank for rank, endings in enumerate(_TELLS) for ending in endings}


def _joined(earlier: End, later: End) -> End:
    """The end that tells more, the later one of two alike; taken on by sales is whoever was so once."""
    end = later if _RANKS[later.ending] >= _RANKS[earlier.ending] else earlier
    return replace(end, taken_at=earlier.taken_at or later.taken_at)
