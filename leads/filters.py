"""What lists of contacts and of their hand-over can be narrowed down by: one FilterSet for page and API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Replace
from django.utils.translation import gettext_lazy as _

from crm.errors import Invalid
from leads import condition_words, facts, segments, words
from leads.conditions import parse_conditions
from leads.conditions_sql import contact_q
from leads.models import (
    Activity,
    Campaign,
    Company,
    Contact,
    ContactAddress,
    Handoff,
    Import,
    ImportedContact,
    Opportunity,
    Persona,
    Reason,
    RoutingRule,
    Segment,
    Task,
    TaskKind,
)
from leads.models.handoffs import HandoffQuerySet
from leads.models.imports import ImportState
from leads.names import company_key

MAX_ID = 2**63 - 1
MAX_WORDS = 6
LEAST_DIGITS = 4
NO_CODE = "none"


def _in_any(fields: Sequence[str], word: str) -> Q:
    """Where one of the columns contains the word, whatever its case.

    SQLite folds the case of plain Latin letters only, so the ways in which a word with others is usually written are
    asked for as well.
    """
    written = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    found = Q()
    for field in fields:
        for form in sorted(written):
            found |= Q(**{f"{field}__icontains": form})
    return found


def _without(text: Any, signs: str) -> Any:
    """A column with these signs taken out."""
    for sign in signs:
        text = Replace(text, Value(sign), Value(""))
    return text


class IdFilter(filters.Filter):
    """A row by its id; one that is not there finds nothing, so that absent and forbidden look alike."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"min_value": 1, "max_value": MAX_ID} | kwargs)


class TextFilter(filters.CharFilter):
    """Text, whatever its case."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"lookup_expr": "iexact", "max_length": 254} | kwargs)


class CodeFilter(TextFilter):
    """A row by its code; `none` finds what has none."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        self.relation = field_name
        super().__init__(field_name=f"{field_name}__code", **kwargs)

    def filter(self, rows: QuerySet, value: str) -> QuerySet:
        if value == NO_CODE:
            return rows.filter(**{f"{self.relation}__isnull": True})
        return super().filter(rows, value)


class PersonFilter(TextFilter):
    """A colleague, by e-mail address."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name=f"{field_name}__email", **kwargs)


class YesNoFilter(filters.ChoiceFilter):
    """Yes or no, as `true` or `false`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"choices": [("true", _("Yes")), ("false", _("No"))]} | kwargs)

    def filter(self, rows: QuerySet, value: str) -> QuerySet:
        return rows.filter(**{self.field_name: value == "true"}) if value else rows


