"""The hand-over: review, offer, answer, and what happens to a lead that nobody could take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm import notices
from crm.errors import Conflict, Invalid
from crm.flows import conversation
from crm.flows.conversation import Said
from crm.models import Team, User
from crm.models.notices import NoticeKind
from crm.models.people import OVERFLOW_KINDS
from leads import lifecycle, locks, next_steps, routing
from leads.models import Handoff, HandoffEvent, RoutingSettings
from leads.sets import among
from leads.stages import HandoffState, ReasonKind, Stage, VerbName
from sla import climbing, clock
from sla.models import Milestone

if TYPE_CHECKING:
    from leads.routing import Choice

# An assignee hears of a lead only after the hand that gave it could have taken it back.
UNDO_PAUSE = dt.timedelta(seconds=30)


@transaction.atomic
def approve(
    *, actor: User, handoff_id: int, assignee_email: str | None = None, comment: str = "", at: dt.datetime
) -> Handoff:
    """Pass a reviewed lead to sales: to the named person, else to whom routing finds, else it waits for capacity.

    The review clock is met; with an assignee the answer and contact clocks start. A person who is named may exceed
    capacity (recorded as an override); only inactive or off-duty people are refused. Raises `NotFound`, `Forbidden`,
    `Conflict`, `Invalid`.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    lifecycle.require(VerbName.APPROVE, actor=actor, contact=handoff.contact, handoff=handoff)
    choice = _chosen(handoff, assignee_email, at=at, is_new=True)
    before = before_of(handoff)
    reviewed: dict[str, Any] = {"reviewed_at": at, "reviewed_by_id": actor.pk}
    if choice is None:
        event = lifecycle.move(
            handoff,
            VerbName.APPROVE,
            actor=actor,
            at=at,
            to_state=HandoffState.WAITING,
            comment=comment,
            before=before,
            overflow_at=overflow_at(routing.hold(), since=at),
            **reviewed,
        )
        sla.services.meet([handoff.pk], [Milestone.REVIEW], at=at)
    else:
        event = _offer(
            handoff, VerbName.APPROVE, choice, actor=actor, at=at, before=before, comment=comment, **reviewed
        )
        sla.services.meet([handoff.pk], [Milestone.REVIEW], at=at)
        _start_offer(handoff, event, at=at)
    return handoff


def _chosen(handoff: Handoff, email: str | None, *, at: dt.datetime, is_new: bool = False) -> Choice | None:
    """The person named, else whom routing finds among those who do not have the lead; None when nobody can take it."""
    if email:
        return routing.named(email, at=at)
    but_not = [handoff.assignee_id] if handoff.assignee_id else []
    return routing.choose(handoff, at=at, but_not=but_not, is_new=is_new)


def _choice(handoff: Handoff, email: str | None, *, at: dt.datetime) -> Choice:
    """As `_chosen`. Raises `Conflict` when nobody can take it."""
    choice = _chosen(handoff, email, at=at)
    if choice is None:
        raise Conflict(_("Nobody else can take another lead now."))
    return choice


def before_of(handoff: Handoff) -> dict[str, Any]:
    """What an undo puts back: contact, handoff and clocks, which are locked by it."""
    return lifecycle.snapshot(handoff) | {"timers": sla.services.freeze(handoff)}


def _offer(
    handoff: Handoff, verb: VerbName, choice: Choice, *, actor: User | None, at: dt.datetime, **fields: Any
) -> HandoffEvent:
    """Offer a handoff to whom routing or a colleague chose."""
    return lifecycle.move(
        handoff,
        verb,
        actor=actor,
        at=at,
        to_state=HandoffState.OFFERED,
        assignee=choice.assignee,
        team=choice.assignee.team,
        is_override=choice.is_override,
        assigned_because=choice.because,
        offered_at=at,
        **fields,
    )


def offer_at_once(waiting: Sequence[Handoff], *, at: dt.datetime) -> None:
    """Offer handoffs that were just formed for sales, the hottest first; those that nobody can take wait on."""
    if not waiting:
        return
    in_order = sorted(waiting, key=lambda one: (-(one.score or 0.0), one.pk))
    until = overflow_at(routing.hold(), since=at)
    choices = routing.choose_all(in_order, at=at, is_new=True)
    left = among(one.pk for one, choice in zip(in_order, choices, strict=True) if choice is None)
    Handoff.objects.filter(id__in=left).update(overflow_at=until)
    for handoff, choice in zip(in_order, choices, strict=True):
        if choice is not None:
            event = _offer(handoff, VerbName.OFFER, choice, actor=None, at=at)
            _start_offer(handoff, event, at=at)


