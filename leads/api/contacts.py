"""`contacts/`: people, where they stand, and what their score is now."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import CodeField, CommentField, IdField, InstantField, PersonField, ReasonField, RowSerializer
from crm.api.filters import require_known
from crm.api.views import Moved, ReadOnlyResource, verb
from crm.errors import Invalid
from crm.models import User
from crm.models.people import validate_time_zone
from crm.queries import scores
from leads import locks, merges, qualification, services
from leads.filters import ContactFilter
from leads.models import Company, Contact
from leads.models.qualification import Verdict


class CompanyNameSerializer(serializers.Serializer):
    """A company, in short."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class ContactSerializer(RowSerializer):
    """A contact with its score at this moment."""

    company = CompanyNameSerializer(allow_null=True)
    source = CodeField(allow_null=True)
    owner = PersonField(allow_null=True)
    disqualified_reason = CodeField(allow_null=True)
    score = serializers.SerializerMethodField()
    engagement = serializers.SerializerMethodField()
    fit = serializers.SerializerMethodField()
    grade = serializers.SerializerMethodField()

    class Meta:
        model = Contact
        fields = (
            "id",
            "email",
            "first_name",
            "last_name",
            "job_title",
            "phone",
            "company",
            "country",
            "city",
            "language",
            "time_zone",
            "source",
            "stage",
            "stage_at",
            "is_disqualified",
            "disqualified_reason",
            "owner",
            "score",
            "engagement",
            "fit",
            "grade",
            "created_at",
            "last_activity_at",
        )
        read_only_fields = fields

    def get_score(self, contact: Contact) -> float:
        return self._live(contact).value

    def get_engagement(self, contact: Contact) -> float:
        return self._live(contact).engagement

    def get_fit(self, contact: Contact) -> float:
        return self._live(contact).fit

    def get_grade(self, contact: Contact) -> str:
        return self._live(contact).grade

    def _live(self, contact: Contact) -> Any:
        """The score of one row; those of a whole page come with the context."""
        live = self.context.setdefault("scores", {})
        if contact.pk not in live:
            live |= scores.live_scores([contact], at=timezone.now())
        return live[contact.pk]


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "object"}, {"type": "null"}]})
class CompanyReferenceField(serializers.Field):
    """A company by id, or by name, bare or as `{"id"}` or `{"name"}`; one of a new name is made."""

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, dict):
            data = data.get("id", data.get("name"))
        if isinstance(data, int) and not isinstance(data, bool):
            return int(IdField().run_validation(data))
        return str(serializers.CharField(max_length=200, allow_blank=True).run_validation(data))


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}]})
class CompanyNameField(serializers.Field):
    """A company by its name, bare or as `{"name"}`."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, dict):
            data = data.get("name", "")
        return str(serializers.CharField(max_length=200, allow_blank=True, allow_null=True).run_validation(data) or "")


def _check_time_zone(value: str) -> None:
    if value:
        validate_time_zone(value)


class ContactInputSerializer(serializers.Serializer):
    """What can be said about a contact."""

    email = serializers.EmailField(max_length=254, required=False, allow_blank=True, allow_null=True)
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    job_title = serializers.CharField(max_length=150, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    country = serializers.CharField(max_length=2, required=False, allow_blank=True)
    city = serializers.CharField(max_length=100, required=False, allow_blank=True)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True)
    time_zone = serializers.CharField(max_length=64, required=False, allow_blank=True, validators=[_check_time_zone])
    company = CompanyReferenceField(required=False, allow_null=True)
    source = serializers.CharField(max_length=60, required=False, allow_blank=True, allow_null=True)


class DisqualifySerializer(serializers.Serializer):
    """Why a contact will not buy."""

    reason = ReasonField()
    comment = CommentField()


LONGEST_COURSE_DAYS = 365


class MergeSerializer(serializers.Serializer):
    """The contact that goes into this one, and by field whose value is taken where both say something."""

    contact = IdField()
    choices = serializers.DictField(
        child=serializers.ChoiceField(choices=[merges.KEPT, merges.MERGED]), required=False, default=dict
    )


class ActivityPointsSerializer(serializers.Serializer):
    """One activity behind a rule's points."""

    id = serializers.IntegerField()
    occurred_at = InstantField()
    points = serializers.FloatField()


