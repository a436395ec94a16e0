"""Whom a text names: `@Sam`, `@Sam Seller` or `@sam@firm.example`, as people type it.

Pure: no database, no Django. What stands behind a letter or digit (`eva@firm.example`) or before a blank names nobody.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

_AT = re.compile(r"(?<![\w.@+-])@(?=\w)")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Person:
    """Somebody who may be named."""

    id: int
    name: str
    email: str


@dataclass(frozen=True)
class Unclear:
    """A word behind an @ that fits several people, or nobody."""

    word: str
    people: tuple[Person, ...] = ()


@dataclass(frozen=True)
class Read:
    """A text with everybody it names written out, who they are, and what could not be told."""

    text: str
    people: tuple[Person, ...]
    unclear: tuple[Unclear, ...]
    names: tuple[str, ...]
    """The people as they stand in the text."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; `is_name` where it names somebody."""

    text: str
    is_name: bool


def read(text: str, people: Sequence[Person]) -> Read:
    """Find whom `text` names among `people`; a first name is enough where only one has it.

    Names are written out, so that everybody reads who was meant: whole, or as the address where two share a name.
    """
    text = unicodedata.normalize("NFC", text)
    written, found, unclear, last = [], [], [], 0
    for at in _AT.finditer(text):
        if at.start() < last:
            continue
        length, fitting = _named(text[at.end() :], people)
        end = at.end() + length
        if len(fitting) == 1:
            written += [text[last : at.end()], label(fitting[0], people)]
            found.append(fitting[0])
            last = end
        else:
            unclear.append(Unclear(text[at.start() : end], tuple(fitting)))
    named = tuple(dict.fromkeys(found))
    return Read(
        text="".join([*written, text[last:]]),
        people=named,
        unclear=tuple(unclear),
        names=tuple(label(one, people) for one in named),
    )


def label(person: Person, people: Iterable[Person]) -> str:
    """How `person` is named among `people`: by name, or by address where another has the same name."""
    same = sum(_folded(one.name) == _folded(person.name) for one in people)
    return unicodedata.normalize("NFC", person.name) if person.name and same <= 1 else person.email


def pieces(text: str, names: Collection[str]) -> list[Piece]:
    """A text cut where it names somebody: at an @ with one of `names` (names and addresses) behind it."""
    if not names:
        return [Piece(text, is_name=False)]
    longest_first = sorted({unicodedata.normalize("NFC", name) for name in names if name}, key=len, reverse=True)
    marked = re.compile(rf"(@(?:{'|'.join(map(re.escape, longest_first))})(?!\w))")
    return [Piece(part, is_name=bool(number % 2)) for number, part in enumerate(marked.split(text)) if part]


def _named(rest: str, people: Sequence[Person]) -> tuple[int, list[Person]]:
    """How much of what stands behind an @ is a name, and whose it may be."""
    address = _ADDRESS.match(rest)
    if address:
        return address.end(), [one for one in people if one.email.casefold() == address.group().casefold()]
    whole = [(match.end(), one) for one in people if one.name and (match := _whole(one.name).match(rest))]
    longest = max((length for length, _one in whole), default=0)
    if longest:
        return longest, [one for length, one in whole if length == longest]
    word = _WORD.match(rest)
    if word is None:
        return 0, []
    key = _folded(word.group())
    return word.end(), [one for one in people if key in (_folded(part) for part in one.name.split())]


def _whole(name: str) -> re.Pattern[str]:
    words = (re.escape(word) for word in unicodedata.normalize("NFC", name).split())
    return re.compile(r"[^\S\n]+".join(words) + r"(?!\w)", re.IGNORECASE)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
