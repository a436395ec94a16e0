"""What the list of scoring models can be narrowed down by: one FilterSet for page and API."""

from __future__ import annotations

import django_filters as filters
from django.utils.translation import gettext_lazy as _

from leads.filters import IdFilter, TextFilter
from scoring.models import ScoringModel


class ScoringModelFilter(filters.FilterSet):
    """Versions by number, name and where they stand."""

    name = TextFilter(label=_("Name"))
    version = IdFilter(label=_("Version"))
    status = filters.ChoiceFilter(choices=ScoringModel.Status.choices, label=_("Status"))

    class Meta:
        model = ScoringModel
        fields: list[str] = []
