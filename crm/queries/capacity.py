"""How many leads sales can take."""

from __future__ import annotations

import datetime as dt

from django.db.models import Avg, DurationField, ExpressionWrapper, F, Sum

from crm.models import Role, User
from crm.statistics import SMALLEST_SAMPLE
from leads.models import Handoff

OBSERVED = dt.timedelta(days=90)
WEEK = dt.timedelta(days=7)


def weekly_capacity(*, at: dt.datetime) -> float | None:
    """How many handoffs a week salespeople can take at `at`, None where too few have ended to tell.

    Little's law (L = λ · W: what is at hand is the rate of arrival times the time each stays), solved for the rate:
    the handoffs that active salespeople on duty hold at most together, divided by the weeks that a handoff stayed with
    them on average, from its offer to its end, among those that ended within the last 90 days.
    """
    people = User.objects.with_role(Role.SALESPERSON).filter(is_on_duty=True)
    room = people.aggregate(room=Sum("capacity"))["room"] or 0
    stay = ExpressionWrapper(F("ended_at") - F("offered_at"), output_field=DurationField())
    ended = Handoff.objects.filter(offered_at__isnull=False, ended_at__gt=at - OBSERVED, ended_at__lte=at)
    if ended.count() < SMALLEST_SAMPLE:
        return None
    average = ended.aggregate(average=Avg(stay))["average"]
    return room / (average / WEEK) if average else None
