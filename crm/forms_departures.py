"""What is decided on the page on which what somebody holds is handed over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import User
from crm.queries import holdings
from crm.queries.holdings import KEEP, NOBODY, OF_SELLERS, OWNER, ROUTE, Decisions, Group, Holdings, Item
from leads.selling import Seller

_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


@dataclass(frozen=True)
class GroupFields:
    """One group on the page: its choice, and that of each thing in it."""

    group: Group
    field: forms.BoundField
    items: tuple[tuple[Item, forms.BoundField], ...]

    @property
    def is_opened(self) -> bool:
        """Whether something in it is decided by itself."""
        return any(field.value() or field.errors for _item, field in self.items)


class HandOverForm(forms.Form):
    """For each group who gets it, and for each thing in it where that differs."""

    seen = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)
    away_from = forms.DateField(label=gettext_lazy("First day"), required=False, widget=_DATE)
    away_until = forms.DateField(label=gettext_lazy("Last day"), required=False, widget=_DATE)

    def __init__(
        self, *args: Any, held: Holdings, selling: Sequence[Seller], colleagues: Sequence[User], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.held, self._selling, self._colleagues = held, selling, colleagues
        if not self.asks_absence:
            del self.fields["away_from"], self.fields["away_until"]
        for group, items in held.groups:
            choices = self._choices(group)
            label = _("Who gets these: %(what)s") % {"what": group.label}
            self.fields[group.value] = forms.ChoiceField(
                label=label, choices=choices, initial=holdings.default_for(group, kind=held.kind), required=False
            )
            for item in items:
                self.fields[item.key] = forms.ChoiceField(
                    label=_("Who gets %(name)s") % {"name": item.name},
                    choices=[("", _("as all of these")), *(one for one in choices if one[0])],
                    required=False,
                )

    @property
    def asks_absence(self) -> bool:
        """Whether the days of an absence are still to be said."""
        return self.held.kind == "away"

    def _choices(self, group: Group) -> list[tuple[str, str]]:
        named = {
            ROUTE: _("Routing decides, by its rules"),
            KEEP: self._keep(),
            OWNER: _("Whoever owns the contact"),
            NOBODY: _nobody(group),
        }
        found = [(way, named[way]) for way in holdings.ways(group, kind=self.held.kind)]
        if not holdings.default_for(group, kind=self.held.kind):
            found = [("", _("Choose…")), *found]
        if group in OF_SELLERS:
            return found + [
                (one.person.email, f"{one.person}, {one.open}/{one.person.capacity}") for one in self._selling
            ]
        return found + [(one.email, str(one)) for one in self._colleagues]

    def _keep(self) -> str:
        deputy = self.held.person.deputy
        if deputy is not None and self.held.kind == "away":
            return _("Stays; %(deputy)s stands in") % {"deputy": deputy}
        return _("Stays with %(name)s") % {"name": self.held.person}

    @property
    def groups(self) -> Iterator[GroupFields]:
        """The groups with their fields."""
        for group, items in self.held.groups:
            yield GroupFields(group, self[group.value], tuple((item, self[item.key]) for item in items))

    def decisions(self) -> Decisions:
        """What was chosen; nothing of what is wrong."""
        chosen = {name: value for name, value in self.cleaned_data.items() if isinstance(value, str) and value}
        groups = {name: value for name, value in chosen.items() if name in Group.values}
        return Decisions(groups, {name: value for name, value in chosen.items() if "-" in name})

    def absence(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last day, where both are said."""
        first, last = self.cleaned_data.get("away_from"), self.cleaned_data.get("away_until")
        return (first, last) if first and last else None


def _nobody(group: Group) -> str:
    if group is Group.LADDERS:
        return _("The managers are told instead")
    if group is Group.TASKS:
        return _("Nobody: they end here")
    if group is Group.POOLS:
        return _("The others of the rule")
    return _("Nobody, for now")
