"""What contacts did and what was done with them, read from the ledger as deeds."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from crm.deeds import Deed
from leads import next_steps
from leads.models import Activity

ENTERED_LATER = dt.timedelta(minutes=5)


def deed_of(activity: Activity) -> Deed:
    """An activity as a deed; costs no query when it was read with `type`, `actor` and `campaign`."""
    is_entered_later = activity.actor_id and activity.recorded_at - activity.occurred_at > ENTERED_LATER
    return Deed(
        type=activity.type_id,
        at=activity.occurred_at,
        type_name=activity.type.name,
        direction=activity.direction,
        properties=activity.properties,
        campaign=activity.campaign.name if activity.campaign else "",
        actor=str(activity.actor) if activity.actor else "",
        entered_at=activity.recorded_at if is_entered_later else None,
    )


def deeds_of(contact_ids: Collection[int], *, since: dt.datetime) -> dict[int, list[Deed]]:
    """The deeds of each contact since an instant, newest first, by one query."""
    rows = (
        Activity.objects.filter(contact_id__in=contact_ids, occurred_at__gte=since)
        .select_related("type", "actor", "campaign")
        .order_by("-occurred_at", "-id")
    )
    found: dict[int, list[Deed]] = defaultdict(list)
    for row in rows:
        found[row.contact_id].append(deed_of(row))
    return found


def next_step_of(deed: Deed) -> dt.datetime | None:
    """When the one of us who did it meant to get in touch again; None when nothing was said. What holds is the task."""
    return None if deed.is_theirs else next_steps.planned_in(deed.properties)
