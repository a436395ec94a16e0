"""The sentence with which to open a call, built from what the contact really did and wrote.

Only what happened since our last conversation counts, since the rest has been talked about. Functions of their
arguments and of the active language and time zone; none reads the clock or the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, pgettext

from crm import deeds, formats
from crm.deeds import Deed

MEMORY = timedelta(days=120)
LED_BY_MAIL = timedelta(days=3)
"""A mail that was read so long before a deed may have led to it."""
MAX_WORDS = 160
MAILS = ("email_open", "email_click")
SPOKEN = ("reached", "connected", "answered", "meeting")
# What tells most about why somebody wants to be called comes first.
RANKS = (
    "demo_request",
    "email_reply",
    "form_submission",
    "call",
    "meeting",
    "event_attended",
    "webinar_attended",
    "content_download",
    "prices",
    "email_click",
    "page_view",
)


@dataclass(frozen=True)
class Opening:
    """What to say first, and where it comes from; both empty when nothing is known."""

    sentence: str
    source: str


@dataclass(frozen=True)
class _Theme:
    """All deeds of one kind, newest first."""

    kind: str
    deeds: tuple[Deed, ...]

    @property
    def latest(self) -> Deed:
        return self.deeds[0]


def opening(history: Sequence[Deed], *, now: datetime) -> Opening:
    """The sentence to say, from a contact's deeds, newest first, as they are known at `now`."""
    spoken = _last(history, is_spoken)
    tried = _last(history, is_attempt)
    themes = _themes(history, since=spoken.at if spoken else now - MEMORY)
    sentences = []
    if spoken:
        sentences.append(_("We spoke %(when)s.") % {"when": said(spoken.at, now=now)})
    elif tried:
        sentences.append(_("I tried to reach you %(when)s.") % {"when": said(tried.at, now=now)})
    if themes:
        sentences += [_statement(themes, led_by=_led_by(themes[0].latest, history), now=now), _question(themes[0])]
    elif spoken:
        sentences.append(_("What has happened since?"))
    else:
        sentences = []
    return Opening(sentence=" ".join(sentences), source=_source(themes, now=now))


def reason_to_call(history: Sequence[Deed], *, now: datetime) -> str:
    """What tells most, in a few words for a row: "Asked for a demo yesterday"; empty when nothing is known."""
    spoken = _last(history, is_spoken)
    themes = _themes(history, since=spoken.at if spoken else now - MEMORY)
    if not themes:
        return ""
    theme = themes[0]
    when = said(theme.latest.at, now=now)
    if theme.kind == "prices" and len(theme.deeds) > 1:
        return _("Looked at the prices %(n)d times, last %(when)s") % {"n": len(theme.deeds), "when": when}
    return f"{deeds.headline(theme.latest)} {when}"


def is_attempt(deed: Deed) -> bool:
    """Whether one of us tried to reach the contact."""
    return not deed.is_theirs and deed.type in ("call", "meeting", "email")


def is_spoken(deed: Deed) -> bool:
    """Whether one of us spoke with the contact."""
    return not deed.is_theirs and (deed.type == "meeting" or (deed.type == "call" and deed.outcome in SPOKEN))


