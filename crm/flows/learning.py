"""Suggesting points: a draft of the rules learned from how handoffs and opportunities ended."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import formats
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import jobs, publishing
from crm.queries import outcomes
from crm.queries.outcomes import Goal
from leads.condition_words import field_name
from leads.conditions import Condition
from leads.models import ActivityType
from scoring import learning, versions
from scoring.learning import Evidence, Filled, Suggestion, TooFewOutcomes
from scoring.models import FitRule, JobState, ScoringModel, SuggestionJob
from scoring.sentences import fit_sentence
from scoring.services import Rules, published_rules

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
LONGEST_NAME = 120
# Longer than fitting the most cases takes: while it lasts, nothing is written.
LEASE = dt.timedelta(minutes=10)
# Points more, at which the odds are four times, and half, those of the average case.
HOT_ABOVE = 2 * learning.DOUBLING
COOLING_BELOW = learning.DOUBLING


class NoBetterThanChance(Conflict):
    """The points that were found tell nothing; `found` are they."""

    def __init__(self, found: Suggestion) -> None:
        super().__init__(chance_sentence(auc=found.auc, margin=found.auc_margin))
        self.found = found


def suggest_points(
    *,
    actor: User,
    outcome: str = Goal.ACCEPTED,
    insist_on: Collection[str] = (),
    although_chance: bool = False,
    at: dt.datetime,
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
    are missing; `NoBetterThanChance` where the points tell nothing on held-out cases, unless `although_chance`.
    """
    _require(actor, outcome)
    _found, values, based_on = _learned_values(
        Goal(outcome), insist_on=insist_on, although_chance=although_chance, on_progress=lambda done: None
    )
    return publishing.draft_from(actor=actor, model_id=based_on, values=values, at=at)


def _require(actor: User, outcome: str) -> None:
    publishing.require_editor(actor)
    if outcome not in list(Goal):
        raise Invalid(_("Learn from “accepted” or from “won”."), field="outcome")


def _learned_values(
    goal: Goal, *, insist_on: Collection[str], although_chance: bool, on_progress: Callable[[int], None]
) -> tuple[Suggestion, dict[str, Any], int]:
    """What was learned, the draft's values as `save_rules` takes them, and the version that it is based on."""
    rules = published_rules()
    collected = outcomes.collect(goal, rules=rules, insist_on=insist_on, on_progress=on_progress)
    late = learning.late_fields(collected.filled)
    try:
        found = learning.learn(collected.cases, leave_out=set(late) - set(insist_on))
    except TooFewOutcomes as problem:
        raise Invalid(_too_few(problem), field="outcome") from None
    if found.is_no_better_than_chance and not although_chance:
        raise NoBetterThanChance(found)
    threshold = max(1, round(found.average))
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
    return found, values, rules.model.pk


# The job --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def start_suggestion(
    *, actor: User, outcome: str, insist_on: Collection[str] = (), although_chance: bool = False, at: dt.datetime
) -> SuggestionJob:
    """Queue `suggest_points`; `run_suggestion` does it. Raises `Forbidden`, `Invalid` as that does."""
    _require(actor, outcome)
    outlook = outcomes.outlook(Goal(outcome))
    if outlook.missing:
        raise Invalid(_too_few(TooFewOutcomes(closed=outlook.closed, positives=outlook.positives)), field="outcome")
    return SuggestionJob.objects.create(
        outcome=outcome,
        insist_on=sorted(insist_on),
        although_chance=although_chance,
        total=min(outlook.closed, outcomes.MOST_CASES),
        actor=actor,
        created_at=at,
        updated_at=at,
    )


def cancel_suggestion(*, actor: User, suggestion_id: int, at: dt.datetime) -> SuggestionJob:
    """Stop a suggestion; its runner finds its place taken and drafts nothing. Raises `Conflict` when it is over."""
    publishing.require_editor(actor)
    job = _found(suggestion_id)
    rows = SuggestionJob.objects.filter(pk=job.pk, state__in=(JobState.QUEUED, JobState.RUNNING))
    if not rows.update(state=JobState.CANCELLED, updated_at=at, finished_at=at):
        raise Conflict(_("This is over already."))
    return _found(suggestion_id)


