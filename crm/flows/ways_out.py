"""Nobody goes with something in hand: what every way of going asks first, whoever writes it and wherever."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.errors import Conflict, Invalid
from crm.models import Departure, Role, User
from crm.queries import holdings


class HandOverFirst(Conflict):
    """Somebody holds what has to be decided upon before they go; `kind` is a `Departure.Kind`, `way` where to."""

    def __init__(self, person: User, *, kind: str, count: int) -> None:
        text = ngettext(
            "%(name)s still holds %(count)d thing. Hand it over, or say that it stays, and it is done in one step.",
            "%(name)s still holds %(count)d things. Hand them over, or say that they stay, and it is done in one step.",
            count,
        )
        if kind in holdings.FOR_GOOD:
            text = ngettext(
                "%(name)s still holds %(count)d thing that somebody else has to take. Hand it over first.",
                "%(name)s still holds %(count)d things that somebody else has to take. Hand them over first.",
                count,
            )
        super().__init__(text % {"name": person, "count": count})
        self.kind = kind
        self.way = reverse("api-people-hand-over", args=[person.pk])


def require_nothing_held(person: User, *, kind: str) -> None:
    """Raise `HandOverFirst` where what `person` holds has to be decided upon before they go in this way."""
    held = len(holdings.holdings(person, kind=kind, user=None).items)
    if held:
        raise HandOverFirst(person, kind=kind, count=held)


def way_out(person: User, *, values: dict[str, Any], roles: Sequence[str]) -> str:
    """In what way these values would have a person go, as a `Departure.Kind`; empty when in none.

    Another team is no way out: leads belong to people, and whoever holds one keeps it whatever team they are in.
    """
    if person.is_active and not values.get("is_active", True):
        return Departure.Kind.LEAVE
    if person.is_salesperson and Role.SALESPERSON not in roles:
        return Departure.Kind.STOP
    if person.is_on_duty and not values.get("is_on_duty", True):
        return Departure.Kind.OFF_DUTY
    return ""


# Absences -------------------------------------------------------------------------------------------------------------


def absence_of(person: User, *, first: dt.date, last: dt.date, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """From when to when somebody is away who is so from one day to another, both included. Raises `Invalid`."""
    zone = zoneinfo.ZoneInfo(person.time_zone)
    if last < first:
        raise Invalid(_("The last day is not before the first."), field="away_until")
    until = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=zone)
    if until <= at:
        raise Invalid(_("That is over already. Leave both days empty."), field="away_until")
    return dt.datetime.combine(first, dt.time(), tzinfo=zone), until


def is_away_longer(person: User, *, first: dt.date, last: dt.date, at: dt.datetime) -> bool:
    """Whether these days, both included, have a person away on one that is not known yet: that has to be asked."""
    known = person.days_away(at)
    today = at.astimezone(zoneinfo.ZoneInfo(person.time_zone)).date()
    return known is None or max(first, today) < known[0] or last > known[1]
