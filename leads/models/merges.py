"""Contacts that turned out to be one person."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.contacts import Contact


class Merge(models.Model):
    """One contact that went into another: leads its old number there, and keeps what it was."""

    merged_id = models.BigIntegerField(unique=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="merges")
    name = models.CharField(max_length=254)
    fields = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.merged_id} went into {self.contact_id}"


class ContactAddress(models.Model):
    """A further e-mail address by which a contact is known. The main one is the contact's own column."""

    email = models.EmailField(_("e-mail"), unique=True)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="addresses")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "contact addresses"
        ordering: ClassVar = ["email"]

    def __str__(self) -> str:
        return self.email
