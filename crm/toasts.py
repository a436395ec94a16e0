"""What a person is told once, after an act, at the foot of the next page."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest

UNDO = "undo:"


def tell(*, request: HttpRequest, text: str, undo_url: str = "") -> None:
    """Say that something was done; with `undo_url`, a button posts there to take it back."""
    messages.success(request, text, extra_tags=f"{UNDO}{undo_url}" if undo_url else "")


def warn(*, request: HttpRequest, text: str) -> None:
    """Say in a sentence why something was not done."""
    messages.error(request, text)


def undo_url_of(message: Message) -> str:
    """Where a message's undo button posts; empty when it has none."""
    tags = message.extra_tags or ""
    return tags.removeprefix(UNDO) if tags.startswith(UNDO) else ""
