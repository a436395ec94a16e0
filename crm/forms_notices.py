"""What people type in about how they, and the programs beside them, are told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import User, Webhook
from crm.models.notices import WEBHOOK_KINDS, Channel, DeliveryState, NoticeKind
from crm.models.webhooks import WebhookForm


class WebhookSettingsForm(forms.Form):
    """A webhook."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Of the room or the program that is told."))
    form = forms.ChoiceField(label=_("Form"), choices=WebhookForm.choices)
    url = forms.CharField(
        label=_("Address"),
        max_length=2000,
        help_text=_("Whoever knows it can write there: show it to nobody."),
        widget=forms.TextInput(attrs={"type": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Is told of"),
        choices=[(kind.value, kind.label) for kind in WEBHOOK_KINDS],
        initial=[NoticeKind.BREACH, NoticeKind.ESCALATE],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one; otherwise it would never be told anything.")},
    )

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookSettingsForm:
        """The form filled with what is known."""
        return cls(initial={name: getattr(webhook, name) for name in cls.base_fields})


class DeliveryFilter(forms.Form):
    """Which sendings a list shows."""

    state = forms.ChoiceField(label=_("State"), choices=DeliveryState.choices, required=False)
    channel = forms.ChoiceField(label=_("Channel"), choices=[("", _("All")), *Channel.choices], required=False)
    webhook = forms.ModelChoiceField(
        label=_("Webhook"), queryset=Webhook.objects.all(), required=False, empty_label=_("All")
    )
    recipient = forms.ModelChoiceField(
        label=_("Person"),
        queryset=User.objects.all(),
        to_field_name="email",
        required=False,
        empty_label=_("Everybody"),
    )

    def chosen(self) -> dict[str, Any]:
        """The columns to filter by; nothing while the form is wrong."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.cleaned_data.items() if value and name != "state"}
