"""`tasks/`: what people mean to do with contacts, and by when."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import IdField, InstantField, PersonField, RowSerializer
from crm.api.views import ReadOnlyResource, verb
from crm.calendar_file import ics_of
from leads.filters import TaskFilter
from leads.models import Task, TaskKind


class TaskSerializer(RowSerializer):
    """One thing to do; `has_time`: at that very time, else some time on that day. `state`: open, done or cancelled."""

    contact = serializers.IntegerField(source="contact_id")
    owner = PersonField()
    created_by = PersonField(allow_null=True)
    state = serializers.ChoiceField(choices=[code for code, _label in TaskFilter.STATES])

    class Meta:
        model = Task
        fields = (
            "id",
            "contact",
            "owner",
            "kind",
            "what",
            "due_at",
            "has_time",
            "minutes",
            "state",
            "done_at",
            "cancelled_at",
            "end_reason",
            "created_at",
            "created_by",
        )
        read_only_fields = fields


class TaskChangeSerializer(serializers.Serializer):
    """What can be said of a task."""

    kind = serializers.ChoiceField(choices=TaskKind.choices, required=False)
    what = serializers.CharField(max_length=200, required=False, allow_blank=True)
    due_at = InstantField()
    has_time = serializers.BooleanField(required=False)
    minutes = serializers.IntegerField(min_value=1, max_value=1440, required=False)
    owner = serializers.CharField(max_length=254, required=False)


class TaskInputSerializer(TaskChangeSerializer):
    """A new task; whoever plans it is its owner unless somebody is named."""

    contact = IdField()


class CancelSerializer(serializers.Serializer):
    """Why it need not be done."""

    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class TaskResource(ReadOnlyResource):
    """Tasks of the contacts that the person sees; their owner, the contact's owner and managers change them."""

    model = Task
    serializer_class = TaskSerializer
    filterset_class = TaskFilter

    def rows(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.request.user).select_related("owner", "created_by")

    @verb(TaskInputSerializer, TaskSerializer, "Plan something to do with a contact.", status=201)
    def create(self, request: Request) -> Response:
        given = self.given(TaskInputSerializer)
        contact_id, owner = given.pop("contact"), given.pop("owner", "")
        task = flows.add_task(actor=request.user, contact_id=contact_id, owner_email=owner, at=timezone.now(), **given)
        return self.answer(task.pk, status=201)

    @verb(TaskChangeSerializer, TaskSerializer, "Put a task off, or say more exactly what it is.")
    def partial_update(self, request: Request, pk: str) -> Response:
        task, given = self.found(), self.given(TaskChangeSerializer, partial=True)
        flows.change_task(actor=request.user, task_id=task.pk, values=given, at=timezone.now())
        return self.answer()

    @verb(None, TaskSerializer, "It is done.")
    @action(detail=True, methods=["post"])
    def finish(self, request: Request, pk: str) -> Response:
        flows.finish_task(actor=request.user, task_id=self.found().pk, at=timezone.now())
        return self.answer()

    @extend_schema(
        request=None,
        responses={(200, "text/calendar"): OpenApiTypes.STR},
        description="The task as a file that a calendar takes (RFC 5545); a later one moves what the calendar has.",
    )
    @action(detail=True, methods=["get"])
    def calendar(self, request: Request, pk: str) -> HttpResponse:
        task = self.found()
        address = request.build_absolute_uri(reverse("contact", args=[task.contact_id]))
        return HttpResponse(ics_of(task, address=address, now=timezone.now()), content_type="text/calendar")

    @verb(CancelSerializer, TaskSerializer, "It need not be done after all.")
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        task, given = self.found(), self.given(CancelSerializer)
        flows.cancel_task(actor=request.user, task_id=task.pk, at=timezone.now(), **given)
        return self.answer()

    @verb(None, TaskSerializer, "Take the last change back: the same person, within ten minutes.")
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        flows.undo_task(actor=request.user, task_id=self.found().pk, at=timezone.now())
        return self.answer()
