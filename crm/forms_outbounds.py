"""Setting up outbound."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.flows.outbounds import CHANGEABLE
from leads.models import Campaign, Outbound, Segment
from leads.models.outbounds import OutboundThen
from sla.models import Calendar


class OutboundForm(forms.Form):
    """Whom it takes, for which campaign, how many a day."""

    name = forms.CharField(label=_("Name"), max_length=100)
    segment = forms.ModelChoiceField(
        label=_("Segment"), queryset=Segment.objects.all(), required=False, empty_label=_("All contacts")
    )
    date_attribute = forms.RegexField(
        label=_("Attribute with a date"),
        regex=r"^\w+\Z",
        max_length=100,
        required=False,
        help_text=_("Such as contract_ends: only contacts whose date comes near are taken."),
        error_messages={"invalid": _("Letters, digits and underscores, as the attribute is written.")},
    )
    within_days = forms.IntegerField(label=_("Days before it"), min_value=0, max_value=3650, required=False)
    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.order_by("name"))
    then = forms.ChoiceField(label=_("They become"), choices=OutboundThen.choices, initial=OutboundThen.REVIEW)
    per_day = forms.IntegerField(label=_("At most a working day"), min_value=1, max_value=10_000, initial=10)
    calendar = forms.ModelChoiceField(
        label=_("Working days of"), queryset=Calendar.objects.order_by("name"), empty_label=None
    )

    @classmethod
    def of(cls, outbound: Outbound, data: QueryDict | None, *, is_settled: bool) -> OutboundForm:
        """The form of one that is set up; `is_settled` once it took somebody."""
        form = cls(data, initial={name: getattr(outbound, name) for name in cls.base_fields})
        for name, field in form.fields.items():
            field.disabled = is_settled and name not in CHANGEABLE
        return form

    def clean(self) -> dict[str, Any]:
        """A segment or a date, at least one of them; a date with its days."""
        cleaned = super().clean() or {}
        if cleaned.get("date_attribute") and cleaned.get("within_days") is None and "within_days" not in self.errors:
            self.add_error("within_days", _("Say how many days before the date."))
        return cleaned
