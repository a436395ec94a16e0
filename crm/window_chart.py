"""When to call a buyer, in words and as a bar: too early, call now, too late. Plain values; reads no clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from crm.charts import anchor
from leads.window import ContactWindow, WindowState

SHARE_BEFORE = 0.3
"""How much of the bar lies before the window, as a part of what follows, where today does not ask for more."""
SHARE_AFTER = 0.05
NEAR = 0.34
LEAST_FOR_WORDS, LEAST_ON_PHONE = 0.12, 0.3


@dataclass(frozen=True)
class Part:
    """A stretch of the bar; `words` are left out where they do not fit, `is_minor` where they do not on a phone."""

    state: str
    x: str
    width: str
    words: str
    middle: str
    is_minor: bool


@dataclass(frozen=True)
class Label:
    """Words at a place of the bar, in the first or second row above it, or below."""

    x: str
    text: str
    anchor: str
    row: int = 0


@dataclass(frozen=True)
class WindowFace:
    """The contact window of one buyer as a page shows it on one day."""

    state: WindowState
    word: str
    sentence: str
    parts: tuple[Part, ...]
    above: tuple[Label, ...]
    below: tuple[Label, ...]

    @property
    def mark(self) -> str:
        """The shape beside the word."""
        return {WindowState.TOO_EARLY: "soon", WindowState.OPEN: "met", WindowState.TOO_LATE: "missed"}[self.state]

    @property
    def rows_above(self) -> int:
        return 1 + max(label.row for label in self.above)


def window_face(window: ContactWindow, *, today: dt.date) -> WindowFace:
    """How the window stands on `today`, a day of the reader's zone."""
    span = (window.deadline - window.opens_on).days
    first = min(today, window.opens_on - dt.timedelta(days=max(round(span * SHARE_BEFORE), 1)))
    last = max(today, window.deadline)
    last += dt.timedelta(days=max(round((last - first).days * SHARE_AFTER), 1))

    def share(day: dt.date) -> float:
        return (day - first).days / (last - first).days

    # The last day of the window is one on which to call: it ends with that day.
    closes = window.closes_on + dt.timedelta(days=1)
    edges = (
        (WindowState.TOO_EARLY, 0.0, share(window.opens_on), _("too early")),
        (WindowState.OPEN, share(window.opens_on), share(closes), _("call now")),
        (WindowState.TOO_LATE, share(closes), share(window.deadline), _("too late to win it")),
    )
    now, end = share(today), share(window.deadline)
    is_near = abs(end - now) < NEAR
    return WindowFace(
        state=window.state(today),
        word=_word(window, today),
        sentence=_sentence(window, today),
        parts=tuple(_part(*edge, now=now) for edge in edges if edge[2] > edge[1]),
        above=(
            _label(now, pgettext("on a time line", "today"), row=1 if is_near else 0),
            _label(end, _("decides by %(day)s") % {"day": day_words(window.deadline, today)}),
        ),
        below=(
            _label(share(window.opens_on), day_words(window.opens_on, today)),
            _label(share(closes), day_words(window.closes_on, today)),
        ),
    )


def day_words(day: dt.date, today: dt.date) -> str:
    """A day as a page says it: "15 Jan", with its year where that is another than this."""
    near = abs((day - today).days) < 300
    pattern = pgettext("date pattern: day and month", "j M") if near else pgettext("date pattern", "j M Y")
    return date_format(day, pattern)


def _part(state: WindowState, start: float, end: float, words: str, *, now: float) -> Part:
    # The line of today does not cross the words: they stand in the longer stretch beside it.
    left, right = (
        (start, end) if not start < now < end else max((start, now), (now, end), key=lambda one: one[1] - one[0])
    )
    room = right - left
    return Part(
        state=state.value,
        x=_percent(start),
        width=_percent(end - start),
        words=words if room >= LEAST_FOR_WORDS else "",
        middle=_percent(left + room / 2),
        is_minor=room < LEAST_ON_PHONE,
    )


def _label(share: float, text: str, *, row: int = 0) -> Label:
    return Label(x=_percent(share), text=text, anchor=anchor(share), row=row)


def _percent(share: float) -> str:
    return f"{share * 100:.2f}%"


def _word(window: ContactWindow, today: dt.date) -> str:
    return {
        WindowState.TOO_EARLY: _("Too early"),
        WindowState.OPEN: _("Call now"),
        WindowState.TOO_LATE: _("Too late to win it"),
    }[window.state(today)]


def _sentence(window: ContactWindow, today: dt.date) -> str:
    state = window.state(today)
    if state is WindowState.TOO_EARLY:
        days = (window.opens_on - today).days
        text = ngettext("Talk to them from %(day)s on, tomorrow.", "Talk to them from %(day)s on, in %(n)d days.", days)
        return text % {"day": day_words(window.opens_on, today), "n": days}
    if state is WindowState.OPEN:
        left = window.days_left(today)
        if not left:
            return _("Today is the last day.")
        text = ngettext("%(n)d day left, until %(day)s.", "%(n)d days left, until %(day)s.", left)
        return text % {"n": left, "day": day_words(window.closes_on, today)}
    if today > window.deadline:
        return _("They were to decide by %(day)s. Ask what they chose, and whether the day has moved.") % {
            "day": day_words(window.deadline, today)
        }
    return _(
        "Sales should have talked to them until %(day)s. Call all the same, and ask whether the day has moved."
    ) % {"day": day_words(window.closes_on, today)}
