"""`companies/`: the organisations that contacts work for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import RowSerializer
from crm.api.permissions import MARKETING
from crm.api.views import ReadOnlyResource, verb
from leads.filters import CompanyFilter
from leads.models import Company


class CompanySerializer(RowSerializer):
    """A company."""

    class Meta:
        model = Company
        fields = (
            "id",
            "name",
            "domain",
            "tax_number",
            "industry",
            "employees",
            "annual_revenue",
            "country",
            "city",
            "created_at",
        )
        read_only_fields = fields


class CompanyInputSerializer(serializers.Serializer):
    """What can be said about a company."""

    name = serializers.CharField(max_length=200)
    domain = serializers.CharField(max_length=200, required=False, allow_blank=True)
    tax_number = serializers.CharField(max_length=40, required=False, allow_blank=True)
    industry = serializers.CharField(max_length=100, required=False, allow_blank=True)
    employees = serializers.IntegerField(min_value=0, max_value=2_000_000_000, required=False, allow_null=True)
    annual_revenue = serializers.DecimalField(
        max_digits=15, decimal_places=2, min_value=0, required=False, allow_null=True
    )
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True)


class CompanyResource(ReadOnlyResource):
    """Companies: those of the contacts one sees; all of them for everybody but salespeople."""

    model = Company
    serializer_class = CompanySerializer
    filterset_class = CompanyFilter
    roles: ClassVar = {"create": MARKETING}

    def rows(self) -> QuerySet[Company]:
        return Company.objects.visible_to(self.request.user)

    @verb(CompanyInputSerializer, CompanySerializer, "Enter a company.", status=201)
    def create(self, request: Request) -> Response:
        company = flows.create_company(actor=request.user, values=self.given(CompanyInputSerializer), at=timezone.now())
        return self.answer(company.pk, status=201)

    @verb(CompanyInputSerializer, CompanySerializer, "Change a company; the scores of its contacts follow.")
    def partial_update(self, request: Request, pk: str) -> Response:
        company: Any = self.found()
        flows.edit_company(
            actor=request.user,
            company_id=company.pk,
            values=self.given(CompanyInputSerializer, partial=True),
            at=timezone.now(),
        )
        return self.answer()
