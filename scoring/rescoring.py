"""Scores of many contacts at once, computed by the database from the ledger: what publishing a version does.

Equal, to 1e-9, to `scoring.services.rescore` contact by contact, and tested so. Per batch of locked contacts: one
statement writes the objects that rules count once, one the components, one the scores.

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
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    ExpressionWrapper,
    FloatField,
    Q,
    Sum,
    Value,
    When,
)

from leads import stages
from leads.conditions_sql import activity_q, contact_q
from leads.models import Activity, Contact
from leads.sets import among, chosen
from scoring import database, engine
from scoring.models import Adjustment, Component, CountedObject, Score, ScoringModel
from scoring.services import Rules

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
_OVERWRITTEN = ", ".join(f"{name} = excluded.{name}" for name in _SCORE_COLUMNS if name != "is_armed")
_COUNTED = "contact_id, rule_id, points, half_life_days, occurred_at"
# In the order in which `_Ledger.components` selects them.
_COMPONENT_COLUMNS = "contact_id, rule_id, amount, count, reference_at"
_OBJECT_COLUMNS = 'contact_id, rule_id, object_key, "window", activity_id, occurred_at'
_OBJECT_SOURCE = "contact_id, rule_id, object_key, object_window, id, occurred_at"
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
    ledger = _Ledger(rules=rules, chosen=chosen("contact_id", contact_ids), at=at, without=tuple(without))
    Component.objects.filter(ledger.chosen).delete()
    CountedObject.objects.filter(ledger.chosen).delete()
    _write(
        read=ledger.matched(),
        components=f"INSERT INTO scoring_component ({_COMPONENT_COLUMNS}) {ledger.components()}",
        objects=f"INSERT INTO scoring_countedobject ({_OBJECT_COLUMNS}) SELECT {_OBJECT_SOURCE} FROM firsts WHERE TRUE",
    )
    return ledger.value()


def take_in(rules: Rules, contact_ids: Sequence[int], activity_ids: Sequence[int], *, at: dt.datetime) -> list[Found]:
    """Add new activities of locked contacts to their components and write their scores; return who crossed.

    As `rebuild`, without looking at what was taken in before. No version but this may have scored the contacts last.
    """
    if not contact_ids:
        return []
    ledger = _Ledger(rules=rules, chosen=chosen("contact_id", contact_ids), at=at, new=tuple(activity_ids))
    read, params = ledger.matched()
    read += (
        ", arriving AS MATERIALIZED (SELECT n.*, o.occurred_at AS standing_at FROM firsts n "
        "LEFT JOIN scoring_countedobject o ON o.contact_id = n.contact_id AND o.rule_id = n.rule_id "
        'AND o.object_key = n.object_key AND o."window" = n.object_window '
        "WHERE o.id IS NULL OR n.occurred_at < o.occurred_at)"
    )
    # An earlier one that comes late takes the place of the one that stands for the object.
    counted = (
        f"SELECT {_COUNTED}, 1 FROM arriving UNION ALL "
        f"SELECT {_COUNTED.replace('occurred_at', 'standing_at')}, -1 FROM arriving WHERE standing_at IS NOT NULL"
    )
    kept = database.weight("scoring_component.reference_at", ledger.half_life("scoring_component.rule_id"), at)
    _write(
        read=(read, params),
        components=f"INSERT INTO scoring_component ({_COMPONENT_COLUMNS}) {ledger.components(objects=counted)} "
        "ON CONFLICT (contact_id, rule_id) DO UPDATE SET reference_at = excluded.reference_at, "
        f"amount = scoring_component.amount * {kept} + excluded.amount, "
        "count = scoring_component.count + excluded.count",
        objects=f"INSERT INTO scoring_countedobject ({_OBJECT_COLUMNS}) SELECT {_OBJECT_SOURCE} FROM arriving "
        'WHERE TRUE ON CONFLICT (contact_id, rule_id, object_key, "window") DO UPDATE SET '
        "activity_id = excluded.activity_id, occurred_at = excluded.occurred_at "
        "WHERE excluded.occurred_at < scoring_countedobject.occurred_at",
    )
    return ledger.value()


def scores(rules: Rules, contact_ids: Sequence[int], *, at: dt.datetime) -> Iterator[tuple[int, float, str]]:
    """What `rebuild` would make of these contacts, `(id, score, grade)`, without writing anything."""
    if not contact_ids:
        return
    ledger = _Ledger(rules=rules, chosen=chosen("contact_id", contact_ids), at=at)
    read, first = ledger.matched()
    sql, params = ledger.scores(components="components")
    with connection.cursor() as cursor:
        cursor.execute(
            f"{read}, components AS ({ledger.components()}) SELECT contact_id, value, grade FROM ({sql}) s",
            (*first, *params),
        )
        yield from cursor.fetchall()


def _write(*, read: Sql, components: str, objects: str) -> None:
    """Write components and objects from what is read once; neither sees what the other has written."""
    sql, params = read
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{sql}, objects AS ({objects}) {components}", params)
        else:  # SQLite writes one table a statement; what is read of objects must not have been written yet
            cursor.execute(f"{sql} {components}", params)
            cursor.execute(f"{sql} {objects}", params)


@dataclass(frozen=True)
class _Ledger:
    """The SQL that reads the ledger of some contacts under one version of the rules."""

    rules: Rules
    chosen: Q
    at: dt.datetime
    without: tuple[int, ...] = ()
    new: tuple[int, ...] | None = None
    """Of the ledger these activities only."""

    @property
    def at_param(self) -> Any:
        return connection.ops.adapt_datetimefield_value(self.at)

    def matched(self) -> Sql:
        """A `WITH` of `matched`, a row for each activity and each rule that it fulfils, by one pass over the activities
        whatever the rules; and of `firsts`, the earliest of each object in its window.

        `object_key` and `object_window` say what an activity counts for where the rule counts objects once (`is_once`);
        where every activity counts the key is null.
        """
        read = self.chosen if self.new is None else Q(id__in=among(self.new))
        rows = Activity.objects.filter(read, bot_verdict=None).order_by()
        if self.without:
            rows = rows.exclude(id__in=self.without)
        holds: dict[int, Any] = {}
        keys: dict[int, Any] = {}
        windows: dict[int, Any] = {}
        for pk, rule in self.rules.by_id.items():
            if rule.conditions:
                holds[pk] = ExpressionWrapper(activity_q(rule.conditions), output_field=BooleanField())
            if rule.row.once_per:
                keys[pk] = database.ObjectKey(rule.row.once_per)
            if rule.row.within_days is not None:
                windows[pk] = database.Window(rule.row.within_days)
        for name, by_rule in (("holds", holds), ("key", keys), ("window", windows)):
            rows = rows.annotate(**{f"{name}{pk}": asked for pk, asked in by_rule.items()})
        sql, params = _compiled(rows.values("id", "contact_id", "type_id", "occurred_at", *rows.query.annotations))
        # Asked rule by rule: PostgreSQL takes a null in a computed column for rare, and would plan for next to no rows.
        counts_once = _by_rule("key", keys, asked="IS NOT NULL", otherwise="FALSE")
        table, first = self.table()
        matched = (
            f"SELECT a.id, a.contact_id, r.id AS rule_id, a.occurred_at, r.points, r.half_life_days, "
            f"{counts_once} AS is_once, {_by_rule('key', keys, otherwise='NULL')} AS object_key, "
            f"{_by_rule('window', windows, otherwise=str(database.NO_WINDOW))} AS object_window "
            f"FROM ({table}) r JOIN ({sql}) a ON a.type_id = r.type_id "
            f"WHERE {_by_rule('holds', holds, otherwise='TRUE')}"
        )
        firsts = (
            "SELECT * FROM (SELECT m.*, ROW_NUMBER() OVER (PARTITION BY contact_id, rule_id, object_key, object_window "
            "ORDER BY occurred_at, id) AS place FROM matched m WHERE is_once) o WHERE place = 1"
        )
        return (
            f"WITH matched AS MATERIALIZED ({matched}), firsts AS MATERIALIZED ({firsts})",
            (*first, *params),
        )

    def table(self) -> Sql:
        """The rules as a table: as values, so that the database knows how few they are. The first is none of them."""
        rules = self.rules.by_id.values()
        rows = ["(CAST(0 AS bigint), '', " + ", ".join(["CAST(NULL AS double precision)"] * 4) + ")"]
        for one in rules:
            numbers = map(_number, (one.row.points, one.half_life_days, one.row.cap, one.row.floor))
            rows.append(f"({one.row.pk}, %s, {', '.join(numbers)})")
        return (
            "SELECT column1 AS id, column2 AS type_id, column3 AS points, column4 AS half_life_days, "
            f"column5 AS cap, column6 AS floor FROM (VALUES {', '.join(rows)}) v",
            tuple(one.row.type_id for one in rules),
        )

    def half_life(self, rule_id: str) -> str:
        """That of the rule whose id stands in a column, in days."""
        own = [f"WHEN {pk} THEN {_number(rule.half_life_days)}" for pk, rule in self.rules.by_id.items()]
        return f"CASE {rule_id} {' '.join(own)} END" if own else "1.0"

    def components(self, *, objects: str = f"SELECT {_COUNTED}, 1 FROM firsts") -> str:
        """What each rule adds up for each contact as of `at`, from what is `matched`.

        `objects` are those that count once: `_COUNTED`, and 1, or −1 for one whose points are to be taken back.
        """
        weight = database.weight("c.occurred_at", "c.half_life_days", self.at)
        return (
            f"SELECT c.contact_id, c.rule_id, SUM(c.sign * c.points * {weight}) AS amount, SUM(c.sign) AS count, "
            f"{database.instant(self.at)} AS reference_at "
            f"FROM (SELECT {_COUNTED}, 1 AS sign FROM matched WHERE NOT is_once UNION ALL {objects}) c "
            "WHERE TRUE GROUP BY c.contact_id, c.rule_id"
        )

    def value(self) -> list[Found]:
        """Write the scores that the stored components make, and return who crossed.

        Whether a stored score is armed is read where it is overwritten: joined to the contacts of a batch, the planner
        would rather read the scores of everybody, batch by batch.
        """
        sql, params = self.scores(components="scoring_component")
        arming = f"is_armed = scoring_score.is_armed OR excluded.value < {_number(self.rules.model.mql_threshold)}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO scoring_score (contact_id, {', '.join(_SCORE_COLUMNS)}) {sql} "
                f"ON CONFLICT (contact_id) DO UPDATE SET {_OVERWRITTEN}, {arming}",
                params,
            )
        crossing = Score.objects.filter(
            self.chosen,
            is_armed=True,
            value__gte=self.rules.model.mql_threshold,
            contact__stage__in=stages.PROMOTABLE_STAGES,
            contact__is_disqualified=False,
        )
        return [
            Found(contact_id=contact_id, score=value, grade=grade)
            for contact_id, value, grade in crossing.order_by("contact_id").values_list("contact_id", "value", "grade")
        ]

    def scores(self, *, components: str) -> Sql:
        """A row of the table of scores for each contact; the components come from a table or a `WITH`."""
        model = self.rules.model
        contacts, params = _compiled(self.contacts())
        given = Adjustment.objects.filter(self.chosen, at__lte=self.at).order_by().values("contact_id")
        adjusted, more = _compiled(given.annotate(adjustment=Sum("points")))
        chosen = _compiled(Component.objects.filter(self.chosen).values("contact_id"))
        where = chosen[0].partition(" WHERE ")[2].replace('"scoring_component"', "c")
        table, rules = self.table()
        weight = database.weight("c.reference_at", "r.half_life_days", self.at)
        # What each component is worth is computed once, not again wherever a sum asks for it.
        worth = (
            f"SELECT c.contact_id, r.cap, r.floor, r.half_life_days AS half_life, c.amount * {weight} AS amount "
            f"FROM {components} c JOIN ({table}) r ON r.id = c.rule_id WHERE {where}"
        )
        engagement = (
            "SELECT contact_id, SUM(points) AS engagement, "
            "SUM(CASE WHEN points > 0 THEN points ELSE 0 END) AS falling, "
            "SUM(CASE WHEN points < 0 THEN points ELSE 0 END) AS rising, "
            "MIN(CASE WHEN points > 0 THEN half_life END) AS falls_in, "
            "MIN(CASE WHEN points < 0 THEN half_life END) AS rises_in FROM (SELECT contact_id, half_life, "
            "CASE WHEN amount > cap THEN cap WHEN amount < floor THEN floor ELSE amount END AS points FROM worth) p "
            "GROUP BY contact_id"
        )
        params += (*more, *rules, *chosen[1])
        # Each step stands by itself: put into one another, their expressions would grow exponentially.
        valued = (
            "SELECT k.id, k.fit, COALESCE(g.adjustment, 0) AS adjustment, "
            "k.fit + COALESCE(g.adjustment, 0) AS constant, "
            "COALESCE(e.engagement, 0) AS engagement, COALESCE(e.falling, 0) AS falling, "
            "COALESCE(e.rising, 0) AS rising, e.falls_in, e.rises_in, "
            "k.fit + COALESCE(g.adjustment, 0) + COALESCE(e.engagement, 0) AS value "
            "FROM known k LEFT JOIN engaged e ON e.contact_id = k.id LEFT JOIN adjusted g ON g.contact_id = k.id"
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
            f"WITH known AS MATERIALIZED ({contacts}), adjusted AS MATERIALIZED ({adjusted}), "
            f"worth AS MATERIALIZED ({worth}), engaged AS MATERIALIZED ({engagement}), "
            f"valued AS MATERIALIZED ({valued}), bounded AS MATERIALIZED ({bounded}), timed AS MATERIALIZED ({timed}) "
            f"SELECT id AS contact_id, {model.pk} AS model_id, value, engagement, fit, adjustment, "
            f"{_letter(model)} || {_digit(model)} AS grade, %s AS valued_at, "
            "TRUE AS is_armed, "
            f"CASE WHEN {after} <= {horizon} + 1 THEN {check_at} END AS next_check_at "
            "FROM timed WHERE TRUE",
            (*params, self.at_param, self.at_param),
        )

    def contacts(self) -> Any:
        """The contacts with their fit."""
        fit: Any = Value(0.0, output_field=FloatField())
        for check in self.rules.fit:
            holds = contact_q([check.condition], pictures=self.rules.pictures)
            fit += Case(When(holds, then=Value(check.points)), default=Value(0.0), output_field=FloatField())
        return Contact.objects.filter(_as_contacts(self.chosen)).order_by().annotate(fit=fit).values("id", "fit")


def _as_contacts(chosen: Q) -> Q:
    return Q(*((name.replace("contact_id", "id"), value) for name, value in chosen.children))  # type: ignore[misc]


def _by_rule(name: str, rule_ids: Iterable[int], *, asked: str = "", otherwise: str) -> str:
    """Of the columns `name` + id of the rule that of the rule at hand; `otherwise` for rules that have none."""
    branches = " ".join(f"WHEN {pk} THEN {name}{pk} {asked}" for pk in rule_ids)
    return f"(CASE r.id {branches} ELSE {otherwise} END)" if branches else otherwise


def _compiled(rows: Any) -> Sql:
    sql, params = rows.query.sql_with_params()
    return sql, tuple(params)


_LN2 = "0.69314718055994530942"


def _number(value: float | None) -> str:
    if value is None:
        return "NULL"
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
