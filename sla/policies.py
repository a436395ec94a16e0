"""Writing promises: who must do what within how much working time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Min, ProtectedError, Q
from django.utils.translation import gettext as _

from crm.errors import Conflict
from leads import condition_words, facts, order
from sla import calendars, ladder
from sla.models import Calendar, CalendarOf, Milestone, Policy, PolicyVersion

if TYPE_CHECKING:
    from crm.models import User

PROMISED = ("milestone", "target_seconds", "calendar", "calendar_of", "conditions", "steps")
"""What a version of a policy says; its name, place and whether it is in use may change without a new one."""
FIELDS = ("name", *PROMISED, "position", "is_active")
# Clocks that every hand-over starts, so that one promise at least must fit every handoff.
ALWAYS_PROMISED = (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)


def create(*, values: dict[str, Any], actor: User | None, at: dt.datetime) -> Policy:
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
    _keep_version(policy, actor=actor, at=at)
    return policy


def edit(policy: Policy, *, values: dict[str, Any], actor: User | None, at: dt.datetime) -> list[str]:
    """Change a locked policy, which makes a new version of it where it promises something else; return what changed.

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
    is_new = any(name in PROMISED for name in changed)
    policy.version += is_new
    _require_reach(policy, at=at)
    policy.save(update_fields=[*changed, "version"])
    if is_new:
        _keep_version(policy, actor=actor, at=at)
    _require_promises()
    return changed


def _keep_version(policy: Policy, *, actor: User | None, at: dt.datetime) -> None:
    promise = {
        "target_seconds": policy.target_seconds,
        "calendar": policy.calendar.name,
        "calendar_of": policy.calendar_of,
        "conditions": policy.conditions,
        "steps": policy.steps,
    }
    PolicyVersion.objects.create(policy=policy, number=policy.version, promise=promise, actor=actor, at=at)


def copy(policy: Policy, *, actor: User | None, at: dt.datetime) -> Policy:
    """A policy that promises the same, out of use, in the place before it."""
    room = (Policy._meta.get_field("name").max_length or 0) - len(_("Copy of %(name)s") % {"name": ""})
    values = {name: getattr(policy, name) for name in (*PROMISED, "position")}
    values |= {"name": _("Copy of %(name)s") % {"name": policy.name[:room]}, "is_active": False}
    return create(values=values, actor=actor, at=at)


def shift(policy: Policy, *, by: int) -> bool:
    """Move an active policy up (-1) or down (1) among those of its milestone that are in use; whether it moved.

    Those of the milestone are locked. What is chosen changes for clocks that start from now on.
    """
    rows = Policy.objects.select_for_update(no_key=True).filter(milestone=policy.milestone, is_active=True)
    return order.shift(list(rows), pk=policy.pk, by=by)


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
    """Raise `Invalid` unless every calendar that a clock of the policy may run on reaches its target."""
    found = [policy.calendar]
    if policy.calendar_of != CalendarOf.NAMED:
        found += Calendar.objects.filter(Q(teams__isnull=False) | Q(people__isnull=False)).distinct()
    for calendar in found:
        calendars.require_reach(calendar.parse(), working_seconds=policy.target_seconds, at=at, field="target_seconds")


def _require_promises() -> None:
    """Raise `Conflict` when some handoff would be without a clock: no lead is ever lost."""
    fitting_all = set(Policy.objects.filter(is_active=True, conditions=[]).values_list("milestone", flat=True))
    for milestone in ALWAYS_PROMISED:
        if milestone not in fitting_all:
            raise Conflict(
                _("Nothing would promise a time for “%(milestone)s” any more. Keep a policy of it without conditions.")
                % {"milestone": milestone.label}
            )