def said(moment: datetime, *, now: datetime) -> str:
    """An instant within a spoken sentence: "today", "yesterday", "on Monday", "on 9 November", "in March 2025"."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    days = (today - local.date()).days
    if days <= 0:
        return pgettext("when in a sentence", "today")
    if days == 1:
        return pgettext("when in a sentence", "yesterday")
    if days < 7:
        return _("on %(day)s") % {"day": date_format(local, pgettext("date pattern: weekday in full", "l"))}
    if days < 300:
        return _("on %(day)s") % {"day": date_format(local, pgettext("date pattern: day and month in full", "j F"))}
    return _("in %(month)s") % {"month": date_format(local, pgettext("date pattern: month and year", "F Y"))}


def mid_sentence(words: str) -> str:
    """Words for an instant, from `formats.when`, within a sentence: "today 08:52", but "Mon 14:02"."""
    is_named = words.startswith((_("Today"), _("Yesterday"), _("Tomorrow")))
    return words[:1].lower() + words[1:] if is_named else words


def _last(history: Sequence[Deed], is_wanted: Callable[[Deed], bool]) -> Deed | None:
    return next((deed for deed in history if is_wanted(deed)), None)


def _themes(history: Sequence[Deed], *, since: datetime) -> list[_Theme]:
    """What they did since, by kind, the most telling first; mails that were merely opened tell nothing."""
    found: dict[str, list[Deed]] = {}
    for deed in history:
        kind = "prices" if deed.is_of_prices else deed.type
        if deed.is_theirs and deed.at > since and kind in RANKS:
            found.setdefault(kind, []).append(deed)
    return [_Theme(kind, tuple(found[kind])) for kind in RANKS if kind in found]


def _led_by(deed: Deed, history: Sequence[Deed]) -> str:
    """The campaign or mailing that brought them to it: the deed's own, else the mail that they read shortly before."""
    if deed.type in MAILS:
        return ""
    if deed.campaign:
        return deed.campaign
    read = (one for one in history if one.type in MAILS and deed.at - LED_BY_MAIL <= one.at <= deed.at)
    return next((mail.campaign or mail.title for mail in read if mail.campaign or mail.title), "")


def _statement(themes: Sequence[_Theme], *, led_by: str, now: datetime) -> str:
    """One or two things they did, their own words before anything else, and what had led them to it."""
    first = _first_clause(themes[0], now=now)
    if led_by and led_by not in first:
        first = _("%(first)s after ‘%(campaign)s’") % {"first": first, "campaign": led_by}
    words = themes[0].latest.words
    if words and themes[0].kind == "form_submission":
        return _("%(first)s: ‘%(words)s’.") % {"first": first, "words": _clip(words)}
    if words:
        return _("%(first)s and wrote: ‘%(words)s’.") % {"first": first, "words": _clip(words)}
    second = next((clause for theme in themes[1:] if (clause := _second_clause(theme, now=now))), "")
    if second:
        return _("%(first)s and %(second)s.") % {"first": first, "second": second}
    return f"{first}."


def _first_clause(theme: _Theme, *, now: datetime) -> str:
    deed, count = theme.latest, len(theme.deeds)
    values = {"when": said(deed.at, now=now), "title": deed.title, "n": count}
    if theme.kind == "prices" and count > 1:
        oldest = theme.deeds[-1].at
        if said(oldest, now=now) != values["when"]:
            often = {"often": _often(count), "day": _day(oldest, now)}
            return _("You have looked at our prices %(often)s since %(day)s") % often
        return _("You looked at our prices %(often)s %(when)s") % (values | {"often": _often(count)})
    if deed.title and theme.kind in _FIRST_TITLED:
        return _(_FIRST_TITLED[theme.kind]) % values
    return _(_FIRST[theme.kind]) % values


def _often(count: int) -> str:
    """How many times, for more than one."""
    return _("twice") if count == 2 else _("%(n)d times") % {"n": count}


def _day(moment: datetime, now: datetime) -> str:
    """A day after "since"."""
    local = timezone.localtime(moment)
    is_near = (timezone.localtime(now).date() - local.date()).days < 7
    pattern = (
        pgettext("date pattern: weekday in full", "l")
        if is_near
        else pgettext("date pattern: day and month in full", "j F")
    )
    return date_format(local, pattern)


