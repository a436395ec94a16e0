"""Taking in what contacts did and what was done with them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from crm import notices
from crm.errors import Invalid, NotFound
from crm.flows import attempts, scores
from crm.models.notices import NoticeKind
from leads import intake, lifecycle, services, verdicts
from leads.models import Activity, ActivityType, Contact, Touch
from leads.stages import Stage

if TYPE_CHECKING:
    from crm.models import User

AHEAD_LIMIT = dt.timedelta(minutes=5)
TRIES = 3


@dataclass(frozen=True)
class ContactIn:
    """A contact as a program knows it. Fields that are empty change nothing of a contact that exists."""

    email: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    company: str = ""
    source: str = ""


@dataclass(frozen=True)
class ActivityIn:
    """One activity to be recorded, of a contact named by id or by e-mail."""

    type: str
    occurred_at: dt.datetime
    external_id: str = ""
    source: str = "api"
    contact_id: int | None = None
    contact: ContactIn | None = None
    direction: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    campaign: str = ""


@dataclass(frozen=True)
class Recorded:
    """What became of one item: `created`, `duplicate` or `refused` with a sentence."""

    status: str
    activity_id: int | None = None
    contact_id: int | None = None
    detail: str = ""
    field: str = ""


@dataclass
class _Item:
    """One item on its way in."""

    index: int
    given: ActivityIn
    type: ActivityType
    contact_id: int | None = None
    result: Recorded | None = None


def record_activities(
    *,
    activities: Sequence[ActivityIn],
    by: User | None,
    actor: User | None,
    at: dt.datetime,
    is_history: bool = False,
) -> list[Recorded]:
    """Record activities; add up the points, promote who crossed, open the handoff, start the clock. All or nothing.

    `by` is whose row rights hold (None: the system's own), `actor` the person who did what is recorded (None for an
    integration). One result an item, in order: bad items are refused and the good ones stand; one recorded before
    is a duplicate and changes nothing. `is_history`: promotes nobody, starts no clock and tells nobody.

    1. Items are checked, contacts found by id or e-mail, missing ones created.
    2. Contacts are locked in id order, so that what was recorded before can be told from what is new.
    3. New rows are written, and verdicts on those that machines did: these are kept, and count for nothing. Earlier
       ones that the new ones convict are taken back; a handoff that they had made stays (`doubted` in its queue).
    4. A person's outbound contact keeps what was promised of it (`attempts`).
    5. `scores.rescore` does the rest.

    Two writers that bring the same external id for different contacts meet at the unique constraint; the later one
    starts again and finds a duplicate. So does one whose contact was merged into another before it could be locked.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return _record(activities, by=by, actor=actor, at=at, is_history=is_history)
        except (IntegrityError, lifecycle.MergedMeanwhile):
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def _record(
    activities: Sequence[ActivityIn], *, by: User | None, actor: User | None, at: dt.datetime, is_history: bool
) -> list[Recorded]:
    results: dict[int, Recorded] = {}
    items = _checked(activities, at=at, results=results)
    _find_contacts(items, by=by, actor=actor, at=at, results=results)
    items = [item for item in items if item.index not in results]
    contacts = lifecycle.all_locked({item.contact_id for item in items if item.contact_id is not None})
    items = _without_duplicates(items, results=results)
    rows = _write(items, actor=actor, at=at, results=results)
    convicted = verdicts.convict(rows, at=at)
    touched = {row.contact_id for row in rows}
    rows = [row for row in rows if row.pk not in convicted.new]
    scores.take_back(convicted.of_earlier, without=[row.pk for row in rows], at=at)
    if touched:
        concerned = [contacts[contact_id] for contact_id in sorted(touched)]
        _after(rows, concerned, actor=actor, at=at, is_history=is_history)
    return [results[index] for index in range(len(activities))]


def _checked(activities: Sequence[ActivityIn], *, at: dt.datetime, results: dict[int, Recorded]) -> list[_Item]:
    """The items that can be taken; the others get their refusal."""
    types = {row.code: row for row in ActivityType.objects.all()}
    items = []
    for index, given in enumerate(activities):
        refusal = _refusal(given, types=types, at=at)
        if refusal is not None:
            results[index] = Recorded("refused", detail=str(refusal), field=refusal.field)
        else:
            items.append(_Item(index=index, given=given, type=types[given.type]))
    return items


