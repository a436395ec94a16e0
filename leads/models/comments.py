"""What marketing and sales say to each other about a lead, beside what they do with it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from leads.models.handoffs import Handoff

LONGEST_COMMENT = 2000


class HandoffComment(models.Model):
    """A word about one handoff. Never edited and never deleted: who was told of it has read it."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField(_("comment"), max_length=LONGEST_COMMENT)
    mentions = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    # As they stand behind an @ in the text, so that a page sets them apart whoever is called what by then.
    names = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["handoff", "at"])]
        constraints: ClassVar = [
            models.CheckConstraint(name="comment_says_something", condition=~models.Q(text="")),
        ]

    def __str__(self) -> str:
        return f"{self.author_id} on {self.handoff_id}: {self.text[:40]}"
