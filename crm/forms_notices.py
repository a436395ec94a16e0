"""What people type in about how they, and the programs beside them, are told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.flows import own_settings
from crm.models import User, Webhook
from crm.models.notices import ALWAYS_IN_BELL, PERSONAL_KINDS, WEBHOOK_KINDS, Channel, DeliveryState, NoticeKind
from crm.models.people import ReportRhythm, validate_time_zone
from crm.models.webhooks import WebhookForm

_TIME = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
_BOX_LABEL = _("%(kind)s: %(channel)s")


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
    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[("", _("All")), *((one.value, one.label) for one in (Channel.EMAIL, Channel.WEBHOOK))],
        required=False,
    )
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

    digest = forms.IntegerField(label=_("Digest"), min_value=1, max_value=2**63 - 1, required=False)

    def chosen(self) -> dict[str, Any]:
        """The columns to filter by; nothing while the form is wrong."""
        if not self.is_valid():
            return {}
        return {name: value for name, value in self.cleaned_data.items() if value and name != "state"}


class OwnSettingsForm(forms.Form):
    """A person's own settings; a box for each kind of notice and each way in which it may come."""

    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        validators=[validate_time_zone],
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    quiet_from = forms.TimeField(label=_("From"), required=False, widget=_TIME)
    quiet_until = forms.TimeField(label=_("To"), required=False, widget=_TIME)
    away_from = forms.DateField(label=_("First day"), required=False, widget=_DATE)
    away_until = forms.DateField(label=_("Last day"), required=False, widget=_DATE)
    deputy = forms.ModelChoiceField(
        label=_("Deputy"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody"),
        help_text=_("Is told meanwhile what you are told. A colleague who sees every contact."),
    )

    report_rhythm = forms.ChoiceField(label=_("How often"), choices=ReportRhythm.choices)
    report_hour = forms.TypedChoiceField(
        label=_("At"), choices=[(hour, f"{hour:02}:00") for hour in range(24)], coerce=int
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unasked = {NoticeKind.REPORT} if person.is_admin else {*PERSONAL_KINDS}
        if not person.sees_sla:
            unasked.add(NoticeKind.DEPARTED)
        self.kinds = [kind for kind in NoticeKind if kind not in unasked]
        self.has_report = person.sees_sla
        if not self.has_report:
            del self.fields["report_rhythm"], self.fields["report_hour"]
        for name, kind, channel in self._boxes():
            label = _BOX_LABEL % {"kind": kind.label, "channel": channel.label}
            self.fields[name] = forms.BooleanField(label=label, required=False, initial=True)
        deputies = self.fields["deputy"]
        assert isinstance(deputies, forms.ModelChoiceField)
        deputies.queryset = person.possible_deputies()

    @classmethod
    def of(cls, person: User, *, at: dt.datetime) -> OwnSettingsForm:
        """The form filled with what holds at `at`; an absence that is over is not shown any more."""
        plain = ("language", "time_zone", "quiet_from", "quiet_until", "report_rhythm", "report_hour")
        initial = {name: getattr(person, name) for name in plain}
        if days := person.days_away(at):
            initial |= {"away_from": days[0], "away_until": days[1], "deputy": person.deputy_id}
        unwanted = person.opt_outs.values_list("kind", "channel")
        return cls(person=person, initial=initial | {f"{channel}_{kind}": False for kind, channel in unwanted})

    def _boxes(self) -> Iterator[tuple[str, NoticeKind, Channel]]:
        for kind in self.kinds:
            for channel in (Channel.BELL, Channel.EMAIL):
                if channel == Channel.EMAIL or kind not in ALWAYS_IN_BELL:
                    yield f"{channel.value}_{kind.value}", kind, channel

    @property
    def rows(self) -> list[tuple[NoticeKind, forms.BoundField | None, forms.BoundField]]:
        """Each kind with its box for Baton, None where that is not for choosing, and its box for e-mail."""
        return [
            (kind, None if kind in ALWAYS_IN_BELL else self[f"bell_{kind.value}"], self[f"email_{kind.value}"])
            for kind in self.kinds
        ]

    def values(self) -> dict[str, Any]:
        """The columns."""
        return {name: self.cleaned_data[name] for name in own_settings.FIELDS if name in self.fields}

    def unwanted(self) -> set[tuple[str, str]]:
        """The (kind, channel) whose boxes are empty."""
        return {(kind.value, channel.value) for name, kind, channel in self._boxes() if not self.cleaned_data[name]}
