"""Sending what people must be told: claimed with a lease, sent, and written down by whoever still holds the claim.

A mail leaves at least once. Should a worker die between sending and writing it down, it leaves again after the lease,
under the same Message-ID, so that mail programs show it once.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm import notice_words
from crm.errors import Conflict, Forbidden, NotFound
from crm.models import Delivery, User
from crm.models.notices import DeliveryState

logger = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
"""How long a claimed row is its worker's alone; longer than the time-out of one step of a mail (`EMAIL_TIMEOUT`)."""
BACK_OFF = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
"""How long to wait after the first, second, … failure; after as many tries and one more it has failed."""
MAX_ATTEMPTS = len(BACK_OFF) + 1
JITTER = 0.2
"""By how much a wait may be longer, so that what failed together does not come back together."""
BATCH = 20
ROUND = dt.timedelta(seconds=20)
"""How long one round of sending lasts at most, so that sending never keeps all workers from the clocks."""


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
    """The right to send one delivery: good while the row still bears these very values."""

    delivery_id: int
    attempts: int
    until: dt.datetime


def claim(*, at: dt.datetime, limit: int = BATCH) -> list[Claim]:
    """Take up to `limit` deliveries that are due at `at`, for the length of the lease. One short transaction.

    A row counts as tried once it is taken, so that one which ends its worker each time runs out of tries as well.
    """
    with transaction.atomic():
        due = Delivery.objects.filter(next_attempt_at__lte=at).order_by("next_attempt_at", "id")
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        rows = dict(due.values_list("id", "attempts")[:limit])
        spent = [row for row, attempts in rows.items() if attempts >= MAX_ATTEMPTS]
        Delivery.objects.filter(id__in=spent).update(
            state=DeliveryState.FAILED,
            next_attempt_at=None,
            error=_("The worker ended each time while it was sending this."),
        )
        taken = [row for row in rows if row not in spent]
        Delivery.objects.filter(id__in=taken).update(
            state=DeliveryState.SENDING, next_attempt_at=at + LEASE, attempts=F("attempts") + 1
        )
    return [Claim(delivery_id=row, attempts=rows[row] + 1, until=at + LEASE) for row in taken]


