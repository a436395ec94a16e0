"""The counts beside the entries of the navigation."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import IntegerField, QuerySet, Subquery
from django.utils import timezone

from crm.models import Notice, User
from crm.queries import to_do, unnoticed
from leads.models import Handoff, Opportunity
from leads.stages import HandoffState
from sla.models import Timer


class CountOf(Subquery):
    """How many rows a query has, as a value of another query."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def navigation_counts(*, user: User) -> dict[str, int]:
    """How much waits behind each entry for this person, by the `count_key` of `crm.navigation`.

    One query for what is only counted, and a few for the inbox, whose rows are judged, however many there are.
    """
    now = timezone.now()
    counted: dict[str, QuerySet] = {"alerts": Notice.objects.filter(recipient=user, read_at=None)}
    oversees = user.is_manager or user.is_admin
    if user.is_marketer or oversees:
        counted["queue"] = Handoff.objects.visible_to(user).filter(state=HandoffState.IN_REVIEW)
    if oversees:
        counted["sla"] = Timer.objects.visible_to(user).open()
        counted |= {
            "unnoticed": unnoticed.all_leads(user=user, now=now),
            "unowned": unnoticed.unowned(user=user),
            "idle": unnoticed.idle(),
        }
    if user.is_salesperson or oversees:
        counted["opportunities"] = Opportunity.objects.visible_to(user).filter(state=Opportunity.State.OPEN)
    asked = {f"{name}_count": CountOf(rows.order_by().values("pk")) for name, rows in counted.items()}
    found: Mapping[str, int] = User.objects.filter(pk=user.pk).values(**asked).get()  # type: ignore[assignment]
    counts = {name: found[f"{name}_count"] for name in counted}
    if user.is_salesperson:
        counts["inbox"] = to_do.count_waiting(user, now=now)
    if oversees:
        counts["unnoticed"] += counts.pop("idle") + counts.pop("unowned")
    return counts
