"""What people ask of the page about promises."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.queries import sla_period
from crm.queries.sla_period import Asked, Period
from sla.models import Milestone

TIMES = [("working", gettext_lazy("Working time")), ("calendar", gettext_lazy("Calendar time"))]


class PeriodForm(forms.Form):
    """A period, a promise and a way to count time. What is left out means the last four weeks up to today."""

    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=forms.DateInput({"type": "date"}))
    milestone = forms.ChoiceField(label=gettext_lazy("Promise"), choices=Milestone.choices, required=False)
    time = forms.ChoiceField(label=gettext_lazy("Time"), choices=TIMES, required=False)

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
        )
