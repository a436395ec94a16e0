"""Marking what machines did: the activity stays as it is, the verdict is a row beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

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
    mails = Activity.objects.filter(type__in=bots.MAIL_TYPES).order_by()
    # First whatever the mails: hardly ever are there so many at once, and reading what they say takes longest.
    near = mails.filter(
        contact_id=OuterRef("contact_id"),
        occurred_at__gte=OuterRef("occurred_at") - bots.WITHIN,
        occurred_at__lte=OuterRef("occurred_at") + bots.WITHIN,
    )
    amid = Activity.objects.filter(Exists(near[bots.AT_ONCE - 1 :]), id__in=among(row.pk for row in met)).order_by()
    crowded = dict(amid.values_list("id", "contact_id"))
    if not crowded:
        return {}
    moments = [row.occurred_at for row in met if row.pk in crowded]
    events, owner, standing = [], {}, set()
    for pk, contact_id, properties, campaign_id, occurred_at, verdict_id in mails.filter(
        contact_id__in=among(set(crowded.values())),
        occurred_at__gte=min(moments) - bots.WITHIN,
        occurred_at__lte=max(moments) + bots.WITHIN,
    ).values_list("id", "contact_id", "properties", "campaign_id", "occurred_at", "bot_verdict"):
        owner[pk] = contact_id
        events.append(bots.Met(pk, contact_id, _mail(properties, campaign_id), occurred_at))
        if verdict_id is not None:
            standing.add(pk)
    return {pk: owner[pk] for pk in bots.followed_at_once(events) - standing}


def _mail(properties: dict[str, object], campaign_id: int | None) -> object:
    """What names the mail: its own property, else the campaign. Mails without a name count as one."""
    mail = properties.get("mail")
    return mail if isinstance(mail, str | int) and mail != "" else ("campaign", campaign_id)
