"""What people must be told: writing notices and queueing their sendings, in the transaction of what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from crm import bulk
from crm.errors import NotFound
from crm.models import Delivery, Notice, OptOut, Role, User, Webhook
from crm.models.notices import PERSONAL_KINDS, Channel, NoticeKind


@dataclass(frozen=True)
class Draft:
    """A notice to be written. `dedup_key` names the happening and the recipient: the same key is told once for ever."""

    kind: str
    dedup_key: str
    recipient_id: int
    contact_id: int | None = None
    handoff_id: int | None = None
    timer_id: int | None = None
    step: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


def tell(drafts: Sequence[Draft], *, at: dt.datetime, wait: dt.timedelta = dt.timedelta()) -> list[Notice]:
    """Write the notices that were not written before, and queue their sendings, to leave `wait` after `at`.

    Each recipient gets an e-mail, unless they chose not to; a warning waits for the end of their quiet hours and of
    their absence, in Baton it stands at once. The deputy of somebody out of office is told as well. Each webhook that
    listens to the kind is told of a happening once, however many people are.

    Returns the new notices. All are rows of the caller's transaction: they are there if and only if what they tell of
    is there.
    """
    if not drafts:
        return []
    people = User.objects.select_related("deputy").in_bulk([draft.recipient_id for draft in drafts])
    drafts = [*drafts, *_for_deputies(drafts, people=people, at=at)]
    people |= {person.deputy.pk: person.deputy for person in people.values() if person.deputy}
    known = set(Notice.objects.filter(dedup_key__in=[d.dedup_key for d in drafts]).values_list("dedup_key", flat=True))
    fresh = {draft.dedup_key: draft for draft in drafts if draft.dedup_key not in known}
    if not fresh:
        return []
    unwanted = set(OptOut.objects.filter(user__in=people).values_list("user_id", "kind", "channel"))
    notices = [
        Notice(
            kind=draft.kind,
            dedup_key=draft.dedup_key,
            recipient_id=draft.recipient_id,
            contact_id=draft.contact_id,
            handoff_id=draft.handoff_id,
            timer_id=draft.timer_id,
            step=draft.step,
            params=draft.params,
            created_at=at,
            # What one chose not to see in Baton stands among what was read.
            read_at=at if (draft.recipient_id, draft.kind, Channel.BELL) in unwanted else None,
        )
        for draft in fresh.values()
    ]
    bulk.insert(notices)
    mails = [
        Delivery(
            notice=one,
            recipient_id=one.recipient_id,
            channel=Channel.EMAIL,
            next_attempt_at=_leaves_at(one.kind, people[one.recipient_id], at=at + wait),
        )
        for one in notices
        if (one.recipient_id, one.kind, Channel.EMAIL) not in unwanted
    ]
    posts = [
        Delivery(notice=one, webhook=webhook, channel=Channel.WEBHOOK, next_attempt_at=at + wait)
        for webhook in Webhook.objects.filter(is_active=True)
        for one in _happenings(notices)
        if one.kind in webhook.kinds
    ]
    for delivery in (*mails, *posts):
        delivery.created_at = at
        delivery.message_id = _message_id(delivery, at=at)
    bulk.insert([*mails, *posts])
    return notices


def _leaves_at(kind: str, person: User, *, at: dt.datetime) -> dt.datetime:
    """When mail of this kind may leave for a person: warnings alone wait."""
    return person.free_from(at) if kind == NoticeKind.WARN else at


def _for_deputies(drafts: Sequence[Draft], *, people: Mapping[int, User], at: dt.datetime) -> list[Draft]:
    """The same for the deputies of those who are out of office, unless they are told of it anyway."""
    told = {(draft.recipient_id, _happening(draft)) for draft in drafts}
    found = []
    for draft in drafts:
        person = people[draft.recipient_id]
        deputy = person.deputy if person.is_away(at) and draft.kind not in PERSONAL_KINDS else None
        if deputy is None or not deputy.is_active or deputy.is_away(at) or (deputy.pk, _happening(draft)) in told:
            continue
        told.add((deputy.pk, _happening(draft)))
        found.append(
            replace(
                draft,
                dedup_key=f"{draft.dedup_key}:deputy{deputy.pk}",
                recipient_id=deputy.pk,
                params={**draft.params, "deputy_for": str(person)},
            )
        )
    return found


def _happening(told: Draft | Notice) -> tuple[object, ...]:
    """What tells of the same, whoever is told."""
    return told.kind, told.contact_id, told.handoff_id, told.timer_id, told.step


def _happenings(notices: Sequence[Notice]) -> list[Notice]:
    """Of notices that tell several people of the same, the first."""
    first: dict[tuple[object, ...], Notice] = {}
    for one in notices:
        first.setdefault(_happening(one), one)
    return list(first.values())


def _message_id(delivery: Delivery, *, at: dt.datetime) -> str:
    """Kept in the row, so that what is sent twice after a crash is recognized as one."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    to = f"{delivery.channel}{delivery.webhook_id or ''}"
    key = delivery.notice.dedup_key if delivery.notice else ""
    return f"<{key.replace(':', '.')}.{at:%Y%m%d%H%M%S}.{to}@{host}>"


def people_with(role: Role) -> list[User]:
    """Active people who hold `role`; those on duty if there are any, else all of them."""
    everybody = list(User.objects.with_role(role).order_by("id"))
    return [user for user in everybody if user.is_on_duty] or everybody


def mark_read(*, reader: User, notice_id: int, at: dt.datetime) -> Notice:
    """Note that `reader` has read a notice of theirs; once is enough. Raises `NotFound` for anybody else's."""
    notice = Notice.objects.filter(recipient=reader, id=notice_id).first()
    if notice is None:
        raise NotFound(_("There is no such alert."))
    Notice.objects.filter(id=notice_id, read_at=None).update(read_at=at)
    return notice


def mark_all_read(*, reader: User, until: dt.datetime, at: dt.datetime) -> int:
    """Note that `reader` has read all that they were told up to `until`, when they looked; return how many."""
    return Notice.objects.filter(recipient=reader, read_at=None, created_at__lte=until).update(read_at=at)
