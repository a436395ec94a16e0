"""Changing how leads find people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Forbidden, NotFound
from crm.flows import waiting
from leads import routes, routing
from leads.models import RoutingRule, RoutingSettings
from sla import calendars

if TYPE_CHECKING:
    from crm.models import User


@transaction.atomic
def create_rule(*, actor: User, values: Mapping[str, Any]) -> RoutingRule:
    """Add a rule; without a position it is asked first. See `leads.routes.save`. Raises `Forbidden`, `Invalid`."""
    _hold(actor)
    rule = RoutingRule()
    routes.save(rule, values=values)
    return rule


@transaction.atomic
def edit_rule(*, actor: User, rule_id: int, values: Mapping[str, Any]) -> RoutingRule:
    """Change a rule, for leads from now on. Raises `Forbidden`, `NotFound`, `Invalid`."""
    _hold(actor)
    rule = _found(rule_id)
    routes.save(rule, values=values)
    return rule


@transaction.atomic
def shift_rule(*, actor: User, rule_id: int, by: int) -> bool:
    """Have a rule asked one place earlier (-1) or later (1); whether it moved. Raises `Forbidden`, `NotFound`."""
    _hold(actor)
    return routes.shift(_found(rule_id), by=by)


@transaction.atomic
def delete_rule(*, actor: User, rule_id: int) -> None:
    """Remove a rule by which nobody ever got a lead. Raises `Forbidden`, `NotFound`, `Conflict`."""
    _hold(actor)
    routes.delete(_found(rule_id))


@transaction.atomic
def save_settings(*, actor: User, values: Mapping[str, Any], at: dt.datetime) -> RoutingSettings:
    """Say when a lead that waits is offered to which team, and how many waiting leads one person gets at a time.

    Leads that wait now follow. Raises `Forbidden`, `Invalid`.
    """
    waiting.lock_all()
    settings = _hold(actor)
    has_other_wait = routes.save_settings(settings, values=values)
    calendar, seconds = settings.overflow_calendar, settings.overflow_seconds
    if calendar is not None and seconds is not None:
        calendars.require_reach(calendar.parse(), working_seconds=seconds, at=at, field="overflow_seconds")
    if has_other_wait:
        waiting.reset_overflow(settings)
    return settings


def _hold(actor: User) -> RoutingSettings:
    """Lock routing for somebody who may change it. Raises `Forbidden`."""
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators say who gets leads."))
    return routing.hold()


def _found(rule_id: int) -> RoutingRule:
    # All of routing is locked: nobody else writes rules meanwhile.
    rule = RoutingRule.objects.select_related("team").filter(id=rule_id).first()
    if rule is None:
        raise NotFound(_("There is no such routing rule."))
    return rule
