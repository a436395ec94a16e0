"""`calendars/`: working time, and trying it out by the very functions that the clocks use."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.fields import InstantField, JsonField, ObjectField
from crm.api.permissions import MANAGEMENT
from crm.api.views import ReadOnlyResource, verb
from crm.errors import Invalid
from crm.flows import promises
from crm.queries import calendars as queries
from sla import clock, tasks
from sla.calendars import worded
from sla.filters import CalendarFilter
from sla.models import Calendar

MAX_PAUSES = 1000
MAX_DAYS = 366
MAX_CHARS = 100_000
INTERVALS = {"type": "array", "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}}


@extend_schema_field({"type": "object", "additionalProperties": INTERVALS})
class HoursField(ObjectField):
    """Open intervals by day, such as `{"mon": [["09:00", "12:00"], ["13:00", "17:00"]]}`; `24:00` ends a day."""


@extend_schema_field({"type": "array", "items": {"oneOf": [{"type": "string", "format": "date"}, {"type": "object"}]}})
class ClosuresField(JsonField):
    """Days, each as `2026-12-24` or as `{"date", "name"}`."""


class CalendarSerializer(serializers.ModelSerializer):
    """Working time. An extra day replaces weekly hours, holiday and closure of its day."""

    weekly = HoursField()
    closures = ClosuresField()
    extra_days = HoursField()

    class Meta:
        model = Calendar
        fields = (
            "id",
            "name",
            "time_zone",
            "always_open",
            "weekly",
            "country",
            "subdivision",
            "closures",
            "extra_days",
        )
        read_only_fields = fields


class CalendarInputSerializer(serializers.Serializer):
    """What can be said about a calendar; holidays come from `country` and `subdivision`."""

    name = serializers.CharField(max_length=100)
    time_zone = serializers.CharField(max_length=64, required=False)
    always_open = serializers.BooleanField(required=False)
    weekly = HoursField(max_chars=MAX_CHARS, required=False)
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    subdivision = serializers.CharField(max_length=40, required=False, allow_blank=True)
    closures = ClosuresField(kind=list, max_chars=MAX_CHARS, required=False)
    extra_days = HoursField(max_chars=MAX_CHARS, required=False)


class PauseField(serializers.ListField):
    """A stretch that does not count: from, to."""

    child = InstantField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_length=2, max_length=2, **kwargs)


class QuestionSerializer(serializers.Serializer):
    """What both questions to a calendar have in common. Instants without an offset are UTC."""

    start = InstantField()
    pauses = serializers.ListField(
        child=PauseField(), required=False, allow_null=True, default=list, max_length=MAX_PAUSES
    )


class DueQuestionSerializer(QuestionSerializer):
    """When is so much working time over?"""

    working_seconds = serializers.FloatField()


class DueSerializer(serializers.Serializer):
    """The earliest instant by which the working time has passed."""

    due_at = InstantField()


class ElapsedQuestionSerializer(QuestionSerializer):
    """How much working time lies between two instants?"""

    end = InstantField()


class ElapsedSerializer(serializers.Serializer):
    """Open, unpaused seconds, and all seconds."""

    working_seconds = serializers.FloatField()
    calendar_seconds = serializers.FloatField()


class DaysQuestionSerializer(serializers.Serializer):
    """Which days are to be seen, both ends included."""

    since = serializers.DateField()
    until = serializers.DateField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not dt.date(1971, 1, 1) <= attrs["since"] <= attrs["until"] <= dt.date(2098, 12, 31):
            raise serializers.ValidationError({"until": _("Give two days in order, of the years 1971 to 2098.")})
        if (attrs["until"] - attrs["since"]).days >= MAX_DAYS:
            raise serializers.ValidationError({"until": _("Ask for %(most)d days at most.") % {"most": MAX_DAYS}})
        return attrs


class DaySerializer(serializers.Serializer):
    """One day: its open stretches, why it is unlike others, and what the clocks of the zone do on it."""

    date = serializers.DateField()
    hours = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()
    shift = serializers.CharField()


class DaysSerializer(serializers.Serializer):
    """The days of a calendar in order."""

    days = DaySerializer(many=True)


class CalendarResource(ReadOnlyResource):
    """Calendars; read and tried out by all, written by managers and administrators."""

    model = Calendar
    serializer_class = CalendarSerializer
    filterset_class = CalendarFilter
    roles: ClassVar = {"create": MANAGEMENT, "partial_update": MANAGEMENT, "destroy": MANAGEMENT}

    def rows(self) -> QuerySet[Calendar]:
        return Calendar.objects.all()

    @verb(CalendarInputSerializer, CalendarSerializer, "Add a calendar.", status=201)
    def create(self, request: Request) -> Response:
        calendar = Calendar(**self.given(CalendarInputSerializer))
        tasks.run_soon(promises.save_calendar(actor=request.user, calendar=calendar, at=timezone.now()))
        return self.answer(calendar.pk, status=201)

    @verb(CalendarInputSerializer, CalendarSerializer, "Change a calendar; open clocks fall due by the new hours.")
    def partial_update(self, request: Request, pk: str) -> Response:
        calendar = self.found()
        for name, value in self.given(CalendarInputSerializer, partial=True).items():
            setattr(calendar, name, value)
        tasks.run_soon(promises.save_calendar(actor=request.user, calendar=calendar, at=timezone.now()))
        return self.answer()

    @extend_schema(description="Remove a calendar that no policy and no clock uses.")
    def destroy(self, request: Request, pk: str) -> Response:
        promises.delete_calendar(actor=request.user, calendar_id=self.found().pk)
        return Response(status=204)

    @verb(DueQuestionSerializer, DueSerializer, "When a promise that starts then falls due.")
    @action(detail=True, methods=["post"])
    def due(self, request: Request, pk: str) -> Response:
        calendar, given = self.found().parse(), self.given(DueQuestionSerializer)
        try:
            due_at = clock.due_at(calendar, given["start"], given["working_seconds"], _pauses(given))
        except clock.ClockError as error:
            raise Invalid(worded(error), field=error.field) from None
        return Response(DueSerializer({"due_at": due_at}).data)

    @verb(ElapsedQuestionSerializer, ElapsedSerializer, "How much working time lies between two instants.")
    @action(detail=True, methods=["post"])
    def elapsed(self, request: Request, pk: str) -> Response:
        calendar, given = self.found().parse(), self.given(ElapsedQuestionSerializer)
        try:
            worked = clock.elapsed(calendar, given["start"], given["end"], _pauses(given))
        except clock.ClockError as error:
            raise Invalid(worded(error), field=error.field) from None
        passed = max((given["end"] - given["start"]).total_seconds(), 0.0)
        return Response(ElapsedSerializer({"working_seconds": worked, "calendar_seconds": passed}).data)

    @verb(
        DaysQuestionSerializer, DaysSerializer, "What the days of a calendar are: open stretches, holidays, closures."
    )
    @action(detail=True, methods=["post"])
    def days(self, request: Request, pk: str) -> Response:
        calendar, given = self.found(), self.given(DaysQuestionSerializer)
        days = queries.days_of(calendar, since=given["since"], until=given["until"], now=timezone.now())
        return Response(DaysSerializer({"days": days}).data)


def _pauses(given: dict[str, Any]) -> list[tuple[dt.datetime, dt.datetime]]:
    return [(since, until) for since, until in given["pauses"] or ()]
