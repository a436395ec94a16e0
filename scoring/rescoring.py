"""Scores of many contacts at once, computed by the database from the ledger: what publishing a version does.

Equal, to 1e-9, to `scoring.services.rescore` contact by contact, and tested so. Per batch of locked contacts: one
statement writes all components, one for each rule that counts objects once the objects, one the scores.

A component is summed up with `at` as its reference, so its amount is what it is worth at `at`; an exponent below −900
counts 0, since PostgreSQL raises on underflow.

When a score is to be looked at again is taken from a bound that SQL can solve, earlier than `engine.next_check_at` or
as early, never later. With F the positive and R the negative components, all counted at `at`, h and k the shortest
half-lives of the two, c the constant part, and d = u − at:

    c + F · 2^(−d/h) + R  ≤  score(u)  ≤  c + F + R · 2^(−d/k)

because a component that is cut decays no faster than one that is not. So the level L below the score is not left
before d = h · log2(F / (L − c − R)), the level A above it not reached before d = k · log2(R / (A − c − F)). A
second is taken off for rounding; the first look then computes the instant exactly.
"""

# ruff: noqa: S608 - what is put into SQL here is compiled by Django, or numbers and names of our own
from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, Count, F, FloatField, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from leads import stages
from leads.conditions_sql import activity_q, contact_q
from leads.models import Activity, Contact
from scoring import database, engine
from scoring.models import Adjustment, Component, CountedObject, Score, ScoringModel
from scoring.services import Rule, Rules

HORIZON_DAYS = 3650
# In the order in which `_Ledger.scores` selects them.
_SCORE_COLUMNS = (
    "model_id",
    "value",
    "engagement",
    "fit",
    "adjustment",
    "grade",
    "valued_at",
    "is_armed",
    "next_check_at",
)
_OVERWRITTEN = ", ".join(f"{name} = excluded.{name}" for name in _SCORE_COLUMNS)
Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Found:
    """A contact that stands over the threshold, armed, and whose stage lets it be promoted."""

    contact_id: int
    score: float
    grade: str


def rebuild(rules: Rules, contact_ids: Sequence[int], *, at: dt.datetime, without: Collection[int] = ()) -> list[Found]:
    """Compute the components and scores of locked contacts from the ledger and write them; return who crossed.

    `without` are activities to leave out, because they are taken in afterwards. What other versions stored of these
    contacts goes. Whether a contact is armed stays, but for falling below the threshold, which arms; nobody is promoted
    here: that is for the caller, who disarms whom it promotes.
    """
    if not contact_ids:
        return []
    ledger = _Ledger(rules=rules, chosen=_chosen(contact_ids), at=at, without=tuple(without))
    Component.objects.filter(ledger.chosen).delete()
    CountedObject.objects.filter(ledger.chosen).delete()
    with connection.cursor() as cursor:
        for rule in ledger.once_rules:
            sql, params = ledger.objects(rule)
            cursor.execute(
                "INSERT INTO scoring_countedobject "
                '(contact_id, rule_id, object_key, "window", activity_id, occurred_at) '
                f"SELECT contact_id, %s, object_key, object_window, id, occurred_at FROM ({sql}) o",
                (rule.row.pk, *params),
            )
        sql, params = ledger.components()
        cursor.execute(
            f"{sql} INSERT INTO scoring_component (contact_id, rule_id, amount, count, reference_at) "
            f"SELECT contact_id, rule_id, amount, count, %s FROM components",
            (*params, ledger.at_param),
        )
        sql, params = ledger.scores(components="scoring_component")
        cursor.execute(
            f"INSERT INTO scoring_score (contact_id, {', '.join(_SCORE_COLUMNS)}) {sql} "
            f"ON CONFLICT (contact_id) DO UPDATE SET {_OVERWRITTEN}",
            params,
        )
    crossing = Score.objects.filter(
        ledger.chosen,
        is_armed=True,
        value__gte=rules.model.mql_threshold,
        contact__stage__in=stages.PROMOTABLE_STAGES,
        contact__is_disqualified=False,
    )
    return [
        Found(contact_id=contact_id, score=value, grade=grade)
        for contact_id, value, grade in crossing.order_by("contact_id").values_list("contact_id", "value", "grade")
    ]


def scores(rules: Rules, contact_ids: Sequence[int], *, at: dt.datetime) -> Iterator[tuple[int, float, str]]:
    """What `rebuild` would make of these contacts, `(id, score, grade)`, without writing anything."""
    if not contact_ids:
        return
    ledger = _Ledger(rules=rules, chosen=_chosen(contact_ids), at=at)
    components, first = ledger.components()
    sql, params = ledger.scores(components="components")
    with connection.cursor() as cursor:
        cursor.execute(f"{components} SELECT contact_id, value, grade FROM ({sql}) s", (*first, *params))
        yield from cursor.fetchall()


def _chosen(contact_ids: Sequence[int]) -> Q:
    """These contacts; as a range where no other id lies between them."""
    first, last = min(contact_ids), max(contact_ids)
    if last - first + 1 == len(set(contact_ids)):
        return Q(contact_id__gte=first, contact_id__lte=last)
    return Q(contact_id__in=database.among(sorted(contact_ids)))


