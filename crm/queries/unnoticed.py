"""What nobody would notice by themselves: leads that no clock and no person moves on, and salespeople without leads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, TextChoices
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from crm.faces import OpenHours
from crm.models import Role, User
from crm.queries import chairs, handoffs
from crm.queries.chairs import Chair
from crm.queries.handoffs import HandoffRow
from leads.models import Contact, Handoff, Task
from leads.models.handoffs import OPEN
from leads.selling import Seller
from leads.selling import sellers as everybody
from leads.stages import HandoffState
from sla.models import Milestone, Pause, Timer

PROMISES = (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)


class Kind(TextChoices):
    """Why somebody should look at it."""

    NOBODY = "nobody", _("Nobody owns")
    AWAY = "away", _("Owner away")
    WAITING = "waiting", _("Wait too long")
    NO_STEP = "no_step", _("No next step")
    UNOWNED = "unowned", _("Unowned customers")
    IDLE = "idle", _("Salespeople without leads")


OF_LEADS = (Kind.NOBODY, Kind.AWAY, Kind.WAITING, Kind.NO_STEP)
SINCE = {
    Kind.NOBODY: Coalesce("overflowed_at", "reviewed_at", "formed_at"),
    Kind.AWAY: Coalesce("offered_at", "formed_at"),
    Kind.WAITING: Coalesce("answered_at", "offered_at", "formed_at"),
    Kind.NO_STEP: Coalesce("contacted_at", "answered_at", "formed_at"),
}


@dataclass(frozen=True)
class Row:
    """One lead of a list."""

    of: HandoffRow
    since: dt.datetime

    @property
    def handoff(self) -> Handoff:
        return self.of.handoff

    @property
    def away(self) -> User | None:
        """The owner who can be set on duty again."""
        owner = self.handoff.assignee
        return owner if owner and not owner.is_on_duty else None


@dataclass(frozen=True)
class Rows:
    """The leads of a page, and the open hours in which their clocks count."""

    rows: tuple[Row, ...]
    hours: tuple[OpenHours, ...]


def _meaning(kind: Kind, *, now: dt.datetime) -> Q:
    """The condition on handoffs that came from `_open`; each stands in one kind at most."""
    if kind is Kind.NOBODY:
        return chairs.lying(Chair.WAITING, now=now) | chairs.lying(Chair.NOBODY, now=now)
    if kind is Kind.AWAY:
        return chairs.lying(Chair.AWAY, now=now)
    is_held = Q(assignee__isnull=False) & ~chairs.lying(Chair.AWAY, now=now)
    if kind is Kind.WAITING:
        return (Q(state=HandoffState.IN_REVIEW) | is_held) & Q(is_missed=True)
    is_in_work = Q(state=HandoffState.ACCEPTED, contacted_at__isnull=False) & is_held
    return is_in_work & Q(is_missed=False, is_paused=False) & Q(has_step=False)


def _open(user: User, *, now: dt.datetime) -> QuerySet[Handoff]:
    missed = Timer.objects.open().filter(handoff=OuterRef("pk"), milestone__in=PROMISES, due_at__lt=now)
    paused = Pause.objects.filter(handoff=OuterRef("pk"), starts_at__lte=now, ends_at__gt=now)
    # The day of a next step may have come: then it stands in the inbox of the owner until somebody acts.
    steps = Task.objects.open().filter(contact=OuterRef("contact"), owner=OuterRef("assignee"))
    found = Handoff.objects.visible_to(user).open()
    return found.annotate(is_missed=Exists(missed), is_paused=Exists(paused), has_step=Exists(steps))


def all_leads(*, user: User, now: dt.datetime) -> QuerySet[Handoff]:
    """The leads of every kind that `user` may see, in no order."""
    return _open(user, now=now).filter(reduce(or_, (_meaning(kind, now=now) for kind in OF_LEADS))).order_by()


def leads(kind: Kind, *, user: User, now: dt.datetime) -> QuerySet[Handoff]:
    """The leads of one kind that `user` may see, those that wait longest first."""
    found = _open(user, now=now).filter(_meaning(kind, now=now)).annotate(waits_since=SINCE[kind])
    return found.select_related("contact__company", "assignee", "team", "reason").order_by("waits_since", "pk")


def idle() -> QuerySet[User]:
    """Salespeople on duty who hold no open handoff, by name."""
    held = Handoff.objects.filter(assignee=OuterRef("pk"), state__in=OPEN)
    people = User.objects.with_role(Role.SALESPERSON).filter(is_on_duty=True)
    return people.filter(~Exists(held)).select_related("team").order_by("name", "id")


def unowned(*, user: User) -> QuerySet[Contact]:
    """Customers whom nobody owns, such as those that nobody took over when their owner left; the longest one first."""
    found = Contact.objects.visible_to(user).filter(stage="customer", owner=None, is_disqualified=False)
    return found.select_related("company").order_by("stage_at", "id")


def counts(*, user: User, now: dt.datetime) -> dict[Kind, int]:
    """How many rows each kind has for `user`, but for the unowned, who are no leads: two queries."""
    asked = {kind.value: Count("pk", filter=_meaning(kind, now=now)) for kind in OF_LEADS}
    found = _open(user, now=now).order_by().aggregate(**asked)
    return {kind: found[kind.value] for kind in OF_LEADS} | {Kind.IDLE: idle().count()}


def rows_of(found: list[Handoff], *, now: dt.datetime) -> Rows:
    """The rows of a page of `leads`: two queries."""
    drawn = handoffs.rows_of(found, now=now)
    return Rows(
        rows=tuple(Row(row, row.handoff.waits_since) for row in drawn.rows),  # type: ignore[attr-defined]
        hours=drawn.hours,
    )


def sellers(*, now: dt.datetime) -> list[Seller]:
    """Those to whom a lead can be given, by name."""
    return [one for one in everybody(at=now) if not one.is_refused]


def next_waiting(*, user: User) -> Handoff | None:
    """The lead that waits longest for somebody in sales; None when none does."""
    return Handoff.objects.visible_to(user).filter(state=HandoffState.WAITING).order_by("reviewed_at", "id").first()
