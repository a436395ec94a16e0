"""Where programs and chat rooms are told of what people are told."""

from __future__ import annotations

import base64
import secrets
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with by the convention of Standard Webhooks
SECRET_BYTES = 32


def new_secret() -> str:
    """A key for signatures that nobody can guess."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


class WebhookForm(models.TextChoices):
    """In which form a webhook is told."""

    GENERIC = "generic", _("A program (JSON, signed)")
    SLACK = "slack", _("Slack")
    TEAMS = "teams", _("Microsoft Teams (Workflows)")
    MATTERMOST = "mattermost", _("Mattermost")


class Webhook(models.Model):
    """An address that is told of the notices of some kinds, each happening once, however many people are told.

    `failures` counts failed tries in a row, `failing_since` when the first of them was; both end with a success.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    url = models.CharField(_("address"), max_length=2000)
    form = models.CharField(_("form"), max_length=12, choices=WebhookForm, default=WebhookForm.GENERIC)
    kinds = models.JSONField(_("notices"), default=list)
    secret = models.CharField(_("secret"), max_length=100, default=new_secret)
    is_active = models.BooleanField(_("active"), default=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    off_reason = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="webhook_off_has_a_reason",
                condition=models.Q(off_at=None, off_reason="")
                | (models.Q(is_active=False, off_at__isnull=False) & ~models.Q(off_reason="")),
            ),
            models.CheckConstraint(
                name="webhook_failing_since_its_first_failure",
                condition=models.Q(failures=0, failing_since=None)
                | models.Q(failures__gt=0, failing_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name
