"""Routing: the rules by which leads find people, whose turn it is, and what becomes of a lead that waits too long."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from leads.models.handoffs import Handoff
from leads.rotation import MOST_WEIGHT


class RoutingRule(models.Model):
    """Who gets leads of one kind. Of the active ones, in order, the first whose conditions match and who has room."""

    class Otherwise(models.TextChoices):
        """What a lead does when none of the rule's people can take it."""

        NEXT = "next", _("The next rule is asked")
        WAIT = "wait", _("The lead waits for one of them")

    name = models.CharField(_("name"), max_length=100)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    team = models.ForeignKey(
        "crm.Team",
        verbose_name=_("team"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="routing_rules",
    )
    otherwise = models.CharField(_("when nobody can"), max_length=4, choices=Otherwise, default=Otherwise.NEXT)
    position = models.IntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        # Of two at the same position the newer comes first: it was put there on purpose.
        ordering: ClassVar = ["position", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="routing_rule_otherwise_known", condition=Q(otherwise__in=["next", "wait"])),
        ]

    def __str__(self) -> str:
        return self.name


class RoutingMember(models.Model):
    """How many turns a person gets for each of a weight of 1. Of a rule's team, those not named here have a weight of
    1, and a weight of 0 leaves somebody out.
    """

    rule = models.ForeignKey(RoutingRule, db_index=False, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="routing_members")
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)

    class Meta:
        ordering: ClassVar = ["rule", "person__name", "person"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "person"], name="routing_member_once_a_rule"),
            models.CheckConstraint(name="routing_weight_known", condition=Q(weight__lte=MOST_WEIGHT)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} × {self.weight}"


class Rotation(models.Model):
    """Over whom the leads of a rule rotate, or, without a rule, those that no rule placed; since when, and how far."""

    rule = models.ForeignKey(
        RoutingRule, null=True, blank=True, db_index=False, on_delete=models.CASCADE, related_name="rotations"
    )
    began_at = models.DateTimeField()
    turn = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Coalesce("rule_id", Value(0)), name="one_rotation_a_rule")]

    def __str__(self) -> str:
        return f"rotation of {self.rule_id or 'everybody'}, turn {self.turn}"


class RotationShare(models.Model):
    """One person's part in a rotation, as `leads.rotation.Share` has it."""

    rotation = models.ForeignKey(Rotation, db_index=False, on_delete=models.CASCADE, related_name="shares")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    weight = models.PositiveSmallIntegerField(default=0)
    given = models.PositiveIntegerField(default=0)
    behind = models.FloatField(default=0)
    last_turn = models.PositiveIntegerField(default=0)
    open = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rotation", "person"], name="share_once_a_rotation"),
            models.CheckConstraint(name="share_opens_no_more_than_given", condition=Q(open__lte=F("given"))),
            models.CheckConstraint(name="share_of_nobody_is_empty", condition=Q(weight__gt=0) | Q(given=0)),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.given} by weight {self.weight}"


class RotationTurn(models.Model):
    """One turn: which lead went to whom; what the counts of the shares rest on.

    One that was taken back stands open until the next lead of the rotation takes it up.
    """

    rotation = models.ForeignKey(Rotation, db_index=False, on_delete=models.CASCADE, related_name="turns")
    number = models.PositiveIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    # A review that a rejection opened goes when the rejection is undone; its turn was given all the same.
    handoff = models.ForeignKey(Handoff, null=True, on_delete=models.SET_NULL, related_name="turns")
    at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["rotation", "-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["rotation", "number"], name="turn_once_a_number")]

    def __str__(self) -> str:
        return f"turn {self.number}: {self.person_id}"


class RoutingSettings(models.Model):
    """What holds for all of routing: one row. Who decides about a lead, or changes who may get one, locks it."""

    ONLY: ClassVar = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    overflow_team = models.ForeignKey(
        "crm.Team",
        verbose_name=_("offered to"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    overflow_seconds = models.PositiveIntegerField(_("after waiting"), null=True, blank=True)
    overflow_calendar = models.ForeignKey(
        "sla.Calendar",
        verbose_name=_("working time of the wait"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    most_a_pass = models.PositiveSmallIntegerField(_("waiting leads to one person at a time"), default=3)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="one_row_of_routing_settings", condition=Q(id=1)),
            models.CheckConstraint(name="routing_gives_one_a_pass_at_least", condition=Q(most_a_pass__gt=0)),
            models.CheckConstraint(
                name="overflow_has_a_team_and_a_wait",
                condition=Q(overflow_team=None, overflow_seconds=None)
                | Q(overflow_team__isnull=False, overflow_seconds__isnull=False, overflow_seconds__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return "settings of routing"
