"""Keeping filters under a name. What a person keeps is theirs alone to change, also where others may use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid, NotFound
from crm.models import SavedFilter

if TYPE_CHECKING:
    from crm.models import User

MOST, LONGEST_NAME = 20, 60


@transaction.atomic
def save_filter(*, user: User, page: str, query: str, values: Mapping[str, Any]) -> SavedFilter:
    """Keep `query` of a page under a name; one of one's own of that name is replaced.

    `values`: `name`, `is_shared`, `is_default`. Raises `Invalid`, and `Conflict` where there are `MOST` already.
    """
    if not query:
        raise Invalid(_("Choose a filter first, then keep it."), field="name")
    own = list(_own(user, page))
    name = _name(values)
    found = next((row for row in own if row.name.casefold() == name.casefold()), None)
    if found is None and len(own) >= MOST:
        raise Conflict(_("You keep %(most)d filters already. Remove one first.") % {"most": MOST})
    position = max((row.position for row in own), default=-1) + 1
    row = found or SavedFilter(user=user, page=page, position=position)
    row.query = query
    return _write(row, values)


@transaction.atomic
def edit_filter(*, user: User, filter_id: int, values: Mapping[str, Any]) -> SavedFilter:
    """Rename one of one's own, share it or open the page with it. Raises `NotFound`, `Invalid`."""
    row = _locked(user, filter_id)
    name = _name(values)
    if any(other.pk != row.pk and other.name.casefold() == name.casefold() for other in _own(user, row.page)):
        raise Invalid(_("You keep another filter under this name."), field="name")
    return _write(row, values)


@transaction.atomic
def delete_filter(*, user: User, filter_id: int) -> SavedFilter:
    """Forget one of one's own. Raises `NotFound`."""
    row = _locked(user, filter_id)
    row.delete()
    return row


def _own(user: User, page: str) -> Any:
    return SavedFilter.objects.select_for_update(no_key=True).filter(user=user, page=page)


def _locked(user: User, filter_id: int) -> SavedFilter:
    row = SavedFilter.objects.select_for_update(no_key=True).filter(user=user, id=filter_id).first()
    if row is None:
        raise NotFound(_("There is no such filter of yours."))
    return row


def _name(values: Mapping[str, Any]) -> str:
    name = str(values.get("name") or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(_("Give a name of up to %(most)d characters.") % {"most": LONGEST_NAME}, field="name")
    return name


def _write(row: SavedFilter, values: Mapping[str, Any]) -> SavedFilter:
    row.name = _name(values)
    row.is_shared, row.is_default = bool(values.get("is_shared")), bool(values.get("is_default"))
    if row.is_default:
        SavedFilter.objects.filter(user=row.user, page=row.page, is_default=True).exclude(pk=row.pk).update(
            is_default=False
        )
    row.save()
    return row
