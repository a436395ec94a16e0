"""Keeping scores: taking in activities, recomputing contacts, and saying who is to be promoted."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db.models import F

from leads import facts, stages
from leads.conditions import Condition, all_match, matches, parse_conditions
from leads.intake import AnyActivity
from leads.models import Activity, Contact
from leads.sets import chosen
from scoring import engine
from scoring.database import NO_WINDOW, object_key
from scoring.models import ActivityRule, Adjustment, Component, CountedObject, Score, ScoringModel


@dataclass(frozen=True)
class Rule:
    """An activity rule ready to be applied."""

    row: ActivityRule
    conditions: tuple[Condition, ...]
    half_life_days: float

    def counts(self, activity: AnyActivity) -> bool:
        """Whether the activity is of this rule's type and fulfils its conditions."""
        if self.row.type_id != activity.type_id:
            return False
        return all_match(self.conditions, facts.activity_getter(activity))

    def object_of(self, activity: AnyActivity) -> tuple[str, int] | None:
        """The object and window that this activity counts for once; None when every activity counts."""
        if not self.row.once_per:
            return None
        key = object_key(facts.activity_getter(activity)(self.row.once_per))
        if key is None:
            return None
        if self.row.within_days is None:
            return key, NO_WINDOW
        start = engine.window_start(occurred_at=activity.occurred_at, within_days=self.row.within_days)
        return key, int(start.timestamp())


@dataclass(frozen=True)
class FitCheck:
    """A fit rule ready to be applied."""

    name: str
    field: str
    condition: Condition
    points: float


@dataclass(frozen=True)
class Rules:
    """One version of the rules, ready to be applied."""

    model: ScoringModel
    by_type: dict[str, list[Rule]]
    by_id: dict[int, Rule]
    fit: tuple[FitCheck, ...]
    pictures: tuple[facts.Picture, ...] = ()

    def requesting(self, activities: Iterable[AnyActivity]) -> set[int]:
        """The contacts who by one of these activities ask to be contacted."""
        asking = {type_id for type_id, rules in self.by_type.items() if any(rule.row.is_request for rule in rules)}
        return {
            activity.contact_id
            for activity in activities
            if activity.type_id in asking
            and any(rule.row.is_request and rule.counts(activity) for rule in self.by_type[activity.type_id])
        }

    def fit_of(self, contact: Contact) -> float:
        """Points for who the contact is. Its company and source come with it, for many also what `fetch` brings."""
        get = self.getter(contact)
        return sum(check.points for check in self.fit if matches(check.condition, get(check.field)))

    def fetch(self, contacts: Iterable[Contact]) -> None:
        """Fetch what fit rules read of these contacts beside company and source, in a constant number of queries."""
        fields = {check.field for check in self.fit}
        facts.fetch(contacts, fields=fields | {one.field for picture in self.pictures for one in picture.conditions})

    def getter(self, contact: Contact) -> Callable[[str], Any]:
        """What fit rules ask of a contact, by the name of the field."""
        return facts.contact_getter(contact, pictures=self.pictures)

    def grade(self, *, fit: float, engagement: float) -> str:
        """The grade by this version's bands."""
        return engine.grade(
            fit=fit,
            engagement=engagement,
            fit_bands=self.model.fit_bands,
            engagement_bands=self.model.engagement_bands,
        )

    def term_of(self, component: Component) -> engine.Term:
        """A stored component as the engine takes it."""
        rule = self.by_id[component.rule_id]
        return engine.Term(
            amount=component.amount,
            reference_at=component.reference_at,
            half_life_days=rule.half_life_days,
            cap=rule.row.cap,
            floor=rule.row.floor,
        )


@dataclass(frozen=True)
class Outcome:
    """What taking in activities or time made of one contact's score."""

    contact: Contact
    score: float
    grade: str
    model_version: int
    is_crossing: bool
    is_request: bool

    @property
    def is_promotion(self) -> bool:
        return self.is_crossing or self.is_request


