"""Routing as forms: for which leads a rule is and who takes part with which weight; what becomes of a long wait."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Role, Team, User
from crm.models.people import OVERFLOW_KINDS
from leads import facts
from leads.forms_conditions import ConditionsForm
from leads.models import RoutingRule, RoutingSettings
from leads.rotation import MOST_WEIGHT
from sla import durations
from sla.models import Calendar


class RoutingRuleForm(ConditionsForm):
    """A rule with a field for the weight of each salesperson; left empty, the rule does not name them."""

    known = facts.POLICY_FIELDS
    conditions_legend = gettext_lazy("Takes leads of which")
    without_conditions = gettext_lazy("Without a condition it takes every lead.")

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    team = forms.ModelChoiceField(
        label=gettext_lazy("Everybody of the team"),
        queryset=Team.objects.all(),
        required=False,
        empty_label=gettext_lazy("no team"),
        help_text=gettext_lazy("Whoever sells in it, with a weight of 1 unless another is given below."),
    )
    otherwise = forms.ChoiceField(
        label=gettext_lazy("When nobody of them can"),
        choices=RoutingRule.Otherwise.choices,
        initial=RoutingRule.Otherwise.NEXT,
    )
    is_active = forms.BooleanField(
        label=gettext_lazy("In use"),
        required=False,
        initial=True,
        help_text=gettext_lazy("One that is not gives nobody a lead; what was given stays."),
    )

    def __init__(self, data: Any = None, *, rule: RoutingRule | None = None) -> None:
        weights = dict(rule.members.values_list("person", "weight")) if rule else {}
        initial: dict[str, Any] = {f"weight_{pk}": weight for pk, weight in weights.items()}
        if rule:
            initial |= {"name": rule.name, "team": rule.team_id, "otherwise": rule.otherwise}
            initial |= {"is_active": rule.is_active}
        self.people = list(User.objects.with_role(Role.SALESPERSON).select_related("team").order_by("name", "id"))
        here = {person.pk for person in self.people}
        self.gone = {pk: weight for pk, weight in weights.items() if pk not in here}
        """Who is named but does not sell any more: kept as it is."""
        super().__init__(data, conditions=list(rule.conditions) if rule else [], initial=initial)
        for person in self.people:
            self.fields[f"weight_{person.pk}"] = forms.IntegerField(
                label=str(person),
                required=False,
                min_value=0,
                max_value=MOST_WEIGHT,
                widget=forms.NumberInput({"autocomplete": "off"}),
            )
        if self.is_reshaping:
            # The fields of people came after the others were kept.
            for person in self.people:
                name = f"weight_{person.pk}"
                self.fields[name].initial = self.initial[name] = self.data.get(name, "")

    @property
    def parts(self) -> list[tuple[User, forms.BoundField]]:
        """Each salesperson with the field of their weight."""
        return [(person, self[f"weight_{person.pk}"]) for person in self.people]

    def values(self) -> dict[str, Any]:
        """What the flow takes."""
        names = ("name", "team", "otherwise", "is_active", "conditions")
        typed = {person.pk: self.cleaned_data.get(f"weight_{person.pk}") for person in self.people}
        weights = self.gone | {pk: weight for pk, weight in typed.items() if weight is not None}
        return {name: self.cleaned_data[name] for name in names} | {"weights": weights}


class RoutingSettingsForm(forms.Form):
    """When a lead that waits goes to another team, and how many waiting leads one person gets at a time."""

    overflow_team = forms.ModelChoiceField(
        label=gettext_lazy("Offered to"),
        queryset=Team.objects.filter(kind__in=OVERFLOW_KINDS),
        required=False,
        empty_label=gettext_lazy("nobody: it waits on"),
        help_text=gettext_lazy("A team of a partner or of customer service."),
    )
    overflow_after = forms.CharField(
        label=gettext_lazy("After waiting"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("Such as 4 h or 1 d."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    overflow_calendar = forms.ModelChoiceField(
        label=gettext_lazy("In the working time of"),
        queryset=Calendar.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("around the clock"),
    )
    most_a_pass = forms.IntegerField(
        label=gettext_lazy("To one person at a time"),
        min_value=1,
        max_value=100,
        help_text=gettext_lazy("So many waiting leads each person gets every half minute when there is room again."),
    )

    @classmethod
    def of(cls, settings: RoutingSettings) -> RoutingSettingsForm:
        """The form filled with what holds."""
        seconds = settings.overflow_seconds
        return cls(
            initial={
                "overflow_team": settings.overflow_team_id,
                "overflow_after": durations.written_duration(seconds) if seconds else "",
                "overflow_calendar": settings.overflow_calendar_id,
                "most_a_pass": settings.most_a_pass,
            }
        )

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        asked["overflow_seconds"] = None
        if text := asked.pop("overflow_after", ""):
            calendar = asked.get("overflow_calendar")
            days = durations.day_seconds_of(calendar.parse()) if calendar else 24 * durations.HOUR
            try:
                asked["overflow_seconds"] = durations.parse_duration(text, day_seconds=days)
            except forms.ValidationError as error:
                self.add_error("overflow_after", error)
        if "overflow_after" not in self.errors and bool(asked.get("overflow_team")) != bool(asked["overflow_seconds"]):
            field = "overflow_after" if asked.get("overflow_team") else "overflow_team"
            self.add_error(field, _("Say both: after how long, and to which team."))
        return asked
