"""What a contact did, or what was done with a contact, in words.

Functions of their arguments and of the active language; none reads the clock or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

PRICES = "/pricing"
BLOG = "/blog"
TITLE_KEYS = ("title", "name", "webinar", "event", "file", "mail", "subject", "content")
WORDS_KEYS = ("message", "text", "comment", "words", "question")

OUTCOMES = {
    "reached": gettext_lazy("reached"),
    "meeting": gettext_lazy("meeting arranged"),
    "no_answer": gettext_lazy("no answer"),
    "left_message": gettext_lazy("left a message"),
    "call_back": gettext_lazy("call back"),
}
"""What may come of a call, by the code that its activity keeps."""


@dataclass(frozen=True)
class Deed:
    """One activity as a person reads it; `actor` is who of us did it, empty for the contact's own."""

    type: str
    at: datetime
    type_name: str = ""
    direction: str = "inbound"
    properties: Mapping[str, Any] = field(default_factory=dict)
    campaign: str = ""
    actor: str = ""
    entered_at: datetime | None = None
    """When one of us wrote it down, where that was later."""

    @property
    def is_theirs(self) -> bool:
        """Whether the contact did it."""
        return self.direction == "inbound"

    @property
    def path(self) -> str:
        """The path of the page it happened on, without a query string; empty when none is known."""
        return str(self.properties.get("path", "")).partition("?")[0]

    @property
    def is_of_prices(self) -> bool:
        return self.type == "page_view" and self.path.startswith(PRICES)

    @property
    def title(self) -> str:
        """The name of what was downloaded, opened, attended or sent; empty when none is known."""
        return _first(self.properties, TITLE_KEYS)

    @property
    def words(self) -> str:
        """What they wrote themselves, or what our colleague noted; empty when nothing is known."""
        return _first(self.properties, WORDS_KEYS if self.is_theirs else ("note", *WORDS_KEYS))

    @property
    def outcome(self) -> str:
        """The code of what came of a call; an empty text when none is known."""
        return str(self.properties.get("outcome", "")).casefold()


def _first(properties: Mapping[str, Any], keys: Sequence[str]) -> str:
    return next((value.strip() for key in keys if isinstance(value := properties.get(key), str) and value.strip()), "")


def headline(deed: Deed) -> str:
    """What happened in a few words, to stand behind a time or a name: "Downloaded “Buyer’s guide”"."""
    telling = (_THEIRS if deed.is_theirs else _OURS).get(deed.type)
    if telling is not None:
        return telling(deed)
    return f"{deed.type_name or deed.type}: {deed.title}" if deed.title else deed.type_name or deed.type


def _with_title(bare: str, titled: str) -> Callable[[Deed], str]:
    return lambda deed: _(titled) % {"title": deed.title} if deed.title else _(bare)


def _page(deed: Deed) -> str:
    if deed.is_of_prices:
        return _("Looked at the prices")
    if deed.path.startswith(BLOG):
        return _("Read the blog: %(path)s") % {"path": deed.path}
    return _("Visited %(path)s") % {"path": deed.path} if deed.path else _("Visited the site")


def _form(deed: Deed) -> str:
    form = deed.properties.get("form")
    return _("Sent the form %(form)s") % {"form": form} if form else _("Sent a form")


def _call(deed: Deed) -> str:
    outcome = OUTCOMES.get(deed.outcome, deed.outcome)
    return _("Called, %(outcome)s") % {"outcome": outcome} if outcome else _("Called")


_THEIRS: dict[str, Callable[[Deed], str]] = {
    "page_view": _page,
    "form_submission": _form,
    "demo_request": lambda deed: _("Asked for a demo"),
    "content_download": _with_title(gettext_noop("Downloaded content"), gettext_noop("Downloaded “%(title)s”")),
    "email_open": _with_title(gettext_noop("Opened a mailing"), gettext_noop("Opened “%(title)s”")),
    "email_click": _with_title(gettext_noop("Clicked in a mailing"), gettext_noop("Clicked in “%(title)s”")),
    "email_reply": _with_title(gettext_noop("Answered our mail"), gettext_noop("Answered our mail “%(title)s”")),
    "webinar_attended": _with_title(gettext_noop("Came to a webinar"), gettext_noop("Came to the webinar “%(title)s”")),
    "event_attended": _with_title(gettext_noop("Met us at an event"), gettext_noop("Met us at “%(title)s”")),
    "unsubscribe": lambda deed: _("Unsubscribed from mailings"),
    "bounce": lambda deed: _("A mail to this address came back"),
    "call": lambda deed: _("Called us"),
    "email": lambda deed: _("Wrote to us"),
    "meeting": lambda deed: _("Met us"),
}
_OURS: dict[str, Callable[[Deed], str]] = {
    "call": _call,
    "meeting": lambda deed: _("Met"),
    "email": lambda deed: _("Wrote a mail"),
    "note": lambda deed: _("Noted"),
}


@dataclass(frozen=True)
class Gathered:
    """Deeds of one kind that follow each other, as one line; `latest` is the newest of them."""

    latest: Deed
    count: int

    @property
    def text(self) -> str:
        """The headline, with how often when it was more than once."""
        said = headline(self.latest)
        if self.count == 1:
            return said
        times = ngettext("%(n)d time", "%(n)d times", self.count) % {"n": self.count}
        return _("%(what)s, %(times)s") % {"what": said, "times": times}


def gather(newest_first: Sequence[Deed]) -> list[Gathered]:
    """Neighbors of the same day that read alike become one line; what carries words or a time of entry stays alone."""
    lines: list[Gathered] = []
    for deed in newest_first:
        before = lines[-1] if lines else None
        if before is not None and not deed.words and not deed.entered_at and _is_alike(before.latest, deed):
            lines[-1] = Gathered(before.latest, before.count + 1)
        else:
            lines.append(Gathered(deed, 1))
    return lines


def _is_alike(one: Deed, other: Deed) -> bool:
    return (
        not one.words
        and not one.entered_at
        and one.at.date() == other.at.date()
        and (one.type, one.actor, headline(one)) == (other.type, other.actor, headline(other))
    )
