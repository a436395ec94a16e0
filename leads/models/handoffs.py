"""The hand-over: attempts to pass a contact to sales, the answers, and the offers that follow."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from leads import outcomes, stages, words
from leads.constraints import CompositeForeignKey
from leads.models.activities import Touch
from leads.models.contacts import Contact
from leads.outcomes import STILL_WORKED, Outcome
from leads.stages import HandoffState, ReasonKind

if TYPE_CHECKING:
    from crm.models import User

OPEN = [state.value for state in stages.OPEN_STATES]
ENDED = [state.value for state in stages.ENDED_STATES]


class Reason(models.Model):
    """A counted reason. Once given it is retired rather than deleted, so that old answers keep their words."""

    kind = models.CharField(
        _("kind"), max_length=12, choices=[(kind.value, label) for kind, label in words.REASON_KINDS.items()]
    )
    code = models.SlugField(_("code"), max_length=40)
    label = models.CharField(_("label"), max_length=120)
    description = models.CharField(_("when it applies"), max_length=300, blank=True)
    position = models.IntegerField(default=0)
    is_retired = models.BooleanField(_("retired"), default=False)

    class Meta:
        ordering: ClassVar = ["kind", "position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "code"], name="reason_code_once_a_kind"),
            models.UniqueConstraint("kind", Lower("label"), name="reason_label_once_a_kind"),
            models.CheckConstraint(name="reason_has_a_label", condition=~Q(label="")),
        ]

    def __str__(self) -> str:
        return self.label


class HandoffQuerySet(models.QuerySet["Handoff"]):
    """Handoffs with row rights."""

    def open(self) -> HandoffQuerySet:
        """Those that have not ended."""
        return self.filter(state__in=OPEN)

    def visible_to(self, user: User) -> HandoffQuerySet:
        """Salespeople see what is or was offered to them or to their team; all others see every handoff."""
        if user.sees_all_contacts:
            return self
        rights = Q(assignee=user)
        if user.team_id:
            rights |= Q(assignee=None, team=user.team_id)
        return self.filter(rights)

    def after(self, campaign_id: int) -> HandoffQuerySet:
        """Those whose contacts had met the campaign when they were formed."""
        met = Touch.objects.filter(contact=OuterRef("contact"), campaign=campaign_id, at__lte=OuterRef("formed_at"))
        return self.filter(Exists(met))

    def with_outcome(self) -> HandoffQuerySet:
        """With `outcome`: the SQL twin of `leads.outcomes.outcome`."""
        nothing_handed = Q(cause=Handoff.Cause.OWN) | Q(offered_at=None) | Q(reason__kind=ReasonKind.MERGE.value)
        return self.annotate(
            outcome=Case(
                When(nothing_handed, then=Value(None)),
                When(state__in=[one.value for one in STILL_WORKED], then=Value(Outcome.WORKING.value)),
                When(reason__kind=ReasonKind.WON.value, then=Value(Outcome.CUSTOMER.value)),
                default=Value(Outcome.UNQUALIFIED.value),
                output_field=models.CharField(max_length=11, null=True),
            )
        )


class Handoff(models.Model):
    """One attempt to pass one contact from marketing to sales."""

    class Cause(models.TextChoices):
        """What opened the handoff."""

        THRESHOLD = "threshold", _("Crossed the threshold")
        REQUEST = "request", _("Asked to be contacted")
        REJECTED = "rejected", _("Rejected by sales")
        OWN = "own", _("Own prospect")
        REFERRED = "referred", _("Found through a colleague of theirs")
        OUTBOUND = "outbound", _("Chosen by outbound")

    BY_SALES = (Cause.OWN, Cause.REFERRED)
    """Opened by a salesperson: marketing neither chose nor reviewed it."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="handoffs")
    state = models.CharField(_("state"), max_length=10, choices=list(words.HANDOFF_STATES.items()))
    phase = models.GeneratedField(
        expression=Case(
            When(state__in=[s.value for s in stages.REVIEW_STATES], then=Value(stages.Phase.REVIEW.value)),
            When(state__in=[s.value for s in stages.WORK_STATES], then=Value(stages.Phase.WORK.value)),
        ),
        output_field=models.CharField(max_length=6, null=True),
        db_persist=True,
    )
    cause = models.CharField(max_length=10, choices=Cause)
    previous = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="next", verbose_name=_("follows")
    )
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("assignee"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="handoffs",
    )
    holds = models.GeneratedField(
        expression=Case(When(state__in=OPEN, assignee__isnull=False, then=Value(True))),
        output_field=models.BooleanField(null=True),
        db_persist=True,
    )
    team = models.ForeignKey("crm.Team", null=True, blank=True, on_delete=models.PROTECT, related_name="handoffs")
    is_override = models.BooleanField(_("named by a person beyond capacity or hours"), default=False)
    assigned_because = models.CharField(_("why this person"), max_length=200, blank=True)
    straight_by = models.ForeignKey(
        "leads.HandoverRule",
        verbose_name=_("passed straight to sales by"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="handoffs",
    )
    formed_at = models.DateTimeField()
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    offered_at = models.DateTimeField(null=True, blank=True)
    overflowed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    contacted_at = models.DateTimeField(_("first attempt of a person"), null=True, blank=True)
    last_contacted_at = models.DateTimeField(_("latest attempt of a person"), null=True, blank=True)
    reached_at = models.DateTimeField(_("reached"), null=True, blank=True)
    meeting_at = models.DateTimeField(_("meeting arranged"), null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    resurface_at = models.DateTimeField(null=True, blank=True)
    overflow_at = models.DateTimeField(_("offered to another team from"), null=True, blank=True)
    reason = models.ForeignKey(Reason, null=True, blank=True, on_delete=models.PROTECT, related_name="handoffs")
    comment = models.TextField(_("comment"), blank=True)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)
    # What the score was when the handoff was formed, and which version of the rules said so.
    score = models.FloatField(null=True, blank=True)
    grade = models.CharField(max_length=2, blank=True)
    model_version = models.PositiveIntegerField(null=True, blank=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-formed_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["state", "formed_at"]),
            models.Index(fields=["assignee", "state"]),
            models.Index(fields=["contact", "-formed_at"]),
            models.Index(
                fields=["straight_by"], condition=Q(straight_by__isnull=False), name="handoff_passed_straight"
            ),
            models.Index(
                fields=["resurface_at"], condition=Q(resurface_at__isnull=False), name="handoff_resurface_due"
            ),
            models.Index(fields=["overflow_at"], condition=Q(overflow_at__isnull=False), name="handoff_overflow_due"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact"], condition=Q(state__in=OPEN), name="one_open_handoff_a_contact"),
            models.UniqueConstraint(fields=["contact", "phase"], name="handoff_contact_phase"),
            CompositeForeignKey(
                name="open_handoff_fits_its_contacts_stage",
                fields=["contact", "phase"],
                to_table="leads_contact",
                to_columns=["id", "phase"],
            ),
            # An open handoff is held by somebody who is active, whoever deactivates or gives at the same time.
            CompositeForeignKey(
                name="open_handoff_held_by_somebody_active",
                fields=["assignee", "holds"],
                to_table="crm_user",
                to_columns=["id", "is_active"],
            ),
            models.CheckConstraint(name="handoff_state_known", condition=Q(state__in=OPEN + ENDED)),
            models.CheckConstraint(
                name="handoff_ended_has_an_end",
                condition=Q(state__in=OPEN, ended_at=None) | Q(state__in=ENDED, ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="handoff_no_needs_a_reason",
                condition=~Q(state__in=["rejected", "returned", "recycled"]) | Q(reason__isnull=False),
            ),
            models.CheckConstraint(
                name="handoff_offered_to_somebody",
                condition=~Q(state="offered")
                | Q(offered_at__isnull=False, assignee__isnull=False)
                | Q(offered_at__isnull=False, team__isnull=False, overflowed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="handoff_accepted_by_somebody",
                condition=~Q(state="accepted")
                | Q(assignee__isnull=False, offered_at__isnull=False, answered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="handoff_review_has_no_assignee",
                condition=~Q(state__in=["in_review", "waiting"]) | Q(assignee=None, offered_at=None),
            ),
            models.CheckConstraint(
                name="handoff_resurfaces_only_when_recycled",
                condition=Q(resurface_at=None) | Q(state="recycled"),
            ),
            models.CheckConstraint(
                name="handoff_overflows_only_while_waiting", condition=Q(overflow_at=None) | Q(state="waiting")
            ),
            models.CheckConstraint(name="handoff_rating_1_to_5", condition=Q(rating=None) | Q(rating__range=(1, 5))),
            models.CheckConstraint(
                name="handoff_contacted_after_offered",
                condition=Q(contacted_at=None) | Q(contacted_at__gte=F("offered_at")),
            ),
            models.CheckConstraint(
                name="handoff_contacted_first_and_last",
                condition=Q(contacted_at=None, last_contacted_at=None)
                | Q(contacted_at__isnull=False, last_contacted_at__gte=F("contacted_at")),
            ),
            models.CheckConstraint(
                name="handoff_meeting_was_a_contact",
                condition=Q(meeting_at=None) | Q(meeting_at__gte=F("contacted_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"handoff {self.pk} of contact {self.contact_id}: {self.state}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def state_enum(self) -> HandoffState:
        return HandoffState(self.state)

    def find_outcome(self) -> Outcome | None:
        """What came of it for marketing; costs no query when it was read with `reason`."""
        return outcomes.outcome(
            state=self.state_enum,
            is_own=self.cause == self.Cause.OWN,
            is_offered=self.offered_at is not None,
            reason_kind=ReasonKind(self.reason.kind) if self.reason else None,
        )


class HandoffEvent(models.Model):
    """One act on one handoff, with what it replaced: the conversation, the audit and the undo."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="events")
    verb = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, db_index=False, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.ForeignKey(Reason, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    comment = models.TextField(blank=True)
    # As they stand behind an @ in the comment, so that a page sets them apart.
    names = models.JSONField(default=list, blank=True)
    rating = models.PositiveSmallIntegerField(null=True, blank=True)
    before = models.JSONField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["handoff", "at"]),
            models.Index(fields=["actor", "-at"]),
            models.Index(fields=["assignee", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.verb} on {self.handoff_id}"


class OpportunityQuerySet(models.QuerySet["Opportunity"]):
    """Opportunities with row rights."""

    def visible_to(self, user: User) -> OpportunityQuerySet:
        """Salespeople see their own; all others see every one."""
        if user.sees_all_contacts:
            return self
        return self.filter(owner=user)


class Opportunity(models.Model):
    """An offer in money sent to a contact."""

    class State(models.TextChoices):
        """Where the offer stands."""

        OPEN = "open", _("Open")
        WON = "won", _("Won")
        LOST = "lost", _("Lost")

    class Step(models.TextChoices):
        """How far the talks have come; of a closed one, how far they came."""

        TO_OFFER = "to_offer", _("To be offered")
        SENT = "sent", _("Offer sent")
        NEGOTIATING = "negotiating", _("Negotiating")

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="opportunities")
    handoff = models.ForeignKey(Handoff, on_delete=models.PROTECT, related_name="opportunities")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opportunities")
    name = models.CharField(_("name"), max_length=150)
    amount = models.DecimalField(_("amount"), max_digits=14, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    state = models.CharField(_("state"), max_length=5, choices=State, default=State.OPEN)
    step = models.CharField(_("step"), max_length=12, choices=Step, default=Step.TO_OFFER)
    moved_at = models.DateTimeField(_("in this step since"), null=True, blank=True)
    """Null while it stands where it was opened."""
    sent_date = models.DateField(_("offer sent on"), null=True, blank=True)
    reason = models.ForeignKey(Reason, null=True, blank=True, on_delete=models.PROTECT, related_name="opportunities")
    comment = models.TextField(_("comment"), blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    satisfaction = models.PositiveSmallIntegerField(_("how satisfied they are"), null=True, blank=True)
    satisfaction_comment = models.TextField(_("what they said"), blank=True)
    case_study_at = models.DateTimeField(_("suggested for a case study"), null=True, blank=True)

    objects = OpportunityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "opportunities"
        ordering: ClassVar = ["-opened_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["owner", "state"]), models.Index(fields=["state", "closed_at"])]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contact"], condition=Q(state="open"), name="one_open_opportunity_a_contact"
            ),
            models.CheckConstraint(name="opportunity_amount_not_negative", condition=Q(amount__gte=0)),
            models.CheckConstraint(
                name="opportunity_offer_has_a_day", condition=Q(step="to_offer") | Q(sent_date__isnull=False)
            ),
            models.CheckConstraint(
                name="opportunity_satisfaction_of_customers",
                condition=Q(satisfaction=None, case_study_at=None) | Q(state="won", satisfaction__range=(1, 5)),
            ),
            models.CheckConstraint(
                name="opportunity_closed_with_a_reason",
                condition=Q(state="open", reason=None, closed_at=None)
                | Q(state__in=["won", "lost"], reason__isnull=False, closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def in_step_since(self) -> dt.datetime:
        return self.moved_at or self.opened_at


class OpportunityEvent(models.Model):
    """One change of an opportunity, with what it replaced; opening and closing are acts on its handoff."""

    opportunity = models.ForeignKey(Opportunity, on_delete=models.CASCADE, related_name="events")
    what = models.CharField(max_length=12)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    from_step = models.CharField(max_length=12)
    to_step = models.CharField(max_length=12)
    before = models.JSONField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["opportunity", "at"])]

    def __str__(self) -> str:
        return f"{self.what} {self.opportunity_id}"
