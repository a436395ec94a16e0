"""Conditions as people give them and read them: checked, as sentences, and the words for what they look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import formats
from crm.errors import Invalid
from leads.conditions import Condition, ConditionError, parse_conditions

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

OF_CONTACT = {
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
    "persona": gettext_lazy("persona"),
    "segment": gettext_lazy("segment"),
}
OF_COMPANY = {
    "company.name": gettext_lazy("company"),
    "company.domain": gettext_lazy("domain of the company"),
    "company.tax_number": gettext_lazy("tax number of the company"),
    "company.industry": gettext_lazy("industry"),
    "company.employees": gettext_lazy("number of people in the company"),
    "company.annual_revenue": gettext_lazy("revenue of the company"),
    "company.country": gettext_lazy("country of the company"),
    "company.city": gettext_lazy("city of the company"),
}
OF_QUALIFICATION = {
    "bant.budget": gettext_lazy("budget"),
    "bant.authority": gettext_lazy("authority"),
    "bant.need": gettext_lazy("need"),
    "bant.timeline": gettext_lazy("timeline"),
    "bant.decide_by": gettext_lazy("day of the decision"),
}
OF_ACTIVITIES = {
    "activity.type": gettext_lazy("type of an activity"),
    "activity.campaign": gettext_lazy("campaign of an activity"),
    "activity.source": gettext_lazy("source of an activity"),
    "activity.form": gettext_lazy("form of an activity"),
    "activity.path": gettext_lazy("path of an activity"),
    "activity.mail": gettext_lazy("mail of an activity"),
    "activity.webinar": gettext_lazy("webinar of an activity"),
}
OF_HANDOFF = {
    "handoff.cause": gettext_lazy("cause of the handoff"),
    "handoff.grade": gettext_lazy("grade at the handoff"),
    "handoff.score": gettext_lazy("score at the handoff"),
    "handoff.team": gettext_lazy("team it was offered to"),
    "handoff.campaign": gettext_lazy("campaign it was met through"),
}
GROUPS = (
    (gettext_lazy("The contact"), OF_CONTACT),
    (gettext_lazy("The company"), OF_COMPANY),
    (gettext_lazy("What they did"), OF_ACTIVITIES),
    (gettext_lazy("What sales found out"), OF_QUALIFICATION),
    (gettext_lazy("The handoff"), OF_HANDOFF),
)
"""What conditions look at, as an editor lists it."""

FIELDS = OF_CONTACT | OF_COMPANY | OF_ACTIVITIES | OF_QUALIFICATION | OF_HANDOFF
"""The words for facts; a property of an activity and an attribute are called by their own names."""


def checked(conditions: Any, *, known: Collection[str]) -> list[dict[str, Any]]:
    """Conditions as people give them, as they are stored. Raises `Invalid` with the number of the first wrong one."""
    try:
        parsed = parse_conditions(conditions or [], known=known)
    except ConditionError as error:
        sentence = _(error.template) % error.params
        if error.index is not None:
            sentence = _("Condition %(number)d: %(sentence)s") % {"number": error.index + 1, "sentence": sentence}
        raise Invalid(sentence, field="conditions") from None
    return [
        {"field": one.field, "op": one.op, "value": list(one.value) if isinstance(one.value, tuple) else one.value}
        for one in parsed
    ]


def field_name(field: str) -> str:
    """What a field is called in a sentence; an attribute by its own name."""
    return str(FIELDS.get(field, field.removeprefix("attributes.")))


def condition_sentence(condition: Condition) -> str:
    """What a condition asks, without a stop: "path begins with /pricing"."""
    pattern = str(OPERATORS.get(condition.op, "%(field)s"))
    return pattern % {"field": field_name(condition.field), "value": _value(condition)}


def whole_sentence(condition: Condition) -> str:
    """The same as a sentence of its own: "Country is one of FI, PL."."""
    said = condition_sentence(condition)
    return said[:1].upper() + said[1:] + "."


def conditions_sentence(conditions: Iterable[Condition]) -> str:
    """All of them in one: "country is FI and industry is known"; "" for none."""
    return str(_(" and ")).join(condition_sentence(one) for one in conditions)


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
