"""Many values as one parameter of a query."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL


def among(values: Iterable[int | str]) -> RawSQL:
    """Many ids, or many texts, for `…__in`: Django would check and pass each by itself."""
    listed = list(values)
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", (json.dumps(listed),))
    kind = "text" if listed and isinstance(listed[0], str) else "bigint"
    return RawSQL(f"SELECT unnest(%s::{kind}[])", (as_array(listed),))  # noqa: S611 - one of two words of our own


def as_array(values: Iterable[object]) -> str:
    """Numbers, texts or instants as PostgreSQL writes an array: as one text, which it reads far faster than a list."""
    return "{" + ",".join([_quoted(one) if type(one) is str else str(one) for one in values]) + "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def chosen(name: str, ids: Collection[int]) -> Q:
    """Rows whose column `name` is one of these ids; as a range where no other id lies between them."""
    if ids:
        first, last = min(ids), max(ids)
        if last - first + 1 == len(set(ids)):
            return Q(**{f"{name}__gte": first, f"{name}__lte": last})
    return Q(**{f"{name}__in": among(sorted(ids))})
