"""Sending what people must be told: claimed with a lease, sent, and written down by whoever still holds the claim.

A delivery leaves at least once. Should a worker die between sending and writing it down, it leaves again after the
lease, under the same message id, so that mail programs show it once and programs can tell.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from crm import digests, holding, notice_words
from crm.errors import Conflict, Forbidden, NotFound
from crm.mails import MailCarrier
from crm.models import Delivery, User
from crm.models.notices import Channel, DeliveryState
from crm.sending import Carrier, Unreachable, Unsendable, words_of
from crm.webhooks import WebhookCarrier

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
"""How long a claimed row is its worker's alone; longer than the time-out of one step of a sending."""
BACK_OFF = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""How long to wait after the first, second, … failure; after as many tries and one more it has failed."""
MAX_ATTEMPTS = len(BACK_OFF) + 1
MOST_LEASES_LOST = 5
"""So many workers may end over a delivery; then it has failed, though none of them came to know it."""
JITTER = 0.2
"""By how much a wait may be longer, so that what failed together does not come back together."""
BATCH = 20
ROUND = dt.timedelta(seconds=4)
"""How long one round of sending lasts at most, so that sending never keeps all workers from the clocks for long."""
RELATED = ("recipient", "webhook", "notice", *(f"notice__{name}" for name in notice_words.RELATED))
"""What a sending follows from its row: pass it to `select_related`."""
CARRIERS: dict[Channel, Callable[[], Carrier]] = {Channel.EMAIL: MailCarrier, Channel.WEBHOOK: WebhookCarrier}


@dataclass(frozen=True)
class Sent:
    """What one round of sending did."""

    sent: int = 0
    retried: int = 0
    failed: int = 0

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.sent + other.sent, self.retried + other.retried, self.failed + other.failed)

    def __bool__(self) -> bool:
        return bool(self.sent or self.retried or self.failed)


@dataclass(frozen=True)
class Claim:
    """The right to send one delivery: good while the row still bears this very end of the lease.

    Ends only grow: whoever takes a row over does so after the end before.
    """

    delivery_id: int
    attempts: int
    """How often its sending was tried before."""
    until: dt.datetime


def claim(*, at: dt.datetime, channel: Channel = Channel.EMAIL, limit: int = BATCH) -> list[Claim]:
    """Take up to `limit` deliveries that are due at `at`, for the length of the lease. One short transaction.

    To be taken is no try; a sending that succeeds or fails is. A row whose worker died with it is taken alone: so one
    that ends its worker each time takes no others along, and has failed after `MOST_LEASES_LOST`.
    """
    with transaction.atomic():
        due = Delivery.objects.filter(channel=channel, next_attempt_at__lte=at).order_by("next_attempt_at", "id")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows = list(due.values_list("id", "state", "attempts", "leases_lost")[:limit])
        spent = [row for row, state, _tries, lost in rows if _is_lost(state) and lost + 1 >= MOST_LEASES_LOST]
        Delivery.objects.filter(id__in=spent).update(
            state=DeliveryState.FAILED,
            next_attempt_at=None,
            leases_lost=MOST_LEASES_LOST,
            error=_("The worker ended each time while it was sending this."),
        )
        left = [one for one in rows if one[0] not in spent]
        if left and _is_lost(left[0][1]):
            taken = left[:1]
            Delivery.objects.filter(id=taken[0][0]).update(leases_lost=F("leases_lost") + 1)
        else:
            taken = [one for one in left if not _is_lost(one[1])]
        until = at + LEASE
        Delivery.objects.filter(id__in=[one[0] for one in taken]).update(
            state=DeliveryState.SENDING, next_attempt_at=until
        )
    return [Claim(delivery_id=row, attempts=tries, until=until) for row, _state, tries, _lost in taken]


def _is_lost(state: str) -> bool:
    """Of a row that is due: whether it is so because the lease of its worker ran out."""
    return state == DeliveryState.SENDING


def send_due(*, at: dt.datetime, channel: Channel = Channel.EMAIL, jitter: Callable[[], float] = random.random) -> Sent:
    """Send what is due at `at`, for as long as a round may last; say how much was sent, put off and given up.

    1. Where too much is due for one recipient, it is put into a digest; a batch is claimed.
    2. Each of it is sent and written down by itself: what raises costs only itself.
    3. A warning is judged anew: it waits for the end of its recipient's quiet hours, and is dropped once it is untrue.
    4. A claim that has grown old meanwhile is renewed before its sending, or left to whoever took it over.
    5. What cannot be reached is tried once a batch; when all of a batch was meant for such, the round ends.

    Each channel has its own rounds, so that a slow webhook keeps no mail. `jitter` gives a number from 0 to 1.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    done, is_anybody_there = Sent(), True
    while is_anybody_there and now() - at < ROUND:
        digests.group_due(at=now(), channel=channel)
        claims = claim(at=now(), channel=channel)
        if not claims:
            break
        carrier = CARRIERS[channel]()
        try:
            batch, is_anybody_there = _send_batch(claims, carrier=carrier, now=now, jitter=jitter)
        finally:
            carrier.close()
        done += batch
    return done


