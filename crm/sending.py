"""What the ways of sending have in common: how one takes a delivery, and how it says that it cannot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from typing import Protocol

from crm.models import Delivery


class Unsendable(Exception):
    """Trying again would change nothing; the text says why."""


class NotTaken(Exception):
    """The receiver answered, and not that it has it; the text says what."""


class Unreachable(Exception):
    """Nobody is there to take it, nor anything else for the same target; the cause says why."""


class Carrier(Protocol):
    """One way of sending, for one batch."""

    def target_of(self, delivery: Delivery) -> Hashable:
        """What would be unreachable for others too: the mail server, the webhook."""

    def carry(self, delivery: Delivery) -> None:
        """Send it. Raises `Unsendable`, `Unreachable`, or anything else for "not this time"."""

    def note_taken(self, delivery: Delivery) -> None:
        """It was sent."""

    def note_refused(self, delivery: Delivery, *, error: Exception, at: dt.datetime) -> None:
        """It was not, for this reason."""

    def close(self) -> None:
        """The batch is over."""


def words_of(error: Exception) -> str:
    """The reason of a failure as administrators read it."""
    if isinstance(error, Unreachable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    return str(error) if isinstance(error, Unsendable | NotTaken) else f"{type(error).__name__}: {error}"[:2000]
