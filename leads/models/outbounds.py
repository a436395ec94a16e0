"""Outbound: contacts of a segment, or with a date that comes near, become leads of a campaign, so many a day."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from leads.models.activities import Campaign
from leads.models.contacts import Contact
from leads.models.handoffs import Handoff
from leads.models.segments import Segment


class OutboundThen(models.TextChoices):
    """What becomes of who is taken."""

    LEAD = "lead", _("Leads of the campaign")
    REVIEW = "review", _("Handoffs, by the hand-over rule")


class Outbound(models.Model):
    """What a person set up and Baton does: whom it takes is asked anew each day, and each contact is taken once."""

    class State(models.TextChoices):
        """Whether it takes anybody."""

        PAUSED = "paused", _("Paused")
        RUNNING = "running", _("Running")
        ENDED = "ended", _("Ended")

    name = models.CharField(_("name"), max_length=100)
    segment = models.ForeignKey(
        Segment,
        verbose_name=_("segment"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="outbounds",
    )
    date_attribute = models.CharField(_("attribute with a date"), max_length=100, blank=True)
    within_days = models.PositiveSmallIntegerField(_("days before it"), null=True, blank=True)
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="outbounds"
    )
    then = models.CharField(_("what becomes of them"), max_length=6, choices=OutboundThen, default=OutboundThen.REVIEW)
    per_day = models.PositiveSmallIntegerField(_("at most a working day"), default=10)
    calendar = models.ForeignKey(
        "sla.Calendar", verbose_name=_("working days of"), on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.PAUSED)
    next_check_at = models.DateTimeField(null=True, blank=True)
    taken_date = models.DateField(null=True, blank=True)
    taken_that_day = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="outbound_due"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="one_outbound_a_name"),
            models.CheckConstraint(
                name="outbound_chooses",
                condition=Q(segment__isnull=False) | (~Q(date_attribute="") & Q(within_days__isnull=False)),
            ),
            models.CheckConstraint(
                name="outbound_date_has_days",
                condition=Q(date_attribute="", within_days=None)
                | (~Q(date_attribute="") & Q(within_days__isnull=False)),
            ),
            models.CheckConstraint(name="outbound_takes_one_a_day_at_least", condition=Q(per_day__gt=0)),
            models.CheckConstraint(
                name="outbound_is_looked_at_while_it_runs",
                condition=Q(state="running", next_check_at__isnull=False)
                | Q(state__in=["paused", "ended"], next_check_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class OutboundContact(models.Model):
    """A contact that was taken, once; with the handoff that it opened."""

    outbound = models.ForeignKey(Outbound, db_index=False, on_delete=models.CASCADE, related_name="taken")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="outbounds")
    handoff = models.ForeignKey(Handoff, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["outbound", "contact"], name="contact_once_an_outbound"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} by {self.outbound_id}"
