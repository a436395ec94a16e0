"""Segments and personas as people draw them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from leads import facts
from leads.forms_conditions import ConditionsForm
from leads.models import Persona, Segment
from leads.segments import LONGEST_NAME, PERSONA_FIELDS


class SegmentForm(ConditionsForm):
    """A name and the conditions that choose."""

    known = facts.SEGMENT_FIELDS
    fewest_conditions = 1
    conditions_legend = _("Contacts of whom all of this is true")

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)

    @classmethod
    def of(cls, segment: Segment, data: Any = None) -> SegmentForm:
        """The form of a segment, or of a new one."""
        return cls(data, conditions=segment.conditions, initial={"name": segment.name})

    def values(self) -> dict[str, Any]:
        """What is written."""
        return {name: self.cleaned_data[name] for name in ("name", "conditions")}


class PersonaForm(ConditionsForm):
    """A kind of buyer: who they are in words, and the conditions by which contacts are told to be one."""

    known = PERSONA_FIELDS
    fewest_conditions = 1
    conditions_legend = _("A contact is one if all of this is true")

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)
    description = forms.CharField(
        label=_("Who they are"),
        required=False,
        max_length=5000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("What they want, what they fear, what makes them decide: for both teams."),
    )

    @classmethod
    def of(cls, persona: Persona, data: Any = None) -> PersonaForm:
        """The form of a persona, whose name stays, or of a new one."""
        initial = {"name": persona.name, "description": persona.description}
        form = cls(data, conditions=persona.conditions, initial=initial)
        if persona.pk is not None:
            form.fields["name"].disabled = True
        return form

    def values(self) -> dict[str, Any]:
        """What is written."""
        return {name: self.cleaned_data[name] for name in ("name", "description", "conditions")}
