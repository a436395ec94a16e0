"""`handover-rules/`: which MQLs are passed straight to sales, and which marketing reviews first."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import IdField, JsonField, PersonField
from crm.api.pagination import OldestFirstPagination
from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.flows import definitions
from crm.queries.definitions import outcome
from leads import handover
from leads.api.reasons import ShiftSerializer
from leads.api.segments import FieldConditionSerializer
from leads.models import HandoverRule


class HandoverRuleSerializer(serializers.ModelSerializer):
    """A rule. Of the active ones, by position, the first whose conditions all hold decides; else marketing reviews."""

    conditions = FieldConditionSerializer(many=True)
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = HandoverRule
        fields = ("id", "name", "conditions", "is_straight", "position", "active")
        read_only_fields = fields


class HandoverRuleInputSerializer(serializers.Serializer):
    """What can be said about a rule. A new one is asked first."""

    name = serializers.CharField(max_length=handover.LONGEST_NAME)
    conditions = JsonField(kind=list, required=False, allow_null=True)
    is_straight = serializers.BooleanField(required=False)
    active = serializers.BooleanField(source="is_active", required=False)


class OutcomeQuestionSerializer(serializers.Serializer):
    """Of which contact it is asked."""

    contact = IdField()


class RuleAskedSerializer(serializers.Serializer):
    """A rule before the contact."""

    rule = serializers.IntegerField(source="rule.pk")
    fits = serializers.BooleanField()
    decides = serializers.BooleanField()


class OutcomeSerializer(serializers.Serializer):
    """What would happen if the contact crossed the threshold now; `assignee` is null where it would wait."""

    is_straight = serializers.BooleanField()
    assignee = PersonField(source="choice.assignee", allow_null=True, default=None)
    rules = RuleAskedSerializer(many=True)


class HandoverRuleResource(ReadOnlyResource):
    """The hand-over rule: read by all, written by managers and administrators."""

    model = HandoverRule
    serializer_class = HandoverRuleSerializer
    pagination_class = OldestFirstPagination
    roles: ClassVar = dict.fromkeys(("create", "partial_update", "destroy", "shift"), MANAGEMENT)

    def rows(self) -> QuerySet[HandoverRule]:
        return HandoverRule.objects.all()

    @verb(HandoverRuleInputSerializer, HandoverRuleSerializer, "Add a rule, to be asked first.", status=201)
    def create(self, request: Request) -> Response:
        values = self.given(HandoverRuleInputSerializer)
        rule = definitions.add_handover_rule(actor=request.user, values=values)
        return self.answer(rule.pk, status=201)

    @verb(HandoverRuleInputSerializer, HandoverRuleSerializer, "Change a rule for leads that are formed from now on.")
    def partial_update(self, request: Request, pk: str) -> Response:
        values = self.given(HandoverRuleInputSerializer, partial=True)
        definitions.edit_handover_rule(actor=request.user, rule_id=self.found().pk, values=values)
        return self.answer()

    @extend_schema(description="Remove a rule that passed nothing to sales yet.")
    def destroy(self, request: Request, pk: str) -> Response:
        definitions.delete_handover_rule(actor=request.user, rule_id=self.found().pk)
        return Response(status=204)

    @verb(ShiftSerializer, HandoverRuleSerializer, "Have it asked one place earlier or later.")
    @action(detail=True, methods=["post"])
    def shift(self, request: Request, pk: str) -> Response:
        by = -1 if self.given(ShiftSerializer)["to"] == "up" else 1
        definitions.shift_handover_rule(actor=request.user, rule_id=self.found().pk, by=by)
        return self.answer()

    @verb(OutcomeQuestionSerializer, OutcomeSerializer, "What would happen to a contact, and by which rule.")
    @action(detail=False, methods=["post"])
    def which(self, request: Request) -> Response:
        given = self.given(OutcomeQuestionSerializer)
        found = outcome(request.user, contact_id=given["contact"], now=timezone.now())
        return Response(OutcomeSerializer(found).data)
