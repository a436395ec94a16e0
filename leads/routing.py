"""Who gets a lead, and why: who has the company, else the first rule that fits, else the rotation of everybody.

The order of the decision:

1. Whoever talks to the company about another contact, else whoever owns one (this one first), if they can take it.
2. The active rules in their order: the first whose conditions all hold. Of its people who can take a lead now, the one
   whose turn it is (`leads.rotation`). Where none can, the rule says whether the next one is asked or the lead waits.
3. Everybody who sells, each with a weight of 1.

Who can take a lead now is said by `leads.selling` alone. `choose` decides and counts the turn, `preview` decides the
same without writing, and `Desk.steps` tells every step of one decision.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db.models import F, prefetch_related_objects
from django.utils.translation import gettext as _

from crm.errors import Invalid
from crm.models import User
from leads import facts, rotation
from leads.conditions import Judged, judge, parse_conditions
from leads.models import Contact, Handoff, Rotation, RotationShare, RotationTurn, RoutingRule, RoutingSettings
from leads.selling import Obstacle, Seller, sellers
from leads.stages import HandoffState

LOOKED_AT = 100
"""So many of the leads that wait are looked at in one pass."""


@dataclass(frozen=True)
class Choice:
    """A person, and why."""

    assignee: User
    because: str
    is_override: bool = False


@dataclass(frozen=True)
class Candidate:
    """Somebody whom a step considers; `given` are their turns since the rotation began, None where it has none."""

    seller: Seller
    weight: int = 1
    given: int | None = None
    had_it: bool = False

    @property
    def is_free(self) -> bool:
        return self.seller.obstacle is None and not self.had_it


@dataclass(frozen=True)
class Step:
    """One step of a decision; `rule` is None where the company decides, and where everybody is asked."""

    rule: RoutingRule | None
    judged: tuple[Judged, ...]
    candidates: tuple[Candidate, ...]
    chosen: Seller | None
    because: str = ""
    is_of_company: bool = False
    pool: dict[int, int] = field(default_factory=dict)
    """The weights by person of those among whom it rotated; empty where the step was no turn."""

    @property
    def fits(self) -> bool:
        return all(one.holds for one in self.judged)

    @property
    def ends(self) -> bool:
        """Whether no further step is asked: somebody is found, or the lead waits for one of the rule's people."""
        waits = self.rule is not None and self.rule.otherwise == RoutingRule.Otherwise.WAIT
        return self.chosen is not None or (self.fits and waits)


def hold() -> RoutingSettings:
    """Lock routing until the end of the transaction, and return what holds for all of it.

    Who decides about a lead, or changes who may get one, comes here after contacts and handoffs, before people and
    timers: so nobody is given more than they can take, and turns are counted one after the other.
    """
    return (
        RoutingSettings.objects.select_for_update(of=("self",), no_key=True)
        .select_related("overflow_team", "overflow_calendar")
        .get()
    )


def named(email: str, *, at: dt.datetime) -> Choice:
    """The salesperson a colleague named. Only who is inactive, off duty or out of office is refused; going beyond
    capacity or hours is an override.

    Raises `Invalid` with a sentence.
    """
    hold()
    found = next((one for one in sellers(at=at) if one.person.email == email.strip().lower()), None)
    if found is None:
        raise Invalid(_("No active salesperson has the address %(email)s.") % {"email": email}, field="assignee")
    if found.obstacle is Obstacle.OFF_DUTY:
        raise Invalid(_("%(name)s is off duty. Choose somebody else.") % {"name": found.person}, field="assignee")
    if found.obstacle is Obstacle.AWAY:
        raise Invalid(_("%(name)s is out of office. Choose somebody else.") % {"name": found.person}, field="assignee")
    return Choice(assignee=found.person, because=_("Named by a colleague"), is_override=found.obstacle is not None)


def choose(handoff: Handoff, *, at: dt.datetime, but_not: Collection[int] = (), is_new: bool = False) -> Choice | None:
    """The person who gets a lead now, none of `but_not`; None when it has to wait. Locks routing and counts the turn.

    The lead is locked by the caller, contact first. One that is new does not overtake: while another that waits could
    be offered to somebody, it waits behind that one.
    """
    return choose_all([handoff], at=at, but_not=but_not, is_new=is_new)[0]


