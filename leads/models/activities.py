"""What contacts did, and the marketing efforts they met."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from leads import words
from leads.models.contacts import Contact, Source

if TYPE_CHECKING:
    from crm.models import User


class ActivityType(models.Model):
    """A kind of activity. The built-in ones are made by a migration; more can be added."""

    code = models.SlugField(_("code"), max_length=40, primary_key=True)
    name = models.CharField(_("name"), max_length=100)
    direction = models.CharField(_("usual direction"), max_length=8, choices=list(words.DIRECTIONS.items()))
    is_lead_signal = models.BooleanField(_("makes a subscriber a lead"), default=False)
    is_contact_attempt = models.BooleanField(_("a person's attempt to reach the contact"), default=False)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class Campaign(models.Model):
    """A marketing effort with a channel, a cost and a period."""

    name = models.CharField(_("name"), max_length=150, unique=True)
    source = models.ForeignKey(Source, verbose_name=_("channel"), null=True, blank=True, on_delete=models.PROTECT)
    cost = models.DecimalField(_("cost"), max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    start_date = models.DateField(_("starts on"), null=True, blank=True)
    end_date = models.DateField(_("ends on"), null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="campaign_cost_not_negative", condition=Q(cost=None) | Q(cost__gte=0)),
            models.CheckConstraint(
                name="campaign_ends_after_it_starts",
                condition=Q(start_date=None) | Q(end_date=None) | Q(end_date__gte=models.F("start_date")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ActivityQuerySet(models.QuerySet["Activity"]):
    """Activities with row rights."""

    def visible_to(self, user: User) -> ActivityQuerySet:
        """Who sees a contact sees what it did."""
        if user.sees_all_contacts:
            return self
        return self.filter(contact__in=Contact.objects.visible_to(user))


class Activity(models.Model):
    """Something a contact did, or that was done with a contact, at a time. A fact: never edited."""

    # No index but those below: each is written for every activity.
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="activities", db_index=False)
    type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="+", db_index=False)
    direction = models.CharField(max_length=8, choices=list(words.DIRECTIONS.items()))
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    source = models.CharField(max_length=60)
    external_id = models.CharField(max_length=200)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="activities", db_index=False
    )
    properties = models.JSONField(default=dict, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "activities"
        ordering: ClassVar = ["-occurred_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["contact", "-occurred_at"]),
            models.Index(fields=["type"]),
            models.Index(fields=["actor"], condition=Q(actor__isnull=False), name="activity_of_an_actor"),
            models.Index(fields=["campaign"], condition=Q(campaign__isnull=False), name="activity_of_a_campaign"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "external_id"], name="activity_once"),
            models.CheckConstraint(name="activity_direction_known", condition=Q(direction__in=["inbound", "outbound"])),
        ]

    def __str__(self) -> str:
        return f"{self.type_id} {self.source}:{self.external_id}"


class Touch(models.Model):
    """One meeting of a contact and a campaign or channel. All are kept; first and last are derived."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="touches")
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.PROTECT, related_name="touches")
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="touches")
    at = models.DateTimeField()
    activity = models.OneToOneField(Activity, null=True, blank=True, on_delete=models.CASCADE, related_name="touch")

    class Meta:
        verbose_name_plural = "touches"
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["contact", "at"])]
        constraints: ClassVar = [
            models.UniqueConstraint("contact", Coalesce("campaign", 0), Coalesce("source", 0), "at", name="touch_once")
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} met {self.campaign_id or self.source_id}"


class BotVerdict(models.Model):
    """An activity was a machine's: kept, marked and not counted. A fact beside the activity, which stays as it is."""

    activity = models.OneToOneField(Activity, primary_key=True, on_delete=models.CASCADE, related_name="bot_verdict")
    reason = models.CharField(_("reason"), max_length=40)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.activity_id}: {self.reason}"
