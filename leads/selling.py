"""Who of sales can take a lead at an instant, and what is in the way of the others."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Count, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from crm.models import Role, User
from crm.models.people import OVERFLOW_KINDS
from leads.models import HandoffEvent
from leads.models.handoffs import OPEN
from leads.stages import VerbName

OFFERS = (VerbName.APPROVE, VerbName.OFFER, VerbName.REASSIGN, VerbName.HAND_OVER)
"""The verbs that give somebody a lead that is new to them."""


class Obstacle(TextChoices):
    """Why routing gives somebody nothing now; the first that applies."""

    OFF_DUTY = "off_duty", _("off duty")
    AWAY = "away", _("out of office")
    CLOSED = "closed", _("outside working hours")
    FULL = "full", _("no room for another open lead")
    DAY_FULL = "day_full", _("has had the new leads of today")


@dataclass
class Seller:
    """An active salesperson at an instant: what they hold, what they were given today, and whether they work now.

    A day is one of the person's own time zone; it counts what was offered, also what was passed on since. Routing that
    gives them a lead counts it here.
    """

    person: User
    open: int
    today: int
    is_away: bool
    is_closed: bool

    @property
    def obstacle(self) -> Obstacle | None:
        """Why they get nothing now; None when they can."""
        if not self.person.is_on_duty:
            return Obstacle.OFF_DUTY
        if self.is_away:
            return Obstacle.AWAY
        if self.is_closed:
            return Obstacle.CLOSED
        if not self.room:
            return Obstacle.FULL
        if self.left_today == 0:
            return Obstacle.DAY_FULL
        return None

    @property
    def is_refused(self) -> bool:
        """Whether not even a colleague may name them: off duty, or out of office."""
        return self.obstacle in (Obstacle.OFF_DUTY, Obstacle.AWAY)

    @property
    def room(self) -> int:
        """How many more open leads fit, whether they work now or not."""
        return max(self.person.capacity - self.open, 0)

    @property
    def left_today(self) -> int | None:
        """How many more new ones fit into today; None without a limit."""
        limit = self.person.daily_capacity
        return None if limit is None else max(limit - self.today, 0)

    @property
    def can_take(self) -> int:
        """How many more routing may give now."""
        if self.obstacle is not None:
            return 0
        return self.room if self.left_today is None else min(self.room, self.left_today)

    @property
    def is_in_sales(self) -> bool:
        """Whether they have a part in the rotation of everybody: not of a partner or of customer service."""
        return self.person.team is None or self.person.team.kind not in OVERFLOW_KINDS

    def take(self) -> None:
        """Count a lead that is being given to them."""
        self.open += 1
        self.today += 1


def sellers(*, at: dt.datetime) -> list[Seller]:
    """Every active salesperson at `at`, by name: one query, and another where somebody has a limit a day."""
    people = list(
        User.objects.with_role(Role.SALESPERSON)
        .select_related("team__calendar", "calendar")
        .annotate(open_count=Count("handoffs", filter=Q(handoffs__state__in=OPEN), distinct=True))
    )
    today = _given_today([person for person in people if person.daily_capacity is not None], at=at)
    is_open: dict[int, bool] = {}
    return [
        Seller(
            person=person,
            open=person.open_count,
            today=today.get(person.pk, 0),
            is_away=person.is_away(at),
            is_closed=not _is_working(person, at=at, known=is_open),
        )
        for person in sorted(people, key=lambda person: (person.name.casefold(), person.pk))
    ]


def _is_working(person: User, *, at: dt.datetime, known: dict[int, bool]) -> bool:
    calendar = person.working_time
    if calendar is None:
        return True
    if calendar.pk not in known:
        known[calendar.pk] = calendar.is_open(at)
    return known[calendar.pk]


def _given_today(people: list[User], *, at: dt.datetime) -> dict[int, int]:
    """How many leads each was offered on the day that it is for them; what was undone does not count.

    Also what others gave after `at`: who waited for the lock of routing decides by what is so by then.
    """
    if not people:
        return {}
    by_zone: dict[str, list[int]] = defaultdict(list)
    for person in people:
        by_zone[person.time_zone].append(person.pk)
    days = (Q(assignee__in=ids, at__range=_day(zone, at)) for zone, ids in by_zone.items())
    offered = HandoffEvent.objects.filter(reduce(or_, days), verb__in=OFFERS, undone_at=None)
    counted = offered.values("assignee").annotate(given=Count("handoff", distinct=True)).order_by()
    return dict(counted.values_list("assignee", "given"))


def _day(zone: str, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The first and the last instant of the day that it is in a zone."""
    local = dt.datetime.combine(at.astimezone(zoneinfo.ZoneInfo(zone)), dt.time(), zoneinfo.ZoneInfo(zone))
    return local, local + dt.timedelta(days=1, microseconds=-1)
