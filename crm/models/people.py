"""Who works with Baton: users, their roles and teams, and the keys their programs use."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import zoneinfo
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from crm import quiet, rhythms

if TYPE_CHECKING:
    from sla.models import Calendar


class Role(models.TextChoices):
    """What a person may do; the first of a user's roles decides the home page."""

    MARKETER = "marketer", _("Marketer")
    SALESPERSON = "salesperson", _("Salesperson")
    MANAGER = "manager", _("Manager")
    ADMIN = "admin", _("Administrator")


class TeamKind(models.TextChoices):
    """Which side of the hand-over a team stands on."""

    MARKETING = "marketing", _("Marketing")
    SALES = "sales", _("Sales")
    PARTNER = "partner", _("Partner")
    CUSTOMER_SERVICE = "customer_service", _("Customer service")


OVERFLOW_KINDS = (TeamKind.PARTNER, TeamKind.CUSTOMER_SERVICE)
"""Teams that get what sales cannot take; their people have no part in the rotation of everybody."""


class Team(models.Model):
    """People who share a job and, when overflowed to, an inbox."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=TeamKind, default=TeamKind.SALES)
    calendar = models.ForeignKey(
        "sla.Calendar",
        verbose_name=_("working time"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="teams",
    )

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


def validate_time_zone(value: str) -> None:
    """Refuse a time zone that the tz database does not know."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(value)s” is not a known time zone, such as Europe/Helsinki."), params={"value": value}
        )


class ReportRhythm(models.TextChoices):
    """How often the report of promises is mailed."""

    OFF = rhythms.OFF, _("Never")
    DAILY = rhythms.DAILY, _("Every day, about the day before")
    WEEKLY = rhythms.WEEKLY, _("Every Monday, about the week before")


class UserManager(BaseUserManager["User"]):
    """Makes users with a lower-case e-mail address and an ordered set of roles."""

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail, whatever its case."""
        return self.get(email=(username or "").strip().lower())

    def create_user(
        self, email: str, password: str | None = None, *, roles: tuple[str, ...] = (), **fields: Any
    ) -> User:
        """Create a user; the first of `roles` decides the home page."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save(using=self._db)
        user.set_roles(roles)
        return user

    def with_role(self, role: str) -> models.QuerySet[User]:
        """Active users who hold `role`."""
        return self.filter(is_active=True, role_rows__role=role)


