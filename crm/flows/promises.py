"""Changing what is promised while clocks run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

import sla.services
from crm.errors import Forbidden, Invalid
from sla.clock import CalendarError
from sla.models import Calendar

if TYPE_CHECKING:
    from crm.models import User


def require_promiser(actor: User) -> None:
    """Raise `Forbidden` unless `actor` may change calendars and policies: managers and administrators."""
    if not (actor.is_manager or actor.is_admin):
        raise Forbidden(_("Managers and administrators change what is promised."))


@transaction.atomic
def save_calendar(*, actor: User, calendar: Calendar) -> int:
    """Write a new or changed calendar and move the clocks that run on it; return how many were moved.

    What was met, missed for good or cancelled stays as it was judged. Raises `Forbidden`, and `Invalid` naming the
    field that is malformed.
    """
    require_promiser(actor)
    try:
        calendar.parse()
    except CalendarError as error:
        raise Invalid(_(error.sentence) % error.values, field=error.field) from error
    calendar.save()
    return sla.services.reschedule_calendar(calendar)
