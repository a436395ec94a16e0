"""What managers and administrators write down of what both teams agreed on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads import definitions, handover, reasons, words
from leads.forms_conditions import ConditionsForm
from leads.models import HandoverRule, Reason
from leads.models.windows import LONGEST


class DefinitionForm(forms.Form):
    """What a word means, and the number of the version that was on the screen."""

    text = forms.CharField(
        label=_("What it means"),
        max_length=definitions.LONGEST_TEXT,
        widget=forms.Textarea({"rows": 4}),
        error_messages={"required": _("Say what it means.")},
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class ReasonForm(forms.Form):
    """A reason in words; the list it belongs to is chosen once."""

    kind = forms.ChoiceField(
        label=_("Reason for"), choices=[(kind.value, words.REASON_KINDS[kind]) for kind in reasons.KINDS]
    )
    label = forms.CharField(
        label=_("In a few words"),
        max_length=reasons.LONGEST_LABEL,
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": _("Say the reason.")},
    )
    description = forms.CharField(
        label=_("When it applies"),
        max_length=reasons.LONGEST_DESCRIPTION,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("Shown below it where it is chosen, so that everybody means the same by it."),
    )

    def __init__(self, data: Any = None, *, reason: Reason | None = None, kind: str = "") -> None:
        initial = {name: getattr(reason, name) for name in ("kind", "label", "description")} if reason else None
        super().__init__(data, initial=initial or {"kind": kind})
        if reason:
            del self.fields["kind"]
            self.fields["label"].help_text = _(
                "Answers given with it read so from now on. For another meaning add another reason."
            )


class HandoverForm(ConditionsForm):
    """A rule: for which leads, and whether they go straight to sales."""

    STRAIGHT, REVIEW = "straight", "review"

    known = handover.KNOWN
    conditions_legend = _("For leads of which")
    without_conditions = _("Without a condition it holds for every lead.")

    name = forms.CharField(label=_("Name"), max_length=handover.LONGEST_NAME)
    way = forms.ChoiceField(
        label=_("What happens to them"),
        choices=[
            (REVIEW, _("Marketing reviews them first")),
            (STRAIGHT, _("They are offered to sales at once")),
        ],
        widget=forms.RadioSelect,
    )
    is_active = forms.BooleanField(label=_("In use"), required=False)

    def __init__(self, data: Any = None, *, rule: HandoverRule) -> None:
        initial = {
            "name": rule.name,
            "way": self.STRAIGHT if rule.is_straight else self.REVIEW,
            "is_active": rule.is_active,
        }
        super().__init__(data, conditions=rule.conditions, initial=initial)

    def values(self) -> dict[str, Any]:
        """The columns that the flow takes."""
        asked = self.cleaned_data
        kept = {name: asked[name] for name in ("name", "conditions", "is_active")}
        return kept | {"is_straight": asked["way"] == self.STRAIGHT}


class LeadTimeForm(forms.Form):
    """How many days before a buyer decides their contact window opens and closes."""

    earliest_days = forms.IntegerField(label=_("Opens, days before they decide"), min_value=1, max_value=LONGEST)
    latest_days = forms.IntegerField(label=_("Closes, days before they decide"), min_value=0, max_value=LONGEST)