@dataclass
class _Work:
    """The components of the contacts at hand while activities are added to them."""

    rules: Rules
    at: dt.datetime
    components: dict[tuple[int, int], Component] = field(default_factory=dict)
    changed: set[tuple[int, int]] = field(default_factory=set)

    def add(self, *, contact_id: int, rule: Rule, points: float, occurred_at: dt.datetime, count: int) -> None:
        key = (contact_id, rule.row.pk)
        component = self.components.get(key)
        if component is None:
            reference_at = max(self.rules.model.reference_at, occurred_at)
            component = Component(contact_id=contact_id, rule_id=rule.row.pk, amount=0.0, reference_at=reference_at)
            self.components[key] = component
        component.amount, component.reference_at = engine.add(
            amount=component.amount,
            reference_at=component.reference_at,
            points=points,
            occurred_at=occurred_at,
            half_life_days=rule.half_life_days,
        )
        component.count += count
        self.changed.add(key)


def load_rules(model: ScoringModel) -> Rules:
    """Read one version of the rules: two queries, and one for the personas where a rule asks for them."""
    rules = [
        Rule(
            row=row,
            conditions=parse_conditions(row.conditions, key="property"),
            half_life_days=row.half_life_days or model.half_life_days,
        )
        for row in model.activity_rules.select_related("type")
    ]
    by_type: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_type[rule.row.type_id].append(rule)
    fit = tuple(
        FitCheck(
            name=row.name,
            field=row.field,
            condition=Condition(field=row.field, op=row.op, value=row.value),
            points=row.points,
        )
        for row in model.fit_rules.all()
    )
    return Rules(
        model=model,
        by_type=dict(by_type),
        by_id={rule.row.pk: rule for rule in rules},
        fit=fit,
        pictures=_pictures(fit),
    )


def _pictures(fit: Iterable[FitCheck]) -> tuple[facts.Picture, ...]:
    """The personas where a rule asks for them."""
    return facts.pictures() if any(check.field == "persona" for check in fit) else ()


def published_rules() -> Rules:
    """The rules in force, by one query that says which they are, and one for the personas where a rule asks for them.

    A migration publishes the first version, so there always are some. A published version is never edited, so a process
    reads it once; a persona may be.
    """
    in_force = ScoringModel.objects.filter(status=ScoringModel.Status.PUBLISHED).order_by()
    rules = published_version(*in_force.values_list("id", "published_at").get())
    return replace(rules, pictures=_pictures(rules.fit))


@functools.lru_cache(maxsize=2)
def published_version(model_id: int, published_at: dt.datetime) -> Rules:
    """The version that was published at that instant, kept in memory."""
    return load_rules(ScoringModel.objects.get(id=model_id, published_at=published_at))


def rescore(
    contacts: Sequence[Contact],
    *,
    activities: Iterable[AnyActivity] = (),
    at: dt.datetime,
    dormant: Callable[[Collection[int]], Collection[int]] = lambda contact_ids: (),
    is_history: bool = False,
    rules: Rules | None = None,
    stored: Mapping[int, Score] | None = None,
) -> list[Outcome]:
    """Bring the scores of locked contacts up to `at`, taking in new activities, and say what came of each.

    1. Each new activity adds its points to the components of the rules it fulfils: one addition a rule. A contact
       that an earlier version scored last is computed from the ledger instead.
    2. The value at `at` is computed from the components, fit and adjustments.
    3. Components and scores are written, two statements however many contacts.

    A contact is to be promoted when it is armed and not below the MQL threshold, or asked to be contacted, and its
    stage and flag allow it. `dormant` says who of those (waiting to resurface) only when it asked. Promotion disarms;
    falling below the threshold arms again. `is_history`: nobody is promoted or disarmed. Contacts come with their
    company and source. `stored` are their scores so far, for who has them already.
    """
    rules = rules or published_rules()
    ids = [contact.pk for contact in contacts]
    components = Component.objects.filter(contact_id__in=ids, rule_id__in=rules.by_id)
    work = _Work(rules=rules, at=at, components={(row.contact_id, row.rule_id): row for row in components})
    activities = list(activities)
    stored = stored_scores(ids) if stored is None else stored
    older = outdated(ids, rules, stored=stored)
    requesting = _take_in(work, [row for row in activities if row.contact_id not in older])
    if older:
        ledger = Activity.objects.filter(contact_id__in=older, bot_verdict=None)
        _take_in(work, ledger.select_related("campaign"))
        requesting |= rules.requesting(row for row in activities if row.contact_id in older)
    Component.objects.bulk_create(
        [work.components[key] for key in sorted(work.changed)],
        update_conflicts=True,
        unique_fields=["contact", "rule"],
        update_fields=["amount", "reference_at", "count"],
    )
    if is_history:
        return _value(work, contacts, stored=stored, requesting=(), dormant=lambda contact_ids: contact_ids)
    return _value(work, contacts, stored=stored, requesting=requesting, dormant=dormant)


