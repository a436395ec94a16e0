"""Reading scores: the live value, and the answer to "why?"."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leads.conditions import matches
from leads.models import Activity, BotVerdict, Contact
from scoring import engine
from scoring.models import Adjustment, Component, Score, ScoringModel
from scoring.services import Rule, Rules, load_rules, published_rules

if TYPE_CHECKING:
    from crm.models import User


@dataclass(frozen=True)
class ActivityPoints:
    """One activity behind a rule's points."""

    id: int
    occurred_at: dt.datetime
    points: float
    activity: Activity


@dataclass(frozen=True)
class RulePoints:
    """What one rule gives now. `raw` is before the cap, `capped` what a cap or floor cut."""

    rule: str
    kind: str
    raw: float
    points: float
    capped: float
    activities: tuple[ActivityPoints, ...] = ()
    field: str = ""
    """What a rule of fit looks at."""
    value: object = None
    """What is known of it."""
    author: User | None = None
    """Who gave or took the points of an adjustment."""
    given_at: dt.datetime | None = None


@dataclass(frozen=True)
class Explanation:
    """A score that answers "why?"."""

    at: dt.datetime
    model_version: int
    model_name: str
    mql_threshold: float
    hot_threshold: float
    cooling_threshold: float
    score: float
    engagement: float
    fit: float
    grade: str
    rules: tuple[RulePoints, ...]
    cools_at: dt.datetime | None
    """When it falls below the cooling threshold if nothing more happens; None when it never does, or is below."""
    not_counted: int = 0
    """Activities up to then that a machine did: kept, marked, and without points."""

    @property
    def is_hot(self) -> bool:
        return self.score >= self.hot_threshold

    @property
    def missing(self) -> float:
        """Points missing to the MQL threshold; 0 when it is reached."""
        return max(0.0, self.mql_threshold - self.score)

    @property
    def is_cool(self) -> bool:
        """Whether it is below the cooling threshold."""
        return self.score < self.cooling_threshold

    @property
    def activity_rules(self) -> list[RulePoints]:
        return [rule for rule in self.rules if rule.kind == "activity"]

    @property
    def fit_rules(self) -> list[RulePoints]:
        return [rule for rule in self.rules if rule.kind == "fit"]

    @property
    def adjustments(self) -> list[RulePoints]:
        return [rule for rule in self.rules if rule.kind == "adjustment"]


@dataclass(frozen=True)
class LiveScore:
    """The value of a score at an instant, for a row of a list."""

    value: float
    engagement: float
    fit: float
    grade: str
    is_hot: bool
    threshold: float
    hot_threshold: float
    is_updating: bool = False
    """A newer version was published and has not come to this contact yet: this is what the version before says."""


def live_scores(contacts: Sequence[Contact], *, at: dt.datetime, rules: Rules | None = None) -> dict[int, LiveScore]:
    """The live scores of the contacts of a page, in a constant number of queries."""
    rules = rules or published_rules()
    ids = [contact.pk for contact in contacts]
    older = dict(Score.objects.filter(contact_id__in=ids).exclude(model=rules.model).values_list("contact_id", "model"))
    adjustments = _adjustments(ids, at=at)
    found: dict[int, LiveScore] = {}
    versions: dict[int | None, Rules] = {None: rules}
    if older:
        versions |= {model.pk: load_rules(model) for model in ScoringModel.objects.filter(id__in=older.values())}
    for model_id, version in versions.items():
        of_version = [contact for contact in contacts if older.get(contact.pk) == model_id]
        found |= _live(of_version, rules=version, adjustments=adjustments, at=at, is_updating=model_id is not None)
    return found


def _live(
    contacts: Sequence[Contact],
    *,
    rules: Rules,
    adjustments: Mapping[int, Sequence[Adjustment]],
    at: dt.datetime,
    is_updating: bool,
) -> dict[int, LiveScore]:
    terms: dict[int, list[engine.Term]] = defaultdict(list)
    for component in Component.objects.filter(contact_id__in=[one.pk for one in contacts], rule__model=rules.model):
        terms[component.contact_id].append(rules.term_of(component))
    rules.fetch(contacts)
    found = {}
    for contact in contacts:
        fit = rules.fit_of(contact)
        given = sum(row.points for row in adjustments[contact.pk])
        score = engine.score_at(terms=terms[contact.pk], fit=fit, adjustment=given, at=at)
        found[contact.pk] = LiveScore(
            value=score.score,
            engagement=score.engagement,
            fit=fit,
            grade=rules.grade(fit=fit, engagement=score.engagement),
            is_hot=score.score >= rules.model.hot_threshold,
            threshold=rules.model.mql_threshold,
            hot_threshold=rules.model.hot_threshold,
            is_updating=is_updating,
        )
    return found


