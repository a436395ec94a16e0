"""Taking in what contacts did and what was done with them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm import notices
from crm.errors import Invalid, NotFound
from crm.flows import attempts, scores
from crm.models.notices import NoticeKind
from leads import intake, lifecycle, locks, next_steps, services, verdicts
from leads.intake import NewActivity
from leads.locks import Outline
from leads.models import ActivityType, Campaign, Contact, Touch
from leads.stages import Stage

if TYPE_CHECKING:
    from crm.models import User

AHEAD_LIMIT = dt.timedelta(minutes=5)


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


@locks.tried_again
@transaction.atomic
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
    2. Contacts are locked in id order.
    3. New rows are written, and verdicts on those that machines did: these are kept, and count for nothing. Earlier
       ones that the new ones convict are taken back; a handoff that they had made stays (`doubted` in its queue).
    4. A person's outbound contact keeps what was promised and planned of it (`attempts`, `next_steps`).
    5. `scores.rescore` does the rest.

    One whose contact was merged into another before it could be locked starts again.
    """
    results: dict[int, Recorded] = {}
    items = _checked(activities, at=at, results=results)
    _find_contacts(items, by=by, actor=actor, at=at, results=results)
    items = [item for item in items if item.contact_id is not None]
    ids = {item.contact_id for item in items if item.contact_id is not None}
    is_many = len(ids) >= scores.SET_BASED
    locked: Mapping[int, Contact | Outline]
    locked = locks.outlines_locked(ids) if is_many else locks.all_locked(ids)
    rows = _write(items, actor=actor, at=at, results=results)
    convicted = verdicts.convict(rows, at=at)
    touched = {row.contact_id for row in rows}
    rows = [row for row in rows if row.pk not in convicted.new]
    scores.take_back(convicted.of_earlier, without=[row.pk for row in rows], at=at)
    if touched:
        if is_many and len(touched) < scores.SET_BASED:  # these are scored one by one, by all that is known of them
            locked = locks.all_locked(touched)
        concerned = [locked[contact_id] for contact_id in sorted(touched)]
        _after(rows, concerned, actor=actor, at=at, is_history=is_history)
    return [results[index] for index in range(len(activities))]


def _checked(activities: Sequence[ActivityIn], *, at: dt.datetime, results: dict[int, Recorded]) -> list[_Item]:
    """The items that can be taken; the others get their refusal."""
    types = ActivityType.objects.in_bulk({given.type for given in activities})
    items = []
    latest_at = at + AHEAD_LIMIT
    for index, given in enumerate(activities):
        refusal = _refusal(given, types=types, latest_at=latest_at)
        if refusal is not None:
            results[index] = Recorded("refused", detail=str(refusal), field=refusal.field)
        else:
            items.append(_Item(index=index, given=given, type=types[given.type]))
    return items


def _refusal(given: ActivityIn, *, types: dict[str, ActivityType], latest_at: dt.datetime) -> Invalid | None:
    if given.type not in types:
        known = ", ".join(ActivityType.objects.order_by("code").values_list("code", flat=True))
        return Invalid(
            _("“%(type)s” is not a known type. Known are: %(known)s.") % {"type": given.type, "known": known},
            field="type",
        )
    if given.occurred_at > latest_at:
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
        kept = locks.kept_ids(gone)
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


def _write(
    items: Sequence[_Item], *, actor: User | None, at: dt.datetime, results: dict[int, Recorded]
) -> list[NewActivity]:
    """Write the new activities, the touches of those that came through a campaign, and the results of all.

    What was recorded before, or stands twice in the same list, is a duplicate.
    """
    campaigns = services.campaigns_by_name({item.given.campaign for item in items if item.given.campaign}, at=at)
    keys = [(item.given.source, item.given.external_id or str(uuid.uuid4())) for item in items]
    given: dict[intake.Key, NewActivity] = {}
    for item, key in zip(items, keys, strict=True):
        if key not in given:
            given[key] = _row(item, key, campaign=campaigns.get(item.given.campaign), actor=actor, at=at)
    known = intake.insert(given)
    rows = {key: row for key, row in given.items() if key not in known}
    fresh = set(rows)
    for item, key in zip(items, keys, strict=True):
        if key in fresh:
            fresh.remove(key)
            results[item.index] = Recorded("created", activity_id=rows[key].pk, contact_id=rows[key].contact_id)
        else:
            activity_id, contact_id = known.get(key) or (None, given[key].contact_id)
            results[item.index] = Recorded("duplicate", activity_id=activity_id, contact_id=contact_id)
    _touch(rows.values())
    return list(rows.values())


