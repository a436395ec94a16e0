"""How long before a buyer decides sales talks to them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.window import LeadTime

ONLY = 1
LONGEST = 730


class LeadTimeSetting(models.Model):
    """The lead time in force: one row, or none while the one that Baton comes with holds."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    earliest_days = models.PositiveSmallIntegerField(_("earliest, days before they decide"))
    latest_days = models.PositiveSmallIntegerField(_("latest, days before they decide"))
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="one_lead_time", condition=Q(id=ONLY)),
            models.CheckConstraint(
                name="window_opens_before_it_closes",
                condition=Q(latest_days__lt=F("earliest_days"), earliest_days__lte=LONGEST),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.earliest_days} to {self.latest_days} days before the decision"


def lead_time() -> LeadTime:
    """The lead time in force; one query."""
    row = LeadTimeSetting.objects.filter(id=ONLY).first()
    return LeadTime(earliest_days=row.earliest_days, latest_days=row.latest_days) if row else LeadTime()


def with_lead_time(rows: models.QuerySet) -> models.QuerySet:
    """The same rows with the lead time in force beside each, for who reads them anyway: no query of its own."""
    setting = LeadTimeSetting.objects.filter(id=ONLY)
    return rows.annotate(
        earliest_days=models.Subquery(setting.values("earliest_days")),
        latest_days=models.Subquery(setting.values("latest_days")),
    )


def lead_time_beside(row: Any) -> LeadTime:
    """The lead time that `with_lead_time` put beside a row."""
    if row.earliest_days is None:
        return LeadTime()
    return LeadTime(earliest_days=row.earliest_days, latest_days=row.latest_days)
