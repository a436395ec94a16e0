"""Writing versions of the rules while they are drafts, and comparing two of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Max
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid
from leads import facts
from leads.conditions import ConditionError, parse_conditions
from leads.models import ActivityType
from scoring.models import ActivityRule, FitRule, ScoringModel

if TYPE_CHECKING:
    from crm.models import User

NUMBERS = ("half_life_days", "mql_threshold", "hot_threshold", "cooling_threshold")
BANDS = ("fit_bands", "engagement_bands")
OWN = ("name", "note", *NUMBERS, *BANDS)
ACTIVITY_RULE = (
    "name",
    "type",
    "conditions",
    "points",
    "cap",
    "floor",
    "once_per",
    "within_days",
    "half_life_days",
    "is_request",
)
FIT_RULE = ("name", "field", "op", "value", "points")
# In the name of a rule with learned points it stands before how many cases are behind them.
EVIDENCE_MARK = " · "
LARGEST = 1_000_000
LONGEST_WINDOW = 3650


def draft(*, based_on: ScoringModel | None, actor: User | None, at: dt.datetime) -> ScoringModel:
    """A new draft: a copy of another version, or empty with the standard thresholds."""
    made = ScoringModel(
        version=(ScoringModel.objects.aggregate(last=Max("version"))["last"] or 0) + 1,
        name=based_on.name if based_on else _("Draft"),
        based_on=based_on,
        reference_at=at,
        created_at=at,
        created_by=actor,
    )
    for name in (*NUMBERS, *BANDS) if based_on else ():
        setattr(made, name, getattr(based_on, name))
    made.save()
    if based_on:
        for rules in (based_on.activity_rules, based_on.fit_rules):
            _copy(rules, made)
    return made


def _copy(rules: Any, to: ScoringModel) -> None:
    copies = list(rules.all())
    for rule in copies:
        rule.pk, rule._state.adding, rule.model = None, True, to
    rules.model._default_manager.bulk_create(copies)


def require_draft(model: ScoringModel) -> None:
    """Raise `Conflict` unless the version may still be changed."""
    if model.status != ScoringModel.Status.DRAFT:
        raise Conflict(_("Version %(version)d was published and is never edited. Draft a new version from it.") % {
            "version": model.version
        })  # fmt: skip


def edit(model: ScoringModel, *, values: Mapping[str, Any], at: dt.datetime) -> None:
    """Change a locked draft. Raises `Conflict` for any other version, `Invalid` naming the field.

    `values` are columns named in `OWN`, and `activity_rules` and `fit_rules` as complete lists in their order: one
    with the `id` of a rule of this draft changes it, one without is added, what is not in the list goes.
    """
    require_draft(model)
    for name in OWN:
        if name in values:
            setattr(model, name, values[name])
    if "cooling_threshold" not in values and _is_number(model.mql_threshold):
        model.cooling_threshold = min(model.cooling_threshold, model.mql_threshold)
    _check_own(model)
    model.changed_at = at
    model.save()
    if "activity_rules" in values:
        types = set(ActivityType.objects.values_list("code", flat=True))
        checked = [
            _activity_rule(given, types=types, where=_where("activity_rules", number))
            for number, given in enumerate(_listed(values["activity_rules"], "activity_rules"), start=1)
        ]
        _write(model, ActivityRule, checked, field="activity_rules")
    if "fit_rules" in values:
        checked = [
            _fit_rule(given, where=_where("fit_rules", number))
            for number, given in enumerate(_listed(values["fit_rules"], "fit_rules"), start=1)
        ]
        _write(model, FitRule, checked, field="fit_rules")


@dataclass(frozen=True)
class _Where:
    """A rule's place in its list, for a sentence."""

    field: str
    number: int

    def invalid(self, sentence: str) -> Invalid:
        return Invalid(
            _("Rule %(number)d: %(sentence)s") % {"number": self.number, "sentence": sentence}, field=self.field
        )


def _where(field: str, number: int) -> _Where:
    return _Where(field=field, number=number)


def _listed(rules: Any, field: str) -> list[Mapping[str, Any]]:
    if not isinstance(rules, list | tuple) or not all(isinstance(rule, Mapping) for rule in rules):
        raise Invalid(_("Give the rules as a list of objects."), field=field)
    return list(rules)


def _check_own(model: ScoringModel) -> None:
    model.name = str(model.name or "").strip()
    if not model.name or len(model.name) > 100:
        raise Invalid(_("Give the version a name of up to 100 characters."), field="name")
    for name in NUMBERS:
        if not _is_number(getattr(model, name)):
            raise Invalid(_("Give a number."), field=name)
    if model.half_life_days < 1:
        raise Invalid(_("A half-life is at least one day."), field="half_life_days")
    if model.hot_threshold < model.mql_threshold:
        raise Invalid(_("Hot begins at the MQL threshold or above it."), field="hot_threshold")
    if model.cooling_threshold > model.mql_threshold:
        raise Invalid(_("Cooling begins at the MQL threshold or below it."), field="cooling_threshold")
    for name in BANDS:
        bands = getattr(model, name)
        is_falling = isinstance(bands, list | tuple) and len(bands) == 3 and all(map(_is_number, bands))
        if not is_falling or not bands[0] > bands[1] > bands[2]:
            raise Invalid(_("Give three numbers, the highest first."), field=name)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) <= LARGEST


