"""Who was found through whom: the person without a say pointed to the one who has it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from leads.models.contacts import Contact
from leads.models.handoffs import Handoff


class Referral(models.Model):
    """One contact found through another, with the handoff that went on with them."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="found_through")
    through = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="led_to")
    handoff = models.OneToOneField(Handoff, on_delete=models.CASCADE, related_name="referral")
    """The new one; its `previous` is the one that ended with the wrong person."""
    comment = models.TextField(_("what they said"), blank=True)
    is_new = models.BooleanField(_("entered with it"), default=False)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="nobody_is_found_through_themselves", condition=~Q(contact=F("through")))
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} through {self.through_id}"
