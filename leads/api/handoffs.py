"""`handoffs/` and the verbs that move them."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import (
    CodeField,
    CommentField,
    IdField,
    InstantField,
    NameField,
    PersonField,
    ReasonField,
    RowSerializer,
)
from crm.api.views import ReadOnlyResource, verb
from crm.errors import Invalid
from crm.models import Team, User
from leads import words
from leads.filters import HandoffFilter
from leads.models import Handoff, HandoffComment
from leads.models.comments import LONGEST_COMMENT


class HandoffSerializer(RowSerializer):
    """One attempt to pass one contact to sales. `score` and `grade` are those at `formed_at`."""

    contact = serializers.IntegerField(source="contact_id")
    previous = serializers.IntegerField(source="previous_id", allow_null=True)
    assignee = PersonField(allow_null=True)
    team = NameField(allow_null=True)
    reviewed_by = PersonField(allow_null=True)
    reason = CodeField(allow_null=True)
    outcome = serializers.ChoiceField(
        choices=list(words.OUTCOMES.items()),
        allow_null=True,
        help_text=str(_("What became of it for marketing; null before it was handed over.")),
    )

    class Meta:
        model = Handoff
        fields = (
            "id",
            "contact",
            "state",
            "cause",
            "straight_by",
            "previous",
            "assignee",
            "team",
            "is_override",
            "assigned_because",
            "formed_at",
            "reviewed_at",
            "reviewed_by",
            "offered_at",
            "overflowed_at",
            "answered_at",
            "contacted_at",
            "last_contacted_at",
            "reached_at",
            "meeting_at",
            "ended_at",
            "resurface_at",
            "score",
            "grade",
            "model_version",
            "reason",
            "comment",
            "rating",
            "outcome",
        )
        read_only_fields = fields


class AssignSerializer(serializers.Serializer):
    """To whom; null or nothing lets routing choose."""

    assignee = PersonField(required=False, allow_null=True, allow_blank=True, default=None)
    comment = CommentField()


class AcceptSerializer(serializers.Serializer):
    """What the salesperson thinks of the lead."""

    comment = CommentField()
    rating = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1, max_value=5)


class RejectSerializer(AcceptSerializer):
    """Why the answer is no."""

    reason = ReasonField()


class ReturnSerializer(serializers.Serializer):
    """Why the lead is not good enough yet."""

    reason = ReasonField()
    comment = CommentField()


class ResurfaceSerializer(serializers.Serializer):
    """When a contact comes back by itself: an instant, or a day that begins in the time zone of who says so."""

    resurface_at = InstantField(required=False, allow_null=True, default=None)
    resurface_on = serializers.DateField(required=False, allow_null=True, default=None)


class RecycleSerializer(ResurfaceSerializer):
    """Why a contact goes back to marketing, and until when."""

    reason = ReasonField()
    comment = CommentField()


class NewPersonSerializer(serializers.Serializer):
    """Who decides, as the contact said; somebody known by the address is taken."""

    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    job_title = serializers.CharField(max_length=150, required=False, allow_blank=True)


class RedirectSerializer(serializers.Serializer):
    """Why this contact is the wrong person, and who is the right one: a contact of the same company, or a new one."""

    reason = ReasonField()
    comment = CommentField()
    contact = IdField(required=False, allow_null=True, default=None)
    person = NewPersonSerializer(required=False, default=dict)


class OverflowSerializer(serializers.Serializer):
    """The partner's or customer service's team, by name or id; the first where none is named."""

    team = serializers.CharField(required=False, allow_null=True, allow_blank=True, default=None, max_length=100)


class PauseSerializer(serializers.Serializer):
    """Until when the clocks stand still, and why."""

    until = InstantField()
    reason = serializers.CharField(max_length=300, allow_blank=True, required=False, default="")


class CommentSerializer(RowSerializer):
    """A word about a handoff. `mentions` are the people whom the text names with an @, who were told of it."""

    handoff = serializers.IntegerField(source="handoff_id")
    author = PersonField()
    mentions = serializers.ListField(child=PersonField(), source="mentions.all")

    class Meta:
        model = HandoffComment
        fields = ("id", "handoff", "author", "at", "text", "mentions")
        read_only_fields = fields


class SaySerializer(serializers.Serializer):
    """What is said. `@Sam`, `@Sam Seller` and `@sam@firm.example` name people."""

    text = serializers.CharField(max_length=LONGEST_COMMENT)


class HandoffResource(ReadOnlyResource):
    """Handoffs: salespeople see what is or was offered to them or to their team, all others see every one."""

    model = Handoff
    serializer_class = HandoffSerializer
    filterset_class = HandoffFilter

    def rows(self) -> QuerySet[Handoff]:
        visible = Handoff.objects.visible_to(self.request.user)
        return visible.select_related("assignee", "team", "reviewed_by", "reason").with_outcome()

    def _act(self, flow: Callable[..., Any], **given: Any) -> Response:
        flow(actor=self.request.user, handoff_id=int(self.kwargs["pk"]), at=timezone.now(), **given)
        return self.answer()

    @verb(AssignSerializer, HandoffSerializer, "Pass a reviewed lead to sales. Marketers and managers.")
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        self.found()
        given = self.given(AssignSerializer)
        return self._act(flows.approve, assignee_email=given["assignee"], comment=given["comment"])

    @verb(ReturnSerializer, HandoffSerializer, "Give a lead back to nurturing. Marketers.")
    @action(detail=True, methods=["post"], url_path="return", url_name="return")
    def give_back(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.return_to_marketing, **self.given(ReturnSerializer))

    @verb(AcceptSerializer, HandoffSerializer, "Take the lead. The salesperson it is offered to.")
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.accept, **self.given(AcceptSerializer))

    @verb(RejectSerializer, HandoffSerializer, "Say no to the lead, and why. The salesperson it is offered to.")
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.reject, **self.given(RejectSerializer))

    @verb(RecycleSerializer, HandoffSerializer, "Give the contact back until a day. The owner, or a manager.")
    @action(detail=True, methods=["post"])
    def recycle(self, request: Request, pk: str) -> Response:
        self.found()
        given = self.given(RecycleSerializer)
        return self._act(
            flows.recycle,
            reason=given["reason"],
            comment=given["comment"],
            resurface_at=resurface_at(given, user=request.user),
        )

    @verb(
        RedirectSerializer,
        HandoffSerializer,
        "Somebody else decides: this handoff closes, and one with the right person, accepted too, follows it. The "
        "owner. Answers with the new handoff.",
    )
    @action(detail=True, methods=["post"])
    def redirect(self, request: Request, pk: str) -> Response:
        handoff, given = self.found(), self.given(RedirectSerializer)
        referral = flows.redirect(
            actor=request.user,
            handoff_id=handoff.pk,
            reason=given["reason"],
            comment=given["comment"],
            to_contact_id=given["contact"],
            values=given["person"],
            at=timezone.now(),
        )
        return self.answer(referral.handoff_id)

    @verb(AssignSerializer, HandoffSerializer, "Give the handoff to somebody else. Managers.")
    @action(detail=True, methods=["post"])
    def reassign(self, request: Request, pk: str) -> Response:
        self.found()
        given = self.given(AssignSerializer)
        return self._act(flows.reassign, assignee_email=given["assignee"], comment=given["comment"])

    @verb(OverflowSerializer, HandoffSerializer, "Offer the lead to a partner's or customer service's team. Managers.")
    @action(detail=True, methods=["post"])
    def overflow(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.overflow, team_id=_team_id(self.given(OverflowSerializer)["team"]))

    @verb(None, HandoffSerializer, "Take the last verb back: the same person, within ten minutes.")
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.undo)

    @extend_schema(methods=["get"], responses=CommentSerializer(many=True), description="What was said, newest first.")
    @extend_schema(
        methods=["post"],
        request=SaySerializer,
        responses={201: CommentSerializer},
        description="Say something to both teams; whom the text names with an @ is told.",
    )
    @action(detail=True, methods=["get", "post"], filterset_class=None)
    def comments(self, request: Request, pk: str) -> Response:
        handoff = self.found()
        rows = HandoffComment.objects.filter(handoff=handoff).select_related("author").prefetch_related("mentions")
        if request.method != "POST":
            page = self.paginate_queryset(rows)
            return self.get_paginated_response(CommentSerializer(page, many=True).data)
        text = self.given(SaySerializer)["text"]
        made = flows.comment(actor=request.user, handoff_id=handoff.pk, text=text, at=timezone.now())
        return Response(CommentSerializer(rows.get(pk=made.pk)).data, status=201)

    @verb(PauseSerializer, HandoffSerializer, "Let the clocks of the handoff stand still for a while.")
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.pause_clocks, **self.given(PauseSerializer))

    @verb(None, HandoffSerializer, "Let the clocks run on now.")
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        self.found()
        return self._act(flows.resume_clocks)


def resurface_at(given: dict[str, Any], *, user: User) -> dt.datetime | None:
    """The instant that a `ResurfaceSerializer` says; a day begins at midnight of the user's time zone."""
    if given["resurface_at"] is not None:
        instant: dt.datetime = given["resurface_at"]
        return instant
    day: dt.date | None = given["resurface_on"]
    if day is None:
        return None
    if not 1970 <= day.year < 2100:
        raise Invalid(_("Give a day of the years 1970 to 2099."), field="resurface_on")
    return dt.datetime.combine(day, dt.time(), tzinfo=zoneinfo.ZoneInfo(user.time_zone)).astimezone(dt.UTC)


def _team_id(given: str | None) -> int | None:
    """The id of the team with this name or id. Raises `Invalid` when there is none."""
    if not given:
        return None
    team = Team.objects.filter(name__iexact=given).first()
    if team is None and given.isascii() and given.isdecimal() and len(given) < 19:
        team = Team.objects.filter(id=int(given)).first()
    if team is None:
        raise Invalid(_("There is no such team."), field="team")
    return team.pk
