"""Writing new activities, each once for ever."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import connection

from leads.models import Activity
from leads.sets import among

Key = tuple[str, str]
"""Source and external id."""

# Column, its type.
_COLUMNS = (
    ("contact_id", "bigint"),
    ("type_id", "text"),
    ("direction", "text"),
    ("occurred_at", "timestamptz"),
    ("recorded_at", "timestamptz"),
    ("source", "text"),
    ("external_id", "text"),
    ("actor_id", "bigint"),
    ("campaign_id", "bigint"),
    ("properties", "jsonb"),
)


def insert(rows: Mapping[Key, Activity]) -> dict[Key, tuple[int, int]]:
    """Write those rows that were not recorded before, give them their ids, return id and contact of the others.

    Two writers that bring the same activity meet at its unique key: the later one waits, then finds it recorded.
    """
    if connection.vendor == "sqlite":  # a transaction stands alone
        known = recorded(rows)
        Activity.objects.bulk_create([row for key, row in rows.items() if key not in known])
        return known
    for key, pk in _inserted(rows.values()):
        row = rows[key]
        row.pk, row._state.adding, row._state.db = pk, False, connection.alias
    return recorded([key for key, row in rows.items() if row.pk is None])


def recorded(keys: Iterable[Key]) -> dict[Key, tuple[int, int]]:
    """Id and contact of the activities that are there: one query a source."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, external_id in keys:
        by_source[source].append(external_id)
    return {
        (source, external_id): (pk, contact_id)
        for source, wanted in by_source.items()
        for external_id, pk, contact_id in Activity.objects.filter(source=source, external_id__in=among(wanted))
        .order_by()
        .values_list("external_id", "id", "contact_id")
    }


def _inserted(rows: Iterable[Activity]) -> list[tuple[Key, int]]:
    """PostgreSQL takes them all as one document, ten times as fast as one parameter a value."""
    names = [name for name, _type in _COLUMNS]
    given = [dict(zip(names, map(row.__dict__.__getitem__, names), strict=True)) for row in rows]
    columns, typed = ", ".join(names), ", ".join(f"{name} {type_}" for name, type_ in _COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO leads_activity ({columns}) SELECT {columns} FROM ROWS FROM "  # noqa: S608 - names of our own
            f"(json_to_recordset(%s) AS ({typed})) WITH ORDINALITY AS given ({columns}, place) ORDER BY place "
            "ON CONFLICT (source, external_id) DO NOTHING RETURNING source, external_id, id",
            [json.dumps(given, default=dt.datetime.isoformat)],
        )
        return [((source, external_id), pk) for source, external_id, pk in cursor.fetchall()]