class User(AbstractBaseUser):
    """A person who logs in with an e-mail address."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.PROTECT)
    language = models.CharField(_("language"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    calendar = models.ForeignKey(
        "sla.Calendar",
        verbose_name=_("working time"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="people",
    )
    capacity = models.PositiveSmallIntegerField(_("open handoffs at most"), default=8)
    daily_capacity = models.PositiveSmallIntegerField(_("new leads a day at most"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_on_duty = models.BooleanField(_("on duty"), default=True)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    away_from = models.DateTimeField(null=True, blank=True)
    away_until = models.DateTimeField(null=True, blank=True)
    deputy = models.ForeignKey(
        "self", verbose_name=_("deputy"), null=True, blank=True, on_delete=models.SET_NULL, related_name="deputy_of"
    )
    report_rhythm = models.CharField(_("report"), max_length=6, choices=ReportRhythm, default=ReportRhythm.OFF)
    report_hour = models.PositiveSmallIntegerField(_("hour of the report"), default=8)
    next_report_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["name"]
    objects = UserManager()

    class Meta:
        ordering: ClassVar = ["name", "id"]
        indexes: ClassVar = [
            models.Index(
                fields=["next_report_at"], condition=models.Q(next_report_at__isnull=False), name="user_report_due"
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_whatever_case"),
            # To which open handoffs point, so that nobody goes who holds one.
            models.UniqueConstraint(fields=["id", "is_active"], name="user_and_whether_active"),
            models.CheckConstraint(
                name="quiet_hours_begin_and_end",
                condition=models.Q(quiet_from=None, quiet_until=None)
                | (
                    models.Q(quiet_from__isnull=False, quiet_until__isnull=False)
                    & ~models.Q(quiet_from=models.F("quiet_until"))
                ),
            ),
            models.CheckConstraint(
                name="absence_begins_before_it_ends",
                condition=models.Q(away_from=None, away_until=None)
                | models.Q(away_from__isnull=False, away_until__isnull=False, away_from__lt=models.F("away_until")),
            ),
            models.CheckConstraint(
                name="report_has_a_next_instant",
                condition=models.Q(report_rhythm="off", next_report_at=None)
                | (~models.Q(report_rhythm="off") & models.Q(next_report_at__isnull=False)),
            ),
            models.CheckConstraint(name="report_hour_of_a_day", condition=models.Q(report_hour__lte=23)),
            models.CheckConstraint(name="nobody_is_their_own_deputy", condition=~models.Q(deputy=models.F("id"))),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def roles(self) -> list[str]:
        """The codes of this person's roles, first the one that decides the home page."""
        return [row.role for row in sorted(self.role_rows.all(), key=lambda row: row.position)]

    def has_role(self, *roles: str) -> bool:
        """Whether the person holds any of `roles`."""
        return any(role in self.roles for role in roles)

    def is_away(self, at: dt.datetime) -> bool:
        """Whether the person is out of office at `at`."""
        return bool(self.away_from and self.away_until and self.away_from <= at < self.away_until)

    def days_away(self, at: dt.datetime) -> tuple[dt.date, dt.date] | None:
        """The first and the last day out of office, of the person's own zone; None when none lie ahead at `at`."""
        if not (self.away_from and self.away_until) or self.away_until <= at:
            return None
        zone = zoneinfo.ZoneInfo(self.time_zone)
        last = (self.away_until - dt.timedelta(microseconds=1)).astimezone(zone).date()
        return self.away_from.astimezone(zone).date(), last

    @property
    def working_time(self) -> Calendar | None:
        """The calendar by which the person works: their own, else that of their team; without either they always do."""
        return self.calendar or (self.team.calendar if self.team else None)

    @property
    def is_available(self) -> bool:
        """Whether leads may be given to the person now: on duty, and not out of office."""
        return self.is_on_duty and not self.is_away(timezone.now())

    def possible_deputies(self) -> models.QuerySet[User]:
        """Who may stand in for the person: colleagues who see every contact, so that they can act on what they hear."""
        seers = (Role.MARKETER, Role.MANAGER, Role.ADMIN)
        return User.objects.filter(is_active=True, role_rows__role__in=seers).exclude(id=self.pk).distinct()

    def free_from(self, at: dt.datetime) -> dt.datetime:
        """The first instant from `at` on at which a warning may reach the person over what rings or blinks."""
        hours = (self.quiet_from, self.quiet_until) if self.quiet_from and self.quiet_until else None
        away = (self.away_from, self.away_until) if self.away_from and self.away_until else None
        return quiet.free_from(at, hours=hours, away=away, zone=zoneinfo.ZoneInfo(self.time_zone))

    @property
    def is_marketer(self) -> bool:
        return self.has_role(Role.MARKETER)

    @property
    def is_salesperson(self) -> bool:
        return self.has_role(Role.SALESPERSON)

    @property
    def is_manager(self) -> bool:
        return self.has_role(Role.MANAGER)

    @property
    def is_admin(self) -> bool:
        return self.has_role(Role.ADMIN)

    @property
    def sees_sla(self) -> bool:
        """Whether the page and the report of promises are theirs to read."""
        return self.has_role(Role.MANAGER, Role.ADMIN)

    @property
    def sees_all_contacts(self) -> bool:
        """Everybody but pure salespeople sees every contact."""
        return self.has_role(Role.MARKETER, Role.MANAGER, Role.ADMIN)

    def set_roles(self, roles: tuple[str, ...]) -> None:
        """Replace the person's roles, keeping the given order."""
        self.role_rows.all().delete()
        UserRole.objects.bulk_create(UserRole(user=self, role=Role(role), position=i) for i, role in enumerate(roles))
        self.__dict__.pop("roles", None)


class UserRole(models.Model):
    """One role of one person."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_rows")
    role = models.CharField(max_length=20, choices=Role)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role"], name="role_once_a_user"),
            models.UniqueConstraint(fields=["user", "position"], name="role_position_once_a_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class ApiKeyManager(models.Manager["ApiKey"]):
    """Makes keys and finds their owners; the key itself is never stored."""

    def issue(self, *, user: User, name: str = "", is_integration: bool = False) -> tuple[ApiKey, str]:
        """Create a key and return it with its secret, which cannot be shown again."""
        secret = secrets.token_urlsafe(32)
        key = self.create(user=user, name=name, digest=ApiKey.digest_of(secret), is_integration=is_integration)
        return key, secret


class ApiKey(models.Model):
    """Lets a program act for a user. An integration's key records no person as the actor."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=100, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    is_integration = models.BooleanField(_("an integration, not a person"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyManager()

    def __str__(self) -> str:
        return self.name or f"key {self.pk}"

    @staticmethod
    def digest_of(secret: str) -> str:
        """SHA-256 in hex: enough for a secret of 256 random bits."""
        return hashlib.sha256(secret.encode()).hexdigest()
