"""Saying when sales talks to buyers."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import Invalid
from crm.flows import definitions
from crm.models import User
from leads.models import LeadTimeSetting
from leads.models.windows import LONGEST, ONLY
from leads.window import LeadTime


@transaction.atomic
def set_lead_time(*, actor: User, earliest_days: int, latest_days: int, at: dt.datetime) -> LeadTime:
    """Have contact windows open and close so many days before the decision. Managers and administrators.

    Windows are computed when they are read, so every page shows the new ones at once; a lead that was given back until
    its window opened keeps the day it was given. Raises `Forbidden`, and `Invalid` that names the field.
    """
    definitions.require_definer(actor)
    if not 0 < earliest_days <= LONGEST:
        raise Invalid(_("Give a number of days from 1 to %(n)d.") % {"n": LONGEST}, field="earliest_days")
    if not 0 <= latest_days < earliest_days:
        raise Invalid(
            _("The window must close after it opened: fewer days before the decision than %(n)d.")
            % {"n": earliest_days},
            field="latest_days",
        )
    LeadTimeSetting.objects.update_or_create(
        id=ONLY,
        defaults={
            "earliest_days": earliest_days,
            "latest_days": latest_days,
            "changed_at": at,
            "changed_by": actor,
        },
    )
    return LeadTime(earliest_days=earliest_days, latest_days=latest_days)
