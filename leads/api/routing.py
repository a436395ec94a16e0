"""`routing-rules/`: who gets leads of which kind, in the order in which the rules are asked."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import IdField, InstantField, JsonField, PersonField
from crm.api.pagination import OldestFirstPagination
from crm.api.permissions import MANAGEMENT, MARKETING
from crm.api.views import ReadOnlyResource, verb
from crm.errors import Invalid
from crm.flows import routes
from crm.models import Team, User
from crm.queries.who import who
from leads.filters import RoutingRuleFilter
from leads.models import RoutingMember, RoutingRule
from leads.rotation import MOST_WEIGHT
from leads.selling import Obstacle


class RouteConditionSerializer(serializers.Serializer):
    """What a field of the contact, its company (`company.…`) or the handoff (`handoff.…`) must be."""

    field = serializers.CharField()
    op = serializers.CharField()
    value = JsonField(allow_null=True)


class RoutingMemberSerializer(serializers.ModelSerializer):
    """Somebody who takes part in a rule by name; a weight of 0 leaves somebody of its team out."""

    person = PersonField()

    class Meta:
        model = RoutingMember
        fields = ("person", "weight")


class RotationSerializer(serializers.Serializer):
    """Over whom the rule's leads rotate now, and how many turns each was given since that began."""

    began_at = InstantField()
    shares = serializers.SerializerMethodField()

    def get_shares(self, rotation: Any) -> list[dict[str, Any]]:
        """Those of the pool, by address."""
        return [
            {"person": share.person.email, "weight": share.weight, "given": share.given}
            for share in sorted(rotation.shares.all(), key=lambda share: share.person.email)
            if share.weight
        ]


class RoutingRuleSerializer(serializers.ModelSerializer):
    """A routing rule. The first active one that matches a lead, and one of whose people can take it, decides."""

    conditions = RouteConditionSerializer(many=True)
    team = serializers.CharField(source="team.name", default=None, allow_null=True)
    people = RoutingMemberSerializer(source="members", many=True)
    active = serializers.BooleanField(source="is_active")
    rotation = serializers.SerializerMethodField()

    class Meta:
        model = RoutingRule
        fields = ("id", "name", "conditions", "team", "people", "otherwise", "position", "active", "rotation")
        read_only_fields = fields

    @extend_schema_field(RotationSerializer(allow_null=True))
    def get_rotation(self, rule: RoutingRule) -> dict[str, Any] | None:
        """How far its rotation is; null before its first turn."""
        found = next(iter(rule.rotations.all()), None)
        return RotationSerializer(found).data if found else None


class MemberInputSerializer(serializers.Serializer):
    """Somebody who sells, by address, and their weight."""

    person = serializers.EmailField()
    weight = serializers.IntegerField(min_value=0, max_value=MOST_WEIGHT, required=False, default=1)


class RoutingRuleInputSerializer(serializers.Serializer):
    """What can be said about a rule: whom it takes leads for, and a team, people with weights, or both."""

    name = serializers.CharField(max_length=100)
    conditions = JsonField(kind=list, required=False, allow_null=True)
    team = serializers.CharField(max_length=100, required=False, allow_null=True)
    people = MemberInputSerializer(many=True, required=False)
    otherwise = serializers.ChoiceField(choices=RoutingRule.Otherwise.choices, required=False)
    position = serializers.IntegerField(min_value=-(2**31), max_value=2**31 - 1, required=False, allow_null=True)
    active = serializers.BooleanField(source="is_active", required=False)


class WhoQuestionSerializer(serializers.Serializer):
    """Whose lead is asked about."""

    contact = IdField()


class WhoConditionSerializer(RouteConditionSerializer):
    """A condition, whether it holds, and what the lead has for it, in words."""

    said = serializers.CharField()
    has = serializers.CharField(source="value_said")
    holds = serializers.BooleanField()