@dataclass(frozen=True)
class _Ledger:
    """The SQL that reads the ledger of some contacts under one version of the rules."""

    rules: Rules
    chosen: Q
    at: dt.datetime
    without: tuple[int, ...] = ()

    @property
    def at_param(self) -> Any:
        return connection.ops.adapt_datetimefield_value(self.at)

    @property
    def once_rules(self) -> list[Rule]:
        return [rule for rule in self.rules.by_id.values() if rule.row.once_per]

    def activities(self) -> Any:
        rows = Activity.objects.filter(self.chosen, type__in=list(self.rules.by_type), bot_verdict=None)
        return rows.exclude(id__in=self.without).order_by() if self.without else rows.order_by()

    def counting(self, rule: Rule) -> Q:
        found = Q(type=rule.row.type_id) & activity_q(rule.conditions)
        return found & Q(object_key=None) if rule.row.once_per else found

    def objects(self, rule: Rule) -> Sql:
        """The earliest activity of each object in its window."""
        rows = self.activities().filter(Q(type=rule.row.type_id) & activity_q(rule.conditions))
        rows = rows.annotate(
            object_key=database.ObjectKey(rule.row.once_per), object_window=database.Window(rule.row.within_days)
        ).exclude(object_key=None)
        sql, params = _compiled(rows.values("id", "contact_id", "occurred_at", "object_key", "object_window"))
        return (
            "SELECT * FROM (SELECT x.*, ROW_NUMBER() OVER "
            "(PARTITION BY contact_id, object_key, object_window ORDER BY occurred_at, id) AS place "
            f"FROM ({sql}) x) y WHERE place = 1",
            params,
        )

    def components(self) -> Sql:
        """`WITH … components(contact_id, rule_id, amount, count)`: one pass over the activities, whatever the rules.

        A rule that counts objects once adds a pass over the activities of its type.
        """
        rows = self.activities()
        pieces: list[str] = []
        params: tuple[Any, ...] = ()
        sums: dict[str, Any] = {}
        for number, rule in enumerate(self.rules.by_id.values()):
            sums |= self.sum_of(rule, number)
            if rule.row.once_per:
                rows = rows.alias(**{f"key{number}": database.ObjectKey(rule.row.once_per)})
            pieces.append(
                f"SELECT contact_id, {rule.row.pk} AS rule_id, amount{number} AS amount, count{number} AS count "
                f"FROM sums WHERE count{number} > 0"
            )
        if not pieces:
            return "WITH components AS (SELECT 0 AS contact_id, 0 AS rule_id, 0.0 AS amount, 0 AS count LIMIT 0)", ()
        sql, params = _compiled(rows.values("contact_id").annotate(**sums))
        for rule in self.once_rules:
            objects, own = self.objects(rule)
            weight = database.weight("occurred_at", rule.half_life_days, self.at)
            pieces.append(
                f"SELECT contact_id, {rule.row.pk}, SUM(%s * {weight}), COUNT(*) FROM ({objects}) o GROUP BY contact_id"
            )
            params += (rule.row.points, *own)
        union = " UNION ALL ".join(pieces)
        return (
            f"WITH sums AS ({sql}), components AS (SELECT contact_id, rule_id, SUM(amount) AS amount, "
            f"SUM(count) AS count FROM ({union}) u GROUP BY contact_id, rule_id)"
            if self.once_rules
            else f"WITH sums AS ({sql}), components AS ({union})",
            params,
        )

    def sum_of(self, rule: Rule, number: int) -> dict[str, Any]:
        counted = Q(type=rule.row.type_id) & activity_q(rule.conditions)
        if rule.row.once_per:
            counted &= Q(**{f"key{number}": None})
        points = Value(rule.row.points, output_field=FloatField()) * database.Weight(rule.half_life_days, self.at)
        return {f"amount{number}": Sum(points, filter=counted), f"count{number}": Count("id", filter=counted)}

    def scores(self, *, components: str) -> Sql:
        """A row of the table of scores for each contact; the components come from a table or a `WITH`."""
        model = self.rules.model
        contacts, params = _compiled(self.contacts())
        chosen = _compiled(Component.objects.filter(self.chosen).values("contact_id"))
        where = chosen[0].partition(" WHERE ")[2].replace('"scoring_component"', "c")
        engagement = (
            "SELECT contact_id, SUM(points) AS engagement, "
            "SUM(CASE WHEN points > 0 THEN points ELSE 0 END) AS falling, "
            "SUM(CASE WHEN points < 0 THEN points ELSE 0 END) AS rising, "
            "MIN(CASE WHEN points > 0 THEN half_life END) AS falls_in, "
            "MIN(CASE WHEN points < 0 THEN half_life END) AS rises_in FROM ("
            "SELECT c.contact_id, COALESCE(r.half_life_days, %s) AS half_life, "
            "CASE WHEN c.amount > r.cap THEN r.cap WHEN c.amount < r.floor THEN r.floor ELSE c.amount END AS points "
            f"FROM {components} c JOIN scoring_activityrule r ON r.id = c.rule_id AND r.model_id = %s WHERE {where}"
            ") p GROUP BY contact_id"
        )
        params += (model.half_life_days, model.pk, *chosen[1])
        # Each step stands by itself: put into one another, their expressions would grow exponentially.
        valued = (
            "SELECT k.id, k.fit, k.adjustment, k.armed, k.fit + k.adjustment AS constant, "
            "COALESCE(e.engagement, 0) AS engagement, COALESCE(e.falling, 0) AS falling, "
            "COALESCE(e.rising, 0) AS rising, e.falls_in, e.rises_in, "
            "k.fit + k.adjustment + COALESCE(e.engagement, 0) AS value "
            "FROM known k LEFT JOIN engaged e ON e.contact_id = k.id"
        )
        levels = [
            *(f"{_number(level)}" for level in (model.mql_threshold, model.hot_threshold)),
            *(f"constant + {_number(band)}" for band in model.engagement_bands),
        ]
        least, most = ("LEAST", "GREATEST") if connection.vendor == "postgresql" else ("MIN", "MAX")
        above = ", ".join(f"CASE WHEN {level} > value THEN {level} ELSE 1e300 END" for level in levels)
        below = ", ".join(f"CASE WHEN {level} <= value THEN {level} ELSE -1e300 END" for level in levels)
        bounded = (
            f"SELECT v.*, {most}({below}) - constant - rising AS to_below, "
            f"{least}({above}) - constant - falling AS to_above FROM valued v"
        )
        horizon = HORIZON_DAYS * engine.DAY_SECONDS
        timed = (
            "SELECT b.*, "
            f"CASE WHEN falling <= 0 OR to_below <= 0 THEN {2 * horizon} WHEN to_below < 1e-200 THEN {horizon} "
            "WHEN to_below >= falling THEN 0 "
            f"ELSE falls_in * {engine.DAY_SECONDS}.0 * LN(falling / to_below) / {_LN2} END AS falls_after, "
            f"CASE WHEN rising >= 0 OR to_above > 0 THEN {2 * horizon} WHEN to_above > -1e-200 THEN {horizon} "
            "WHEN to_above <= rising THEN 0 "
            f"ELSE rises_in * {engine.DAY_SECONDS}.0 * LN(rising / to_above) / {_LN2} END AS rises_after "
            "FROM bounded b"
        )
        after = f"{least}(falls_after, rises_after)"
        check_at = database.later(f"{most}(60, {after} - 1)")
        return (
            f"WITH known AS MATERIALIZED ({contacts}), engaged AS MATERIALIZED ({engagement}), "
            f"valued AS MATERIALIZED ({valued}), bounded AS MATERIALIZED ({bounded}), timed AS MATERIALIZED ({timed}) "
            f"SELECT id AS contact_id, {model.pk} AS model_id, value, engagement, fit, adjustment, "
            f"{_letter(model)} || {_digit(model)} AS grade, %s AS valued_at, "
            f"(armed OR value < {_number(model.mql_threshold)}) AS is_armed, "
            f"CASE WHEN {after} <= {horizon} + 1 THEN {check_at} END AS next_check_at "
            "FROM timed WHERE TRUE",
            (*params, self.at_param, self.at_param),
        )

    def contacts(self) -> Any:
        """The contacts with their fit, adjustment and whether they are armed."""
        fit: Any = Value(0.0, output_field=FloatField())
        for check in self.rules.fit:
            holds = contact_q([check.condition], pictures=self.rules.pictures)
            fit += Case(When(holds, then=Value(check.points)), default=Value(0.0), output_field=FloatField())
        given = Adjustment.objects.filter(contact=OuterRef("pk"), at__lte=self.at).order_by().values("contact")
        return (
            Contact.objects.filter(_as_contacts(self.chosen))
            .order_by()
            .annotate(
                fit=fit,
                adjustment=Coalesce(Subquery(given.annotate(sum=Sum("points")).values("sum")), Value(0.0)),
                armed=Coalesce(F("score__is_armed"), Value(True)),
            )
            .values("id", "fit", "adjustment", "armed")
        )


def _as_contacts(chosen: Q) -> Q:
    return Q(*((name.replace("contact_id", "id"), value) for name, value in chosen.children))  # type: ignore[misc]


def _compiled(rows: Any) -> Sql:
    sql, params = rows.query.sql_with_params()
    return sql, tuple(params)


_LN2 = "0.69314718055994530942"


def _number(value: float) -> str:
    return repr(float(value)) if value >= 0 else f"({float(value)!r})"


def _letter(model: ScoringModel) -> str:
    a, b, c = (_number(band) for band in model.fit_bands)
    return f"CASE WHEN fit >= {a} THEN 'A' WHEN fit >= {b} THEN 'B' WHEN fit >= {c} THEN 'C' ELSE 'D' END"


def _digit(model: ScoringModel) -> str:
    first, second, third = (_number(band) for band in model.engagement_bands)
    return (
        f"CASE WHEN engagement >= {first} THEN '1' WHEN engagement >= {second} THEN '2' "
        f"WHEN engagement >= {third} THEN '3' ELSE '4' END"
    )