@dataclass(frozen=True)
class LeadingRule:
    """A rule that gives a contact most of its points now, and how often it counted.

    `label` says it shortly: the path that the rule asks for, else the kind of activity.
    """

    rule: str
    label: str
    count: int
    points: float


def leading_rules(
    contacts: Sequence[Contact], *, at: dt.datetime, limit: int = 2, rules: Rules | None = None
) -> dict[int, list[LeadingRule]]:
    """The activity rules that give each contact of a page most points at `at`, by one query beside the rules."""
    rules = rules or published_rules()
    found: dict[int, list[LeadingRule]] = defaultdict(list)
    rows = Component.objects.filter(contact_id__in=[contact.pk for contact in contacts], rule__model=rules.model)
    for component in rows:
        points = engine.points_at(rules.term_of(component), at)
        if points > 0 and component.count > 0:
            rule = rules.by_id[component.rule_id]
            found[component.contact_id].append(
                LeadingRule(rule=rule.row.name, label=_label(rule), count=component.count, points=points)
            )
    return {key: sorted(given, key=lambda one: -one.points)[:limit] for key, given in found.items()}


def _label(rule: Rule) -> str:
    path = next((one.value for one in rule.conditions if one.field == "path"), None)
    return path if isinstance(path, str) else str(rule.row.type)


@dataclass(frozen=True)
class Ledger:
    """What a score is made of, read once for several questions: activities, oldest first, and adjustments."""

    activities: tuple[Activity, ...]
    adjustments: tuple[Adjustment, ...]
    machines: int = 0
    """Activities that a machine did, which are left out."""


def ledger_of(contact: Contact, *, at: dt.datetime, rules: Rules, known: Sequence[Activity] | None = None) -> Ledger:
    """What counts for the score of `contact` up to `at`, by three queries.

    By one where all activities are `known`, read with `type`, `campaign` and `bot_verdict`.
    """
    rows: Iterable[Activity]
    if known is None:
        machines = set(BotVerdict.objects.filter(activity__contact=contact).values_list("activity_id", flat=True))
        found = contact.activities.filter(occurred_at__lte=at, type__in=list(rules.by_type))
        rows = found.select_related("campaign", "type").order_by("occurred_at", "id")
    else:
        machines = {row.pk for row in known if hasattr(row, "bot_verdict")}
        counted = (row for row in known if row.occurred_at <= at and row.type_id in rules.by_type)
        rows = sorted(counted, key=lambda row: (row.occurred_at, row.pk))
    rows = list(rows)
    human = tuple(row for row in rows if row.pk not in machines)
    return Ledger(
        activities=human,
        adjustments=tuple(_adjustments([contact.pk], at=at)[contact.pk]),
        machines=len(rows) - len(human),
    )


