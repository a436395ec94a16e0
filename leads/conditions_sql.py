"""The language of conditions as SQL: the same answers as `leads.conditions.matches`, given by the database.

On PostgreSQL a condition becomes plain SQL. On SQLite it is answered by the Python evaluator itself, which every
connection gets as the function `baton_meets`: SQLite has neither Unicode case nor regular expressions of its own.

Letter case on PostgreSQL is that of the collation `pg_unicode_fast` (18 and newer) or of ICU's root (`und-x-icu`,
which builds of 15 to 17 have). Letters that came into Unicode after the one or the other was made keep their case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from django.db.models import BooleanField, Exists, Expression, F, OuterRef, Q, Subquery

from leads import facts
from leads.conditions import (
    DATE_PATTERN,
    NEGATIVE_OPERATORS,
    NUMBER_PATTERN,
    Condition,
    as_date,
    as_number,
    fold,
    is_unset,
    matches,
)
from leads.free_mail import FREE_MAIL_DOMAINS
from leads.models import Qualification
from leads.models.qualification import Letter

Sql = tuple[str, tuple[Any, ...]]
NUMBERS = frozenset({"company.employees", "company.annual_revenue"})
TEXTS = {name: name for name in facts.CONTACT_FIELDS} | {"source": "source__code"}
# The first number too large for a double, counting that those just below round down.
_DOUBLE_LIMIT = 2**1024 - 2**970
_MONTHS = r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-9]))"
_REAL_DATE = "^(?!0000)" + DATE_PATTERN.replace("[0-9]{4}-[0-9]{2}-[0-9]{2}", f"[0-9]{{4}}-{_MONTHS}", 1) + "$"


class Kind(StrEnum):
    """What the database holds: a column of one type, or a JSON object with a value under a name."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    JSON = "json"


def contact_q(
    conditions: Iterable[Condition], *, pictures: Sequence[facts.Picture] | None = None, prefix: str = ""
) -> Q:
    """The contacts that meet every condition; with `prefix` ("contact__") the rows whose contact does.

    `pictures` are the active personas, looked up when a condition asks for them and they are not given.
    """
    found = Q()
    for condition in conditions:
        found &= _of_contact(condition, pictures=pictures, prefix=prefix)
    return found


def activity_q(conditions: Iterable[Condition]) -> Q:
    """The activities that meet every condition on a property or, where no property has the name, on a fact."""
    found = Q()
    for condition in conditions:
        found &= _of_activity(condition)
    return found


def _of_contact(condition: Condition, *, pictures: Sequence[facts.Picture] | None, prefix: str) -> Q:
    field = condition.field
    kind, _dot, name = field.partition(".")
    if field in TEXTS:
        return Q(Meets(condition, Kind.TEXT, F(prefix + TEXTS[field])))
    if field == "persona":
        return _of_personas(condition, facts.pictures() if pictures is None else pictures, prefix=prefix)
    if kind == "company" and name in facts.COMPANY_FIELDS:
        column = Kind.NUMBER if field in NUMBERS else Kind.TEXT
        return Q(Meets(condition, column, F(f"{prefix}company__{name}")))
    if kind == "attributes":
        return Q(Meets(condition, Kind.JSON, F(f"{prefix}attributes"), name=name))
    if kind == "bant" and name in facts.BANT_FIELDS:
        is_day = name == "decide_by"
        rows = Qualification.objects.filter(
            contact=OuterRef(f"{prefix}pk"), letter=Letter.TIMELINE if is_day else name
        ).values("decide_by_date" if is_day else "verdict")
        return Q(Meets(condition, Kind.DATE if is_day else Kind.TEXT, Subquery(rows[:1])))
    if kind == "activity" and name in facts.ACTIVITY_PARTS:
        return _of_what_it_did(replace(condition, field=name), prefix=prefix)
    return _everybody(matches(condition, None))


