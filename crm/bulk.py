"""Many new rows at once: by COPY on PostgreSQL, which parses no statement, by one INSERT elsewhere."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
NULL = r"\N"


def insert(rows: Sequence[models.Model]) -> None:
    """Write new rows of one model, and give each its id. The same rows as `bulk_create` would write.

    Raises `IntegrityError` as that does. Takes what a column takes: texts, numbers, instants, JSON.
    """
    if not rows:
        return
    model = type(rows[0])
    if connection.vendor != "postgresql":
        model._default_manager.bulk_create(rows)
        return
    meta = model._meta
    key = meta.pk.attname
    fields = [field for field in meta.concrete_fields if not field.generated]
    names = [field.attname for field in fields]
    jsons = {field.attname for field in fields if isinstance(field, models.JSONField)}
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
            [meta.db_table, meta.pk.column, len(rows)],
        )
        for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
            setattr(row, key, number)
        lines = io.StringIO()
        for row in rows:
            values = row.__dict__
            lines.write("\t".join([_text(values[name], is_json=name in jsons) for name in names]) + "\n")
        lines.seek(0)
        columns = ", ".join(quote(str(field.column)) for field in fields)
        with connection.wrap_database_errors:
            cursor.cursor.copy_expert(f"COPY {quote(meta.db_table)} ({columns}) FROM STDIN", lines)
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _text(value: Any, *, is_json: bool) -> str:
    """A value as COPY reads it."""
    if is_json:
        return json.dumps(value).translate(_ESCAPES)
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value)
