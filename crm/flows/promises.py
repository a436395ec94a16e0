"""Changing what is promised while clocks run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, NotFound
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
        calendars.set_teams(calendar, teams=teams, at=at)
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
    return policies.create(values=values, actor=actor, at=at)


@transaction.atomic
def edit_policy(
    *, actor: User, policy_id: int, values: dict[str, Any], at: dt.datetime, has_move: bool = False
) -> tuple[Policy, ClockMove | None]:
    """Change a policy, which makes a new version of it where it promises something else.

    Clocks that run stay under the version they were started with; `has_move` has them moved, as `move_clocks`. Raises
    `Forbidden`, `NotFound`, `Invalid`, `Conflict`.
    """
    require_promiser(actor)
    policy = _locked_policy(policy_id)
    policies.edit(policy, values=values, actor=actor, at=at)
    return policy, moves.move_policy(actor=actor, policy=policy, at=at) if has_move else None


@transaction.atomic
def copy_policy(*, actor: User, policy_id: int, at: dt.datetime) -> Policy:
    """Make another policy that promises the same, not yet in use. Raises `Forbidden`, `NotFound`."""
    require_promiser(actor)
    return policies.copy(_locked_policy(policy_id), actor=actor, at=at)


@transaction.atomic
def shift_policy(*, actor: User, policy_id: int, by: int) -> bool:
    """Have a policy asked one place earlier (-1) or later (1); whether it moved. Raises `Forbidden`, `NotFound`."""
    require_promiser(actor)
    return policies.shift(_locked_policy(policy_id), by=by)


@transaction.atomic
def move_clocks(*, actor: User, policy_id: int, at: dt.datetime) -> ClockMove:
    """Bring the clocks that run on an earlier version of a policy, or on one out of use, under what fits them now.

    See `crm.flows.moves.move_policy`. Raises `Forbidden`, `NotFound`, and `Conflict` when there is none to move.
    """
    require_promiser(actor)
    move = moves.move_policy(actor=actor, policy=_locked_policy(policy_id), at=at)
    if move is None:
        raise Conflict(_("No clock is left to be moved."))
    return move


@transaction.atomic
def delete_policy(*, actor: User, policy_id: int) -> None:
    """Remove a policy under which no clock was ever started. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_promiser(actor)
    policies.delete(_locked_policy(policy_id))


def _locked_policy(policy_id: int) -> Policy:
    # Clocks may be started under it meanwhile: their rows only need it to stay.
    rows = Policy.objects.select_for_update(of=("self",), no_key=True).select_related("calendar")
    policy = rows.filter(id=policy_id).first()
    if policy is None:
        raise NotFound(_("There is no such policy."))
    return policy
