"""How durations, ages, instants, numbers and money read, in the language of the reader.

Functions of their arguments and of the active language and time zone only; none reads the clock. `static/js/clock.js`
counts on with the same patterns, which it gets from `clock_patterns`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

MINUTE, HOUR, DAY = 60, 3600, 86_400
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"

STATUS_WORDS = {
    "running": gettext_lazy("Running"),
    "soon": gettext_lazy("Soon"),
    "missed": gettext_lazy("Missed"),
    "late": gettext_lazy("Met late"),
    "met": gettext_lazy("Met"),
    "paused": gettext_lazy("Paused"),
    "cancelled": gettext_lazy("Cancelled"),
    "unknown": gettext_lazy("Not known"),
}
"""The word of every state a mark is drawn for."""

CURRENCY_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$", "PLN": "zł", "CZK": "Kč", "SEK": "kr", "BRL": "R$"}


def _duration_patterns() -> dict[str, str]:
    """The pattern of each size of duration, with placeholders `hours`, `minutes` and `seconds`."""
    return {
        "seconds": _("%(seconds)d s"),
        "minutes": _("%(minutes)d min"),
        "hours": _("%(hours)d h"),
        "hours_minutes": _("%(hours)d h %(minutes)02d min"),
    }


def clock_patterns() -> dict[str, str]:
    """The patterns by which a clock is put into words, for the script that counts on."""
    return {
        **_duration_patterns(),
        "left": _("%(duration)s left"),
        "late": _("%(duration)s late"),
        "soon_said": _("Soon due: %(name)s"),
        "missed_said": _("Missed: %(name)s"),
    }


def duration(seconds: float) -> str:
    """A length of time such as "20 min", "2 h 05 min" or "38 h"; part units are dropped, a sign is ignored.

    Hours are never turned into days: a working day has no fixed length.
    """
    whole = int(abs(seconds))
    hours, minutes = whole // HOUR, whole % HOUR // MINUTE
    if whole < MINUTE:
        size = "seconds"
    elif whole < HOUR:
        size = "minutes"
    elif minutes == 0 or whole >= DAY:
        size = "hours"
    else:
        size = "hours_minutes"
    return _duration_patterns()[size] % {"hours": hours, "minutes": minutes, "seconds": whole}


def short_duration(seconds: float) -> str:
    """The same for narrow tables, without the second unit: "2 h 05", "45 min"."""
    whole = int(abs(seconds))
    if whole < HOUR or whole >= DAY:
        return duration(seconds)
    return _("%(hours)d h %(minutes)02d") % {"hours": whole // HOUR, "minutes": whole % HOUR // MINUTE}


def clock_text(*, status: str, seconds_left: float | None) -> str:
    """A clock in words: "2 h 40 min left", "1 h 32 min late", "Met 5 min late", or the state's own word.

    `seconds_left` is working time, negative past due, None when no due time is known.
    """
    if seconds_left is not None:
        if status in ("running", "soon"):
            return _("%(duration)s left") % {"duration": duration(max(seconds_left, 0))}
        if status == "missed":
            return _("%(duration)s late") % {"duration": duration(seconds_left)}
        if status == "late":
            return _("Met %(duration)s late") % {"duration": duration(seconds_left)}
    return status_word(status)


def status_word(status: str) -> str:
    """The word beside the mark of a state; an unknown state is called that."""
    return str(STATUS_WORDS.get(status, STATUS_WORDS["unknown"]))


def age(seconds: float) -> str:
    """How long ago, in one unit: "now", "25 min", "20 h", "8 d", "5 mo", "2 y"."""
    if seconds < MINUTE:
        return pgettext("age", "now")
    if seconds < HOUR:
        return _("%(n)d min") % {"n": seconds // MINUTE}
    if seconds < 2 * DAY:
        return _("%(n)d h") % {"n": seconds // HOUR}
    days = seconds // DAY
    if days < 90:
        return _("%(n)d d") % {"n": days}
    if days < 730:
        return _("%(n)d mo") % {"n": days // 30.44}
    return _("%(n)d y") % {"n": days // 365.25}


def age_span(youngest: float, oldest: float) -> str:
    """The ages of several things: "2 h – 4 d", "3 – 16 d", or one age when both read alike."""
    first, last = age(youngest), age(oldest)
    if first == last:
        return last
    number, _space, unit = first.partition(" ")
    if unit and last.endswith(f" {unit}"):
        first = number
    return f"{first} \u2013 {last}"


def when(moment: datetime, *, now: datetime, with_time: bool = True) -> str:
    """An instant as a person would say it: "Today 08:52", "Mon 14:02", "13 Nov", "13 Nov 2025".

    Days are those of the current time zone. The time of day is left out beyond a week, and where `with_time` is False.
    """
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    days = (local.date() - today).days
    named = {0: _("Today"), -1: _("Yesterday"), 1: _("Tomorrow")}
    if days in named:
        day = named[days]
    elif abs(days) < 7:
        day = date_format(local, pgettext("date pattern: weekday", "D"))
    elif local.year == today.year:
        return date_format(local, pgettext("date pattern: day and month", "j M"))
    else:
        return whole_day(local)
    return f"{day} {time_of_day(moment)}" if with_time else day


def whole_day(value: date) -> str:
    """A day in full: "13 Nov 2025"."""
    return date_format(value, pgettext("date pattern: day, month and year", "j M Y"))


def time_of_day(moment: datetime) -> str:
    """The time on the clock in the current time zone: "13:46"."""
    return date_format(timezone.localtime(moment), pgettext("date pattern: time", "H:i"))


def full_moment(moment: datetime) -> str:
    """An instant in full, for titles: "Tue 17 Nov 2026, 13:46 Helsinki"."""
    local = timezone.localtime(moment)
    written = date_format(local, pgettext("date pattern: full", "D j M Y, H:i"))
    return f"{written} {zone_city(timezone.get_current_timezone_name())}"


def zone_city(name: str) -> str:
    """The place a time zone is named after: "Helsinki" for "Europe/Helsinki"."""
    return name.rpartition("/")[2].replace("_", " ")


def number(value: float | Decimal, *, decimals: int | None = None) -> str:
    """A number by the reader's locale, grouped, with a real minus sign; `decimals` None drops a zero fraction only."""
    if decimals is None and value == int(value):
        decimals = 0
    if decimals is not None:
        value = round(Decimal(value), decimals)  # Django cuts off instead
    written = number_format(value, decimal_pos=decimals, use_l10n=True, force_grouping=True)
    return written.replace("-", MINUS) if float(value) < 0 else written


def signed(value: float | Decimal, *, decimals: int | None = None) -> str:
    """A change: "+3", "−2", "0"."""
    return f"+{number(value, decimals=decimals)}" if value > 0 else number(value, decimals=decimals)


def percent(share: float, *, decimals: int = 0) -> str:
    """A share of one as per cent: 0.879 is "88 %"."""
    return _("%(number)s\u00a0%%") % {"number": number(share * 100, decimals=decimals)}


def money(amount: float | Decimal, *, currency: str = "EUR") -> str:
    """An amount with the sign of its ISO 4217 currency, cents only where there are some: "8,400 €"."""
    decimals = 0 if amount == int(amount) else 2
    sign = CURRENCY_SIGNS.get(currency, currency)
    return f"{number(amount, decimals=decimals)}{NO_BREAK_SPACE}{sign}"


def tel(phone: str) -> str:
    """A phone number as a device dials it, for a `tel:` link."""
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")
