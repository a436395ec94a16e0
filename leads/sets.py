"""Many values as one parameter of a query."""

from __future__ import annotations

import json
from collections.abc import Iterable

from django.db import connection
from django.db.models.expressions import RawSQL


def among(values: Iterable[int | str]) -> RawSQL:
    """Many ids, or many texts, for `…__in`: Django would check and pass each by itself."""
    listed = list(values)
    if connection.vendor == "sqlite":
        return RawSQL("SELECT value FROM json_each(%s)", (json.dumps(listed),))
    kind = "text" if listed and isinstance(listed[0], str) else "bigint"
    return RawSQL(f"SELECT unnest(%s::{kind}[])", (listed,))  # noqa: S611 - one of two words of our own
