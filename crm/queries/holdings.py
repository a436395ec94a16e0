"""What one person holds, and who gets it when they go: asked by the page, the API and the flow alike."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, TextChoices
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Invalid
from crm.models import Departure, User
from leads import routing
from leads.models import Contact, Handoff, Opportunity, RoutingMember, Task
from leads.models.tasks import IS_OPEN
from leads.selling import Seller, sellers
from leads.sets import among
from leads.stages import HandoffState
from sla.models import Policy

ROUTE, KEEP, NOBODY, OWNER = "route", "keep", "nobody", "owner"
FOR_GOOD = (Departure.Kind.LEAVE, Departure.Kind.STOP)


class Group(TextChoices):
    """Kinds of things that somebody holds."""

    OFFERED = "offered", gettext_lazy("Leads to be answered")
    IN_WORK = "in_work", gettext_lazy("Leads in work")
    OFFERS = "opportunities", gettext_lazy("Open opportunities")
    CUSTOMERS = "customers", gettext_lazy("Customers and other contacts")
    TASKS = "tasks", gettext_lazy("Tasks with contacts of others")
    POOLS = "pools", gettext_lazy("Part in routing rules")
    DEPUTIES = "deputies", gettext_lazy("Stands in for")
    LADDERS = "ladders", gettext_lazy("Is told by the ladders of")


OF_LEADS = (Group.OFFERED, Group.IN_WORK, Group.OFFERS)
SELLING = (*OF_LEADS, Group.CUSTOMERS)
WORKING = (*SELLING, Group.TASKS)
OF_SELLERS = (*WORKING, Group.POOLS)
GROUPS: Mapping[str, tuple[Group, ...]] = {
    Departure.Kind.LEAVE: tuple(Group),
    Departure.Kind.STOP: (*WORKING, Group.POOLS),
    Departure.Kind.OFF_DUTY: WORKING,
    Departure.Kind.AWAY: (*WORKING, Group.DEPUTIES),
}
"""What has to be asked about, by the way in which somebody goes."""


@dataclass(frozen=True)
class Item:
    """One thing that is held. `row` is the handoff, contact, task, colleague stood in for, or policy."""

    group: Group
    row: Any
    name: str
    href: str = ""
    detail: str = ""
    contact: Contact | None = None

    @property
    def key(self) -> str:
        """How a form and the API name it."""
        return f"{self.group.value}-{self.row.pk}"

    @property
    def can_wait(self) -> bool:
        """Whether it may stand in the queue of what waits for capacity: nobody has spoken to the contact yet."""
        return self.group is Group.OFFERED and self.row.contacted_at is None


@dataclass(frozen=True)
class Holdings:
    """All that one person holds which has to be asked about."""

    person: User
    kind: str
    items: tuple[Item, ...]

    @property
    def groups(self) -> list[tuple[Group, list[Item]]]:
        """The groups that have something in them, each with its things."""
        found = [(group, [one for one in self.items if one.group is group]) for group in GROUPS[self.kind]]
        return [(group, items) for group, items in found if items]

    @property
    def fingerprint(self) -> str:
        """Changes when something comes or goes: what was looked at is what is decided upon."""
        said = ",".join(sorted(f"{one.key}:{getattr(one.row, 'state', '')}" for one in self.items))
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def holdings(person: User, *, kind: str, user: User | None) -> Holdings:
    """What `person` holds, as far as `user` may see it (None: the system). As many queries however much it is."""
    found: list[Item] = []
    handoffs = Handoff.objects.all() if user is None else Handoff.objects.visible_to(user)
    contacts = Contact.objects.all() if user is None else Contact.objects.visible_to(user)
    tasks = Task.objects.all() if user is None else Task.objects.visible_to(user)
    offers = {row.handoff_id: row for row in Opportunity.objects.filter(owner=person, state="open")}
    for row in handoffs.open().filter(assignee=person).select_related("contact__company").order_by("id"):
        offer = offers.get(row.pk)
        group = Group.OFFERED if row.state == HandoffState.OFFERED else Group.OFFERS if offer else Group.IN_WORK
        found.append(_of_contact(group, row, row.contact, detail=offer.name if offer else ""))
    for owned in contacts.filter(owner=person, phase=None).select_related("company").order_by("id"):
        found.append(_of_contact(Group.CUSTOMERS, owned, owned))
    asked = GROUPS[kind]
    if Group.POOLS in asked:
        found += [
            Item(Group.POOLS, one, one.rule.name, reverse("routing_edit", args=[one.rule_id]))
            for one in RoutingMember.objects.filter(person=person).select_related("rule").order_by("rule__name", "id")
        ]
    found += _tasks(person, tasks=tasks, known={one.contact.pk for one in found if one.contact})
    if Group.DEPUTIES in asked:
        found += [
            Item(Group.DEPUTIES, one, str(one), reverse("person_edit", args=[one.pk]))
            for one in User.objects.filter(deputy=person, is_active=True).order_by("name", "id")
        ]
    if Group.LADDERS in asked:
        found += [
            Item(Group.LADDERS, one, one.name, reverse("policy_edit", args=[one.pk]))
            for one in Policy.objects.order_by("name", "id")
            if any(step.get("person") == person.pk for step in one.steps)
        ]
    return Holdings(person, kind, tuple(one for one in found if one.group in asked))


def _tasks(person: User, *, tasks: QuerySet[Task], known: Collection[int]) -> list[Item]:
    """What the person means to do with contacts that are not their own; the rest goes where the contact goes."""
    mine = tasks.filter(IS_OPEN, owner=person).exclude(contact__in=among(known))
    return [
        _of_contact(Group.TASKS, row, row.contact, detail=str(row))
        for row in mine.select_related("contact__company", "contact__owner").order_by("due_at", "id")
    ]


def _of_contact(group: Group, row: Any, contact: Contact, *, detail: str = "") -> Item:
    detail = detail or str(contact.company or "")
    return Item(group, row, str(contact), reverse("contact", args=[contact.pk]), detail, contact)


# Who gets it ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decisions:
    """What was chosen: for groups by their code, for single things by their key, where that differs.

    `route` (the rules of routing, then its rotation), `keep` (an absence only), `owner` (of a task's contact),
    `nobody`, or a colleague's address.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)

    def of(self, item: Item, *, kind: str) -> str:
        """What was chosen for a thing; without a word, what stands first, and nothing where that has to be said."""
        return self.items.get(item.key) or self.groups.get(item.group) or default_for(item.group, kind=kind)


def default_for(group: Group, *, kind: str) -> str:
    """What happens to a group of which nothing was said; empty for an absence, where nothing stays by silence."""
    if kind not in FOR_GOOD:
        return ""
    if group is Group.TASKS:
        return OWNER
    return ROUTE if group in SELLING else NOBODY


def ways(group: Group, *, kind: str) -> tuple[str, ...]:
    """What may be chosen for a group beside a colleague."""
    found: tuple[str, ...]
    if group is Group.TASKS:
        found = (OWNER, NOBODY)
    else:
        found = ((ROUTE,) if group in SELLING else ()) + (() if group in OF_LEADS else (NOBODY,))
    return found if kind in FOR_GOOD else (KEEP, *found)


@dataclass(frozen=True)
class Settled:
    """What becomes of one thing: it goes `to` somebody, stays where it is (`is_kept`), or nobody has it.

    While it is `is_undecided`, that has still to be said.
    """

    item: Item
    to: User | None = None
    because: str = ""
    is_override: bool = False
    is_kept: bool = False
    is_undecided: bool = False

    @property
    def is_left(self) -> bool:
        """Whether nobody has it."""
        return self.to is None and not self.is_kept and not self.is_undecided

    @property
    def is_stuck(self) -> bool:
        """Whether somebody has to be named: a lead in work has an owner, always."""
        return self.is_left and self.item.group in OF_LEADS and not self.item.can_wait

    @property
    def is_cancelled(self) -> bool:
        """Whether it is a task that need not be done any more."""
        return self.is_left and self.item.group is Group.TASKS

    @property
    def is_waiting(self) -> bool:
        """Whether it will stand in the queue of what waits for capacity."""
        return self.is_left and self.item.can_wait

    @property
    def is_unowned(self) -> bool:
        """Whether it is a contact that nobody owns from then on."""
        return self.is_left and self.item.group is Group.CUSTOMERS


def settle(held: Holdings, decisions: Decisions, *, at: dt.datetime) -> list[Settled]:
    """What becomes of everything, in the order of `held`: the named first, then whom routing finds for the rest.

    Working hours and the limit of new leads a day are in nobody's way: this is work that goes on, not a lead that came
    in. Raises `Invalid`, naming the thing, for a choice that is not to be had.
    """
    others = [one for one in sellers(at=at) if one.person.pk != held.person.pk]
    for one in others:
        one.is_closed, one.today = False, 0
    found: dict[str, Settled] = {}
    to_route: list[Item] = []
    colleagues = {one.email: one for one in held.person.possible_deputies()} if _asks_colleagues(held) else {}
    for item in held.items:
        chosen = decisions.of(item, kind=held.kind).strip()
        if not chosen:
            found[item.key] = Settled(item, is_undecided=True)
        elif chosen == ROUTE and ROUTE in ways(item.group, kind=held.kind):
            to_route.append(item)
        elif chosen in ways(item.group, kind=held.kind):
            owner = item.row.contact.owner if chosen == OWNER else None
            to = owner if owner and owner.is_active else None
            found[item.key] = Settled(item, to, _("Owns the contact") if to else "", is_kept=chosen == KEEP)
        elif item.group in OF_SELLERS:
            found[item.key] = _to_seller(item, chosen, selling=others)
        else:
            found[item.key] = Settled(item, _colleague(item, chosen, among=colleagues), _("Named by a colleague"))
    for item, choice in _routed(to_route, selling=others, leaver=held.person, at=at):
        found[item.key] = Settled(item, *((choice.assignee, choice.because) if choice else (None, "")))
    return [found[item.key] for item in held.items]


def _asks_colleagues(held: Holdings) -> bool:
    return any(item.group not in OF_SELLERS for item in held.items)


def _routed(
    items: Sequence[Item], *, selling: Sequence[Seller], leaver: User, at: dt.datetime
) -> list[tuple[Item, routing.Choice | None]]:
    """Whom routing finds for each: no turn is counted, since these are no new leads. Customers take nobody's room."""
    leads = [item for item in items if item.group in OF_LEADS]
    customers = [item for item in items if item.group not in OF_LEADS]
    last = {row.contact_id: row for row in _latest([item.row.pk for item in customers])}
    known = [item for item in customers if item.row.pk in last]
    unmet = [Seller(**vars(one) | {"open": 0}) for one in selling]
    found: list[tuple[Item, routing.Choice | None]] = [(item, None) for item in customers if item.row.pk not in last]
    for asked, rows, people in (
        (leads, [item.row for item in leads], selling),
        (known, [last[item.row.pk] for item in known], unmet),
    ):
        if rows:
            desk = routing.Desk(rows, at=at, but_not=[leaver.pk], selling=people)
            found += zip(asked, desk.place_all(rows, is_new=False), strict=True)
    return found


def _latest(contact_ids: Sequence[int]) -> QuerySet[Handoff]:
    """The last handoff of each contact, by which routing knows it."""
    later = Handoff.objects.filter(contact=OuterRef("contact"), pk__gt=OuterRef("pk"))
    rows = Handoff.objects.filter(~Exists(later), contact__in=among(contact_ids))
    return rows.select_related("contact__company", "contact__source")


def _to_seller(item: Item, email: str, *, selling: Sequence[Seller]) -> Settled:
    found = next((one for one in selling if one.person.email == email.lower()), None)
    if found is None:
        text = _("No active salesperson has the address %(email)s.") % {"email": email}
        raise Invalid(text, field=item.key)
    if found.is_refused:
        values = {"name": found.person, "why": found.obstacle.label if found.obstacle else ""}
        raise Invalid(_("%(name)s is %(why)s. Choose somebody else.") % values, field=item.key)
    is_override = item.group in OF_LEADS and not found.room
    if item.group in OF_LEADS:
        found.take()
    return Settled(item, found.person, _("Named by a colleague"), is_override)


def _colleague(item: Item, email: str, *, among: Mapping[str, User]) -> User:
    if item.group is Group.LADDERS:
        found = User.objects.filter(email=email.lower(), is_active=True).first()
    else:
        found = among.get(email.lower())
    if found is None or found == item.row:
        raise Invalid(_("Choose a colleague who sees every contact."), field=item.key)
    return found


@dataclass(frozen=True)
class Share:
    """How much one person gets, and where that takes them."""

    person: User
    gets: int
    of_leads: int
    open_before: int

    @property
    def open_after(self) -> int:
        return self.open_before + self.of_leads

    @property
    def is_beyond(self) -> bool:
        """Whether they will hold more than they were to hold at most."""
        return self.of_leads > 0 and self.open_after > self.person.capacity


def shares(settled: Sequence[Settled]) -> list[Share]:
    """Who gets how much, who gets most first."""
    people = {one.to.pk: one.to for one in settled if one.to}
    all_of = Counter(one.to.pk for one in settled if one.to)
    leads_of = Counter(one.to.pk for one in settled if one.to and one.item.group in OF_LEADS)
    held = Handoff.objects.open().filter(assignee__in=people)
    before = Counter(held.values_list("assignee_id", flat=True))
    found = [Share(people[pk], count, leads_of[pk], before[pk]) for pk, count in all_of.items()]
    return sorted(found, key=lambda share: (-share.gets, str(share.person)))
