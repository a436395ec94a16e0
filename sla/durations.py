"""Working time as people write it: "2 h", "1 d 4 h", "90 min"."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from sla import clock

MINUTE, HOUR = 60, 3600
LONGEST_SECONDS = 366 * 86_400
UNIT = r"(d|days?|h|hours?|hrs?|m|mins?|minutes?|s|secs?|seconds?)"
PART = re.compile(rf"\s*(\d{{1,6}}(?:[.,]\d{{1,3}})?)\s*{UNIT}\b\.?[\s,]*", re.I | re.ASCII)


def parse_duration(text: str, *, day_seconds: int | None) -> int:
    """Seconds of "1 d 4 h", "90 min", "20 s"; a bare number is none, since nobody could tell of what.

    `day_seconds` is how long a working day is; None where days differ, and then days are refused. Raises
    `ValidationError` with a sentence.
    """
    total, at, seen = 0.0, 0, set()
    while at < len(text) and (match := PART.match(text, at)):
        number, unit = float(match[1].replace(",", ".")), match[2][0].lower()
        if unit in seen:
            raise ValidationError(_("“%(text)s” names the same unit twice."), params={"text": text})
        seen.add(unit)
        total += number * _seconds_of(unit, day_seconds=day_seconds)
        at = match.end()
    if not seen or text[at:].strip():
        raise ValidationError(_("Write “%(text)s” as 2 h, 1 d 4 h or 90 min."), params={"text": text})
    if not 0 <= total <= LONGEST_SECONDS:
        raise ValidationError(_("A promise is for a year at most."))
    return round(total)


def _seconds_of(unit: str, *, day_seconds: int | None) -> int:
    if unit == "d":
        if not day_seconds:
            raise ValidationError(_("The days of this calendar are not equally long. Write hours."))
        return day_seconds
    return {"h": HOUR, "m": MINUTE, "s": 1}[unit]


def written_duration(seconds: float) -> str:
    """The same in hours, minutes and seconds, so that reading it gives the number again: "4 h", "1 h 30 min"."""
    hours, rest = divmod(round(seconds), HOUR)
    minutes, left = divmod(rest, MINUTE)
    parts = [_("%(n)d h") % {"n": hours}] if hours else []
    parts += [_("%(n)d min") % {"n": minutes}] if minutes else []
    return " ".join([*parts, _("%(n)d s") % {"n": left}] if left or not parts else parts)


def day_seconds_of(calendar: clock.Calendar) -> int | None:
    """How long a working day of a calendar is; None when its days differ or it has none by the week."""
    if calendar.always_open:
        return 24 * HOUR
    lengths = {sum(end - start for start, end in day) for day in calendar.weekly if day}
    return lengths.pop() * MINUTE if len(lengths) == 1 else None