def _of_personas(condition: Condition, pictures: Sequence[facts.Picture], *, prefix: str) -> Q:
    """Which of them are asked for is known beforehand, so that only their own conditions are left to the database."""
    is_negative = condition.op in NEGATIVE_OPERATORS
    found = _everybody(False)
    for picture in pictures:
        if matches(condition, picture.name) is not is_negative and picture.conditions:
            found |= contact_q(picture.conditions, pictures=(), prefix=prefix)
    return ~found if is_negative else found


def _of_what_it_did(condition: Condition, *, prefix: str) -> Q:
    """One that meets it is enough; a negative one must hold for all."""
    is_type = condition.field == "type"
    meets = Q(Meets(condition, Kind.TEXT, F("type_id"))) if is_type else _of_activity(condition)
    rows = facts.done().filter(contact=OuterRef(f"{prefix}pk"))
    if condition.op in NEGATIVE_OPERATORS:
        return ~Q(Exists(rows.filter(~meets)))
    return Q(Exists(rows.filter(meets)))


def _of_activity(condition: Condition) -> Q:
    of_property = Q(Meets(condition, Kind.JSON, F("properties"), name=condition.field))
    if condition.field not in facts.ACTIVITY_FACTS:
        return of_property
    column = "campaign__name" if condition.field == "campaign" else condition.field
    has_property = Q(properties__has_key=condition.field)
    return (has_property & of_property) | (~has_property & Q(Meets(condition, Kind.TEXT, F(column))))


def _everybody(is_true: bool) -> Q:
    return Q(pk__isnull=not is_true)


class Meets(Expression):
    """Whether a column's value, or that under `name` in a column of JSON objects, meets a condition. Never null.

    The condition's value is one that JSON knows, as stored rules have it.
    """

    def __init__(self, condition: Condition, kind: Kind, value: Any, *, name: str = "") -> None:
        super().__init__(output_field=BooleanField())
        self.condition, self.kind, self.value, self.name = condition, kind, value, name

    def get_source_expressions(self) -> list[Any]:
        return [self.value]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.value,) = exprs

    @property
    def identity(self) -> tuple[Any, ...]:
        return (type(self), self.condition, self.kind, self.value, self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Meets) and self.identity == other.identity

    def __hash__(self) -> int:
        return hash((type(self), self.condition.field, self.condition.op, self.kind, self.name))

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Sql:
        """A call of the Python evaluator."""
        sql, params = compiler.compile(self.value)
        question = json.dumps([self.condition.op, self.condition.value])
        return f"baton_meets(%s, %s, %s, {sql})", (question, self.kind.value, self.name, *params)

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Sql:
        """Plain SQL."""
        sql, params = compiler.compile(self.value)
        value: Sql = (f"({sql})", tuple(params))
        if self.kind is Kind.JSON:
            value = (f"({value[0]} -> %s)", (*value[1], self.name))
        asked = _Asked(kind=self.kind, value=value, fold_collation=_fold_collation(connection))
        sql, params = asked.meets(self.condition.op, self.condition.value)
        return f"COALESCE({sql}, FALSE)", params


def _fold_collation(connection: Any) -> str:
    return "pg_unicode_fast" if connection.pg_version >= 180000 else "und-x-icu"


# PostgreSQL -----------------------------------------------------------------------------------------------------------

FALSE: Sql = ("FALSE", ())
TRUE: Sql = ("TRUE", ())


