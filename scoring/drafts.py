"""A draft read line by line beside the version in force: what was changed, added and taken out, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core import signing
from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import formats
from leads.condition_words import conditions_sentence, field_name
from leads.conditions import parse_conditions
from leads.models import ActivityType
from scoring import sentences, versions
from scoring.models import ActivityRule, FitRule, ScoringModel
from scoring.versions import Pair

SALT = "scoring.drafts.put_back"
WORDS = {
    "type_id": gettext_lazy("type"),
    "conditions": gettext_lazy("where"),
    "points": gettext_lazy("points"),
    "cap": gettext_lazy("together at most"),
    "floor": gettext_lazy("together at least"),
    "once_per": gettext_lazy("each … once"),
    "within_days": gettext_lazy("within days"),
    "half_life_days": gettext_lazy("half-life in days"),
    "is_request": gettext_lazy("promotes at once"),
    "field": gettext_lazy("field"),
    "op": gettext_lazy("compared"),
    "value": gettext_lazy("value"),
    "mql_threshold": gettext_lazy("MQL from"),
    "hot_threshold": gettext_lazy("hot from"),
    "cooling_threshold": gettext_lazy("cooling below"),
    "fit_bands": gettext_lazy("fit A, B, C from"),
    "engagement_bands": gettext_lazy("engagement 1, 2, 3 from"),
}


@dataclass(frozen=True)
class Change:
    """One value that differs, in words."""

    word: str
    old: str
    new: str


@dataclass(frozen=True)
class Line:
    """A rule of the draft, or one that it no longer has (`pk` None). `state` is same, changed, added or removed."""

    pk: int | None
    name: str
    sentence: str
    points: float
    old_points: float | None
    state: str
    changes: tuple[Change, ...]
    contact_count: int | None = None
    rule_in_force: int | None = None
    seal: str = ""
    """What puts a rule back that the draft no longer has."""


@dataclass(frozen=True)
class Compared:
    """A draft beside another version."""

    own: tuple[Change, ...]
    activity: tuple[Line, ...]
    fit: tuple[Line, ...]

    @property
    def count(self) -> int:
        """How many lines differ."""
        return bool(self.own) + sum(line.state != "same" for line in (*self.activity, *self.fit))


@dataclass(frozen=True)
class Both:
    """One line of two versions side by side."""

    name: str
    kind: str
    is_same: bool
    one: str
    other: str


def compared(model: ScoringModel, base: ScoringModel) -> Compared:
    """The rules of `model` in their order as they differ from those of `base`, then those that only `base` has."""
    pairs = versions.compare(base, model)
    types = dict(ActivityType.objects.values_list("code", "name"))
    counted = Count("components", filter=Q(components__count__gt=0))
    in_force = {
        "activity": _by_name(base.activity_rules.annotate(contact_count=counted)),
        "fit": _by_name(base.fit_rules.all()),
    }
    activity = _lines(
        model.activity_rules.select_related("type"), _of(pairs, "activity"), "activity", model=model, types=types
    )
    fit = _lines(model.fit_rules.all(), _of(pairs, "fit"), "fit", model=model, types=types)
    own = next(pair for pair in pairs if pair.kind == "version")
    return Compared(
        own=_changes(own, types),
        activity=tuple(_with_contacts(activity, in_force["activity"])),
        fit=tuple(_with_contacts(fit, in_force["fit"])),
    )


def _by_name(rules: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for rule in rules:
        found[versions.known_as(rule.name)].append(rule)
    return found


def _of(pairs: Iterable[Pair], kind: str) -> list[Pair]:
    return [pair for pair in pairs if pair.kind == kind]


def _lines(
    rules: Iterable[Any], pairs: list[Pair], kind: str, *, model: ScoringModel, types: Mapping[str, str]
) -> list[Line]:
    waiting: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        if pair.other is not None:
            waiting[pair.name].append(pair)
    lines = []
    for rule in rules:
        pair = waiting[versions.known_as(rule.name)].pop(0)
        said = sentences.activity_sentence(rule, model) if kind == "activity" else sentences.fit_sentence(rule)
        old_points = pair.one["points"] if pair.one is not None and "points" in pair.changed else None
        is_changed = bool(set(pair.changed) - {"name"})
        state = "added" if pair.one is None else "changed" if is_changed else "same"
        lines.append(Line(rule.pk, rule.name, said, rule.points, old_points, state, _changes(pair, types)))
    for pair in pairs:
        if pair.other is None and pair.one is not None:
            said = _sentence(kind, pair.one, model, types)
            seal = sealed(model, kind, {name.removesuffix("_id"): value for name, value in pair.one.items()})
            lines.append(Line(None, pair.name, said, pair.one["points"], None, "removed", (), seal=seal))
    return lines


def _with_contacts(lines: Iterable[Line], in_force: Mapping[str, list[Any]]) -> Iterable[Line]:
    waiting = {name: list(rules) for name, rules in in_force.items()}
    for line in lines:
        rules = waiting.get(versions.known_as(line.name))
        rule = rules.pop(0) if rules else None
        if rule is None:
            yield line
        else:
            yield replace(line, contact_count=getattr(rule, "contact_count", None), rule_in_force=rule.pk)


def _changes(pair: Pair, types: Mapping[str, str]) -> tuple[Change, ...]:
    if pair.one is None or pair.other is None:
        return ()
    return tuple(
        Change(str(WORDS.get(key, key)), _said(key, pair.one[key], types), _said(key, pair.other[key], types))
        for key in pair.changed
        if key not in ("points", "name")
    )


def _said(key: str, value: Any, types: Mapping[str, str]) -> str:
    """A value of a rule or a version in words."""
    if key == "type_id":
        return types.get(value, str(value))
    if key == "conditions":
        return conditions_sentence(parse_conditions(value, key="property")) or _("everything")
    if key == "field":
        return field_name(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value in (None, ""):
        return _("nothing")
    if isinstance(value, list | tuple):
        return ", ".join(_said("", one, types) for one in value)
    return formats.number(value) if isinstance(value, int | float) else str(value)


def _sentence(kind: str, values: Mapping[str, Any], model: ScoringModel, types: Mapping[str, str]) -> str:
    if kind == "fit":
        return sentences.fit_sentence(FitRule(field=values["field"], op=values["op"], value=values["value"]))
    fields = {name: value for name, value in values.items() if name != "type_id"}
    type_ = ActivityType(code=values["type_id"], name=types.get(values["type_id"], values["type_id"]))
    return sentences.activity_sentence(ActivityRule(type=type_, **fields), model)


def side_by_side(one: ScoringModel, other: ScoringModel) -> list[Both]:
    """Everything that two versions say, line beside line; "" where one of them has it not."""
    types = dict(ActivityType.objects.values_list("code", "name"))
    found = []
    for pair in versions.compare(one, other):
        if pair.kind == "version":
            for key in (*versions.NUMBERS, *versions.BANDS):
                first, second = (_said(key, side[key], types) for side in (pair.one or {}, pair.other or {}))
                word = str(WORDS[key])
                found.append(Both(word[:1].upper() + word[1:], pair.kind, first == second, first, second))
            continue
        texts = [
            f"{_sentence(pair.kind, side, model, types)} {formats.signed(side['points'])}" if side is not None else ""
            for side, model in ((pair.one, one), (pair.other, other))
        ]
        found.append(Both(pair.name, pair.kind, pair.is_same, *texts))
    return found


def rules_as_values(model: ScoringModel) -> dict[str, list[dict[str, Any]]]:
    """The lists of rules as `crm.flows.publishing.save_rules` takes them."""
    return {
        "activity_rules": [
            {"id": rule.pk}
            | {name: getattr(rule, "type_id" if name == "type" else name) for name in versions.ACTIVITY_RULE}
            for rule in model.activity_rules.all()
        ],
        "fit_rules": [
            {"id": rule.pk} | {name: getattr(rule, name) for name in versions.FIT_RULE}
            for rule in model.fit_rules.all()
        ],
    }


# Taking a removal back ------------------------------------------------------------------------------------------------

LISTS = {"activity": "activity_rules", "fit": "fit_rules"}


def sealed(model: ScoringModel, kind: str, values: Mapping[str, Any]) -> str:
    """A rule that a draft has not, as text that only `put_back` reads; `values` as the flow takes them."""
    return signing.dumps([model.pk, kind, dict(values)], salt=SALT, compress=True)


def put_back(model: ScoringModel, seal: str) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """The lists of rules with a sealed one at its place again, as the flow takes them, and its name.

    Raises `ValueError` for a seal that is not one, or of another draft.
    """
    try:
        model_id, kind, values = signing.loads(seal, salt=SALT)
    except signing.BadSignature as error:
        raise ValueError(str(error)) from None
    if model_id != model.pk:
        raise ValueError("another draft")
    rules = rules_as_values(model)[LISTS[kind]]
    place = values.pop("place", len(rules))
    return {LISTS[kind]: [*rules[:place], values, *rules[place:]]}, values["name"]
