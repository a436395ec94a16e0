"""What people fill in about scoring."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scoring.models import ScoringModel

USUAL = dt.timedelta(days=90)
LONGEST = dt.timedelta(days=3660)


class VersionField(forms.ModelChoiceField):
    """A version of the rules by its number and where it stands."""

    def label_from_instance(self, obj: ScoringModel) -> str:
        return str(_("Version %(version)d, %(status)s")) % {
            "version": obj.version,
            "status": str(obj.get_status_display()).lower(),
        }


class BacktestForm(forms.Form):
    """Which version, over which days of the reader's time zone, both included."""

    model = VersionField(label=_("Version"), queryset=ScoringModel.objects.order_by("-version"), empty_label=None)
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, data: Any = None, *, today: dt.date, initial: dict[str, Any] | None = None) -> None:
        usual = {"since": today - USUAL, "until": today}
        super().__init__(data, initial=usual | (initial or {}))
        self.today = today

    def clean_since(self) -> dt.date:
        since: dt.date = self.cleaned_data["since"]
        if since < self.today - LONGEST:
            raise forms.ValidationError(_("Choose a day of the last ten years."))
        return since

    def clean_until(self) -> dt.date:
        """A period ends today at the latest."""
        return min(self.cleaned_data["until"], self.today)

    def period(self) -> tuple[dt.datetime, dt.datetime]:
        """The instants between which crossings count: the second is the first that does not."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        midnight = dt.time()
        return (
            timezone.make_aware(dt.datetime.combine(since, midnight)),
            timezone.make_aware(dt.datetime.combine(until, midnight) + dt.timedelta(days=1)),
        )
