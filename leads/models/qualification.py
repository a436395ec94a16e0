"""What sales finds out about a contact, and the shared pictures of the kinds of buyers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.contacts import Contact


class Letter(models.TextChoices):
    """The four questions of BANT."""

    BUDGET = "budget", _("Budget")
    AUTHORITY = "authority", _("Authority")
    NEED = "need", _("Need")
    TIMELINE = "timeline", _("Timeline")


class Verdict(models.TextChoices):
    """The answer to one of them; no row means not known."""

    CONFIRMED = "confirmed", _("Confirmed")
    PARTLY = "partly", _("Partly")
    NO = "no", _("No")


class Qualification(models.Model):
    """The verdict on one question for one contact, with its evidence. Timeline carries the day of the decision."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="qualifications")
    letter = models.CharField(_("question"), max_length=10, choices=Letter)
    verdict = models.CharField(_("verdict"), max_length=10, choices=Verdict)
    evidence = models.TextField(_("evidence"), blank=True)
    decide_by_date = models.DateField(_("decides by"), null=True, blank=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["contact", "letter"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "letter"], name="one_verdict_a_question"),
            models.CheckConstraint(
                name="only_timeline_has_a_day",
                condition=models.Q(decide_by_date=None) | models.Q(letter="timeline"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.letter}: {self.verdict}"


class Persona(models.Model):
    """One version of the shared picture of one kind of buyer, with conditions that match contacts to it.

    A version is never edited: a change is a new one, which alone is active. Rules know a persona by its name.
    """

    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(default=1)
    description = models.TextField(_("description"), blank=True)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["name", "-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "version"], name="persona_version_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(is_active=True), name="one_active_version_a_persona"
            ),
        ]

    def __str__(self) -> str:
        return self.name
