"""`reasons/`: the counted reasons that answers are given with."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.pagination import OldestFirstPagination
from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.flows import definitions
from leads import reasons
from leads.filters import ReasonFilter
from leads.models import Reason


class ReasonSerializer(serializers.ModelSerializer):
    """A counted reason, the list it belongs to and its place in it, and when it applies."""

    class Meta:
        model = Reason
        fields = ("id", "kind", "code", "label", "description", "position", "is_retired")
        read_only_fields = fields


class ReasonInputSerializer(serializers.Serializer):
    """What can be said about a reason. Its kind and its code stay."""

    label = serializers.CharField(max_length=reasons.LONGEST_LABEL)
    description = serializers.CharField(max_length=reasons.LONGEST_DESCRIPTION, required=False, allow_blank=True)


class NewReasonSerializer(ReasonInputSerializer):
    """A further reason; its code follows from its label."""

    kind = serializers.ChoiceField(choices=[kind.value for kind in reasons.KINDS])


class ReasonChangeSerializer(ReasonInputSerializer):
    """Other words, or retired: then nobody can give it any more, and old answers keep it."""

    is_retired = serializers.BooleanField(required=False)


class ShiftSerializer(serializers.Serializer):
    """Which way."""

    to = serializers.ChoiceField(choices=["up", "down"])


class ReasonResource(ReadOnlyResource):
    """Reasons: read by all, the list without those retired unless asked; kept by managers and administrators."""

    model = Reason
    serializer_class = ReasonSerializer
    filterset_class = ReasonFilter
    pagination_class = OldestFirstPagination
    roles: ClassVar = dict.fromkeys(("create", "partial_update", "destroy", "shift"), MANAGEMENT)

    def rows(self) -> QuerySet[Reason]:
        is_plain_list = self.action == "list" and "is_retired" not in self.request.query_params
        return Reason.objects.filter(is_retired=False) if is_plain_list else Reason.objects.all()

    @verb(NewReasonSerializer, ReasonSerializer, "Let people give a further reason.", status=201)
    def create(self, request: Request) -> Response:
        values = self.given(NewReasonSerializer)
        reason = definitions.add_reason(actor=request.user, kind=values.pop("kind"), values=values)
        return self.answer(reason.pk, status=201)

    @verb(ReasonChangeSerializer, ReasonSerializer, "Say it in other words, retire it or bring it back.")
    def partial_update(self, request: Request, pk: str) -> Response:
        values: dict[str, Any] = self.given(ReasonChangeSerializer, partial=True)
        definitions.edit_reason(actor=request.user, reason_id=self.found().pk, values=values)
        return self.answer()

    @extend_schema(description="Remove a reason that was never given.")
    def destroy(self, request: Request, pk: str) -> Response:
        definitions.delete_reason(actor=request.user, reason_id=self.found().pk)
        return Response(status=204)

    @verb(ShiftSerializer, ReasonSerializer, "Offer it one place earlier or later in its list.")
    @action(detail=True, methods=["post"])
    def shift(self, request: Request, pk: str) -> Response:
        by = -1 if self.given(ShiftSerializer)["to"] == "up" else 1
        definitions.shift_reason(actor=request.user, reason_id=self.found().pk, by=by)
        return self.answer()
