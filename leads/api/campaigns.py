"""`campaigns/`: marketing efforts with a channel, a cost and a period."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import CodeField, RowSerializer
from crm.api.permissions import MARKETING
from crm.api.views import ReadOnlyResource, verb
from leads import services
from leads.filters import CampaignFilter
from leads.models import Campaign


class CampaignSerializer(RowSerializer):
    """A campaign; `source` is the code of its channel."""

    source = CodeField(allow_null=True)

    class Meta:
        model = Campaign
        fields = ("id", "name", "source", "cost", "currency", "start_date", "end_date", "created_at")
        read_only_fields = fields


class CampaignInputSerializer(serializers.Serializer):
    """What can be said about a campaign."""

    name = serializers.CharField(max_length=150)
    source = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)
    cost = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False, allow_null=True)
    currency = serializers.RegexField(r"^[A-Za-z]{3}\Z", required=False)
    start_date = serializers.DateField(required=False, allow_null=True)
    end_date = serializers.DateField(required=False, allow_null=True)


class CampaignResource(ReadOnlyResource):
    """Campaigns; read by all, written by marketing."""

    model = Campaign
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilter
    roles: ClassVar = {"create": MARKETING, "partial_update": MARKETING}

    def rows(self) -> QuerySet[Campaign]:
        return Campaign.objects.select_related("source")

    @verb(CampaignInputSerializer, CampaignSerializer, "Plan a campaign.", status=201)
    def create(self, request: Request) -> Response:
        values: dict[str, Any] = self.given(CampaignInputSerializer)
        campaign = services.save_campaign(Campaign(), values=values, at=timezone.now())
        return self.answer(campaign.pk, status=201)

    @verb(CampaignInputSerializer, CampaignSerializer, "Change a campaign.")
    def partial_update(self, request: Request, pk: str) -> Response:
        campaign = self.found()
        services.save_campaign(campaign, values=self.given(CampaignInputSerializer, partial=True), at=timezone.now())
        return self.answer()