def choose_all(
    handoffs: Sequence[Handoff], *, at: dt.datetime, but_not: Collection[int] = (), is_new: bool = False
) -> list[Choice | None]:
    """As `choose`, for several one after the other; in which order is for the caller to say, the hottest first."""
    hold()
    desk = Desk(handoffs, at=at, but_not=but_not)
    choices = desk.place_all(handoffs, is_new=is_new)
    desk.save()
    return choices


def preview(
    handoffs: Sequence[Handoff], *, at: dt.datetime, selling: Sequence[Seller] | None = None
) -> list[Choice | None]:
    """Whom routing would find for each of `handoffs`, new ones, one after the other at `at`. No write, as few queries
    for many as for one. `selling`: what `sellers` found, where it is at hand; it is left as it was.
    """
    selling = [Seller(**vars(one)) for one in selling] if selling is not None else None
    return Desk(handoffs, at=at, selling=selling).place_all(handoffs, is_new=True)


def waiting_in_order() -> list[Handoff]:
    """The leads that wait for somebody, who waits longest first; of those approved at once the hottest."""
    waiting = Handoff.objects.filter(state=HandoffState.WAITING).select_related("contact__company", "contact__source")
    return list(waiting.order_by("reviewed_at", F("contact__score__value").desc(nulls_last=True), "id")[:LOOKED_AT])


def hottest_first(handoff_ids: Iterable[int]) -> list[int]:
    """Ids of handoffs by the score of their contacts, highest first: in this order they are offered when room is
    short. What is no handoff comes last.
    """
    asked = list(handoff_ids)
    rows = Handoff.objects.filter(id__in=asked).order_by(F("contact__score__value").desc(nulls_last=True), "id")
    return list(dict.fromkeys([*rows.values_list("id", flat=True), *asked]))


def drainable(*, at: dt.datetime) -> list[int]:
    """Ids of the waiting leads that would find somebody now, in their order, so many to each person as one pass may
    give. Decided without a lock: whoever offers them decides again.
    """
    waiting = waiting_in_order()
    if not waiting:
        return []
    most = RoutingSettings.objects.values_list("most_a_pass", flat=True).get()
    desk, found, counted = Desk(waiting, at=at), [], Counter[int]()
    for handoff in waiting:
        step = desk.decide(handoff)
        if step is None or step.chosen is None or counted[step.chosen.person.pk] >= most:
            continue
        desk.book(handoff, step)
        counted[step.chosen.person.pk] += 1
        found.append(handoff.pk)
    return found