def explain(
    contact: Contact, *, at: dt.datetime, rules: Rules | None = None, ledger: Ledger | None = None
) -> Explanation:
    """Every rule's points for `contact` at `at`, from the ledger itself: activities up to then, today's fit."""
    rules = rules or published_rules()
    ledger = ledger or ledger_of(contact, at=at, rules=rules)
    behind, terms = replay(rules, ledger.activities)
    parts: list[RulePoints] = []
    for rule_id, counted in behind.items():
        rule, term = rules.by_id[rule_id], terms[rule_id]
        raw, points = engine.raw_at(term, at), engine.points_at(term, at)
        parts.append(
            RulePoints(
                rule=rule.row.name,
                kind="activity",
                raw=raw,
                points=points,
                capped=raw - points,
                activities=tuple(
                    ActivityPoints(
                        id=activity.pk,
                        occurred_at=activity.occurred_at,
                        points=rule.row.points
                        * engine.weight(
                            seconds=(activity.occurred_at - at).total_seconds(), half_life_days=rule.half_life_days
                        ),
                        activity=activity,
                    )
                    for activity in sorted(counted, key=lambda row: row.occurred_at, reverse=True)
                ),
            )
        )
    parts.sort(key=lambda part: -abs(part.points))
    get = rules.getter(contact)
    for check in rules.fit:
        value = get(check.field)
        if matches(check.condition, value):
            parts.append(RulePoints(check.name, "fit", check.points, check.points, 0.0, field=check.field, value=value))
    given = ledger.adjustments
    parts += [
        RulePoints(row.reason, "adjustment", row.points, row.points, 0.0, author=row.author, given_at=row.at)
        for row in given
    ]
    fit, adjustment = rules.fit_of(contact), sum(row.points for row in given)
    score = engine.score_at(terms=terms.values(), fit=fit, adjustment=adjustment, at=at)
    cooling = rules.model.cooling_threshold
    cools_at = engine.crosses_at(terms=list(terms.values()), constant=fit + adjustment, at=at, level=cooling)
    return Explanation(
        at=at,
        model_version=rules.model.version,
        model_name=rules.model.name,
        mql_threshold=rules.model.mql_threshold,
        hot_threshold=rules.model.hot_threshold,
        cooling_threshold=cooling,
        score=score.score,
        engagement=score.engagement,
        fit=fit,
        grade=rules.grade(fit=fit, engagement=score.engagement),
        rules=tuple(parts),
        cools_at=cools_at if score.score >= cooling else None,
        not_counted=ledger.machines,
    )


def course(
    contact: Contact,
    *,
    since: dt.datetime,
    at: dt.datetime,
    points: int = 60,
    rules: Rules | None = None,
    ledger: Ledger | None = None,
) -> list[tuple[dt.datetime, float]]:
    """The score at `points` + 1 instants evenly from `since` to `at`, by the rules in force, with today's fit."""
    rules = rules or published_rules()
    ledger = ledger or ledger_of(contact, at=at, rules=rules)
    fit = rules.fit_of(contact)
    line = []
    for step in range(points + 1):
        then = since + (at - since) * step / points
        _behind, terms = replay(rules, (row for row in ledger.activities if row.occurred_at <= then))
        adjustment = sum(row.points for row in ledger.adjustments if row.at <= then)
        line.append((then, engine.score_at(terms=terms.values(), fit=fit, adjustment=adjustment, at=then).score))
    return line


def replay(rules: Rules, activities: Iterable[Activity]) -> tuple[dict[int, list[Activity]], dict[int, engine.Term]]:
    """The activities that count for each rule, and the component they make, from nothing but the ledger."""
    behind: dict[int, list[Activity]] = defaultdict(list)
    first: dict[tuple[int, str, int], Activity] = {}
    for activity in activities:
        for rule in rules.by_type.get(activity.type_id, ()):
            if not rule.counts(activity):
                continue
            counted_for = rule.object_of(activity)
            if counted_for is None:
                behind[rule.row.pk].append(activity)
                continue
            key = (rule.row.pk, *counted_for)
            standing = first.get(key)
            if standing is None or (activity.occurred_at, activity.pk) < (standing.occurred_at, standing.pk):
                first[key] = activity
    for (rule_id, _object_key, _window), activity in first.items():
        behind[rule_id].append(activity)
    terms = {}
    for rule_id, counted in behind.items():
        rule = rules.by_id[rule_id]
        amount, reference_at = 0.0, counted[0].occurred_at
        for activity in counted:
            amount, reference_at = engine.add(
                amount=amount,
                reference_at=reference_at,
                points=rule.row.points,
                occurred_at=activity.occurred_at,
                half_life_days=rule.half_life_days,
            )
        terms[rule_id] = engine.Term(
            amount=amount,
            reference_at=reference_at,
            half_life_days=rule.half_life_days,
            cap=rule.row.cap,
            floor=rule.row.floor,
        )
    return dict(behind), terms


def _adjustments(contact_ids: Sequence[int], *, at: dt.datetime) -> dict[int, list[Adjustment]]:
    given: dict[int, list[Adjustment]] = defaultdict(list)
    for row in Adjustment.objects.filter(contact_id__in=contact_ids, at__lte=at).select_related("author"):
        given[row.contact_id].append(row)
    return given