def _refusal(given: ActivityIn, *, types: dict[str, ActivityType], at: dt.datetime) -> Invalid | None:
    if given.type not in types:
        known = ", ".join(sorted(types))
        return Invalid(
            _("“%(type)s” is not a known type. Known are: %(known)s.") % {"type": given.type, "known": known},
            field="type",
        )
    if given.occurred_at > at + AHEAD_LIMIT:
        return Invalid(_("occurred_at lies in the future."), field="occurred_at")
    if given.contact_id is None and (given.contact is None or not given.contact.email):
        return Invalid(_("Name the contact by contact_id or by contact.email."), field="contact")
    if given.direction not in ("", "inbound", "outbound"):
        return Invalid(_("direction is inbound or outbound."), field="direction")
    return None


def _find_contacts(
    items: Sequence[_Item], *, by: User | None, actor: User | None, at: dt.datetime, results: dict[int, Recorded]
) -> None:
    """Give each item its contact. Who may not see all contacts cannot tell a hidden one from none, and creates none."""
    sees_all = by is None or by.sees_all_contacts
    visible = Contact.objects.all() if by is None else Contact.objects.visible_to(by)
    wanted_ids = {item.given.contact_id for item in items if item.given.contact_id is not None}
    known_ids = {pk: pk for pk in visible.filter(id__in=wanted_ids).values_list("id", flat=True)}
    if gone := wanted_ids.difference(known_ids):
        kept = lifecycle.kept_ids(gone)
        seen = set(visible.filter(id__in=kept.values()).values_list("id", flat=True))
        known_ids |= {old: new for old, new in kept.items() if new in seen}
    named = [item for item in items if item.given.contact_id is None and item.given.contact is not None]
    emails = services.find_by_email(visible, [item.given.contact.email for item in named if item.given.contact])
    if sees_all:
        missing = [item.given.contact for item in named if item.given.contact]
        missing = [one for one in missing if services.normal_email(one.email) not in emails]
        emails |= services.create_missing(
            [services.NewContact(one.email, one.fields, one.company, one.source) for one in missing], at=at, actor=actor
        )
    for item in items:
        if item.given.contact_id is not None:
            item.contact_id = known_ids.get(item.given.contact_id)
        elif item.given.contact is not None:
            item.contact_id = emails.get(services.normal_email(item.given.contact.email))
        if item.contact_id is None:
            results[item.index] = Recorded("refused", detail=_("There is no such contact."), field="contact")


def _without_duplicates(items: Sequence[_Item], *, results: dict[int, Recorded]) -> list[_Item]:
    """Drop what was recorded before, or stands twice in the same list."""
    ids: dict[str, set[str]] = {}
    for item in items:
        if item.given.external_id:
            ids.setdefault(item.given.source, set()).add(item.given.external_id)
    known: dict[tuple[str, str], tuple[int | None, int]] = {}
    for source, external_ids in ids.items():
        rows = Activity.objects.filter(source=source, external_id__in=list(external_ids))
        known |= {(source, row[0]): (row[1], row[2]) for row in rows.values_list("external_id", "id", "contact_id")}
    fresh = []
    for item in items:
        key = (item.given.source, item.given.external_id)
        if item.given.external_id and key in known:
            activity_id, contact_id = known[key]
            results[item.index] = Recorded("duplicate", activity_id=activity_id, contact_id=contact_id)
            continue
        if item.given.external_id and item.contact_id is not None:
            known[key] = (None, item.contact_id)
        fresh.append(item)
    return fresh


def _write(
    items: Sequence[_Item], *, actor: User | None, at: dt.datetime, results: dict[int, Recorded]
) -> list[Activity]:
    """Write the new activities, the touches of those that came through a campaign, and their results."""
    campaigns = services.campaigns_by_name({item.given.campaign for item in items if item.given.campaign}, at=at)
    rows = []
    for item in items:
        direction = item.given.direction or item.type.direction
        row = Activity(
            contact_id=item.contact_id,  # type: ignore[misc]  # who has none was refused
            direction=direction,
            occurred_at=item.given.occurred_at,
            recorded_at=at,
            source=item.given.source,
            external_id=item.given.external_id or str(uuid.uuid4()),
            # Only what is done with a contact has a person who did it.
            actor_id=actor.pk if actor and direction == "outbound" else None,
            properties=item.given.properties,
        )
        row.type, row.campaign = item.type, campaigns.get(item.given.campaign)
        rows.append(row)
    intake.insert(rows)
    Touch.objects.bulk_create(
        [
            Touch(
                contact_id=row.contact_id,
                campaign_id=row.campaign_id,
                source_id=row.campaign.source_id if row.campaign else None,
                at=row.occurred_at,
                activity=row,
            )
            for row in rows
            if row.campaign_id and row.direction == "inbound"
        ],
        ignore_conflicts=True,
    )
    for item, row in zip(items, rows, strict=True):
        results[item.index] = Recorded("created", activity_id=row.pk, contact_id=row.contact_id)
    return rows


