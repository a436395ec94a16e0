"""What a manager does with the rows of the page of what nobody notices."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.queries.unnoticed import Kind

STEP_HOUR = 9
"""A step planned for a day stands in the inbox from this hour of the reader's zone."""


class Act(TextChoices):
    """What is done with the chosen rows."""

    GIVE = "give", gettext_lazy("Give")
    PLAN = "plan", gettext_lazy("Plan the next step")
    DUTY = "duty", gettext_lazy("Set on duty")
    OWN = "own", gettext_lazy("Give an owner")
    FEED = "feed", gettext_lazy("Give the lead that waits longest")


class ActForm(forms.Form):
    """An act on leads (`give`, `plan`), on a customer (`own`) or on people (`duty`, `feed`), and where one was."""

    act = forms.ChoiceField(label=gettext_lazy("What to do"), choices=Act.choices)
    kind = forms.ChoiceField(label=gettext_lazy("List"), choices=Kind.choices)
    handoff = forms.TypedMultipleChoiceField(label=gettext_lazy("Leads"), coerce=int, required=False)
    contact = forms.IntegerField(label=gettext_lazy("Customer"), required=False, min_value=1, max_value=2**63 - 1)
    person = forms.IntegerField(label=gettext_lazy("Person"), required=False, min_value=1)
    assignee = forms.EmailField(label=gettext_lazy("Goes to"), required=False)
    next_on = forms.DateField(label=gettext_lazy("Next step on"), required=False)

    def __init__(self, data: Any, *, now: dt.datetime) -> None:
        super().__init__(data)
        self.now = now
        # Which leads there are is for the flow to say: absent and forbidden look alike.
        given = [one for one in data.getlist("handoff") if one.isascii() and one.isdigit() and len(one) < 19]
        self.fields["handoff"].choices = [(one, one) for one in given]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        asked = self.cleaned_data
        act = asked.get("act")
        if act in (Act.GIVE, Act.PLAN) and not asked.get("handoff") and "handoff" not in self.errors:
            self.add_error("handoff", _("Choose at least one lead."))
        if act == Act.OWN:
            for name in ("contact", "assignee"):
                if not asked.get(name) and name not in self.errors:
                    self.add_error(name, _("Choose who is to own the customer."))
        if act in (Act.DUTY, Act.FEED) and not asked.get("person") and "person" not in self.errors:
            self.add_error("person", _("Choose a person."))
        if act == Act.PLAN and "next_on" not in self.errors:
            if asked.get("next_on") is None:
                self.add_error("next_on", _("Say on which day."))
            elif self.next_at() <= self.now:
                self.add_error("next_on", _("The next step lies ahead. Choose a later day."))
        return asked

    def next_at(self) -> dt.datetime:
        """The instant of the next step on the day given."""
        return timezone.make_aware(dt.datetime.combine(self.cleaned_data["next_on"], dt.time(STEP_HOUR)))