def send_due(*, at: dt.datetime, jitter: Callable[[], float] = random.random) -> Sent:
    """Send what is due at `at`, for as long as a round may last; say how much was sent, put off and given up.

    1. A batch is claimed.
    2. Each of it is sent and written down by itself: what raises costs only itself.
    3. A claim that has grown old meanwhile is renewed before its mail leaves, or left to whoever took it over.
    4. When the mail server cannot be reached, the batch is put off and the round ends.

    `jitter` gives a number from 0 to 1.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    done, is_server_there = Sent(), True
    while is_server_there and now() - at < ROUND and (claims := claim(at=now())):
        batch, is_server_there = _send_batch(claims, now=now, jitter=jitter)
        done += batch
    return done


def _send_batch(
    claims: Sequence[Claim], *, now: Callable[[], dt.datetime], jitter: Callable[[], float]
) -> tuple[Sent, bool]:
    """Send claimed deliveries over one connection, opened anew after a failure; False when there is no server."""
    related = ("recipient", "notice", *(f"notice__{name}" for name in notice_words.RELATED))
    rows = Delivery.objects.select_related(*related).in_bulk([one.delivery_id for one in claims])
    done = Sent()
    server: BaseEmailBackend | None = None
    try:
        for index, mine in enumerate(claims):
            held = _renew(mine, at=now())
            if held is None or mine.delivery_id not in rows:
                continue  # somebody else has it by now, or an undo took it back
            try:
                server = server or _open_server()
            except Exception as error:
                logger.warning("The mail server cannot be reached: %s", error)
                for waiting in (held, *claims[index + 1 :]):
                    done += _put_off(waiting, error=error, at=now(), jitter=jitter)
                return done, False
            try:
                _mail(rows[mine.delivery_id], server=server)
            except Exception as error:
                logger.warning("Delivery %d failed (try %d).", held.delivery_id, held.attempts, exc_info=True)
                done += _put_off(held, error=error, at=now(), jitter=jitter)
                _close(server)
                server = None
            else:
                done += _note_sent(held, at=now())
    finally:
        _close(server)
    return done, True


def _open_server() -> BaseEmailBackend:
    server: BaseEmailBackend = get_connection()
    server.open()
    return server


def _close(server: BaseEmailBackend | None) -> None:
    if server is None:
        return
    try:
        server.close()
    except OSError:
        # It went away by itself; what mattered was answered before.
        logger.info("The mail server closed the connection.", exc_info=True)


def _own(mine: Claim) -> QuerySet[Delivery]:
    """The row, if it is still claimed by `mine` and by nobody else."""
    return Delivery.objects.filter(
        id=mine.delivery_id, state=DeliveryState.SENDING, attempts=mine.attempts, next_attempt_at=mine.until
    )


def _renew(mine: Claim, *, at: dt.datetime) -> Claim | None:
    """The claim, prolonged when half of its lease is gone; None when somebody else has taken the row over."""
    if mine.until - at > LEASE / 2:
        return mine
    until = at + LEASE
    return Claim(mine.delivery_id, mine.attempts, until) if _own(mine).update(next_attempt_at=until) else None


def _note_sent(mine: Claim, *, at: dt.datetime) -> Sent:
    is_ours = _own(mine).update(state=DeliveryState.SENT, next_attempt_at=None, sent_at=at, error="")
    return Sent(sent=1) if is_ours else Sent()


def _put_off(mine: Claim, *, error: Exception, at: dt.datetime, jitter: Callable[[], float]) -> Sent:
    """Try again later, or give up after the last try; the reason is kept either way."""
    reason = f"{type(error).__name__}: {error}"[:2000]
    if mine.attempts >= MAX_ATTEMPTS or isinstance(error, Unsendable):
        is_ours = _own(mine).update(
            state=DeliveryState.FAILED,
            next_attempt_at=None,
            error=str(error) if isinstance(error, Unsendable) else reason,
        )
        return Sent(failed=1) if is_ours else Sent()
    wait = BACK_OFF[mine.attempts - 1] * (1 + JITTER * jitter())
    is_ours = _own(mine).update(state=DeliveryState.RETRY, next_attempt_at=at + wait, error=reason)
    return Sent(retried=1) if is_ours else Sent()


class Unsendable(Exception):
    """Trying again would change nothing; the text says why."""


def _mail(delivery: Delivery, *, server: BaseEmailBackend) -> None:
    """Send one delivery as a mail in the recipient's language and time zone, with a text and an HTML part."""
    recipient = delivery.recipient
    with translation.override(recipient.language), timezone.override(recipient.time_zone):
        if not recipient.is_active:
            raise Unsendable(_("%(name)s no longer works with Baton.") % {"name": recipient})
        words = notice_words.describe(delivery.notice)
        context = {"words": words, "link": settings.SITE_URL + words.path, "site": settings.SITE_URL}
        message = EmailMultiAlternatives(
            # A name may hold anything; a header holds one line.
            subject=" ".join(words.subject.split()),
            body=render_to_string("mail/notice.txt", context),
            to=[recipient.email],
            headers={"Message-ID": delivery.message_id, "Auto-Submitted": "auto-generated"},
            connection=server,
        )
        message.attach_alternative(render_to_string("mail/notice.html", context), "text/html")
    if not message.send():
        raise RuntimeError("The mail server took no mail and gave no reason.")


@transaction.atomic
def send_again(*, actor: User, delivery_id: int, at: dt.datetime) -> Delivery:
    """Queue a delivery that failed once more, with all its tries. Administrators.

    Raises `Forbidden`, `NotFound`, `Conflict` when it has not failed.
    """
    if not actor.is_admin:
        raise Forbidden(_("Administrators send failed mail again."))
    delivery = Delivery.objects.select_for_update(of=("self",)).filter(id=delivery_id).first()
    if delivery is None:
        raise NotFound(_("There is no such delivery."))
    if delivery.state != DeliveryState.FAILED:
        raise Conflict(_("This is no longer failed: %(state)s.") % {"state": delivery.get_state_display().lower()})
    delivery.state, delivery.attempts, delivery.next_attempt_at = DeliveryState.QUEUED, 0, at
    delivery.save(update_fields=["state", "attempts", "next_attempt_at"])
    return delivery
