"""Handoffs that stand although part of what made them turned out to be a machine's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.bots import AGENT, GATEWAY, HEAD
from leads.models import Activity, Handoff

FORMED_BY_SCORE = (Handoff.Cause.THRESHOLD, Handoff.Cause.REQUEST)
MACHINES = {
    GATEWAY: gettext_lazy("a mail gateway, which follows every link at once"),
    AGENT: gettext_lazy("a program that names itself"),
    HEAD: gettext_lazy("a program that only looked whether the page is there"),
}


@dataclass(frozen=True)
class Doubt:
    """What a handoff rested on that was a machine's: how many activities, which, and what machine did them."""

    count: int
    what: str
    machines: str

    @property
    def sentence(self) -> str:
        """The doubt for somebody who is to decide."""
        return _("When it crossed, %(what)s counted, which turned out to be the doing of %(machines)s.") % {
            "what": self.what,
            "machines": self.machines,
        }


def only_doubted(handoffs: QuerySet[Handoff]) -> QuerySet[Handoff]:
    """Those of the handoffs for which `doubts_of` has something to say."""
    convicted = Activity.objects.filter(
        contact=OuterRef("contact"),
        recorded_at__lte=OuterRef("formed_at"),
        bot_verdict__at__gte=OuterRef("formed_at"),
        bot_verdict__at__gt=F("recorded_at"),
    )
    return handoffs.filter(Exists(convicted), cause__in=FORMED_BY_SCORE)


def doubts_of(handoff_ids: Collection[int]) -> dict[int, Doubt]:
    """Of these handoffs, those formed while activities counted that a machine did. One query.

    Such an activity was recorded before the handoff was formed, or with it, and convicted afterwards.
    """
    convicted = Handoff.objects.filter(
        id__in=handoff_ids,
        cause__in=FORMED_BY_SCORE,
        contact__activities__recorded_at__lte=F("formed_at"),
        contact__activities__bot_verdict__at__gte=F("formed_at"),
        contact__activities__bot_verdict__at__gt=F("contact__activities__recorded_at"),
    )
    rows = convicted.order_by().values_list(
        "id", "contact__activities__type__name", "contact__activities__bot_verdict__reason"
    )
    found: dict[int, list[tuple[str, str, int]]] = {}
    for handoff_id, kind, reason, count in rows.annotate(Count("contact__activities")):
        found.setdefault(handoff_id, []).append((kind, reason, count))
    return {handoff_id: _doubt(sorted(parts)) for handoff_id, parts in found.items()}


def _doubt(parts: list[tuple[str, str, int]]) -> Doubt:
    by_kind: dict[str, int] = {}
    for kind, _reason, count in parts:
        by_kind[kind] = by_kind.get(kind, 0) + count
    reasons = dict.fromkeys(reason for _kind, reason, _count in parts)
    return Doubt(
        count=sum(by_kind.values()),
        what=", ".join(f"“{kind}” × {count}" for kind, count in by_kind.items()),
        machines=_(" and ").join(str(MACHINES.get(reason, reason)) for reason in reasons),
    )
