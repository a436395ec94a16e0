"""The shared parts of the pages. Every tag with its states is shown at /style-guide/."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import forms, template
from django.contrib.messages.storage.base import Message
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext, pgettext

from crm import formats, meters, openers, toasts
from crm.faces import ClockFace, OpenHours, ReasonLine, ScoreFace, ScoreReasons
from leads import words
from leads.stages import Stage

register = template.Library()

Number = float | int | Decimal

# Numbers and time ---------------------------------------------------------------------------------------------------


@register.filter
def num(value: Number | None, decimals: int | None = None) -> str:
    """A number by locale: `{{ n|num }}`, `{{ points|num:1 }}`; a dash for None."""
    return "\u2013" if value is None else formats.number(value, decimals=decimals)


@register.filter
def signed(value: Number | None, decimals: int | None = None) -> str:
    """A change with its sign: `{{ change|signed }}`."""
    return "\u2013" if value is None else formats.signed(value, decimals=decimals)


@register.filter
def percent(share: float | None, decimals: int = 0) -> str:
    """A share of one as per cent: `{{ share|percent:1 }}`."""
    return "\u2013" if share is None else formats.percent(share, decimals=decimals)


@register.filter
def money(amount: Number | None, currency: str = "EUR") -> str:
    """An amount with its currency's sign: `{{ amount|money:opportunity.currency }}`."""
    return "\u2013" if amount is None else formats.money(amount, currency=currency)


@register.filter
def duration(seconds: Number | None) -> str:
    """Seconds as "2 h 40 min"."""
    return "\u2013" if seconds is None else formats.duration(float(seconds))


@register.filter
def short_duration(seconds: Number | None) -> str:
    """Seconds as "2 h 40", for narrow tables."""
    return "\u2013" if seconds is None else formats.short_duration(float(seconds))


@register.filter
def full_moment(moment: datetime) -> str:
    """An instant in full, as plain text: "Tue 17 Nov 2026, 13:46 Helsinki"."""
    return formats.full_moment(moment)


@register.simple_tag
def age(moment: datetime, now: datetime | None = None) -> SafeString:
    """How long ago as one unit, "20 h", with the instant in the title."""
    since = ((now or timezone.now()) - moment).total_seconds()
    return _time_element(moment, formats.age(since))


@register.simple_tag
def when(moment: datetime, now: datetime | None = None, with_time: bool = True, within: bool = False) -> SafeString:
    """An instant as a person would say it, "Mon 14:02", in full in the title; `within` a sentence "today 08:52"."""
    said = formats.when(moment, now=now or timezone.now(), with_time=with_time)
    return _time_element(moment, openers.mid_sentence(said) if within else said)


@register.simple_tag
def local_now() -> str:
    """Time and place of the reader: "Tue 17 Nov, 11:06 Warsaw"."""
    now = timezone.localtime()
    day = date_format(now, pgettext("date pattern: weekday, day and month", "D j M"))
    return f"{day}, {formats.time_of_day(now)} {formats.zone_city(timezone.get_current_timezone_name())}"


@register.filter(expects_localtime=True)
def whole_day(value: date | None) -> str:
    """A day in full, "13 Nov 2025"; nothing for None."""
    return "" if value is None else formats.whole_day(value)


@register.filter
def zone_city(name: str) -> str:
    """The place of a time zone."""
    return formats.zone_city(name)


@register.simple_tag
def server_now() -> str:
    """Seconds since 1970 UTC, by which the scripts set their clocks."""
    return f"{timezone.now().timestamp():.0f}"


@register.simple_tag
def clock_patterns() -> str:
    """The patterns of clocks as JSON, for clock.js."""
    return json.dumps(formats.clock_patterns(), ensure_ascii=False)


def _time_element(moment: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), formats.full_moment(moment), text
    )


# States -------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/status.html")
def status_mark(status: str, word: str = "") -> dict[str, Any]:
    """A state by shape and word; `word` replaces the state's own."""
    return {"status": _known(status), "word": word or formats.status_word(status)}


@register.inclusion_tag("components/clock.html")
def clock(face: ClockFace, kind: str = "", plain: bool = False, figure: bool = False) -> dict[str, Any]:
    """A clock over its meter. `kind` stands above; `plain` leaves out the meter; `figure` is a large one."""
    return {
        "face": face,
        "status": _known(face.status),
        "text": formats.clock_text(status=face.status, seconds_left=face.seconds_left),
        "title": formats.full_moment(face.due_at) if face.due_at else "",
        "at": f"{face.at.timestamp():.0f}",
        "warn_share": f"{face.warn_share:.4f}",
        "plan": meters.plan_meter(share=face.share_gone, tick=face.warn_share, notch=face.notch),
        "has_meter": not plain and not face.note and face.seconds_left is not None,
        "kind": kind,
        "figure": figure,
    }


