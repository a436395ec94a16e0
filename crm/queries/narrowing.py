"""What lists of contacts and of handoffs are narrowed down to, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters as filters
from django.db.models import QuerySet

from crm.chips import Said
from crm.models import User
from leads.condition_words import conditions_sentence
from leads.filters import ConditionsFilter, PersonFilter
from leads.models import Campaign, Company, Contact, HandoverRule, Import, Persona, Reason, Segment, Source
from scoring.models import ActivityRule


def narrowed_by(chosen: filters.FilterSet, *, user: User, names: Iterable[str]) -> list[Said]:
    """What each of the filters `names` asks for: "State: Offered", "Campaign: Trade fair Lahti". Empty if not valid.

    Names of rows take a query each; what is not there, or `user` may not see, keeps the value that was asked for.
    """
    if not chosen.is_valid():
        return []
    said = []
    for name in names:
        asked = chosen.form.cleaned_data[name]
        label = chosen.form.fields[name].label
        if isinstance(chosen.filters[name], ConditionsFilter):
            said += [Said(f"{label}: {conditions_sentence(asked)}", (name,))] if asked else []
            continue
        for value in asked if isinstance(asked, list) else [asked]:
            if value not in (None, ""):
                said.append(Said(f"{label}: {_word(chosen, name, value, user=user)}", (name,), str(value)))
    return said


def _word(chosen: filters.FilterSet, name: str, value: Any, *, user: User) -> str:
    """The choice, person or row that a value stands for."""
    choices = {str(code): str(label) for code, label in getattr(chosen.form.fields[name], "choices", ())}
    if value in choices:
        return choices[value]
    if isinstance(chosen.filters[name], PersonFilter):
        found: Any = User.objects.filter(email__iexact=value).first()
    else:
        found = _named(name, value, user=user)
    return str(value if found is None else found)


def _named(name: str, value: Any, *, user: User) -> Any:
    imports = Import.objects.all() if user.sees_all_contacts else Import.objects.none()
    rows: dict[str, tuple[QuerySet, str]] = {
        "contact": (Contact.objects.visible_to(user), "pk"),
        "company": (Company.objects.visible_to(user), "pk"),
        "campaign": (Campaign.objects.all(), "pk"),
        "created_by_import": (imports, "pk"),
        "touched_by_import": (imports, "pk"),
        "segment": (Segment.objects.all(), "pk"),
        "persona": (Persona.objects.all(), "pk"),
        "rule": (ActivityRule.objects.all(), "pk"),
        "straight_by": (HandoverRule.objects.all(), "pk"),
        "reason": (Reason.objects.all(), "code__iexact"),
        "disqualified_reason": (Reason.objects.filter(kind="disqualify"), "code__iexact"),
        "source": (Source.objects.all(), "code__iexact"),
    }
    if name not in rows:
        return None
    found, field = rows[name]
    return found.filter(**{field: value}).first()
