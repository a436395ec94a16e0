"""The rules of a draft as forms: one for each rule, one for the thresholds, one to publish, one to ask for points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads import facts
from leads.conditions import VALUELESS_OPERATORS, ConditionError, as_number, parse_conditions
from leads.models import ActivityType
from scoring import versions
from scoring.models import ActivityRule, FitRule, Publication, ScoringModel
from scoring.sentences import field_name

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
SEVERAL = gettext_lazy("Several values, or both ends: separate them by commas.")


def value_text(value: Any) -> str:
    """The value of a condition as a person types it."""
    if isinstance(value, list | tuple):
        return ", ".join(value_text(one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def value_of(op: str, text: str, *, before: Any = None) -> Any:
    """What was typed as the value that conditions take; `before`, if it reads the same, so that nothing changes."""
    text = text.strip()
    if op in VALUELESS_OPERATORS or not text:
        return None
    is_list = isinstance(before, list | tuple)
    if (
        before is not None
        and value_text(before) == text
        and is_list == (op in LISTED or (op == "contains" and is_list))
    ):
        return before
    if op in LISTED or (op == "contains" and "," in text):
        return [_one(op, part) for part in (piece.strip() for piece in text.split(",")) if part]
    return _one(op, text)


def _one(op: str, text: str) -> Any:
    if op not in ORDERED:
        return text
    number = as_number(text)
    if number is None:
        return text
    return int(number) if number.is_integer() else number


def _points(label: Any, **options: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        min_value=options.pop("min_value", -versions.LARGEST),
        max_value=options.pop("max_value", versions.LARGEST),
        widget=forms.NumberInput({"step": "any", "inputmode": "decimal"}),
        **options,
    )


class ActivityRuleForm(forms.Form):
    """One activity rule. Its conditions are as many rows as the field `rows` says; a row left empty is no condition."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    type = forms.ModelChoiceField(
        label=gettext_lazy("Type of activity"), queryset=ActivityType.objects.order_by("name"), empty_label=None
    )
    points = _points(gettext_lazy("Points"))
    cap = _points(gettext_lazy("Together at most"), required=False, min_value=0)
    floor = _points(gettext_lazy("Together at least"), required=False, max_value=0)
    once_per = forms.CharField(
        label=gettext_lazy("Each … counts once"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("The property that names the object: mail, path, form."),
        widget=forms.TextInput({"list": "known-properties", "autocomplete": "off"}),
    )
    within_days = forms.IntegerField(
        label=gettext_lazy("Once within so many days"), required=False, min_value=1, max_value=versions.LONGEST_WINDOW
    )
    half_life_days = _points(gettext_lazy("Half-life in days"), required=False, min_value=1)
    is_request = forms.BooleanField(
        label=gettext_lazy("Asks to be contacted: promotes at once, whatever the score"), required=False
    )

    def __init__(
        self,
        data: Any = None,
        *,
        rule: ActivityRule | None = None,
        types: Iterable[tuple[str, str]] | None = None,
        more: int = 0,
        auto_id: str = "new-rule-%s",
    ) -> None:
        initial = _initial(rule, versions.ACTIVITY_RULE) if rule else {"points": None}
        super().__init__(data, initial=initial, auto_id=auto_id)
        if types is not None:
            self.fields["type"].widget.choices = list(types)
        self.before: list[Mapping[str, Any]] = list(rule.conditions) if rule else []
        asked = as_number(str(data.get("rows", ""))) if data is not None else len(self.before)
        self.rows = min(max(int(asked or 0) + more, 0), MOST_CONDITIONS)
        for number in range(self.rows):
            self._add_row(number, self.before[number] if number < len(self.before) else {})

    def _add_row(self, number: int, given: Mapping[str, Any]) -> None:
        self.fields[f"property_{number}"] = forms.CharField(
            label=_("Property"),
            required=False,
            max_length=120,
            initial=given.get("property", ""),
            widget=forms.TextInput({"list": "known-properties", "autocomplete": "off"}),
        )
        self.fields[f"op_{number}"] = forms.ChoiceField(
            label=_("Compared"), choices=OPERATORS, required=False, initial=given.get("op", "equals")
        )
        self.fields[f"value_{number}"] = forms.CharField(
            label=_("Value"), required=False, max_length=1000, initial=value_text(given.get("value"))
        )

    @property
    def condition_rows(self) -> list[tuple[Any, Any, Any]]:
        """The fields of each condition."""
        return [(self[f"property_{n}"], self[f"op_{n}"], self[f"value_{n}"]) for n in range(self.rows)]

    def unjudged(self) -> ActivityRuleForm:
        """The same form with what was typed as its first values: nothing in it is called wrong yet."""
        for name, field in self.fields.items():
            typed = self[name].data
            field.initial = self.initial[name] = field.initial if typed is None else typed
        self.is_bound = False
        return self

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if asked.get("within_days") and not asked.get("once_per"):
            self.add_error("once_per", _("Name the property that counts once within these days."))
        conditions = []
        for number in range(self.rows):
            name, text = asked.get(f"property_{number}", ""), asked.get(f"value_{number}", "")
            if not name and not text:
                continue
            op = asked.get(f"op_{number}") or "equals"
            before = self.before[number].get("value") if number < len(self.before) else None
            given = {"property": name, "op": op, "value": value_of(op, text, before=before)}
            try:
                parse_conditions([given], key="property")
            except ConditionError as error:
                field = f"value_{number}" if name else f"property_{number}"
                self.add_error(field, _(error.template) % error.params)
            conditions.append(given)
        asked["conditions"] = conditions
        return asked

    def values(self) -> dict[str, Any]:
        """The rule as the flow takes it."""
        return {name: self.cleaned_data[name] for name in versions.ACTIVITY_RULE} | {
            "type": self.cleaned_data["type"].pk
        }


def _initial(rule: ActivityRule | FitRule, names: Iterable[str]) -> dict[str, Any]:
    initial = {name: getattr(rule, "type_id" if name == "type" else name) for name in names}
    return {name: _plain(value) for name, value in initial.items()}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class FitRuleForm(forms.Form):
    """One fit rule: a field of the contact or its company, how it is compared, and with what."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    field = forms.ChoiceField(label=gettext_lazy("Field"))
    attribute = forms.CharField(
        label=gettext_lazy("Name of the attribute"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("For an attribute of your own: its name as imported."),
    )
    op = forms.ChoiceField(label=gettext_lazy("Compared"), choices=OPERATORS)
    value = forms.CharField(label=gettext_lazy("Value"), required=False, max_length=1000, help_text=SEVERAL)
    points = _points(gettext_lazy("Points"))

    def __init__(self, data: Any = None, *, rule: FitRule | None = None, auto_id: str = "new-fit-%s") -> None:
        initial: dict[str, Any] = _initial(rule, versions.FIT_RULE) if rule else {}
        self.before = rule.value if rule else None
        if rule:
            initial["value"] = value_text(rule.value)
            if rule.field.startswith(ATTRIBUTE):
                initial |= {"field": ATTRIBUTE, "attribute": rule.field.removeprefix(ATTRIBUTE)}
        super().__init__(data, initial=initial, auto_id=auto_id)
        known = sorted((field_name(name), name) for name in facts.FIT_FIELDS if not name.startswith(ATTRIBUTE))
        self.fields["field"].choices = [  # type: ignore[attr-defined]
            *((name, word[:1].upper() + word[1:]) for word, name in known),
            (ATTRIBUTE, _("An attribute of your own…")),
        ]

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        name = asked.get("field", "")
        if name == ATTRIBUTE:
            if not asked.get("attribute"):
                self.add_error("attribute", _("Name the attribute."))
            name += asked.get("attribute", "")
        if self.errors:
            return asked
        given = {"field": name, "op": asked["op"], "value": value_of(asked["op"], asked["value"], before=self.before)}
        try:
            parse_conditions([given], known=facts.FIT_FIELDS)
        except ConditionError as error:
            self.add_error("value", _(error.template) % error.params)
        asked["condition"] = given
        return asked

    def values(self) -> dict[str, Any]:
        """The rule as the flow takes it."""
        return self.cleaned_data["condition"] | {name: self.cleaned_data[name] for name in ("name", "points")}


class OwnForm(forms.Form):
    """What a version says beside its rules: thresholds, half-life, bands, its name and a note."""

    name = forms.CharField(label=gettext_lazy("Name of the version"), max_length=100)
    mql_threshold = _points(gettext_lazy("MQL from"))
    hot_threshold = _points(gettext_lazy("Hot from"))
    cooling_threshold = _points(gettext_lazy("Cooling below"))
    half_life_days = _points(gettext_lazy("Half-life in days"), min_value=1)
    fit_bands_0 = _points(gettext_lazy("Fit A from"))
    fit_bands_1 = _points(gettext_lazy("Fit B from"))
    fit_bands_2 = _points(gettext_lazy("Fit C from"))
    engagement_bands_0 = _points(gettext_lazy("Engagement 1 from"))
    engagement_bands_1 = _points(gettext_lazy("Engagement 2 from"))
    engagement_bands_2 = _points(gettext_lazy("Engagement 3 from"))

    def __init__(self, data: Any = None, *, model: ScoringModel) -> None:
        initial = {name: _plain(getattr(model, name)) for name in ("name", *versions.NUMBERS)}
        for name in versions.BANDS:
            initial |= {f"{name}_{n}": _plain(float(band)) for n, band in enumerate(getattr(model, name))}
        super().__init__(data, initial=initial, auto_id="own-%s")

    def field_of(self, name: str) -> str | None:
        """The field under which a refusal of the column `name` is shown."""
        name = f"{name}_0" if name in versions.BANDS else name
        return name if name in self.fields else None

    def values(self) -> dict[str, Any]:
        """The columns that the flow takes."""
        asked = self.cleaned_data
        bands = {name: [asked[f"{name}_{n}"] for n in range(3)] for name in versions.BANDS}
        return {name: asked[name] for name in ("name", *versions.NUMBERS)} | bands


class PublishForm(forms.Form):
    """The note of a publication, and what becomes of those whom it lifts over the threshold."""

    note = forms.CharField(
        label=gettext_lazy("Why, in a sentence"),
        max_length=2000,
        widget=forms.Textarea({"rows": 2}),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Who is over the threshold now"),
        initial=Publication.Mode.ALL,
        widget=forms.RadioSelect,
        choices=[
            (Publication.Mode.ALL.value, gettext_lazy("is promoted at once")),
            (Publication.Mode.PACED.value, gettext_lazy("is promoted by and by, so many a working day")),
            (Publication.Mode.FROM_NOW.value, gettext_lazy("is left; only who crosses from now on is promoted")),
        ],
    )
    per_day = forms.IntegerField(
        label=gettext_lazy("A working day"), required=False, min_value=1, max_value=1_000_000, initial=10
    )

    def __init__(self, data: Any = None, *, note: str = "") -> None:
        super().__init__(data, initial={"note": note}, auto_id="publish-%s")

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        if asked.get("mode") == Publication.Mode.PACED and not asked.get("per_day") and "per_day" not in self.errors:
            self.add_error("per_day", _("Say how many to promote a working day, at least 1."))
        return asked


class SuggestForm(forms.Form):
    """What to learn points from, and which late fields to use all the same."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("A good end is"),
        choices=[
            ("accepted", gettext_lazy("sales accepted the lead")),
            ("won", gettext_lazy("the opportunity was won")),
        ],
    )
    insist_on = forms.MultipleChoiceField(
        label=gettext_lazy("Use these all the same"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any = None, *, late: Iterable[tuple[str, str]], outcome: str) -> None:
        super().__init__(data, initial={"outcome": outcome})
        self.fields["outcome"].widget = forms.HiddenInput()
        self.fields["insist_on"].choices = list(late)  # type: ignore[attr-defined]