class ConditionsField(forms.CharField):
    """Conditions as JSON: `[{"field": "country", "op": "in", "value": ["FI", "SE"]}]`."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_conditions(condition_words.checked(json.loads(text), known=facts.SEGMENT_FIELDS))
        except ValueError:
            raise forms.ValidationError(_("Write the conditions as JSON.")) from None
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from None


class ConditionsFilter(filters.CharFilter):
    """Rows that meet every one of some conditions."""

    field_class = ConditionsField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 4000} | kwargs)

    def filter(self, rows: QuerySet, value: Any) -> QuerySet:
        return rows.filter(contact_q(value)) if value else rows


def _choices(names: dict[Any, Any]) -> list[tuple[str, Any]]:
    return [(code.value, label) for code, label in names.items()]


class ContactFilter(filters.FilterSet):
    """Contacts by who they are, where they stand and whose they are; `q` searches names, addresses and companies."""

    q = filters.CharFilter(method="search", label=_("Search"), max_length=200)
    stage = filters.ChoiceFilter(choices=_choices(words.STAGES), label=_("Stage"))
    email = TextFilter(method="known_by", label=_("E-mail"))
    owner = PersonFilter("owner", label=_("Owner"))
    source = CodeFilter("source", label=_("Source"))
    company = IdFilter(field_name="company_id", label=_("Company"))
    country = TextFilter(label=_("Country"))
    campaign = IdFilter(method="touched_by", label=_("Campaign"))
    grade = filters.CharFilter(field_name="score__grade", lookup_expr="istartswith", max_length=2, label=_("Grade"))
    is_hot = YesNoFilter(method="heat", label=_("Hot"))
    is_disqualified = YesNoFilter(label=_("Disqualified"))
    disqualified_reason = TextFilter(field_name="disqualified_reason__code", label=_("Disqualified because"))
    created_by_import = IdFilter(method="imported", label=_("Created by the import"))
    touched_by_import = IdFilter(method="imported", label=_("Touched by the import"))
    rule = IdFilter(method="counted_by", label=_("Rule of the score"))
    segment = IdFilter(method="chosen", label=_("Segment"))
    persona = IdFilter(method="chosen", label=_("Persona"))
    case_study = YesNoFilter(method="suggested", label=_("Suggested for a case study"))
    where = ConditionsFilter(label=_("Conditions"))

    class Meta:
        model = Contact
        fields: list[str] = []

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Every word must be in one of the names, an address or the company's name; or all is a phone number.

        A further address is looked through for what reads like one, with an @.
        """
        found = Q()
        for word in value.split()[:MAX_WORDS]:
            is_there = _in_any(("first_name", "last_name", "email", "phone", "company__name"), word)
            if "@" in word:
                is_there |= Q(pk__in=ContactAddress.objects.filter(email__icontains=word).values("contact"))
            found &= is_there
        digits = "".join(sign for sign in value if sign.isdigit())
        if len(digits) >= LEAST_DIGITS and not any(sign.isalpha() for sign in value):
            rows = rows.annotate(phone_digits=_without(F("phone"), " -()./+"))
            found |= Q(phone_digits__contains=digits)
        return rows.filter(found)

    def known_by(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """By the main address or a further one."""
        further = ContactAddress.objects.filter(email__iexact=value).values("contact")
        return rows.filter(Q(email__iexact=value) | Q(pk__in=further))

    def heat(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """By the stored value of the score against the hot threshold of the model that gave it."""
        hot = Q(score__value__gte=F("score__model__hot_threshold"))
        return rows.filter(hot if value == "true" else ~hot)

    def counted_by(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        """Contacts whose score has points by the rule, however many are left."""
        counted = Contact.objects.filter(components__rule=value, components__count__gt=0)
        return rows.filter(pk__in=counted.values("pk"))

    def suggested(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Customers of whom sales told marketing that they are satisfied."""
        told = Exists(Opportunity.objects.filter(contact=OuterRef("pk"), case_study_at__isnull=False))
        return rows.filter(told if value == "true" else ~told)

    def chosen(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        """Contacts that a segment, or a version of a persona, chooses now."""
        kinds: dict[str, Any] = {"segment": Segment, "persona": Persona}
        row = kinds[name].objects.filter(pk=value).first()
        return rows.filter(segments.chosen_by(row)) if row else rows.none()

    def imported(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        """Contacts that came with one file, or whose address was known when a row of it came."""
        kept = {"created_by_import": "is_created", "touched_by_import": "is_touched"}
        found = ImportedContact.objects.filter(job=value, **{kept[name]: True})
        return rows.filter(pk__in=found.values("contact"))

    def touched_by(self, rows: QuerySet, name: str, value: int) -> QuerySet:
        """Contacts that met the campaign, however often."""
        return rows.filter(pk__in=Contact.objects.filter(touches__campaign=value).values("pk"))


class CompanyFilter(filters.FilterSet):
    """Companies by name, domain, industry and place; `q` searches name and domain."""

    q = filters.CharFilter(method="search", label=_("Search"), max_length=200)
    name = filters.CharFilter(method="named", label=_("Name"), max_length=200)
    domain = TextFilter(label=_("Domain"))
    industry = TextFilter(label=_("Industry"))
    country = TextFilter(label=_("Country"))

    class Meta:
        model = Company
        fields: list[str] = []

    def named(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """By the whole name, however it is written."""
        return rows.filter(name_key=company_key(value))

    def search(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        for word in value.split()[:MAX_WORDS]:
            rows = rows.filter(_in_any(("name", "domain"), word))
        return rows


class ActivityFilter(filters.FilterSet):
    """Activities by contact, type, direction and where they came from."""

    contact = IdFilter(field_name="contact_id", label=_("Contact"))
    type = filters.CharFilter(field_name="type_id", label=_("Type"), max_length=40)
    direction = filters.ChoiceFilter(choices=list(words.DIRECTIONS.items()), label=_("Direction"))
    source = filters.CharFilter(label=_("Source"), max_length=60)
    external_id = filters.CharFilter(label=_("External id"), max_length=200)
    actor = PersonFilter("actor", label=_("Actor"))
    campaign = TextFilter(field_name="campaign__name", label=_("Campaign"))

    class Meta:
        model = Activity
        fields: list[str] = []


class HandoffFilter(filters.FilterSet):
    """Handoffs by contact, state, cause, assignee and reason."""

    contact = IdFilter(field_name="contact_id", label=_("Contact"))
    state = filters.ChoiceFilter(choices=_choices(words.HANDOFF_STATES), label=_("State"))
    cause = filters.ChoiceFilter(choices=Handoff.Cause.choices, label=_("Cause"))
    assignee = PersonFilter("assignee", label=_("Assignee"))
    reason = TextFilter(field_name="reason__code", label=_("Reason"))
    straight_by = IdFilter(field_name="straight_by_id", label=_("Passed straight to sales by"))
    campaign = IdFilter(method="after", label=_("Formed after meeting the campaign"))
    source = CodeFilter("contact__source", label=_("Source"))
    outcome = filters.ChoiceFilter(choices=_choices(words.OUTCOMES), method="came_to", label=_("Outcome"))

    class Meta:
        model = Handoff
        fields: list[str] = []

    def after(self, rows: HandoffQuerySet, name: str, value: int) -> QuerySet:
        """Handoffs of contacts who had met the campaign when they were formed."""
        return rows.after(value)

    def came_to(self, rows: HandoffQuerySet, name: str, value: str) -> QuerySet:
        """Handed over, and what became of them."""
        told: QuerySet = rows.with_outcome()
        return told.filter(outcome=value) if value else rows


class OpportunityFilter(filters.FilterSet):
    """Opportunities by state, step, contact, handoff, owner and reason."""

    state = filters.ChoiceFilter(choices=Opportunity.State.choices, label=_("State"))
    step = filters.ChoiceFilter(choices=Opportunity.Step.choices, label=_("Step"))
    contact = IdFilter(field_name="contact_id", label=_("Contact"))
    handoff = IdFilter(field_name="handoff_id", label=_("Handoff"))
    owner = PersonFilter("owner", label=_("Owner"))
    reason = TextFilter(field_name="reason__code", label=_("Reason"))

    class Meta:
        model = Opportunity
        fields: list[str] = []


class TaskFilter(filters.FilterSet):
    """Tasks by state, contact, owner, kind and when they are due."""

    STATES = (("open", _("To do")), ("done", _("Done")), ("cancelled", _("Canceled")))

    state = filters.ChoiceFilter(choices=STATES, method="in_state", label=_("State"))
    contact = IdFilter(field_name="contact_id", label=_("Contact"))
    owner = PersonFilter("owner", label=_("Owner"))
    kind = filters.ChoiceFilter(choices=TaskKind.choices, label=_("Kind"))
    due_since = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gte", label=_("Due since"))
    due_before = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt", label=_("Due before"))

    class Meta:
        model = Task
        fields: list[str] = []

    def in_state(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Open, done or canceled."""
        if value == "open":
            return rows.filter(done_at=None, cancelled_at=None)
        return rows.filter(**{f"{value}_at__isnull": False})


class CampaignFilter(filters.FilterSet):
    """Campaigns by name and channel."""

    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label=_("Search"), max_length=150)
    name = TextFilter(label=_("Name"))
    source = TextFilter(field_name="source__code", label=_("Channel"))

    class Meta:
        model = Campaign
        fields: list[str] = []


class ImportFilter(filters.FilterSet):
    """Imports by state and campaign."""

    state = filters.ChoiceFilter(choices=ImportState.choices, label=_("State"))
    campaign = IdFilter(field_name="campaign_id", label=_("Campaign"))

    class Meta:
        model = Import
        fields: list[str] = []


class ReasonFilter(filters.FilterSet):
    """Reasons by the list they belong to, and whether they can be given no more."""

    kind = filters.ChoiceFilter(choices=_choices(words.REASON_KINDS), label=_("Kind"))
    is_retired = YesNoFilter(label=_("Retired"))

    class Meta:
        model = Reason
        fields: list[str] = []


class PersonaFilter(filters.FilterSet):
    """Versions of personas by name and whether they are in use."""

    name = TextFilter(label=_("Name"))
    is_active = YesNoFilter(label=_("In use"))

    class Meta:
        model = Persona
        fields: list[str] = []


class SegmentFilter(filters.FilterSet):
    """Segments by name."""

    name = TextFilter(label=_("Name"))

    class Meta:
        model = Segment
        fields: list[str] = []


class RoutingRuleFilter(filters.FilterSet):
    """Routing rules by name and whether they are in use."""

    name = TextFilter(label=_("Name"))
    active = YesNoFilter(field_name="is_active", label=_("Active"))

    class Meta:
        model = RoutingRule
        fields: list[str] = []
