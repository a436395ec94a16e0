"""`segments/`: contacts chosen by conditions, under a name; `contacts/?segment=` lists who is in one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import JsonField, PersonField, RowSerializer
from crm.api.permissions import MARKETING
from crm.api.views import ReadOnlyResource, verb
from leads import segments
from leads.filters import SegmentFilter
from leads.models import Segment


class FieldConditionSerializer(serializers.Serializer):
    """What a field of a contact must be."""

    field = serializers.CharField()
    op = serializers.CharField()
    value = JsonField(allow_null=True)


class SegmentSerializer(RowSerializer):
    """A segment; `contact_count` says how many contacts are in it now."""

    conditions = FieldConditionSerializer(many=True)
    created_by = PersonField(allow_null=True)
    contact_count = serializers.SerializerMethodField()

    class Meta:
        model = Segment
        fields = ("id", "name", "conditions", "contact_count", "created_at", "created_by")
        read_only_fields = fields

    def get_contact_count(self, row: Segment) -> int:
        counts: dict[int, int] = self.context["view"].counts_of(self)
        return counts[row.pk]


class SegmentInputSerializer(serializers.Serializer):
    """What can be said about a segment."""

    name = serializers.CharField(max_length=segments.LONGEST_NAME)
    conditions = JsonField(kind=list)


class Counted:
    """A resource whose rows say how many contacts they choose: counted for all rows of an answer at once."""

    request: Request

    def counts_of(self, serializer: Any) -> dict[int, int]:
        """The counts of the rows of one answer, by one query for all of them."""
        found: dict[int, int] | None = serializer.context.get("counts")
        if found is None:
            rows = serializer.parent.instance if serializer.parent is not None else [serializer.instance]
            found = serializer.context["counts"] = segments.counts(rows, user=self.request.user)
        return found


class SegmentResource(Counted, ReadOnlyResource):
    """Segments: for marketing."""

    model = Segment
    serializer_class = SegmentSerializer
    filterset_class = SegmentFilter
    roles: ClassVar = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), MARKETING)

    def rows(self) -> QuerySet[Segment]:
        return Segment.objects.select_related("created_by")

    @verb(SegmentInputSerializer, SegmentSerializer, "Save a choice of contacts.", status=201)
    def create(self, request: Request) -> Response:
        segment = self._saved(Segment(), self.given(SegmentInputSerializer))
        return self.answer(segment.pk, status=201)

    @verb(SegmentInputSerializer, SegmentSerializer, "Change a segment.")
    def partial_update(self, request: Request, pk: str) -> Response:
        self._saved(self.found(), self.given(SegmentInputSerializer, partial=True))
        return self.answer()

    @extend_schema(description="Forget a segment; its contacts stay as they are.")
    def destroy(self, request: Request, pk: str) -> Response:
        segments.delete_segment(self.found())
        return Response(status=204)

    def _saved(self, segment: Segment, values: dict[str, Any]) -> Segment:
        return segments.save_segment(segment, values=values, actor=self.request.user, at=timezone.now())
