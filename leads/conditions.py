"""The one language of conditions: field, operator, value. This is its evaluator in Python.

What a value is
    unset      None, "" or missing. Text of blanks only is set: interfaces trim what people type, conditions do not.
    text       compared after `fold`, which ignores case; never trimmed.
    number     int, float or Decimal, compared as a double. One that does not fit a finite double is no number.
               Text that looks like one (`NUMBER_PATTERN`: sign, at most 15 digits, at most 15 decimals; no blanks, no
               exponent) reads as one, but only where the table below says so.
    date       date or datetime, or text in ISO format (`DATE_PATTERN`: `2026-12-05`, `2026-12-05T10:00`, seconds and
               offset optional). A datetime without an offset is UTC. Two datetimes compare as instants; as soon as
               one side is a day alone, both compare as days in UTC, so `lte 2026-12-05` includes that whole day.
    yes or no  True and False. Neither is a number; each equals its name as text, "true" and "false".
    others     lists and objects are set, and equal nothing.
    several    `Several`: a fact with several values at once, such as the personas that match a contact. A condition
               holds for it if it holds for at least one of them; `not_equals` and `is_unset` must hold for all.

What an operator asks
    is_set         the value is not unset.           is_unset: it is.
    equals         the first of these that applies: either side is yes or no: both are the same yes or no, or the
                   other is its name; either side is a number (text that looks like one is not enough): both read as
                   numbers, and are the same; either side is a date object: both read as dates, and are the same;
                   both are text: the same text. So 12 equals "12" and "12.0", yet "00100" does not equal "100".
    not_equals     the contrary of equals, in every case: true for an unset value.
    in             equals at least one of the list.
    contains       text in text. With a list: at least one of them. The value must be text, nothing is converted.
    starts_with    text at the beginning of text. The value must be text, nothing is converted.
    gt gte lt lte  if the condition's value reads as a number, the value must too; if it reads as a date, likewise.
    between        gte the first and lte the second: both ends are included.
    is_free_mail   text whose part after the last "@" (all of it, if there is none) is a free mail domain.

Every operator but `is_unset` and `not_equals` is false for an unset value, and for one that it cannot read. No value,
however odd, makes a condition raise; what a condition itself may be is settled once, by `parse_conditions`.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from leads.free_mail import is_free_mail

OPERATORS = (
    "equals",
    "not_equals",
    "in",
    "contains",
    "starts_with",
    "gt",
    "gte",
    "lt",
    "lte",
    "between",
    "is_set",
    "is_unset",
    "is_free_mail",
)
VALUELESS_OPERATORS = frozenset({"is_set", "is_unset", "is_free_mail"})
NEGATIVE_OPERATORS = frozenset({"not_equals", "is_unset"})
ANY_NAME = ".*"
"""How a list of known names ends one that stands for all names that begin alike: `attributes.*`."""

NUMBER_PATTERN = r"-?[0-9]{1,15}(\.[0-9]{1,15})?"
DATE_PATTERN = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.([0-9]{3}|[0-9]{6}))?)?"
    r"(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])?)?"
)
_NUMBER = re.compile(NUMBER_PATTERN)
_DATE = re.compile(DATE_PATTERN)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `value` is as it was given, a list as a tuple, and None for an operator that takes none."""

    field: str
    op: str
    value: object = None


class Several(tuple[object, ...]):
    """The values of a fact that has several of them at once, or none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One condition before one thing: what it looks at there, and whether it holds."""

    condition: Condition
    value: object
    holds: bool


class ConditionError(ValueError):
    """A condition that cannot be understood. Its text is a sentence that says what to do.

    `index` is its place in the list, from 0, None when it is no list at all; `field` the field it names, "" if none.
    `template` and `params` are the same sentence apart, for an interface that translates it: `_(template) % params`.
    """

    def __init__(self, template: str, *, index: int | None, field: str = "", **params: object) -> None:
        super().__init__(template % params)
        self.template = template
        self.params = params
        self.index = index
        self.field = field


def gettext_noop(message: str) -> str:
    """Mark a sentence for translation; this module translates nothing itself."""
    return message


def parse_conditions(
    data: object, *, key: str = "field", known: Collection[str] | None = None
) -> tuple[Condition, ...]:
    """Read a list of `{key: …, "op": …, "value": …}` as conditions, in its order; other keys are left alone.

    `key` is "property" for the rules of activities, and `known`, if given, holds the only names allowed under it; a
    known name `attributes.*` allows every name that begins with `attributes.`.
    Raises `ConditionError` for the first that cannot be understood.
    """
    if not isinstance(data, list | tuple):
        raise ConditionError(gettext_noop("Give the conditions as a list."), index=None)
    return tuple(_parse_condition(item, index, key, known) for index, item in enumerate(data))


