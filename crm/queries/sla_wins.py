"""How many were won, by how soon somebody got in touch: the reaction time, from formed to first contact."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q, TextChoices
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from crm.proportions import wilson_interval
from crm.share_charts import Band
from leads.models import Handoff, Opportunity
from leads.models.handoffs import OPEN

if TYPE_CHECKING:
    from crm.models import User
    from crm.queries.sla_period import Period


class Response(TextChoices):
    """How soon after it was formed a handoff was contacted, in calendar time: that is how long a buyer waits."""

    FIVE_MINUTES = "5m", _("within 5 min")
    HOUR = "1h", _("5 min to 1 h")
    FOUR_HOURS = "4h", _("1 to 4 h")
    DAY = "1d", _("4 h to 1 day")
    THREE_DAYS = "3d", _("1 to 3 days")
    LATER = "later", _("later")
    NEVER = "never", _("never")


class Result(TextChoices):
    """What came of a handoff."""

    WON = "won", _("Won")
    UNDECIDED = "undecided", _("Undecided")


_UP_TO = {
    Response.FIVE_MINUTES: dt.timedelta(minutes=5),
    Response.HOUR: dt.timedelta(hours=1),
    Response.FOUR_HOURS: dt.timedelta(hours=4),
    Response.DAY: dt.timedelta(days=1),
    Response.THREE_DAYS: dt.timedelta(days=3),
}


def answered(response: str) -> Q:
    """Handoffs of marketing's that were offered to sales and contacted so soon, or ended without having been."""
    handed_over = Q(offered_at__isnull=False) & ~Q(cause__in=Handoff.BY_SALES)
    if response == Response.NEVER:
        return handed_over & Q(contacted_at=None) & ~Q(state__in=OPEN)
    steps = list(_UP_TO)
    place = steps.index(Response(response)) if response in _UP_TO else len(steps)
    found = handed_over & Q(contacted_at__isnull=False)
    if place:
        found &= Q(contacted_at__gt=F("formed_at") + _UP_TO[steps[place - 1]])
    if place < len(steps):
        found &= Q(contacted_at__lte=F("formed_at") + _UP_TO[steps[place]])
    return found


def resulted(result: str) -> Q:
    """Handoffs that ended in a sale, or have not ended."""
    if result == Result.UNDECIDED:
        return Q(state__in=OPEN)
    return Q(Exists(Opportunity.objects.filter(handoff=OuterRef("pk"), state=Opportunity.State.WON)))


def bands(*, user: User, period: Period) -> tuple[Band, ...]:
    """The handoffs formed in a period that `user` may see, by how soon they were contacted: one query."""
    from crm.queries.timers import on_days  # a list of handoffs reads both

    found = Handoff.objects.visible_to(user).filter(on_days("formed_at", period.since, period.until)).order_by()
    found = found.annotate(is_won=resulted(Result.WON))
    asked = {}
    for one in Response:
        asked[f"of_{one.value}"] = Count("pk", filter=answered(one))
        asked[f"won_{one.value}"] = Count("pk", filter=answered(one) & Q(is_won=True))
        asked[f"open_{one.value}"] = Count("pk", filter=answered(one) & resulted(Result.UNDECIDED))
    counts = found.aggregate(**asked)
    return tuple(_band(one, counts, period) for one in Response)


def _band(response: Response, counts: dict[str, int], period: Period) -> Band:
    of, won = counts[f"of_{response.value}"], counts[f"won_{response.value}"]
    low, high = wilson_interval(hits=won, of=of) if of else (None, None)
    return Band(
        name=str(response.label),
        of=of,
        of_href=_address(period, response),
        won=won,
        won_href=_address(period, response, result=Result.WON),
        open=counts[f"open_{response.value}"],
        open_href=_address(period, response, result=Result.UNDECIDED),
        low=low,
        high=high,
    )


def _address(period: Period, response: Response, **more: str) -> str:
    asked = {
        "response": response.value,
        "by": "formed",
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        **more,
    }
    return f"{reverse('handoffs')}?{urlencode(asked)}"
