"""Filters by field name. A name or a value that is not understood is refused, never passed over."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

PAGING = ("cursor", "page_size", "format")


def require_known(request: Request, known: set[str]) -> None:
    """Raise a 400 that names the query parameters that are not among `known`."""
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        choices = ", ".join(sorted(known - set(PAGING))) or _("none")
        raise ValidationError({name: [_("There is no such filter. Known are: %s.") % choices] for name in unknown})


class StrictFilterBackend(filters.DjangoFilterBackend):
    """Applies the FilterSet of a view to its lists."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        filterset_class = self.get_filterset_class(view, queryset)
        names = set(filterset_class.base_filters) if filterset_class else set()
        require_known(request, names | set(PAGING))
        filtered: QuerySet = super().filter_queryset(request, queryset, view)
        return filtered