class RulePointsSerializer(serializers.Serializer):
    """What one rule gives: `raw` before its cap or floor, `points` after, `capped` the difference, 0 when none."""

    rule = serializers.CharField()
    kind = serializers.ChoiceField(choices=["activity", "fit", "adjustment"])
    raw = serializers.FloatField()
    points = serializers.FloatField()
    capped = serializers.FloatField()
    activities = ActivityPointsSerializer(many=True)
    field = serializers.CharField(help_text="What a rule of fit looks at, else empty.")
    author = PersonField(allow_null=True, help_text="Who gave or took the points of an adjustment.")


class CoursePointSerializer(serializers.Serializer):
    """The score at one instant."""

    at = InstantField()
    score = serializers.FloatField()


class ScoreSerializer(serializers.Serializer):
    """Why a score is what it is: every rule, and the activities behind it. `model` is the version of the rules.

    `missing` are the points missing to the MQL threshold, `cools_at` is when it falls below the cooling one.
    """

    at = InstantField()
    model = serializers.IntegerField(source="model_version")
    score = serializers.FloatField()
    engagement = serializers.FloatField()
    fit = serializers.FloatField()
    grade = serializers.CharField()
    rules = RulePointsSerializer(many=True)
    threshold = serializers.FloatField(source="mql_threshold")
    missing = serializers.FloatField()
    cooling_threshold = serializers.FloatField()
    cools_at = InstantField(allow_null=True)
    course = CoursePointSerializer(many=True, required=False, help_text="Where `course_days` asks for it.")


class AnswerSerializer(serializers.Serializer):
    """The answer to one question of BANT; `verdict` is null while nothing is known."""

    letter = serializers.CharField()
    verdict = serializers.CharField(allow_null=True)
    evidence = serializers.CharField()
    decide_by_date = serializers.DateField(allow_null=True)
    at = InstantField(allow_null=True)
    actor = PersonField(allow_null=True)


class VerdictSerializer(serializers.Serializer):
    """What was found out on one question; what is left out stays, a verdict of null takes it back."""

    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_null=True, required=False)
    evidence = serializers.CharField(max_length=2000, allow_blank=True, required=False)


class TimelineSerializer(VerdictSerializer):
    """The timeline carries the day by which they must decide."""

    decide_by_date = serializers.DateField(allow_null=True, required=False)


class QualifySerializer(serializers.Serializer):
    """What sales found out, by question."""

    budget = VerdictSerializer(required=False)
    authority = VerdictSerializer(required=False)
    need = VerdictSerializer(required=False)
    timeline = TimelineSerializer(required=False)


