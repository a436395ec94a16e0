"""What people must be told: writing notices and queueing their sendings, in the transaction of what happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from crm import bulk
from crm.errors import NotFound
from crm.models import Delivery, Notice, OptOut, Role, User, Webhook
from crm.models.notices import PERSONAL_KINDS, Channel, NoticeKind


@dataclass(frozen=True, slots=True)
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

    @property
    def happening(self) -> tuple[object, ...]:
        """What it tells of, whoever is told."""
        return self.kind, self.contact_id, self.handoff_id, self.timer_id, self.step


def tell(drafts: Sequence[Draft], *, at: dt.datetime, wait: dt.timedelta = dt.timedelta()) -> list[int]:
    """Write the notices that were not written before, and queue their sendings, to leave `wait` after `at`.

    Each recipient gets an e-mail, unless they chose not to; a warning waits for the end of their quiet hours and of
    their absence, in Baton it stands at once. The deputy of somebody out of office is told as well. Each webhook that
    listens to the kind is told of a happening once, however many people are.

    Returns the ids of the new notices. All are rows of the caller's transaction: they are there if and only if what
    they tell of is there. They are written by one statement, their sendings by another.
    """
    if not drafts:
        return []
    people = User.objects.select_related("deputy").in_bulk({draft.recipient_id for draft in drafts})
    drafts = [*drafts, *_for_deputies(drafts, people=people, at=at)]
    people |= {person.deputy.pk: person.deputy for person in people.values() if person.deputy}
    unwanted = set(OptOut.objects.filter(user__in=people).values_list("user_id", "kind", "channel"))
    drafts_by_key = {draft.dedup_key: draft for draft in drafts}
    ids = bulk.insert(
        Notice,
        [
            {
                "kind": draft.kind,
                "dedup_key": draft.dedup_key,
                "recipient_id": draft.recipient_id,
                "contact_id": draft.contact_id,
                "handoff_id": draft.handoff_id,
                "timer_id": draft.timer_id,
                "step": draft.step,
                "params": draft.params,
                # What one chose not to see in Baton stands among what was read.
                "read_at": at if (draft.recipient_id, draft.kind, Channel.BELL) in unwanted else None,
            }
            for draft in drafts_by_key.values()
        ],
        once_by="dedup_key",
        created_at=at,
    )
    fresh = {ids[key]: draft for key, draft in drafts_by_key.items() if key in ids}
    mails = [
        {
            "notice_id": number,
            "recipient_id": draft.recipient_id,
            "next_attempt_at": _leaves_at(draft.kind, people[draft.recipient_id], at=at + wait),
        }
        for number, draft in fresh.items()
        if (draft.recipient_id, draft.kind, Channel.EMAIL) not in unwanted
    ]
    bulk.insert(Delivery, mails, channel=Channel.EMAIL, created_at=at)
    webhooks = list(Webhook.objects.filter(is_active=True))
    happenings = _happenings(fresh) if webhooks else {}
    posts = [
        {"notice_id": number, "webhook_id": webhook.pk}
        for webhook in webhooks
        for number, kind in happenings.items()
        if kind in webhook.kinds
    ]
    bulk.insert(Delivery, posts, channel=Channel.WEBHOOK, created_at=at, next_attempt_at=at + wait)
    return list(fresh)


def _leaves_at(kind: str, person: User, *, at: dt.datetime) -> dt.datetime:
    """When mail of this kind may leave for a person: warnings alone wait."""
    return person.free_from(at) if kind == NoticeKind.WARN else at


def _for_deputies(drafts: Sequence[Draft], *, people: Mapping[int, User], at: dt.datetime) -> list[Draft]:
    """The same for the deputies of those who are out of office, unless they are told of it anyway."""
    deputies = {
        person.pk: person.deputy
        for person in people.values()
        if person.deputy and person.deputy.is_active and person.is_away(at) and not person.deputy.is_away(at)
    }
    if not deputies:
        return []
    told = {(draft.recipient_id, draft.happening) for draft in drafts}
    found = []
    for draft in drafts:
        deputy = None if draft.kind in PERSONAL_KINDS else deputies.get(draft.recipient_id)
        if deputy is None or (deputy.pk, draft.happening) in told:
            continue
        told.add((deputy.pk, draft.happening))
        found.append(
            replace(
                draft,
                dedup_key=f"{draft.dedup_key}:deputy{deputy.pk}",
                recipient_id=deputy.pk,
                params={**draft.params, "deputy_for": str(people[draft.recipient_id])},
            )
        )
    return found


def _happenings(told: Mapping[int, Draft]) -> dict[int, str]:
    """Of notices that tell several people of the same, the first, by its kind."""
    first: dict[tuple[object, ...], int] = {}
    for number, draft in told.items():
        first.setdefault(draft.happening, number)
    return {number: told[number].kind for number in first.values()}


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
