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
            "reason",
            "comment",
            "opened_at",
            "closed_at",
        )
        read_only_fields = fields


class OpportunityInputSerializer(serializers.Serializer):
    """An offer to the contact of an accepted handoff; name the handoff or the contact."""

    handoff = IdField(required=False, allow_null=True, default=None)
    contact = IdField(required=False, allow_null=True, default=None)
    name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=0)
    currency = serializers.RegexField(r"^[A-Za-z]{3}\Z", required=False, default="EUR")


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

    @verb(OpportunityInputSerializer, OpportunitySerializer, "Send an offer. The owner of the contact.", status=201)
    def create(self, request: Request) -> Response:
        given = self.given(OpportunityInputSerializer)
        opportunity = flows.open_opportunity(
            actor=request.user,
            handoff_id=_handoff_id(given, user=request.user),
            name=given["name"],
            amount=given["amount"],
            currency=given["currency"],
            at=timezone.now(),
        )
        return self.answer(opportunity.pk, status=201)

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
