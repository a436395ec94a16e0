"""What people must be told, and each sending of it."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class NoticeKind(models.TextChoices):
    """What a notice is about. The kinds of a timer's ladder are called alerts."""

    WARN = "warn", _("Due soon")
    BREACH = "breach", _("Missed")
    ESCALATE = "escalate", _("Missed by somebody else")
    OFFERED = "offered", _("A lead for you")
    REASSIGNED = "reassigned", _("A lead moved to you")
    MOVED_AWAY = "moved_away", _("A lead moved on")
    STUCK = "stuck", _("A lead is stuck")
    REJECTED = "rejected", _("Rejected by sales")
    RETURNED = "returned", _("Returned to nurturing")
    ACTIVE_AGAIN = "active_again", _("Active again")
    RESURFACED = "resurfaced", _("Came back")
    CASE_STUDY = "case_study", _("A happy customer")
    MERGED = "merged", _("Merged with another contact")
    MENTIONED = "mentioned", _("Somebody asks you")
    REPORT = "report", _("Report of promises")
    WEBHOOK_OFF = "webhook_off", _("A webhook was switched off")
    HANDED_OVER = "handed_over", _("A colleague’s work handed over")
    DEPARTED = "departed", _("Somebody leaves or is away")


PERSONAL_KINDS = (NoticeKind.REPORT, NoticeKind.WEBHOOK_OFF, NoticeKind.HANDED_OVER)
"""What is about no single lead, and for its recipient alone."""
WEBHOOK_KINDS = tuple(kind for kind in NoticeKind if kind not in PERSONAL_KINDS)
"""What a webhook may be told of: everything about leads."""
ALWAYS_IN_BELL = (NoticeKind.BREACH, NoticeKind.ESCALATE)
"""What nobody can choose not to see."""
ALERT_KINDS = (NoticeKind.WARN, NoticeKind.BREACH, NoticeKind.ESCALATE)


class Notice(models.Model):
    """Something one person must be told, once. Words are made when read, in the reader's language."""

    kind = models.CharField(max_length=20, choices=NoticeKind)
    dedup_key = models.CharField(max_length=200)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_index=False, on_delete=models.CASCADE, related_name="notices"
    )
    timer = models.ForeignKey("sla.Timer", null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    step = models.PositiveSmallIntegerField(null=True, blank=True)
    handoff = models.ForeignKey(
        "leads.Handoff", null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    contact = models.ForeignKey(
        "leads.Contact", null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    params = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["recipient"], condition=models.Q(read_at=None), name="notice_unread"),
            models.Index(fields=["recipient", "-created_at"], name="notice_by_recipient"),
        ]
        constraints: ClassVar = [
            # Not `unique=True`, which makes a second index for LIKE on PostgreSQL.
            models.UniqueConstraint(fields=["dedup_key"], name="notice_once"),
            models.CheckConstraint(
                name="alert_has_a_timer_and_a_step",
                condition=~models.Q(kind__in=ALERT_KINDS) | models.Q(timer__isnull=False, step__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.dedup_key


class Channel(models.TextChoices):
    """How a notice reaches somebody. The bell reads notices themselves; the others have a delivery."""

    BELL = "bell", _("In Baton")

    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


class OptOut(models.Model):
    """One kind of notice that a person does not want to get over one channel; what has no row here, they want."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="opt_outs")
    kind = models.CharField(max_length=20, choices=NoticeKind)
    channel = models.CharField(max_length=10, choices=Channel)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="opt_out_once"),
            models.CheckConstraint(
                name="opt_out_of_what_may_be_chosen",
                condition=models.Q(channel="email") | (models.Q(channel="bell") & ~models.Q(kind__in=ALWAYS_IN_BELL)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: no {self.kind} by {self.channel}"


class DeliveryState(models.TextChoices):
    """Where one sending stands."""

    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    RETRY = "retry", _("Trying again")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("No longer true")
    GROUPED = "grouped", _("In a digest")


class Delivery(models.Model):
    """One sending over one channel, to a person or to a webhook: of a notice, or of a digest of several.

    A digest has no notice of its own; the deliveries in it point to it, and are over when it is.

    `next_attempt_at` is the lease as well: a worker that takes the row moves it ahead, so that the row of a
    worker that died falls due again by itself. `attempts` counts sendings that came to an end, `leases_lost` the
    workers that died with the row.
    """

    notice = models.ForeignKey(
        Notice, null=True, blank=True, db_index=False, on_delete=models.CASCADE, related_name="deliveries"
    )
    digest = models.ForeignKey(
        "self", null=True, blank=True, db_index=False, on_delete=models.CASCADE, related_name="members"
    )
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    webhook = models.ForeignKey(
        "crm.Webhook", null=True, blank=True, db_index=False, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(max_length=10, choices=Channel)
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.QUEUED)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leases_lost = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="delivery_due",
            ),
            models.Index(fields=["sent_at"], condition=models.Q(sent_at__isnull=False), name="delivery_sent"),
            # Most are mails to one person, in no digest: the indexes of the others do not know them.
            models.Index(fields=["digest"], condition=models.Q(digest__isnull=False), name="delivery_in_a_digest"),
            models.Index(fields=["webhook"], condition=models.Q(webhook__isnull=False), name="delivery_to_a_webhook"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["notice", "recipient", "channel"], name="delivery_once_a_channel"),
            models.UniqueConstraint(
                fields=["notice", "webhook"],
                condition=models.Q(webhook__isnull=False),
                name="delivery_once_a_webhook",
            ),
            models.CheckConstraint(
                name="delivery_to_a_person_or_a_webhook",
                condition=models.Q(channel="email", recipient__isnull=False, webhook=None)
                | models.Q(channel="webhook", recipient=None, webhook__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_in_a_digest_points_to_it",
                condition=models.Q(state="grouped", digest__isnull=False, notice__isnull=False)
                | (~models.Q(state="grouped") & models.Q(digest=None)),
            ),
            models.CheckConstraint(
                name="delivery_waits_or_is_over",
                condition=models.Q(state__in=["sent", "failed", "skipped", "grouped"], next_attempt_at=None)
                | models.Q(state__in=["queued", "sending", "retry"], next_attempt_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.message_id}"

    @property
    def message_id(self) -> str:
        """The row's own, the same at every try, so that what is sent twice after a crash is recognized as one."""
        host = urlsplit(settings.SITE_URL).hostname or "localhost"
        return f"<{self.channel}.{self.pk}.{self.created_at.astimezone(dt.UTC):%Y%m%d%H%M%S}@{host}>"