class Desk:
    """Routing at one instant, for some leads: who can take one, the rules, and how far each rotation is.

    As many queries however many leads. `but_not`: people who had the lead before; then no turn is given, and of the
    others the one with most room gets it.
    """

    def __init__(
        self,
        handoffs: Sequence[Handoff],
        *,
        at: dt.datetime,
        but_not: Collection[int] = (),
        selling: Sequence[Seller] | None = None,
    ) -> None:
        self.at = at
        self.but_not = frozenset(but_not)
        self.sellers = {one.person.pk: one for one in (sellers(at=at) if selling is None else selling)}
        rows = RoutingRule.objects.filter(is_active=True).prefetch_related("members")
        self.rules = [(rule, parse_conditions(rule.conditions)) for rule in rows]
        asked = {one.field for _rule, conditions in self.rules for one in conditions}
        prefetch_related_objects(list(handoffs), "contact")
        self._drawn = facts.fetch_handoffs(handoffs, fields=asked)
        self._talking = _talking(handoffs)
        self._owning = _owning(handoffs)
        self._rows = {row.rule_id: row for row in Rotation.objects.prefetch_related("shares")}
        self._rotations = {key: _read(row) for key, row in self._rows.items()}
        self._begun: set[int | None] = set()
        self._turns: list[tuple[int | None, int, int, Handoff]] = []
        self._taken_up: list[tuple[int | None, int, Handoff]] = []

    def place_all(self, handoffs: Sequence[Handoff], *, is_new: bool) -> list[Choice | None]:
        """The choice for each, one after the other, each counted before the next."""
        if is_new and self.would_overtake(handoffs):
            return [None for _handoff in handoffs]
        return [self._place(handoff) for handoff in handoffs]

    def _place(self, handoff: Handoff) -> Choice | None:
        step = self.decide(handoff)
        if step is None or step.chosen is None:
            return None
        self.book(handoff, step)
        return Choice(assignee=step.chosen.person, because=step.because)

    def would_overtake(self, handoffs: Sequence[Handoff]) -> bool:
        """Whether a lead that waits, none of these, could be offered now, so that a new one waits behind it."""
        if not any(one.obstacle is None for one in self.sellers.values()):
            return False
        own = {one.pk for one in handoffs}
        waiting = [one for one in waiting_in_order() if one.pk not in own]
        if not waiting:
            return False
        desk = Desk(waiting, at=self.at, selling=list(self.sellers.values()))
        found = (desk.decide(one) for one in waiting)
        return any(step is not None and step.chosen is not None for step in found)

    def decide(self, handoff: Handoff) -> Step | None:
        """The step that decides, with the person it found, or with nobody where the lead waits; None if none did."""
        return next((step for step in self.steps(handoff) if step.ends), None)

    def steps(self, handoff: Handoff) -> Iterator[Step]:
        """Every step in order, those after the one that decides too. Nothing is counted."""
        if company := self._of_company(handoff):
            yield company
        get = facts.handoff_getter(handoff, drawn=self._drawn)
        for rule, conditions in self.rules:
            yield self._by_rotation(rule, judge(conditions, get), self.pool_of(rule))
        yield self._by_rotation(None, (), self.everybody)

    @property
    def everybody(self) -> dict[int, int]:
        """The weights of those who get what no rule placed: all of sales, alike."""
        return {pk: 1 for pk, one in self.sellers.items() if one.is_in_sales}

    def pool_of(self, rule: RoutingRule) -> dict[int, int]:
        """The weights by person of a rule, those that are active: who is named, and the others of its team with 1."""
        pool = {pk: 1 for pk, one in self.sellers.items() if rule.team_id and one.person.team_id == rule.team_id}
        pool |= {member.person_id: member.weight for member in rule.members.all()}
        return {pk: weight for pk, weight in pool.items() if weight and pk in self.sellers}

    def _of_company(self, handoff: Handoff) -> Step | None:
        key = handoff.contact.company_id or 0
        talking = [pk for pk in self._talking.get(key, ()) if pk in self.sellers]
        owning = [pk for pk in (handoff.contact.owner_id or 0, *self._owning.get(key, ())) if pk in self.sellers]
        known = list(dict.fromkeys([*talking, *owning]))
        if not known:
            return None
        candidates = tuple(Candidate(self.sellers[pk], had_it=pk in self.but_not) for pk in known)
        chosen = next((one.seller for one in candidates if one.is_free), None)
        because = ""
        if chosen is not None:
            talks = chosen.person.pk in talking
            because = _("Talks to the same company already") if talks else _("Has the contact or its company already")
        return Step(None, (), candidates, chosen, because, is_of_company=True)

    def _by_rotation(self, rule: RoutingRule | None, judged: tuple[Judged, ...], pool: dict[int, int]) -> Step:
        turns = self._rotations.get(rule.pk if rule else None, rotation.Rotation())
        candidates = tuple(
            Candidate(
                seller=one,
                weight=pool[pk],
                given=turns.shares[pk].given if pk in turns.shares else 0,
                had_it=pk in self.but_not,
            )
            for pk, one in self.sellers.items()
            if pk in pool
        )
        free = {one.seller.person.pk: one.weight for one in candidates if one.is_free}
        if not free or not all(one.holds for one in judged):
            return Step(rule, judged, candidates, None)
        if self.but_not:
            chosen = min((self.sellers[pk] for pk in free), key=lambda one: (one.open / one.person.capacity, one.open))
            free = {}
        else:
            chosen = self.sellers[turns.whose_turn(free)]
        because = _because(rule, chosen, is_turn=bool(free))
        return Step(rule, judged, candidates, chosen, because, pool=free)

    def book(self, handoff: Handoff, step: Step) -> None:
        """Count what a step has decided: the lead, the turn, and who talks to the company from now on."""
        if step.chosen is None:
            return
        person_id = step.chosen.person.pk
        step.chosen.take()
        if handoff.contact.company_id:
            self._talking[handoff.contact.company_id].append(person_id)
        if step.pool:
            key = step.rule.pk if step.rule else None
            turns = self._rotations.setdefault(key, rotation.Rotation())
            if turns.take_up(person_id, step.pool):
                self._taken_up.append((key, person_id, handoff))
                return
            if turns.give(person_id, step.pool):
                self._begun.add(key)
            self._turns.append((key, turns.turn, person_id, handoff))

    def save(self) -> None:
        """Write the turns that were booked and how far each rotation is."""
        for key, person_id, handoff in self._taken_up:
            rows = RotationTurn.objects.filter(rotation=self._rows[key], person=person_id)
            turn = rows.exclude(taken_back_at=None).order_by("-number").first()
            if turn is not None:
                turn.handoff, turn.at, turn.taken_back_at = handoff, self.at, None
                turn.save(update_fields=["handoff", "at", "taken_back_at"])
        for key in {turn[0] for turn in self._turns} | {one[0] for one in self._taken_up}:
            turns = self._rotations[key]
            row = self._rows.get(key) or Rotation(rule_id=key, began_at=self.at)
            if key in self._begun:
                row.began_at = self.at
            row.turn = turns.turn
            row.save()
            self._rows[key] = row
            RotationShare.objects.bulk_create(
                [
                    RotationShare(
                        rotation=row,
                        person_id=pk,
                        weight=share.weight,
                        given=share.given,
                        behind=share.behind,
                        last_turn=share.last_turn,
                        open=share.open,
                    )
                    for pk, share in turns.shares.items()
                ],
                update_conflicts=True,
                unique_fields=["rotation", "person"],
                update_fields=["weight", "given", "behind", "last_turn", "open"],
            )
        RotationTurn.objects.bulk_create(
            RotationTurn(rotation=self._rows[key], number=number, person_id=person_id, handoff=handoff, at=self.at)
            for key, number, person_id, handoff in self._turns
        )


