"""How much work waits, and how long the oldest of it has waited: what an operator watches."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet

from crm.models import Delivery
from crm.models.notices import DeliveryState
from leads import stages
from leads.models import Handoff
from scoring.models import Score
from sla.models import Milestone, Timer


@dataclass(frozen=True)
class Load:
    """Counts of rows, every state named; lags in seconds: how long the row due first has been due, 0 when none is."""

    deliveries: dict[str, int]
    open_handoffs: dict[str, int]
    open_timers: dict[str, int]
    lags: dict[str, float]


def load(*, at: dt.datetime) -> Load:
    """The load at `at`."""
    return Load(
        deliveries=_count(Delivery.objects.all(), by="state", of=DeliveryState.values),
        open_handoffs=_count(Handoff.objects.open(), by="state", of=[state.value for state in stages.OPEN_STATES]),
        open_timers=_count(Timer.objects.open(), by="milestone", of=Milestone.values),
        lags={
            "deliveries": _lag(Delivery.objects.aggregate(first=Min("next_attempt_at"))["first"], at=at),
            "timers": _lag(Timer.objects.aggregate(first=Min("next_check_at"))["first"], at=at),
            "scores": _lag(Score.objects.aggregate(first=Min("next_check_at"))["first"], at=at),
        },
    )


def _count(rows: QuerySet, *, by: str, of: list[str]) -> dict[str, int]:
    return dict.fromkeys(of, 0) | dict(rows.order_by().values_list(by).annotate(Count("id")))


def _lag(first: dt.datetime | None, *, at: dt.datetime) -> float:
    return 0.0 if first is None else max((at - first).total_seconds(), 0.0)
