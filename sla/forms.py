"""What people ask of the pages about promises, and what they promise."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Team
from crm.queries import calendars, sla_groups, sla_period
from crm.queries.origins import Split
from crm.queries.sla_period import Asked, Period
from sla import pasted
from sla.models import Calendar, Milestone
from sla.working_hours import WEEKDAYS

TIMES = [("working", gettext_lazy("Working time")), ("calendar", gettext_lazy("Calendar time"))]

ORDERS = [(sign + name, name) for name in sla_groups.ORDERS for sign in ("", "-")]


class PeriodForm(forms.Form):
    """A period, a promise and a way to count time. What is left out means the last four weeks up to today."""

    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput({"type": "date"}))
    milestone = forms.ChoiceField(label=gettext_lazy("Promise"), choices=Milestone.choices, required=False)
    time = forms.ChoiceField(label=gettext_lazy("Time"), choices=TIMES, required=False)
    split = forms.ChoiceField(label=gettext_lazy("By"), choices=Split.choices, required=False)
    sort = forms.ChoiceField(label=gettext_lazy("Order"), choices=ORDERS, required=False)

    def __init__(self, *args: Any, now: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now = now

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        since, until = asked.get("since"), asked.get("until")
        if since and until and since > until:
            self.add_error("until", _("The last day is before the first."))
        if since and not self.errors and self._period().days > sla_period.LONGEST_DAYS:
            self.add_error("since", _("Choose a year at most."))
        elif since and not until and since > sla_period.last_days(1, now=self.now).until:
            self.add_error("since", _("Choose a day that has begun."))
        return asked

    def _period(self) -> Period:
        default = sla_period.last_days(sla_period.FOUR_WEEKS, now=self.now)
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        until = until or default.until
        return Period(since or until - dt.timedelta(days=sla_period.FOUR_WEEKS - 1), until)

    def asked(self) -> Asked:
        """What is asked for; the default where the form is not valid."""
        if not self.is_valid():
            return Asked(sla_period.last_days(sla_period.FOUR_WEEKS, now=self.now))
        return Asked(
            self._period(),
            milestone=Milestone(self.cleaned_data["milestone"] or Milestone.CONTACT),
            is_calendar_time=self.cleaned_data["time"] == "calendar",
            split=Split(self.cleaned_data["split"] or Split.PERSON),
            order=self.cleaned_data["sort"],
        )


# Calendars ------------------------------------------------------------------------------------------------------------

DASHES = re.compile(r"\s*(?:[-\u2012-\u2015]|\bto\b)\s*")


class HoursField(forms.CharField):
    """Stretches of a day as people write them: "09:00–12:00, 13:00–17:00". Empty is closed."""

    def __init__(self, *, label: str) -> None:
        widget = forms.TextInput({"placeholder": gettext_lazy("closed"), "autocomplete": "off"})
        super().__init__(label=label, required=False, max_length=200, widget=widget)

    def clean(self, value: Any) -> list[list[str]]:
        return parse_hours(super().clean(value))


def parse_hours(text: str) -> list[list[str]]:
    """Stretches as the calendar keeps them; whether they fit each other is for the calendar to say.

    Raises `forms.ValidationError`.
    """
    found = []
    for part in filter(None, (one.strip() for one in text.replace(";", ",").split(","))):
        times = DASHES.split(part)
        if len(times) != 2:
            raise forms.ValidationError(_("Write “%(part)s” as 09:00–17:00."), params={"part": part})
        found.append([_full_time(one) for one in times])
    return found


def _full_time(text: str) -> str:
    """ "9" and "9.30" are "09:00" and "09:30"; what is no time stays as it is, for the calendar to refuse."""
    hours, _colon, minutes = text.strip().replace(".", ":").partition(":")
    return f"{hours.zfill(2)}:{minutes or '00'}" if hours.isdigit() else text


def written_hours(intervals: Any) -> str:
    """Stretches as the form shows them."""
    return ", ".join(f"{start}\u2013{end}" for start, end in intervals or [])


class CalendarForm(forms.Form):
    """Working time: a field for each day of the week, days as lines."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    time_zone = forms.CharField(
        label=gettext_lazy("Time zone"),
        max_length=64,
        widget=forms.TextInput({"list": "time-zones", "autocomplete": "off"}),
    )
    always_open = forms.BooleanField(
        label=gettext_lazy("Always open"), required=False, help_text=gettext_lazy("Then nothing below counts.")
    )
    country = forms.CharField(
        label=gettext_lazy("Public holidays of"),
        max_length=2,
        required=False,
        help_text=gettext_lazy("Two letters, such as FI; empty for none."),
        widget=forms.TextInput({"list": "countries", "autocomplete": "off"}),
    )
    subdivision = forms.CharField(
        label=gettext_lazy("Part of the country"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Where it has holidays of its own."),
        widget=forms.TextInput({"list": "subdivisions", "autocomplete": "off"}),
    )
    closures = forms.CharField(
        label=gettext_lazy("Closed on"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": 4, "placeholder": "2026-12-24 Christmas Eve"}),
        help_text=gettext_lazy(
            "Paste a list: days such as 24.12.2026 or stretches such as 2026-12-24 – 2026-12-31, each with what it is "
            "called."
        ),
    )
    extra_days = forms.CharField(
        label=gettext_lazy("Extra days"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": 4, "placeholder": "2026-12-05 10:00–14:00"}),
        help_text=gettext_lazy("A day a line with its hours; they replace holiday, closure and week."),
    )

    teams = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Teams that work by it"),
        queryset=Team.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("For promises that run by the working time of a team; people are set in the settings."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for code, label in zip(WEEKDAYS, calendars.weekday_names(), strict=True):
            self.fields[code] = HoursField(label=label.capitalize())

    @classmethod
    def of(cls, calendar: Calendar, data: Any = None) -> CalendarForm:
        """The form of a calendar."""
        initial: dict[str, Any] = {
            name: getattr(calendar, name) for name in ("name", "time_zone", "always_open", "country", "subdivision")
        }
        initial["closures"] = "\n".join(_written_closure(one) for one in calendar.closures)
        initial["extra_days"] = "\n".join(
            f"{day} {written_hours(hours)}".strip() for day, hours in sorted(calendar.extra_days.items())
        )
        initial["teams"] = list(calendar.teams.all())
        initial |= {code: written_hours(calendar.weekly.get(code)) for code in WEEKDAYS}
        return cls(data, initial=initial)

    def days(self) -> list[forms.BoundField]:
        """The fields of the week."""
        return [self[code] for code in WEEKDAYS]

    def clean_closures(self) -> list[dict[str, str]]:
        days = pasted.parse_days(self.cleaned_data["closures"])
        return [{"date": day.isoformat(), "name": name} for day, name in days.items()]

    def clean_extra_days(self) -> dict[str, list[list[str]]]:
        days = pasted.parse_days(self.cleaned_data["extra_days"])
        return {day.isoformat(): parse_hours(rest) for day, rest in days.items()}

    def put_into(self, calendar: Calendar) -> None:
        """Write what was typed into the row; whether it makes a calendar is for the flow to say."""
        asked = self.cleaned_data
        for name in ("name", "time_zone", "always_open", "subdivision", "closures", "extra_days"):
            setattr(calendar, name, asked[name])
        calendar.country = asked["country"].upper()
        calendar.weekly = {code: asked[code] for code in WEEKDAYS if asked[code]}


def _written_closure(closure: Any) -> str:
    if isinstance(closure, dict):
        return f"{closure['date']} {closure.get('name') or ''}".strip()
    return str(closure)


class TrialForm(forms.Form):
    """Started then, due when? And which weeks are to be seen."""

    start = forms.DateTimeField(
        label=gettext_lazy("Started"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    hours = forms.IntegerField(label=gettext_lazy("Hours"), min_value=0, max_value=8760, initial=0)
    minutes = forms.IntegerField(label=gettext_lazy("Minutes"), min_value=0, max_value=59, initial=0)
    since = forms.DateField(label=gettext_lazy("Weeks from"), required=False, widget=forms.HiddenInput)

    def clean_since(self) -> dt.date | None:
        since: dt.date | None = self.cleaned_data["since"]
        if since and not 1971 <= since.year <= 2098:
            raise forms.ValidationError(_("The clock knows the years 1970 to 2099."))
        return since

    def working_seconds(self) -> int:
        """The length of the promise."""
        return int(self.cleaned_data["hours"] * 3600 + self.cleaned_data["minutes"] * 60)

    def since_day(self) -> dt.date | None:
        """A day of the first week to be seen; None for this week."""
        return self.cleaned_data.get("since") if self.is_bound and self.is_valid() else None