def stored_scores(contact_ids: Collection[int]) -> dict[int, Score]:
    """What was made of contacts last."""
    return {score.contact_id: score for score in Score.objects.filter(contact_id__in=contact_ids)}


def outdated(contact_ids: Collection[int], rules: Rules, *, stored: Mapping[int, Score] | None = None) -> set[int]:
    """Contacts still scored by another version: theirs are computed from the whole ledger, new activities included.

    `stored` are their scores so far, for who has them already.
    """
    if stored is not None:
        return {contact_id for contact_id, score in stored.items() if score.model_id != rules.model.pk}
    elsewhere = Score.objects.filter(chosen("contact_id", contact_ids)).exclude(model=rules.model)
    return set(elsewhere.values_list("contact_id", flat=True))


def _take_in(work: _Work, activities: Iterable[AnyActivity]) -> set[int]:
    """Add the activities' points; return the contacts that asked to be contacted."""
    requesting: set[int] = set()
    once: list[tuple[Rule, AnyActivity, str, int]] = []
    for activity in activities:
        for rule in work.rules.by_type.get(activity.type_id, ()):
            if not rule.counts(activity):
                continue
            if rule.row.is_request:
                requesting.add(activity.contact_id)
            counted_for = rule.object_of(activity)
            if counted_for is not None:
                once.append((rule, activity, *counted_for))
                continue
            work.add(
                contact_id=activity.contact_id,
                rule=rule,
                points=rule.row.points,
                occurred_at=activity.occurred_at,
                count=1,
            )
    if once:
        _take_in_once(work, once)
    return requesting


def _take_in_once(work: _Work, once: list[tuple[Rule, AnyActivity, str, int]]) -> None:
    """Count only the earliest activity of an object in its window; an earlier late arrival takes its place."""
    known = {
        (row.contact_id, row.rule_id, row.object_key, row.window): row
        for row in CountedObject.objects.filter(
            contact_id__in={activity.contact_id for _rule, activity, _key, _window in once},
            rule_id__in={rule.row.pk for rule, *_rest in once},
            object_key__in={key for *_rest, key, _window in once},
        )
    }
    touched: dict[tuple[int, int, str, int], CountedObject] = {}
    for rule, activity, named, window in sorted(once, key=lambda item: (item[1].occurred_at, item[1].pk)):
        key = (activity.contact_id, rule.row.pk, named, window)
        standing = known.get(key)
        if standing is not None and standing.occurred_at <= activity.occurred_at:
            continue
        add = functools.partial(work.add, contact_id=activity.contact_id, rule=rule)
        if standing is not None:
            add(points=-rule.row.points, occurred_at=standing.occurred_at, count=-1)
        else:
            standing = CountedObject(
                contact_id=activity.contact_id, rule_id=rule.row.pk, object_key=named, window=window
            )
        standing.activity_id, standing.occurred_at = activity.pk, activity.occurred_at
        known[key] = touched[key] = standing
        add(points=rule.row.points, occurred_at=activity.occurred_at, count=1)
    CountedObject.objects.bulk_create(
        touched.values(),
        update_conflicts=True,
        unique_fields=["contact", "rule", "object_key", "window"],
        update_fields=["activity", "occurred_at"],
    )