@register.inclusion_tag("components/meter.html")
def meter(
    share: float, tick: float | None = None, notch: float | None = None, tone: str = "", label: str = ""
) -> dict[str, Any]:
    """A thin bar; `tone` is a state or "accent". With a `label` it is read aloud, without it is decoration."""
    return {"plan": meters.plan_meter(share=share, tick=tick, notch=notch), "tone": tone, "label": label}


@register.inclusion_tag("components/open_hours.html")
def open_hours(hours: Iterable[OpenHours]) -> dict[str, Any]:
    """The open intervals that the clocks of a page or fragment name by `hours_key`; once a page or fragment."""
    return {"hours": [{"key": item.key, "intervals": json.dumps(item.intervals)} for item in hours]}


def _known(status: str) -> str:
    return status if status in formats.STATUS_WORDS else "unknown"


# Scores -------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/score_bar.html")
def score_bar(face: ScoreFace) -> dict[str, Any]:
    """Grey fit and accent engagement with a tick at the threshold."""
    return {
        "face": face,
        "plan": meters.plan_score_bar(fit=face.fit, engagement=face.engagement, threshold=face.threshold),
    }


@register.inclusion_tag("components/score.html")
def score(face: ScoreFace) -> dict[str, Any]:
    """The number, with the hot tag before it, over its bar."""
    return {"face": face}


@register.inclusion_tag("components/score_reasons.html")
def score_reasons(reasons: ScoreReasons) -> dict[str, Any]:
    """Why a score is what it is: every rule with age, bar and points."""

    def drawn(line: ReasonLine) -> dict[str, Any]:
        plan = meters.plan_points_bar(points=line.points, cut_points=line.cut_points, largest=reasons.largest)
        return {"line": line, "plan": plan}

    return {
        "groups": [{"group": group, "lines": [drawn(line) for line in group.lines]} for group in reasons.groups],
        "footnote": reasons.footnote,
    }


@register.inclusion_tag("components/tag.html")
def grade_tag(grade: str) -> dict[str, Any]:
    """Fit as a letter beside engagement as a digit."""
    return {"kind": "grade", "word": grade}


@register.inclusion_tag("components/tag.html", takes_context=True)
def hot_tag(context: template.Context) -> dict[str, Any]:
    """Above the hot threshold; pointed at it says what hot means."""
    return _defined(context, "hot")


@register.inclusion_tag("components/tag.html", takes_context=True)
def stage_tag(context: template.Context, stage: str) -> dict[str, Any]:
    """The word of a stage's code; pointed at it says what the stage means."""
    return _defined(context, stage)


@register.inclusion_tag("components/agreed_words.html", takes_context=True)
def agreed_words(context: template.Context, *codes: str) -> dict[str, Any]:
    """What the agreed words of a page mean, unfolded at its head: the tags of its rows say it to the pointer alone."""
    return {"agreed": [_defined(context, code) for code in codes]}


@register.inclusion_tag("components/meaning.html", takes_context=True)
def meaning(context: template.Context, word: str, label: str = "", of: Any = None) -> dict[str, Any]:
    """A word that unfolds what it means, by pointer, key and touch: for heads, where a tag's title is not enough.

    `label` is shown instead of the word's tag. `of` is a row that brought the meaning along (`written_meanings`).
    """
    if of is None:
        return _defined(context, word) | {"label": label}
    written = getattr(of, f"{word}_meaning" if word in ("hot", "cold") else "stage_meaning")
    known = {"meanings": {word: written or words.DEFINITIONS.get(word, "")}}
    return _defined(known, word) | {"label": label}


def _defined(context: template.Context | dict[str, Any], word: str) -> dict[str, Any]:
    kind = "hot" if word == "hot" else "stage"
    return {
        "kind": kind,
        "word": words.DEFINED.get(word, word),
        "meaning": (context.get("meanings") or {}).get(word, ""),
    }


@register.simple_tag
def stage_name(stage: str, count: int | None = None) -> str:
    """The word of a stage's code, for a list of choices; with a `count` as it stands behind a number: "leads"."""
    if count is not None:
        one, many = words.STAGE_NOUNS[Stage(stage)]
        return ngettext(one, many, count)
    return str({str(code): word for code, word in words.STAGES.items()}.get(str(stage), stage))


