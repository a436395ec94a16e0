"""`people/`: colleagues, and handing over what one of them holds who leaves or is away."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import InstantField, NameField
from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.flows import departures
from crm.flows import people as flows
from crm.flows.ways_out import absence_of
from crm.models import Departure, Role, Team, User
from crm.queries import holdings as queries
from crm.queries import kept
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
    """One thing that is held, and what becomes of it: `to` somebody, kept, waiting for capacity, or still to be said.

    `due_at`: when the first of what is kept falls due while its owner is not there.
    """

    key = serializers.CharField()
    group = serializers.ChoiceField(choices=Group.choices)
    name = serializers.CharField()
    contact = serializers.IntegerField(allow_null=True)
    to = serializers.EmailField(allow_null=True)
    because = serializers.CharField(allow_blank=True)
    is_override = serializers.BooleanField()
    becomes = serializers.ChoiceField(choices=["given", "kept", "waits", "nobody", "stuck", "undecided"])
    due_at = InstantField(allow_null=True)


class ProposalSerializer(serializers.Serializer):
    """What would be handed over. `seen` goes along with the order, so that nothing else is meant by it."""

    why = serializers.ChoiceField(choices=Departure.Kind.choices)
    seen = serializers.CharField()
    items = HeldSerializer(many=True)


class DepartureSerializer(serializers.ModelSerializer):
    """One hand-over that was done; `to` of what was moved is null where nobody took it.

    `kept` is what stays by choice, `due_at` when the first of it falls due while its owner is not there.
    """

    person = serializers.EmailField(source="person.email")
    actor = serializers.EmailField(source="actor.email")
    why = serializers.CharField(source="kind")

    class Meta:
        model = Departure
        fields = ("id", "person", "actor", "why", "at", "moved", "kept")
        read_only_fields = fields


class HandOverSerializer(serializers.Serializer):
    """How somebody goes, and who gets what: `route`, `keep` (if absent), `owner` (of tasks), `nobody`, or address.

    An absence (`off_duty`, `away`) needs a word about each group that has something in it: nothing stays by silence.
    """

    why = serializers.ChoiceField(choices=Departure.Kind.choices)
    groups = serializers.DictField(child=serializers.CharField(), default=dict)
    items = serializers.DictField(child=serializers.CharField(), default=dict)
    seen = serializers.CharField(max_length=16, required=False, allow_blank=True, default="")
    away_from = serializers.DateField(required=False, allow_null=True, default=None)
    away_until = serializers.DateField(required=False, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both days or none; groups by their names."""
        _require_both_days(attrs)
        if unknown := set(attrs["groups"]) - set(Group.values):
            text = _("%(unknown)s is none of %(known)s.")
            said = text % {"unknown": ", ".join(sorted(unknown)), "known": ", ".join(Group.values)}
            raise serializers.ValidationError({"groups": said})
        return attrs


class PersonChangeSerializer(serializers.Serializer):
    """What an administrator may say about a person; who would go with something in hand is handed over from first."""

    name = serializers.CharField(max_length=150, required=False)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices), required=False)
    team = NameField(max_length=100, required=False, allow_null=True)
    capacity = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    daily_capacity = serializers.IntegerField(min_value=0, max_value=1000, required=False, allow_null=True)
    is_on_duty = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)

    def validate_team(self, name: str | None) -> Team | None:
        if name is None:
            return None
        found = Team.objects.filter(name__iexact=name).first()
        if found is None:
            raise serializers.ValidationError(_("There is no such team."))
        return found


class DutySerializer(serializers.Serializer):
    """Whether a salesperson is on duty."""

    is_on_duty = serializers.BooleanField()


