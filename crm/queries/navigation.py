"""The counts beside the entries of the navigation."""

from __future__ import annotations

from django.utils import timezone

from crm.models import Notice, User
from crm.queries import inbox, unnoticed
from leads.models import Handoff, Opportunity
from leads.stages import HandoffState
from sla.models import Timer


def navigation_counts(*, user: User) -> dict[str, int]:
    """How much waits behind each entry for this person, by the `count_key` of `crm.navigation`.

    One counting query for each entry that the person's roles have; for the inbox, whose rows are judged one by one,
    a few, however many rows there are.
    """
    counts = {"alerts": Notice.objects.filter(recipient=user, read_at=None).count()}
    oversees = user.is_manager or user.is_admin
    if user.is_marketer or oversees:
        counts["queue"] = Handoff.objects.visible_to(user).filter(state=HandoffState.IN_REVIEW).count()
    if user.is_salesperson:
        counts["inbox"] = inbox.count_waiting(user, now=timezone.now())
    if oversees:
        counts["sla"] = Timer.objects.visible_to(user).open().count()
        counts["unnoticed"] = sum(unnoticed.counts(user=user, now=timezone.now()).values())
    if user.is_salesperson or oversees:
        counts["opportunities"] = Opportunity.objects.visible_to(user).filter(state=Opportunity.State.OPEN).count()
    return counts
