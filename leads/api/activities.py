"""`activities/`: what contacts did and what was done with them, one or up to 5,000 at a time, each once for ever."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import IdField, InstantField, NameField, ObjectField, PersonField, RowSerializer
from crm.api.problems import problem, sentence_of
from crm.api.views import ReadOnlyResource
from crm.flows import ActivityIn, ContactIn, Recorded
from crm.models import ApiKey, User
from leads import words
from leads.api.contacts import CompanyNameField
from leads.filters import ActivityFilter
from leads.models import Activity, Contact

MAX_ITEMS = 5000
CREATED, DUPLICATE, REFUSED = "created", "duplicate", "refused"


class ActivitySerializer(RowSerializer):
    """Something a contact did, or that was done with a contact. A fact: it never changes."""

    contact = serializers.IntegerField(source="contact_id")
    type = serializers.CharField(source="type_id")
    actor = PersonField(allow_null=True)
    campaign = NameField(allow_null=True)
    properties = ObjectField()

    class Meta:
        model = Activity
        fields = (
            "id",
            "contact",
            "type",
            "direction",
            "occurred_at",
            "recorded_at",
            "source",
            "external_id",
            "actor",
            "campaign",
            "properties",
        )
        read_only_fields = fields


class ActivityContactSerializer(serializers.Serializer):
    """The contact of an activity. An address that is not known yet makes a new contact of the rest."""

    email = serializers.EmailField(max_length=254)
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True, allow_null=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True, allow_null=True)
    job_title = serializers.CharField(max_length=150, required=False, allow_blank=True, allow_null=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, allow_null=True)
    country = serializers.CharField(max_length=2, required=False, allow_blank=True, allow_null=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True, allow_null=True)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True, allow_null=True)
    company = CompanyNameField(required=False, allow_null=True)
    source = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)


class ActivityInputSerializer(serializers.Serializer):
    """One activity. `external_id` and `source` together make it one that is recorded once, however often it is sent.

    Name the contact by `contact_id`, or by `contact` with its e-mail address. `occurred_at` without an offset is UTC.
    """

    external_id = serializers.CharField(max_length=200, required=False, allow_blank=True, allow_null=True)
    source = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)
    contact = ActivityContactSerializer(required=False, allow_null=True)
    contact_id = IdField(required=False, allow_null=True)
    type = serializers.CharField(max_length=40)
    occurred_at = InstantField()
    direction = serializers.ChoiceField(
        choices=list(words.DIRECTIONS.items()), required=False, allow_blank=True, allow_null=True
    )
    properties = ObjectField(required=False, allow_null=True)
    campaign = serializers.CharField(max_length=150, required=False, allow_blank=True, allow_null=True)


class ResultSerializer(serializers.Serializer):
    """What became of one activity; `detail` says why it was refused."""

    status = serializers.ChoiceField(choices=[CREATED, DUPLICATE, REFUSED])
    activity = serializers.IntegerField(allow_null=True)
    contact = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(allow_null=True)


class ResultsSerializer(serializers.Serializer):
    """What became of the activities, in the order in which they came."""

    created = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = ResultSerializer(many=True)


class ActivityResource(ReadOnlyResource):
    """Activities of the contacts one sees. Facts: they are added, never changed."""

    model = Activity
    serializer_class = ActivitySerializer
    filterset_class = ActivityFilter
    http_method_names: ClassVar = ["get", "post", "head"]

    def rows(self) -> QuerySet[Activity]:
        return Activity.objects.visible_to(self.request.user).select_related("actor", "campaign")

    @extend_schema(
        request=PolymorphicProxySerializer(
            component_name="OneOrManyActivities",
            serializers=[ActivityInputSerializer(), ActivityInputSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            201: OpenApiResponse(ResultsSerializer, description="One activity was recorded."),
            200: OpenApiResponse(ResultsSerializer, description="A list was taken, or one activity was known before."),
        },
        description=(
            "Record one activity, or a list of up to 5,000. Sent again, they are duplicates and change nothing. Of a "
            "list bad items are refused and the good ones stand; one bad activity alone is answered with 400."
        ),
    )
    def create(self, request: Request) -> Response:
        data = request.data
        if isinstance(data, list):
            return Response(self._record(data))
        if not isinstance(data, dict):
            raise ValidationError(_("Send one activity as an object, or a list of activities."))
        outcome = self._record([data])
        if outcome[REFUSED]:
            return problem(400, outcome["results"][0]["detail"], **outcome)
        return Response(outcome, status=201 if outcome[CREATED] else 200)

    def _record(self, data: list[Any]) -> dict[str, Any]:
        if len(data) > MAX_ITEMS:
            raise ValidationError(_("Send at most %(count)d activities at a time.") % {"count": MAX_ITEMS})
        read = _read(data)
        user: User = self.request.user
        is_integration = isinstance(self.request.auth, ApiKey) and self.request.auth.is_integration
        good = [item for item in read if isinstance(item, ActivityIn)]
        recorded = iter(
            flows.record_activities(activities=good, by=user, actor=None if is_integration else user, at=timezone.now())
        )
        results = [next(recorded) if isinstance(item, ActivityIn) else item for item in read]
        counts = Counter(result.status for result in results)
        return {status: counts[status] for status in (CREATED, DUPLICATE, REFUSED)} | {
            "results": _told(results, read, user=user)
        }


def _read(data: list[Any]) -> list[ActivityIn | Recorded]:
    """Each item as the flow takes it, or its refusal."""
    # One serializer for all: making one costs more than using it.
    serializer = ActivityInputSerializer()
    read: list[ActivityIn | Recorded] = []
    for item in data:
        if (plain := read_plainly(item)) is not None:
            read.append(plain)
            continue
        try:
            read.append(_activity(serializer.run_validation(item)))
        except ValidationError as error:
            read.append(Recorded(REFUSED, detail=sentence_of(error.detail)))
    return read


_PLAIN_NAMES = {"external_id", "source", "contact", "contact_id", "type", "occurred_at", "direction", "properties"}
_is_plain_email = re.compile(
    r"[a-z0-9]++(?:[._+-][a-z0-9]++)*+@(?:[a-z0-9]++(?:-[a-z0-9]++)*+\.)+[a-z]{2,20}"
).fullmatch
_is_plain_instant = re.compile(
    r"(?:19[7-9]|20[0-9])[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3,6})?(?:Z|\+00:00)"
).fullmatch


def read_plainly(item: Any) -> ActivityIn | None:
    """An activity of plain text and numbers, as nearly all are, read twenty times as fast as by the serializer.

    None for everything else, good or bad: the serializer decides. What this reads the serializer reads alike.
    """
    if type(item) is not dict or not item.keys() <= _PLAIN_NAMES:
        return None
    get = item.get
    code: Any = get("type")
    then, direction = get("occurred_at"), get("direction") or ""
    contact, contact_id, properties = get("contact"), get("contact_id"), get("properties")
    external_id, source = get("external_id"), get("source")
    named = None
    if contact is not None:
        email = contact.get("email") if type(contact) is dict and len(contact) == 1 else None
        if type(email) is not str or len(email) > 60 or not _is_plain_email(email):
            return None
        named = ContactIn(email=email)
    if contact_id is not None and not (type(contact_id) is int and 0 < contact_id < 2**62):
        return None
    if not (
        _is_plain(code, 40)
        and (external_id is None or _is_plain(external_id, 200))
        and (source is None or _is_plain(source, 60))
        and direction in ("", "inbound", "outbound")
        and (properties is None or _are_plain(properties))
        and type(then) is str
        and _is_plain_instant(then)
    ):
        return None
    try:
        occurred_at = dt.datetime.fromisoformat(then)
    except ValueError:
        return None
    return ActivityIn(
        code, occurred_at, external_id or "", source or "api", contact_id, named, direction, properties or {}
    )


def _is_plain(text: Any, longest: int) -> bool:
    """Whether it is text in one line of ASCII, neither empty nor with blanks at its ends."""
    return (
        type(text) is str
        and 0 < len(text) <= longest
        and text.isascii()
        and text.isprintable()
        and text[0] != " "
        and text[-1] != " "
    )


def _are_plain(properties: Any) -> bool:
    if type(properties) is not dict or len(properties) > 20:
        return False
    for name, value in properties.items():
        if len(name) > 60 or not name.isascii() or "\x00" in name:
            return False
        kind = type(value)
        if kind is str:
            if len(value) > 300 or not value.isascii() or "\x00" in value:
                return False
        elif kind is int:
            if abs(value) >= 2**53:
                return False
        elif value is not None and kind is not bool:
            return False
    return True


def _activity(given: dict[str, Any]) -> ActivityIn:
    contact = given.get("contact") or {}
    fields = {
        name: value
        for name, value in contact.items()
        if value and name in ("first_name", "last_name", "job_title", "phone", "country", "city", "language")
    }
    if "country" in fields:
        fields["country"] = fields["country"].upper()
    return ActivityIn(
        type=given["type"],
        occurred_at=given["occurred_at"],
        external_id=given.get("external_id") or "",
        source=given.get("source") or "api",
        contact_id=given.get("contact_id"),
        contact=ContactIn(
            email=contact["email"],
            fields=fields,
            company=contact.get("company") or "",
            source=contact.get("source") or "",
        )
        if contact
        else None,
        direction=given.get("direction") or "",
        properties=given.get("properties") or {},
        campaign=given.get("campaign") or "",
    )


def _told(results: list[Recorded], read: list[ActivityIn | Recorded], *, user: User) -> list[dict[str, Any]]:
    """The results as they are answered. What was recorded before of a contact that is hidden stays hidden."""
    seen = None
    if not user.sees_all_contacts:
        wanted = {result.contact_id for result in results if result.status == DUPLICATE and result.contact_id}
        seen = set(Contact.objects.visible_to(user).filter(id__in=wanted).values_list("id", flat=True))
    told = []
    first: dict[tuple[str, str], int | None] = {}
    for item, result in zip(read, results, strict=True):
        activity_id, contact_id = result.activity_id, result.contact_id
        if result.status == DUPLICATE:
            if activity_id is None and isinstance(item, ActivityIn):  # it stands twice in this very list
                first = first or _ids(results, read)
                activity_id = first.get((item.source, item.external_id))
            if seen is not None and contact_id not in seen:
                activity_id = contact_id = None
        detail = f"{result.field}: {result.detail}" if result.field else result.detail
        told.append({"status": result.status, "activity": activity_id, "contact": contact_id, "detail": detail or None})
    return told


def _ids(results: list[Recorded], read: list[ActivityIn | Recorded]) -> dict[tuple[str, str], int | None]:
    """The activities of a list by source and external id."""
    return {
        (item.source, item.external_id): result.activity_id
        for item, result in zip(read, results, strict=True)
        if isinstance(item, ActivityIn) and result.activity_id is not None
    }
