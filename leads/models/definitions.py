"""What marketing and sales agreed on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class HandoverRule(models.Model):
    """Whether an MQL is passed straight to sales. Of the active rules, in order, the first whose conditions all hold
    says so; where none does, marketing reviews it first.
    """

    name = models.CharField(_("name"), max_length=100)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    is_straight = models.BooleanField(_("straight to sales"), default=False)
    position = models.IntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        # Of two at the same position the newer comes first: it was put there on purpose.
        ordering: ClassVar = ["position", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("name"), name="one_handover_rule_a_name"),
            models.CheckConstraint(name="handover_rule_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
