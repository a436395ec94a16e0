"""People, where they work, and the history of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Replace, Right
from django.utils.translation import gettext_lazy as _

from leads import stages, words
from leads.constraints import CompositeForeignKey
from leads.names import LONGEST_KEY, company_key

if TYPE_CHECKING:
    from crm.models import User


class Source(models.Model):
    """The channel a contact came through, such as organic search or a trade fair."""

    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=100)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class CompanyQuerySet(models.QuerySet["Company"]):
    """Companies with row rights."""

    def visible_to(self, user: User) -> CompanyQuerySet:
        """Everybody sees what the contacts they see work for; all but salespeople see every company."""
        if user.sees_all_contacts:
            return self
        return self.filter(id__in=Contact.objects.visible_to(user).exclude(company=None).values("company_id"))


class NameKeyField(models.CharField):
    """The row's name as it is compared. Written whenever the row is, by the same function on every database."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = company_key(model_instance.name)  # type: ignore[attr-defined]  # it stands beside a name
        setattr(model_instance, self.attname, key)
        return key


class Company(models.Model):
    """The organisation a contact works for."""

    name = models.CharField(_("name"), max_length=200)
    name_key = NameKeyField(max_length=LONGEST_KEY, editable=False)
    domain = models.CharField(_("domain"), max_length=200, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    industry = models.CharField(_("industry"), max_length=100, blank=True)
    employees = models.PositiveIntegerField(_("employees"), null=True, blank=True)
    annual_revenue = models.DecimalField(_("annual revenue"), max_digits=15, decimal_places=2, null=True, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    created_at = models.DateTimeField()

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        ordering: ClassVar = ["name", "id"]
        indexes: ClassVar = [models.Index(fields=["name"]), models.Index(fields=["domain"])]
        constraints: ClassVar = [models.UniqueConstraint(fields=["name_key"], name="company_name_once")]

    def __str__(self) -> str:
        return self.name


class ContactQuerySet(models.QuerySet["Contact"]):
    """Contacts with row rights."""

    def visible_to(self, user: User) -> ContactQuerySet:
        """Salespeople see what they own and what is or was handed to them; all others see every contact."""
        if user.sees_all_contacts:
            return self
        from leads.models.handoffs import Handoff  # a handoff points at its contact, so it is defined after it

        # A semi-join rather than a join, so that a contact handed over twice is not listed twice.
        handed = models.Exists(Handoff.objects.visible_to(user).filter(contact=models.OuterRef("pk")))
        return self.filter(Q(owner=user) | handed)


PHONE_SIGNS = " -()./+"
PHONE_TAIL = 8


def _phone_tail() -> Any:
    """The last digits of a phone number: the same with and without the code of the country."""
    digits: Any = F("phone")
    for sign in PHONE_SIGNS:
        digits = Replace(digits, Value(sign), Value(""))
    return Right(digits, PHONE_TAIL)


class Contact(models.Model):
    """A person: always in exactly one stage, with at most one owner."""

    email = models.EmailField(_("e-mail"), null=True, blank=True, unique=True)
    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    job_title = models.CharField(_("job title"), max_length=150, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    company = models.ForeignKey(
        Company, verbose_name=_("company"), null=True, blank=True, on_delete=models.PROTECT, related_name="contacts"
    )
    country = models.CharField(_("country"), max_length=2, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    source = models.ForeignKey(
        Source, verbose_name=_("source"), null=True, blank=True, on_delete=models.PROTECT, related_name="contacts"
    )
    stage = models.CharField(_("stage"), max_length=12, choices=list(words.STAGES.items()), default="subscriber")
    stage_at = models.DateTimeField(_("in this stage since"))
    # What an open handoff must agree with; computed by the database, so that nothing can forget it.
    phase = models.GeneratedField(
        expression=Case(
            When(stage__in=[s.value for s in stages.REVIEW_STAGES], then=Value(stages.Phase.REVIEW.value)),
            When(stage__in=[s.value for s in stages.WORK_STAGES], then=Value(stages.Phase.WORK.value)),
        ),
        output_field=models.CharField(max_length=6, null=True),
        db_persist=True,
    )
    # What a duplicate is found by; computed by the database.
    phone_tail = models.GeneratedField(
        expression=_phone_tail(), output_field=models.CharField(max_length=PHONE_TAIL), db_persist=True
    )
    is_disqualified = models.BooleanField(_("disqualified"), default=False)
    disqualified_reason = models.ForeignKey(
        "leads.Reason", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="contacts",
    )
    attributes = models.JSONField(_("further attributes"), default=dict, blank=True)
    created_at = models.DateTimeField()
    last_activity_at = models.DateTimeField(_("last activity"), null=True, blank=True)

    objects = ContactQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        # None on `last_activity_at`: every activity moves it, and without one PostgreSQL rewrites the row in place.
        indexes: ClassVar = [
            models.Index(fields=["stage", "-stage_at"]),
            models.Index(fields=["owner", "stage"]),
            models.Index(fields=["last_name", "first_name"]),
            models.Index(fields=["phone_tail"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="contact_stage_known", condition=Q(stage__in=[s.value for s in stages.Stage])),
            models.CheckConstraint(
                name="contact_disqualified_with_a_reason",
                condition=Q(is_disqualified=True, disqualified_reason__isnull=False)
                | Q(is_disqualified=False, disqualified_reason=None),
            ),
            models.CheckConstraint(
                name="contact_disqualified_is_not_worked",
                condition=Q(is_disqualified=False)
                | Q(stage__in=[stages.Stage.SUBSCRIBER.value, stages.Stage.LEAD.value]),
            ),
            models.UniqueConstraint(fields=["id", "phase"], name="contact_id_phase"),
            CompositeForeignKey(
                name="contact_stage_has_its_open_handoff",
                fields=["id", "phase"],
                to_table="leads_handoff",
                to_columns=["contact_id", "phase"],
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The full name, or the address when no name is known."""
        full = f"{self.first_name} {self.last_name}".strip()
        return full or self.email or self.phone or str(_("Contact %(id)s") % {"id": self.pk})


class ContactChange(models.Model):
    """One field of one contact changed: serves audit, replay of fit rules, merge and undo."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="changes")
    field = models.CharField(max_length=120)
    old = models.JSONField(null=True)
    new = models.JSONField(null=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # Set where it happened to a contact that was merged into this one later: history, but not of this one's fields.
    merge = models.ForeignKey("leads.Merge", null=True, blank=True, on_delete=models.CASCADE, related_name="changes")

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        indexes: ClassVar = [models.Index(fields=["contact", "-at"])]

    def __str__(self) -> str:
        return f"{self.contact_id}.{self.field}"


class StageChange(models.Model):
    """One step of a contact through the stages. The first has no `from_stage`."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="stage_changes")
    from_stage = models.CharField(max_length=12, choices=list(words.STAGES.items()), blank=True)
    to_stage = models.CharField(max_length=12, choices=list(words.STAGES.items()))
    verb = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    handoff = models.ForeignKey("leads.Handoff", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Set where it is a step of a contact that was merged into this one later.
    merge = models.ForeignKey("leads.Merge", null=True, blank=True, on_delete=models.CASCADE, related_name="steps")

    class Meta:
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["contact", "at"]), models.Index(fields=["to_stage", "at"])]

    def __str__(self) -> str:
        return f"{self.contact_id}: {self.from_stage} → {self.to_stage}"
