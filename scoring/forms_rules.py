"""The rules of a draft as forms: one for each rule, one for the thresholds, one to publish, one to ask for points."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.forms_conditions import ConditionsForm
from leads.models import ActivityType
from scoring import versions
from scoring.models import ActivityRule, FitRule, Publication, ScoringModel


def _points(label: Any, **options: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label,
        min_value=options.pop("min_value", -versions.LARGEST),
        max_value=options.pop("max_value", versions.LARGEST),
        widget=forms.NumberInput({"step": "any", "inputmode": "decimal"}),
        **options,
    )


class ActivityRuleForm(ConditionsForm):
    """One activity rule, with conditions on what the activity carries."""

    conditions_key = "property"
    known = None
    without_conditions = gettext_lazy("Every activity of this type counts.")

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
        super().__init__(data, conditions=rule.conditions if rule else (), more=more, initial=initial, auto_id=auto_id)
        if types is not None:
            self.fields["type"].widget.choices = list(types)

    def clean(self) -> dict[str, Any]:
        asked = super().clean()
        if asked.get("within_days") and not asked.get("once_per"):
            self.add_error("once_per", _("Name the property that counts once within these days."))
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


class FitRuleForm(ConditionsForm):
    """One fit rule: points for who meets its one condition."""

    fewest_conditions = 1
    most_conditions = 1
    conditions_legend = gettext_lazy("Given to whoever meets this")

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    points = _points(gettext_lazy("Points"))

    def __init__(self, data: Any = None, *, rule: FitRule | None = None, auto_id: str = "new-fit-%s") -> None:
        stored = [{"field": rule.field, "op": rule.op, "value": rule.value}] if rule else []
        initial = _initial(rule, ("name", "points")) if rule else {}
        super().__init__(data, conditions=stored, initial=initial, auto_id=auto_id)

    def values(self) -> dict[str, Any]:
        """The rule as the flow takes it."""
        (condition,) = self.cleaned_data["conditions"]
        return condition | {name: self.cleaned_data[name] for name in ("name", "points")}


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
    although_chance = forms.BooleanField(
        label=gettext_lazy("Draft them even if they turn out no better than chance"), required=False
    )

    def __init__(self, data: Any = None, *, late: Iterable[tuple[str, str]], outcome: str) -> None:
        super().__init__(data, initial={"outcome": outcome})
        self.fields["outcome"].widget = forms.HiddenInput()
        self.fields["insist_on"].choices = list(late)  # type: ignore[attr-defined]
