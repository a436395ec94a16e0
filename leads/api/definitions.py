"""`definitions/`: what the words of the hand-over mean."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import InstantField, PersonField
from crm.api.permissions import MANAGEMENT
from crm.api.views import Resource, verb
from crm.flows import definitions as flows
from crm.queries import definitions as queries
from leads import definitions
from leads.models import DefinitionVersion


class DefinitionSerializer(serializers.Serializer):
    """A word and what it means; version 0 is the meaning that it came with."""

    word = serializers.CharField()
    label = serializers.CharField()
    text = serializers.CharField()
    version = serializers.IntegerField(source="number")
    at = InstantField(source="written_at", allow_null=True)
    actor = PersonField(source="written_by", allow_null=True)


class DefinitionsSerializer(serializers.Serializer):
    """Every word, in the order of the way through."""

    results = DefinitionSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class DefinitionChangeSerializer(serializers.Serializer):
    """What the word means from now on; `version` is the one that was read, so that nobody's words are overwritten."""

    text = serializers.CharField(max_length=definitions.LONGEST_TEXT)
    version = serializers.IntegerField(min_value=0)


class DefinitionResource(Resource):
    """The agreed words: read by all, written by managers and administrators."""

    model = DefinitionVersion
    serializer_class = DefinitionSerializer
    # Wider than the words, so that who asks is asked for before whether there is such a word.
    lookup_value_regex = "[-a-zA-Z0-9_]{1,50}"
    pagination_class = None
    roles: ClassVar = {"partial_update": MANAGEMENT}

    def found(self) -> Any:
        for one in queries.definitions():
            if one.word == self.kwargs["pk"]:
                return one
        raise Http404

    @extend_schema(responses=DefinitionsSerializer)
    def list(self, request: Request) -> Response:
        results = DefinitionSerializer(queries.definitions(), many=True).data
        return Response({"results": results, "next": None, "previous": None})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(DefinitionSerializer(self.found()).data)

    @verb(DefinitionChangeSerializer, DefinitionSerializer, "Write what a word means from now on.")
    def partial_update(self, request: Request, pk: str) -> Response:
        word, given = self.found().word, self.given(DefinitionChangeSerializer)
        flows.define(actor=request.user, word=word, text=given["text"], seen=given["version"], at=timezone.now())
        return Response(DefinitionSerializer(self.found()).data)
