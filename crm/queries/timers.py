"""Promises as rows: the list behind every number about them, and how long each took."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import django_filters as filters
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import dates, timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from crm import formats
from crm.faces import ClockFace, OpenHours
from crm.models import User
from crm.queries import clocks, origins
from crm.queries.origins import Split
from sla import clock
from sla.filters import TimerFilter
from sla.models import Calendar, Milestone, Pause, Timer, TimerQuerySet

STATES = [
    ("open", _("Open")),
    ("running", _("Running")),
    ("soon", _("Soon due")),
    ("missed", _("Missed")),
    ("paused", _("Paused")),
    ("met", _("Met")),
    ("late", _("Met late")),
    ("cancelled", _("Cancelled")),
]
OPEN_STATES = ("running", "soon", "missed", "paused")
KEPT, LATE, DECIDED = ("met",), ("late", "missed"), ("met", "late", "missed")
"""How a promise that fell due was kept, was not, and both."""
INSTANTS = {"started": "started_at", "due": "due_at", "met": "met_at"}
NOBODY = "nobody"
A_MOMENT = 1e-6


def address(**asked: Any) -> str:
    """The address of the rows that these filters of `TimerListFilter` choose; empty values are left out."""
    given = {name: value for name, value in asked.items() if value not in (None, "", (), [])}
    return f"{reverse('timers')}?{urlencode(given, doseq=True)}"


def in_states(states: Iterable[str]) -> Q:
    """Timers `with_state` in any of `STATES`; a paused clock is not soon due."""
    wanted = set(states)
    if "open" in wanted:
        wanted |= set(OPEN_STATES)
    found = Q(state_now__in=sorted(wanted - {"open", "running", "soon"}))
    if "soon" in wanted:
        found |= Q(state_now="running", is_soon=True)
    if "running" in wanted:
        found |= Q(state_now="running", is_soon=False)
    return found


def on_days(column: str, since: dt.date | None, until: dt.date | None) -> Q:
    """An instant on whole days of the current time zone, both included."""
    found = Q()
    if since:
        found &= Q(**{f"{column}__gte": timezone.make_aware(dt.datetime.combine(since, dt.time()))})
    if until:
        after = dt.datetime.combine(until, dt.time()) + dt.timedelta(days=1)
        found &= Q(**{f"{column}__lt": timezone.make_aware(after)})
    return found


def timers_of(user: User, *, now: dt.datetime) -> TimerQuerySet:
    """Every timer that `user` may see, with its state at `now` and whose promise it is.

    A review is the promise of whoever reviewed; any other one of its assignee.
    """
    return _with_person(Timer.objects.visible_to(user).with_state(now=now))


def _with_person(rows: TimerQuerySet) -> TimerQuerySet:
    return rows.annotate(person_email=origins.key_of(Split.PERSON), person_name=origins.name_of(Split.PERSON))


class TimerListFilter(TimerFilter):
    """Promises as pages ask for them.

    Several states at once (`soon` is past the warning); `person`, an address or `nobody`; `since` and `until`, days of
    the reader's zone, both included, of the instant that `by` names; how long it took, more than `over` and at most
    `upto` seconds, of working time or of `time=calendar`. Of its lead: `team`, `source`, `campaign` (their numbers, or
    `none`), `grade`, and when it arrived: `weekday` (1 is Monday), `since_hour` and, not included, `to_hour`.
    """

    state = filters.MultipleChoiceFilter(choices=STATES, method="choose_states", label=_("State"))
    person = filters.CharFilter(method="choose_person", label=_("Whose"), max_length=254)
    by = filters.ChoiceFilter(
        choices=[("started", _("Started")), ("due", _("Due")), ("met", _("Met"))], method="later", label=_("Period of")
    )
    since = filters.DateFilter(method="later", label=_("From"))
    until = filters.DateFilter(method="later", label=_("To"))
    over = filters.NumberFilter(method="later", label=_("Took more than, in seconds"))
    upto = filters.NumberFilter(method="later", label=_("Took at most, in seconds"))
    time = filters.ChoiceFilter(
        choices=[("working", _("Working time")), ("calendar", _("Calendar time"))], method="later", label=_("Time")
    )
    team = filters.CharFilter(method="choose_group", label=_("Team"), max_length=20)
    source = filters.CharFilter(method="choose_group", label=_("Source"), max_length=20)
    campaign = filters.CharFilter(method="choose_group", label=_("Campaign"), max_length=20)
    grade = filters.CharFilter(method="choose_group", label=_("Grade"), max_length=4)
    weekday = filters.NumberFilter(method="later", label=_("Arrived on"), min_value=1, max_value=7)
    since_hour = filters.NumberFilter(method="later", label=_("Arrived from"), min_value=0, max_value=23)
    to_hour = filters.NumberFilter(method="later", label=_("Arrived before"), min_value=1, max_value=24)

    class Meta:
        model = Timer
        fields: list[str] = []

    def choose_states(self, rows: QuerySet, name: str, value: list[str]) -> QuerySet:
        """Any of the states."""
        return rows.filter(in_states(value)) if value else rows

    def choose_person(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Whose promise it is; `nobody` for those that are a team's."""
        return rows.filter(person_email=None) if value == NOBODY else rows.filter(person_email__iexact=value)

    def choose_group(self, rows: TimerQuerySet, name: str, value: str) -> TimerQuerySet:
        """Those of one team, source, campaign or grade."""
        return origins.in_group(rows, Split(name), value)

    def later(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Nothing by itself: fields that belong together are put together in `filter_queryset`."""
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        rows = rows.filter(on_days(INSTANTS[asked["by"] or "due"], asked["since"], asked["until"]))
        hours = {name: None if asked[name] is None else int(asked[name]) for name in ("since_hour", "to_hour")}
        rows = origins.arrived(rows, weekday=asked["weekday"], **hours)
        if asked["over"] is None and asked["upto"] is None:
            return rows
        found = facts_of(rows.filter(met_at__isnull=False))
        watch = Stopwatch(found, is_calendar_time=asked["time"] == "calendar")
        over, upto = (None if asked[name] is None else float(asked[name]) for name in ("over", "upto"))
        return rows.filter(pk__in=[one.pk for one in found if is_between(watch.took(one), over, upto)])


def is_between(took: float | None, over: float | None, upto: float | None) -> bool:
    """Whether a time lies above `over` and not above `upto`; what is None bounds nothing."""
    return took is not None and (over is None or took > over) and (upto is None or took <= upto)


# How long it took -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """What is known of one promise, as far as figures need it."""

    pk: int
    handoff_id: int
    milestone: str
    state: str
    calendar_id: int
    target_seconds: int
    started_at: dt.datetime
    due_at: dt.datetime
    met_at: dt.datetime | None
    formed_at: dt.datetime
    offered_at: dt.datetime | None
    contacted_at: dt.datetime | None
    person_email: str | None
    person_name: str | None
    group_key: str | None
    """What identifies the group asked for, see `origins`; None or empty without one."""
    group_name: str | None

    @property
    def is_kept(self) -> bool:
        return self.state in KEPT


def facts_of(rows: QuerySet[Timer], *, split: Split = Split.PERSON) -> list[Fact]:
    """The facts of timers that came from `timers_of`, with the group of each by `split`: one query."""
    grouped = rows.annotate(group_key=origins.key_of(split), group_name=origins.name_of(split))
    values = grouped.order_by("due_at", "id").values_list(
        "pk",
        "handoff_id",
        "milestone",
        "state_now",
        "calendar_id",
        "target_seconds",
        "started_at",
        "due_at",
        "met_at",
        "handoff__formed_at",
        "handoff__offered_at",
        "handoff__contacted_at",
        "person_email",
        "person_name",
        "group_key",
        "group_name",
    )
    return [Fact(*row) for row in values]


def facts_of_timers(timers: Sequence[Timer], *, now: dt.datetime) -> list[Fact]:
    """The facts of timers that are at hand: one query."""
    same = Timer.objects.filter(pk__in=[timer.pk for timer in timers])
    return facts_of(_with_person(same.with_state(now=now)))


class Stopwatch:
    """Measures times in the calendar of each promise, its pauses left out, or in calendar time. Two queries."""

    def __init__(self, facts: Sequence[Fact], *, is_calendar_time: bool) -> None:
        self._is_calendar_time = is_calendar_time
        self._calendars: dict[int, clock.Calendar] = {}
        self._pauses: dict[int, list[tuple[dt.datetime, dt.datetime]]] = defaultdict(list)
        if is_calendar_time or not facts:
            return
        for row in Calendar.objects.filter(pk__in={fact.calendar_id for fact in facts}):
            self._calendars[row.pk] = row.parse()
        for pause in Pause.objects.filter(handoff__in={fact.handoff_id for fact in facts}):
            self._pauses[pause.handoff_id].append((pause.starts_at, pause.ends_at))

    def took(self, fact: Fact) -> float | None:
        """Seconds from the start of a promise until it was met; None while it is not.

        One that was met late, but in closed time, took a moment longer than was promised.
        """
        if fact.met_at is None:
            return None
        seconds = self.between(fact, fact.started_at, fact.met_at)
        if fact.state == "late" and not self._is_calendar_time:
            return max(seconds, fact.target_seconds + A_MOMENT)
        return seconds

    def between(self, fact: Fact, start: dt.datetime, end: dt.datetime) -> float:
        """Seconds between two instants of a handoff."""
        if self._is_calendar_time:
            return max((end - start).total_seconds(), 0.0)
        return clock.elapsed(self._calendars[fact.calendar_id], start, end, self._pauses[fact.handoff_id])


# The list -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimerRow:
    """One promise of a list."""

    timer: Timer
    clock: ClockFace
    took: float | None
    person: str | None

    @property
    def promise(self) -> str:
        return str(Milestone(self.timer.milestone).label)

    @property
    def is_replaced(self) -> bool:
        """Whether another clock took its place, under another promise."""
        return hasattr(self.timer, "replaced_by")


@dataclass(frozen=True)
class TimerRows:
    """The rows of a page of promises, and the open hours in which their clocks count."""

    rows: tuple[TimerRow, ...]
    hours: tuple[OpenHours, ...]


RELATED = (
    "calendar",
    "policy",
    "replaced_by",
    "handoff__contact__company",
    "handoff__team",
    "handoff__reviewed_by",
    "assignee",
)


def rows_of(timers: Sequence[Timer], *, is_calendar_time: bool, now: dt.datetime) -> TimerRows:
    """The rows of a page, the timers read with `RELATED`: four queries."""
    drawn = clocks.clocks_of(timers, now=now, name_of=lambda timer: timer.handoff.contact.name)
    found = facts_of_timers(timers, now=now)
    watch = Stopwatch(found, is_calendar_time=is_calendar_time)
    took = {fact.pk: watch.took(fact) for fact in found}
    return TimerRows(
        rows=tuple(
            TimerRow(timer=timer, clock=drawn.by_timer[timer.pk].face, took=took.get(timer.pk), person=holder_of(timer))
            for timer in timers
        ),
        hours=drawn.hours,
    )


def holder_of(timer: Timer) -> str | None:
    """Whose promise a timer is, by name: a person, else the team it was overflowed to; None for marketing."""
    person = timer.handoff.reviewed_by if timer.milestone == Milestone.REVIEW else timer.assignee
    if person is not None:
        return str(person)
    return str(timer.handoff.team) if timer.handoff.team_id else None


def words_of(chosen: TimerListFilter) -> str:
    """What a valid list is narrowed down to, in words: "First contact · Met late · Sam Seller · Due 1 – 28 Nov"."""
    asked = chosen.form.cleaned_data
    said = [str(Milestone(asked["milestone"]).label)] if asked["milestone"] else []
    said.append(", ".join(str(label) for code, label in STATES if code in asked["state"]))
    said.append(_whose(chosen, asked["person"]))
    if asked["since"] or asked["until"]:
        days = [
            date_format(day, pgettext("date pattern: day, month and year", "j M Y"))
            for day in (asked["since"], asked["until"])
            if day
        ]
        word = {"started": gettext("Started"), "due": gettext("Due"), "met": gettext("Met")}[asked["by"] or "due"]
        said.append(" ".join([word, " \u2013 ".join(days)]))
    said += _origin_words(asked)
    low, high = (None if asked[name] is None else formats.duration(float(asked[name])) for name in ("over", "upto"))
    if low and high:
        said.append(gettext("took %(low)s to %(high)s") % {"low": low, "high": high})
    elif low:
        said.append(gettext("took more than %(low)s") % {"low": low})
    elif high:
        said.append(gettext("took up to %(high)s") % {"high": high})
    return " \u00b7 ".join(one for one in said if one)


def _whose(chosen: TimerListFilter, asked: str) -> str:
    """The name of the person asked for, as far as the list knows it."""
    if asked == NOBODY:
        return gettext("Nobody")
    row = chosen.qs.exclude(person_name=None).values_list("person_name", flat=True).first() if asked else None
    return row or asked


def _origin_words(asked: Mapping[str, Any]) -> list[str]:
    """The lead's team, source, campaign and grade in words, and when it arrived."""
    said = [
        f"{split.label}: {origins.group_name(split, asked[split.value])}"
        for split in (Split.TEAM, Split.SOURCE, Split.CAMPAIGN, Split.GRADE)
        if asked[split.value]
    ]
    if asked["weekday"]:
        said.append(gettext("arrived on %(day)s") % {"day": dates.WEEKDAYS[int(asked["weekday"]) - 1]})
    since, to = asked["since_hour"], asked["to_hour"]
    if since is not None or to is not None:
        said.append(
            gettext("arrived %(since)02d\u2013%(to)02d h")
            % {"since": int(since or 0), "to": 24 if to is None else int(to)}
        )
    return said
