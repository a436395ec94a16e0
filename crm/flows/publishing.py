"""Versions of the rules: drafting, publishing, and rescoring everybody as a job that may be killed and run twice."""

from __future__ import annotations

import datetime as dt
import logging
import time
import zoneinfo
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import scoring.rescoring
import scoring.services
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import scores
from leads import locks
from leads.models import Contact, Handoff
from scoring import versions
from scoring.models import HeldPromotion, JobState, Publication, Score, ScoringModel
from scoring.services import Outcome, Rules
from sla import clock
from sla.models import Milestone, Policy

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 2000  # more would lock contacts for longer than a person cares to wait, fewer cost turns between two processes
LEASE = dt.timedelta(minutes=2)
# A publication's row is locked so that rows which point at it can still be written: who writes them holds a contact.
UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


# Drafts ---------------------------------------------------------------------------------------------------------------


def require_editor(actor: User) -> None:
    """Raise `Forbidden` unless `actor` may write rules: marketers and administrators."""
    if not (actor.is_marketer or actor.is_admin):
        raise Forbidden(_("Marketers and administrators change the rules of the score."))


@transaction.atomic
def draft_from(
    *, actor: User, model_id: int | None, at: dt.datetime, values: Mapping[str, Any] | None = None
) -> ScoringModel:
    """Draft a version as a copy of another, or an empty one, with `values` changed as by `save_rules`.

    Raises `Forbidden`, `NotFound`, `Invalid`.
    """
    require_editor(actor)
    # Two who draft at once would take the same number.
    published = ScoringModel.objects.select_for_update(no_key=True).filter(status=ScoringModel.Status.PUBLISHED)
    list(published.values_list("id", flat=True))
    based_on = _locked(model_id) if model_id is not None else None
    model = versions.draft(based_on=based_on, actor=actor, at=at)
    if values:
        versions.edit(model, values=values, at=at)
    return model


@transaction.atomic
def save_rules(
    *, actor: User, model_id: int, values: Mapping[str, Any], at: dt.datetime, seen: ScoringModel | None = None
) -> ScoringModel:
    """Change a draft: name, thresholds, bands, and the lists of rules (see `scoring.versions.edit`).

    `seen` is the draft as it was read when `values` were made of it. Raises `Forbidden`, `NotFound`, `Conflict` once
    it is published or changed since it was `seen`, `Invalid` naming the field.
    """
    require_editor(actor)
    model = _locked(model_id)
    if seen is not None and seen.changed_at != model.changed_at:
        raise Conflict(_("Somebody has changed this draft meanwhile. Look at it again, then save."))
    versions.edit(model, values=values, at=at)
    return model


@transaction.atomic
def discard_draft(*, actor: User, model_id: int) -> None:
    """Throw a draft away. Raises `Forbidden`, `NotFound`, and `Conflict` once it is published: that history stays."""
    require_editor(actor)
    model = _locked(model_id)
    versions.require_draft(model)
    model.delete()


def _locked(model_id: int) -> ScoringModel:
    model = ScoringModel.objects.select_for_update(no_key=True).filter(id=model_id).first()
    if model is None:
        raise NotFound(_("There is no such version."))
    return model


# Publishing -----------------------------------------------------------------------------------------------------------


