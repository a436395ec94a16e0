"""Working time, promises, and the running of each promise."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils.translation import gettext_lazy as _

from leads.models import Handoff
from sla import clock

if TYPE_CHECKING:
    from crm.models import User


class Calendar(models.Model):
    """Working time: hours by weekday in a time zone, holidays of a country, closures and extra days."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    always_open = models.BooleanField(_("always open"), default=False)
    weekly = models.JSONField(_("weekly hours"), default=dict, blank=True)
    country = models.CharField(_("country of holidays"), max_length=2, blank=True)
    subdivision = models.CharField(_("subdivision"), max_length=40, blank=True)
    closures = models.JSONField(_("closures"), default=list, blank=True)
    extra_days = models.JSONField(_("extra days"), default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def parse(self) -> clock.Calendar:
        """The calendar as the arithmetic wants it. Raises `clock.CalendarError` when the row is malformed."""
        return clock.parse_calendar(
            time_zone=self.time_zone,
            always_open=self.always_open,
            weekly=self.weekly,
            country=self.country,
            subdivision=self.subdivision,
            closures=self.closures,
            extra_days=self.extra_days,
        )

    def is_open(self, at: dt.datetime) -> bool:
        """Whether it is working time at `at`."""
        return clock.is_open(self.parse(), at)


class Milestone(models.TextChoices):
    """What is promised."""

    REVIEW = "review", _("Review")
    ANSWER = "answer", _("Answer")
    CONTACT = "contact", _("First contact")
    MEETING = "meeting", _("Meeting")
    FOLLOW_UP = "follow_up", _("Follow-up")


class CalendarOf(models.TextChoices):
    """In whose working time a promise runs."""

    NAMED = "named", _("A calendar of its own")
    TEAM = "team", _("The calendar of the team")
    ASSIGNEE = "assignee", _("The calendar of the assignee")


class Policy(models.Model):
    """Who must do what within how much working time. The first active one whose conditions match is chosen."""

    name = models.CharField(_("name"), max_length=100)
    milestone = models.CharField(_("milestone"), max_length=10, choices=Milestone)
    target_seconds = models.PositiveIntegerField(_("target in seconds of working time"))
    calendar = models.ForeignKey(
        Calendar, verbose_name=_("calendar"), on_delete=models.PROTECT, related_name="policies"
    )
    calendar_of = models.CharField(_("whose working time"), max_length=10, choices=CalendarOf, default=CalendarOf.NAMED)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    steps = models.JSONField(_("steps"), default=list, blank=True)
    position = models.IntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name_plural = "policies"
        # Of two at the same position the newer comes first: it was put there on purpose.
        ordering: ClassVar = ["milestone", "position", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="policy_target_positive", condition=Q(target_seconds__gt=0)),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """What a version of a policy promised, and who made it so: written once, never edited."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    promise = models.JSONField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["policy", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_once"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of {self.policy_id}"


class TimerQuerySet(models.QuerySet["Timer"]):
    """Timers with row rights and their state as SQL."""

    def visible_to(self, user: User) -> TimerQuerySet:
        """Who sees a handoff sees its clocks."""
        if user.sees_all_contacts:
            return self
        return self.filter(handoff__in=Handoff.objects.visible_to(user))

    def open(self) -> TimerQuerySet:
        """Neither met nor cancelled."""
        return self.filter(met_at=None, cancelled_at=None)

    def outdated(self) -> TimerQuerySet:
        """Open clocks of an earlier version of their policy, or of one that is out of use."""
        stays = Q(policy_version=F("policy__version"), policy__is_active=True)
        return self.open().exclude(stays)

    def with_state(self, *, now: dt.datetime) -> TimerQuerySet:
        """Annotate `state_now`, the SQL twin of `states.timer_state`, and `is_soon`."""
        paused = Exists(Pause.objects.filter(handoff=OuterRef("handoff"), starts_at__lte=now, ends_at__gt=now))
        return self.annotate(
            state_now=Case(
                When(cancelled_at__isnull=False, then=Value("cancelled")),
                When(met_at__isnull=False, met_at__lte=F("due_at"), then=Value("met")),
                When(met_at__isnull=False, then=Value("late")),
                When(due_at__lt=now, then=Value("missed")),
                When(paused, then=Value("paused")),
                default=Value("running"),
                output_field=models.CharField(),
            ),
            is_soon=Case(
                When(met_at=None, cancelled_at=None, warn_at__lte=now, due_at__gte=now, then=Value(True)),
                default=Value(False),
                output_field=models.BooleanField(),
            ),
        )


class Timer(models.Model):
    """One running promise: facts only. Its state is `states.timer_state` of them and of now."""

    handoff = models.ForeignKey(Handoff, db_index=False, on_delete=models.CASCADE, related_name="timers")
    milestone = models.CharField(max_length=10, choices=Milestone)
    # A promise and a calendar have so many clocks that no index finds them sooner than reading all, and each step of
    # each clock would have to write it.
    policy = models.ForeignKey(Policy, db_index=False, on_delete=models.PROTECT, related_name="timers")
    policy_version = models.PositiveIntegerField()
    calendar = models.ForeignKey(Calendar, db_index=False, on_delete=models.PROTECT, related_name="+")
    target_seconds = models.PositiveIntegerField()
    steps = models.JSONField(default=list)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="timers"
    )
    started_at = models.DateTimeField()
    warn_at = models.DateTimeField()
    due_at = models.DateTimeField()
    met_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    # Its index on PostgreSQL knows only the few that replace another: see the migration 0008.
    replaces = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaced_by"
    )
    next_check_at = models.DateTimeField(null=True, blank=True)

    objects = TimerQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["next_check_at"], condition=Q(next_check_at__isnull=False), name="timer_check_due"),
            models.Index(fields=["due_at"], condition=Q(met_at=None, cancelled_at=None), name="timer_open_by_due"),
            models.Index(fields=["handoff", "milestone"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["handoff", "milestone"],
                condition=Q(met_at=None, cancelled_at=None),
                name="one_open_timer_a_milestone",
            ),
            models.CheckConstraint(
                name="timer_met_or_cancelled_not_both", condition=Q(met_at=None) | Q(cancelled_at=None)
            ),
            models.CheckConstraint(
                name="timer_over_is_not_checked",
                condition=Q(next_check_at=None) | Q(met_at=None, cancelled_at=None),
            ),
            models.CheckConstraint(
                name="timer_starts_warns_falls_due",
                condition=Q(started_at__lte=F("warn_at"), warn_at__lte=F("due_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone} of {self.handoff_id}"


class ClockMove(models.Model):
    """Bringing running clocks over to what holds now: a background job that may be killed, and run twice.

    Of a policy: clocks that run on earlier versions of it, or on it though it is out of use, go on under what fits
    their lead now. Of a calendar: clocks that run on it fall due by its new hours. Timers are gone through by id;
    `last_timer_id` says how far it is.
    """

    class State(models.TextChoices):
        """Where it stands."""

        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")

    policy = models.ForeignKey(Policy, null=True, blank=True, on_delete=models.CASCADE, related_name="moves")
    calendar = models.ForeignKey(Calendar, null=True, blank=True, on_delete=models.CASCADE, related_name="moves")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    last_timer_id = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["updated_at"], condition=Q(finished_at=None), name="clock_move_unfinished")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="clock_move_of_a_policy_or_a_calendar",
                condition=Q(policy=None, calendar__isnull=False) | Q(policy__isnull=False, calendar=None),
            ),
            models.CheckConstraint(
                name="clock_move_done_has_an_end",
                condition=Q(state="done", finished_at__isnull=False) | (~Q(state="done") & Q(finished_at=None)),
            ),
        ]

    def __str__(self) -> str:
        return f"moving clocks of {self.policy or self.calendar}"

    @property
    def share(self) -> float:
        """How much of it is done."""
        return self.done / self.total if self.total else 1.0

    @property
    def is_done(self) -> bool:
        return self.state == self.State.DONE


class Pause(models.Model):
    """A stretch in which all clocks of one handoff stand still. Always has an end."""

    handoff = models.ForeignKey(Handoff, on_delete=models.CASCADE, related_name="pauses")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(_("reason"), max_length=300)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["starts_at"]
        constraints: ClassVar = [
            models.CheckConstraint(name="pause_ends_after_it_starts", condition=Q(ends_at__gte=F("starts_at"))),
            models.CheckConstraint(name="pause_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.handoff_id}: {self.starts_at} – {self.ends_at}"


class LadderAct(models.Model):
    """A step of a timer's ladder that moves the lead: noted when the step is taken, done right after it.

    `next_attempt_at` is when a sweep does it, so that an act whose worker died is found again.
    """

    class Outcome(models.TextChoices):
        """What became of it."""

        MOVED = "moved", _("The lead was moved")
        TOLD = "told", _("It could not be moved, and a manager was told")
        MOOT = "moot", _("Nobody waited for it any more")

    timer = models.ForeignKey(Timer, on_delete=models.CASCADE, related_name="acts")
    step = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=[("reassign", _("Reassign")), ("overflow", _("Overflow"))])
    due_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)

    class Meta:
        ordering: ClassVar = ["due_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False), name="act_due"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["timer", "step"], name="act_once_a_step"),
            models.CheckConstraint(
                name="act_waits_or_is_over",
                condition=Q(next_attempt_at__isnull=False, done_at=None, outcome="")
                | (Q(next_attempt_at=None, done_at__isnull=False) & ~Q(outcome="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by step {self.step} of {self.timer_id}"
