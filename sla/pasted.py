"""Days as people have them in mails and sheets: pasted, one or many a line, each with what it is called."""

from __future__ import annotations

import datetime as dt
import re

from django import forms
from django.utils.translation import gettext as _

MOST_DAYS = 3660
DAY = r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})"
FIRST = re.compile(rf"\s*(?:{DAY})(?=$|[\s,;:\u2010-\u2015-])", re.ASCII)
LAST = re.compile(rf"\s*(?:[-\u2010-\u2015]|\bto\b)\s*(?:{DAY})(?=$|[\s,;:])", re.ASCII)
BETWEEN = " \t,;:\u2010\u2011\u2012\u2013\u2014-"


def parse_days(text: str) -> dict[dt.date, str]:
    """Every day of a pasted list with the words beside it, in order; a stretch stands for each of its days.

    A day is 2026-12-24 or 24.12.2026, a stretch two of them with a dash or "to" between. Several days may stand in a
    line; words belong to the day before them. Of a day that comes twice the last one counts. Raises
    `forms.ValidationError` for a line that does not begin with a day, a day that does not exist and a stretch that
    ends before it begins.
    """
    found: dict[dt.date, str] = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        rest = line
        while rest:
            days, rest = _taken(rest, line=line)
            name, rest = _name(rest)
            found.update(dict.fromkeys(days, name))
        if len(found) > MOST_DAYS:
            raise forms.ValidationError(_("These are more than %(most)d days."), params={"most": MOST_DAYS})
    return dict(sorted(found.items()))


def _taken(text: str, *, line: str) -> tuple[list[dt.date], str]:
    """The days at the beginning of a text, and what follows them."""
    first = FIRST.match(text)
    if first is None:
        raise forms.ValidationError(
            _("“%(line)s” does not begin with a day such as 2026-12-24."), params={"line": line[:60]}
        )
    since = until = _day(first, line=line)
    end = first.end()
    if last := LAST.match(text, end):
        until, end = _day(last, line=line), last.end()
    if until < since:
        raise forms.ValidationError(_("“%(line)s” ends before it begins."), params={"line": line[:60]})
    if (until - since).days > MOST_DAYS:
        raise forms.ValidationError(_("These are more than %(most)d days."), params={"most": MOST_DAYS})
    return [since + dt.timedelta(days=number) for number in range((until - since).days + 1)], text[end:]


def _day(match: re.Match[str], *, line: str) -> dt.date:
    groups = match.groups()
    year, month, day = groups[:3] if groups[0] else reversed(groups[3:])
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        raise forms.ValidationError(
            _("There is no such day: “%(day)s”."), params={"day": match[0].strip(BETWEEN) or line[:60]}
        ) from None


def _name(text: str) -> tuple[str, str]:
    """The words up to the next day of the line, and the rest from there on."""
    text = text.lstrip(BETWEEN)
    for match in re.finditer(r"[,;\t]", text):
        if FIRST.match(text, match.end()):
            return text[: match.start()].rstrip(BETWEEN), text[match.end() :]
    return ("", text) if FIRST.match(text) else (text.rstrip(BETWEEN), "")