def _start_offer(handoff: Handoff, event: HandoffEvent, *, at: dt.datetime) -> None:
    """Start the clocks of an offer and tell the assignee."""
    sla.services.start([handoff], [Milestone.ANSWER, Milestone.CONTACT], at=at)
    _tell(handoff, event, [handoff.assignee_id], kind=NoticeKind.OFFERED, at=at)


def _tell(
    handoff: Handoff,
    event: HandoffEvent,
    people: Iterable[int | None],
    *,
    kind: str,
    at: dt.datetime,
    params: dict[str, Any] | None = None,
    key: str = "",
) -> None:
    """Tell people of an act once it can no longer be taken back; who did it knows. `key` tells two of a kind apart."""
    notices.tell(
        [
            notices.Draft(
                kind=kind,
                dedup_key=f"{key or kind}:{event.pk}:{person_id}",
                recipient_id=person_id,
                contact_id=handoff.contact_id,
                handoff_id=handoff.pk,
                params=params or {},
            )
            for person_id in people
            if person_id is not None and person_id != event.actor_id
        ],
        at=at,
        wait=UNDO_PAUSE,
    )


def tell_named(
    handoff: Handoff, event: HandoffEvent, said: Said, *, actor: User, at: dt.datetime, but_not: int | None = None
) -> None:
    """Tell those whom the words of an act name, as those of a comment do; `but_not` who is told of the act anyway."""
    people = [person.pk for person in said.people if person.pk != but_not]
    params = conversation.notice_params(actor, said.text)
    # A key of its own: comments, which count by themselves, have the kind's.
    _tell(handoff, event, people, kind=NoticeKind.MENTIONED, at=at, params=params, key="named")


@transaction.atomic
def return_to_marketing(
    *,
    actor: User,
    handoff_id: int,
    reason: str,
    comment: str = "",
    seen_as: Collection[HandoffState] = lifecycle.BEFORE_SALES,
    at: dt.datetime,
) -> Handoff:
    """Give a lead that was not good enough back to nurturing, with a counted reason. The review clock is met.

    `seen_as`: the states in which it was seen, for who must not take back what a colleague did meanwhile.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    found = lifecycle.find_reason(kind=ReasonKind.RETURN, code=reason)
    lifecycle.require(VerbName.RETURN, actor=actor, contact=handoff.contact, handoff=handoff, reason=found)
    lifecycle.require_state(handoff.contact, handoff, seen_as)
    said = conversation.read_words(comment, contact=handoff.contact)
    before = before_of(handoff)
    event = lifecycle.move(
        handoff,
        VerbName.RETURN,
        actor=actor,
        at=at,
        to_state=HandoffState.RETURNED,
        to_stage=Stage.LEAD,
        reason=found,
        comment=said.text,
        names=said.names,
        before=before,
        reviewed_at=handoff.reviewed_at or at,
        reviewed_by_id=handoff.reviewed_by_id or actor.pk,
    )
    tell_named(handoff, event, said, actor=actor, at=at)
    sla.services.meet([handoff.pk], [Milestone.REVIEW], at=at)
    return handoff


@transaction.atomic
def accept(*, actor: User, handoff_id: int, comment: str = "", rating: int | None = None, at: dt.datetime) -> Handoff:
    """The assignee takes the lead: it becomes an SQL, theirs. The answer clock is met, the contact clock runs on, that
    of a meeting starts where one is promised.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    lifecycle.require(VerbName.ACCEPT, actor=actor, contact=handoff.contact, handoff=handoff)
    _check_rating(rating)
    said = conversation.read_words(comment, contact=handoff.contact)
    before = before_of(handoff)
    is_new_to_them = handoff.assignee_id != actor.pk
    event = lifecycle.move(
        handoff,
        VerbName.ACCEPT,
        actor=actor,
        at=at,
        to_state=HandoffState.ACCEPTED,
        to_stage=Stage.SQL,
        comment=said.text,
        names=said.names,
        rating=rating,
        before=before,
        contact_fields={"owner": actor},
        answered_at=at,
        # Of a lead that was offered to a team, whoever takes it becomes the assignee.
        assignee=actor,
    )
    if is_new_to_them:
        note_override(handoff)
    sla.services.meet([handoff.pk], [Milestone.ANSWER], at=at)
    sla.services.begin_work(handoff, at=at)
    tell_named(handoff, event, said, actor=actor, at=at)
    return handoff


def note_override(handoff: Handoff) -> None:
    """Keep as an exception that somebody took a locked, open handoff, or took it back, beyond their capacity."""
    holder = User.objects.filter(id=handoff.assignee_id or 0).first()
    if holder is None or not handoff.is_open or handoff.is_override:
        return
    if Handoff.objects.open().filter(assignee=holder).count() > holder.capacity:
        handoff.is_override = True
        handoff.save(update_fields=["is_override"])


