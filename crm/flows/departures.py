"""Somebody leaves, sells no longer or is away: what they hold goes on with others, all of it or nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

import sla.policies
import sla.services
from crm import notices
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import handoffs, people, ways_out
from crm.models import Departure, Role, User
from crm.models.notices import NoticeKind
from crm.queries import holdings as queries
from crm.queries import kept
from crm.queries.holdings import FOR_GOOD, OF_LEADS, Decisions, Group, Settled
from leads import lifecycle, locks, next_steps, routing
from leads.models import Contact, ContactChange, Handoff, RoutingMember, Task
from leads.models.tasks import TaskVerb
from leads.routing import Choice
from leads.stages import VerbName
from sla.models import Policy

Kind = Departure.Kind


def may_see_to(actor: User, person: User, *, kind: str) -> bool:
    """Whether `actor` may hand over what `person` holds: whoever is away themselves may, too."""
    if kind in FOR_GOOD:
        return actor.is_admin
    return actor.is_admin or actor.is_manager or (kind == Kind.AWAY and actor.pk == person.pk)


@locks.tried_again
@transaction.atomic
def depart(
    *,
    actor: User,
    person_id: int,
    kind: str,
    decisions: Decisions,
    seen: str = "",
    absence: tuple[dt.date, dt.date] | None = None,
    at: dt.datetime,
) -> Departure:
    """Let a person go, and hand over what they hold as was decided. One transaction, and no way back.

    `kind` is a `Departure.Kind`; `seen` the fingerprint of the holdings that were decided upon; `absence` the first
    and last day of who is away, theirs as it is known where none is given. Said twice by the same person it is done
    once. Raises `NotFound`, `Forbidden`, `Conflict` for who comes second or looked at something else, `Invalid`.

    An absence is written and what it moves moves at once, whenever it begins; its end moves nothing back.

    1. Contacts are locked, then handoffs, routing, the person against a second hand-over, and clocks.
    2. What each thing goes to is decided anew from what is held now; a lead in work has an owner, always. For an
       absence each group needs a word: what stays, stays by choice.
    3. Everything is given: holders, owners and offers change, clocks follow, the history keeps who had it.
    4. The person goes. Whoever was giving them a lead in that moment was waited for, and then it is all looked at anew.
    5. Each new holder is told once, of all they got.
    """
    person = User.objects.filter(id=person_id).first()
    if person is None or not (person == actor or actor.is_manager or actor.is_admin):
        raise NotFound(_("There is no such person."))
    if not may_see_to(actor, person, kind=kind):
        raise Forbidden(_("Administrators let people go; managers may set them off duty or away."))
    locked = _lock_leads(person, kind=kind, actor=actor)
    routing.hold()
    person = User.objects.select_for_update(of=("self",), no_key=True).get(id=person_id)
    done = _done_before(person, kind=kind, actor=actor)
    if done is not None:
        return done
    held = queries.holdings(person, kind=kind, user=actor)
    if not {one.contact.pk for one in held.items if one.contact} <= locked:
        raise Conflict(_changed(person))
    sla.services.hold([one.row.pk for one in held.items if one.group in OF_LEADS])
    if seen and seen != held.fingerprint:
        raise Conflict(_changed(person))
    settled = queries.settle(held, decisions, at=at)
    _require_decided(settled)
    _require_takers(settled)
    for one in settled:
        if not one.is_kept:
            _give(one, person=person, actor=actor, at=at)
    _go(person, kind=kind, absence=absence, at=at)
    if kind in FOR_GOOD and queries.holdings(person, kind=kind, user=None).items:
        raise Conflict(_changed(person))
    stays = _kept(settled, person=person, kind=kind, at=at)
    departure = Departure.objects.create(
        person=person, actor=actor, kind=kind, at=at, moved=_moved(settled), kept=stays
    )
    _tell(departure, settled, at=at)
    return departure


def _done_before(person: User, *, kind: str, actor: User) -> Departure | None:
    """The departure that this would repeat, for who did it; None where nothing was done. Raises `Conflict`."""
    is_gone = (kind == Kind.LEAVE and not person.is_active) or (kind == Kind.STOP and not person.is_salesperson)
    if not is_gone:
        return None
    last = person.departures.filter(kind=kind).select_related("actor").first()
    if last is not None and last.actor_id == actor.pk:
        return last
    if last is None:
        raise Conflict(_("%(name)s has gone already.") % {"name": person})
    raise Conflict(_("%(actor)s has handed over what %(name)s held already.") % {"actor": last.actor, "name": person})


def _changed(person: User) -> str:
    return _("What %(name)s holds has changed meanwhile. Look at it again; nothing was handed over.") % {"name": person}


def _lock_leads(person: User, *, kind: str, actor: User) -> set[int]:
    """Lock the contacts that the person has to do with, then their handoffs; return the ids of the contacts.

    Raises `MergedMeanwhile`.
    """
    held = queries.holdings(person, kind=kind, user=actor)
    locked = set(locks.all_locked({one.contact.pk for one in held.items if one.contact}))
    handoff_ids = [one.row.pk for one in held.items if one.group in OF_LEADS]
    list(Handoff.objects.filter(id__in=handoff_ids).order_by("id").select_for_update(of=("self",), no_key=True))
    return locked


def _require_decided(settled: Sequence[Settled]) -> None:
    """Raise `Invalid`, naming the first group, where nobody said what becomes of something."""
    left = Counter(one.item.group for one in settled if one.is_undecided)
    if left:
        names = ", ".join(f"{group.label} ({count})" for group, count in left.items())
        text = _("Say what becomes of these: %(groups)s. They may stay, too, if you say so.")
        raise Invalid(text % {"groups": names}, field=next(iter(left)).value)


def _require_takers(settled: Sequence[Settled]) -> None:
    """Raise `Invalid` where a lead in work would be without an owner."""
    stuck = [one for one in settled if one.is_stuck]
    if stuck:
        text = ngettext(
            "Nobody on duty has room for %(names)s. Name somebody; a named person may take more than their capacity.",
            "Nobody on duty has room for these %(count)d: %(names)s. Name somebody for them; a named person may take "
            "more than their capacity.",
            len(stuck),
        )
        names = ", ".join(one.item.name for one in stuck[:5])
        raise Invalid(text % {"count": len(stuck), "names": names}, field=stuck[0].item.key)


def _give(one: Settled, *, person: User, actor: User, at: dt.datetime) -> None:
    row = one.item.row
    if one.item.group in OF_LEADS:
        lifecycle.require(VerbName.HAND_OVER, actor=actor, contact=row.contact, handoff=row)
        if one.to is None:
            handoffs.let_wait(row, actor=actor, at=at)
        else:
            choice = Choice(one.to, one.because, one.is_override)
            handoffs.move_to(row, choice, verb=VerbName.HAND_OVER, actor=actor, at=at)
    elif one.item.group is Group.CUSTOMERS:
        _own(row, one.to, actor=actor, at=at)
        for task in Task.objects.open().filter(contact=row, owner=person).order_by("id"):
            _give_task(task, one.to, person=person, actor=actor, at=at)
    elif one.item.group is Group.TASKS:
        _give_task(row, one.to, person=person, actor=actor, at=at)
    elif one.item.group is Group.POOLS:
        _take_part(row, one.to)
    elif one.item.group is Group.DEPUTIES:
        User.objects.filter(id=row.pk).update(deputy=one.to)
    else:
        _rewrite_ladder(row, old=person, new=one.to, actor=actor, at=at)


def _own(contact: Contact, owner: User | None, *, actor: User, at: dt.datetime) -> None:
    """Give a contact that is in nobody's hands to another owner; its history keeps whose it was."""
    ContactChange.objects.create(
        contact=contact,
        field="owner",
        old=str(contact.owner),
        new=str(owner) if owner else "",
        at=at,
        actor=actor,
    )
    contact.owner = owner
    contact.save(update_fields=["owner"])