def run_suggestion(*, suggestion_id: int, at: dt.datetime) -> SuggestionJob:
    """Learn, and draft what was learned; return the row. Does nothing when it is over or somebody else is at it.

    1. Claim: the row becomes `running`, unless another runner has written to it within `LEASE`.
    2. Outcomes are read in batches, after each of which the row says how far it is; then the points are fitted.
    3. Draft and end of the job are one transaction, held only where this runner was the last to write to the row: run
       twice, it drafts once. Points that tell nothing end the job without a draft, unless it was asked to insist.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    free = SuggestionJob.objects.filter(jobs.is_free(at, lease=LEASE), id=suggestion_id)
    if not free.update(state=JobState.RUNNING, done=0, error="", updated_at=at):
        return _found(suggestion_id)
    job = _found(suggestion_id)
    with translation.override(job.actor.language or translation.get_language()):
        try:
            _learn(job, now=now)
        except OperationalError:
            # The database is away or busy: the sweep takes the job up again.
            raise
        except _PlaceTaken:
            logger.info("Suggestion %d was taken over or cancelled.", job.pk)
        except NoBetterThanChance as nothing:
            found = nothing.found
            numbers = {"auc": found.auc, "auc_margin": found.auc_margin}
            jobs.write(job, now=now(), state=JobState.DONE, error=str(nothing), finished_at=now(), **numbers)
        except (Invalid, Forbidden) as refusal:
            jobs.write(job, now=now(), state=JobState.FAILED, error=str(refusal), finished_at=now())
        except Exception as error:
            logger.exception("Suggestion %d failed.", job.pk)
            sentence = _("It stopped: %(error)s.") % {"error": error}
            jobs.write(job, now=now(), state=JobState.FAILED, error=sentence, finished_at=now())
    return _found(suggestion_id)


def suggestions_to_resume(*, at: dt.datetime) -> list[int]:
    """Suggestions that nobody is at, though they are queued or were begun."""
    rows = SuggestionJob.objects.filter(jobs.is_free(at, lease=LEASE))
    return list(rows.order_by("id").values_list("id", flat=True))


class _PlaceTaken(Exception):
    """Another runner is at the job, or it was cancelled."""


def _learn(job: SuggestionJob, *, now: Callable[[], dt.datetime]) -> None:
    def progress(done: int) -> None:
        if not jobs.write(job, now=now(), done=done):
            raise _PlaceTaken

    found, values, based_on = _learned_values(
        Goal(job.outcome), insist_on=job.insist_on, although_chance=job.although_chance, on_progress=progress
    )
    with transaction.atomic():
        draft = publishing.draft_from(actor=job.actor, model_id=based_on, values=values, at=now())
        numbers = {"auc": found.auc, "auc_margin": found.auc_margin}
        if not jobs.write(job, now=now(), state=JobState.DONE, draft=draft, finished_at=now(), **numbers):
            raise _PlaceTaken


def _found(suggestion_id: int) -> SuggestionJob:
    job = SuggestionJob.objects.select_related("actor", "draft").filter(id=suggestion_id).first()
    if job is None:
        raise NotFound(_("There is no such suggestion."))
    return job


# Words ----------------------------------------------------------------------------------------------------------------


def auc_words(*, auc: float, margin: float) -> str:
    """How well points tell good from bad: "AUC 0.78 ± 0.05 (0.5 is chance)"."""
    return _("AUC %(auc)s ± %(margin)s (0.5 is chance)") % {
        "auc": formats.number(auc, decimals=2),
        "margin": formats.number(margin, decimals=2),
    }


def chance_sentence(*, auc: float, margin: float) -> str:
    """A warning where held-out cases say that points tell nothing, or the contrary; "" where they tell something."""
    if auc - margin > learning.CHANCE:
        return ""
    sentence = (
        _("On cases held out, these points are worse than chance: %(auc)s. They rank those higher who end worse.")
        if auc + margin < learning.CHANCE
        else _("On cases held out, these points are no better than chance: %(auc)s.")
    )
    why = _("So far, what is known of contacts at the handoff does not tell how it ends.")
    return f"{sentence % {'auc': auc_words(auc=auc, margin=margin)}} {why}"


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
        _("Ten points more double the odds. On cases held out, the points reach %(auc)s.")
        % {"auc": auc_words(auc=found.auc, margin=found.auc_margin)},
        *filter(None, [chance_sentence(auc=found.auc, margin=found.auc_margin)]),
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