# Links and texts ----------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/count.html")
def count(n: int, href: str, tone: str = "", title: str = "") -> dict[str, Any]:
    """A number that opens its rows; zero is grey and no link. `tone` is "", "red" or "amber"."""
    return {"n": n, "href": href, "tone": tone, "title": title}


@register.simple_tag
def count_link(n: int, href: str, tone: str = "") -> SafeString:
    """The same for sentences: `{% count_link n href as link %}{% blocktranslate %}{{ link }} to review{% …%}`."""
    text = formats.number(n)
    if not n:
        return format_html('<span class="count is-zero">{}</span>', text)
    return format_html('<a class="count {}" href="{}">{}</a>', f"is-{tone}" if tone else "", href, text)


@register.inclusion_tag("components/key_hints.html")
def key_hints(*pairs: str) -> dict[str, Any]:
    """Keys with what they do: `{% key_hints "j k" _("move") "x" _("select") %}`; "?" is added."""
    return {"hints": [{"keys": keys.split(), "word": word} for keys, word in zip(pairs[::2], pairs[1::2], strict=True)]}


@register.inclusion_tag("components/toast.html", takes_context=True)
def toast(context: template.Context, message: Message) -> dict[str, Any]:
    """A message told once, with an undo button where its act can be taken back."""
    return {
        "text": message.message,
        "is_error": message.level_tag == "error",
        "undo_url": toasts.undo_url_of(message),
        "csrf_token": context.get("csrf_token"),
    }


# Forms --------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/field.html")
def field(
    bound: BoundField, label: str = "", help: str = "", wide: bool = False, suffix: str = "", bare: bool = False
) -> dict[str, Any]:
    """A form's field with label, help and errors, tied together for readers.

    `bare`: do not call it optional, where most fields of the form are.
    """
    widget = bound.field.widget
    kind = "line"
    if isinstance(widget, forms.CheckboxInput):
        kind = "check"
    elif isinstance(widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
        kind = "radios"
    return {
        "field": bound,
        "kind": kind,
        "label": label or bound.label,
        "help": help,
        "wide": wide,
        "suffix": suffix,
        "says_optional": not bare and not bound.field.required,
    }


@register.inclusion_tag("components/conditions.html")
def conditions(form: forms.BaseForm) -> dict[str, Any]:
    """The editor of the conditions of a `ConditionsForm`, anywhere within its `<form>`; see `condition_lists`."""
    return {"form": form}


@register.inclusion_tag("components/condition_lists.html")
def condition_lists(lists: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """What is offered while properties and values are typed, once a page: `leads.forms_conditions.condition_lists`."""
    return {"lists": lists}


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: forms.BaseForm) -> dict[str, Any]:
    """What is wrong with a form, in one place, each line a link to its field; nothing when it is right."""
    return {
        "form": form,
        "general": form.non_field_errors(),
        "fields": [bound for bound in form if bound.errors],
    }


# Lists --------------------------------------------------------------------------------------------------------------


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """The page's query string with some values replaced; None or "" removes one: `<a href="{% query page=2 %}">`."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            values.pop(name, None)
        else:
            values[name] = value
    return f"?{values.urlencode()}"


@register.inclusion_tag("components/sort_heading.html", takes_context=True)
def sort_heading(
    context: template.Context,
    word: str,
    name: str,
    css: str = "",
    by: str = "order",
    default: bool = False,
    place: str = "",
    span: int = 0,
) -> dict[str, Any]:
    """A table heading that sorts: `{% sort_heading _("Score") "-score" "number" %}`, the order of the first press.

    `default`: the list is in this order where none is asked for; `place`: the id of the list, on a page with several;
    `span`: over how many columns it stands.
    """
    ordered = context["request"].GET.get(by) or (name if default else "")
    bare = name.removeprefix("-")
    is_sorted = ordered.removeprefix("-") == bare
    flipped = bare if ordered.startswith("-") else f"-{bare}"
    direction = ("descending" if ordered.startswith("-") else "ascending") if is_sorted else ""
    return {
        "word": word,
        "css": css,
        "direction": direction,
        "span": span,
        "href": query(context, **{by: flipped if is_sorted else name, "page": None}) + (f"#{place}" if place else ""),
    }


@register.inclusion_tag("components/pages.html", takes_context=True)
def pages(context: template.Context, page: Any) -> dict[str, Any]:
    """Where one is in a list and the way on, from a `django.core.paginator.Page`."""
    return {
        "page": page,
        "previous": query(context, page=page.previous_page_number()) if page.has_previous() else "",
        "following": query(context, page=page.next_page_number()) if page.has_next() else "",
    }