def _give_task(task: Task, owner: User | None, *, person: User, actor: User, at: dt.datetime) -> None:
    """Have somebody else do what was planned; what nobody is to do ends, and says why."""
    if owner is not None:
        next_steps.hand_on([task], to_id=owner.pk, actor=actor, at=at)
        return
    why = _("Nobody took it over from %(name)s") % {"name": person}
    next_steps.change(task, TaskVerb.CANCEL, {"cancelled_at": at, "end_reason": why[:200]}, actor=actor, at=at)


def _take_part(member: RoutingMember, person: User | None) -> None:
    """Give somebody's part in a rule to a colleague who has none in it yet, else to the others of the rule."""
    others = RoutingMember.objects.filter(rule=member.rule)
    if person is None or others.filter(person=person).exists():
        member.delete()
        return
    member.person = person
    member.save(update_fields=["person"])


def _rewrite_ladder(policy: Policy, *, old: User, new: User | None, actor: User, at: dt.datetime) -> None:
    """Have the steps of a policy that tell somebody tell another, else the managers: a new version of it."""
    policy = Policy.objects.select_for_update(of=("self",), no_key=True).select_related("calendar").get(id=policy.pk)
    instead = {"to": "person", "person": new.pk} if new else {"to": "manager"}
    steps = [
        {name: value for name, value in step.items() if name not in ("to", "person")} | instead
        if step.get("person") == old.pk
        else step
        for step in policy.steps
    ]
    sla.policies.edit(policy, values={"steps": steps}, actor=actor, at=at)


