"""`opportunities/`: offers in money, and what came of them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm import flows
from crm.api.fields import CodeField, CommentField, IdField, PersonField, ReasonField, RowSerializer
from crm.api.views import ReadOnlyResource, verb
from crm.errors import Conflict, Invalid, NotFound
from crm.models import User
from leads.api.handoffs import ResurfaceSerializer, resurface_at
from leads.filters import OpportunityFilter
from leads.models import Contact, Handoff, Opportunity


class OpportunitySerializer(RowSerializer):
    """An offer in money sent to a contact."""

    contact = serializers.IntegerField(source="contact_id")
    handoff = serializers.IntegerField(source="handoff_id")
    owner = PersonField()
    reason = CodeField(allow_null=True)

    class Meta:
        model = Opportunity
        fields = (
            "id",
            "contact",
            "handoff",
            "owner",
            "name",
            "amount",
            "currency",
            "state",
            "step",
            "sent_date",
            "reason",
            "comment",
            "opened_at",
            "moved_at",
            "closed_at",
            "satisfaction",
            "satisfaction_comment",
            "case_study_at",
        )
        read_only_fields = fields


class OpportunityInputSerializer(serializers.Serializer):
    """Money to talk about with the contact of an accepted handoff; name the handoff or the contact.

    `sent_date` is the day on which the offer was sent; without one it is still to be offered.
    """

    handoff = IdField(required=False, allow_null=True, default=None)
    contact = IdField(required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0)
    currency = serializers.RegexField(r"^[A-Za-z]{3}\Z", required=False, default="EUR")
    sent_date = serializers.DateField(required=False, allow_null=True, default=None)


class OpportunityChangeSerializer(serializers.Serializer):
    """What can be said anew of an open opportunity."""

    name = serializers.CharField(max_length=150, required=False)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0, required=False)
    currency = serializers.RegexField(r"^[A-Za-z]{3}\Z", required=False)
    sent_date = serializers.DateField(required=False)


class MoveSerializer(serializers.Serializer):
    """How far the talks have come; an offer that was sent has a day, today if none is given."""

    step = serializers.ChoiceField(choices=Opportunity.Step.choices)
    sent_date = serializers.DateField(required=False, allow_null=True, default=None)


class SatisfactionSerializer(serializers.Serializer):
    """How satisfied a customer is, and what they said."""

    rating = serializers.IntegerField(min_value=1, max_value=5)
    comment = CommentField()


class WinSerializer(serializers.Serializer):
    """Why the contact buys."""

    reason = ReasonField()
    comment = CommentField()


class LoseSerializer(ResurfaceSerializer):
    """Why the offer was lost and what then; `then_reason` and the day go with what is chosen."""

    reason = ReasonField()
    comment = CommentField()
    then = serializers.ChoiceField(
        choices=[choice.value for choice in flows.AfterLoss], required=False, default=flows.AfterLoss.WORK_ON.value
    )
    then_reason = ReasonField()


class OpportunityResource(ReadOnlyResource):
    """Opportunities: salespeople see their own, all others see every one."""

    model = Opportunity
    serializer_class = OpportunitySerializer
    filterset_class = OpportunityFilter

    def rows(self) -> QuerySet[Opportunity]:
        return Opportunity.objects.visible_to(self.request.user).select_related("owner", "reason")

    @verb(OpportunityInputSerializer, OpportunitySerializer, "Open an opportunity: the contact's owner.", status=201)
    def create(self, request: Request) -> Response:
        given = self.given(OpportunityInputSerializer)
        opportunity = flows.open_opportunity(
            actor=request.user,
            handoff_id=_handoff_id(given, user=request.user),
            name=given["name"],
            amount=given["amount"],
            currency=given["currency"],
            sent_date=given["sent_date"],
            at=timezone.now(),
        )
        return self.answer(opportunity.pk, status=201)

    @verb(OpportunityChangeSerializer, OpportunitySerializer, "Change an open opportunity. Its owner and managers.")
    def partial_update(self, request: Request, pk: str) -> Response:
        opportunity, given = self.found(), self.given(OpportunityChangeSerializer, partial=True)
        flows.change_opportunity(actor=request.user, opportunity_id=opportunity.pk, values=given, at=timezone.now())
        return self.answer()

    @verb(MoveSerializer, OpportunitySerializer, "The talks have come further, or back. Its owner and managers.")
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        opportunity, given = self.found(), self.given(MoveSerializer)
        flows.move_opportunity(actor=request.user, opportunity_id=opportunity.pk, at=timezone.now(), **given)
        return self.answer()

    @verb(SatisfactionSerializer, OpportunitySerializer, "Write down how satisfied the customer is.")
    @action(detail=True, methods=["post"])
    def satisfaction(self, request: Request, pk: str) -> Response:
        opportunity, given = self.found(), self.given(SatisfactionSerializer)
        flows.rate_satisfaction(actor=request.user, opportunity_id=opportunity.pk, at=timezone.now(), **given)
        return self.answer()

    @verb(None, OpportunitySerializer, "Suggest a satisfied customer to marketing for a case study.")
    @action(detail=True, methods=["post"], url_path="case-study")
    def case_study(self, request: Request, pk: str) -> Response:
        flows.suggest_case_study(actor=request.user, opportunity_id=self.found().pk, at=timezone.now())
        return self.answer()

    @verb(None, OpportunitySerializer, "Take the last change back: the same person, within ten minutes.")
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        flows.undo_opportunity(actor=request.user, opportunity_id=self.found().pk, at=timezone.now())
        return self.answer()

    @verb(WinSerializer, OpportunitySerializer, "The contact buys.")
    @action(detail=True, methods=["post"])
    def win(self, request: Request, pk: str) -> Response:
        opportunity, given = self.found(), self.given(WinSerializer)
        flows.win_opportunity(actor=request.user, opportunity_id=opportunity.pk, at=timezone.now(), **given)
        return self.answer()

    @verb(LoseSerializer, OpportunitySerializer, "The offer is lost; say why, and what becomes of the contact.")
    @action(detail=True, methods=["post"])
    def lose(self, request: Request, pk: str) -> Response:
        opportunity, given = self.found(), self.given(LoseSerializer)
        flows.lose_opportunity(
            actor=request.user,
            opportunity_id=opportunity.pk,
            reason=given["reason"],
            comment=given["comment"],
            then=flows.AfterLoss(given["then"]),
            then_reason=given["then_reason"],
            resurface_at=resurface_at(given, user=request.user),
            at=timezone.now(),
        )
        return self.answer()


def _handoff_id(given: dict[str, Any], *, user: User) -> int:
    """The handoff that an offer belongs to, named by itself or by its contact."""
    if given["handoff"] is not None:
        return int(given["handoff"])
    if given["contact"] is None:
        raise Invalid(_("Name the handoff or the contact."), field="handoff")
    contact = Contact.objects.visible_to(user).filter(id=given["contact"]).first()
    if contact is None:
        raise NotFound(_("There is no such contact."))
    handoff_id = Handoff.objects.open().visible_to(user).filter(contact=contact).values_list("id", flat=True).first()
    if handoff_id is None:
        raise Conflict(_("%(contact)s is not with sales: there is no open handoff.") % {"contact": contact})
    return handoff_id