def take_back_turn(handoff: Handoff, *, since: dt.datetime, at: dt.datetime) -> None:
    """Have the turn by which a lead was given at `since` stand open, for the next lead of that rotation to take it up.

    For an act that is undone; routing is locked. A turn of a rotation that has begun anew is history already.
    """
    turn = RotationTurn.objects.filter(handoff=handoff, at=since, taken_back_at=None).order_by("-id").first()
    if turn is None:
        return
    row = Rotation.objects.prefetch_related("shares").get(id=turn.rotation_id)
    turns = _read(row)
    if turn.number > row.turn - sum(share.given for share in turns.shares.values()):
        turns.take_back(turn.person_id)
        turn.taken_back_at = at
        turn.save(update_fields=["taken_back_at"])
        row.shares.filter(person=turn.person_id).update(open=turns.shares[turn.person_id].open)


def _because(rule: RoutingRule | None, chosen: Seller, *, is_turn: bool) -> str:
    """Why a rotation gave the lead to somebody, as it is kept on the handoff."""
    why = _("next in the rotation") if is_turn else _("most room among those who had not had it")
    why = _("%(rule)s: %(why)s") % {"rule": rule, "why": why} if rule else why[:1].upper() + why[1:]
    known = {"why": why, "open": chosen.open, "capacity": chosen.person.capacity}
    return _("%(why)s; %(open)d of %(capacity)d open") % known


def _read(row: Rotation) -> rotation.Rotation:
    shares = {
        share.person_id: rotation.Share(share.weight, share.given, share.behind, share.last_turn, share.open)
        for share in row.shares.all()
    }
    return rotation.Rotation(shares=shares, turn=row.turn)


def _talking(handoffs: Sequence[Handoff]) -> dict[int, list[int]]:
    """Who talks to the companies of these leads about others of theirs, by company; the latest offer first."""
    talking: dict[int, list[int]] = defaultdict(list)
    company_ids = {one.contact.company_id for one in handoffs if one.contact.company_id}
    if company_ids:
        others = Handoff.objects.open().filter(contact__company__in=company_ids, assignee__isnull=False)
        others = others.exclude(id__in=[one.pk for one in handoffs if one.pk]).order_by("-offered_at", "-id")
        for company_id, assignee_id in others.values_list("contact__company", "assignee_id"):
            talking[company_id].append(assignee_id)
    return talking


def _owning(handoffs: Sequence[Handoff]) -> dict[int, list[int]]:
    """Who owns contacts of the companies of these leads, by company; the latest to change their stage first."""
    owning: dict[int, list[int]] = defaultdict(list)
    company_ids = {one.contact.company_id for one in handoffs if one.contact.company_id}
    if company_ids:
        owned = Contact.objects.filter(company__in=company_ids, owner__isnull=False).order_by("-stage_at", "-id")
        for company_id, owner_id in owned.values_list("company", "owner_id"):
            owning[company_id].append(owner_id)
    return owning
