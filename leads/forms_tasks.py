"""What people type about what they mean to do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leads.models import TaskKind

DATE_FORMAT = "%Y-%m-%d"
MORNING = dt.time(9)
KINDS = [choice for choice in TaskKind.choices if choice[0] != TaskKind.SATISFIED]


class WhenForm(forms.Form):
    """A day, and a time where it is to be then and not some time on that day."""

    day = forms.DateField(
        label=_("Day"),
        input_formats=[DATE_FORMAT],
        widget=forms.DateInput(format=DATE_FORMAT, attrs={"type": "date"}),
        error_messages={"required": _("Choose a day."), "invalid": _("Choose a day, such as 2027-01-12.")},
    )
    time = forms.TimeField(
        label=_("Time"),
        required=False,
        input_formats=["%H:%M"],
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        help_text=_("Empty: some time on that day."),
        error_messages={"invalid": _("Give the time as 14:30.")},
    )

    def clean(self) -> dict[str, Any]:
        """As the flow takes it: an instant in the reader's zone, and whether the time was said."""
        cleaned = super().clean() or {}
        day, time = cleaned.pop("day", None), cleaned.pop("time", None)
        if day is not None:
            cleaned["due_at"] = timezone.make_aware(dt.datetime.combine(day, time or MORNING))
            cleaned["has_time"] = time is not None
        return cleaned


class TaskForm(WhenForm):
    """Something to do with a contact."""

    kind = forms.ChoiceField(label=_("What"), choices=KINDS, initial=TaskKind.CALL)
    what = forms.CharField(label=_("In a few words"), max_length=200, required=False)
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=1440, initial=30, required=False)
    field_order = ("kind", "what", "day", "time", "minutes")

    def clean_minutes(self) -> int:
        """Half an hour, unless it is said otherwise."""
        return self.cleaned_data["minutes"] or 30


class CancelForm(forms.Form):
    """Why it need not be done."""

    reason = forms.CharField(label=_("Why not"), max_length=200, required=False)