def _send_batch(
    claims: Sequence[Claim], *, carrier: Carrier, now: Callable[[], dt.datetime], jitter: Callable[[], float]
) -> tuple[Sent, bool]:
    """Send claimed deliveries; False when there was nobody to take any of them."""
    rows = Delivery.objects.select_related(*RELATED).in_bulk([one.delivery_id for one in claims])
    done, away, is_anybody_there = Sent(), dict[Hashable, Unreachable](), False
    for mine in claims:
        row = rows.get(mine.delivery_id)
        held = _renew(mine, at=now())
        if held is None or row is None:
            continue  # somebody else has it by now, or an undo took it back
        if row.notice is None:
            digests.drop_untrue(row, at=now())
        if held_back := holding.judge(row, at=now()):
            _hold_back(held, held_back)
            continue
        target = carrier.target_of(row)
        if target in away:
            done += _put_off(held, error=away[target], at=now(), jitter=jitter)
            continue
        try:
            carrier.carry(row)
        except Exception as error:
            if isinstance(error, Unreachable):
                away[target] = error
            else:
                is_anybody_there = True
            logger.warning("Delivery %d failed (try %d): %s", held.delivery_id, held.attempts + 1, words_of(error))
            done += _put_off(held, error=error, at=now(), jitter=jitter)
            carrier.note_refused(row, error=error, at=now())
        else:
            is_anybody_there = True
            done += _note_sent(held, at=now())
            carrier.note_taken(row)
    return done, is_anybody_there or not away


def _own(mine: Claim) -> QuerySet[Delivery]:
    """The row, if it is still claimed by `mine` and by nobody else."""
    return Delivery.objects.filter(id=mine.delivery_id, state=DeliveryState.SENDING, next_attempt_at=mine.until)


def _renew(mine: Claim, *, at: dt.datetime) -> Claim | None:
    """The claim, prolonged when half of its lease is gone; None when somebody else has taken the row over."""
    if mine.until - at > LEASE / 2:
        return mine
    until = at + LEASE
    return Claim(mine.delivery_id, mine.attempts, until) if _own(mine).update(next_attempt_at=until) else None


@transaction.atomic
def _note_sent(mine: Claim, *, at: dt.datetime) -> Sent:
    is_ours = _own(mine).update(
        state=DeliveryState.SENT, next_attempt_at=None, sent_at=at, attempts=mine.attempts + 1, error=""
    )
    if is_ours:
        digests.note_sent(mine.delivery_id, at=at)
    return Sent(sent=1) if is_ours else Sent()


def _hold_back(mine: Claim, held_back: holding.HeldBack) -> None:
    """Do not send it now, or not at all; that was no try."""
    if held_back.until is None:
        _own(mine).update(state=DeliveryState.SKIPPED, next_attempt_at=None, error=held_back.reason)
    else:
        _own(mine).update(state=DeliveryState.QUEUED, next_attempt_at=held_back.until, error="")


def _put_off(mine: Claim, *, error: Exception, at: dt.datetime, jitter: Callable[[], float]) -> Sent:
    """Try again later, or give up after the last try; the reason is kept either way."""
    tried = {"attempts": mine.attempts + 1, "error": words_of(error)}
    if mine.attempts + 1 >= MAX_ATTEMPTS or isinstance(error, Unsendable):
        is_ours = _own(mine).update(state=DeliveryState.FAILED, next_attempt_at=None, **tried)
        return Sent(failed=1) if is_ours else Sent()
    wait = BACK_OFF[mine.attempts] * (1 + JITTER * jitter())
    is_ours = _own(mine).update(state=DeliveryState.RETRY, next_attempt_at=at + wait, **tried)
    return Sent(retried=1) if is_ours else Sent()


@transaction.atomic
def send_again(*, actor: User, delivery_ids: Collection[int], at: dt.datetime) -> list[Delivery]:
    """Queue deliveries that failed once more, with all their tries; return these. Administrators.

    Those that meanwhile have not failed any more are left alone. Raises `Forbidden`, `NotFound` when there is none of
    them, `Conflict` when none has failed or their webhook is switched off.
    """
    if not actor.is_admin:
        raise Forbidden(_("Administrators send again what failed."))
    asked = Delivery.objects.select_for_update(of=("self",)).filter(id__in=delivery_ids).order_by("id")
    found = list(asked.select_related("recipient", "webhook", "notice"))
    if not found:
        raise NotFound(_("There is no such delivery."))
    failed = [one for one in found if one.state == DeliveryState.FAILED]
    if not failed:
        raise Conflict(_("This is no longer failed: %(state)s.") % {"state": found[0].get_state_display().lower()})
    ready = [one for one in failed if one.webhook is None or one.webhook.is_active]
    if not ready:
        raise Conflict(_("The webhook %(name)s is off. Switch it on first.") % {"name": failed[0].webhook})
    for one in ready:
        one.state, one.attempts, one.leases_lost, one.next_attempt_at = DeliveryState.QUEUED, 0, 0, at
    Delivery.objects.bulk_update(ready, ["state", "attempts", "leases_lost", "next_attempt_at"], batch_size=500)
    return ready