class WhoPersonSerializer(serializers.Serializer):
    """Somebody whom a step considers, and what is in the way; null when they can take the lead."""

    person = PersonField(source="seller.person")
    weight = serializers.IntegerField()
    given = serializers.IntegerField(allow_null=True)
    open = serializers.IntegerField(source="seller.open")
    obstacle = serializers.ChoiceField(source="seller.obstacle", choices=Obstacle.choices, allow_null=True)


class WhoStepSerializer(serializers.Serializer):
    """One step: `company`, a rule, or `everybody`."""

    step = serializers.SerializerMethodField()
    rule = serializers.IntegerField(source="rule.pk", allow_null=True, default=None)
    fits = serializers.BooleanField()
    decides = serializers.BooleanField()
    assignee = PersonField(source="chosen", allow_null=True)
    conditions = WhoConditionSerializer(source="asked", many=True)
    people = WhoPersonSerializer(source="candidates", many=True)

    def get_step(self, step: Any) -> str:
        """Which kind of step it is."""
        return "company" if step.is_of_company else "rule" if step.rule else "everybody"


class WhoSerializer(serializers.Serializer):
    """Who would get a contact's lead now, and why; null when it would wait."""

    handoff = serializers.IntegerField(source="handoff.pk", allow_null=True)
    assignee = PersonField(source="chosen", allow_null=True)
    because = serializers.CharField()
    waits_behind = serializers.BooleanField()
    steps = WhoStepSerializer(many=True)


class RoutingRuleResource(ReadOnlyResource):
    """Routing rules, in the order in which they are asked; read by all, written by managers and administrators."""

    model = RoutingRule
    serializer_class = RoutingRuleSerializer
    filterset_class = RoutingRuleFilter
    pagination_class = OldestFirstPagination
    roles: ClassVar = dict.fromkeys(("create", "partial_update", "destroy"), MANAGEMENT) | {"who": MARKETING}

    def rows(self) -> QuerySet[RoutingRule]:
        return RoutingRule.objects.select_related("team").prefetch_related(
            "members__person", "rotations__shares__person"
        )

    @verb(RoutingRuleInputSerializer, RoutingRuleSerializer, "Add a rule; without a position it is asked first.", 201)
    def create(self, request: Request) -> Response:
        rule = routes.create_rule(actor=request.user, values=_columns(self.given(RoutingRuleInputSerializer)))
        return self.answer(rule.pk, status=201)

    @verb(RoutingRuleInputSerializer, RoutingRuleSerializer, "Change a rule, for leads from now on.")
    def partial_update(self, request: Request, pk: str) -> Response:
        values = _columns(self.given(RoutingRuleInputSerializer, partial=True))
        routes.edit_rule(actor=request.user, rule_id=self.found().pk, values=values)
        return self.answer()

    @extend_schema(description="Remove a rule by which nobody ever got a lead.")
    def destroy(self, request: Request, pk: str) -> Response:
        routes.delete_rule(actor=request.user, rule_id=self.found().pk)
        return Response(status=204)

    @verb(WhoQuestionSerializer, WhoSerializer, "Who would get a contact's lead now, and why.")
    @action(detail=False, methods=["post"])
    def who(self, request: Request) -> Response:
        given = self.given(WhoQuestionSerializer)
        return Response(WhoSerializer(who(request.user, contact_id=given["contact"], now=timezone.now())).data)


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    """The values as the flow takes them: the team as a row, weights by person. Raises `Invalid`."""
    if given.get("team") is not None:
        team = Team.objects.filter(name=given["team"]).first()
        if team is None:
            raise Invalid(_("There is no such team."), field="team")
        given["team"] = team
    if "conditions" in given and given["conditions"] is None:
        given["conditions"] = []
    if "people" in given:
        weights = {one["person"].strip().lower(): one["weight"] for one in given.pop("people")}
        ids = dict(User.objects.filter(email__in=weights).values_list("email", "id"))
        for email in weights:
            if email not in ids:
                raise Invalid(_("No active salesperson has the address %(email)s.") % {"email": email}, field="people")
        given["weights"] = {ids[email]: weight for email, weight in weights.items()}
    return given
