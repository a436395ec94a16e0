"""Whom an outbound would take, and how long that takes."""

from __future__ import annotations

import datetime as dt
import math
import zoneinfo
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, QuerySet

from crm.models import User
from leads import segments, stages
from leads.conditions import parse_conditions
from leads.conditions_sql import contact_q
from leads.models import Contact, Handoff, Outbound
from leads.models.contacts import ContactQuerySet


def candidates(outbound: Outbound, *, at: dt.datetime) -> ContactQuerySet:
    """The contacts that it would take at `at`, the hottest first.

    Of the segment, with the date from today to so many days ahead; subscribers and leads, neither disqualified nor
    resting until a day, and not taken by it before.
    """
    rows = Contact.objects.filter(stage__in=stages.PROMOTABLE_STAGES, is_disqualified=False)
    if outbound.segment is not None:
        rows = rows.filter(segments.chosen_by(outbound.segment))
    if outbound.date_attribute:
        today = at.astimezone(zoneinfo.ZoneInfo(outbound.calendar.time_zone)).date()
        until = today + dt.timedelta(days=outbound.within_days or 0)
        near = {
            "field": f"attributes.{outbound.date_attribute}",
            "op": "between",
            "value": [today.isoformat(), until.isoformat()],
        }
        rows = rows.filter(contact_q(parse_conditions([near])))
    taken = outbound.taken.filter(contact=OuterRef("pk"))
    resting = Handoff.objects.filter(contact=OuterRef("pk"), resurface_at__isnull=False)
    rows = rows.filter(~Exists(resting)) if outbound.pk is None else rows.filter(~Exists(taken), ~Exists(resting))
    return rows.order_by(F("score__value").desc(nulls_last=True), "id")


@dataclass(frozen=True)
class Outlook:
    """How it stands: how many it took, how many it would take now, and how many working days these last."""

    outbound: Outbound
    taken: int
    waiting: int

    @property
    def days(self) -> int:
        """Working days until all who are in it now are taken."""
        return math.ceil(self.waiting / self.outbound.per_day)


def outlooks(outbounds: list[Outbound], *, user: User, at: dt.datetime) -> list[Outlook]:
    """How each stands, of the contacts that `user` may see."""
    seen = Contact.objects.visible_to(user).values("id")
    return [
        Outlook(one, one.taken.filter(contact__in=seen).count(), candidates(one, at=at).filter(id__in=seen).count())
        for one in outbounds
    ]


def outbounds() -> QuerySet[Outbound]:
    """All of them with what their page shows."""
    return Outbound.objects.select_related("segment", "campaign", "calendar", "created_by")
