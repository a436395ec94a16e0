"""How sendings stand: what failed, what is tried again, what left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import ngettext

from crm import notice_words
from crm.models import Delivery, Webhook
from crm.models.notices import DeliveryState

RELATED = ("recipient", "webhook", "notice", *(f"notice__{name}" for name in notice_words.RELATED))


@dataclass(frozen=True)
class MailRow:
    """One sending of a list."""

    pk: int
    to: str
    address: str
    """The mail address, or in which form a webhook is told."""
    subject: str
    path: str
    state: str
    attempts: int
    error: str
    at: dt.datetime
    """When it was sent, is tried again, or, where neither will be, was made."""

    @property
    def state_word(self) -> str:
        return str(DeliveryState(self.state).label)

    @property
    def is_failed(self) -> bool:
        return self.state == DeliveryState.FAILED


def counts(**chosen: Any) -> dict[str, int]:
    """How many sendings stand in each state, of those with these columns."""
    rows = Delivery.objects.filter(**chosen).order_by().values_list("state").annotate(n=Count("pk"))
    return dict.fromkeys(DeliveryState.values, 0) | dict(rows)


def in_state(state: str, **chosen: Any) -> QuerySet[Delivery]:
    """Sendings in one state, the newest first, with what a row shows."""
    rows = Delivery.objects.filter(state=state, **chosen).select_related(*RELATED)
    return rows.annotate(size=Count("members")).order_by("-created_at", "-id")


def rows_of(deliveries: Sequence[Delivery]) -> list[MailRow]:
    """The rows of a page."""
    found = []
    for one in deliveries:
        subject, path = _about(one)
        found.append(
            MailRow(
                pk=one.pk,
                to=str(one.recipient or one.webhook),
                address=one.recipient.email if one.recipient else one.webhook.get_form_display() if one.webhook else "",
                subject=subject,
                path=path,
                state=one.state,
                attempts=one.attempts,
                error=one.error,
                at=one.sent_at or one.next_attempt_at or one.created_at,
            )
        )
    return found


def _about(delivery: Delivery) -> tuple[str, str]:
    """What a sending of `in_state` says, and where that leads."""
    if delivery.notice is not None:
        words = notice_words.describe(delivery.notice)
        return words.subject, words.path
    size: int = delivery.size  # type: ignore[attr-defined]
    subject = ngettext("A digest of %(n)d notice", "A digest of %(n)d notices", size) % {"n": size}
    return subject, f"{reverse('deliveries')}?state={DeliveryState.GROUPED.value}&digest={delivery.pk}"


def webhooks() -> QuerySet[Webhook]:
    """Every webhook by name, with `sent`, `failed` and `retrying`: how many of its sendings stand there."""
    states = {
        "sent": [DeliveryState.SENT],
        "failed": [DeliveryState.FAILED],
        "retrying": [DeliveryState.RETRY],
    }
    tallies = {name: Count("deliveries", filter=Q(deliveries__state__in=those)) for name, those in states.items()}
    return Webhook.objects.annotate(**tallies).order_by("name", "id")
