"""What administrators type in about the people who work with Baton."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.models import Role, Team, User
from crm.models.people import validate_time_zone
from sla.models import Calendar


class PersonForm(forms.Form):
    """A person with roles; the first page is that of one of the roles."""

    name = forms.CharField(label=_("Name"), max_length=150)
    email = forms.EmailField(label=_("E-mail"), max_length=254, help_text=_("Used to sign in."))
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Give at least one role; without one a person sees nothing.")},
    )
    first_role = forms.ChoiceField(
        label=_("Starts on the page of"),
        choices=[("", _("the first role above")), *Role.choices],
        required=False,
    )
    team = forms.ModelChoiceField(label=_("Team"), queryset=Team.objects.all(), required=False, empty_label=_("None"))
    calendar = forms.ModelChoiceField(
        label=_("Works by"),
        queryset=Calendar.objects.order_by("name"),
        required=False,
        empty_label=_("the calendar of the team"),
        help_text=_("For promises that run by the working time of the assignee."),
    )
    capacity = forms.IntegerField(
        label=_("Open handoffs at most"), min_value=0, max_value=1000, initial=8, help_text=_("For salespeople.")
    )
    daily_capacity = forms.IntegerField(
        label=_("New leads a day at most"),
        min_value=0,
        max_value=1000,
        required=False,
        help_text=_("A day of their time zone; empty for no limit."),
    )
    time_zone = forms.CharField(
        label=_("Time zone"),
        max_length=64,
        validators=[validate_time_zone],
        help_text=_("Every time on every page is shown in it, such as Europe/Helsinki."),
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, initial=settings.LANGUAGE_CODE)
    is_on_duty = forms.BooleanField(
        label=_("On duty"), required=False, initial=True, help_text=_("Who is off duty is offered no leads.")
    )
    is_active = forms.BooleanField(
        label=_("Active"), required=False, initial=True, help_text=_("Who is not active cannot sign in.")
    )

    @classmethod
    def of(cls, person: User) -> PersonForm:
        """The form filled with what is known."""
        names = [name for name in cls.base_fields if name not in ("roles", "first_role")]
        initial = {name: getattr(person, name) for name in names}
        return cls(initial=initial | {"roles": person.roles, "first_role": person.roles[0] if person.roles else ""})

    def clean(self) -> dict[str, Any]:
        """Put the role whose page comes first at the head."""
        cleaned = super().clean() or {}
        first, roles = cleaned.pop("first_role", ""), cleaned.get("roles", [])
        if first and first not in roles and "roles" not in self.errors:
            self.add_error("first_role", _("Choose one of the roles that this person has."))
        cleaned["roles"] = sorted(roles, key=lambda role: role != first)
        return cleaned


def time_zones() -> list[str]:
    """The names to choose a time zone from: places, no abbreviations."""
    return sorted(name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith("Etc/"))