@transaction.atomic
def reject(
    *, actor: User, handoff_id: int, reason: str, comment: str = "", rating: int | None = None, at: dt.datetime
) -> Handoff:
    """The assignee says no and why: the answer goes back to marketing's queue, attached to a new review.

    The answer clock is met, the contact clock cancelled, a review clock starts. Returns the rejected handoff.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    found = lifecycle.find_reason(kind=ReasonKind.REJECT, code=reason)
    lifecycle.require(VerbName.REJECT, actor=actor, contact=handoff.contact, handoff=handoff, reason=found)
    _check_rating(rating)
    said = conversation.read_words(comment, contact=handoff.contact)
    before = before_of(handoff)
    event = lifecycle.move(
        handoff,
        VerbName.REJECT,
        actor=actor,
        at=at,
        to_state=HandoffState.REJECTED,
        reason=found,
        comment=said.text,
        names=said.names,
        rating=rating,
        before=before,
        answered_at=at,
        assignee=actor,
    )
    sla.services.meet([handoff.pk], [Milestone.ANSWER], at=at)
    sla.services.cancel([handoff.pk], at=at)
    next_steps.end_with(event, contact_id=handoff.contact_id, owner_id=actor.pk, why=_("Rejected"))
    again = lifecycle.form_handoffs(
        [
            lifecycle.Formed(
                contact=handoff.contact,
                cause=Handoff.Cause.REJECTED,
                score=handoff.score,
                grade=handoff.grade,
                model_version=handoff.model_version,
                previous=handoff,
            )
        ],
        at=at,
        state=HandoffState.IN_REVIEW,
        verb=VerbName.REJECT,
    )
    sla.services.start(again, [Milestone.REVIEW], at=at)
    # The marketer who passed the lead on learns what sales said.
    _tell(handoff, event, [handoff.reviewed_by_id], kind=NoticeKind.REJECTED, at=at)
    tell_named(handoff, event, said, actor=actor, at=at, but_not=handoff.reviewed_by_id)
    return handoff


@transaction.atomic
def offer(
    *, actor: User | None, handoff_id: int, assignee_email: str | None = None, comment: str = "", at: dt.datetime
) -> Handoff:
    """Give a waiting handoff to the person named, else to whom routing finds. Its answer and contact clocks start.

    Raises `Conflict` when it does not wait any more, so that nobody loses what they were offered meanwhile, and when
    nobody is free.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    lifecycle.require(VerbName.OFFER, actor=actor, contact=handoff.contact, handoff=handoff)
    choice = _choice(handoff, assignee_email, at=at)
    event = _offer(handoff, VerbName.OFFER, choice, actor=actor, at=at, before=before_of(handoff), comment=comment)
    _start_offer(handoff, event, at=at)
    return handoff


