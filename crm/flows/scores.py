"""The one step that every change that can move a score ends in: score, promote who crossed, start the clocks."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

import scoring.rescoring
import scoring.services
import sla.services
from crm.errors import Forbidden, Invalid
from crm.flows import handoffs
from leads import handover, lifecycle, locks, sets, stages
from leads.intake import NewActivity
from leads.locks import Outline
from leads.models import Contact, Handoff
from leads.stages import HandoffState, VerbName
from scoring.models import Adjustment, HeldPromotion, JobState, Publication, Score
from scoring.rescoring import Found
from scoring.services import Outcome, Rules
from sla.models import Milestone

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 200
SET_BASED = 300


def rescore(
    contacts: Sequence[Contact | Outline],
    *,
    at: dt.datetime,
    activities: Iterable[NewActivity] = (),
    is_history: bool = False,
    is_sweep: bool = False,
) -> list[Outcome]:
    """Score locked contacts at `at`, promote those who crossed or asked, open their handoffs, start the review clocks.

    Promoted, handed over and on the clock in one transaction, or nothing. Of `SET_BASED` and more an outline is enough.
    `is_history`: score only; what happened long ago promotes nobody. `is_sweep`: time alone has passed; who stood above
    the threshold when last looked at (history took them there) has crossed nothing since, and waits for something to
    happen.
    """
    ids = [contact.pk for contact in contacts]
    activities = list(activities)
    rules = scoring.services.published_rules()
    is_many = len(contacts) >= SET_BASED and not is_sweep
    stored = None if is_many else scoring.services.stored_scores(ids)
    older = scoring.services.outdated(ids, rules, stored=stored)
    if older and _carry_over(rules, older, without=[row.pk for row in activities], at=at):
        stored = None  # it has just changed
        older = set()
    if is_many:
        return _rescore_many(ids, rules=rules, older=older, activities=activities, is_history=is_history, at=at)

    def dormant(contact_ids: Collection[int]) -> set[int]:
        above = scoring.services.standing_above(contact_ids) if is_sweep else set()
        return above | waiting_to_resurface(contact_ids)

    outcomes = scoring.services.rescore(
        contacts,  # type: ignore[arg-type]  # few come whole
        activities=activities,
        at=at,
        dormant=dormant,
        is_history=is_history,
        rules=rules,
        stored=stored,
    )
    promote(outcomes, at=at)
    return outcomes


def _rescore_many(
    contact_ids: Sequence[int],
    *,
    rules: Rules,
    older: Collection[int],
    activities: Sequence[NewActivity],
    is_history: bool,
    at: dt.datetime,
) -> list[Outcome]:
    """As `rescore`, by the database: for many contacts it is faster than adding up one by one.

    Returns the outcomes of those who are promoted only.
    """
    current = [pk for pk in contact_ids if pk not in older]
    new = [row.pk for row in activities if row.contact_id not in older]
    found = scoring.rescoring.take_in(rules, current, new, at=at)
    found += scoring.rescoring.rebuild(rules, sorted(older), at=at)
    crossed = {one.contact_id: one for one in found}
    if is_history:
        return []
    requesting = rules.requesting(activities)
    dormant = waiting_to_resurface(crossed)
    chosen = {pk for pk in crossed if pk not in dormant} | requesting
    scores = {row.contact_id: row for row in Score.objects.filter(contact_id__in=requesting)}
    outcomes = [
        Outcome(
            contact=contact,
            score=crossed[contact.pk].score if contact.pk in crossed else scores[contact.pk].value,
            grade=crossed[contact.pk].grade if contact.pk in crossed else scores[contact.pk].grade,
            model_version=rules.model.version,
            is_crossing=contact.pk in crossed and contact.pk not in dormant,
            is_request=contact.pk in requesting,
        )
        for contact in locks.locked_contacts(chosen)
        if contact.stage in stages.PROMOTABLE_STAGES and not contact.is_disqualified
    ]
    promote(outcomes, at=at)
    scoring.services.disarm([outcome.contact.pk for outcome in outcomes])
    return outcomes


def promote(outcomes: Iterable[Outcome], *, at: dt.datetime) -> None:
    """Open the handoffs of those locked contacts that crossed or asked."""
    open_handoffs([_formed(outcome) for outcome in outcomes if outcome.is_promotion], at=at)


VERB_OF = {Handoff.Cause.REQUEST: VerbName.REQUEST, Handoff.Cause.OUTBOUND: VerbName.OUTBOUND}
"""What opens a handoff of this cause; every other one has crossed the threshold."""


def open_handoffs(formed: Sequence[lifecycle.Formed], *, at: dt.datetime) -> list[Handoff]:
    """Open handoffs of locked contacts: for review, on the clock, or straight to sales.

    Which of the two says the hand-over rule.
    """
    if not formed:
        return []
    supposed = [lifecycle.suppose(one, at=at) for one in formed]
    judge = handover.Judge(supposed)
    straight, opened = [], []
    groups: dict[tuple[VerbName, HandoffState], list[lifecycle.Formed]] = defaultdict(list)
    for one, handoff in zip(formed, supposed, strict=True):
        verb = VERB_OF.get(Handoff.Cause(one.cause), VerbName.CROSS)
        rule = judge.passes_straight(handoff)
        groups[verb, HandoffState.WAITING if rule else HandoffState.IN_REVIEW].append(replace(one, straight_by=rule))
    for (verb, state), group in groups.items():
        made = lifecycle.form_handoffs(group, at=at, state=state, verb=verb)
        opened += made
        if state is HandoffState.IN_REVIEW:
            sla.services.start(made, [Milestone.REVIEW], at=at)
        else:
            straight += made
    handoffs.offer_at_once(straight, at=at)
    return opened


def _formed(outcome: Outcome) -> lifecycle.Formed:
    return lifecycle.Formed(
        contact=outcome.contact,
        cause=Handoff.Cause.REQUEST if outcome.is_request else Handoff.Cause.THRESHOLD,
        score=outcome.score,
        grade=outcome.grade,
        model_version=outcome.model_version,
    )


def _carry_over(rules: Rules, contact_ids: Collection[int], *, without: Sequence[int], at: dt.datetime) -> bool:
    """Bring contacts that an ongoing publication has not come to yet under the version in force, before anything new.

    So whom the version alone lifts over the threshold waits as was chosen, and whom new activities lift is promoted.
    Nothing to do, and False, where all are promoted at once anyway.
    """
    publication = (
        Publication.objects.filter(model=rules.model, state__in=[JobState.QUEUED, JobState.RUNNING])
        .exclude(mode=Publication.Mode.ALL)
        .first()
    )
    if publication is None:
        return False
    hold_back(publication, bring_over(rules, sorted(contact_ids), at=at, without=without), at=at)
    return True


def bring_over(
    rules: Rules, contact_ids: Sequence[int], *, at: dt.datetime, without: Sequence[int] = ()
) -> list[Found]:
    """Compute locked contacts under a version just published; return those whom it alone lifts over the threshold.

    Who stood above already, by imported history, has crossed nothing by it and waits for something to happen as
    before. Whom an earlier publication lifted and held back, and then never promoted, is judged anew.
    """
    left = HeldPromotion.objects.filter(sets.chosen("contact_id", contact_ids)).exclude(publication__model=rules.model)
    standing = scoring.services.standing_above(contact_ids) - set(left.values_list("contact_id", flat=True))
    left.delete()
    found = scoring.rescoring.rebuild(rules, contact_ids, at=at, without=without)
    return [one for one in found if one.contact_id not in standing]


def take_back(contact_ids: Collection[int], *, without: Sequence[int], at: dt.datetime) -> None:
    """Compute locked contacts from the ledger again, after activities of theirs turned out to be a machine's.

    `without`: activities that `rescore` takes in after this. Who falls below the threshold is armed again.
    """
    if contact_ids:
        rules = scoring.services.published_rules()
        older = scoring.services.outdated(contact_ids, rules)
        scoring.rescoring.rebuild(rules, sorted(set(contact_ids) - older), at=at, without=without)


def hold_back(publication: Publication, crossed: Sequence[Found], *, at: dt.datetime) -> None:
    """Promote none of these locked contacts now: where the publication is paced each waits for a day, else for good."""
    dormant = waiting_to_resurface([found.contact_id for found in crossed])
    held = [found for found in crossed if found.contact_id not in dormant]
    if publication.mode == Publication.Mode.PACED:
        HeldPromotion.objects.bulk_create(
            [
                HeldPromotion(contact_id=found.contact_id, publication=publication, score=found.score, at=at)
                for found in held
            ],
            ignore_conflicts=True,
        )
    scoring.services.disarm([found.contact_id for found in held])


def waiting_to_resurface(contact_ids: Collection[int]) -> set[int]:
    """Contacts that were recycled until a date that has not come: only a request brings them back before."""
    return set(lifecycle.resting(contact_ids).values_list("contact_id", flat=True))


@transaction.atomic
def adjust_score(*, actor: User, contact_id: int, points: float, reason: str, at: dt.datetime) -> Adjustment:
    """Give or take points by hand, with a reason, as a row of the ledger. Marketers and managers.

    Raises `NotFound`, `Forbidden`, `Invalid`.
    """
    contact = locks.locked_contact(user=actor, contact_id=contact_id)
    if not (actor.is_marketer or actor.is_manager):
        raise Forbidden(_("Marketers and managers adjust scores."))
    if not points or abs(points) > 1000:
        raise Invalid(_("Give points between −1000 and 1000, not 0."), field="points")
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason")
    given = Adjustment.objects.create(contact=contact, points=points, reason=reason.strip(), author=actor, at=at)
    rescore([contact], at=at)
    return given


def sweep_scores(*, at: dt.datetime) -> int:
    """Look again at the scores that time alone may have moved across a level; return how many.

    Batches, each a transaction of its own with contacts locked in id order. A batch that raises is done again one
    by one, and the contact that raised is pushed an hour ahead.
    """
    swept = 0
    while due := scoring.services.scores_due(at=at, limit=BATCH):
        try:
            _rescore_batch(due, at=at)
        except Exception:
            logger.exception("A batch of %d scores failed; doing them one by one.", len(due))
            for contact_id in due:
                try:
                    _rescore_batch([contact_id], at=at)
                except Exception:
                    logger.exception("The score of contact %d failed; trying again in an hour.", contact_id)
                    scoring.services.push_ahead(contact_id, at=at)
        swept += len(due)
    return swept


@transaction.atomic
def _rescore_batch(contact_ids: Collection[int], *, at: dt.datetime) -> None:
    rescore(locks.locked_contacts(contact_ids), at=at, is_sweep=True)
