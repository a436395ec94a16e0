"""What publishing a version would do, before it is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from heapq import nlargest
from typing import Any, NamedTuple

from crm.queries.capacity import WEEK, weekly_capacity
from leads import stages
from leads.models import Contact, Handoff
from leads.stages import HandoffState
from scoring import rescoring
from scoring.models import Publication, ScoringModel
from scoring.services import load_rules, published_rules

BATCH = 2000
AT_ONCE = 5000
"""So many contacts are counted within a request; more in the background."""
SHOWN = 50
WEEKS = 8
WORKING_DAYS = 5


@dataclass(frozen=True)
class Mover:
    """A contact that would be promoted, or would cool."""

    contact_id: int
    name: str
    before: float
    after: float
    grade: str


@dataclass(frozen=True)
class Preview:
    """What publishing would do at `at`. Of `promoted` and `cooled` the counts, and the first `SHOWN` by score."""

    at: dt.datetime
    model_id: int
    version: int
    contacts: int
    promoted_count: int
    cooled_count: int
    promoted: tuple[Mover, ...]
    cooled: tuple[Mover, ...]
    queue: int
    """Leads that wait for marketing's review, or approved ones for capacity, today."""
    formed_a_week: float
    """Handoffs formed a week on average over the last eight weeks."""
    capacity_a_week: float | None
    """What sales can take a week; None where too little has happened to tell."""

    def queue_after(self, *, mode: str, per_day: int | None = None) -> list[float]:
        """The queue at the end of each of the next eight weeks if leads go on coming and going as they did.

        Whom publishing promotes comes on top, as `mode` says. Without a known capacity nobody leaves.
        """
        left = 0 if mode == Publication.Mode.FROM_NOW else self.promoted_count
        a_week = (per_day or 0) * WORKING_DAYS if mode == Publication.Mode.PACED else left
        waiting, course = float(self.queue), []
        for _week in range(WEEKS):
            lifted = min(left, a_week)
            left -= lifted
            waiting = max(waiting + lifted + self.formed_a_week - (self.capacity_a_week or 0), 0.0)
            course.append(waiting)
        return course


def kept(found: Preview) -> dict[str, Any]:
    """A preview as a row keeps it."""
    return asdict(found) | {"at": found.at.isoformat()}


def read(result: Mapping[str, Any]) -> Preview:
    """A preview from what `kept` made of it, whatever else the row keeps beside it."""
    movers = {name: tuple(Mover(**one) for one in result[name]) for name in ("promoted", "cooled")}
    own = {field.name: result[field.name] for field in fields(Preview)}
    return Preview(**own | movers | {"at": dt.datetime.fromisoformat(result["at"])})


def counted_at_once() -> bool:
    """Whether so few contacts are known that a request may count them all."""
    return not Contact.objects.order_by("id").values_list("id", flat=True)[AT_ONCE : AT_ONCE + 1]


def preview(
    model: ScoringModel, *, at: dt.datetime, on_progress: Callable[[int], None] = lambda contacts: None
) -> Preview:
    """Who would be promoted at `at`, who would cool, and what the queue would look like. Writes nothing.

    Scores are computed by the database in batches of contacts, so that memory does not grow with their number.
    `on_progress` is told after each batch how many are counted.
    """
    rules, in_force = load_rules(model), published_rules().model
    dormant = set(Handoff.objects.filter(resurface_at__isnull=False).values_list("contact_id", flat=True))
    promoted_count = cooled_count = contacts = 0
    promoted: list[tuple[float, int, float, str]] = []
    cooled: list[tuple[float, int, float, str]] = []
    for batch in _batches():
        contacts += len(batch)
        for contact_id, after, grade in rescoring.scores(rules, list(batch), at=at):
            known = batch[contact_id]
            if known.is_disqualified or known.stage not in stages.PROMOTABLE_STAGES:
                continue
            before = known.score
            row = (after, contact_id, before or 0.0, grade)
            if after >= model.mql_threshold and known.may_cross and contact_id not in dormant:
                promoted_count += 1
                promoted.append(row)
            elif (before or 0.0) >= in_force.mql_threshold and after < model.mql_threshold:
                cooled_count += 1
                cooled.append(row)
        promoted, cooled = nlargest(SHOWN, promoted), nlargest(SHOWN, cooled, key=lambda one: one[2])
        on_progress(contacts)
    names = {row.pk: row.name for row in Contact.objects.filter(id__in=[row[1] for row in (*promoted, *cooled)])}
    waiting = Handoff.objects.filter(state__in=[HandoffState.IN_REVIEW, HandoffState.WAITING])
    formed = Handoff.objects.filter(formed_at__gt=at - WEEKS * WEEK, formed_at__lte=at)
    return Preview(
        at=at,
        model_id=model.pk,
        version=model.version,
        contacts=contacts,
        promoted_count=promoted_count,
        cooled_count=cooled_count,
        promoted=tuple(_mover(row, names) for row in promoted),
        cooled=tuple(_mover(row, names) for row in cooled),
        queue=waiting.count(),
        formed_a_week=formed.exclude(cause__in=[Handoff.Cause.REJECTED, *Handoff.BY_SALES]).count() / WEEKS,
        capacity_a_week=weekly_capacity(at=at),
    )


def _mover(row: tuple[float, int, float, str], names: dict[int, str]) -> Mover:
    after, contact_id, before, grade = row
    return Mover(contact_id=contact_id, name=names.get(contact_id, ""), before=before, after=after, grade=grade)


class _Known(NamedTuple):
    """What is stored of a contact; `held_by` is the publication that holds its promotion back."""

    stage: str
    is_disqualified: bool
    score: float | None
    is_armed: bool | None
    threshold: float | None
    held_by: int | None

    @property
    def may_cross(self) -> bool:
        """Whether it is lifted by going over the threshold: not promoted before, nor above already by history."""
        if self.held_by is not None:
            return True
        stands_above = self.score is not None and self.threshold is not None and self.score >= self.threshold
        return self.is_armed is not False and not stands_above


def _batches() -> Iterator[Mapping[int, _Known]]:
    """Everybody by id."""
    last = 0
    rows = Contact.objects.order_by("id").values_list(
        "id",
        "stage",
        "is_disqualified",
        "score__value",
        "score__is_armed",
        "score__model__mql_threshold",
        "held_promotion__publication",
    )
    while batch := {row[0]: _Known(*row[1:]) for row in rows.filter(id__gt=last)[:BATCH]}:
        last = max(batch)
        yield batch