def _after(
    rows: Sequence[Activity], concerned: Sequence[Contact], *, actor: User | None, at: dt.datetime, is_history: bool
) -> None:
    """What follows from what people did: stages, clocks, scores, and a word to the owner.

    `concerned` are the locked contacts, also those of whom machines alone did something.
    """
    _note_last_activity(rows, concerned)
    signals = {row.contact_id for row in rows if row.type.is_lead_signal}
    lifecycle.warm(
        [one for one in concerned if one.stage == Stage.SUBSCRIBER and one.pk in signals and not one.is_disqualified],
        at=at,
        actor=actor,
    )
    if not is_history:
        attempts.note_attempts(rows)
    scores.rescore(concerned, activities=rows, at=at, is_history=is_history)
    if not is_history:
        _tell_owners(rows, concerned, at=at)


def _note_last_activity(rows: Iterable[Activity], concerned: Sequence[Contact]) -> None:
    latest: dict[int, dt.datetime] = {}
    for row in rows:
        if row.direction == "inbound":
            latest[row.contact_id] = max(row.occurred_at, latest.get(row.contact_id, row.occurred_at))
    moved: list[int] = []
    for contact in concerned:
        then = latest.get(contact.pk)
        if then is not None and (contact.last_activity_at is None or contact.last_activity_at < then):
            contact.last_activity_at = then
            moved.append(contact.pk)
    # What moves a contact is the latest it did, so the database can look it up: far quicker than writing each value.
    did = Activity.objects.filter(contact=OuterRef("pk"), direction="inbound", bot_verdict=None)
    newest = did.order_by("-occurred_at").values("occurred_at")[:1]
    Contact.objects.filter(id__in=moved).update(last_activity_at=Subquery(newest))


def _tell_owners(rows: Sequence[Activity], concerned: Sequence[Contact], *, at: dt.datetime) -> None:
    """Tell an owner, once a day, that a contact of theirs is active again. Their own doing is no news."""
    inbound = {row.contact_id for row in rows if row.direction == "inbound"}
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.ACTIVE_AGAIN,
                dedup_key=f"active:{contact.pk}:{contact.owner_id}:{at:%Y-%m-%d}",
                recipient_id=contact.owner_id,
                contact_id=contact.pk,
            )
            for contact in concerned
            if contact.owner_id and contact.pk in inbound
        ],
        at=at,
    )


def log_contact(
    *,
    actor: User,
    contact_id: int,
    type: str,
    outcome: str = "",
    note: str = "",
    occurred_at: dt.datetime | None = None,
    next_at: dt.datetime | None = None,
    at: dt.datetime,
) -> Recorded:
    """A person notes a call, meeting, e-mail or note of theirs; an attempt to reach somebody stops the contact clock.

    `next_at` is when they mean to get in touch again. Raises `NotFound` when the contact is not theirs to see,
    `Invalid` for a bad type or time.
    """
    if next_at is not None and next_at <= at:
        raise Invalid(_("The next step lies ahead. Choose a later day."), field="next_at")
    planned = next_at.astimezone(dt.UTC).isoformat() if next_at else ""
    given = ActivityIn(
        type=type,
        occurred_at=occurred_at or at,
        source="person",
        contact_id=contact_id,
        direction="outbound",
        properties={
            name: value for name, value in (("outcome", outcome), ("note", note.strip()), ("next_at", planned)) if value
        },
    )
    recorded = record_activities(activities=[given], by=actor, actor=actor, at=at)[0]
    if recorded.status == "refused":
        if recorded.field == "contact":
            raise NotFound(recorded.detail)
        raise Invalid(recorded.detail, field=recorded.field)
    return recorded
