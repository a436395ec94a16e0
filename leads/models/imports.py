"""One import of a file, as a background job whose state is a row."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.activities import Campaign
from leads.models.contacts import Contact


class ImportState(models.TextChoices):
    """Where an import stands."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Import(models.Model):
    """A file of contacts. `rows_done` says where to go on after a crash."""

    file = models.FileField(_("file"), upload_to="imports/")
    file_name = models.CharField(max_length=200)
    checksum = models.CharField(max_length=64)
    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT)
    is_history = models.BooleanField(_("history: start no clock and tell nobody"), default=True)
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.QUEUED)
    rows = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    touched = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    refused_file = models.FileField(upload_to="imports/", blank=True)
    error = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.file_name


class ImportedContact(models.Model):
    """One contact of an import: created by it, touched by a row that found its address known, or both in turn."""

    job = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="contacts")
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="imports")
    is_created = models.BooleanField()
    is_touched = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "contact"], name="contact_once_an_import"),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} by import {self.job_id}"
