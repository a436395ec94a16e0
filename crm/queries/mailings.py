"""How mail to colleagues stands: what failed, what is tried again, what left."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from crm import notice_words
from crm.models import Delivery
from crm.models.notices import DeliveryState

RELATED = ("recipient", "notice", *(f"notice__{name}" for name in notice_words.RELATED))


@dataclass(frozen=True)
class MailRow:
    """One sending of a list."""

    pk: int
    recipient: str
    address: str
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


def counts() -> dict[str, int]:
    """How many sendings stand in each state."""
    rows = Delivery.objects.order_by().values_list("state").annotate(n=Count("pk"))
    return dict.fromkeys(DeliveryState.values, 0) | dict(rows)


def in_state(state: str) -> QuerySet[Delivery]:
    """Sendings in one state, the newest first, with what a row shows."""
    return Delivery.objects.filter(state=state).select_related(*RELATED).order_by("-created_at", "-id")


def rows_of(deliveries: Sequence[Delivery]) -> list[MailRow]:
    """The rows of a page."""
    found = []
    for one in deliveries:
        words = notice_words.describe(one.notice)
        found.append(
            MailRow(
                pk=one.pk,
                recipient=str(one.recipient),
                address=one.recipient.email,
                subject=words.subject,
                path=words.path,
                state=one.state,
                attempts=one.attempts,
                error=one.error,
                at=one.sent_at or one.next_attempt_at or one.created_at,
            )
        )
    return found
