"""Saved choices of contacts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Segment(models.Model):
    """Contacts chosen by conditions, under a name. Who is in it is asked anew each time: nothing is kept of it."""

    name = models.CharField(_("name"), max_length=100)
    conditions = models.JSONField(_("conditions"), default=list)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="one_segment_a_name"),
            models.CheckConstraint(name="segment_has_a_name", condition=~models.Q(name="")),
            models.CheckConstraint(name="segment_chooses", condition=~models.Q(conditions=[])),
        ]

    def __str__(self) -> str:
        return self.name
