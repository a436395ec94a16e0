"""Filters that people keep under a name."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class FilteredPage(models.TextChoices):
    """The pages whose filters can be kept."""

    QUEUE = "queue", _("Queue")


class SavedFilter(models.Model):
    """What one person narrows a page down to, under a name. `query` is the end of the page's address."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_index=False, on_delete=models.CASCADE, related_name="saved_filters"
    )
    page = models.CharField(_("page"), max_length=20, choices=FilteredPage)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("filter"), max_length=500)
    position = models.IntegerField(_("position"), default=0)
    is_shared = models.BooleanField(_("for everybody who sees the page"), default=False)
    is_default = models.BooleanField(_("what the page opens with"), default=False)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint("user", "page", Lower("name"), name="saved_filter_once_a_name"),
            models.UniqueConstraint(
                fields=["user", "page"], condition=Q(is_default=True), name="one_default_filter_a_page"
            ),
            models.CheckConstraint(name="saved_filter_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="saved_filter_narrows", condition=~Q(query="")),
        ]

    def __str__(self) -> str:
        return self.name