def _value(
    work: _Work,
    contacts: Sequence[Contact],
    *,
    stored: Mapping[int, Score],
    requesting: Collection[int],
    dormant: Callable[[Collection[int]], Collection[int]],
) -> list[Outcome]:
    """Compute and write the score of each contact at `work.at`."""
    rules, at, threshold = work.rules, work.at, work.rules.model.mql_threshold
    terms: dict[int, list[engine.Term]] = defaultdict(list)
    for (contact_id, _rule_id), component in work.components.items():
        terms[contact_id].append(rules.term_of(component))
    adjustments: dict[int, float] = defaultdict(float)
    given = Adjustment.objects.filter(contact_id__in=[contact.pk for contact in contacts], at__lte=at).order_by()
    for contact_id, points in given.values_list("contact_id", "points"):
        adjustments[contact_id] += points
    rules.fetch(contacts)
    scores = []
    for contact in contacts:
        fit, adjustment = rules.fit_of(contact), adjustments[contact.pk]
        found = engine.score_at(terms=terms[contact.pk], fit=fit, adjustment=adjustment, at=at)
        before = stored.get(contact.pk)
        scores.append(
            Score(
                contact=contact,
                model=rules.model,
                value=found.score,
                engagement=found.engagement,
                fit=fit,
                adjustment=adjustment,
                grade=rules.grade(fit=fit, engagement=found.engagement),
                valued_at=at,
                is_armed=before is None or before.is_armed or found.score < threshold,
                next_check_at=engine.next_check_at(
                    terms=terms[contact.pk],
                    constant=fit + adjustment,
                    at=at,
                    levels=_levels(rules.model, constant=fit + adjustment),
                ),
            )
        )
    outcomes = _judge(scores, rules=rules, requesting=requesting, dormant=dormant)
    Score.objects.bulk_create(
        scores,
        update_conflicts=True,
        unique_fields=["contact"],
        update_fields=[
            "model",
            "value",
            "engagement",
            "fit",
            "adjustment",
            "grade",
            "valued_at",
            "is_armed",
            "next_check_at",
        ],
    )
    return outcomes


def _judge(
    scores: Sequence[Score],
    *,
    rules: Rules,
    requesting: Collection[int],
    dormant: Callable[[Collection[int]], Collection[int]],
) -> list[Outcome]:
    """Who is to be promoted; disarms them."""
    promotable = {
        score.contact_id
        for score in scores
        if score.contact.stage in stages.PROMOTABLE_STAGES and not score.contact.is_disqualified
    }
    above = {score.contact_id for score in scores if score.is_armed and score.value >= rules.model.mql_threshold}
    crossing = above & promotable
    crossing -= set(dormant(crossing)) if crossing else set()
    outcomes = []
    for score in scores:
        outcome = Outcome(
            contact=score.contact,
            score=score.value,
            grade=score.grade,
            model_version=rules.model.version,
            is_crossing=score.contact_id in crossing,
            is_request=score.contact_id in promotable and score.contact_id in requesting,
        )
        score.is_armed = score.is_armed and not outcome.is_promotion
        outcomes.append(outcome)
    return outcomes


def _levels(model: ScoringModel, *, constant: float) -> list[float]:
    """Every score at which something changes: the thresholds, and the bands of engagement."""
    return [model.mql_threshold, model.hot_threshold, *(constant + band for band in model.engagement_bands)]


def disarm(contact_ids: Collection[int]) -> None:
    """Let contacts not be promoted again before they have fallen below the threshold."""
    Score.objects.filter(chosen("contact_id", contact_ids)).update(is_armed=False)


def standing_above(contact_ids: Collection[int]) -> set[int]:
    """Those whose score was not below the MQL threshold when it was last computed."""
    above = Score.objects.filter(chosen("contact_id", contact_ids), value__gte=F("model__mql_threshold"))
    return set(above.values_list("contact_id", flat=True))


def arm(contact_ids: Collection[int]) -> None:
    """Let contacts be promoted by their next crossing: they have come back by themselves."""
    Score.objects.filter(chosen("contact_id", contact_ids)).update(is_armed=True)


def scores_due(*, at: dt.datetime, limit: int) -> list[int]:
    """Contacts whose score is to be looked at again because of time alone, longest due first."""
    due = Score.objects.filter(next_check_at__lte=at).order_by("next_check_at")
    return list(due.values_list("contact_id", flat=True)[:limit])


def look_again(contact_ids: Any, *, at: dt.datetime) -> None:
    """Let the next sweep compute these contacts, ids or a query of them: who they are has changed for many at once."""
    Score.objects.filter(contact_id__in=contact_ids).update(next_check_at=at)


def push_ahead(contact_id: int, *, at: dt.datetime) -> None:
    """Look at a score that could not be computed again in an hour."""
    Score.objects.filter(contact_id=contact_id).update(next_check_at=at + dt.timedelta(hours=1))
