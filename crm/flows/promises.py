"""Changing what is promised while clocks run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Forbidden, NotFound
from crm.flows import moves
from sla import calendars, policies
from sla.models import Calendar, ClockMove, Policy

if TYPE_CHECKING:
    from crm.models import Team, User


def require_promiser(actor: User) -> None:
    """Raise `Forbidden` unless `actor` may change calendars and policies: managers and administrators."""
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators change what is promised."))


@transaction.atomic
def save_calendar(
    *, actor: User, calendar: Calendar, at: dt.datetime, teams: Collection[Team] | None = None
) -> ClockMove | None:
    """Write a new or changed calendar and, given them, the teams that work by it; then move the clocks that run on it.

    Running clocks follow their calendar: those that are open fall due by the new hours, also where they were missed by
    the old ones; what was met or cancelled stays as it was judged. The move says how many, and is still to be run when
    they are many; None when hours stayed or no clock runs. Raises `Forbidden`, and `Invalid` naming the field that is
    malformed.
    """
    require_promiser(actor)
    has_other_hours = calendars.save(calendar, at=at)
    if teams is not None:
        calendars.set_teams(calendar, teams=teams)
    return moves.move_calendar(actor=actor, calendar=calendar, at=at) if has_other_hours else None


@transaction.atomic
def delete_calendar(*, actor: User, calendar_id: int) -> None:
    """Remove a calendar that nothing uses. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_promiser(actor)
    calendar = Calendar.objects.select_for_update(of=("self",)).filter(id=calendar_id).first()
    if calendar is None:
        raise NotFound(_("There is no such calendar."))
    calendars.delete(calendar)


@transaction.atomic
def create_policy(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Policy:
    """Add a policy; without a position it is chosen first. See `sla.policies.create`. Raises `Forbidden`, `Invalid`."""
    require_promiser(actor)
    return policies.create(values=values, at=at)


@transaction.atomic
def edit_policy(*, actor: User, policy_id: int, values: dict[str, Any], at: dt.datetime) -> Policy:
    """Change a policy, which makes a new version of it. Raises `Forbidden`, `NotFound`, `Invalid`, `Conflict`."""
    require_promiser(actor)
    policy = _locked_policy(policy_id)
    policies.edit(policy, values=values, at=at)
    return policy


@transaction.atomic
def delete_policy(*, actor: User, policy_id: int) -> None:
    """Remove a policy under which no clock was ever started. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_promiser(actor)
    policies.delete(_locked_policy(policy_id))


def _locked_policy(policy_id: int) -> Policy:
    policy = Policy.objects.select_for_update(of=("self",)).select_related("calendar").filter(id=policy_id).first()
    if policy is None:
        raise NotFound(_("There is no such policy."))
    return policy
