"""`policies/`: who must do what within how much working time."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import IdField, InstantField, JsonField
from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.errors import Invalid
from crm.flows import promises
from crm.models import Team, User
from crm.queries.which import which
from sla import ladder, tasks
from sla.filters import PolicyFilter
from sla.models import Calendar, CalendarOf, ClockMove, Milestone, Policy


class ConditionSerializer(serializers.Serializer):
    """What a field of the contact, its company (`company.…`) or the handoff (`handoff.…`) must be."""

    field = serializers.CharField()
    op = serializers.CharField()
    value = JsonField(allow_null=True)


class NamedField(serializers.CharField):
    """A person by address or a team by name, of which a step keeps the id: a query for all steps of an answer."""

    def __init__(self, kind: type[User] | type[Team], *, name: str) -> None:
        super().__init__(required=False)
        self._kind, self._name = kind, name

    def to_representation(self, value: int) -> str:
        known = self.context.get(self._kind)
        if known is None:
            known = self.context[self._kind] = dict(self._kind.objects.values_list("id", self._name))
        return str(known.get(value, ""))


class StepSerializer(serializers.Serializer):
    """One step of the ladder, at a share of the target or so long after it is due: whom to tell, or where to move it.

    `to` and, where it says so, `person` (an address) or `team` (a name) go with `warn`, `breach` and `escalate`;
    `overflow` may name the `team` to offer the lead to.
    """

    kind = serializers.ChoiceField(choices=list(ladder.STEP_KINDS))
    to = serializers.ChoiceField(choices=list(ladder.RECIPIENTS), required=False)
    person = NamedField(User, name="email")
    team = NamedField(Team, name="name")
    at_percent = serializers.FloatField(required=False)
    after_seconds = serializers.FloatField(required=False)


class PolicySerializer(serializers.ModelSerializer):
    """A promise. The first active policy of a milestone whose conditions match a handoff is chosen, by position."""

    calendar = serializers.IntegerField(source="calendar_id")
    conditions = ConditionSerializer(many=True)
    steps = StepSerializer(many=True)
    active = serializers.BooleanField(source="is_active")

    class Meta:
        model = Policy
        fields = (
            "id",
            "name",
            "milestone",
            "target_seconds",
            "calendar",
            "calendar_of",
            "conditions",
            "steps",
            "position",
            "active",
            "version",
        )
        read_only_fields = fields


class PolicyInputSerializer(serializers.Serializer):
    """What can be said about a policy. Without steps it gets the standard ladder, without a position it comes first."""

    name = serializers.CharField(max_length=100)
    milestone = serializers.ChoiceField(choices=Milestone.choices)
    target_seconds = serializers.IntegerField(min_value=1, max_value=366 * 86_400)
    calendar = IdField()
    calendar_of = serializers.ChoiceField(choices=CalendarOf.choices, required=False)
    conditions = JsonField(kind=list, required=False, allow_null=True)
    steps = JsonField(kind=list, required=False, allow_null=True)
    position = serializers.IntegerField(min_value=-(2**31), max_value=2**31 - 1, required=False, allow_null=True)
    active = serializers.BooleanField(source="is_active", required=False)


class ClockMoveSerializer(serializers.ModelSerializer):
    """How far a move of running clocks is: looked at, of how many, and how many of those went on under what fits."""

    class Meta:
        model = ClockMove
        fields = ("id", "state", "total", "done", "moved", "error", "created_at", "finished_at")
        read_only_fields = fields


class WhichQuestionSerializer(serializers.Serializer):
    """Whose promises are asked for."""

    contact = IdField()


class JudgedSerializer(ConditionSerializer):
    """A condition, whether it holds, and what the lead has for it, in words."""

    said = serializers.CharField()
    has = serializers.CharField(source="value_said")
    holds = serializers.BooleanField()


class CandidateSerializer(serializers.Serializer):
    """A policy in its place."""

    policy = serializers.IntegerField(source="policy.pk")
    version = serializers.IntegerField(source="policy.version")
    fits = serializers.BooleanField()
    chosen = serializers.BooleanField(source="is_chosen")
    conditions = JudgedSerializer(source="asked", many=True)


class PromisedSerializer(serializers.Serializer):
    """A milestone: the active policies in order, the one chosen, and when a clock that started now would fall due."""

    milestone = serializers.CharField()
    policy = serializers.IntegerField(source="chosen.pk", allow_null=True, default=None)
    calendar = serializers.IntegerField(source="calendar.pk", allow_null=True, default=None)
    due_at = InstantField(allow_null=True)
    candidates = CandidateSerializer(many=True)


class WhichSerializer(serializers.Serializer):
    """What a contact would be promised now; without an open handoff, as if it crossed the threshold now."""

    handoff = serializers.IntegerField(source="handoff.pk", allow_null=True)
    milestones = PromisedSerializer(source="answers", many=True)


class PolicyResource(ReadOnlyResource):
    """Policies; read by all, written by managers and administrators."""

    model = Policy
    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    roles: ClassVar = {
        "create": MANAGEMENT,
        "partial_update": MANAGEMENT,
        "destroy": MANAGEMENT,
        "move": MANAGEMENT,
    }

    def rows(self) -> QuerySet[Policy]:
        return Policy.objects.all()

    @verb(PolicyInputSerializer, PolicySerializer, "Promise something.", status=201)
    def create(self, request: Request) -> Response:
        values = _with_calendar(self.given(PolicyInputSerializer))
        policy = promises.create_policy(actor=request.user, values=values, at=timezone.now())
        return self.answer(policy.pk, status=201)

    @verb(PolicyInputSerializer, PolicySerializer, "Change a policy; running clocks keep the version they began under.")
    def partial_update(self, request: Request, pk: str) -> Response:
        policy = self.found()
        values = _with_calendar(self.given(PolicyInputSerializer, partial=True))
        promises.edit_policy(actor=request.user, policy_id=policy.pk, values=values, at=timezone.now())
        return self.answer()

    @extend_schema(description="Remove a policy under which no clock was ever started.")
    def destroy(self, request: Request, pk: str) -> Response:
        promises.delete_policy(actor=request.user, policy_id=self.found().pk)
        return Response(status=204)

    @verb(None, ClockMoveSerializer, "Move the clocks that run under what is no longer promised; missed ones stay.")
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        move = promises.move_clocks(actor=request.user, policy_id=self.found().pk, at=timezone.now())
        tasks.run_soon(move)
        return Response(ClockMoveSerializer(move).data, status=200 if move.is_done else 202)

    @verb(WhichQuestionSerializer, WhichSerializer, "Which policy a contact would get, and why.")
    @action(detail=False, methods=["post"])
    def which(self, request: Request) -> Response:
        given = self.given(WhichQuestionSerializer)
        return Response(WhichSerializer(which(request.user, contact_id=given["contact"], now=timezone.now())).data)


def _with_calendar(given: dict[str, Any]) -> dict[str, Any]:
    """The values with the calendar as a row."""
    if "calendar" not in given:
        return given
    calendar = Calendar.objects.filter(id=given["calendar"]).first()
    if calendar is None:
        raise Invalid(_("There is no such calendar."), field="calendar")
    return given | {"calendar": calendar}
