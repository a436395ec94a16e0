"""Writing promises: who must do what within how much working time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Min, ProtectedError
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid
from leads import facts
from leads.conditions import ConditionError, parse_conditions
from sla import calendars, services
from sla.models import Milestone, Policy

if TYPE_CHECKING:
    from crm.models import User

FIELDS = ("name", "milestone", "target_seconds", "calendar", "conditions", "steps", "position", "is_active")
# Clocks that every hand-over starts, so that one promise at least must fit every handoff.
ALWAYS_PROMISED = (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)


@transaction.atomic
def create_policy(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Policy:
    """Add a policy; without a position it comes first among those of its milestone. Managers and administrators.

    `values` are columns named in `FIELDS`, `calendar` a row, `conditions` and `steps` as people write them. Raises
    `Forbidden`, `Invalid`.
    """
    _require_right(actor)
    values = _checked(values)
    if values.get("position") is None:
        first = Policy.objects.filter(milestone=values["milestone"]).aggregate(first=Min("position"))["first"]
        values["position"] = 0 if first is None else first - 1
    values.setdefault("steps", services.parse_steps(None))
    policy = Policy(**values)
    _require_reach(policy, at=at)
    policy.save()
    return policy


@transaction.atomic
def edit_policy(*, actor: User, policy_id: int, values: dict[str, Any], at: dt.datetime) -> Policy:
    """Change a policy, which makes a new version of it. Clocks that run keep the version they were started under.

    Managers and administrators. Raises `Forbidden`, `Invalid`, `Conflict`, `Policy.DoesNotExist`.
    """
    _require_right(actor)
    policy = Policy.objects.select_for_update(of=("self",)).select_related("calendar").get(id=policy_id)
    values = _checked({name: value for name, value in values.items() if value is not None or name != "position"})
    changed = [name for name, value in values.items() if getattr(policy, name) != value]
    if not changed:
        return policy
    for name in changed:
        setattr(policy, name, values[name])
    policy.version += 1
    _require_reach(policy, at=at)
    policy.save(update_fields=[*changed, "version"])
    _require_promises()
    return policy


@transaction.atomic
def delete_policy(*, actor: User, policy_id: int) -> None:
    """Remove a policy under which no clock was ever started. Raises `Forbidden`, `Conflict`, `Policy.DoesNotExist`."""
    _require_right(actor)
    policy = Policy.objects.select_for_update(of=("self",)).get(id=policy_id)
    try:
        policy.delete()
    except ProtectedError:
        raise Conflict(
            _("Clocks were started under this policy, so it stays for their history. Set it inactive instead.")
        ) from None
    _require_promises()


def _require_right(actor: User) -> None:
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators set policies."))


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The known values, conditions and steps as they are stored."""
    values = {name: value for name, value in values.items() if name in FIELDS}
    if "conditions" in values:
        values["conditions"] = _stored_conditions(values["conditions"])
    if "steps" in values:
        values["steps"] = services.parse_steps(values["steps"])
    return values


def _stored_conditions(conditions: Any) -> list[dict[str, Any]]:
    try:
        parsed = parse_conditions(conditions or [], known=facts.POLICY_FIELDS)
    except ConditionError as error:
        sentence = _(error.template) % error.params
        if error.index is not None:
            sentence = _("Condition %(number)d: %(sentence)s") % {"number": error.index + 1, "sentence": sentence}
        raise Invalid(sentence, field="conditions") from None
    return [
        {
            "field": one.field,
            "op": one.op,
            "value": list(one.value) if isinstance(one.value, tuple) else one.value,
        }
        for one in parsed
    ]


def _require_reach(policy: Policy, *, at: dt.datetime) -> None:
    calendars.require_reach(
        policy.calendar.parse(), working_seconds=policy.target_seconds, at=at, field="target_seconds"
    )


def _require_promises() -> None:
    """Raise `Conflict` when some handoff would be without a clock: no lead is ever lost."""
    fitting_all = set(Policy.objects.filter(is_active=True, conditions=[]).values_list("milestone", flat=True))
    for milestone in ALWAYS_PROMISED:
        if milestone not in fitting_all:
            raise Conflict(
                _(
                    "Nothing would promise a time for “%(milestone)s” any more. Keep one policy for it without conditions."
                )
                % {"milestone": milestone.label}
            )
