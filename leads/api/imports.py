"""`imports/`: how far the files of contacts are."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet

from crm.api.fields import NameField, PersonField, RowSerializer
from crm.api.permissions import MARKETING
from crm.api.views import ReadOnlyResource
from leads.filters import ImportFilter
from leads.models import Import


class ImportSerializer(RowSerializer):
    """One import of a file; `rows_done` of `rows` are behind it."""

    campaign = NameField(allow_null=True)
    actor = PersonField(allow_null=True)

    class Meta:
        model = Import
        fields = (
            "id",
            "file_name",
            "state",
            "campaign",
            "is_history",
            "rows",
            "rows_done",
            "created",
            "touched",
            "refused",
            "error",
            "actor",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ImportResource(ReadOnlyResource):
    """Imports, for marketing."""

    model = Import
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    roles: ClassVar = {"list": MARKETING, "retrieve": MARKETING}

    def rows(self) -> QuerySet[Import]:
        return Import.objects.select_related("campaign", "actor")