class _Asked:
    """SQL for every question about one value. Each answer may be null, which means no."""

    def __init__(self, *, kind: Kind, value: Sql, fold_collation: str) -> None:
        self.kind, self.value, self.fold_collation = kind, value, fold_collation

    def meets(self, op: str, operand: Any) -> Sql:
        if op == "is_unset":
            return self.unset()
        if op == "not_equals":
            return _sql("NOT COALESCE({0}, FALSE)", self.equals(operand))
        return _sql("NOT {0} AND {1}", self.unset(), self.positive(op, operand))

    def unset(self) -> Sql:
        if self.kind is Kind.JSON:
            return _sql("({0} IS NULL OR {0} IN ('null'::jsonb, '\"\"'::jsonb))", self.value)
        return _sql("({0} IS NULL OR {0} = '')" if self.kind is Kind.TEXT else "({0} IS NULL)", self.value)

    def positive(self, op: str, operand: Any) -> Sql:
        many = operand if isinstance(operand, tuple | list) else (operand,)
        if op == "equals":
            return self.equals(operand)
        if op == "is_set":
            return TRUE
        if op == "is_free_mail":
            return _sql("substring({0} from '[^@]*$') = ANY({1})", self.folded(), _param(sorted(FREE_MAIL_DOMAINS)))
        if op == "starts_with":
            return _sql("starts_with({0}, {1})", self.folded(), _param(fold(operand))) if _is_text(operand) else FALSE
        if op == "contains":
            return _any(_sql("strpos({0}, {1}) > 0", self.folded(), _param(fold(one))) for one in many if _is_text(one))
        if op == "in":
            return _any(self.equals(one) for one in many) if isinstance(operand, tuple | list) else FALSE
        if op == "between":
            if len(many) != 2:
                return FALSE
            return _sql("{0} AND {1}", self.compares(">=", many[0]), self.compares("<=", many[1]))
        sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}.get(op)
        return self.compares(sign, operand) if sign else FALSE

    def equals(self, operand: Any) -> Sql:
        if is_unset(operand):
            return FALSE
        if isinstance(operand, bool):
            return _sql("{0} = {1}", self.name_of_truth(), _param("true" if operand else "false"))
        if _is_text(operand):
            return self.equals_text(operand)
        number = as_number(operand)
        return FALSE if number is None else _sql("{0} = {1}", self.number(), _double(number))

    def equals_text(self, operand: str) -> Sql:
        number, same = as_number(operand), _param(fold(operand))
        if self.kind is Kind.DATE:
            return self.compares_date("=", as_date(operand))
        if self.kind is Kind.NUMBER:
            return FALSE if number is None else _sql("{0} = {1}", self.number(), _double(number))
        if self.kind is Kind.TEXT:
            return _sql("{0} = {1}", self.folded(), same)
        same_number = FALSE if number is None else _sql("{0} = {1}", self.json_number(), _double(number))
        return _sql(
            "CASE jsonb_typeof({0}) WHEN 'string' THEN {1} = {2} WHEN 'boolean' THEN {0} #>> '{{}}' = {2}"
            " WHEN 'number' THEN {3} END",
            self.value,
            self.folded(),
            same,
            same_number,
        )

    def compares(self, sign: str, operand: Any) -> Sql:
        number = as_number(operand)
        if number is not None:
            return _sql("{0} " + sign + " {1}", self.number(), _double(number))
        return self.compares_date(sign, as_date(operand))

    def compares_date(self, sign: str, operand: date | None) -> Sql:
        """Two instants compare as instants, all else as days."""
        if operand is None or self.kind is Kind.NUMBER:
            return FALSE
        instant = self.instant()
        by_day = "{0}::date " + sign + " {1}::date"
        if not isinstance(operand, datetime):
            return _sql(by_day, instant, _param(operand.isoformat()))
        day, then = _param(operand.date().isoformat()), _param(operand.replace(tzinfo=None).isoformat())
        if self.kind is Kind.DATE:
            return _sql(by_day, instant, day)
        by_instant = "{0} " + sign + " {3}::timestamp"
        return _sql(
            f"CASE WHEN length({{2}}) = 10 THEN {by_day} ELSE {by_instant} END", instant, day, self.text(), then
        )

    def text(self) -> Sql:
        if self.kind is Kind.JSON:
            return _sql("CASE WHEN jsonb_typeof({0}) = 'string' THEN {0} #>> '{{}}' END", self.value)
        return self.value if self.kind is Kind.TEXT else ("NULL::text", ())

    def folded(self) -> Sql:
        return _sql(
            'CASE WHEN octet_length({0}) = length({0}) THEN lower({0} COLLATE "C") ELSE '
            f"replace(lower({{0}} COLLATE \"{self.fold_collation}\"), 'ς', 'σ') COLLATE \"C\" END",
            self.text(),
        )

    def name_of_truth(self) -> Sql:
        if self.kind is not Kind.JSON:
            return self.folded()
        return _sql(
            "CASE jsonb_typeof({0}) WHEN 'boolean' THEN {0} #>> '{{}}' WHEN 'string' THEN {1} END",
            self.value,
            self.folded(),
        )

    def number(self) -> Sql:
        if self.kind is Kind.NUMBER:
            return _sql("{0}::double precision", self.value)
        if self.kind is Kind.DATE:
            return ("NULL::double precision", ())
        read = _sql("CASE WHEN {0} ~ {1} THEN {0}::double precision END", self.text(), _param(f"^({NUMBER_PATTERN})$"))
        if self.kind is Kind.TEXT:
            return read
        return _sql(
            "CASE jsonb_typeof({0}) WHEN 'number' THEN {1} WHEN 'string' THEN {2} END",
            self.value,
            self.json_number(),
            read,
        )

    def json_number(self) -> Sql:
        return _sql(
            f"CASE WHEN abs(({{0}} #>> '{{{{}}}}')::numeric) < {_DOUBLE_LIMIT} "
            "THEN ({0} #>> '{{}}')::double precision END",
            self.value,
        )

    def instant(self) -> Sql:
        """A date or an instant, in UTC without a zone; null for text that is neither."""
        if self.kind is Kind.DATE:
            return _sql("{0}::timestamp", self.value)
        leaps = "substring({0}, 1, 4)::int % 4 = 0 AND (substring({0}, 1, 4)::int % 100 <> 0 OR "
        leaps = leaps.replace("%", "%%") + "substring({0}, 1, 4)::int %% 400 = 0)"
        read = (
            "CASE WHEN length({0}) = 10 THEN {0}::timestamp "
            "WHEN {0} ~ '(Z|[+-][0-9][0-9]:[0-9][0-9])$' THEN {0}::timestamptz AT TIME ZONE 'UTC' "
            "ELSE ({0} || 'Z')::timestamptz AT TIME ZONE 'UTC' END"
        )
        inner = _sql(
            f"CASE WHEN {{0}} ~ {{1}} THEN CASE WHEN substring({{0}}, 6, 5) <> '02-29' THEN {read} "
            f"WHEN {leaps} THEN {read} END END",
            self.text(),
            _param(_REAL_DATE),
        )
        return _sql("CASE WHEN {0} >= '0001-01-01'::timestamp AND {0} < '10000-01-01'::timestamp THEN {0} END", inner)


