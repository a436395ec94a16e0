"""Suggesting points: a draft of the rules learned from how handoffs and opportunities ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import formats
from crm.errors import Invalid
from crm.flows import publishing
from crm.queries import outcomes
from crm.queries.outcomes import Goal
from leads.condition_words import field_name
from leads.conditions import Condition
from leads.models import ActivityType
from scoring import learning, versions
from scoring.learning import Evidence, Filled, Suggestion, TooFewOutcomes
from scoring.models import FitRule, ScoringModel
from scoring.sentences import fit_sentence
from scoring.services import Rules, published_rules

if TYPE_CHECKING:
    from crm.models import User

LONGEST_NAME = 120
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

    Each rule's name says how many cases stand behind it and how many of them ended well. Marketers and
    administrators. Raises `Forbidden`; `Invalid` for an unknown outcome, or when there are too few, saying how many
    are missing.
    """
    publishing.require_editor(actor)
    if outcome not in list(Goal):
        raise Invalid(_("Learn from “accepted” or from “won”."), field="outcome")
    rules = published_rules()
    collected = outcomes.collect(Goal(outcome), rules=rules, insist_on=insist_on)
    late = learning.late_fields(collected.filled)
    try:
        found = learning.learn(collected.cases, leave_out=set(late) - set(insist_on))
    except TooFewOutcomes as problem:
        raise Invalid(_too_few(problem), field="outcome") from None
    goal, threshold = Goal(outcome), max(1, round(found.average))
    keys = {key for case in collected.cases for key in case.amounts}
    values = {
        "name": _("Learned from what was won") if goal is Goal.WON else _("Learned from what was accepted"),
        "note": _note(found, late, goal=goal, insist_on=insist_on),
        "mql_threshold": threshold,
        "hot_threshold": threshold + HOT_ABOVE,
        "cooling_threshold": max(0, threshold - COOLING_BELOW),
        "fit_bands": _bands(found.fit_quartiles),
        "engagement_bands": _bands(found.engagement_quartiles),
        "activity_rules": _activity_rules(found, rules, keys, goal),
        "fit_rules": _fit_rules(found, rules, goal),
    }
    return publishing.draft_from(actor=actor, model_id=rules.model.pk, values=values, at=at)


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


def _bands(quartiles: Iterable[float]) -> list[float]:
    """The lowest points of the three upper bands: whole numbers, each below the one before."""
    bands: list[float] = []
    for quartile in quartiles:
        band = round(quartile)
        bands.append(min(band, bands[-1] - 1) if bands else band)
    return bands


def _activity_rules(found: Suggestion, rules: Rules, keys: Collection[str], goal: Goal) -> list[dict[str, Any]]:
    """The published rules with their learned points, then rules for types of activities that had none.

    What a rule counts at most stays in proportion. Without points a rule is left out, unless it is a request.
    """
    chosen = []
    for rule in rules.by_id.values():
        old = rule.row
        new = {name: getattr(old, name if name != "type" else "type_id") for name in versions.ACTIVITY_RULE}
        evidence = found.amounts.get(outcomes.rule_key(old))
        if evidence is not None:
            new |= _learned(old.name, evidence, most=outcomes.most_counted(old), goal=goal)
        if new["points"] or old.is_request:
            chosen.append(new)
    types = ActivityType.objects.in_bulk(outcomes.types_without_rule(keys))
    for code, type_ in sorted(types.items()):
        evidence = found.amounts.get(outcomes.type_key(code))
        if evidence is not None and evidence.points:
            learned = _learned(type_.name, evidence, most=outcomes.NEW_RULE_COUNTS, goal=goal)
            chosen.append({"type": code} | learned)
    return chosen


def _learned(name: str, evidence: Evidence, *, most: float | None, goal: Goal) -> dict[str, Any]:
    limit = None if most is None else round(evidence.points * most, 2)
    return {
        "name": _with_evidence(name, evidence, goal),
        "points": evidence.points,
        "cap": limit if evidence.points > 0 else None,
        "floor": limit if evidence.points < 0 else None,
    }


def _fit_rules(found: Suggestion, rules: Rules, goal: Goal) -> list[dict[str, Any]]:
    """The learned rules by field, then those that people wrote, with learned points or as they are."""
    chosen = []
    for one in found.fit:
        new: dict[str, Any] = {"field": one.field, "op": one.op, "value": one.value, "points": one.evidence.points}
        name = fit_sentence(FitRule(**new)).removesuffix(".")
        chosen.append(new | {"name": _with_evidence(name, one.evidence, goal)})
    for old in rules.model.fit_rules.all():
        condition = Condition(field=old.field, op=old.op, value=old.value)
        new = {name: getattr(old, name) for name in versions.FIT_RULE}
        if outcomes.is_hand_made(condition):
            evidence = found.amounts.get(outcomes.condition_key(condition))
            if evidence is not None:
                new |= {"points": evidence.points, "name": _with_evidence(old.name, evidence, goal)}
        elif outcomes.is_learned_about(old.field):
            continue
        if new["points"]:
            chosen.append(new)
    return chosen


def _with_evidence(name: str, evidence: Evidence, goal: Goal) -> str:
    """A rule's name with what stands behind its points: "Country is FI · 120 cases, 64 % accepted"."""
    ended = _("won") if goal is Goal.WON else _("accepted")
    cases = ngettext("%(count)s case", "%(count)s cases", evidence.cases)
    behind = _("%(cases)s, %(share)s %(ended)s") % {
        "cases": cases % {"count": formats.number(evidence.cases)},
        "share": formats.percent(evidence.share),
        "ended": ended,
    }
    room = LONGEST_NAME - len(versions.EVIDENCE_MARK) - len(behind)
    return Truncator(versions.known_as(name)).chars(room) + versions.EVIDENCE_MARK + behind


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
