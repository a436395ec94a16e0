"""`timers/`: every running, kept and missed promise."""

from __future__ import annotations

from django.db.models import Case, OuterRef, QuerySet, Subquery, When
from django.utils import timezone
from rest_framework import serializers

from crm.api.fields import PersonField, RowSerializer
from crm.api.views import ReadOnlyResource
from sla.filters import TimerFilter
from sla.models import Pause, Timer
from sla.states import TimerState


class TimerSerializer(RowSerializer):
    """One running promise. `missed` is past due and not met yet, `late` was met after it was due.

    `paused_until` says until when a paused one stands still.
    """

    handoff = serializers.IntegerField(source="handoff_id")
    contact = serializers.IntegerField(source="handoff.contact_id")
    state = serializers.ChoiceField(source="state_now", choices=[state.value for state in TimerState])
    assignee = PersonField(allow_null=True)
    policy = serializers.IntegerField(source="policy_id")
    paused_until = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Timer
        fields = (
            "id",
            "handoff",
            "contact",
            "milestone",
            "state",
            "assignee",
            "paused_until",
            "started_at",
            "warn_at",
            "due_at",
            "met_at",
            "cancelled_at",
            "target_seconds",
            "policy",
            "policy_version",
        )
        read_only_fields = fields


class TimerResource(ReadOnlyResource):
    """Timers of the handoffs one sees, with their state at this moment."""

    model = Timer
    serializer_class = TimerSerializer
    filterset_class = TimerFilter

    def rows(self) -> QuerySet[Timer]:
        now = timezone.now()
        ends = Pause.objects.filter(handoff=OuterRef("handoff"), starts_at__lte=now, ends_at__gt=now).values("ends_at")
        visible = Timer.objects.visible_to(self.request.user).with_state(now=now)
        # The end of a pause is that of a clock which stands still by it, not of one that was met before.
        until = Case(When(state_now=TimerState.PAUSED.value, then=Subquery(ends[:1])))
        return visible.annotate(paused_until=until).select_related("handoff", "assignee")
