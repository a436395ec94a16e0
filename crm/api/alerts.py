"""`alerts/`: what a timer's ladder told whom, each once."""

from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm.api.fields import PersonField, RowSerializer
from crm.api.views import ReadOnlyResource
from crm.models import Notice
from crm.models.notices import ALERT_KINDS
from leads.filters import IdFilter, PersonFilter

KINDS = [(kind.value, kind.label) for kind in ALERT_KINDS]


class AlertSerializer(RowSerializer):
    """A notice of a timer: `warn`, `breach` or `escalate`."""

    timer = serializers.IntegerField(source="timer_id")
    kind = serializers.ChoiceField(choices=KINDS)
    recipient = PersonField()
    handoff = serializers.IntegerField(source="handoff_id", allow_null=True)
    contact = serializers.IntegerField(source="contact_id", allow_null=True)

    class Meta:
        model = Notice
        fields = ("id", "timer", "kind", "step", "recipient", "handoff", "contact", "created_at", "read_at")
        read_only_fields = fields


class AlertFilter(filters.FilterSet):
    """Alerts by timer, handoff, contact, kind and recipient."""

    timer = IdFilter(field_name="timer_id", label=_("Timer"))
    handoff = IdFilter(field_name="handoff_id", label=_("Handoff"))
    contact = IdFilter(field_name="contact_id", label=_("Contact"))
    kind = filters.ChoiceFilter(choices=KINDS, label=_("Kind"))
    recipient = PersonFilter("recipient", label=_("Recipient"))

    class Meta:
        model = Notice
        fields: list[str] = []


class AlertResource(ReadOnlyResource):
    """Alerts: managers and administrators see all, everybody else their own."""

    model = Notice
    serializer_class = AlertSerializer
    filterset_class = AlertFilter

    def rows(self) -> QuerySet[Notice]:
        alerts = Notice.objects.filter(kind__in=ALERT_KINDS).select_related("recipient")
        user = self.request.user
        return alerts if user.is_manager or user.is_admin else alerts.filter(recipient=user)