def is_known(field: str, known: Collection[str]) -> bool:
    """Whether a name is among those known, by itself or by one such as `attributes.*`."""
    if field in known:
        return not field.endswith(ANY_NAME)
    head, dot, rest = field.partition(".")
    return bool(dot and rest) and f"{head}{ANY_NAME}" in known


def matches(condition: Condition, value: object) -> bool:
    """Whether a value meets a condition, by the rules at the head of this module. Raises nothing."""
    op, operand = condition.op, condition.value
    if isinstance(value, Several):
        judged = (matches(condition, one) for one in value)
        return all(judged) if op in NEGATIVE_OPERATORS else any(judged)
    if op == "is_unset":
        return is_unset(value)
    if op == "not_equals":
        return not _equals(value, operand)
    if is_unset(value):
        return False
    test = _TESTS.get(op)
    return test is not None and test(value, operand)


def all_match(conditions: Iterable[Condition], getter: Callable[[str], object]) -> bool:
    """Whether every condition is met; `getter(field)` gives the values, None for a missing one."""
    return all(matches(condition, getter(condition.field)) for condition in conditions)


def judge(conditions: Iterable[Condition], getter: Callable[[str], object]) -> tuple[Judged, ...]:
    """Every condition with the value that it finds and whether it holds, for an answer to "why?"."""
    values = [(one, getter(one.field)) for one in conditions]
    return tuple(Judged(one, value, matches(one, value)) for one, value in values)


def is_unset(value: object) -> bool:
    """Whether a value counts as not there: None or empty text."""
    return value is None or (isinstance(value, str) and value == "")


def fold(text: str) -> str:
    """Return the text as it is compared: every letter lower-cased by itself, nothing else.

    Unicode's full lower case without regard to language or place, which databases can do alike: İ becomes i with a dot
    above, and a sigma at the end of a word what it is elsewhere. So ß is not ss, and a letter composed of two is not
    the one that looks the same.
    """
    return text.lower().replace("ς", "σ")


