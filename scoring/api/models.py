"""`scoring-models/`: the versions of the rules."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import IdField, JsonField, PersonField, RowSerializer
from crm.api.views import ReadOnlyResource, verb
from crm.flows import previews, publishing
from crm.models import Role
from crm.queries import publishing as looking_ahead
from crm.queries.publishing import Preview
from scoring import tasks
from scoring.filters import ScoringModelFilter
from scoring.models import ActivityRule, FitRule, JobState, PreviewJob, Publication, ScoringModel

EDITORS = (Role.MARKETER, Role.ADMIN)


class PropertyConditionSerializer(serializers.Serializer):
    """What a property of an activity must be."""

    property = serializers.CharField()
    op = serializers.CharField()
    value = JsonField(allow_null=True)


class ActivityRuleSerializer(serializers.ModelSerializer):
    """Points for an activity, fading by half every half-life, between `floor` and `cap`."""

    type = serializers.CharField(source="type_id")
    conditions = PropertyConditionSerializer(many=True)
    once_per = serializers.SerializerMethodField()

    class Meta:
        model = ActivityRule
        fields = (
            "id",
            "name",
            "type",
            "conditions",
            "points",
            "cap",
            "floor",
            "once_per",
            "within_days",
            "half_life_days",
            "is_request",
        )
        read_only_fields = fields

    def get_once_per(self, rule: ActivityRule) -> str | None:
        return rule.once_per or None


class FitRuleSerializer(serializers.ModelSerializer):
    """Points for who a contact is."""

    value = JsonField(allow_null=True)

    class Meta:
        model = FitRule
        fields = ("id", "name", "field", "op", "value", "points")
        read_only_fields = fields


class ScoringModelSerializer(RowSerializer):
    """One version of the rules."""

    published_by = PersonField(allow_null=True)
    based_on = serializers.IntegerField(source="based_on_id", allow_null=True)
    fit_bands = serializers.ListField(child=serializers.FloatField())
    engagement_bands = serializers.ListField(child=serializers.FloatField())
    activity_rules = ActivityRuleSerializer(many=True)
    fit_rules = FitRuleSerializer(many=True)

    class Meta:
        model = ScoringModel
        fields = (
            "id",
            "name",
            "version",
            "status",
            "half_life_days",
            "mql_threshold",
            "hot_threshold",
            "cooling_threshold",
            "fit_bands",
            "engagement_bands",
            "reference_at",
            "note",
            "created_at",
            "published_at",
            "published_by",
            "based_on",
            "activity_rules",
            "fit_rules",
        )
        read_only_fields = fields


class ScoringModelInputSerializer(serializers.Serializer):
    """What can be said about a draft. Rules are complete lists: one with the id of a rule of the draft changes it."""

    name = serializers.CharField(max_length=100, required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    half_life_days = serializers.FloatField(required=False)
    mql_threshold = serializers.FloatField(required=False)
    hot_threshold = serializers.FloatField(required=False)
    cooling_threshold = serializers.FloatField(required=False)
    fit_bands = serializers.ListField(child=serializers.FloatField(), required=False)
    engagement_bands = serializers.ListField(child=serializers.FloatField(), required=False)
    activity_rules = JsonField(kind=list, required=False)
    fit_rules = JsonField(kind=list, required=False)


class DraftSerializer(ScoringModelInputSerializer):
    """A new draft: a copy of the version `based_on`, or an empty one, with what else is said changed."""

    based_on = IdField(required=False, allow_null=True)


class PublishSerializer(serializers.Serializer):
    """How to publish: what becomes of those whom the new version alone lifts over the threshold."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    mode = serializers.ChoiceField(choices=Publication.Mode.choices, required=False)
    per_day = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False, allow_null=True)


class RetireSerializer(serializers.Serializer):
    """Why a version is taken out of force."""

    note = serializers.CharField(required=False, allow_blank=True, max_length=2000)


class PublicationSerializer(RowSerializer):
    """How far a publication has come."""

    model = serializers.IntegerField(source="model_id")

    class Meta:
        model = Publication
        fields = (
            "id",
            "model",
            "mode",
            "per_day",
            "state",
            "done",
            "total",
            "promoted",
            "error",
            "created_at",
            "finished_at",
        )
        read_only_fields = fields


class MoverSerializer(serializers.Serializer):
    """A contact that would be promoted, or would cool, with its score before and after."""

    contact = serializers.IntegerField(source="contact_id")
    name = serializers.CharField()
    before = serializers.FloatField()
    after = serializers.FloatField()
    grade = serializers.CharField()


class QueueSerializer(serializers.Serializer):
    """The queue at the end of each of the next weeks."""

    all = serializers.ListField(child=serializers.FloatField())
    from_now = serializers.ListField(child=serializers.FloatField())


