"""The editor of conditions: one form that rules, personas, segments, routing and policies inherit from.

A form that inherits from `ConditionsForm` is told the stored conditions, and gives the edited ones back as
`cleaned_data["conditions"]`; the page shows them by `{% conditions form %}` and, once, `{% condition_lists %}`.
"Add a condition" and "Remove" are submits that judge nothing: the view shows a form that `is_reshaping` again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import facts, words
from leads.condition_words import GROUPS
from leads.conditions import VALUELESS_OPERATORS, ConditionError, as_number, is_known, parse_conditions
from leads.models import ActivityType, Persona, Source
from leads.models.qualification import Verdict

ATTRIBUTE = "attributes."
MOST_CONDITIONS = 20
OPERATORS = [
    ("equals", gettext_lazy("is")),
    ("not_equals", gettext_lazy("is not")),
    ("in", gettext_lazy("is one of")),
    ("contains", gettext_lazy("contains")),
    ("starts_with", gettext_lazy("begins with")),
    ("gt", gettext_lazy("is above")),
    ("gte", gettext_lazy("is at least")),
    ("lt", gettext_lazy("is below")),
    ("lte", gettext_lazy("is at most")),
    ("between", gettext_lazy("is between")),
    ("is_set", gettext_lazy("is known")),
    ("is_unset", gettext_lazy("is not known")),
    ("is_free_mail", gettext_lazy("is a private mailbox")),
]
ORDERED = ("gt", "gte", "lt", "lte", "between")
LISTED = ("in", "between")
KNOWN_PROPERTIES = ("campaign", "direction", "form", "link", "mail", "path", "source", "title", "url", "webinar")
"""What activities usually carry; any other name can be typed."""
PARTS = ("field", "attribute", "op", "value")


def value_text(value: Any) -> str:
    """The value of a condition as a person types it."""
    if isinstance(value, list | tuple):
        return ", ".join(value_text(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def value_of(op: str, text: str) -> Any:
    """What was typed as the value that conditions take."""
    text = text.strip()
    if op in VALUELESS_OPERATORS or not text:
        return None
    if op in LISTED or (op == "contains" and "," in text):
        return [_one(op, part) for part in (piece.strip() for piece in text.split(",")) if part]
    return _one(op, text)


def _one(op: str, text: str) -> Any:
    number = as_number(text) if op in ORDERED else None
    if number is None:
        return text
    return int(number) if number.is_integer() else number


def condition_lists() -> dict[str, list[tuple[str, str]]]:
    """What a page offers while a property or a value is typed, each with what it is; three queries."""
    values = [(str(code), _("stage")) for code in words.STAGES]
    values += [(code, _("source")) for code in Source.objects.values_list("code", flat=True)]
    values += [(name, _("persona")) for name in Persona.objects.filter(is_active=True).values_list("name", flat=True)]
    values += [(code, name) for code, name in ActivityType.objects.order_by("code").values_list("code", "name")]
    values += [(verdict.value, _("what sales found out")) for verdict in Verdict]
    return {"properties": [(name, "") for name in KNOWN_PROPERTIES], "values": values}


class ConditionsForm(forms.Form):
    """A form with conditions, as many rows as the field `rows` says; a row left empty is no condition."""

    conditions_key: ClassVar[str] = "field"
    """Under which key a condition keeps what it looks at; "property" for rules about activities."""
    known: ClassVar[Collection[str] | None] = facts.FIT_FIELDS
    """The only names that may be looked at; None lets any name be typed."""
    most_conditions: ClassVar[int] = MOST_CONDITIONS
    fewest_conditions: ClassVar[int] = 0
    conditions_legend: ClassVar[Any] = gettext_lazy("Only where")
    without_conditions: ClassVar[Any] = gettext_lazy("Without a condition it holds for everybody.")

    def __init__(
        self, data: Any = None, *, conditions: Iterable[Mapping[str, Any]] = (), more: int = 0, **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.before = list(conditions)
        act = str(data.get("act", "")) if data is not None else ""
        self.is_reshaping = act == "add_condition" or act.startswith("drop_condition_")
        rows = self._typed() if data is not None else [self._parts(one) for one in self.before]
        if self.is_reshaping:
            rows = _reshaped(rows, act)
            self._keep_what_was_typed()
        fewest = max(self.fewest_conditions, len(rows) + more)
        self.rows = min(fewest, self.most_conditions)
        choices = self._field_choices()
        for number in range(self.rows):
            self._add_row(number, rows[number] if number < len(rows) else {}, choices)

    @property
    def condition_rows(self) -> list[dict[str, Any]]:
        """The fields of each condition, by their part."""
        return [
            {part: self[name] for part in PARTS if (name := f"{part}_{number}") in self.fields}
            for number in range(self.rows)
        ]

    @property
    def rows_name(self) -> str:
        """The name of the field that says how many rows there are."""
        return self.add_prefix("rows")

    @property
    def is_growing(self) -> bool:
        """Whether conditions are added and removed; otherwise their number is given."""
        return self.fewest_conditions < self.most_conditions

    @property
    def may_add(self) -> bool:
        """Whether another condition fits in."""
        return self.rows < self.most_conditions

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        found = []
        for number in range(self.rows):
            name, text = self._name_of(number), asked.get(f"value_{number}", "")
            if any(f"{part}_{number}" in self.errors for part in PARTS):
                continue
            if not name and not text and number >= self.fewest_conditions:
                continue
            given = self._given(name, asked.get(f"op_{number}") or "equals", text)
            try:
                parse_conditions([given], key=self.conditions_key, known=self.known)
            except ConditionError as error:
                sentence = _(error.template) % error.params if name else _("Choose what to look at.")
                self.add_error(f"value_{number}" if name else f"field_{number}", sentence)
            found.append(given)
        asked["conditions"] = found
        return asked

    def _given(self, name: str, op: str, text: str) -> dict[str, Any]:
        for one in self.before:
            same = (one.get(self.conditions_key), one.get("op"), value_text(one.get("value"))) == (name, op, text)
            if same:  # a list stays one and a number stays one where nothing was typed over
                return dict(one)
        return {self.conditions_key: name, "op": op, "value": value_of(op, text)}

    def _name_of(self, number: int) -> str:
        name = str(self.cleaned_data.get(f"field_{number}", ""))
        if name != ATTRIBUTE or self.known is None:
            return name
        own = self.cleaned_data.get(f"attribute_{number}", "")
        if not own:
            self.add_error(f"attribute_{number}", _("Name the attribute."))
        return name + own

    def _typed(self) -> list[dict[str, str]]:
        """The rows as they were sent."""
        asked = as_number(str(self.data.get(self.add_prefix("rows"), "")))
        count = min(max(int(asked or 0), 0), self.most_conditions)
        return [
            {part: self.data.get(self.add_prefix(f"{part}_{number}"), "") for part in PARTS} for number in range(count)
        ]

    def _parts(self, condition: Mapping[str, Any]) -> dict[str, str]:
        name = str(condition.get(self.conditions_key, ""))
        parts = {"field": name, "op": condition.get("op", "equals"), "value": value_text(condition.get("value"))}
        if self.known is not None and name.startswith(ATTRIBUTE):
            parts |= {"field": ATTRIBUTE, "attribute": name.removeprefix(ATTRIBUTE)}
        return parts

    def _keep_what_was_typed(self) -> None:
        """Take what was sent as first values: nothing in it is called wrong yet."""
        for name in self.fields:
            typed = self[name].data
            if typed is not None:
                self.fields[name].initial = self.initial[name] = typed
        self.is_bound = False

    def _field_choices(self) -> list[Any]:
        if self.known is None:
            return []
        known = self.known
        groups = [
            (group, [(name, str(word)[:1].upper() + str(word)[1:]) for name, word in own.items() if name in known])
            for group, own in GROUPS
        ]
        found: list[Any] = [("", _("Choose…")), *((group, own) for group, own in groups if own)]
        return [*found, (ATTRIBUTE, _("An attribute of your own…"))] if is_known(f"{ATTRIBUTE}x", known) else found

    def _add_row(self, number: int, parts: Mapping[str, str], choices: Sequence[Any]) -> None:
        if self.known is None:
            self.fields[f"field_{number}"] = forms.CharField(
                label=_("Property"),
                required=False,
                max_length=120,
                initial=parts.get("field", ""),
                widget=forms.TextInput({"list": "known-properties", "autocomplete": "off"}),
            )
        else:
            self.fields[f"field_{number}"] = forms.ChoiceField(
                label=_("What"), choices=choices, required=False, initial=parts.get("field", "")
            )
            self.fields[f"attribute_{number}"] = forms.CharField(
                label=_("Name of the attribute"), required=False, max_length=100, initial=parts.get("attribute", "")
            )
        self.fields[f"op_{number}"] = forms.ChoiceField(
            label=_("Compared"), choices=OPERATORS, required=False, initial=parts.get("op") or "equals"
        )
        self.fields[f"value_{number}"] = forms.CharField(
            label=_("Value"),
            required=False,
            max_length=1000,
            initial=parts.get("value", ""),
            widget=forms.TextInput({"autocomplete": "off"} if self.known is None else {"list": "known-values"}),
        )


def _reshaped(rows: list[dict[str, str]], act: str) -> list[dict[str, str]]:
    if act == "add_condition":
        return [*rows, {}]
    dropped = as_number(act.removeprefix("drop_condition_"))
    return [row for number, row in enumerate(rows) if number != dropped]
