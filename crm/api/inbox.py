"""`inbox/`: what a salesperson is to do now, in the order of what is lost by waiting."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.fields import InstantField
from crm.api.permissions import HasRole
from crm.errands import Kind
from crm.models import Role
from crm.queries import inbox
from crm.urgency import Tier

TIERS = [tier.name.lower() for tier in Tier]


class ErrandSerializer(serializers.Serializer):
    """One row: a contact with the most urgent reason why it waits; `also` are the others.

    `cost` is in working hours weighed by what is at stake, of what is promised for a time to come below zero;
    `docs/metrics.md` says how. `due_at` is that of the clock or task, null where no time was promised.
    """

    kind = serializers.CharField(help_text=", ".join(Kind))
    also = serializers.ListField(child=serializers.CharField())
    tier = serializers.ChoiceField(choices=TIERS)
    cost = serializers.FloatField()
    contact = serializers.IntegerField()
    name = serializers.CharField()
    handoff = serializers.IntegerField(allow_null=True)
    task = serializers.IntegerField(allow_null=True)
    timer = serializers.IntegerField(allow_null=True)
    due_at = InstantField(allow_null=True)
    score = serializers.FloatField()
    why = serializers.CharField()
    note = serializers.CharField()


class InboxSerializer(serializers.Serializer):
    """All rows; `count` is the number beside the page's name."""

    count = serializers.IntegerField()
    results = ErrandSerializer(many=True)


class InboxResource(APIView):
    """What the salesperson behind the request is to do now, the first thing first."""

    permission_classes: ClassVar = [IsAuthenticated, HasRole]
    roles: ClassVar[dict[str, tuple[str, ...]]] = {"get": (Role.SALESPERSON,)}
    action = "get"
    http_method_names: ClassVar = ["get", "head"]
    metadata_class = None

    @extend_schema(operation_id="inbox_list", responses=InboxSerializer)
    def get(self, request: Request) -> Response:
        """The same rows as the page of the inbox, in the same order."""
        found = inbox.inbox_of(request.user, now=timezone.now())
        answer = {"count": found.total, "results": [_row(item) for item in found.items]}
        return Response(InboxSerializer(answer).data)


def _row(item: inbox.Item) -> dict[str, Any]:
    due_at = item.clock.timer.due_at if item.clock else item.task.due_at if item.task else None
    return {
        "kind": item.kind.value,
        "also": [kind.value for kind in item.also_kinds],
        "tier": item.urgency.tier.name.lower(),
        "cost": item.urgency.cost,
        "contact": item.contact.pk,
        "name": item.contact.name,
        "handoff": item.handoff_id,
        "task": item.task.pk if item.task else None,
        "timer": item.clock.timer.pk if item.clock else None,
        "due_at": due_at,
        "score": item.score.score,
        "why": item.why,
        "note": item.note,
    }
