"""Many notices at once become one sending that lists them all.

More than `DIGEST_ABOVE` to one recipient over one channel within `WINDOW` are grouped: their deliveries point to that
of the digest and share its fate. Digests to one recipient are at least `WINDOW` apart.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max, QuerySet

from crm import holding, notice_words
from crm.models import Delivery, Notice, User, Webhook
from crm.models.notices import Channel, DeliveryState, NoticeKind
from crm.models.webhooks import WebhookForm

WINDOW = dt.timedelta(minutes=1)
AT_MOST = {Channel.EMAIL: 500, Channel.WEBHOOK: 50}
"""So many a digest lists; more become another one."""
AT_MOST_IN_A_CARD = 20
"""Of these, what a card of Teams lists: it refuses messages above 28 KB, and counts two bytes a letter."""
UNTOUCHED = {"state": DeliveryState.QUEUED, "attempts": 0, "leases_lost": 0}
"""The columns of what cannot have left: nobody tried it, and no worker died with it."""


@dataclass(frozen=True)
class _Target:
    """Somebody or something that is told over one channel."""

    channel: Channel
    recipient_id: int | None
    webhook_id: int | None

    @property
    def deliveries(self) -> QuerySet[Delivery]:
        rows = Delivery.objects.filter(channel=self.channel)
        return (
            rows.filter(recipient_id=self.recipient_id) if self.recipient_id else rows.filter(webhook=self.webhook_id)
        )

    @property
    def most(self) -> int:
        """How many notices one digest to it lists."""
        if self.webhook_id and Webhook.objects.filter(id=self.webhook_id, form=WebhookForm.TEAMS).exists():
            return AT_MOST_IN_A_CARD
        return AT_MOST[self.channel]

    def lock(self) -> None:
        """Let nobody else group for the same target until the end of the transaction."""
        no_key = connection.features.has_select_for_no_key_update
        people = User.objects.filter(id=self.recipient_id or 0).select_for_update(no_key=no_key)
        webhooks = Webhook.objects.filter(id=self.webhook_id or 0).select_for_update(no_key=no_key)
        list(people.values_list("id") if self.recipient_id else webhooks.values_list("id"))


def group_due(*, at: dt.datetime, channel: Channel) -> int:
    """Group what is due at `at` where it is too much; return how many were put into digests.

    One transaction for each recipient: digest and members are written together, so that a crash before the commit
    leaves single deliveries, and one after it a digest that is sent like any other delivery.
    """
    waiting = _waiting(Delivery.objects.filter(channel=channel), at=at)
    counts = {
        _Target(channel, recipient_id, webhook_id): n
        for recipient_id, webhook_id, n in waiting.order_by()
        .values_list("recipient_id", "webhook_id")
        .annotate(n=Count("pk"))
    }
    recent = _recent(counts, at=at)
    crowded = [target for target, n in counts.items() if n + recent.get(target, 0) > settings.DIGEST_ABOVE]
    return sum(_group(target, at=at) for target in crowded)


def _waiting(deliveries: QuerySet[Delivery], *, at: dt.datetime) -> QuerySet[Delivery]:
    """Single ones that are due and never left; what may have left keeps its message id."""
    single = deliveries.filter(**UNTOUCHED, notice__isnull=False, next_attempt_at__lte=at)
    return single.exclude(notice__kind=NoticeKind.REPORT)  # a report is a list already


def _recent(targets: Collection[_Target], *, at: dt.datetime) -> dict[_Target, int]:
    """How many notices left for these targets within the window, alone or in a digest."""
    channels = {target.channel for target in targets}
    sent = Delivery.objects.filter(channel__in=channels, sent_at__gt=at - WINDOW, notice__isnull=False)
    rows = sent.order_by().values_list("channel", "recipient_id", "webhook_id").annotate(n=Count("pk"))
    return {_Target(Channel(channel), recipient, webhook): n for channel, recipient, webhook, n in rows}


@transaction.atomic
def _group(target: _Target, *, at: dt.datetime) -> int:
    """Put what waits for a target into its waiting digest, or into new ones."""
    target.lock()
    rows = _waiting(target.deliveries, at=at).order_by("id")
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(of=("self",), skip_locked=True)
    singles = [row.pk for row in rows.only("id")]
    most, grouped = target.most, len(singles)
    for digest in target.deliveries.filter(**UNTOUCHED, notice=None).select_for_update():
        room = max(most - digest.members.count(), 0)
        _join(singles[:room], digest)
        singles = singles[room:]
    last = target.deliveries.filter(notice=None).aggregate(at=Max("sent_at"))["at"]
    leaves_at = max(at, last + WINDOW) if last else at
    while singles:
        _join(singles[:most], _new_digest(target, at=at, leaves_at=leaves_at))
        singles = singles[most:]
    return grouped


def _new_digest(target: _Target, *, at: dt.datetime, leaves_at: dt.datetime) -> Delivery:
    return Delivery.objects.create(
        channel=target.channel,
        recipient_id=target.recipient_id,
        webhook_id=target.webhook_id,
        next_attempt_at=leaves_at,
        created_at=at,
    )


def _join(singles: Collection[int], digest: Delivery) -> None:
    Delivery.objects.filter(id__in=singles).update(state=DeliveryState.GROUPED, digest=digest, next_attempt_at=None)


def notices_of(delivery: Delivery) -> list[Notice]:
    """What a sending tells: its notice, or those of the digest, the oldest first."""
    if delivery.notice is not None:
        return [delivery.notice]
    related = ("notice", *(f"notice__{name}" for name in notice_words.RELATED))
    members = delivery.members.filter(state=DeliveryState.GROUPED).select_related(*related)
    return [one.notice for one in members.order_by("notice__created_at", "id") if one.notice]


def drop_untrue(digest: Delivery, *, at: dt.datetime) -> None:
    """Take warnings out of a digest that are not true any more."""
    for member in digest.members.filter(notice__kind="warn").select_related("recipient", "notice__timer"):
        held_back = holding.judge(member, at=at)
        if held_back and held_back.until is None:
            Delivery.objects.filter(id=member.pk, state=DeliveryState.GROUPED).update(
                state=DeliveryState.SKIPPED, digest=None, error=held_back.reason
            )


def note_sent(digest_id: int, *, at: dt.datetime) -> None:
    """The members left with their digest."""
    Delivery.objects.filter(digest=digest_id).update(sent_at=at)
