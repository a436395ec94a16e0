"""Writing new activities, each once for ever."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from leads.models import Activity, ActivityType, Campaign
from leads.sets import among

Key = tuple[str, str]
"""Source and external id."""


@dataclass(slots=True)
class NewActivity:
    """An activity on its way into the ledger: what one asks of a row, without what a row costs to make."""

    contact_id: int
    type: ActivityType
    type_id: str
    direction: str
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    source: str
    external_id: str
    actor_id: int | None
    campaign_id: int | None
    campaign: Campaign | None
    properties: dict[str, Any]
    pk: int = 0
    """None of the ledger's until it is written."""


AnyActivity = Activity | NewActivity

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


def insert(rows: Mapping[Key, NewActivity]) -> dict[Key, tuple[int, int]]:
    """Write those rows that were not recorded before, give them their ids, return id and contact of the others.

    Two writers that bring the same activity meet at its unique key: the later one waits, then finds it recorded.
    """
    if connection.vendor == "sqlite":  # a transaction stands alone
        known = recorded(rows)
        fresh = [row for key, row in rows.items() if key not in known]
        names = [name for name, _type in _COLUMNS]
        written = [Activity(**{name: getattr(row, name) for name in names}) for row in fresh]
        for row, activity in zip(fresh, Activity.objects.bulk_create(written), strict=True):
            row.pk = activity.pk
        return known
    for key, pk in _inserted(rows.values()):
        rows[key].pk = pk
    return recorded([key for key, row in rows.items() if not row.pk])


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


def _inserted(rows: Iterable[NewActivity]) -> list[tuple[Key, int]]:
    """PostgreSQL takes them all as one document, ten times as fast as one parameter a value."""
    columns = ", ".join(name for name, _type in _COLUMNS)
    typed = ", ".join(f"{name} {type_}" for name, type_ in _COLUMNS)
    given = []
    for row in rows:
        one = {
            "contact_id": row.contact_id,
            "type_id": row.type_id,
            "direction": row.direction,
            "occurred_at": row.occurred_at.isoformat(),
            "recorded_at": row.recorded_at.isoformat(),
            "source": row.source,
            "external_id": row.external_id,
            "properties": row.properties,
        }
        # Few have these; what is left out is null.
        if row.actor_id is not None:
            one["actor_id"] = row.actor_id
        if row.campaign_id is not None:
            one["campaign_id"] = row.campaign_id
        given.append(one)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO leads_activity ({columns}) SELECT {columns} FROM ROWS FROM "  # noqa: S608 - names of our own
            f"(json_to_recordset(%s) AS ({typed})) WITH ORDINALITY AS given ({columns}, place) ORDER BY place "
            "ON CONFLICT (source, external_id) DO NOTHING RETURNING source, external_id, id",
            [json.dumps(given)],
        )
        return [((source, external_id), pk) for source, external_id, pk in cursor.fetchall()]
