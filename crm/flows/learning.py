"""Suggesting points: a draft of the rules learned from how handoffs and opportunities ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from django.db import transaction
from django.db.models import Max
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import formats
from crm.errors import Forbidden, Invalid
from crm.queries import outcomes
from crm.queries.outcomes import Collected, Goal
from leads.conditions import Condition
from leads.models import ActivityType
from scoring import learning
from scoring.learning import Evidence, Filled, Suggestion, TooFewOutcomes
from scoring.models import ActivityRule, FitRule, ScoringModel
from scoring.sentences import field_name, fit_sentence
from scoring.services import Rules, published_rules

if TYPE_CHECKING:
    from crm.models import User

RuleRow = TypeVar("RuleRow", ActivityRule, FitRule)
LONGEST_NAME = 120
EVIDENCE_MARK = " · "
# Points more, at which the odds are four times, and half, those of the average case.
HOT_ABOVE = 2 * learning.DOUBLING
COOLING_BELOW = learning.DOUBLING


def suggest_points(
    *, actor: User, outcome: str = Goal.ACCEPTED, insist_on: Collection[str] = (), at: dt.datetime
) -> ScoringModel:
    """Draft a model whose points are learned from the outcomes so far: handoffs accepted, or opportunities won.

    1. The closed outcomes become cases: what was known when the handoff was formed (`crm.queries.outcomes`).
    2. Fields that are mostly filled only after the handoff are left out, but for those in `insist_on`, which are taken
       as they stand today. The draft's note names them.
    3. Fit rules are found anew. Activity rules and those fit rules that only a person can write keep what they ask
       and get learned points; those with too few cases behind them, and rules on BANT and personas, stay as they are.
    4. Thresholds start where a contact is as likely as the average case to end well.

    Each rule's name says how many cases stand behind it and how many of them ended well. Marketers, managers and
    administrators. Raises `Forbidden`; `Invalid` for an unknown outcome, or when there are too few, saying how many
    are missing.
    """
    if not actor.sees_all_contacts:
        raise Forbidden(_("Marketers, managers and administrators suggest points."))
    if outcome not in list(Goal):
        raise Invalid(_("Learn from “accepted” or from “won”."), field="outcome")
    rules = published_rules()
    collected = outcomes.collect(Goal(outcome), rules=rules, insist_on=insist_on)
    late = learning.late_fields(collected.filled)
    try:
        found = learning.learn(collected.cases, leave_out=set(late) - set(insist_on))
    except TooFewOutcomes as problem:
        raise Invalid(_too_few(problem), field="outcome") from None
    return _draft(found, collected, late, rules=rules, goal=Goal(outcome), insist_on=insist_on, actor=actor, at=at)


def _too_few(problem: TooFewOutcomes) -> str:
    needed = _("Points are suggested from %(enough)d closed outcomes, at least %(each)d good and %(each)d bad.") % {
        "enough": learning.ENOUGH_CASES,
        "each": learning.ENOUGH_OF_EACH,
    }
    there_are = ngettext(
        "There is %(closed)d so far, %(good)d of them good.",
        "There are %(closed)d so far, %(good)d of them good.",
        problem.closed,
    ) % {"closed": problem.closed, "good": problem.positives}
    missing = ngettext("%(missing)d is missing.", "%(missing)d are missing.", problem.missing)
    return " ".join((needed, there_are, missing % {"missing": problem.missing}))


@transaction.atomic
def _draft(
    found: Suggestion,
    collected: Collected,
    late: Mapping[str, Filled],
    *,
    rules: Rules,
    goal: Goal,
    insist_on: Collection[str],
    actor: User,
    at: dt.datetime,
) -> ScoringModel:
    threshold = max(1, round(found.average))
    published = rules.model
    draft = ScoringModel.objects.create(
        name=_("Learned from what was won") if goal is Goal.WON else _("Learned from what was accepted"),
        version=(ScoringModel.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        status=ScoringModel.Status.DRAFT,
        half_life_days=published.half_life_days,
        mql_threshold=threshold,
        hot_threshold=threshold + HOT_ABOVE,
        cooling_threshold=max(0, threshold - COOLING_BELOW),
        fit_bands=_bands(found.fit_quartiles),
        engagement_bands=_bands(found.engagement_quartiles),
        reference_at=published.reference_at,
        based_on=published,
        note=_note(found, late, goal=goal, insist_on=insist_on),
        created_at=at,
        created_by=actor,
    )
    keys = {key for case in collected.cases for key in case.amounts}
    ActivityRule.objects.bulk_create(_in_order(_activity_rules(draft, found, rules, keys, goal)))
    FitRule.objects.bulk_create(_in_order(_fit_rules(draft, found, rules, goal)))
    return draft


def _in_order(rules: list[RuleRow]) -> list[RuleRow]:
    for position, rule in enumerate(rules):
        rule.position = position
    return rules


def _bands(quartiles: Iterable[float]) -> list[float]:
    """The lowest points of the three upper bands: whole numbers, each below the one before."""
    bands: list[float] = []
    for quartile in quartiles:
        band = round(quartile)
        bands.append(min(band, bands[-1] - 1) if bands else band)
    return bands


def _activity_rules(
    draft: ScoringModel, found: Suggestion, rules: Rules, keys: Collection[str], goal: Goal
) -> list[ActivityRule]:
    """The published rules with their learned points, then rules for types of activities that had none.

    What a rule counts at most stays in proportion. Without points a rule is left out, unless it is a request.
    """
    chosen = []
    for rule in rules.by_id.values():
        old = rule.row
        new = ActivityRule(
            model=draft,
            name=old.name.partition(EVIDENCE_MARK)[0],
            type_id=old.type_id,
            conditions=old.conditions,
            points=old.points,
            cap=old.cap,
            floor=old.floor,
            once_per=old.once_per,
            within_days=old.within_days,
            half_life_days=old.half_life_days,
            is_request=old.is_request,
        )
        evidence = found.amounts.get(outcomes.rule_key(old))
        if evidence is not None:
            _give(new, evidence, most=outcomes.most_counted(old), goal=goal)
        if new.points or new.is_request:
            chosen.append(new)
    types = ActivityType.objects.in_bulk(outcomes.types_without_rule(keys))
    for code, type_ in sorted(types.items()):
        evidence = found.amounts.get(outcomes.type_key(code))
        if evidence is not None and evidence.points:
            new = ActivityRule(model=draft, name=type_.name, type=type_)
            _give(new, evidence, most=outcomes.NEW_RULE_COUNTS, goal=goal)
            chosen.append(new)
    return chosen


def _give(rule: ActivityRule, evidence: Evidence, *, most: float | None, goal: Goal) -> None:
    rule.points = evidence.points
    limit = None if most is None else round(evidence.points * most, 2)
    rule.cap, rule.floor = (limit, None) if evidence.points > 0 else (None, limit)
    rule.name = _with_evidence(rule.name, evidence, goal)


def _fit_rules(draft: ScoringModel, found: Suggestion, rules: Rules, goal: Goal) -> list[FitRule]:
    """The learned rules by field, then those that people wrote, with learned points or as they are."""
    chosen = []
    for one in found.fit:
        new = FitRule(model=draft, field=one.field, op=one.op, value=one.value, points=one.evidence.points)
        new.name = _with_evidence(fit_sentence(new).removesuffix("."), one.evidence, goal)
        chosen.append(new)
    for old in rules.model.fit_rules.all():
        condition = Condition(field=old.field, op=old.op, value=old.value)
        new = FitRule(model=draft, name=old.name, field=old.field, op=old.op, value=old.value, points=old.points)
        if outcomes.is_hand_made(condition):
            evidence = found.amounts.get(outcomes.condition_key(condition))
            if evidence is not None:
                new.points = evidence.points
                new.name = _with_evidence(old.name.partition(EVIDENCE_MARK)[0], evidence, goal)
        elif outcomes.is_learned_about(old.field):
            continue
        if new.points:
            chosen.append(new)
    return chosen


def _with_evidence(name: str, evidence: Evidence, goal: Goal) -> str:
    """A rule's name with what stands behind its points: "Country is FI · 120 cases, 64% accepted"."""
    ended = _("won") if goal is Goal.WON else _("accepted")
    cases = ngettext("%(count)s case", "%(count)s cases", evidence.cases)
    behind = _("%(cases)s, %(share)s %(ended)s") % {
        "cases": cases % {"count": formats.number(evidence.cases)},
        "share": formats.percent(evidence.share),
        "ended": ended,
    }
    return Truncator(name).chars(LONGEST_NAME - len(EVIDENCE_MARK) - len(behind)) + EVIDENCE_MARK + behind


def _note(found: Suggestion, late: Mapping[str, Filled], *, goal: Goal, insist_on: Collection[str]) -> str:
    """What was learned from, how good it is, and which fields were left out, or not, for being filled late."""
    of_what = (
        _("Learned from %(cases)s closed opportunities, %(share)s of them won.")
        if goal is Goal.WON
        else _("Learned from %(cases)s answered handoffs, %(share)s of them accepted.")
    )
    lines = [
        of_what % {"cases": formats.number(found.cases), "share": formats.percent(found.positives / found.cases)},
        _("Ten points more double the odds. On cases held out, the points reach an AUC of %(auc)s (0.5 is chance).")
        % {"auc": formats.number(round(found.auc, 2))},
    ]
    for name, filled in late.items():
        sentence = (
            _("%(field)s is mostly filled only after the handoff (%(share)s of %(cases)s) and was used all the same.")
            if name in insist_on
            else _("%(field)s is mostly filled only after the handoff (%(share)s of %(cases)s), so it was left out.")
        )
        lines.append(
            sentence
            % {
                "field": field_name(name)[:1].upper() + field_name(name)[1:],
                "share": formats.percent(filled.share),
                "cases": formats.number(filled.cases),
            }
        )
    return "\n".join(lines)
