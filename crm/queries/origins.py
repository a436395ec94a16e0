"""By what the promises of a period are told apart: whose they are, and where and when their leads came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Case, CharField, F, Model, OuterRef, Q, Subquery, TextChoices, When
from django.db.models.functions import Cast, Coalesce, ExtractHour, ExtractIsoWeekDay
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import Team
from leads.models import Campaign, Source, Touch
from sla.models import Milestone

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    from sla.models import TimerQuerySet

NONE = "none"
"""What stands for "without one" in addresses."""


class Split(TextChoices):
    """By what promises are told apart."""

    PERSON = "person", _("Person")
    TEAM = "team", _("Team")
    SOURCE = "source", _("Source")
    CAMPAIGN = "campaign", _("Campaign")
    GRADE = "grade", _("Grade")


def _held_by(person: str, *, team: str | None = None) -> Combinable:
    """A field of whoever holds a promise: of a review the reviewer, of any other the assignee; else of the team."""
    held = F(f"assignee__{person}")
    return Case(
        When(milestone=Milestone.REVIEW, then=F(f"handoff__reviewed_by__{person}")),
        default=Coalesce(held, F(f"handoff__{team}")) if team else held,
    )


def _first_campaign(field: str) -> Subquery:
    """A field of the first touch with a campaign that the contact had when the handoff was formed."""
    met = Touch.objects.filter(
        contact=OuterRef("handoff__contact"), campaign__isnull=False, at__lte=OuterRef("handoff__formed_at")
    )
    return Subquery(met.order_by("at", "id").values(field)[:1])


def name_of(split: Split) -> Combinable:
    """The name of a promise's group, null for those without one."""
    return {
        Split.PERSON: _held_by("name"),
        Split.TEAM: _held_by("team__name", team="team__name"),
        Split.SOURCE: F("handoff__contact__source__name"),
        Split.CAMPAIGN: _first_campaign("campaign__name"),
        Split.GRADE: F("handoff__grade"),
    }[split]


def key_of(split: Split) -> Combinable:
    """What identifies a promise's group in addresses, as text: an e-mail address, a number, a grade."""
    key: Combinable = {
        Split.PERSON: _held_by("email"),
        Split.TEAM: _held_by("team", team="team"),
        Split.SOURCE: F("handoff__contact__source"),
        Split.CAMPAIGN: _first_campaign("campaign"),
        Split.GRADE: F("handoff__grade"),
    }[split]
    return Cast(key, CharField())


def in_group(rows: TimerQuerySet, split: Split, key: str) -> TimerQuerySet:
    """The promises of one group; `NONE` are those without one."""
    column = f"{split.value}_key"
    meaning = Q(**{f"{column}__isnull": True}) | Q(**{column: ""}) if key == NONE else Q(**{column: key})
    return rows.annotate(**{column: key_of(split)}).filter(meaning)


def arrived(rows: TimerQuerySet, *, weekday: int | None, since_hour: int | None, to_hour: int | None) -> TimerQuerySet:
    """Promises whose handoff was formed on a weekday (1 is Monday) and from an hour up to before another, local time.

    What is None bounds nothing; the zone is the current one.
    """
    if weekday is not None:
        rows = rows.annotate(arrived_on=ExtractIsoWeekDay("handoff__formed_at")).filter(arrived_on=weekday)
    if since_hour is not None or to_hour is not None:
        hours = Q()
        if since_hour is not None:
            hours &= Q(arrived_hour__gte=since_hour)
        if to_hour is not None:
            hours &= Q(arrived_hour__lt=to_hour)
        rows = rows.annotate(arrived_hour=ExtractHour("handoff__formed_at")).filter(hours)
    return rows


def group_name(split: Split, key: str) -> str:
    """What a group is called, by what identifies it in addresses; the key itself where there is no such group."""
    if key == NONE:
        return gettext("none")
    models: dict[Split, type[Model]] = {Split.TEAM: Team, Split.SOURCE: Source, Split.CAMPAIGN: Campaign}
    if split not in models or not key.isdecimal():
        return key
    found = models[split]._default_manager.filter(pk=int(key)).first()
    return str(found) if found else key
