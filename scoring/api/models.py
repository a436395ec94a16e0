"""`scoring-models/`: the versions of the rules."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from crm.api.fields import JsonField, PersonField, RowSerializer
from crm.api.views import ReadOnlyResource
from scoring.filters import ScoringModelFilter
from scoring.models import ActivityRule, FitRule, ScoringModel


class PropertyConditionSerializer(serializers.Serializer):
    """What a property of an activity must be."""

    property = serializers.CharField()
    op = serializers.CharField()
    value = JsonField(allow_null=True)


class ActivityRuleSerializer(serializers.ModelSerializer):
    """Points for an activity, fading by half every half-life, between `floor` and `cap`."""

    type = serializers.CharField(source="type_id")
    conditions = PropertyConditionSerializer(many=True)
    once_per = serializers.SerializerMethodField()

    class Meta:
        model = ActivityRule
        fields = (
            "name",
            "type",
            "conditions",
            "points",
            "cap",
            "floor",
            "once_per",
            "within_days",
            "half_life_days",
            "is_request",
        )
        read_only_fields = fields

    def get_once_per(self, rule: ActivityRule) -> str | None:
        return rule.once_per or None


class FitRuleSerializer(serializers.ModelSerializer):
    """Points for who a contact is."""

    value = JsonField(allow_null=True)

    class Meta:
        model = FitRule
        fields = ("name", "field", "op", "value", "points")
        read_only_fields = fields


class ScoringModelSerializer(RowSerializer):
    """One version of the rules."""

    published_by = PersonField(allow_null=True)
    activity_rules = ActivityRuleSerializer(many=True)
    fit_rules = FitRuleSerializer(many=True)

    class Meta:
        model = ScoringModel
        fields = (
            "id",
            "name",
            "version",
            "status",
            "half_life_days",
            "mql_threshold",
            "hot_threshold",
            "reference_at",
            "note",
            "created_at",
            "published_at",
            "published_by",
            "activity_rules",
            "fit_rules",
        )
        read_only_fields = fields


class ScoringModelResource(ReadOnlyResource):
    """The versions of the rules, for everybody to read."""

    model = ScoringModel
    serializer_class = ScoringModelSerializer
    filterset_class = ScoringModelFilter

    def rows(self) -> QuerySet[Any]:
        return ScoringModel.objects.select_related("published_by").prefetch_related("activity_rules", "fit_rules")
