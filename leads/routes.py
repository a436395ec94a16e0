"""Writing routing: the rules by which leads find people, and when a lead that waits is offered to another team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Min
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid
from crm.models import Role, User
from crm.models.people import OVERFLOW_KINDS
from leads import condition_words, facts, order
from leads.models import RotationTurn, RoutingMember, RoutingRule, RoutingSettings
from leads.rotation import MOST_WEIGHT

FIELDS = ("name", "conditions", "team", "otherwise", "position", "is_active")
SETTINGS = ("overflow_team", "overflow_seconds", "overflow_calendar", "most_a_pass")
MOST_RULES = 50


def save(rule: RoutingRule, *, values: Mapping[str, Any]) -> None:
    """Write a new or a locked rule: columns named in `FIELDS` and `weights`, the weight of each person by their id.

    A new one without a position comes first. What is chosen changes for leads from now on. Raises `Invalid` naming the
    field that is malformed.
    """
    given = {name: value for name, value in values.items() if name in FIELDS}
    if given.get("position") is None:
        given.pop("position", None)
    if "conditions" in given:
        given["conditions"] = condition_words.checked(given["conditions"], known=facts.POLICY_FIELDS)
    for name, value in given.items():
        setattr(rule, name, value)
    if not rule.name.strip():
        raise Invalid(_("Give the rule a name."), field="name")
    if rule._state.adding:
        if RoutingRule.objects.count() >= MOST_RULES:
            raise Invalid(_("There are %(most)d rules at most.") % {"most": MOST_RULES}, field="name")
        if "position" not in given:
            first = RoutingRule.objects.aggregate(first=Min("position"))["first"]
            rule.position = 0 if first is None else first - 1
    known = {} if rule._state.adding else dict(rule.members.values_list("person", "weight"))
    weights = _checked(values.get("weights", known), known=known)
    if rule.team is None and not any(weights.values()):
        raise Invalid(_("Name a team, or somebody with a weight of 1 or more."), field="weights")
    rule.save()
    if weights != known:
        rule.members.all().delete()
        RoutingMember.objects.bulk_create(
            RoutingMember(rule=rule, person_id=person_id, weight=weight) for person_id, weight in weights.items()
        )


def _checked(weights: Mapping[int, int], *, known: Mapping[int, int]) -> dict[int, int]:
    """The weights, each of somebody who sells or who is named by the rule already. Raises `Invalid`."""
    sells = set(User.objects.with_role(Role.SALESPERSON).values_list("id", flat=True))
    for person_id, weight in weights.items():
        if person_id not in sells and person_id not in known:
            raise Invalid(_("A rule gives leads to active salespeople alone."), field="weights")
        if not 0 <= weight <= MOST_WEIGHT:
            raise Invalid(_("A weight lies between 0 and %(most)d.") % {"most": MOST_WEIGHT}, field="weights")
    return dict(weights)


def shift(rule: RoutingRule, *, by: int) -> bool:
    """Have an active rule asked a place earlier (-1) or later (1); whether it moved."""
    rows = RoutingRule.objects.select_for_update(no_key=True).filter(is_active=True)
    return order.shift(list(rows), pk=rule.pk, by=by)


def delete(rule: RoutingRule) -> None:
    """Remove a locked rule by which nobody ever got a lead. Raises `Conflict`."""
    if RotationTurn.objects.filter(rotation__rule=rule).exists():
        raise Conflict(_("People got leads by this rule, so it stays for their history. Take it out of use instead."))
    rule.delete()


def save_settings(settings: RoutingSettings, *, values: Mapping[str, Any]) -> bool:
    """Write what holds for all of routing, locked: columns named in `SETTINGS`; whether the wait changed.

    Raises `Invalid` naming the field.
    """
    before = (settings.overflow_team, settings.overflow_seconds, settings.overflow_calendar)
    for name, value in values.items():
        if name in SETTINGS:
            setattr(settings, name, value)
    team, seconds = settings.overflow_team, settings.overflow_seconds
    if team is not None and team.kind not in OVERFLOW_KINDS:
        raise Invalid(_("Choose a team of a partner or of customer service."), field="overflow_team")
    if (team is None) != (seconds is None):
        field = "overflow_team" if team is None else "overflow_seconds"
        raise Invalid(_("Say both: after how long, and to which team."), field=field)
    if seconds is not None and seconds <= 0:
        raise Invalid(_("Let leads wait longer than nothing."), field="overflow_seconds")
    if not 1 <= settings.most_a_pass <= 100:
        raise Invalid(_("Give each person between 1 and 100 at a time."), field="most_a_pass")
    settings.save(update_fields=list(SETTINGS))
    return before != (settings.overflow_team, settings.overflow_seconds, settings.overflow_calendar)
