"""Making one contact of two that are the same person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

import scoring.services
import sla.services
from crm import notices
from crm.errors import Invalid, NotFound
from crm.flows import attempts, scores
from crm.models import Notice
from crm.models.notices import NoticeKind
from leads import lifecycle, locks, merges, services
from leads.merges import KEPT, MERGED, Side, Union
from leads.models import (
    Activity,
    Contact,
    ContactAddress,
    ContactChange,
    Handoff,
    ImportedContact,
    Merge,
    Opportunity,
    Qualification,
    Reason,
    Referral,
    StageChange,
    Task,
    Touch,
)
from leads.stages import HandoffState, ReasonKind, Stage, VerbName
from scoring.models import Adjustment, Component, CountedObject, HeldPromotion, Score

if TYPE_CHECKING:
    from crm.models import User


@locks.tried_again
@transaction.atomic
def merge_contacts(
    *, actor: User, kept: int, merged: int, choices: Mapping[str, str] | None = None, at: dt.datetime
) -> Contact:
    """Two contacts are one person: `merged` goes into `kept`, with all it did, and is no more. Returns the kept one.

    `choices` says by field whose value is taken, "kept" or "merged"; without a word the kept contact's, or the other's
    where the kept one says nothing. Marketers, managers and administrators; a salesperson whose contacts both are.
    Raises `NotFound`, `Forbidden`, `Invalid`, and `Conflict` with what is to be done first where it is not safe.

    1. Both are locked in id order, and judged by `leads.merges`: the handoff that is further goes on, the other closes.
    2. Every row that points at the merged contact goes to the kept one, as `LEDGER` says.
    3. Fields that were chosen are written, each with its row of history; the second e-mail address stays known.
    4. The score is computed from the united ledger. Together they may cross the threshold, once: who was promoted and
       has not fallen below since, or stood above it before, does not cross by being merged.
    """
    if kept == merged:
        raise Invalid(_("Choose another contact: this one is the same."), field="contact")
    one, other = _locked_pair(actor, kept, merged)
    sla.services.hold(list(Handoff.objects.filter(contact__in=[one, other]).values_list("id", flat=True)))
    sides = [_side(one), _side(other)]
    for side in sides:
        lifecycle.require(VerbName.MERGE, actor=actor, contact=side.contact, handoff=side.handoff)
    union = merges.unite(*sides)
    choices = _checked(choices or {})
    stood_above = bool(scoring.services.standing_above([one.pk, other.pk]))
    before = _fields(other)
    row = Merge.objects.create(
        merged_id=other.pk, contact=one, name=other.name[:254], fields=before, at=at, actor=actor
    )
    _close(union, actor=actor, at=at)
    _tell(union, sides, actor=actor, row=row, at=at)
    row.moved = {name: count for name, move in LEDGER.items() if (count := move(one, other, row))}
    row.save(update_fields=["moved"])
    last_stage = Stage(union.leading.contact.stage)
    values = merges.taken(merges.differences(one, other), choices)
    email = other.email
    other.delete()
    _take_over(one, other, values=values, email=email, actor=actor, at=at)
    lifecycle.unite(
        one,
        stage=last_stage,
        stage_at=union.leading.contact.stage_at,
        owner_id=union.owner_id,
        handoff=union.staying,
        actor=actor,
        at=at,
    )
    _go_on(one, union)
    scores.take_back([one.pk], without=(), at=at)
    scores.rescore([one], at=at, is_history=stood_above)
    return one


def _locked_pair(actor: User, kept: int, merged: int) -> tuple[Contact, Contact]:
    """Both contacts, locked in id order. A number that was merged before is that of the contact it went into."""
    older = locks.kept_ids([kept, merged])
    ids = [older.get(kept, kept), older.get(merged, merged)]
    if ids[0] == ids[1]:
        raise Invalid(_("These two have been merged already."), field="contact")
    if Contact.objects.visible_to(actor).filter(id__in=ids).count() != len(ids):
        raise NotFound(_("There is no such contact."))
    locked = locks.all_locked(ids)
    return locked[ids[0]], locked[ids[1]]


def _side(contact: Contact) -> Side:
    has_offer = Opportunity.objects.filter(contact=contact, state=Opportunity.State.OPEN).exists()
    return Side(contact, locks.open_handoff_of(contact), has_offer)


def _checked(choices: Mapping[str, str]) -> Mapping[str, str]:
    for field, choice in choices.items():
        if choice not in (KEPT, MERGED):
            raise Invalid(_("Choose “kept” or “merged”."), field=field)
    return choices


def _fields(contact: Contact) -> dict[str, Any]:
    """What the merged contact was, as its row keeps it."""
    names = [*services.EDITABLE, "stage", "stage_at", "owner", "is_disqualified", "created_at"]
    values = {name: getattr(contact, name) for name in names} | {"attributes": contact.attributes}
    return {name: value if isinstance(value, dict | bool) else _text(value) for name, value in values.items()}


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat() if isinstance(value, dt.datetime) else str(value)


# Handoffs -------------------------------------------------------------------------------------------------------------


def _close(union: Union, *, actor: User, at: dt.datetime) -> None:
    """End the handoff that does not go on, with the reason and without its clocks."""
    if union.closing is None:
        return
    lifecycle.move(
        union.closing,
        VerbName.MERGE,
        actor=actor,
        at=at,
        to_state=HandoffState.CLOSED,
        reason=Reason.objects.get(kind=ReasonKind.MERGE, code="merged"),
    )
    sla.services.cancel([union.closing.pk], at=at)


def _tell(union: Union, sides: list[Side], *, actor: User, row: Merge, at: dt.datetime) -> None:
    """Tell those who had the closed handoff or owned one of the two, and do not go on with it."""
    had = {side.contact.owner_id for side in sides} | {union.closing.assignee_id if union.closing else None}
    goes_on_with = union.staying.assignee_id if union.staying else union.owner_id
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.MERGED,
                dedup_key=f"merged:{row.pk}:{user_id}",
                recipient_id=user_id,
                contact_id=row.contact_id,
                handoff_id=union.staying.pk if union.staying else None,
                params={"name": row.name},
            )
            for user_id in sorted(pk for pk in had if pk is not None)
            if user_id not in (actor.pk, goes_on_with)
        ],
        at=at,
    )


def _go_on(kept: Contact, union: Union) -> None:
    """The open handoff meets what was done with either; who is in somebody's hands waits for no day to come back."""
    if union.staying is None:
        return
    kept.handoffs.filter(resurface_at__isnull=False).update(resurface_at=None)
    offered_at = union.staying.offered_at
    if offered_at is not None:
        attempts.note_attempts(kept.activities.filter(occurred_at__gte=offered_at).select_related("type"))


