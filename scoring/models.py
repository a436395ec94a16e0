"""Versions of the rules, and what they make of each contact."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from leads.models import Activity, ActivityType, Contact
from scoring import engine


def default_fit_bands() -> list[float]:
    """The lowest fit of the letters A, B and C."""
    return list(engine.FIT_BANDS)


def default_engagement_bands() -> list[float]:
    """The lowest engagement of the digits 1, 2 and 3."""
    return list(engine.ENGAGEMENT_BANDS)


class ScoringModel(models.Model):
    """One version of the rules: draft, then published, then retired; a published one is never edited."""

    class Status(models.TextChoices):
        """Where a version stands."""

        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        RETIRED = "retired", _("Retired")

    name = models.CharField(_("name"), max_length=100)
    version = models.PositiveIntegerField(_("version"), unique=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    half_life_days = models.FloatField(_("half-life in days"), default=14)
    mql_threshold = models.FloatField(_("MQL from"), default=60)
    hot_threshold = models.FloatField(_("hot from"), default=90)
    cooling_threshold = models.FloatField(_("cooling below"), default=50)
    fit_bands = models.JSONField(_("lowest fit of A, B and C"), default=default_fit_bands)
    engagement_bands = models.JSONField(_("lowest engagement of 1, 2 and 3"), default=default_engagement_bands)
    reference_at = models.DateTimeField()
    based_on = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="drafts")
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-version"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["status"], condition=Q(status="published"), name="one_published_model"),
            models.CheckConstraint(name="model_half_life_a_day_at_least", condition=Q(half_life_days__gte=1)),
            models.CheckConstraint(
                name="model_hot_above_mql", condition=Q(hot_threshold__gte=models.F("mql_threshold"))
            ),
            models.CheckConstraint(
                name="model_published_says_when",
                condition=Q(status="draft", published_at=None) | Q(~Q(status="draft"), published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class ActivityRule(models.Model):
    """Points for an activity, fading by half every half-life, within a floor and a cap."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="activity_rules")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=120)
    type = models.ForeignKey(ActivityType, verbose_name=_("type"), on_delete=models.PROTECT, related_name="+")
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    points = models.FloatField(_("points"))
    cap = models.FloatField(_("at most"), null=True, blank=True)
    floor = models.FloatField(_("at least"), null=True, blank=True)
    once_per = models.CharField(_("once per"), max_length=60, blank=True)
    within_days = models.PositiveIntegerField(_("within days"), null=True, blank=True)
    half_life_days = models.FloatField(_("own half-life in days"), null=True, blank=True)
    is_request = models.BooleanField(_("asks to be contacted"), default=False)

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="rule_cap_not_below_zero", condition=Q(cap=None) | Q(cap__gte=0)),
            models.CheckConstraint(name="rule_floor_not_above_zero", condition=Q(floor=None) | Q(floor__lte=0)),
            models.CheckConstraint(
                name="rule_half_life_a_day_at_least", condition=Q(half_life_days=None) | Q(half_life_days__gte=1)
            ),
            models.CheckConstraint(name="rule_window_needs_an_object", condition=Q(within_days=None) | ~Q(once_per="")),
        ]

    def __str__(self) -> str:
        return self.name


class FitRule(models.Model):
    """Points for who a contact is."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="fit_rules")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(_("name"), max_length=120)
    field = models.CharField(_("field"), max_length=120)
    op = models.CharField(_("operator"), max_length=20)
    value = models.JSONField(_("value"), null=True, blank=True)
    points = models.FloatField(_("points"))

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Component(models.Model):
    """What one rule has added up for one contact: Σ points · 2^((occurred_at − reference_at) / half-life)."""

    # The index of its constraint begins with the contact, so that one of its own would only have to be written.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="components", db_index=False)
    rule = models.ForeignKey(ActivityRule, on_delete=models.CASCADE, related_name="components")
    amount = models.FloatField()
    reference_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["contact", "rule"], name="component_once")]

    def __str__(self) -> str:
        return f"{self.contact_id}/{self.rule_id}"


class CountedObject(models.Model):
    """Which activity stands for an object within its window, for rules that count each object once."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+", db_index=False)
    rule = models.ForeignKey(ActivityRule, on_delete=models.CASCADE, related_name="+")
    object_key = models.CharField(max_length=200)
    window = models.BigIntegerField()
    activity = models.ForeignKey(Activity, on_delete=models.CASCADE, related_name="+")
    occurred_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contact", "rule", "object_key", "window"], name="object_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.object_key}"


