"""What set-based scoring asks of the database beyond Django's own expressions, with the same answers on both.

PostgreSQL computes by itself; SQLite calls the functions of `scoring.engine`, which every connection is given.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, CharField, Expression, F, Value

from leads import facts
from scoring import engine

NO_WINDOW = -1
"""The window of an object that counts once for ever."""


class _Computed(Expression):
    """An expression over columns, whose SQL is made by `as_sql` and `as_sqlite`."""

    def __init__(self, *columns: Any, output_field: Any) -> None:
        super().__init__(output_field=output_field)
        self.columns: list[Any] = list(columns)

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)


def weight(column: str, half_life_days: str, at: dt.datetime) -> str:
    """The SQL of `engine.weight` of an activity as seen from an instant; both columns without parameters."""
    if connection.vendor == "sqlite":
        return f"baton_weight({column}, '{_stored(at)}', {half_life_days})"
    exponent = (
        f"((date_part('epoch', {column}) - {at.timestamp()!r}::float8) / ({engine.DAY_SECONDS} * {half_life_days}))"
    )
    return f"CASE WHEN {exponent} < {-engine.EXPONENT_LIMIT!r} THEN 0 ELSE power(2::float8, {exponent}) END"


def instant(at: dt.datetime) -> str:
    """The SQL of an instant, without a parameter."""
    return f"'{_stored(at)}'" if connection.vendor == "sqlite" else f"'{at.isoformat()}'::timestamptz"


class Window(_Computed):
    """The start of the window in which an object counts once, in seconds."""

    def __init__(self, within_days: int) -> None:
        super().__init__(F("occurred_at"), output_field=BigIntegerField())
        self.within_days = within_days

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.columns[0])
        length = self.within_days * engine.DAY_SECONDS
        return f"(floor(date_part('epoch', {sql}) / {length})::bigint * {length})", tuple(params)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = compiler.compile(self.columns[0])
        return f"baton_window({sql}, {self.within_days})", tuple(params)


class ObjectKey(_Computed):
    """What names the object of an activity, as `object_key` reads it; null when nothing does."""

    def __init__(self, name: str) -> None:
        columns = {"campaign": "campaign__name"}
        fact: Any = F(columns.get(name, name)) if name in facts.ACTIVITY_FACTS else Value(None, CharField())
        super().__init__(F("properties"), fact, output_field=CharField())
        self.name = name

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        properties, first = compiler.compile(self.columns[0])
        fact, second = compiler.compile(self.columns[1])
        return f"baton_object({properties}, %s, {fact})", (*first, self.name, *second)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        properties, _none = compiler.compile(self.columns[0])
        value, name = f"({properties} -> %s)", self.name
        of_property = (
            f"CASE jsonb_typeof({value}) WHEN 'string' THEN left(NULLIF({value} #>> '{{}}', ''), 200) "
            f"WHEN 'number' THEN CASE WHEN {value} #>> '{{}}' ~ '^-?[0-9]{{1,15}}$' THEN {value} #>> '{{}}' END END"
        )
        if self.name not in facts.ACTIVITY_FACTS:
            return f"({of_property})", (name,) * 4
        fact, params = compiler.compile(self.columns[1])
        sql = f"CASE WHEN jsonb_exists({properties}, %s) THEN {of_property} ELSE left(NULLIF({fact}, ''), 200) END"
        return f"({sql})", (name,) * 5 + tuple(params)


def object_key(value: Any) -> str | None:
    """What names an object: text, cut at 200 characters, or a whole number of up to 15 digits; None for the rest."""
    if isinstance(value, str):
        return value[:200] or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15:
        return str(value)
    return None


def later(seconds: str) -> str:
    """The SQL of the instant so many seconds after the one in the parameter."""
    if connection.vendor == "sqlite":
        return f"baton_later(%s, {seconds})"
    return f"%s + ({seconds}) * interval '1 second'"


# SQLite ---------------------------------------------------------------------------------------------------------------


def _stored(instant: dt.datetime) -> str:
    """An instant as Django stores it in SQLite."""
    return str(instant.astimezone(dt.UTC).replace(tzinfo=None))


def _instant(stored: str) -> dt.datetime:
    return dt.datetime.fromisoformat(stored).replace(tzinfo=dt.UTC)


def _weight(occurred_at: str, at: str, half_life_days: float) -> float:
    seconds = (_instant(occurred_at) - _instant(at)).total_seconds()
    return engine.weight(seconds=seconds, half_life_days=half_life_days)


def _window(occurred_at: str, within_days: int) -> int:
    return int(engine.window_start(occurred_at=_instant(occurred_at), within_days=within_days).timestamp())


def _object(properties: str, name: str, fact: str | None) -> str | None:
    known = json.loads(properties)
    return object_key(known.get(name, fact))


def _later(at: str, seconds: float) -> str:
    return _stored(_instant(at) + dt.timedelta(seconds=seconds))


def give_functions(*, connection: Any, **signal: Any) -> None:
    """Receive `connection_created`: a technical matter of the connection, no rule of the business."""
    if connection.vendor == "sqlite":
        for name, arguments, function in [
            ("baton_weight", 3, _weight),
            ("baton_window", 2, _window),
            ("baton_object", 3, _object),
            ("baton_later", 2, _later),
        ]:
            connection.connection.create_function(name, arguments, function, deterministic=True)
