"""Marking what machines did: the activity stays as it is, the verdict is a row beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from leads import bots
from leads.intake import NewActivity
from leads.models import Activity, BotVerdict
from leads.sets import among


@dataclass(frozen=True)
class Convicted:
    """The ids of new activities that a machine did, and the contacts of whom earlier ones, counted so far, were."""

    new: frozenset[int]
    of_earlier: frozenset[int]


def convict(rows: Sequence[NewActivity], *, at: dt.datetime) -> Convicted:
    """Judge new activities of locked contacts, and with them the earlier ones that they show in another light.

    One query where mails were opened or clicked, two where many were at once; one statement writes the verdicts.
    """
    reasons = {row.pk: reason for row in rows if (reason := bots.verdict(row.properties))}
    met = [row for row in rows if row.type_id in bots.MAIL_TYPES]
    earlier = _followed_at_once(met)
    for pk in earlier:
        reasons.setdefault(pk, bots.GATEWAY)
    for row in rows:
        earlier.pop(row.pk, None)
    if not reasons:
        return Convicted(new=frozenset(), of_earlier=frozenset())
    BotVerdict.objects.bulk_create(
        [BotVerdict(activity_id=pk, reason=reason, at=at) for pk, reason in sorted(reasons.items())]
    )
    return Convicted(new=frozenset(reasons) - frozenset(earlier), of_earlier=frozenset(earlier.values()))


def _followed_at_once(met: Sequence[NewActivity]) -> dict[int, int]:
    """Opens and clicks that these show to be a machine's and that have no verdict yet, with their contacts."""
    if not met:
        return {}
    around = Activity.objects.filter(
        contact_id__in=among({row.contact_id for row in met}),
        type__in=bots.MAIL_TYPES,
        occurred_at__gte=min(row.occurred_at for row in met) - bots.WITHIN,
        occurred_at__lte=max(row.occurred_at for row in met) + bots.WITHIN,
    ).order_by()
    # First whatever the mails: hardly ever are there so many at once, and reading what they say takes longest.
    owner = {}
    events = []
    for pk, contact_id, occurred_at in around.values_list("id", "contact_id", "occurred_at"):
        owner[pk] = contact_id
        events.append(bots.Met(pk, contact_id, None, occurred_at))
    crowded = {owner[pk] for pk in bots.followed_at_once(events)}
    if not crowded:
        return {}
    events, standing = [], set()
    for pk, contact_id, properties, campaign_id, occurred_at, verdict_id in around.filter(
        contact_id__in=among(crowded)
    ).values_list("id", "contact_id", "properties", "campaign_id", "occurred_at", "bot_verdict"):
        events.append(bots.Met(pk, contact_id, _mail(properties, campaign_id), occurred_at))
        if verdict_id is not None:
            standing.add(pk)
    return {pk: owner[pk] for pk in bots.followed_at_once(events) - standing}


def _mail(properties: dict[str, object], campaign_id: int | None) -> object:
    """What names the mail: its own property, else the campaign. Mails without a name count as one."""
    mail = properties.get("mail")
    return mail if isinstance(mail, str | int) and mail != "" else ("campaign", campaign_id)