# The ledger -----------------------------------------------------------------------------------------------------------


def _take_over(
    kept: Contact, merged: Contact, *, values: dict[str, Any], email: str | None, actor: User, at: dt.datetime
) -> None:
    """Write the chosen values with their history, keep both addresses, and what is the earliest or latest of both."""
    further = {address for address in (kept.email, email) if address} - {values.get("email", kept.email)}
    attributes = {name.removeprefix("attributes."): new for name, new in values.items() if "." in name}
    ContactChange.objects.bulk_create(
        ContactChange(
            contact=kept, field=f"attributes.{name}", old=kept.attributes.get(name), new=new, at=at, actor=actor
        )
        for name, new in attributes.items()
    )
    services.edit(kept, values={name: new for name, new in values.items() if "." not in name}, actor=actor, at=at)
    ContactAddress.objects.bulk_create(ContactAddress(email=address, contact=kept, at=at) for address in further)
    kept.attributes |= attributes
    kept.created_at = min(kept.created_at, merged.created_at)
    kept.last_activity_at = max(filter(None, (kept.last_activity_at, merged.last_activity_at)), default=None)
    if merged.is_disqualified and not kept.is_disqualified:
        lifecycle.flag(kept, reason=merged.disqualified_reason, actor=actor, at=at)
    kept.save(update_fields=["attributes", "created_at", "last_activity_at"])


Move = Callable[[Contact, Contact, Merge], int]


def _all(model: type[Model]) -> Move:
    """Every row goes along as it is."""

    def move(kept: Contact, merged: Contact, row: Merge) -> int:
        return model._default_manager.filter(contact=merged).update(contact=kept)

    return move


def _history(model: type[Model]) -> Move:
    """History of fields and stages goes along, marked: it is none of the kept contact's own."""

    def move(kept: Contact, merged: Contact, row: Merge) -> int:
        rows = model._default_manager.filter(contact=merged)
        rows.filter(merge=None).update(merge=row)
        return rows.update(contact=kept)

    return move


def _touches(kept: Contact, merged: Contact, row: Merge) -> int:
    """Both may have met the same campaign at the same instant, as when one file brought both: that is one touch."""
    known = {_touch_key(touch): touch for touch in kept.touches.all()}
    again = [touch for touch in merged.touches.all() if _touch_key(touch) in known]
    Touch.objects.filter(pk__in=[touch.pk for touch in again]).delete()
    for touch in again:
        first = known[_touch_key(touch)]
        if touch.activity_id and not first.activity_id:
            Touch.objects.filter(pk=first.pk).update(activity=touch.activity_id)
    return merged.touches.update(contact=kept)


