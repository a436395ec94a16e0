"""The only writer of a contact's stage and of a handoff's state.

Every function here asks `leads.stages` first, then writes both rows and their history. The caller holds the
contact's lock (see `leads.locks`), taken in the order contact, handoff, timers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import bulk
from crm.errors import Conflict, Forbidden, Invalid
from leads import stages, words
from leads.models import Contact, ContactChange, Handoff, HandoffEvent, HandoverRule, Reason, StageChange
from leads.sets import chosen
from leads.stages import Actor, HandoffState, Refusal, Stage, VerbName

if TYPE_CHECKING:
    from crm.models import User
    from leads.locks import Outline

DISQUALIFIED = "disqualified"
"""The name of the flag in the history of a contact."""
BEFORE_SALES = (HandoffState.IN_REVIEW, HandoffState.WAITING)
"""Where marketing decides alone: nobody of sales has the lead."""
UNDO_WINDOW = dt.timedelta(minutes=10)
# What an undo puts back; the rest of a row never changes by a verb.
CONTACT_FIELDS = ("stage", "stage_at", "owner_id", "is_disqualified", "disqualified_reason_id")
HANDOFF_FIELDS = (
    "state",
    "assignee_id",
    "team_id",
    "is_override",
    "assigned_because",
    "reviewed_at",
    "reviewed_by_id",
    "offered_at",
    "overflow_at",
    "overflowed_at",
    "answered_at",
    "contacted_at",
    "last_contacted_at",
    "reached_at",
    "meeting_at",
    "ended_at",
    "resurface_at",
    "reason_id",
    "comment",
    "rating",
)


def require_none_since(acts: Iterable[dt.datetime], since: dt.datetime | None) -> None:
    """Raise `Conflict` where one of these acts came after an undo was offered: that would take back another one."""
    if since is not None and any(at > since for at in acts):
        raise Conflict(_("It was taken back already, or something was done since. Look at it again."))


def capacities(user: User | None, *, contact: Contact, handoff: Handoff | None) -> set[Actor]:
    """In what capacities `user` acts on this contact and handoff; None is the system."""
    if user is None:
        return {Actor.SYSTEM}
    held = {
        Actor.MARKETER: user.is_marketer,
        Actor.SALESPERSON: user.is_salesperson,
        Actor.MANAGER: user.is_manager,
        Actor.ADMIN: user.is_admin,
        Actor.OWNER: contact.owner_id == user.pk,
        Actor.ASSIGNEE: handoff is not None
        and (
            handoff.assignee_id == user.pk
            or (handoff.assignee_id is None and handoff.team_id is not None and handoff.team_id == user.team_id)
        ),
    }
    return {actor for actor, is_held in held.items() if is_held}


def require(
    verb: VerbName, *, actor: User | None, contact: Contact, handoff: Handoff | None, reason: Reason | None = None
) -> None:
    """Raise `Forbidden`, `Conflict` or `Invalid` with a sentence unless `verb` may go ahead."""
    refusal = stages.check(
        verb,
        actors=capacities(actor, contact=contact, handoff=handoff),
        state=handoff.state_enum if handoff is not None else None,
        stage=Stage(contact.stage),
        has_reason=reason is not None,
    )
    if refusal is None:
        if verb in (VerbName.CROSS, VerbName.REQUEST, VerbName.OUTBOUND, VerbName.PROSPECT) and contact.is_disqualified:
            raise Conflict(_("%(contact)s is disqualified.") % {"contact": contact})
        return
    if refusal is Refusal.WRONG_ROLE:
        raise Forbidden(_("That is for somebody else to do: %(who)s.") % {"who": _who(verb)})
    if refusal is Refusal.NO_REASON:
        raise Invalid(_("Choose a reason."), field="reason")
    raise Conflict(_standing(contact, handoff))


def require_state(contact: Contact, handoff: Handoff | None, states: Collection[HandoffState]) -> None:
    """Raise `Conflict` unless the locked handoff stands as it was seen by who acts on it now."""
    if handoff is None or handoff.state_enum not in states:
        refuse_second(contact, handoff)


def refuse_second(contact: Contact, handoff: Handoff | None) -> NoReturn:
    """Raise `Conflict`, saying who was first, for who acts on what somebody else has acted upon since they saw it."""
    raise Conflict(_standing(contact, handoff))


def _who(verb: VerbName) -> str:
    """Those who may do `verb`, in words."""
    names = {
        Actor.SYSTEM: _("Baton itself"),
        Actor.MARKETER: _("a marketer"),
        Actor.SALESPERSON: _("a salesperson"),
        Actor.MANAGER: _("a manager"),
        Actor.ADMIN: _("an administrator"),
        Actor.ASSIGNEE: _("the salesperson it is offered to"),
        Actor.OWNER: _("the owner of the contact"),
    }
    return _(" or ").join(str(names[actor]) for actor in sorted(stages.VERBS[verb].by))


def _standing(contact: Contact, handoff: Handoff | None) -> str:
    """Where a contact stands and who did the last thing to it, for somebody who came second."""
    where = handoff or contact.handoffs.order_by("-formed_at", "-id").first()
    if where is None:
        return _("%(contact)s is in stage %(stage)s and was not handed over.") % {
            "contact": contact,
            "stage": words.STAGES[Stage(contact.stage)],
        }
    last = where.events.select_related("actor").order_by("-at", "-id").first()
    standing = _("%(contact)s is already %(state)s.") % {
        "contact": contact,
        "state": str(words.HANDOFF_STATES[where.state_enum]).lower(),
    }
    if last is None or last.actor is None:
        return standing
    return standing + " " + _("The last to act was %(actor)s.") % {"actor": last.actor}


def find_reason(*, kind: stages.ReasonKind, code: str | None) -> Reason | None:
    """The reason by its code or its words. Raises `Invalid` naming the choices when it is none of them."""
    code = (code or "").strip()
    if not code:
        return None
    reasons = list(Reason.objects.filter(kind=kind.value, is_retired=False))
    for reason in reasons:
        if code.casefold() in (reason.code.casefold(), reason.label.casefold()):
            return reason
    choices = ", ".join(reason.code for reason in reasons)
    raise Invalid(_("Choose one of these reasons: %(choices)s.") % {"choices": choices}, field="reason")


def reason_or_invalid(*, kind: stages.ReasonKind, code: str | None) -> Reason:
    """As `find_reason`, and none given is `Invalid` too."""
    reason = find_reason(kind=kind, code=code)
    if reason is None:
        choices = ", ".join(Reason.objects.filter(kind=kind.value, is_retired=False).values_list("code", flat=True))
        raise Invalid(_("Choose a reason: %(choices)s.") % {"choices": choices}, field="reason")
    return reason


# Writing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Formed:
    """What a new handoff is formed from: the contact, the cause, and the score at that instant."""

    contact: Contact
    cause: str
    score: float | None = None
    grade: str = ""
    model_version: int | None = None
    previous: Handoff | None = None
    straight_by: HandoverRule | None = None


def begin(contacts: Iterable[Contact], *, at: dt.datetime, actor: User | None) -> None:
    """Write the first row of the stage history of contacts that were just created."""
    StageChange.objects.bulk_create(
        StageChange(contact=contact, to_stage=contact.stage, verb="create", at=at, actor=actor) for contact in contacts
    )


def warm(
    contacts: Sequence[Contact | Outline],
    *,
    at: dt.datetime,
    actor: User | None,
    active: Sequence[Contact | Outline] = (),
) -> None:
    """Make leads of subscribers who showed that they are more than readers.

    With them is written when those who are `active` last were, so that no row is written twice.
    """
    _set_stage(contacts, Stage.LEAD, verb="warm", at=at, actor=actor, active=active)


def resting(contact_ids: Collection[int]) -> QuerySet[Handoff]:
    """The handoffs by which contacts rest until a day."""
    return Handoff.objects.filter(chosen("contact_id", contact_ids), resurface_at__isnull=False)


def suppose(formed: Formed, *, at: dt.datetime) -> Handoff:
    """The handoff that would be formed, not written: what conditions ask about."""
    return Handoff(contact=formed.contact, cause=formed.cause, score=formed.score, grade=formed.grade, formed_at=at)


def form_handoffs(formed: Sequence[Formed], *, at: dt.datetime, state: HandoffState, verb: VerbName) -> list[Handoff]:
    """Open a handoff for each contact and move it to the stage that goes with it: who rested until a day rests no
    longer. Set-wise.

    `state` is `in_review`, `waiting` for what is passed straight to sales, or `accepted` for a salesperson's own
    prospect, whose owner is set already.
    """
    is_own = state is HandoffState.ACCEPTED
    resting([one.contact.pk for one in formed]).update(resurface_at=None)
    handoffs = Handoff.objects.bulk_create(
        Handoff(
            contact=one.contact,
            state=state.value,
            cause=one.cause,
            previous=one.previous,
            straight_by=one.straight_by,
            formed_at=at,
            reviewed_at=at if state is HandoffState.WAITING else None,
            assignee_id=one.contact.owner_id if is_own else None,
            offered_at=at if is_own else None,
            answered_at=at if is_own else None,
            score=one.score,
            grade=one.grade,
            model_version=one.model_version,
        )
        for one in formed
    )
    actor = formed[0].contact.owner if formed and is_own else None
    stage = Stage.SQL if is_own else Stage.MQL
    moving = [one.contact for one in formed if one.contact.stage != stage.value]
    _set_stage(moving, stage, verb=verb.value, at=at, actor=actor, handoffs={h.contact_id: h for h in handoffs})
    HandoffEvent.objects.bulk_create(
        HandoffEvent(handoff=handoff, verb=verb.value, at=at, actor=actor, to_state=state.value) for handoff in handoffs
    )
    return handoffs


def snapshot(handoff: Handoff) -> dict[str, Any]:
    """What `undo` needs to put the contact and the handoff back."""
    return {
        "contact": {name: _plain(getattr(handoff.contact, name)) for name in CONTACT_FIELDS},
        "handoff": {name: _plain(getattr(handoff, name)) for name in HANDOFF_FIELDS},
    }


def move(
    handoff: Handoff,
    verb: VerbName,
    *,
    actor: User | None,
    at: dt.datetime,
    to_state: HandoffState | None = None,
    to_stage: Stage | None = None,
    reason: Reason | None = None,
    comment: str = "",
    names: Sequence[str] = (),
    rating: int | None = None,
    before: dict[str, Any] | None = None,
    contact_fields: dict[str, Any] | None = None,
    **fields: Any,
) -> HandoffEvent:
    """Carry out one verb on a locked handoff that `require` has let through: rows, event and stage history.

    `names` are the people whom the comment names, as they stand in it. `fields` are further columns of the handoff,
    `contact_fields` of its contact. `before` is a `snapshot` taken earlier, completed by the caller; without it one is
    taken here.
    """
    before = before or snapshot(handoff)
    from_state = handoff.state
    if to_state is not None:
        handoff.state = to_state.value
        if to_state is not HandoffState.WAITING:
            handoff.overflow_at = None
        if to_state in stages.ENDED_STATES:
            fields.setdefault("ended_at", at)
    for name, value in fields.items():
        setattr(handoff, name, value)
    if reason is not None:
        handoff.reason = reason
    handoff.comment = comment or handoff.comment
    handoff.rating = rating if rating is not None else handoff.rating
    handoff.save(update_fields=[name.removesuffix("_id") for name in HANDOFF_FIELDS])
    contact = handoff.contact
    for name, value in (contact_fields or {}).items():
        setattr(contact, name, value)
    if contact_fields:
        contact.save(update_fields=list(contact_fields))
    if to_stage is not None:
        _set_stage([contact], to_stage, verb=verb.value, at=at, actor=actor, handoffs={contact.pk: handoff})
    return HandoffEvent.objects.create(
        handoff=handoff,
        verb=verb.value,
        at=at,
        actor=actor,
        from_state=from_state,
        to_state=handoff.state,
        assignee=handoff.assignee,
        reason=reason,
        comment=comment,
        names=list(names),
        rating=rating,
        before=before,
    )


def put_back(handoff: Handoff, event: HandoffEvent, *, actor: User | None, at: dt.datetime) -> None:
    """Undo `event`: restore what `snapshot` kept. The history keeps both the act and its undoing."""
    contact, before = handoff.contact, event.before or {}
    stage_now, reason_now = contact.stage, contact.disqualified_reason_id
    for row, fields in ((handoff, before["handoff"]), (contact, before["contact"])):
        for name, value in fields.items():
            setattr(row, name, dt.datetime.fromisoformat(value) if name.endswith("_at") and value else value)
    from_state = event.to_state
    handoff.save(update_fields=[name.removesuffix("_id") for name in HANDOFF_FIELDS])
    contact.save(update_fields=[name.removesuffix("_id") for name in CONTACT_FIELDS])
    if contact.disqualified_reason_id != reason_now:
        old, new = (_code_of(reason_id) for reason_id in (reason_now, contact.disqualified_reason_id))
        ContactChange.objects.create(contact=contact, field=DISQUALIFIED, old=old, new=new, at=at, actor=actor)
    if contact.stage != stage_now:
        StageChange.objects.create(
            contact=contact,
            from_stage=stage_now,
            to_stage=contact.stage,
            verb=VerbName.UNDO.value,
            at=at,
            actor=actor,
            handoff=handoff,
        )
    event.undone_at = at
    event.save(update_fields=["undone_at"])
    HandoffEvent.objects.create(
        handoff=handoff,
        verb=VerbName.UNDO.value,
        at=at,
        actor=actor,
        from_state=from_state,
        to_state=handoff.state,
        assignee_id=handoff.assignee_id,
        comment=event.verb,
    )


def _code_of(reason_id: int | None) -> str | None:
    return Reason.objects.filter(id=reason_id).values_list("code", flat=True).first() if reason_id else None


def stand_again(contact: Contact, *, stage: Stage, actor: User | None, at: dt.datetime) -> None:
    """A locked contact that an undone act had taken up is where it was before, with nobody as its owner."""
    contact.owner = None
    contact.save(update_fields=["owner"])
    _set_stage([contact], stage, verb=VerbName.UNDO.value, at=at, actor=actor)


def flag(contact: Contact, *, reason: Reason | None, actor: User | None, at: dt.datetime) -> None:
    """Set the disqualified flag with its reason, or take it away with None; the history of the contact keeps it."""
    old = contact.disqualified_reason.code if contact.disqualified_reason else None
    new = reason.code if reason else None
    ContactChange.objects.create(contact=contact, field=DISQUALIFIED, old=old, new=new, at=at, actor=actor)
    contact.is_disqualified = reason is not None
    contact.disqualified_reason = reason
    contact.save(update_fields=["is_disqualified", "disqualified_reason"])


def unite(
    kept: Contact,
    *,
    stage: Stage,
    stage_at: dt.datetime,
    owner_id: int | None,
    handoff: Handoff | None,
    actor: User | None,
    at: dt.datetime,
) -> None:
    """Set where a locked contact stands after another went into it: its stage since `stage_at`, its owner.

    `handoff`, the one that goes on open, keeps in its history that this happened.
    """
    handoffs = {kept.pk: handoff} if handoff else None
    _set_stage([kept], stage, verb=VerbName.MERGE.value, at=at, actor=actor, handoffs=handoffs)
    kept.stage_at, kept.owner_id = stage_at, owner_id
    kept.save(update_fields=["stage_at", "owner"])
    if handoff is not None:
        HandoffEvent.objects.create(
            handoff=handoff,
            verb=VerbName.MERGE.value,
            at=at,
            actor=actor,
            from_state=handoff.state,
            to_state=handoff.state,
            assignee_id=handoff.assignee_id,
        )


def _set_stage(
    contacts: Sequence[Contact | Outline],
    stage: Stage,
    *,
    verb: str,
    at: dt.datetime,
    actor: User | None,
    handoffs: dict[int, Handoff] | None = None,
    active: Sequence[Contact | Outline] = (),
) -> None:
    """Write the stage of contacts, with its history, in two statements however many they are.

    `active`: of whom, beside these, only the last activity is to be written.
    """
    moving = [contact for contact in contacts if contact.stage != stage.value]
    opened = {contact_id: handoff.pk for contact_id, handoff in (handoffs or {}).items()}
    bulk.insert(
        StageChange,
        [{"contact_id": one.pk, "from_stage": one.stage, "handoff_id": opened.get(one.pk)} for one in moving],
        to_stage=stage.value,
        verb=verb,
        at=at,
        actor_id=actor.pk if actor else None,
    )
    for contact in moving:
        contact.stage, contact.stage_at = stage.value, at
    written = {contact.pk: contact for contact in (*moving, *active)}.values()
    names = ("stage", "stage_at", "last_activity_at") if active else ("stage", "stage_at")
    bulk.update(Contact, [{"id": one.pk} | {name: getattr(one, name) for name in names} for one in written])


def _plain(value: Any) -> Any:
    """A value as JSON keeps it."""
    return value.isoformat() if isinstance(value, dt.datetime) else value
