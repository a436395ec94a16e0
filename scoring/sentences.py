"""Rules as sentences that a person reads and can argue with."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import formats
from leads.conditions import Condition, parse_conditions
from scoring.models import ActivityRule, FitRule, ScoringModel

OPERATORS = {
    "equals": gettext_lazy("%(field)s is %(value)s"),
    "not_equals": gettext_lazy("%(field)s is not %(value)s"),
    "in": gettext_lazy("%(field)s is one of %(value)s"),
    "contains": gettext_lazy("%(field)s contains %(value)s"),
    "starts_with": gettext_lazy("%(field)s begins with %(value)s"),
    "gt": gettext_lazy("%(field)s is above %(value)s"),
    "gte": gettext_lazy("%(field)s is %(value)s or more"),
    "lt": gettext_lazy("%(field)s is below %(value)s"),
    "lte": gettext_lazy("%(field)s is %(value)s or less"),
    "between": gettext_lazy("%(field)s is between %(value)s"),
    "is_set": gettext_lazy("%(field)s is known"),
    "is_unset": gettext_lazy("%(field)s is not known"),
    "is_free_mail": gettext_lazy("%(field)s is a private mailbox"),
}
"""What each operator of a condition says."""

FIELDS = {
    "email": gettext_lazy("e-mail"),
    "job_title": gettext_lazy("job title"),
    "country": gettext_lazy("country"),
    "city": gettext_lazy("city"),
    "language": gettext_lazy("language"),
    "source": gettext_lazy("source"),
    "stage": gettext_lazy("stage"),
    "phone": gettext_lazy("phone"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "company.name": gettext_lazy("company"),
    "company.domain": gettext_lazy("domain of the company"),
    "company.tax_number": gettext_lazy("tax number of the company"),
    "company.industry": gettext_lazy("industry"),
    "company.employees": gettext_lazy("number of people in the company"),
    "company.annual_revenue": gettext_lazy("revenue of the company"),
    "company.country": gettext_lazy("country of the company"),
    "company.city": gettext_lazy("city of the company"),
}
"""The words for the fields of contacts and companies; a property of an activity is called by its own name."""


def field_name(field: str) -> str:
    """What a field is called in a sentence; an attribute by its own name."""
    return str(FIELDS.get(field, field.removeprefix("attributes.")))


def activity_sentence(rule: ActivityRule, model: ScoringModel) -> str:
    """What earns the points, how far they add up, and how they fade: "Each page view whose path begins with …"."""
    conditions = [condition_sentence(one) for one in parse_conditions(rule.conditions, key="property")]
    what = str(rule.type)
    if conditions:
        what = _("%(what)s, where %(conditions)s") % {"what": what, "conditions": _(" and ").join(conditions)}
    parts = [what]
    if rule.once_per:
        parts.append(_once(rule))
    if rule.cap is not None:
        parts.append(_("together at most %(cap)s") % {"cap": formats.number(rule.cap)})
    if rule.floor is not None:
        parts.append(_("together at least %(floor)s") % {"floor": formats.number(rule.floor)})
    days = formats.number(rule.half_life_days or model.half_life_days)
    parts.append(_("halved every %(days)s days") % {"days": days})
    if rule.is_request:
        parts.append(_("promotes at once, whatever the score"))
    return "; ".join(parts) + "."


def _once(rule: ActivityRule) -> str:
    if rule.within_days is None:
        return _("each %(object)s counts once") % {"object": rule.once_per}
    text = ngettext(
        "each %(object)s counts once in %(days)d day", "each %(object)s counts once in %(days)d days", rule.within_days
    )
    return text % {"object": rule.once_per, "days": rule.within_days}


def fit_sentence(rule: FitRule) -> str:
    """When a fit rule gives its points: "Country is one of FI, PL"."""
    said = condition_sentence(Condition(field=rule.field, op=rule.op, value=rule.value))
    return said[:1].upper() + said[1:] + "."


def condition_sentence(condition: Condition) -> str:
    """What a condition asks, without a stop: "path begins with /pricing"."""
    pattern = str(OPERATORS.get(condition.op, "%(field)s"))
    return pattern % {"field": field_name(condition.field), "value": _value(condition)}


def _value(condition: Condition) -> str:
    value: Any = condition.value
    if condition.op == "between" and isinstance(value, list | tuple):
        return _("%(low)s and %(high)s") % {"low": _plain(value[0]), "high": _plain(value[1])}
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return _plain(value)


def _plain(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return formats.number(value) if is_number else str(value)