class ContactResource(ReadOnlyResource):
    """Contacts: salespeople see what they own and what is or was handed to them, all others see every one."""

    model = Contact
    serializer_class = ContactSerializer
    filterset_class = ContactFilter

    def rows(self) -> QuerySet[Contact]:
        visible = Contact.objects.visible_to(self.request.user)
        return visible.select_related("company", "source", "owner", "disqualified_reason")

    def found(self) -> Contact:
        """The contact; of one that was merged into another raises `Moved`, for those who may see that other."""
        try:
            contact: Contact = super().found()
        except Http404:
            kept = locks.kept_ids([int(self.kwargs["pk"])])
            if not self.rows().filter(pk__in=kept.values()).exists():
                raise
            number = str(next(iter(kept.values())))
            address = self.request.get_full_path().replace(f"/{self.kwargs['pk']}/", f"/{number}/", 1)
            raise Moved(address, _("This contact was merged into contact %(id)s.") % {"id": number}) from None
        return contact

    def paginate_queryset(self, queryset: QuerySet) -> list[Contact]:
        page: list[Contact] = super().paginate_queryset(queryset)
        self.scores = scores.live_scores(page, at=timezone.now())
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | {"scores": getattr(self, "scores", {})}

    @verb(
        ContactInputSerializer,
        ContactSerializer,
        "Enter a contact. A salesperson's is their own prospect: an SQL of theirs at once.",
        status=201,
    )
    def create(self, request: Request) -> Response:
        at = timezone.now()
        with transaction.atomic():
            values = _resolved(self.given(ContactInputSerializer), user=request.user, at=at)
            contact = flows.create_contact(actor=request.user, values=values, at=at)
        return self.answer(contact.pk, status=201)

    @verb(ContactInputSerializer, ContactSerializer, "Change a contact; each change is kept, and the score follows.")
    def partial_update(self, request: Request, pk: str) -> Response:
        at, contact = timezone.now(), self.found()
        with transaction.atomic():
            values = _resolved(self.given(ContactInputSerializer, partial=True), user=request.user, at=at)
            flows.edit_contact(actor=request.user, contact_id=contact.pk, values=values, at=at)
        return self.answer()

    @verb(DisqualifySerializer, ContactSerializer, "Mark a contact as one that will not buy.")
    @action(detail=True, methods=["post"])
    def disqualify(self, request: Request, pk: str) -> Response:
        contact, given = self.found(), self.given(DisqualifySerializer)
        flows.disqualify(actor=request.user, contact_id=contact.pk, at=timezone.now(), **given)
        return self.answer()

    @extend_schema(
        responses=AnswerSerializer(many=True), description="What sales found out: budget, authority, need and timeline."
    )
    @action(detail=True, methods=["get"], url_path="qualification", filterset_class=None, pagination_class=None)
    def found_out(self, request: Request, pk: str) -> Response:
        return Response(AnswerSerializer(qualification.answers_of(self.found()), many=True).data)

    @verb(QualifySerializer, AnswerSerializer(many=True), "Write what sales found out; the score follows.")
    @found_out.mapping.post
    def qualify(self, request: Request, pk: str) -> Response:
        contact = self.found()
        answers = self.given(QualifySerializer)
        flows.qualify(actor=request.user, contact_id=contact.pk, answers=answers, at=timezone.now())
        return Response(AnswerSerializer(qualification.answers_of(contact), many=True).data)

    @verb(None, ContactSerializer, "Take the disqualified mark away; the score decides what follows.")
    @action(detail=True, methods=["post"])
    def requalify(self, request: Request, pk: str) -> Response:
        flows.requalify(actor=request.user, contact_id=self.found().pk, at=timezone.now())
        return self.answer()

    @verb(
        None,
        ContactSerializer,
        "Take back what was last said of the contact itself: verdicts, or the disqualified mark. The same person, "
        "within ten minutes.",
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        flows.undo_contact(actor=request.user, contact_id=self.found().pk, at=timezone.now())
        return self.answer()

    @verb(
        MergeSerializer,
        ContactSerializer,
        "Make one contact of two that are the same person: the other goes into this one, with all it did. Its id and "
        "its address lead here from then on. It cannot be undone.",
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        contact, given = self.found(), self.given(MergeSerializer)
        flows.merge_contacts(
            actor=request.user, kept=contact.pk, merged=given["contact"], choices=given["choices"], at=timezone.now()
        )
        return self.answer()

    @extend_schema(
        parameters=[
            OpenApiParameter("at", dt.datetime, description="Another instant: activities up to then."),
            OpenApiParameter(
                "course_days", int, description="So many days of the score up to `at` as well, 1 to 365: its `course`."
            ),
        ],
        responses=ScoreSerializer,
        description="Why the score is what it is. Numbers are not rounded.",
    )
    @action(detail=True, methods=["get"], filterset_class=None)
    def score(self, request: Request, pk: str) -> Response:
        contact = self.found()
        require_known(request, {"at", "course_days", "format"})
        given = request.query_params.get("at")
        at = timezone.now()
        if given is not None:
            try:
                # A plus sign that a program forgot to quote arrives as a blank.
                at = InstantField().run_validation(given.replace(" ", "+") if "T" in given else given)
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"at": error.detail}) from None
        told: dict[str, Any] = dict(ScoreSerializer(scores.explanation(contact, at=at)).data)
        if (days := request.query_params.get("course_days")) is not None:
            if not (days.isascii() and days.isdigit() and 1 <= int(days[:4]) <= LONGEST_COURSE_DAYS):
                raise serializers.ValidationError(
                    {"course_days": [_("Ask for 1 to %(most)d days.") % {"most": LONGEST_COURSE_DAYS}]}
                )
            line = scores.course(contact, since=at - dt.timedelta(days=int(days)), at=at)
            points = [{"at": then, "score": value} for then, value in line]
            told["course"] = CoursePointSerializer(points, many=True).data
        return Response(told)


def _resolved(given: dict[str, Any], *, user: User, at: dt.datetime) -> dict[str, Any]:
    """The values of a contact with company and source as rows, made where they are new."""
    values = {name: value or "" if name != "email" else value for name, value in given.items()}
    if "country" in values:
        values["country"] = values["country"].upper()
    if "company" in given:
        values["company"] = _company(given["company"], user=user, at=at)
    if "source" in given:
        code = (given["source"] or "").strip()
        values["source"] = services.sources_by_code([code])[code] if code else None
    return values


def _company(reference: int | str | None, *, user: User, at: dt.datetime) -> Company | None:
    if isinstance(reference, int):
        company = Company.objects.visible_to(user).filter(id=reference).first()
        if company is None:
            raise Invalid(_("There is no such company."), field="company")
        return company
    name = (reference or "").strip()
    return next(iter(services.companies_by_name([name], at=at).values()), None)