def _activity_rule(given: Mapping[str, Any], *, types: set[str], where: _Where) -> dict[str, Any]:
    """One rule as it is stored."""
    values: dict[str, Any] = {"id": given.get("id"), "name": _name(given, where), "points": _points(given, where)}
    if given.get("type") not in types:
        raise where.invalid(_("choose one of these types: %(types)s.") % {"types": ", ".join(sorted(types))})
    values["type_id"] = given["type"]
    try:
        conditions = parse_conditions(given.get("conditions") or [], key="property")
    except ConditionError as error:
        raise where.invalid(_(error.template) % error.params) from None
    values["conditions"] = [
        {"property": one.field, "op": one.op, "value": list(one.value) if isinstance(one.value, tuple) else one.value}
        for one in conditions
    ]
    for name in ("cap", "floor", "half_life_days"):
        values[name] = given.get(name)
        if values[name] is not None and not _is_number(values[name]):
            raise where.invalid(_("%(name)s is a number, or nothing.") % {"name": name})
    if values["cap"] is not None and values["cap"] < 0:
        raise where.invalid(_("a cap is 0 or more."))
    if values["floor"] is not None and values["floor"] > 0:
        raise where.invalid(_("a floor is 0 or less."))
    if values["half_life_days"] is not None and values["half_life_days"] < 1:
        raise where.invalid(_("a half-life is at least one day."))
    values["once_per"] = str(given.get("once_per") or "").strip()
    if len(values["once_per"]) > 60:
        raise where.invalid(_("the name of a property has at most 60 characters."))
    values["within_days"] = within = given.get("within_days")
    if within is not None and (
        not isinstance(within, int) or isinstance(within, bool) or not 1 <= within <= LONGEST_WINDOW
    ):
        raise where.invalid(_("a window is a whole number of days, from 1 to %(most)d.") % {"most": LONGEST_WINDOW})
    if within is not None and not values["once_per"]:
        raise where.invalid(_("a window needs the property that names the object (once_per)."))
    values["is_request"] = given.get("is_request") is True
    return values


def _fit_rule(given: Mapping[str, Any], *, where: _Where) -> dict[str, Any]:
    values = {"id": given.get("id"), "name": _name(given, where), "points": _points(given, where)}
    try:
        (condition,) = parse_conditions([given], known=facts.FIT_FIELDS)
    except ConditionError as error:
        raise where.invalid(_(error.template) % error.params) from None
    if len(condition.field) > 120:
        raise where.invalid(_("the name of a field has at most 120 characters."))
    value = list(condition.value) if isinstance(condition.value, tuple) else condition.value
    return values | {"field": condition.field, "op": condition.op, "value": value}


def known_as(name: str) -> str:
    """The name of a rule without the evidence that a suggestion wrote behind it."""
    return name.partition(EVIDENCE_MARK)[0]


def _name(given: Mapping[str, Any], where: _Where) -> str:
    name = str(given.get("name") or "").strip()
    if not name or len(name) > 120:
        raise where.invalid(_("give it a name of up to 120 characters."))
    return name


def _points(given: Mapping[str, Any], where: _Where) -> float:
    if not _is_number(given.get("points")):
        raise where.invalid(_("points are a number."))
    return float(given["points"])


def _write(model: ScoringModel, kind: Any, rules: Sequence[dict[str, Any]], *, field: str) -> None:
    known = {row.pk: row for row in kind.objects.filter(model=model)}
    kept: set[int] = set()
    for position, values in enumerate(rules):
        own_id = values.pop("id")
        if own_id is not None and (own_id not in known or own_id in kept):
            raise Invalid(_("Rule %(number)d: this draft has no rule %(id)s.") % {
                "number": position + 1, "id": own_id
            }, field=field)  # fmt: skip
        row = known[own_id] if own_id is not None else kind(model=model)
        for name, value in values.items():
            setattr(row, name, value)
        row.position = position
        row.save()
        kept.add(row.pk)
    kind.objects.filter(model=model).exclude(pk__in=kept).delete()


# Comparing ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    """A rule, or a number of the version, as both have it. None where one of them has it not."""

    name: str
    kind: str
    one: Mapping[str, Any] | None
    other: Mapping[str, Any] | None
    changed: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        return self.one is not None and self.other is not None and not self.changed


def compare(one: ScoringModel, other: ScoringModel) -> list[Pair]:
    """Two versions side by side: their own numbers, then activity rules, then fit rules; rules are known by name."""
    pairs = [_pair(_("Thresholds and bands"), "version", _own(one), _own(other))]
    for kind, rules in (("activity", _activity_rules), ("fit", _fit_rules)):
        first, second = rules(one), rules(other)
        names = [*first, *(name for name in second if name not in first)]
        pairs += [_pair(name[0], kind, first.get(name), second.get(name)) for name in names]
    return pairs


def _pair(name: str, kind: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Pair:
    changed = tuple(key for key in one or {} if other is not None and one is not None and one[key] != other[key])
    return Pair(name=name, kind=kind, one=one, other=other, changed=changed)


def _own(model: ScoringModel) -> dict[str, Any]:
    return {name: getattr(model, name) for name in (*NUMBERS, *BANDS)}


def _activity_rules(model: ScoringModel) -> dict[tuple[str, int], dict[str, Any]]:
    return _by_name(model.activity_rules.all(), [name if name != "type" else "type_id" for name in ACTIVITY_RULE])


def _fit_rules(model: ScoringModel) -> dict[tuple[str, int], dict[str, Any]]:
    return _by_name(model.fit_rules.all(), FIT_RULE)


def _by_name(rows: Iterable[Any], fields: Iterable[str]) -> dict[tuple[str, int], dict[str, Any]]:
    """Rules by their name and which of that name they are."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in rows:
        own = known_as(row.name)
        number = sum(name == own for name, _number in found)
        found[own, number] = {name: getattr(row, name) for name in fields}
    return found