class AbsenceSerializer(serializers.Serializer):
    """The first and the last day out of office, both included; null for both when somebody is back."""

    away_from = serializers.DateField(allow_null=True)
    away_until = serializers.DateField(allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both days or none."""
        _require_both_days(attrs)
        return attrs


def _require_both_days(attrs: dict[str, Any]) -> None:
    if (attrs["away_from"] is None) != (attrs["away_until"] is None):
        raise serializers.ValidationError({"away_until": _("Give both the first and the last day, or neither.")})


class PersonApiFilter(filters.FilterSet):
    """Colleagues by address, role, and whether they are there."""

    email = filters.CharFilter(lookup_expr="iexact", label=_("E-mail"))
    role = filters.CharFilter(field_name="role_rows__role", label=_("Role"))
    is_active = filters.BooleanFilter(label=_("Active"))

    class Meta:
        model = User
        fields: list[str] = []


class PersonResource(ReadOnlyResource):
    """Colleagues, for managers and administrators; everybody else finds themselves."""

    model = User
    serializer_class = PersonSerializer
    filterset_class = PersonApiFilter
    roles: ClassVar = dict.fromkeys(("list", "retrieve", "duty"), MANAGEMENT) | {"partial_update": (Role.ADMIN,)}

    def rows(self) -> QuerySet[User]:
        held = Count("handoffs", filter=Q(handoffs__state__in=OPEN), distinct=True)
        found = User.objects.select_related("team").prefetch_related("role_rows").annotate(open_handoffs=held)
        return found if self.request.user.has_role(*MANAGEMENT) else found.filter(pk=self.request.user.pk)

    @verb(
        PersonChangeSerializer,
        PersonSerializer,
        "Change a person. Whoever would go with something in hand is a conflict; `way` is where to hand it over.",
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        values, found = self.given(PersonChangeSerializer, partial=True), self.found()
        roles = values.pop("roles", found.roles)
        flows.edit_person(actor=request.user, person_id=found.pk, values=values, roles=roles, at=timezone.now())
        return self.answer()

    @verb(DutySerializer, PersonSerializer, "Set a salesperson on duty, or off: then, what they hold is decided first.")
    @action(detail=True, methods=["post"])
    def duty(self, request: Request, pk: str) -> Response:
        is_on_duty = self.given(DutySerializer)["is_on_duty"]
        flows.set_duty(actor=request.user, person_id=self.found().pk, is_on_duty=is_on_duty, at=timezone.now())
        return self.answer()

    @verb(
        AbsenceSerializer,
        PersonSerializer,
        "Say when somebody is out of office, or back. With something in hand, more days are said to `hand-over/`.",
    )
    @action(detail=True, methods=["post"])
    def absence(self, request: Request, pk: str) -> Response:
        found, given = self.found(), self.given(AbsenceSerializer)
        days = (given["away_from"], given["away_until"]) if given["away_from"] else None
        flows.set_absence(actor=request.user, person_id=found.pk, days=days, at=timezone.now())
        return self.answer()

    @verb(HandOverSerializer, DepartureSerializer, "Hand over all that somebody holds, and let them go. One step.")
    @action(detail=True, methods=["post"], url_path="hand-over")
    def hand_over(self, request: Request, pk: str) -> Response:
        found, given = self.found(), self.given(HandOverSerializer)
        first, last = given["away_from"], given["away_until"]
        made = departures.depart(
            actor=request.user,
            person_id=found.pk,
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
        found, given = self.found(), self.given(HandOverSerializer)
        held = queries.holdings(found, kind=given["why"], user=request.user)
        now = timezone.now()
        settled = queries.settle(held, _decisions(given), at=now)
        first_at, end_at = held.person.away_from, held.person.away_until
        if given["away_from"]:
            first_at, end_at = absence_of(held.person, first=given["away_from"], last=given["away_until"], at=now)
        since, until = kept.while_away(given["why"], first_at, end_at, at=now)
        due: dict[str, dt.datetime] = {}
        for one in kept.falling_due(settled, person=held.person, since=since, until=until):
            due.setdefault(one.item.key, one.due_at)
        items = [_said(one) | {"due_at": due.get(one.item.key)} for one in settled]
        said = {"why": given["why"], "seen": held.fingerprint, "items": items}
        return Response(ProposalSerializer(said).data)


def _decisions(given: dict[str, Any]) -> Decisions:
    return Decisions(given["groups"], given["items"])


def _said(one: Settled) -> dict[str, Any]:
    if one.to:
        becomes = "given"
    else:
        becomes = "kept" if one.is_kept else "undecided" if one.is_undecided else "nobody"
        becomes = "waits" if one.is_waiting else "stuck" if one.is_stuck else becomes
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
