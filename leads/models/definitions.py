"""What marketing and sales agreed on."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from leads import words


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


class DefinitionVersion(models.Model):
    """What a word means, from an instant on, by whom. The newest of a word holds; one that has none means what Baton
    came with.
    """

    word = models.CharField(_("word"), max_length=12, choices=list(words.DEFINED.items()))
    number = models.PositiveIntegerField(_("version"))
    text = models.TextField(_("meaning"))
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["word", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["word", "number"], name="definition_version_once_a_word"),
            models.CheckConstraint(name="definition_word_known", condition=Q(word__in=list(words.DEFINED))),
            models.CheckConstraint(name="definition_says_something", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.word}, version {self.number}"
