"""Writing promises: who must do what within how much working time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Min, ProtectedError
from django.utils.translation import gettext as _

from crm.errors import Conflict
from leads import condition_words, facts
from sla import calendars, ladder
from sla.models import Milestone, Policy

FIELDS = ("name", "milestone", "target_seconds", "calendar", "conditions", "steps", "position", "is_active")
# Clocks that every hand-over starts, so that one promise at least must fit every handoff.
ALWAYS_PROMISED = (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)


def create(*, values: dict[str, Any], at: dt.datetime) -> Policy:
    """Add a policy; without a position it comes first among those of its milestone.

    `values` are columns named in `FIELDS`, `calendar` a row, `conditions` and `steps` as people write them. Raises
    `Invalid`.
    """
    values = {"conditions": [], "steps": None} | values
    policy = Policy(**_checked(values, milestone=values["milestone"]))
    if values.get("position") is None:
        first = Policy.objects.filter(milestone=policy.milestone).aggregate(first=Min("position"))["first"]
        policy.position = 0 if first is None else first - 1
    _require_reach(policy, at=at)
    policy.save()
    return policy


def edit(policy: Policy, *, values: dict[str, Any], at: dt.datetime) -> list[str]:
    """Change a locked policy, which makes a new version of it; return what changed.

    Clocks that run keep the version they were started under. Raises `Invalid`, `Conflict`.
    """
    milestone = values.get("milestone", policy.milestone)
    if milestone != policy.milestone:
        # Steps that fitted one promise need not fit another.
        values = {"steps": policy.steps} | values
    values = _checked(values, milestone=milestone)
    changed = [name for name, value in values.items() if getattr(policy, name) != value]
    if not changed:
        return []
    for name in changed:
        setattr(policy, name, values[name])
    policy.version += 1
    _require_reach(policy, at=at)
    policy.save(update_fields=[*changed, "version"])
    _require_promises()
    return changed


def delete(policy: Policy) -> None:
    """Remove a locked policy under which no clock was ever started. Raises `Conflict`."""
    try:
        policy.delete()
    except ProtectedError:
        raise Conflict(
            _("Clocks were started under this policy, so it stays for their history. Set it inactive instead.")
        ) from None
    _require_promises()


def _checked(values: dict[str, Any], *, milestone: str) -> dict[str, Any]:
    """The known values for a policy of this milestone, with conditions and steps as they are stored."""
    values = {
        name: value for name, value in values.items() if name in FIELDS and not (name == "position" and value is None)
    }
    if "conditions" in values:
        values["conditions"] = condition_words.checked(values["conditions"], known=facts.POLICY_FIELDS)
    if "steps" in values:
        values["steps"] = ladder.parse_steps(values["steps"], milestone=milestone)
    return values


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
                _("Nothing would promise a time for “%(milestone)s” any more. Keep a policy of it without conditions.")
                % {"milestone": milestone.label}
            )