def _touch_key(touch: Touch) -> tuple[int | None, int | None, dt.datetime]:
    return touch.campaign_id, touch.source_id, touch.at


def _qualifications(kept: Contact, merged: Contact, row: Merge) -> int:
    """Of two verdicts on one question the later one holds; the other is kept in the history."""
    known = {verdict.letter: verdict for verdict in kept.qualifications.all()}
    count = merged.qualifications.count()
    for verdict in merged.qualifications.all():
        standing = known.get(verdict.letter)
        if standing is None:
            continue
        older, newer = sorted((standing, verdict), key=lambda one: one.at)
        ContactChange.objects.create(
            contact=kept,
            field=f"bant.{verdict.letter}",
            old=_verdict(older),
            new=_verdict(newer),
            at=row.at,
            actor=row.actor,
            merge=row,
        )
        older.delete()
    merged.qualifications.update(contact=kept)
    return count


def _verdict(row: Qualification) -> str:
    return ": ".join(part for part in (str(row.get_verdict_display()), row.evidence) if part)


def _imported(kept: Contact, merged: Contact, row: Merge) -> int:
    """One row an import: what it did with either."""
    known = {one.job_id: one for one in kept.imports.all()}
    count = merged.imports.count()
    for one in merged.imports.filter(job__in=known):
        first = known[one.job_id]
        ImportedContact.objects.filter(pk=first.pk).update(
            is_created=first.is_created or one.is_created, is_touched=first.is_touched or one.is_touched
        )
        one.delete()
    merged.imports.update(contact=kept)
    return count


def _outbounds(kept: Contact, merged: Contact, row: Merge) -> int:
    """An outbound that took both has taken the one."""
    count = merged.outbounds.count()
    merged.outbounds.filter(outbound__in=kept.outbounds.values("outbound")).delete()
    merged.outbounds.update(contact=kept)
    return count


def _referrals(kept: Contact, merged: Contact, row: Merge) -> int:
    """Who was found through whom goes along; that one of the two led to the other says nothing any more."""
    of_both = Referral.objects.filter(contact__in=[kept, merged])
    of_both.filter(through__in=[kept, merged]).delete()
    count = Referral.objects.filter(through=merged).update(through=kept)
    return count + Referral.objects.filter(contact=merged).update(contact=kept)


def _computed(model: type[Model]) -> Move:
    """What is only computed from the ledger goes, of both: it is computed anew from the union."""

    def drop(kept: Contact, merged: Contact, row: Merge) -> int:
        model._default_manager.filter(contact__in=[kept, merged]).delete()
        return 0

    return drop


def _score(kept: Contact, merged: Contact, row: Merge) -> int:
    """The union is armed only if both were: who was promoted, and has not fallen below since, is not again."""
    of_both = Score.objects.filter(contact__in=[kept, merged])
    if of_both.filter(is_armed=False).exists():
        of_both.update(is_armed=False)
    if not of_both.filter(contact=kept).exists():
        of_both.filter(contact=merged).update(contact=kept)
    of_both.filter(contact=merged).delete()
    return 0


def _held(kept: Contact, merged: Contact, row: Merge) -> int:
    """A promotion held back for its day stays held; who is in somebody's hands already is asked when it comes."""
    of_both = HeldPromotion.objects.filter(contact__in=[kept, merged])
    if of_both.filter(contact=merged).exists() and not of_both.filter(contact=kept).exists():
        return of_both.filter(contact=merged).update(contact=kept)
    of_both.filter(contact=merged).delete()
    return 0


# What becomes of every row that points at a contact, by its table. A test holds that none is forgotten.
LEDGER: dict[str, Move] = {
    "leads.Activity": _all(Activity),
    "leads.ContactAddress": _all(ContactAddress),
    "leads.ContactChange": _history(ContactChange),
    "leads.Handoff": _all(Handoff),
    "leads.ImportedContact": _imported,
    "leads.Merge": _all(Merge),
    "leads.Opportunity": _all(Opportunity),
    "leads.OutboundContact": _outbounds,
    "leads.Qualification": _qualifications,
    "leads.Referral": _referrals,
    "leads.StageChange": _history(StageChange),
    "leads.Task": _all(Task),
    "leads.Touch": _touches,
    "scoring.Adjustment": _all(Adjustment),
    "scoring.Component": _computed(Component),
    "scoring.CountedObject": _computed(CountedObject),
    "scoring.HeldPromotion": _held,
    "scoring.Score": _score,
    "crm.Notice": _all(Notice),
}
