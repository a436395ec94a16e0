"""Lists of handoffs: the rows behind the numbers of other pages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import formats
from crm.chips import Said
from crm.faces import ClockFace, OpenHours
from crm.models import Role, User
from crm.queries import chairs, clocks, narrowing, sla_wins
from crm.queries import timers as timer_queries
from crm.queries.chairs import Chair
from crm.queries.sla_wins import Response, Result
from leads import words
from leads.filters import HandoffFilter, PersonFilter
from leads.models import Handoff
from leads.stages import OPEN_STATES
from sla.models import Milestone, Timer

TIMER_STATES = [
    ("running", _("Running")),
    ("soon", _("Soon due")),
    ("missed", _("Missed")),
    ("paused", _("Paused")),
    ("met", _("Met")),
    ("late", _("Met late")),
    ("cancelled", _("Cancelled")),
]
INSTANTS = {
    "formed": "formed_at",
    "reviewed": "reviewed_at",
    "offered": "offered_at",
    "answered": "answered_at",
    "contacted": "contacted_at",
    "ended": "ended_at",
}
PERIOD = ("since", "until", "by")
TIMER_INSTANTS = {"started": "started_at", "due": "due_at", "met": "met_at"}
BY = [
    ("formed", _("Formed")),
    ("reviewed", _("Reviewed")),
    ("offered", _("Offered")),
    ("answered", _("Answered")),
    ("contacted", _("Contacted")),
    ("ended", _("Ended")),
    ("started", _("Clock started")),
    ("due", _("Clock due")),
    ("met", _("Clock met")),
]


class HandoffListFilter(HandoffFilter):
    """Handoffs as pages ask for them: in several states at once, by one of their clocks, in a period.

    `timer` (states, `running` before the warning and `soon` after it), `milestone`, `promised_by` (a colleague whose
    promise it is) and the clock's own instants speak of one and the same clock. `since` and `until` are days of the
    reader's zone, both included, of the instant that `by` names.
    """

    state = filters.MultipleChoiceFilter(
        choices=[("open", _("Open")), *((code.value, label) for code, label in words.HANDOFF_STATES.items())],
        method="in_states",
        label=_("State"),
    )
    milestone = filters.ChoiceFilter(choices=Milestone.choices, method="later", label=_("Promise"))
    timer = filters.MultipleChoiceFilter(choices=TIMER_STATES, method="later", label=_("Clock"))
    promised_by = filters.CharFilter(method="later", label=_("Promised by"), max_length=254)
    by = filters.ChoiceFilter(choices=BY, method="later", label=_("Period of"))
    since = filters.DateFilter(method="later", label=_("From"))
    until = filters.DateFilter(method="later", label=_("To"))
    reviewed_by = PersonFilter("reviewed_by", label=_("Reviewed by"))
    between = filters.ChoiceFilter(choices=Chair.choices, method="between_chairs", label=_("Between two chairs"))
    response = filters.ChoiceFilter(choices=Response.choices, method="answered", label=_("First contact"))
    result = filters.ChoiceFilter(choices=Result.choices, method="resulted", label=_("What came of it"))

    class Meta:
        model = Handoff
        fields: list[str] = []

    def __init__(self, *args: Any, user: User, now: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, queryset=handoffs_of(user), **kwargs)
        self.user = user
        self.now = now

    def in_states(self, rows: QuerySet, name: str, value: list[str]) -> QuerySet:
        """Any of the states; `open` stands for all that have not ended."""
        codes = set(value) - {"open"}
        if "open" in value:
            codes |= {state.value for state in OPEN_STATES}
        return rows.filter(state__in=codes) if value else rows

    def between_chairs(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Open ones that nobody moves on, in one of the ways of `chairs`."""
        return rows.filter(chairs.lying(value, now=timezone.now())) if value else rows

    def answered(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Handed over, and contacted so soon."""
        return rows.filter(sla_wins.answered(value))

    def resulted(self, rows: QuerySet, name: str, value: str) -> QuerySet:
        """Won, or not decided."""
        return rows.filter(sla_wins.resulted(value))

    def later(self, rows: QuerySet, name: str, value: Any) -> QuerySet:
        """Nothing by itself: what speaks of the same clock is put together in `filter_queryset`."""
        return rows

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        rows = super().filter_queryset(queryset)
        asked = self.form.cleaned_data
        by = asked["by"] or "formed"
        if by in INSTANTS:
            rows = rows.filter(timer_queries.on_days(INSTANTS[by], asked["since"], asked["until"]))
        timers = Timer.objects.with_state(now=self.now).filter(handoff=OuterRef("pk"))
        is_of_timer = by in TIMER_INSTANTS and bool(asked["since"] or asked["until"])
        if is_of_timer:
            timers = timers.filter(timer_queries.on_days(TIMER_INSTANTS[by], asked["since"], asked["until"]))
        if asked["milestone"]:
            timers = timers.filter(milestone=asked["milestone"])
        if asked["promised_by"]:
            timers = timers.filter(assignee__email__iexact=asked["promised_by"])
        if asked["timer"]:
            timers = timers.filter(timer_queries.in_states(asked["timer"]))
        if is_of_timer or asked["milestone"] or asked["promised_by"] or asked["timer"]:
            rows = rows.filter(Exists(timers))
        return rows


@dataclass(frozen=True)
class HandoffRow:
    """One handoff of a list with the clock that was asked for, else the one that runs."""

    handoff: Handoff
    clock: ClockFace | None
    promise: str

    @property
    def state_word(self) -> str:
        return str(words.HANDOFF_STATES[self.handoff.state_enum])

    @property
    def outcome_word(self) -> str:
        """What became of it for marketing; empty before it was handed over."""
        found = self.handoff.find_outcome()
        return str(words.OUTCOMES[found]) if found else ""


@dataclass(frozen=True)
class HandoffRows:
    """The rows of a page of handoffs, and the open hours in which their clocks count."""

    rows: tuple[HandoffRow, ...]
    hours: tuple[OpenHours, ...]


def handoffs_of(user: User) -> QuerySet[Handoff]:
    """Every handoff that `user` may see, the newest first, with what a row shows."""
    return (
        Handoff.objects.visible_to(user)
        .select_related("contact__company", "assignee", "team", "reason")
        .order_by("-formed_at", "-id")
    )


def rows_of(handoffs: Sequence[Handoff], *, milestone: str = "", now: dt.datetime) -> HandoffRows:
    """The rows of a page, in two queries; with `milestone` each shows its clock of that promise."""
    timers = Timer.objects.filter(handoff__in=[handoff.pk for handoff in handoffs]).select_related("calendar")
    by_handoff: dict[int, list[Timer]] = defaultdict(list)
    for timer in timers.order_by("started_at", "id"):
        by_handoff[timer.handoff_id].append(timer)
    chosen = {handoff.pk: _telling(by_handoff[handoff.pk], milestone) for handoff in handoffs}
    names = {handoff.pk: handoff.contact.name for handoff in handoffs}
    drawn = clocks.clocks_of(
        [timer for timer in chosen.values() if timer], now=now, name_of=lambda timer: names[timer.handoff_id]
    )
    return HandoffRows(
        rows=tuple(
            HandoffRow(
                handoff=handoff,
                clock=drawn.by_timer[timer.pk].face if timer else None,
                promise=str(Milestone(timer.milestone).label) if timer else "",
            )
            for handoff in handoffs
            for timer in [chosen[handoff.pk]]
        ),
        hours=drawn.hours,
    )


def _telling(timers: Sequence[Timer], milestone: str) -> Timer | None:
    """The clock that says most of a handoff: of the promise asked for the last one, else the first that runs."""
    if milestone:
        return next((timer for timer in reversed(timers) if timer.milestone == milestone), None)
    running = [timer for timer in timers if timer.met_at is None and timer.cancelled_at is None]
    return min(running, key=lambda timer: timer.due_at, default=None)


def people_of(user: User) -> list[User]:
    """Those to whom handoffs may be given, for the filter; a salesperson sees only their own anyway."""
    return list(User.objects.with_role(Role.SALESPERSON).order_by("name")) if user.sees_all_contacts else []


def narrowed_by(chosen: HandoffListFilter) -> list[Said]:
    """What the list is narrowed down to: "State: Offered", "Clock: Missed", "Formed: 1 Nov 2026 – 5 Nov 2026"."""
    names = [name for name in chosen.filters if name not in PERIOD]
    said = narrowing.narrowed_by(chosen, user=chosen.user, names=names)
    asked = chosen.form.cleaned_data if chosen.is_valid() else {}
    if days := [formats.whole_day(asked[name]) for name in ("since", "until") if asked.get(name)]:
        said.append(Said(f"{dict(BY)[asked['by'] or 'formed']}: {' – '.join(days)}", PERIOD))
    return said