class PreviewSerializer(serializers.Serializer):
    """What publishing would do: counts of all, and the first of those who move."""

    at = serializers.DateTimeField()
    model = serializers.IntegerField(source="model_id")
    version = serializers.IntegerField()
    contacts = serializers.IntegerField()
    promoted_count = serializers.IntegerField()
    cooled_count = serializers.IntegerField()
    promoted = MoverSerializer(many=True)
    cooled = MoverSerializer(many=True)
    queue = serializers.IntegerField()
    formed_a_week = serializers.FloatField()
    capacity_a_week = serializers.FloatField(allow_null=True)
    queue_by_week = serializers.SerializerMethodField()

    @extend_schema_field(QueueSerializer)
    def get_queue_by_week(self, seen: Preview) -> dict[str, list[float]]:
        return {mode: seen.queue_after(mode=mode) for mode in (Publication.Mode.ALL, Publication.Mode.FROM_NOW)}


class PreviewJobSerializer(RowSerializer):
    """How far the count of a draft is; `error` says why it stopped."""

    class Meta:
        model = PreviewJob
        fields = ("state", "done", "total", "error")
        read_only_fields = fields


class ScoringModelResource(ReadOnlyResource):
    """The versions of the rules: read by all, written and published by marketers and administrators."""

    model = ScoringModel
    serializer_class = ScoringModelSerializer
    filterset_class = ScoringModelFilter
    roles: ClassVar = {
        "create": EDITORS,
        "partial_update": EDITORS,
        "destroy": EDITORS,
        "publish": EDITORS,
        "retire": EDITORS,
        "preview": (*EDITORS, Role.MANAGER),
    }

    def rows(self) -> QuerySet[Any]:
        return ScoringModel.objects.select_related("published_by").prefetch_related("activity_rules", "fit_rules")

    @verb(DraftSerializer, ScoringModelSerializer, "Draft a version.", status=201)
    def create(self, request: Request) -> Response:
        given = self.given(DraftSerializer)
        based_on = given.pop("based_on", None)
        model = publishing.draft_from(actor=request.user, model_id=based_on, values=given, at=timezone.now())
        return self.answer(model.pk, status=201)

    @verb(ScoringModelInputSerializer, ScoringModelSerializer, "Change a draft; a published version is never edited.")
    def partial_update(self, request: Request, pk: str) -> Response:
        given = self.given(ScoringModelInputSerializer, partial=True)
        publishing.save_rules(actor=request.user, model_id=self.found().pk, values=given, at=timezone.now())
        return self.answer()

    @extend_schema(description="Throw a draft away.")
    def destroy(self, request: Request, pk: str) -> Response:
        publishing.discard_draft(actor=request.user, model_id=self.found().pk)
        return Response(status=204)

    @verb(PublishSerializer, PublicationSerializer, "Put a draft in force and rescore everybody in the background.")
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, pk: str) -> Response:
        given = self.given(PublishSerializer)
        publication = publishing.publish(actor=request.user, model_id=self.found().pk, at=timezone.now(), **given)
        transaction.on_commit(lambda: tasks.run_publication.delay(publication_id=publication.pk), robust=True)
        return Response(PublicationSerializer(publication).data)

    @verb(RetireSerializer, PublicationSerializer, "Take the version in force out of it; the one before comes back.")
    @action(detail=True, methods=["post"])
    def retire(self, request: Request, pk: str) -> Response:
        given = self.given(RetireSerializer)
        publication = publishing.retire(actor=request.user, model_id=self.found().pk, at=timezone.now(), **given)
        transaction.on_commit(lambda: tasks.run_publication.delay(publication_id=publication.pk), robust=True)
        return Response(PublicationSerializer(publication).data)

    @extend_schema(
        responses={
            200: PreviewSerializer,
            202: OpenApiResponse(PreviewJobSerializer, description="It is being counted: ask again."),
        },
        description=(
            "Who would be promoted and who would cool. Where more contacts are known than are counted within a request "
            "they are counted in the background: until that is done for the draft as it stands, the answer is 202."
        ),
    )
    @action(detail=True, methods=["get"])
    def preview(self, request: Request, pk: str) -> Response:
        model = self.found()
        if looking_ahead.counted_at_once():
            return Response(PreviewSerializer(looking_ahead.preview(model, at=timezone.now())).data)
        job, is_new = previews.ask(model, at=timezone.now())
        if is_new:
            transaction.on_commit(lambda: tasks.run_preview.delay(preview_id=job.pk), robust=True)
        if job.state == JobState.DONE and job.result and job.result_revision_at == model.changed_at:
            return Response(PreviewSerializer(looking_ahead.read(job.result)).data)
        return Response(PreviewJobSerializer(job).data, status=202)
