"""`outbounds/`: contacts of a segment, or with a date that comes near, become leads of a campaign, so many a day."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import NameField, PersonField, RowSerializer
from crm.api.permissions import MARKETING
from crm.api.views import ReadOnlyResource, verb
from crm.flows import outbounds as flows
from crm.models import Role
from crm.queries import outbounds as queries
from leads.models import Campaign, Outbound, Segment
from leads.models.outbounds import OutboundThen
from sla.models import Calendar

SETTERS = (Role.MARKETER, Role.MANAGER)


class OutboundSerializer(RowSerializer):
    """`waiting_count` contacts would be taken now, which lasts `days_left` working days; `taken_count` were."""

    segment = NameField(allow_null=True)
    campaign = NameField()
    calendar = NameField()
    created_by = PersonField(allow_null=True)
    taken_count = serializers.SerializerMethodField()
    waiting_count = serializers.SerializerMethodField()
    days_left = serializers.SerializerMethodField()

    class Meta:
        model = Outbound
        fields = (
            "id",
            "name",
            "segment",
            "date_attribute",
            "within_days",
            "campaign",
            "then",
            "per_day",
            "calendar",
            "state",
            "taken_count",
            "waiting_count",
            "days_left",
            "created_at",
            "created_by",
        )
        read_only_fields = fields

    def _outlook(self, row: Outbound) -> queries.Outlook:
        known: dict[int, queries.Outlook] = self.context.setdefault("outlooks", {})
        if row.pk not in known:
            user = self.context["request"].user
            known[row.pk] = queries.outlooks([row], user=user, at=timezone.now())[0]
        return known[row.pk]

    def get_taken_count(self, row: Outbound) -> int:
        return self._outlook(row).taken

    def get_waiting_count(self, row: Outbound) -> int:
        return self._outlook(row).waiting

    def get_days_left(self, row: Outbound) -> int:
        return self._outlook(row).days


class OutboundInputSerializer(serializers.Serializer):
    """What is set up; segment, campaign and calendar by name."""

    name = serializers.CharField(max_length=100)
    segment = serializers.SlugRelatedField(
        slug_field="name", queryset=Segment.objects.all(), required=False, allow_null=True, default=None
    )
    date_attribute = serializers.RegexField(r"^\w*\Z", max_length=100, required=False, allow_blank=True, default="")
    within_days = serializers.IntegerField(min_value=0, max_value=3650, required=False, allow_null=True, default=None)
    campaign = serializers.SlugRelatedField(slug_field="name", queryset=Campaign.objects.all())
    then = serializers.ChoiceField(choices=OutboundThen.choices, default=OutboundThen.REVIEW)
    per_day = serializers.IntegerField(min_value=1, max_value=10_000, default=10)
    calendar = serializers.SlugRelatedField(slug_field="name", queryset=Calendar.objects.all())


class OutboundFilter(filters.FilterSet):
    """Outbounds by state."""

    state = filters.ChoiceFilter(choices=Outbound.State.choices, label=_("State"))

    class Meta:
        model = Outbound
        fields: list[str] = []


class OutboundResource(ReadOnlyResource):
    """Outbound, read by marketing and managers; set up by marketers and managers."""

    model = Outbound
    serializer_class = OutboundSerializer
    filterset_class = OutboundFilter
    roles: ClassVar = dict.fromkeys(("list", "retrieve"), MARKETING) | dict.fromkeys(
        ("create", "partial_update", "start", "pause", "end"), SETTERS
    )

    def rows(self) -> QuerySet[Outbound]:
        return queries.outbounds()

    @verb(OutboundInputSerializer, OutboundSerializer, "Set up an outbound, paused: nobody is taken yet.", status=201)
    def create(self, request: Request) -> Response:
        values: dict[str, Any] = self.given(OutboundInputSerializer)
        made = flows.create_outbound(actor=request.user, values=values, at=timezone.now())
        return self.answer(made.pk, status=201)

    @verb(
        OutboundInputSerializer,
        OutboundSerializer,
        "Change it, for whom it takes from now on; once it took somebody only name, within_days, per_day and calendar.",
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        values: dict[str, Any] = self.given(OutboundInputSerializer, partial=True)
        flows.edit_outbound(actor=request.user, outbound_id=self.found().pk, values=values, at=timezone.now())
        return self.answer()

    @verb(None, OutboundSerializer, "Start it, or let it go on.")
    @action(detail=True, methods=["post"])
    def start(self, request: Request, pk: str) -> Response:
        return self._set(Outbound.State.RUNNING)

    @verb(None, OutboundSerializer, "Have it take nobody until it goes on.")
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        return self._set(Outbound.State.PAUSED)

    @verb(None, OutboundSerializer, "End it for good; whom it took stays as it is.")
    @action(detail=True, methods=["post"])
    def end(self, request: Request, pk: str) -> Response:
        return self._set(Outbound.State.ENDED)

    def _set(self, state: str) -> Response:
        flows.set_state(actor=self.request.user, outbound_id=self.found().pk, state=state, at=timezone.now())
        return self.answer()