@transaction.atomic
def publish(
    *,
    actor: User,
    model_id: int,
    note: str = "",
    mode: str = Publication.Mode.ALL,
    per_day: int | None = None,
    at: dt.datetime,
) -> Publication:
    """Put a draft in force; from here on new activities count under it. `run_publication` brings everybody else over.

    `mode` says what becomes of those whom the new version alone lifts over the threshold (not of those who stood above
    it already by imported history, who wait until they do something): `all` promotes them as it comes to them, `paced`
    promotes `per_day` a working day, best first, `from_now` none; they count as promoted until they fall below. The
    version in force so far is retired, its own publication, if still going on, given up.

    1. The version in force, then the draft are locked, so that of two who publish one is refused.
    2. Statuses are switched; handoffs keep the version that made them.
    3. The publication is queued.

    Raises `Forbidden`, `NotFound`, `Conflict` for anything but a draft, `Invalid`.
    """
    require_editor(actor)
    if mode not in Publication.Mode.values:
        raise Invalid(_("Choose one of: %(modes)s.") % {"modes": ", ".join(Publication.Mode.values)}, field="mode")
    is_paced = mode == Publication.Mode.PACED
    if is_paced and (per_day is None or not 1 <= per_day <= 1_000_000):
        raise Invalid(_("Say how many to promote a working day, at least 1."), field="per_day")
    previous = ScoringModel.objects.select_for_update(no_key=True).filter(status=ScoringModel.Status.PUBLISHED).first()
    model = _locked(model_id)
    versions.require_draft(model)
    if previous is not None:
        previous.status, previous.retired_at = ScoringModel.Status.RETIRED, at
        previous.save(update_fields=["status", "retired_at"])
        _give_up(previous, at=at)
    model.status, model.published_at, model.published_by = ScoringModel.Status.PUBLISHED, at, actor
    model.note, model.reference_at = note.strip() or model.note, at
    model.save(update_fields=["status", "published_at", "published_by", "note", "reference_at"])
    return Publication.objects.create(
        model=model,
        previous=previous,
        mode=mode,
        per_day=per_day if is_paced else None,
        actor=actor,
        total=Contact.objects.count(),
        created_at=at,
        updated_at=at,
    )


@transaction.atomic
def retire(*, actor: User, model_id: int, note: str = "", at: dt.datetime) -> Publication:
    """Take the version in force out of it: the rules of the one before come into force again, as a new version.

    One version is always in force, so that every contact has a score. Nobody is promoted by going back alone: those
    whom the older rules lift over the threshold wait until something happens (`from_now`). Raises `Forbidden`,
    `NotFound`, and `Conflict` for a version that is not in force, or when there is none to go back to.
    """
    require_editor(actor)
    model = _locked(model_id)
    if model.status == ScoringModel.Status.DRAFT:
        raise Conflict(_("Version %(version)d is a draft and was never in force. Discard it instead.") % vars(model))
    if model.status == ScoringModel.Status.RETIRED:
        raise Conflict(_("Version %(version)d is retired already.") % vars(model))
    before = ScoringModel.objects.filter(status=ScoringModel.Status.RETIRED).order_by("-retired_at", "-version").first()
    if before is None:
        raise Conflict(
            _("One version must stay in force, and there is none before this one. Publish another: that retires it.")
        )
    numbers = {"version": model.version, "before": before.version}
    said = _("Version %(version)d was retired; these are the rules of version %(before)d.") % numbers
    again = draft_from(actor=actor, model_id=before.pk, at=at)
    return publish(actor=actor, model_id=again.pk, note=f"{said} {note}".strip(), mode=Publication.Mode.FROM_NOW, at=at)


def _give_up(model: ScoringModel, *, at: dt.datetime) -> None:
    """End the publication of a version that is no longer in force; whom it held back is judged by the next one.

    That they were held back stays noted until it comes to them: they stand above the threshold, yet by no history.
    """
    publication = Publication.objects.select_for_update(no_key=True).filter(model=model, state__in=UNFINISHED).first()
    if publication is None:
        return
    held = list(publication.held.values_list("contact_id", flat=True))
    waiting = Contact.objects.filter(id__in=held).exclude(handoffs__formed_at__gte=publication.created_at)
    scoring.services.arm(list(waiting.values_list("id", flat=True)))
    publication.state, publication.finished_at, publication.updated_at = JobState.CANCELLED, at, at
    publication.save(update_fields=["state", "finished_at", "updated_at"])


