"""Somebody goes, for good or for a while, and what they held goes on with others."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Departure(models.Model):
    """One hand-over of what a person held: who went how, who saw to it, and how much went to whom."""

    class Kind(models.TextChoices):
        """In what way somebody goes."""

        LEAVE = "leave", _("Leaves: not active any more")
        STOP = "stop_selling", _("Sells no longer")
        OFF_DUTY = "off_duty", _("Off duty")
        AWAY = "away", _("Out of office")

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="departures")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    moved = models.JSONField(default=list)
    """Each thing that went on, as `{"group", "key", "label", "to", "because"}`; `to` is null for what nobody took."""
    kept = models.JSONField(default=list)
    """Each thing that stays by choice, as `{"group", "key", "label", "due_at"}`: when of it the first falls due."""

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["person", "-at"], name="departure_of_person")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="departure_of_a_known_kind",
                condition=models.Q(kind__in=["leave", "stop_selling", "off_duty", "away"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.person_id}"