class Adjustment(models.Model):
    """Points a person gave or took by hand, with the reason."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="adjustments")
    points = models.FloatField(_("points"))
    reason = models.CharField(_("reason"), max_length=300)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [models.CheckConstraint(name="adjustment_has_a_reason", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.points:+g} for {self.contact_id}"


class Score(models.Model):
    """The score of one contact as of `valued_at`; pages compute the live value from the components."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, primary_key=True, related_name="score")
    # Nearly all have the same one, so that an index would help nobody.
    model = models.ForeignKey(ScoringModel, on_delete=models.PROTECT, related_name="+", db_index=False)
    value = models.FloatField(default=0)
    engagement = models.FloatField(default=0)
    fit = models.FloatField(default=0)
    adjustment = models.FloatField(default=0)
    grade = models.CharField(max_length=2, default="D4")
    valued_at = models.DateTimeField()
    is_armed = models.BooleanField(default=True)
    next_check_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["-value"]),
            models.Index(fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="score_check_due"),
        ]

    def __str__(self) -> str:
        return f"{self.value:g}"


class JobState(models.TextChoices):
    """Where a background job stands; a job that stopped in the middle goes on from what its row says."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Publication(models.Model):
    """One publishing of a version: rescores everybody in batches, then promotes who crossed, as was asked."""

    class Mode(models.TextChoices):
        """What becomes of those whom the new version lifts over the threshold."""

        ALL = "all", _("Promote all at once")
        PACED = "paced", _("Promote so many a working day")
        FROM_NOW = "from_now", _("Only from now on")

    model = models.OneToOneField(ScoringModel, on_delete=models.PROTECT, related_name="publication")
    previous = models.ForeignKey(ScoringModel, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(_("who crossed"), max_length=10, choices=Mode, default=Mode.ALL)
    per_day = models.PositiveIntegerField(_("a working day"), null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    last_contact_id = models.BigIntegerField(default=0)
    promoted = models.PositiveIntegerField(default=0)
    promoted_date = models.DateField(null=True, blank=True)
    promoted_that_day = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="publication_paced_says_how_many",
                condition=~Q(mode="paced") | Q(per_day__isnull=False, per_day__gt=0),
            )
        ]

    def __str__(self) -> str:
        return f"publication of {self.model_id}"


class HeldPromotion(models.Model):
    """A contact whom a publication lifted over the threshold and whose working day to be promoted has not come."""

    contact = models.OneToOneField(Contact, primary_key=True, on_delete=models.CASCADE, related_name="held_promotion")
    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="held")
    score = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-score", "contact"]

    def __str__(self) -> str:
        return f"{self.contact_id} waits for its day"


class Backtest(models.Model):
    """What a version would have done in a past period; a job whose result is kept."""

    model = models.ForeignKey(ScoringModel, on_delete=models.CASCADE, related_name="backtests")
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    is_cancel_asked = models.BooleanField(default=False)
    result = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="backtest_period_in_order", condition=Q(until__gt=models.F("since"))),
        ]

    def __str__(self) -> str:
        return f"backtest of {self.model_id}"


class SuggestionJob(models.Model):
    """Points learned from outcomes, as a job: what it was asked, how well the points tell, and the draft it made."""

    outcome = models.CharField(_("a good end is"), max_length=10)
    insist_on = models.JSONField(default=list, blank=True)
    although_chance = models.BooleanField(_("although no better than chance"), default=False)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    auc = models.FloatField(null=True, blank=True)
    auc_margin = models.FloatField(null=True, blank=True)
    draft = models.OneToOneField(
        ScoringModel, null=True, blank=True, on_delete=models.SET_NULL, related_name="suggestion"
    )
    error = models.TextField(blank=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="suggestion_drafts_when_done", condition=Q(draft=None) | Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"suggestion {self.pk}"


class PreviewJob(models.Model):
    """What publishing a draft would do, counted in the background; its result stays until it is counted again."""

    model = models.OneToOneField(ScoringModel, on_delete=models.CASCADE, related_name="preview_job")
    revision_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True, blank=True)
    result_revision_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="preview_done_has_a_result", condition=~Q(state="done") | Q(result__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"preview of {self.model_id}"
