"""Leads between two chairs: open handoffs that nobody moves on, and no clock of a person drives."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Min, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from leads.models import Handoff
from leads.stages import HandoffState

if TYPE_CHECKING:
    from crm.models import User


class Chair(TextChoices):
    """How a lead can lie between two chairs."""

    WAITING = "waiting", _("wait for capacity")
    NOBODY = "nobody", _("offered to a team, taken by nobody")
    AWAY = "away", _("whose owner is away")
    NO_CONTACT = "no_contact", _("accepted, not contacted yet")


_SINCE = {
    Chair.WAITING: "reviewed_at",
    Chair.NOBODY: "overflowed_at",
    Chair.AWAY: "offered_at",
    Chair.NO_CONTACT: "answered_at",
}


def lying(chair: str, *, now: dt.datetime) -> Q:
    """The condition on handoffs that says they lie there at `now`."""
    match Chair(chair):
        case Chair.WAITING:
            return Q(state=HandoffState.WAITING)
        case Chair.NOBODY:
            return Q(state=HandoffState.OFFERED, assignee=None)
        case Chair.AWAY:
            is_on_leave = Q(assignee__away_from__lte=now, assignee__away_until__gt=now)
            is_held = Q(state__in=[HandoffState.OFFERED, HandoffState.ACCEPTED])
            return is_held & (Q(assignee__is_on_duty=False) | is_on_leave)
        case Chair.NO_CONTACT:
            return Q(state=HandoffState.ACCEPTED, contacted_at=None)


@dataclass(frozen=True)
class Lying:
    """How many leads lie between two chairs in one way, and since when the oldest."""

    chair: Chair
    count: int
    oldest_at: dt.datetime | None


def all_lying(*, user: User, now: dt.datetime) -> tuple[Lying, ...]:
    """Every way with its count, of the handoffs that `user` may see: one query."""
    meant = {chair: lying(chair, now=now) for chair in Chair}
    counts = {f"{chair.value}_count": Count("pk", filter=meaning) for chair, meaning in meant.items()}
    oldest = {f"{chair.value}_at": Min(_SINCE[chair], filter=meaning) for chair, meaning in meant.items()}
    found = Handoff.objects.visible_to(user).open().order_by().aggregate(**counts, **oldest)
    return tuple(
        Lying(chair=chair, count=found[f"{chair.value}_count"], oldest_at=found[f"{chair.value}_at"]) for chair in Chair
    )