def as_number(value: object) -> float | None:
    """Return a number, or text that looks like one, as a finite double; None for anything else."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if not _is_number(value):
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # _is_number has looked
    except (OverflowError, ValueError):  # an int beyond doubles, a signaling Decimal
        return None
    return number if math.isfinite(number) else None


def as_date(value: object) -> date | None:
    """Return a date or datetime, or ISO text, as a date or as a datetime in UTC; None for anything else."""
    if isinstance(value, str):
        if not _DATE.fullmatch(value):
            return None
        try:
            value = date.fromisoformat(value) if len(value) == len("2026-12-05") else datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return value if isinstance(value, date) else None
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # an offset that leads out of the years 1 to 9999
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _equals(value: object, operand: object) -> bool:
    if is_unset(value) or is_unset(operand):
        return False
    if isinstance(value, bool) or isinstance(operand, bool):
        name = _truth_name(value)
        return name is not None and name == _truth_name(operand)
    if _is_number(value) or _is_number(operand):
        number = as_number(value)
        return number is not None and number == as_number(operand)
    if isinstance(value, date) or isinstance(operand, date):
        order = _order_dates(as_date(value), as_date(operand))
        return order == 0
    return isinstance(value, str) and isinstance(operand, str) and fold(value) == fold(operand)


def _truth_name(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return fold(value) if isinstance(value, str) else None


def _order_dates(first: date | None, second: date | None) -> int | None:
    """Return −1, 0 or 1 as the first is before, at or after the second; None unless both are dates."""
    if first is None or second is None:
        return None
    if isinstance(first, datetime) != isinstance(second, datetime):
        first = first.date() if isinstance(first, datetime) else first
        second = second.date() if isinstance(second, datetime) else second
    return (first > second) - (first < second)


def _order(value: object, operand: object) -> int | None:
    """Return −1, 0 or 1 as the value is below, at or above the operand; None where they do not compare."""
    number = as_number(operand)
    if number is None:
        return _order_dates(as_date(value), as_date(operand))
    own = as_number(value)
    return None if own is None else (own > number) - (own < number)


def _in(value: object, operand: object) -> bool:
    return isinstance(operand, tuple | list) and any(_equals(value, item) for item in operand)


def _contains(value: object, operand: object) -> bool:
    wanted = operand if isinstance(operand, tuple | list) else (operand,)
    if not isinstance(value, str):
        return False
    text = fold(value)
    return any(isinstance(item, str) and fold(item) in text for item in wanted)


def _between(value: object, operand: object) -> bool:
    if not isinstance(operand, tuple | list) or len(operand) != 2:
        return False
    return _order(value, operand[0]) in (0, 1) and _order(value, operand[1]) in (-1, 0)


_TESTS: Mapping[str, Callable[[object, object], bool]] = {
    "equals": _equals,
    "in": _in,
    "contains": _contains,
    "starts_with": lambda value, operand: (
        isinstance(value, str) and isinstance(operand, str) and fold(value).startswith(fold(operand))
    ),
    "gt": lambda value, operand: _order(value, operand) == 1,
    "gte": lambda value, operand: _order(value, operand) in (0, 1),
    "lt": lambda value, operand: _order(value, operand) == -1,
    "lte": lambda value, operand: _order(value, operand) in (-1, 0),
    "between": _between,
    "is_set": lambda value, operand: True,
    "is_free_mail": lambda value, operand: isinstance(value, str) and is_free_mail(address=value),
}


def _parse_condition(item: object, index: int, key: str, known: Collection[str] | None) -> Condition:
    if not isinstance(item, Mapping):
        raise ConditionError(
            gettext_noop("Give each condition as an object with %(key)s, op and value."), index=index, key=key
        )
    field, op = item.get(key), item.get("op")
    if not isinstance(field, str) or not field:
        raise ConditionError(gettext_noop("Name the %(key)s that the condition looks at."), index=index, key=key)
    if known is not None and not is_known(field, known):
        raise ConditionError(
            gettext_noop("There is no %(key)s “%(name)s” to look at; choose one of: %(known)s."),
            index=index,
            field=field,
            key=key,
            name=field,
            known=", ".join(sorted(known)),
        )
    if not isinstance(op, str) or not op:
        raise ConditionError(gettext_noop("Give the condition an operator (op)."), index=index, field=field)
    if op not in OPERATORS:
        raise ConditionError(
            gettext_noop("There is no operator “%(op)s”; choose one of: %(operators)s."),
            index=index,
            field=field,
            op=op,
            operators=", ".join(OPERATORS),
        )
    value = item.get("value")
    problem = _value_problem(op, value)
    if problem is not None:
        raise ConditionError(problem, index=index, field=field, op=op)
    if op in VALUELESS_OPERATORS:
        value = None
    return Condition(field=field, op=op, value=tuple(value) if isinstance(value, list) else value)


def _value_problem(op: str, value: object) -> str | None:
    """Return what is wrong with the value for the operator as a sentence to be filled with `op`, None if nothing."""
    if op in VALUELESS_OPERATORS:
        # True is how people write "yes, it is"; False would read as the contrary of what the operator asks.
        return None if is_unset(value) or value is True else gettext_noop("%(op)s takes no value; leave it out.")
    if is_unset(value):
        return gettext_noop("%(op)s needs a value; to ask whether there is one at all, use is_set or is_unset.")
    return _VALUE_CHECKS.get(op, _ordered_problem)(value)


def _is_scalar(value: object) -> bool:
    """Whether something can be equal to the value: text, a number, a date, yes or no."""
    if isinstance(value, str):
        return value != ""
    return isinstance(value, bool) or as_number(value) is not None or as_date(value) is not None


def _equals_problem(value: object) -> str | None:
    return None if _is_scalar(value) else gettext_noop("%(op)s needs one text, number, date, true or false.")


def _in_problem(value: object) -> str | None:
    is_list = isinstance(value, list | tuple) and len(value) > 0 and all(_is_scalar(item) for item in value)
    return None if is_list else gettext_noop("%(op)s needs a list of one or more texts, numbers or dates.")


def _contains_problem(value: object) -> str | None:
    wanted = value if isinstance(value, list | tuple) else [value]
    is_text = len(wanted) > 0 and all(isinstance(item, str) and item != "" for item in wanted)
    return None if is_text else gettext_noop("%(op)s needs a text, or a list of one or more texts.")


def _starts_with_problem(value: object) -> str | None:
    return None if isinstance(value, str) else gettext_noop("%(op)s needs a text.")


def _ordered_problem(value: object) -> str | None:
    is_ordered = as_number(value) is not None or as_date(value) is not None
    return None if is_ordered else gettext_noop("%(op)s needs a number, or a date as 2026-12-05.")


def _between_problem(value: object) -> str | None:
    if isinstance(value, list | tuple) and len(value) == 2:
        order = _order(value[0], value[1])
        if order is not None and order <= 0:
            return None
    return gettext_noop("%(op)s needs two numbers or two dates, the lower one first.")


_VALUE_CHECKS: Mapping[str, Callable[[object], str | None]] = {
    "equals": _equals_problem,
    "not_equals": _equals_problem,
    "in": _in_problem,
    "contains": _contains_problem,
    "starts_with": _starts_with_problem,
    "between": _between_problem,
}
