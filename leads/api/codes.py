"""`activity-types/` and `sources/`: the codes that other resources speak in."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import serializers

from crm.api.pagination import CodePagination
from crm.api.views import ListResource
from leads.models import ActivityType, Source


class ActivityTypeSerializer(serializers.ModelSerializer):
    """A kind of activity."""

    class Meta:
        model = ActivityType
        fields = ("code", "name", "direction", "is_lead_signal", "is_contact_attempt")
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


class SourceResource(ListResource):
    """The channels known so far; an activity or a contact that names another makes it."""

    model = Source
    serializer_class = SourceSerializer
    pagination_class = CodePagination

    def rows(self) -> QuerySet[Source]:
        return Source.objects.all()
