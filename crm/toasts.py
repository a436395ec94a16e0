"""What a person is told once, after an act, at the foot of the next page."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest
from django.utils import timezone

UNDO = "undo:"


def tell(*, request: HttpRequest, text: str, undo_url: str = "") -> None:
    """Say that something was done; with `undo_url`, a button posts there to take it back, and says since when."""
    if undo_url:
        undo_url += ("&" if "?" in undo_url else "?") + urlencode({"since": timezone.now().isoformat()})
    messages.success(request, text, extra_tags=f"{UNDO}{undo_url}" if undo_url else "")


def undo_since(request: HttpRequest) -> dt.datetime | None:
    """When the undo that is asked for was offered, so that it takes back no other act; None where it does not say."""
    try:
        since = dt.datetime.fromisoformat(request.GET.get("since", ""))
    except ValueError:
        return None
    return since if since.tzinfo else None


def warn(*, request: HttpRequest, text: str) -> None:
    """Say in a sentence why something was not done."""
    messages.error(request, text)


def undo_url_of(message: Message) -> str:
    """Where a message's undo button posts; empty when it has none."""
    tags = message.extra_tags or ""
    return tags.removeprefix(UNDO) if tags.startswith(UNDO) else ""