def run_publication(
    *, publication_id: int, at: dt.datetime, on_progress: Callable[[Publication], None] = lambda publication: None
) -> Publication:
    """Bring everybody under a published version; return its row. May be run twice, at once, or after a kill.

    1. Contacts are taken in batches by ascending id. A batch is one transaction: it locks the row of the publication,
       then its contacts in id order, rescores them in the database, promotes or holds back who crossed, and moves the
       cursor. Whoever runs beside it waits for the row and goes on behind it.
    2. A batch that raises is done again contact by contact; one that raises alone is passed over and named.
    3. Contacts that came in meanwhile under the version before are brought over at the end.
    4. Of those held back as many are promoted as the working day still has; the rest wait for the next.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    publication = _publication(publication_id)
    rules = scoring.services.load_rules(publication.model)
    size, singly = BATCH, 0
    while True:
        try:
            taken = _rescore_following(publication_id, rules=rules, size=size, at=now())
        except OperationalError:
            # The database is away or busy: the sweep takes the job up again.
            raise
        except Exception as error:
            if size == 1:
                logger.exception("A contact could not be rescored; passing it over.")
                _pass_over(publication_id, error=error, at=now())
                taken = 1
            else:
                logger.exception("A batch of a publication failed; doing it contact by contact.")
                size, singly = 1, BATCH
                continue
        if taken == 0:
            break
        if size == 1:
            singly -= 1
            size = 1 if singly > 0 else BATCH
        on_progress(_publication(publication_id))
    _rescore_left_behind(publication_id, rules=rules, at=now())
    release_held(publication_id=publication_id, at=now())
    return _publication(publication_id)


def publications_to_resume(*, at: dt.datetime) -> list[int]:
    """Publications that nobody is at: not begun, killed in the middle, or with people who wait for their day."""
    rows = Publication.objects.filter(state__in=UNFINISHED)
    free = Q(state=JobState.QUEUED, created_at__lte=at - dt.timedelta(seconds=5)) | Q(updated_at__lte=at - LEASE)
    return list(rows.filter(free).order_by("id").values_list("id", flat=True))


def _publication(publication_id: int) -> Publication:
    publication = Publication.objects.select_related("model").filter(id=publication_id).first()
    if publication is None:
        raise NotFound(_("There is no such publication."))
    return publication


def _ongoing(publication_id: int) -> Publication | None:
    """The locked row of a publication that still goes on."""
    return (
        Publication.objects.select_for_update(of=("self",), no_key=True)
        .select_related("model")
        .filter(id=publication_id, state__in=UNFINISHED)
        .first()
    )


@transaction.atomic
def _rescore_following(publication_id: int, *, rules: Rules, size: int, at: dt.datetime) -> int:
    """Do the next batch; return how many contacts it had, 0 at the end."""
    publication = _ongoing(publication_id)
    if publication is None:
        return 0
    following = Contact.objects.filter(id__gt=publication.last_contact_id).order_by("id")
    ids = list(following.select_for_update().values_list("id", flat=True)[:size])
    publication.state, publication.updated_at = JobState.RUNNING, at
    if ids:
        publication.promoted += _rescore(publication, ids, rules=rules, at=at)
        publication.done += len(ids)
        publication.total = max(publication.total, publication.done)
        publication.last_contact_id = ids[-1]
    publication.save(update_fields=["state", "updated_at", "promoted", "done", "total", "last_contact_id"])
    return len(ids)


def _rescore(publication: Publication, ids: list[int], *, rules: Rules, at: dt.datetime) -> int:
    """Rescore locked contacts, then promote who crossed or hold them back; return how many were promoted."""
    crossed = scores.bring_over(rules, ids, at=at)
    if not crossed:
        return 0
    if publication.mode != Publication.Mode.ALL:
        scores.hold_back(publication, crossed, at=at)
        return 0
    dormant = scores.waiting_to_resurface([found.contact_id for found in crossed])
    by_id = {found.contact_id: found for found in crossed if found.contact_id not in dormant}
    outcomes = [
        Outcome(
            contact=contact,
            score=by_id[contact.pk].score,
            grade=by_id[contact.pk].grade,
            model_version=rules.model.version,
            is_crossing=True,
            is_request=False,
        )
        for contact in locks.locked_contacts(list(by_id))
    ]
    scores.promote(outcomes, at=at)
    scoring.services.disarm(list(by_id))
    return len(outcomes)


@transaction.atomic
def _pass_over(publication_id: int, *, error: Exception, at: dt.datetime) -> None:
    publication = _ongoing(publication_id)
    if publication is None:
        return
    following = Contact.objects.filter(id__gt=publication.last_contact_id).order_by("id").values_list("id", flat=True)
    contact_id = following.first()
    if contact_id is None:
        return
    sentence = _("Contact %(id)d could not be rescored: %(error)s.") % {"id": contact_id, "error": error}
    publication.error = f"{publication.error}\n{sentence}".strip()[:5000]
    publication.last_contact_id, publication.updated_at = contact_id, at
    publication.done += 1
    publication.save(update_fields=["error", "last_contact_id", "updated_at", "done"])


def _rescore_left_behind(publication_id: int, *, rules: Rules, at: dt.datetime) -> None:
    """Bring over whom a writer that began before the publication scored by the version before, after their batch."""
    left = Score.objects.exclude(model=rules.model).order_by("contact_id").values_list("contact_id", flat=True)
    last = 0
    while ids := list(left.filter(contact_id__gt=last)[:BATCH]):
        last = ids[-1]
        try:
            with transaction.atomic():
                publication = _ongoing(publication_id)
                if publication is None:
                    return
                ids = [contact.pk for contact in locks.locked_contacts(ids)]
                promoted = _rescore(publication, ids, rules=rules, at=at)
                Publication.objects.filter(id=publication.pk).update(promoted=F("promoted") + promoted, updated_at=at)
        except OperationalError:
            raise
        except Exception:
            # They are named in the row already, or will be computed when something happens to them.
            logger.exception("%d contacts stay under an earlier version for now.", len(ids))


@transaction.atomic
def release_held(*, publication_id: int, at: dt.datetime) -> int:
    """Promote as many of those held back as this working day still has, best first; end the publication without any.

    Nobody is promoted outside working hours. Who fell below the threshold meanwhile is armed again, who was promoted
    by a request is passed over. Returns how many were promoted.
    """
    publication = _ongoing(publication_id)
    if publication is None:
        return 0
    coming = Contact.objects.filter(id__gt=publication.last_contact_id)
    if coming.exclude(score__model=publication.model).exists():
        return 0
    today, is_open = _working_day(at)
    if publication.promoted_date != today:
        publication.promoted_date, publication.promoted_that_day = today, 0
    room = (publication.per_day or 0) - publication.promoted_that_day if is_open else 0
    promoted = 0
    while room > promoted:
        ids = list(publication.held.values_list("contact_id", flat=True)[: room - promoted])
        if not ids:
            break
        promoted += _release(publication, ids, at=at)
    publication.promoted += promoted
    publication.promoted_that_day += promoted
    publication.updated_at = at
    if not publication.held.exists():
        publication.state, publication.finished_at = JobState.DONE, at
    publication.save(
        update_fields=["promoted", "promoted_date", "promoted_that_day", "updated_at", "state", "finished_at"]
    )
    return promoted


def _release(publication: Publication, ids: list[int], *, at: dt.datetime) -> int:
    contacts = locks.locked_contacts(ids)
    HeldPromotion.objects.filter(contact_id__in=ids).delete()
    since = Handoff.objects.filter(contact_id__in=ids, formed_at__gte=publication.created_at)
    handed_over = set(since.values_list("contact_id", flat=True))
    waiting = [contact for contact in contacts if contact.pk not in handed_over]
    scoring.services.arm([contact.pk for contact in waiting])
    return sum(outcome.is_promotion for outcome in scores.rescore(waiting, at=at))


def _working_day(at: dt.datetime) -> tuple[dt.date, bool]:
    """The day it is where leads are reviewed, and whether they are reviewed at this hour."""
    policies = Policy.objects.filter(milestone=Milestone.REVIEW, is_active=True).select_related("calendar")
    policy = policies.last()  # the one that fits every handoff comes last
    if policy is None:
        return at.date(), at.weekday() < 5
    calendar = policy.calendar.parse()
    return at.astimezone(zoneinfo.ZoneInfo(calendar.time_zone)).date(), clock.is_open(calendar, at)


def said(publication: Publication) -> str:
    """How a publication stands, in a sentence."""
    if publication.state == JobState.DONE:
        return ngettext(
            "Everybody is rescored; %(count)d contact was promoted.",
            "Everybody is rescored; %(count)d contacts were promoted.",
            publication.promoted,
        ) % {"count": publication.promoted}
    return _("Updating: %(done)d of %(total)d contacts.") % {"done": publication.done, "total": publication.total}