def _second_clause(theme: _Theme, *, now: datetime) -> str:
    deed, count = theme.latest, len(theme.deeds)
    if theme.kind == "prices":
        when = said(deed.at, now=now)
        if said(theme.deeds[-1].at, now=now) == when:
            if count == 1:
                return _("looked at our prices %(when)s") % {"when": when}
            return _("looked at our prices %(often)s %(when)s") % {"often": _often(count), "when": when}
        return _("looked at our prices %(often)s, last %(when)s") % {"often": _often(count), "when": when}
    if theme.kind == "content_download":
        return _("downloaded ‘%(title)s’") % {"title": deed.title} if deed.title else _("downloaded our material")
    if theme.kind == "webinar_attended":
        return _("came to our webinar")
    if theme.kind == "event_attended":
        return _("met us at ‘%(title)s’") % {"title": deed.title} if deed.title else _("met us")
    if theme.kind == "form_submission" and deed.words:
        return _("wrote: ‘%(words)s’") % {"words": _clip(deed.words)}
    return ""


_FIRST = {
    "demo_request": gettext_noop("You asked us for a demo %(when)s"),
    "email_reply": gettext_noop("You answered our mail %(when)s"),
    "form_submission": gettext_noop("You wrote to us %(when)s"),
    "call": gettext_noop("You called us %(when)s"),
    "meeting": gettext_noop("You met us %(when)s"),
    "event_attended": gettext_noop("We met %(when)s"),
    "webinar_attended": gettext_noop("You came to our webinar %(when)s"),
    "content_download": gettext_noop("You downloaded our material %(when)s"),
    "prices": gettext_noop("You looked at our prices %(when)s"),
    "email_click": gettext_noop("You followed our mail %(when)s"),
    "page_view": gettext_noop("You visited our pages %(when)s"),
}
_FIRST_TITLED = {
    "event_attended": gettext_noop("We met at ‘%(title)s’ %(when)s"),
    "webinar_attended": gettext_noop("You came to our webinar ‘%(title)s’ %(when)s"),
    "content_download": gettext_noop("You downloaded ‘%(title)s’ %(when)s"),
    "email_click": gettext_noop("You followed our mail ‘%(title)s’ %(when)s"),
}


def _question(theme: _Theme) -> str:
    """What to ask, so that they speak next."""
    has_words = bool(theme.latest.words)
    if theme.kind in ("demo_request", "form_submission", "email_reply") and has_words:
        return _("How do you deal with that today?")
    return {
        "demo_request": _("What do you want to see first?"),
        "form_submission": _("What would help you most?"),
        "email_reply": _("Is this a good moment to talk about it?"),
        "call": _("What can I do for you?"),
        "meeting": _("What did you take from it?"),
        "event_attended": _("What did you take from it?"),
        "webinar_attended": _("What of it would you try first?"),
        "content_download": _("Which question did it leave open?"),
        "prices": _("Shall I work out what it would cost you?"),
        "email_click": _("What made you look?"),
        "page_view": _("What were you looking for?"),
    }[theme.kind]


def _source(themes: Sequence[_Theme], *, now: datetime) -> str:
    """The activities behind the sentence, so that it can be checked."""
    if not themes:
        return ""

    def told(theme: _Theme) -> str:
        text = deeds.Gathered(theme.latest, len(theme.deeds)).text
        form, path = theme.latest.properties.get("form"), theme.latest.path
        place = form or path
        if place and str(place) not in text and theme.kind in ("demo_request", "form_submission"):
            text = _("%(what)s (%(place)s)") % {"what": text, "place": place}
        return f"{text}, {mid_sentence(formats.when(theme.latest.at, now=now))}"

    lines = [told(theme) for theme in themes[:3]]
    before = "; ".join(line[:1].lower() + line[1:] for line in lines[1:])
    return f"{lines[0]}. " + (_("Also: %(others)s.") % {"others": before} if before else "")


def _clip(words: str) -> str:
    """Their words on one line, cut between two words where they are long."""
    flat = " ".join(words.split()).rstrip(".")
    if len(flat) <= MAX_WORDS:
        return flat
    return flat[:MAX_WORDS].rpartition(" ")[0] + "…"
