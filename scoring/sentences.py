"""Rules as sentences that a person reads and can argue with."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm import formats
from leads.condition_words import conditions_sentence, whole_sentence
from leads.conditions import Condition, parse_conditions
from scoring.models import ActivityRule, FitRule, ScoringModel


def activity_sentence(rule: ActivityRule, model: ScoringModel) -> str:
    """What earns the points, how far they add up, and how they fade: "Each page view whose path begins with …"."""
    conditions = conditions_sentence(parse_conditions(rule.conditions, key="property"))
    what = str(rule.type)
    if conditions:
        what = _("%(what)s, where %(conditions)s") % {"what": what, "conditions": conditions}
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
    """When a fit rule gives its points: "Country is one of FI, PL."."""
    return whole_sentence(Condition(field=rule.field, op=rule.op, value=rule.value))
