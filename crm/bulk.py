"""Many rows in one statement: they travel as one JSON parameter, so that none costs an object or a line of SQL."""

# ruff: noqa: S608 - names of tables and columns of our own
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models

Row = Mapping[str, Any]
"""A row by names of columns: what JSON holds, and aware instants. All rows of a call name the same columns."""


def insert(model: type[models.Model], rows: Sequence[Row], *, once_by: str = "", **same: Any) -> dict[Any, int]:
    """Write new rows; those whose `once_by`, a unique column, stands already are left out.

    Columns that `rows` do not name are as in `same`, else as the model has them by default. Returns the ids of the new
    rows by their `once_by`; nothing without it. Raises `IntegrityError`.
    """
    if not rows:
        return {}
    given, values = _given(model, rows)
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    alike = [field for field in fields if field.attname not in rows[0]]
    columns = [*rows[0], *(field.attname for field in alike)]
    constants = [
        field.get_db_prep_save(same.get(field.attname, field.get_default()), connection=connection) for field in alike
    ]
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
        f"SELECT {', '.join([*rows[0], *('%s' for _field in alike)])} FROM {given} WHERE true"
    )
    if once_by:
        statement += f" ON CONFLICT ({once_by}) DO NOTHING RETURNING {once_by}, id"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*constants, values])
        return dict(cursor.fetchall()) if once_by else {}


def update(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Write the columns that `rows` name beside their `id`."""
    if not rows:
        return
    given, values = _given(model, rows)
    changes = ", ".join(f"{name} = given.{name}" for name in rows[0] if name != "id")
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {changes} FROM {given} WHERE {table}.id = given.id", [values])


def _given(model: type[models.Model], rows: Sequence[Row]) -> tuple[str, str]:
    """The rows as a table `given` with the model's types of columns, and the parameter that it takes."""
    kinds = {field.attname: field.db_type(connection) for field in model._meta.concrete_fields}
    if connection.vendor == "postgresql":
        given = f"json_to_recordset(%s) AS given({', '.join(f'{name} {kinds[name]}' for name in rows[0])})"
    else:
        picked = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in rows[0])
        given = f"(SELECT {picked} FROM json_each(%s)) AS given"
    as_stored = connection.ops.adapt_datetimefield_value
    return given, json.dumps(rows, default=lambda instant: str(as_stored(instant)))