def _go(person: User, *, kind: str, absence: tuple[dt.date, dt.date] | None, at: dt.datetime) -> None:
    """Write that the person is gone, off duty or away; the last step, since it waits for whoever points at them."""
    if kind == Kind.LEAVE:
        people.require_another_admin(person, field="is_active")
        person.is_active = False
    elif kind == Kind.STOP:
        roles = tuple(role for role in person.roles if role != Role.SALESPERSON)
        if not roles:
            raise Invalid(_("Give %(name)s another role first, or let them leave.") % {"name": person}, field="kind")
        person.set_roles(roles)
    elif kind == Kind.OFF_DUTY:
        person.is_on_duty = False
    elif absence is not None:
        person.away_from, person.away_until = ways_out.absence_of(person, first=absence[0], last=absence[1], at=at)
    elif person.away_until is None or person.away_until <= at:
        raise Invalid(_("Say from which day to which %(name)s is away.") % {"name": person}, field="away_from")
    person.save(update_fields=["is_active", "is_on_duty", "away_from", "away_until"])


def _moved(settled: Sequence[Settled]) -> list[dict[str, str | None]]:
    return [
        {
            "group": one.item.group.value,
            "key": one.item.key,
            "label": one.item.name,
            "to": one.to.email if one.to else None,
            "because": one.because,
        }
        for one in settled
        if not one.is_kept
    ]


def _kept(settled: Sequence[Settled], *, person: User, kind: str, at: dt.datetime) -> list[dict[str, str | None]]:
    """What stays by choice, each with when the first of it falls due that its owner is not there to see to."""
    since, until = kept.while_away(kind, person.away_from, person.away_until, at=at)
    first: dict[str, str] = {}
    for due in kept.falling_due(settled, person=person, since=since, until=until):
        first.setdefault(due.item.key, due.due_at.isoformat())
    return [
        {"group": one.item.group.value, "key": one.item.key, "label": one.item.name, "due_at": first.get(one.item.key)}
        for one in settled
        if one.is_kept
    ]


def _tell(departure: Departure, settled: Sequence[Settled], *, at: dt.datetime) -> None:
    """Tell each new holder once of all they got, and the person themselves, who comes back, where it all went.

    Managers, and the webhooks that listen, are told once of the whole.
    """
    got: dict[int, Counter[str]] = {}
    for one in settled:
        if one.to is not None:
            got.setdefault(one.to.pk, Counter())[one.item.group.value] += 1
    drafts = [
        notices.Draft(
            kind=NoticeKind.HANDED_OVER,
            dedup_key=f"handed_over:{departure.pk}:{person_id}",
            recipient_id=person_id,
            params={"from": str(departure.person), "kind": departure.kind, "got": dict(counts)},
        )
        for person_id, counts in got.items()
        if person_id != departure.actor_id
    ]
    names = sorted({str(one.to) for one in settled if one.to})
    if departure.moved and departure.kind != Kind.LEAVE and departure.actor_id != departure.person_id:
        drafts.append(
            notices.Draft(
                kind=NoticeKind.HANDED_OVER,
                dedup_key=f"handed_over:{departure.pk}:{departure.person_id}",
                recipient_id=departure.person_id,
                params={"by": str(departure.actor), "count": len(departure.moved), "names": names},
            )
        )
    if settled:
        drafts += _of_the_whole(departure, settled)
    notices.tell(drafts, at=at)


def _of_the_whole(departure: Departure, settled: Sequence[Settled]) -> list[notices.Draft]:
    """What managers are told: who goes how, and in numbers what becomes of what they held."""
    params = {
        "name": str(departure.person),
        "kind": departure.kind,
        "by": str(departure.actor),
        "got": dict(Counter(str(one.to) for one in settled if one.to)),
        "kept": len(departure.kept),
        "due": sum(row["due_at"] is not None for row in departure.kept),
        "waiting": sum(one.is_waiting for one in settled),
        "unowned": sum(one.is_unowned for one in settled),
    }
    managers = notices.people_with(Role.MANAGER) or notices.people_with(Role.ADMIN)
    others = [one for one in managers if one.pk not in (departure.actor_id, departure.person_id)]
    # Where the manager did it alone, it is still said once: webhooks hear of what somebody is told.
    return [
        notices.Draft(
            kind=NoticeKind.DEPARTED,
            dedup_key=f"departed:{departure.pk}:{one.pk}",
            recipient_id=one.pk,
            params=params,
        )
        for one in others or [departure.actor]
    ]
