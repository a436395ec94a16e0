"""`people/`: colleagues, and handing over what one of them holds who leaves or is away."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.flows import departures as flows
from crm.models import Departure, User
from crm.queries import holdings as queries
from crm.queries.holdings import Decisions, Group, Settled
from leads.models.handoffs import OPEN


class PersonSerializer(serializers.ModelSerializer):
    """A colleague. `open_handoffs` is how many leads they hold, `capacity` how many routing gives them at most."""

    roles = serializers.ListField(child=serializers.CharField())
    team = serializers.CharField(source="team.name", allow_null=True, default=None)
    open_handoffs = serializers.IntegerField()

    class Meta:
        model = User
        fields = (
            "id",
            "email",
            "name",
            "roles",
            "team",
            "is_active",
            "is_on_duty",
            "away_from",
            "away_until",
            "capacity",
            "open_handoffs",
        )
        read_only_fields = fields


class HeldSerializer(serializers.Serializer):
    """One thing that is held, and what becomes of it: `to` somebody, kept, or waiting for capacity."""

    key = serializers.CharField()
    group = serializers.ChoiceField(choices=Group.choices)
    name = serializers.CharField()
    contact = serializers.IntegerField(allow_null=True)
    to = serializers.EmailField(allow_null=True)
    because = serializers.CharField(allow_blank=True)
    is_override = serializers.BooleanField()
    becomes = serializers.ChoiceField(choices=["given", "kept", "waits", "nobody", "stuck"])


class ProposalSerializer(serializers.Serializer):
    """What would be handed over. `seen` goes along with the order, so that nothing else is meant by it."""

    why = serializers.ChoiceField(choices=Departure.Kind.choices)
    seen = serializers.CharField()
    items = HeldSerializer(many=True)


class DepartureSerializer(serializers.ModelSerializer):
    """One hand-over that was done; `to` of what was moved is null where nobody took it."""

    person = serializers.EmailField(source="person.email")
    actor = serializers.EmailField(source="actor.email")
    why = serializers.CharField(source="kind")

    class Meta:
        model = Departure
        fields = ("id", "person", "actor", "why", "at", "moved")
        read_only_fields = fields


class HandOverSerializer(serializers.Serializer):
    """How somebody goes, and who gets what: `route`, `keep` (if absent), `owner` (of tasks), `nobody`, or address."""

    why = serializers.ChoiceField(choices=Departure.Kind.choices)
    groups = serializers.DictField(child=serializers.CharField(), default=dict)
    items = serializers.DictField(child=serializers.CharField(), default=dict)
    seen = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")
    away_from = serializers.DateField(required=False, allow_null=True, default=None)
    away_until = serializers.DateField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both days or none; groups by their names."""
        if (attrs["away_from"] is None) != (attrs["away_until"] is None):
            raise serializers.ValidationError({"away_until": _("Give both the first and the last day, or neither.")})
        if unknown := set(attrs["groups"]) - set(Group.values):
            text = _("%(unknown)s is none of %(known)s.")
            said = text % {"unknown": ", ".join(sorted(unknown)), "known": ", ".join(Group.values)}
            raise serializers.ValidationError({"groups": said})
        return attrs


class PersonApiFilter(filters.FilterSet):
    """Colleagues by address, role, and whether they are there."""

    email = filters.CharFilter(lookup_expr="iexact", label=_("E-mail"))
    role = filters.CharFilter(field_name="role_rows__role", label=_("Role"))
    is_active = filters.BooleanFilter(label=_("Active"))

    class Meta:
        model = User
        fields: list[str] = []


class PersonResource(ReadOnlyResource):
    """Colleagues, for managers and administrators."""

    model = User
    serializer_class = PersonSerializer
    filterset_class = PersonApiFilter
    roles: ClassVar = dict.fromkeys(("list", "retrieve", "hand_over", "proposal"), MANAGEMENT)

    def rows(self) -> QuerySet[User]:
        held = Count("handoffs", filter=Q(handoffs__state__in=OPEN), distinct=True)
        return User.objects.select_related("team").prefetch_related("role_rows").annotate(open_handoffs=held)

    @verb(HandOverSerializer, DepartureSerializer, "Hand over all that somebody holds, and let them go. One step.")
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, pk: str) -> Response:
        given = self.given(HandOverSerializer)
        first, last = given["away_from"], given["away_until"]
        made = flows.depart(
            actor=request.user,
            person_id=self.found().pk,
            kind=given["why"],
            decisions=_decisions(given),
            seen=given["seen"],
            absence=(first, last) if first and last else None,
            at=timezone.now(),
        )
        return Response(DepartureSerializer(made).data)

    @verb(HandOverSerializer, ProposalSerializer, "What a hand-over would do. Nothing is written.")
    @action(detail=True, methods=["post"], url_path="hand-over/preview")
    def proposal(self, request: Request, pk: str) -> Response:
        given = self.given(HandOverSerializer)
        held = queries.holdings(self.found(), kind=given["why"], user=request.user)
        settled = queries.settle(held, _decisions(given), at=timezone.now())
        said = {"why": given["why"], "seen": held.fingerprint, "items": [_said(one) for one in settled]}
        return Response(ProposalSerializer(said).data)


def _decisions(given: dict[str, Any]) -> Decisions:
    return Decisions(given["groups"], given["items"])


def _said(one: Settled) -> dict[str, Any]:
    if one.to:
        becomes = "given"
    else:
        becomes = "kept" if one.is_kept else "waits" if one.is_waiting else "stuck" if one.is_stuck else "nobody"
    return {
        "key": one.item.key,
        "group": one.item.group.value,
        "name": one.item.name,
        "contact": one.item.contact.pk if one.item.contact else None,
        "to": one.to.email if one.to else None,
        "because": one.because,
        "is_override": one.is_override,
        "becomes": becomes,
    }
