"""`activity-types/`, `reasons/` and `sources/`: the codes that other resources speak in."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from crm.api.pagination import CodePagination, OldestFirstPagination
from crm.api.views import ListResource
from leads.filters import ReasonFilter
from leads.models import ActivityType, Reason, Source


class ActivityTypeSerializer(serializers.ModelSerializer):
    """A kind of activity."""

    class Meta:
        model = ActivityType
        fields = ("code", "name", "direction", "is_lead_signal", "is_contact_attempt")
        read_only_fields = fields


class ReasonSerializer(serializers.ModelSerializer):
    """A counted reason and the list it belongs to."""

    class Meta:
        model = Reason
        fields = ("id", "kind", "code", "label")
        read_only_fields = fields


class SourceSerializer(serializers.ModelSerializer):
    """A channel that contacts come through."""

    class Meta:
        model = Source
        fields = ("code", "name")
        read_only_fields = fields


class ActivityTypeResource(ListResource):
    """The types that `activities/` takes."""

    model = ActivityType
    serializer_class = ActivityTypeSerializer
    pagination_class = CodePagination

    def rows(self) -> QuerySet[ActivityType]:
        return ActivityType.objects.all()


class ReasonResource(ListResource):
    """The reasons that can be given now; retired ones are left out."""

    model = Reason
    serializer_class = ReasonSerializer
    filterset_class = ReasonFilter
    pagination_class = OldestFirstPagination

    def rows(self) -> QuerySet[Reason]:
        return Reason.objects.filter(is_retired=False)


class SourceResource(ListResource):
    """The channels known so far; an activity or a contact that names another makes it."""

    model = Source
    serializer_class = SourceSerializer
    pagination_class = CodePagination

    def rows(self) -> QuerySet[Source]:
        return Source.objects.all()
