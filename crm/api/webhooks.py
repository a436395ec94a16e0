"""`webhooks/`: which programs and chat rooms are told of what."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.views import ReadOnlyResource, verb
from crm.flows import webhooks as flows
from crm.models import Role, Webhook
from crm.models.notices import WEBHOOK_KINDS
from crm.models.webhooks import WebhookForm

ADMINS = (Role.ADMIN,)
FIELDS = ("id", "name", "url", "form", "kinds", "active", "failures", "failing_since", "off_at", "off_reason")
KINDS = [(kind.value, kind.label) for kind in WEBHOOK_KINDS]


class WebhookSerializer(serializers.ModelSerializer):
    """A webhook. The secret of its signatures is shown when it is made, and on its page."""

    kinds = serializers.ListField(child=serializers.ChoiceField(choices=KINDS))
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Webhook
        fields = FIELDS
        read_only_fields = fields


class NewWebhookSerializer(WebhookSerializer):
    """A webhook that was just made, with its secret."""

    class Meta:
        model = Webhook
        fields = (*FIELDS, "secret")
        read_only_fields = fields


class WebhookInputSerializer(serializers.Serializer):
    """What can be said about a webhook."""

    name = serializers.CharField(max_length=100)
    url = serializers.CharField(max_length=2000)
    form = serializers.ChoiceField(choices=WebhookForm.choices)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=KINDS), allow_empty=False)
    active = serializers.BooleanField(required=False)


class WebhookFilter(filters.FilterSet):
    """Webhooks by name, form and whether they are on."""

    name = filters.CharFilter(label=_("Name"))
    form = filters.ChoiceFilter(choices=WebhookForm.choices, label=_("Form"))
    active = filters.BooleanFilter(field_name="is_active", label=_("Active"))

    class Meta:
        model = Webhook
        fields: list[str] = []


class WebhookResource(ReadOnlyResource):
    """Webhooks, for administrators."""

    model = Webhook
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    roles: ClassVar = dict.fromkeys(("list", "retrieve", "create", "partial_update", "destroy"), ADMINS)

    def rows(self) -> QuerySet[Webhook]:
        return Webhook.objects.all()

    @verb(WebhookInputSerializer, NewWebhookSerializer, "Tell a program or a chat room of notices.", status=201)
    def create(self, request: Request) -> Response:
        values = self.given(WebhookInputSerializer)
        is_active = values.pop("active", True)
        webhook = flows.create_webhook(actor=request.user, values=values, at=timezone.now())
        self._switch(webhook, is_active)
        webhook.refresh_from_db()
        return Response(NewWebhookSerializer(webhook).data, status=201)

    @verb(WebhookInputSerializer, WebhookSerializer, "Change a webhook; `active` switches it on and off.")
    def partial_update(self, request: Request, pk: str) -> Response:
        webhook = self.found()
        values: dict[str, Any] = self.given(WebhookInputSerializer, partial=True)
        is_active = values.pop("active", webhook.is_active)
        flows.edit_webhook(actor=request.user, webhook_id=webhook.pk, values=values)
        self._switch(webhook, is_active)
        return self.answer()

    def _switch(self, webhook: Webhook, is_active: bool) -> None:
        if is_active and not webhook.is_active:
            flows.switch_on(actor=self.request.user, webhook_id=webhook.pk)
        elif webhook.is_active and not is_active:
            flows.switch_off(actor=self.request.user, webhook_id=webhook.pk, at=timezone.now())

    @extend_schema(description="Remove a webhook and what was ever sent to it.")
    def destroy(self, request: Request, pk: str) -> Response:
        flows.delete_webhook(actor=request.user, webhook_id=self.found().pk)
        return Response(status=204)