def _sql(template: str, *pieces: Sql) -> Sql:
    """Put pieces of SQL into a template such as "{0} = {1}"; their parameters follow in the order of their places."""
    params: list[Any] = []

    class Place:
        def __init__(self, piece: Sql) -> None:
            self.piece = piece

        def __format__(self, spec: str) -> str:
            params.extend(self.piece[1])
            return f"({self.piece[0]})"

    sql = template.format(*(Place(piece) for piece in pieces))
    return sql, tuple(params)


def _param(value: Any) -> Sql:
    return "%s", (value,)


def _double(number: float) -> Sql:
    return "%s::double precision", (repr(number),)


def _any(pieces: Iterable[Sql]) -> Sql:
    found = FALSE
    for piece in pieces:
        found = _sql("{0} OR {1}", found, piece) if found is not FALSE else piece
    return found


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str)


# SQLite ---------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _question(text: str) -> Condition:
    op, operand = json.loads(text)
    return Condition(field="", op=op, value=tuple(operand) if isinstance(operand, list) else operand)


_READERS: dict[str, Callable[[Any, str], Any]] = {
    Kind.TEXT: lambda value, name: value,
    Kind.NUMBER: lambda value, name: value,
    Kind.DATE: lambda value, name: date.fromisoformat(value),
    Kind.JSON: lambda value, name: json.loads(value).get(name),
}


def _meets(question: str, kind: str, name: str, value: Any) -> bool:
    return matches(_question(question), None if value is None else _READERS[kind](value, name))


def give_functions(*, connection: Any, **signal: Any) -> None:
    """Receive `connection_created`: a technical matter of the connection, no rule of the business."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("baton_meets", 4, _meets, deterministic=True)
