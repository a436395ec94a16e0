"""What a list is narrowed down to: each thing in words, with a link to the list without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest


@dataclass(frozen=True)
class Said:
    """One thing that a list is narrowed down to."""

    text: str
    names: tuple[str, ...]
    """The parameters of the address that ask for it."""
    value: str | None = None
    """Only this one of several values of the parameter."""


@dataclass(frozen=True)
class Chip:
    """One thing in words, and the address of the list without it."""

    text: str
    href: str


def chips_of(said: Iterable[Said], *, request: HttpRequest) -> list[Chip]:
    """Each of `said` with the address that leads to the first page of the same list without it."""
    given = [(name, value) for name, values in request.GET.lists() for value in values if value and name != "page"]

    def without(one: Said) -> str:
        left = urlencode([(name, v) for name, v in given if name not in one.names or one.value not in (None, v)])
        return f"{request.path}?{left}" if left else request.path

    return [Chip(text=str(one.text), href=without(one)) for one in said]
