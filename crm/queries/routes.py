"""How leads find people: the rules in their order, who takes part in each, and how far each rotation is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from crm import formats
from crm.errors import NotFound
from crm.models import User
from leads import condition_words, routing
from leads.conditions import parse_conditions
from leads.models import Handoff, Rotation, RotationTurn, RoutingRule
from leads.selling import Seller
from leads.stages import HandoffState


@dataclass(frozen=True)
class Part:
    """Somebody's part in a rule: their weight, whether they can take a lead now, and their turns since it began."""

    seller: Seller
    weight: int
    given: int
    href: str
    due: str
    """What their weight makes due of those turns; empty for who is not among those it rotates over now."""


@dataclass(frozen=True)
class RuleRow:
    """One rule of the list; the last one, without a rule, is everybody."""

    rule: RoutingRule | None
    conditions: tuple[str, ...]
    parts: tuple[Part, ...]
    began_at: dt.datetime | None
    turns: int
    turns_href: str
    is_first: bool = False
    is_last: bool = False

    @property
    def has_order(self) -> bool:
        """Whether it may be asked earlier or later."""
        return self.rule is not None and self.rule.is_active and not (self.is_first and self.is_last)


@dataclass(frozen=True)
class Turns:
    """The turns of one rotation since it began, all or those of one person."""

    rotation: Rotation
    person: User | None
    rows: QuerySet[RotationTurn]


def rules(*, now: dt.datetime) -> tuple[RuleRow, ...]:
    """Every rule, the active ones first in the order in which they are asked, and everybody as the last of these."""
    desk = routing.Desk([], at=now)
    rows = list(
        RoutingRule.objects.select_related("team").prefetch_related("members").order_by("-is_active", "position", "-id")
    )
    rotations = {row.rule_id: row for row in Rotation.objects.prefetch_related("shares")}
    active = [rule.pk for rule in rows if rule.is_active]
    found = []
    for rule in rows:
        place = {"is_first": rule.pk == active[0], "is_last": rule.pk == active[-1]} if rule.is_active else {}
        found.append(_row(rule, desk.pool_of(rule), desk=desk, rotation=rotations.get(rule.pk), **place))
    everybody = _row(None, desk.everybody, desk=desk, rotation=rotations.get(None))
    return (*found[: len(active)], everybody, *found[len(active) :])


def _row(
    rule: RoutingRule | None, pool: dict[int, int], *, desk: routing.Desk, rotation: Rotation | None, **place: bool
) -> RuleRow:
    shares = {share.person_id: share for share in rotation.shares.all()} if rotation else {}
    turns, total = sum(one.given for one in shares.values()), sum(one.weight for one in shares.values())
    href = reverse("routing_turns", args=[rotation.pk]) if rotation else ""
    parts = []
    for pk, seller in desk.sellers.items():
        if pk not in pool:
            continue
        share = shares.get(pk)
        parts.append(
            Part(
                seller=seller,
                weight=pool[pk],
                given=share.given if share else 0,
                href=f"{href}?person={pk}",
                due=formats.number(round(turns * share.weight / total, 1), decimals=None)
                if share and share.weight
                else "",
            )
        )
    conditions = parse_conditions(rule.conditions) if rule else ()
    return RuleRow(
        rule=rule,
        conditions=tuple(condition_words.whole_sentence(one) for one in conditions),
        parts=tuple(parts),
        began_at=rotation.began_at if rotation else None,
        turns=turns,
        turns_href=href,
        **place,
    )


def turns(*, rotation_id: int, person_id: int | None) -> Turns:
    """The turns of a rotation since it began, the latest first: as many as its shares count. Raises `NotFound`."""
    rotation = (
        Rotation.objects.select_related("rule").annotate(given=Sum("shares__given")).filter(id=rotation_id).first()
    )
    if rotation is None:
        raise NotFound(_("There is no such rotation."))
    rows = rotation.turns.filter(number__gt=rotation.turn - (rotation.given or 0))
    person = User.objects.filter(id=person_id).first() if person_id else None
    if person is not None:
        rows = rows.filter(person=person)
    rows = rows.select_related("person", "handoff__contact__company").order_by("-number")
    return Turns(rotation=rotation, person=person, rows=rows)


def waiting_count(*, user: User) -> int:
    """How many leads wait for somebody, as far as `user` may see them."""
    return Handoff.objects.visible_to(user).filter(state=HandoffState.WAITING).count()
