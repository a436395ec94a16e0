"""The filters that a person finds above a list: their own, then those that others share."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from crm.models import SavedFilter, User


@dataclass(frozen=True)
class Kept:
    """One filter, whether it is the reader's own, and whether the list is narrowed down by it now."""

    row: SavedFilter
    is_own: bool
    is_current: bool


def kept(user: User, page: str, *, query: str = "") -> tuple[Kept, ...]:
    """The filters of a page that `user` may use, their own first; one query."""
    rows = SavedFilter.objects.filter(Q(user=user) | Q(is_shared=True), page=page, user__is_active=True)
    found = [Kept(row, row.user_id == user.pk, row.query == query) for row in rows.select_related("user")]
    return tuple(sorted(found, key=lambda one: not one.is_own))


def default_query(user: User, page: str) -> str:
    """What the page opens with for `user`; "" where it opens with everything."""
    rows = SavedFilter.objects.filter(user=user, page=page, is_default=True)
    return rows.values_list("query", flat=True).first() or ""
