"""`personas/`: the versions of the shared pictures of buyers; `contacts/?persona=` lists who is one."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import JsonField, PersonField, RowSerializer
from crm.api.views import ReadOnlyResource, verb
from crm.flows import personas
from crm.models import Role
from leads import segments
from leads.api.segments import Counted, FieldConditionSerializer
from leads.filters import PersonaFilter
from leads.models import Persona

EDITORS = (Role.MARKETER, Role.ADMIN)


class PersonaSerializer(RowSerializer):
    """A version of a persona; `contact_count` says how many contacts it chooses now."""

    conditions = FieldConditionSerializer(many=True)
    created_by = PersonField(allow_null=True)
    contact_count = serializers.SerializerMethodField()

    class Meta:
        model = Persona
        fields = (
            "id",
            "name",
            "version",
            "is_active",
            "description",
            "conditions",
            "contact_count",
            "created_at",
            "created_by",
        )
        read_only_fields = fields

    def get_contact_count(self, row: Persona) -> int:
        counts: dict[int, int] = self.context["view"].counts_of(self)
        return counts[row.pk]


class PersonaInputSerializer(serializers.Serializer):
    """What can be said about a persona. Its name stays, since rules ask for it."""

    name = serializers.CharField(max_length=segments.LONGEST_NAME)
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    conditions = JsonField(kind=list)


class PersonaResource(Counted, ReadOnlyResource):
    """Personas: read by all, drawn by marketers and administrators."""

    model = Persona
    serializer_class = PersonaSerializer
    filterset_class = PersonaFilter
    roles: ClassVar = {"create": EDITORS, "partial_update": EDITORS, "destroy": EDITORS}

    def rows(self) -> QuerySet[Persona]:
        return Persona.objects.select_related("created_by")

    @verb(PersonaInputSerializer, PersonaSerializer, "Draw a persona.", status=201)
    def create(self, request: Request) -> Response:
        values = self.given(PersonaInputSerializer)
        persona = personas.create_persona(actor=request.user, values=values, at=timezone.now())
        return self.answer(persona.pk, status=201)

    @verb(PersonaInputSerializer, PersonaSerializer, "Change the version in use: the next replaces it.")
    def partial_update(self, request: Request, pk: str) -> Response:
        persona = personas.change_persona(
            actor=request.user,
            persona_id=self.found().pk,
            values=self.given(PersonaInputSerializer, partial=True),
            at=timezone.now(),
        )
        return self.answer(persona.pk)

    @extend_schema(description="Take a persona out of use; its versions stay as history.")
    def destroy(self, request: Request, pk: str) -> Response:
        personas.retire_persona(actor=request.user, persona_id=self.found().pk, at=timezone.now())
        return Response(status=204)