@transaction.atomic
def reassign(
    *,
    actor: User | None,
    handoff_id: int,
    assignee_email: str | None = None,
    comment: str = "",
    seen_with: int | None = None,
    at: dt.datetime,
) -> Handoff:
    """Give an offered or accepted handoff to somebody else, or a waiting one to its first assignee.

    The new assignee's answer clock starts anew, the contact clock runs on; the owner follows. Without a name routing
    chooses among the others. `seen_with` is the id of the person with whom it was seen. Raises `Conflict` when somebody
    else has it by now, and when nobody else is free.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    if seen_with is not None and handoff.assignee_id != seen_with:
        lifecycle.refuse_second(handoff.contact, handoff)
    if handoff.state_enum is HandoffState.WAITING:
        return offer(actor=actor, handoff_id=handoff_id, assignee_email=assignee_email, comment=comment, at=at)
    lifecycle.require(VerbName.REASSIGN, actor=actor, contact=handoff.contact, handoff=handoff)
    choice = _choice(handoff, assignee_email, at=at)
    if choice.assignee.pk == handoff.assignee_id:
        raise Invalid(_("%(name)s has it already.") % {"name": choice.assignee}, field="assignee")
    move_to(handoff, choice, actor=actor, comment=comment, at=at)
    return handoff


def move_to(
    handoff: Handoff,
    choice: Choice,
    *,
    verb: VerbName = VerbName.REASSIGN,
    actor: User | None,
    comment: str = "",
    at: dt.datetime,
) -> None:
    """Give a locked handoff that is offered or accepted to somebody else: owner, offers and clocks follow.

    Who loses it and who gets it are told, except where much is handed over at once and told in one.
    """
    before, loser_id = before_of(handoff), handoff.assignee_id
    event = lifecycle.move(
        handoff,
        verb,
        actor=actor,
        at=at,
        comment=comment,
        before=before,
        contact_fields={"owner": choice.assignee} if handoff.contact.owner_id else None,
        assignee=choice.assignee,
        team=choice.assignee.team,
        is_override=choice.is_override,
        assigned_because=choice.because,
    )
    handoff.opportunities.filter(state="open").update(owner=choice.assignee)
    next_steps.follow(event, contact_id=handoff.contact_id, loser_id=loser_id, to_id=choice.assignee.pk)
    sla.services.hand_on(handoff, at=at)
    if verb is VerbName.REASSIGN:
        _tell(handoff, event, [handoff.assignee_id], kind=NoticeKind.REASSIGNED, at=at)
        _tell(handoff, event, [loser_id], kind=NoticeKind.MOVED_AWAY, at=at)


def let_wait(handoff: Handoff, *, actor: User | None, at: dt.datetime) -> None:
    """Take a locked handoff that is offered from who holds it, where nobody else has room: it waits for capacity.

    Its clocks end without a verdict; those of the next offer start with it.
    """
    loser = handoff.assignee
    event = lifecycle.move(
        handoff,
        VerbName.HAND_OVER,
        actor=actor,
        at=at,
        to_state=HandoffState.WAITING,
        before=before_of(handoff),
        assignee=None,
        team=None,
        is_override=False,
        assigned_because="",
        offered_at=None,
        overflow_at=overflow_at(routing.hold(), since=at),
    )
    sla.services.cancel([handoff.pk], at=at)
    why = _("Handed over from %(name)s") % {"name": loser}
    next_steps.end_with(event, contact_id=handoff.contact_id, owner_id=loser.pk if loser else None, why=why)


@transaction.atomic
def overflow(*, actor: User | None, handoff_id: int, team_id: int | None = None, at: dt.datetime) -> Handoff:
    """Offer a lead to a partner's or customer service's team; whoever of them accepts becomes the assignee.

    The answer clock starts anew for them, the contact clock of a lead that was offered runs on; both under the policy
    that fits the team. Raises `Conflict` when there is no such team.
    """
    handoff = locks.locked_handoff(user=actor, handoff_id=handoff_id)
    lifecycle.require(VerbName.OVERFLOW, actor=actor, contact=handoff.contact, handoff=handoff)
    team = overflow_team(team_id)
    if team is None:
        raise Conflict(_("There is no team of a partner or of customer service to offer it to."))
    offer_to_team(handoff, team, actor=actor, at=at)
    return handoff


def overflow_team(team_id: int | None) -> Team | None:
    """The team of a partner or of customer service with this id, the first one where none is given."""
    teams = Team.objects.filter(kind__in=OVERFLOW_KINDS)
    return (teams.filter(id=team_id) if team_id else teams.order_by("id")).first()


def overflow_at(settings: RoutingSettings, *, since: dt.datetime) -> dt.datetime | None:
    """When a lead that waits since then is offered to another team; None where none is set.

    The wait is counted in the working time of the calendar set for it, without one around the clock.
    """
    if settings.overflow_seconds is None:
        return None
    if settings.overflow_calendar is None:
        return since + dt.timedelta(seconds=settings.overflow_seconds)
    return clock.due_at(settings.overflow_calendar.parse(), since, settings.overflow_seconds)


def offer_to_team(handoff: Handoff, team: Team, *, actor: User | None, at: dt.datetime) -> None:
    """Offer a locked handoff, waiting or offered to somebody, to a whole team. Its people and who loses it are told."""
    before, loser_id = before_of(handoff), handoff.assignee_id
    was_offered = handoff.state_enum is HandoffState.OFFERED
    event = lifecycle.move(
        handoff,
        VerbName.OVERFLOW,
        actor=actor,
        at=at,
        to_state=HandoffState.OFFERED,
        before=before,
        assignee=None,
        team=team,
        assigned_because=_("Overflowed"),
        overflowed_at=at,
        offered_at=handoff.offered_at or at,
    )
    next_steps.end_with(event, contact_id=handoff.contact_id, owner_id=loser_id, why=_("Overflowed"))
    if was_offered:
        sla.services.hand_to_team(handoff, at=at)
    else:
        sla.services.start([handoff], sla.services.OFFER_CLOCKS, at=at)
    members = climbing.Listeners().of_team(team.pk)
    _tell(handoff, event, members, kind=NoticeKind.OFFERED, at=at, params={"team": team.name})
    _tell(handoff, event, [loser_id], kind=NoticeKind.MOVED_AWAY, at=at)


def _check_rating(rating: int | None) -> None:
    if rating is not None and not 1 <= rating <= 5:
        raise Invalid(_("Rate from 1 to 5."), field="rating")
