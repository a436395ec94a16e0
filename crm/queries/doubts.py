"""Handoffs that stand although part of what made them turned out to be a machine's."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F

from leads.models import Handoff


def handoffs_doubted(handoff_ids: Collection[int]) -> dict[int, int]:
    """Of these handoffs, those formed while activities counted that a machine did: how many. One query.

    Such an activity was recorded before the handoff was formed, or with it, and convicted afterwards.
    """
    formed = Handoff.objects.filter(id__in=handoff_ids, cause__in=[Handoff.Cause.THRESHOLD, Handoff.Cause.REQUEST])
    convicted = formed.filter(
        contact__activities__recorded_at__lte=F("formed_at"),
        contact__activities__bot_verdict__at__gte=F("formed_at"),
        contact__activities__bot_verdict__at__gt=F("contact__activities__recorded_at"),
    )
    found: dict[int, int] = {}
    for handoff_id in convicted.values_list("id", flat=True):
        found[handoff_id] = found.get(handoff_id, 0) + 1
    return found
