"""A promise as a form: its target in words, its conditions and its ladder as rows, and who is asked about."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Invalid
from crm.models import Team, User
from leads import facts
from leads.conditions import as_number
from leads.forms_conditions import ConditionsForm
from sla import durations, ladder
from sla.models import Calendar, CalendarOf, Milestone, Policy

STEP_PARTS = ("when", "kind", "whom")
SHARE = re.compile(r"(\d{1,3}(?:[.,]\d{1,2})?)\s*%", re.ASCII)


class PolicyForm(ConditionsForm):
    """A promise: how long, in whose working time, for whom, and a ladder of as many rows as `step_rows` says."""

    known = facts.POLICY_FIELDS
    conditions_legend = gettext_lazy("Holds for leads of which")
    without_conditions = gettext_lazy("Without a condition it holds for every lead.")

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    milestone = forms.ChoiceField(label=gettext_lazy("Promise"), choices=Milestone.choices)
    target = forms.CharField(
        label=gettext_lazy("Within"),
        max_length=60,
        help_text=gettext_lazy("Working time, such as 2 h, 1 d 4 h or 90 min; a day is a working day of the calendar."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    calendar_of = forms.ChoiceField(label=gettext_lazy("Working time of"), choices=CalendarOf.choices)
    calendar = forms.ModelChoiceField(
        label=gettext_lazy("Calendar"),
        queryset=Calendar.objects.order_by("name"),
        empty_label=None,
        help_text=gettext_lazy("Also where a team or an assignee has none, or nobody has the lead yet."),
    )
    is_active = forms.BooleanField(
        label=gettext_lazy("In use"),
        required=False,
        initial=True,
        help_text=gettext_lazy("One that is not starts no clocks; those that run go on."),
    )

    def __init__(
        self, data: Any = None, *, policy: Policy | None = None, initial: dict[str, Any] | None = None
    ) -> None:
        before = list(policy.conditions) if policy else []
        super().__init__(data, conditions=before, initial=_initial_of(policy) if policy else initial)
        if policy:
            self.fields["milestone"].disabled = True
        self._milestone = policy.milestone if policy else ""
        self._add_steps(list(policy.steps if policy else ladder.STANDARD_STEPS))

    def _add_steps(self, steps: list[ladder.Step]) -> None:
        """The rows of the ladder, as they were typed or, at first, as they are kept."""
        act = str(self.data.get("act", ""))
        rows = [_step_parts(step) for step in steps]
        if self.data:
            asked = as_number(str(self.data.get("step_rows", "")))
            count = min(max(int(asked or 0), 0), ladder.MOST_STEPS)
            rows = [{part: self.data.get(f"{part}_{n}", "") for part in STEP_PARTS} for n in range(count)]
        if act == "add_step" or act.startswith("drop_step_"):
            dropped = as_number(act.removeprefix("drop_step_"))
            rows = [*rows, {}] if act == "add_step" else [row for n, row in enumerate(rows) if n != dropped]
            self.is_reshaping = True
            self._keep_what_was_typed()
        self.step_count = min(len(rows), ladder.MOST_STEPS)
        recipients = _recipients()
        for number in range(self.step_count):
            self._add_step(number, rows[number], recipients)

    def _add_step(self, number: int, parts: dict[str, str], recipients: list[Any]) -> None:
        self.fields[f"when_{number}"] = forms.CharField(
            label=_("When"),
            required=False,
            max_length=60,
            initial=parts.get("when", ""),
            widget=forms.TextInput({"autocomplete": "off", "placeholder": _("75 % or +2 h")}),
        )
        kinds = [(kind.code, kind.label) for kind in ladder.STEP_KINDS.values()]
        self.fields[f"kind_{number}"] = forms.ChoiceField(
            label=_("What happens"), choices=kinds, required=False, initial=parts.get("kind") or "warn"
        )
        self.fields[f"whom_{number}"] = forms.ChoiceField(
            label=_("To whom"), choices=recipients, required=False, initial=parts.get("whom", "owner")
        )

    @property
    def step_rows(self) -> list[dict[str, Any]]:
        """The fields of each step, by their part."""
        return [{part: self[f"{part}_{n}"] for part in STEP_PARTS} for n in range(self.step_count)]

    @property
    def may_add_step(self) -> bool:
        """Whether another step fits in."""
        return self.step_count < ladder.MOST_STEPS

    def clean(self) -> dict[str, Any]:
        asked = super().clean()
        days = self._day_seconds()
        if asked.get("target"):
            try:
                asked["target_seconds"] = durations.parse_duration(asked["target"], day_seconds=days)
            except forms.ValidationError as error:
                self.add_error("target", error)
            else:
                if not asked["target_seconds"]:
                    self.add_error("target", _("Promise a time longer than nothing."))
        asked["steps"] = self._steps(days=days)
        return asked

    def _day_seconds(self) -> int | None:
        calendar = self.cleaned_data.get("calendar")
        return durations.day_seconds_of(calendar.parse()) if calendar else None

    def _steps(self, *, days: int | None) -> list[ladder.Step]:
        milestone = self._milestone or self.cleaned_data.get("milestone", "")
        found: list[ladder.Step] = []
        for number in range(self.step_count):
            when = self.cleaned_data.get(f"when_{number}", "").strip()
            if not when or any(f"{part}_{number}" in self.errors for part in STEP_PARTS):
                continue
            step = _whom(self.cleaned_data[f"kind_{number}"] or "warn", self.cleaned_data[f"whom_{number}"])
            try:
                step |= _when(when, days=days)
                found += [ladder.parse_step(step, milestone=milestone)] if milestone else []
            except forms.ValidationError as error:
                self.add_error(f"when_{number}", error)
            except Invalid as refusal:
                self.add_error(f"kind_{number}", str(refusal))
        return found

    def values(self) -> dict[str, Any]:
        """The columns that the flow takes."""
        names = ("name", "milestone", "target_seconds", "calendar", "calendar_of", "conditions", "steps", "is_active")
        return {name: self.cleaned_data[name] for name in names}


def _initial_of(policy: Policy) -> dict[str, Any]:
    names = ("name", "milestone", "calendar_of", "is_active")
    initial = {name: getattr(policy, name) for name in names}
    return initial | {"calendar": policy.calendar_id, "target": durations.written_duration(policy.target_seconds)}


def _when(text: str, *, days: int | None) -> ladder.Step:
    """ "75 %" or "+2 h" as a step keeps it. Raises `forms.ValidationError`."""
    if share := SHARE.fullmatch(text):
        number = float(share[1].replace(",", "."))
        if not 0 < number <= 100:
            raise forms.ValidationError(_("A share lies above 0 % and up to 100 %; write +2 h for later."))
        return {"at_percent": int(number) if number.is_integer() else number}
    if not text.startswith("+"):
        raise forms.ValidationError(_("Write a share such as 75 %, or how long after it is due, such as +2 h."))
    return {"after_seconds": durations.parse_duration(text[1:], day_seconds=days)}


def _whom(kind: str, whom: str) -> ladder.Step:
    """A step of this kind to "owner", "person:3" or "team:2"; one that moves the lead may name a team."""
    to, _colon, pk = whom.partition(":")
    step: ladder.Step = {"kind": kind}
    if not ladder.STEP_KINDS[kind].is_act:
        step["to"] = to
    if pk and (to == "team" or "to" in step):
        step[to] = int(pk)
    return step


def _step_parts(step: ladder.Step) -> dict[str, str]:
    after = step.get("after_seconds")
    when = f"+{durations.written_duration(after)}" if after is not None else f"{step['at_percent']:g} %"
    to = step.get("to") or ("team" if "team" in step else "")
    return {"when": when, "kind": step["kind"], "whom": f"{to}:{step[to]}" if to in step else to}


def _recipients() -> list[Any]:
    """Who may be told, or where a lead may be offered: two queries."""
    people = [(f"person:{pk}", name) for pk, name in User.objects.filter(is_active=True).values_list("id", "name")]
    teams = [(f"team:{pk}", name) for pk, name in Team.objects.values_list("id", "name")]
    plain = [(code, label) for code, label in ladder.RECIPIENTS.items() if code not in ("person", "team")]
    return [("", "\u2013"), *plain, (_("People"), people), (_("Teams"), teams)]