def _row(
    item: _Item, key: intake.Key, *, campaign: Campaign | None, actor: User | None, at: dt.datetime
) -> NewActivity:
    given = item.given
    direction = given.direction or item.type.direction
    return NewActivity(
        contact_id=item.contact_id,  # type: ignore[arg-type]  # who has none was refused
        type=item.type,
        type_id=given.type,
        direction=direction,
        occurred_at=given.occurred_at,
        recorded_at=at,
        source=key[0],
        external_id=key[1],
        # Only what is done with a contact has a person who did it.
        actor_id=actor.pk if actor and direction == "outbound" else None,
        campaign_id=campaign.pk if campaign else None,
        campaign=campaign,
        properties=given.properties,
    )


def _touch(rows: Iterable[NewActivity]) -> None:
    """What came in through a campaign is a meeting with it."""
    Touch.objects.bulk_create(
        [
            Touch(
                contact_id=row.contact_id,
                campaign_id=row.campaign_id,
                source_id=row.campaign.source_id if row.campaign else None,
                at=row.occurred_at,
                activity_id=row.pk,
            )
            for row in rows
            if row.campaign_id and row.direction == "inbound"
        ],
        ignore_conflicts=True,
    )


def _after(
    rows: Sequence[NewActivity],
    concerned: Sequence[Contact | Outline],
    *,
    actor: User | None,
    at: dt.datetime,
    is_history: bool,
) -> None:
    """What follows from what people did: stages, clocks, scores, and a word to the owner.

    `concerned` are the locked contacts, also those of whom machines alone did something.
    """
    signals = {row.contact_id for row in rows if row.type.is_lead_signal}
    warmed = [
        one for one in concerned if one.stage == Stage.SUBSCRIBER and one.pk in signals and not one.is_disqualified
    ]
    moved = _note_last_activity(rows, concerned)
    lifecycle.warm(warmed, at=at, actor=actor, active=moved)
    if not is_history:
        attempts.note_attempts(rows)
        if actor is not None:
            owners = {one.pk: one.owner_id for one in concerned}
            ours = [row for row in rows if row.actor_id]
            next_steps.note_activities(ours, owners=owners, actor=actor, at=at)
    scores.rescore(concerned, activities=rows, at=at, is_history=is_history)
    if not is_history:
        _tell_owners(rows, concerned, at=at)


def _note_last_activity(rows: Iterable[NewActivity], concerned: Sequence[Contact | Outline]) -> list[Contact | Outline]:
    """Say of each contact when it was last active; return those of whom that is to be written."""
    latest: dict[int, dt.datetime] = {}
    for row in rows:
        if row.direction == "inbound":
            latest[row.contact_id] = max(row.occurred_at, latest.get(row.contact_id, row.occurred_at))
    moved = []
    for contact in concerned:
        then = latest.get(contact.pk)
        if then is not None and (contact.last_activity_at is None or contact.last_activity_at < then):
            contact.last_activity_at = then
            moved.append(contact)
    return moved


def _tell_owners(rows: Sequence[NewActivity], concerned: Sequence[Contact | Outline], *, at: dt.datetime) -> None:
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
    next_step: str = "",
    next_has_time: bool = False,
    no_next: str = "",
    at: dt.datetime,
) -> Recorded:
    """A person notes a call, meeting, e-mail or note of theirs; an attempt to reach somebody stops the contact clock.

    `next_at` is when they mean to get in touch again, at that very time if `next_has_time`, `next_step` what is to be
    done then: a task (`leads.next_steps`); `no_next` says why nothing is.

    Raises `NotFound` when the contact is not theirs to see, `Invalid` for a bad type or time.
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
            name: value
            for name, value in (
                ("outcome", outcome),
                ("note", note.strip()),
                ("next_at", planned),
                ("next_step", next_step.strip()),
                ("next_has_time", bool(next_at and next_has_time)),
                ("no_next", "" if next_at else no_next.strip()),
            )
            if value
        },
    )
    recorded = record_activities(activities=[given], by=actor, actor=actor, at=at)[0]
    if recorded.status == "refused":
        if recorded.field == "contact":
            raise NotFound(recorded.detail)
        raise Invalid(recorded.detail, field=recorded.field)
    return recorded
