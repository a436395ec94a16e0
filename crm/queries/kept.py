"""What falls due while somebody is away who keeps it: their clocks run on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm.models import Departure, User
from crm.queries.holdings import OF_LEADS, Group, Item, Settled
from leads.models import Task
from sla.models import Milestone, Timer


@dataclass(frozen=True)
class Due:
    """One promise or task of a thing that stays: what it is, and when it falls due."""

    item: Item
    what: str
    due_at: dt.datetime


def while_away(
    kind: str, first_at: dt.datetime | None, end_at: dt.datetime | None, *, at: dt.datetime
) -> tuple[dt.datetime, dt.datetime | None]:
    """The time in which a person who goes in this way is not there; who goes off duty says no end."""
    if kind != Departure.Kind.AWAY:
        return at, None
    return max(at, first_at) if first_at else at, end_at


def falling_due(
    settled: Sequence[Settled], *, person: User, since: dt.datetime, until: dt.datetime | None = None
) -> list[Due]:
    """What of the things that stay with `person` falls due after `since` and before `until`, the earliest first.

    Without an `until` however late. Two queries.
    """
    kept = [one.item for one in settled if one.is_kept]
    handoffs = {item.row.pk: item for item in kept if item.group in OF_LEADS}
    contacts = {item.contact.pk: item for item in kept if item.contact and item.group is not Group.TASKS}
    alone = {item.row.pk: item for item in kept if item.group is Group.TASKS}
    window = {"due_at__gt": since} | ({"due_at__lt": until} if until else {})
    found = [
        Due(handoffs[timer.handoff_id], str(Milestone(timer.milestone).label), timer.due_at)
        for timer in Timer.objects.open().filter(handoff__in=handoffs, assignee=person, **window)
    ]
    for task in Task.objects.open().filter(owner=person, **window):
        item = alone.get(task.pk) or contacts.get(task.contact_id)
        if item is not None:
            found.append(Due(item, _("task: %(what)s") % {"what": task}, task.due_at))
    return sorted(found, key=lambda one: (one.due_at, one.item.key))
