"""How promises stand now: open clocks by state, who is missing what, and what lies between two chairs."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Count, F
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from crm.faces import ClockFace, OpenHours
from crm.models import User
from crm.queries import chairs, clocks, timers
from crm.queries.chairs import Chair, Lying
from sla.models import Milestone, Policy, Timer

LISTED = 5
"""How many of those who are missing something the page names."""
STATES = ("running", "soon", "missed", "paused")
TONES = {"soon": "amber", "missed": "red"}
# These clocks every hand-over starts, so they are shown even when none is open.
ALWAYS_SHOWN = (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)


@dataclass(frozen=True)
class Cell:
    """A number that opens its rows."""

    count: int
    href: str
    tone: str = ""


@dataclass(frozen=True)
class ClockRow:
    """The open clocks of one milestone, or of all."""

    label: str
    target_seconds: tuple[int, ...]
    """What is promised at present, every length once."""
    cells: tuple[Cell, ...]
    """One for each of `STATES`, in that order."""


@dataclass(frozen=True)
class Missing:
    """A promise that is missed or soon will be."""

    timer_id: int
    clock: ClockFace
    contact_id: int
    name: str
    promise: str
    score: float | None
    who: str


@dataclass(frozen=True)
class Between:
    """Leads between two chairs in one way."""

    lying: Lying
    href: str

    @property
    def hint(self) -> str:
        """What becomes of them."""
        return {
            Chair.WAITING: _("offered as soon as somebody has room"),
            Chair.NOBODY: _("whoever accepts has it"),
            Chair.AWAY: _("give them to somebody on duty"),
            Chair.NO_CONTACT: _("the contact clock runs"),
        }[self.lying.chair]


@dataclass(frozen=True)
class Board:
    """Everything that the upper part of the page shows."""

    rows: tuple[ClockRow, ...]
    total: ClockRow
    missing: tuple[Missing, ...]
    pressing: Cell
    """All that are missed or soon will be, those that are named among them."""
    between: tuple[Between, ...]
    hours: tuple[OpenHours, ...]

    def _in_all(self, state: str) -> Cell:
        return self.total.cells[STATES.index(state)]

    @property
    def pressing_file(self) -> str:
        """The address of the same as a file."""
        return f"{reverse('timers_file')}?{urlsplit(self.pressing.href).query}"

    @property
    def missed(self) -> Cell:
        return self._in_all("missed")

    @property
    def soon(self) -> Cell:
        return self._in_all("soon")

    @property
    def open_count(self) -> int:
        return sum(cell.count for cell in self.total.cells)

    @property
    def without_anybody(self) -> Cell:
        """Leads that no person has: they wait for capacity, or a team has not taken them."""
        found = {one.lying.chair: one for one in self.between}
        waiting, nobody = found[Chair.WAITING], found[Chair.NOBODY]
        single = waiting if not nobody.lying.count else nobody if not waiting.lying.count else None
        return Cell(waiting.lying.count + nobody.lying.count, single.href if single else "#between")


def board(*, user: User, now: dt.datetime) -> Board:
    """How promises stand at `now`, as far as `user` may see: seven queries, however many there are."""
    counts = _counts(user, now=now)
    missing, hours = _missing(user, now=now)
    shown = [one for one in Milestone if one in ALWAYS_SHOWN or any(counts[one].values())]
    total = {state: sum(counts[one][state] for one in shown) for state in STATES}
    targets = _targets()
    pressing = ("missed", "soon")
    return Board(
        rows=tuple(
            ClockRow(_short(one), targets[one], tuple(_cells(counts[one], milestone=one.value))) for one in shown
        ),
        total=ClockRow(_("All"), (), tuple(_cells(total))),
        missing=missing,
        pressing=Cell(sum(total[state] for state in pressing), timers.address(state=pressing)),
        between=tuple(
            Between(lying, f"{reverse('handoffs')}?between={lying.chair.value}")
            for lying in chairs.all_lying(user=user, now=now)
        ),
        hours=hours,
    )


def _short(milestone: Milestone) -> str:
    """The name of a clock where room is scarce."""
    return pgettext("clock", "Contact") if milestone is Milestone.CONTACT else str(milestone.label)


def _cells(counts: dict[str, int], **asked: str) -> Iterable[Cell]:
    return (Cell(counts[state], timers.address(state=state, **asked), TONES.get(state, "")) for state in STATES)


def _counts(user: User, *, now: dt.datetime) -> dict[str, dict[str, int]]:
    """Open clocks by milestone and state."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(STATES, 0))
    rows = (
        Timer.objects.visible_to(user)
        .open()
        .with_state(now=now)
        .order_by()
        .values("milestone")
        .annotate(**{state: Count("pk", filter=timers.in_states([state])) for state in STATES})
    )
    for row in rows:
        found[row["milestone"]] = {state: row[state] for state in STATES}  # type: ignore[literal-required]
    return found


def _targets() -> dict[str, tuple[int, ...]]:
    """The working time that is promised at present for each milestone."""
    found: dict[str, set[int]] = defaultdict(set)
    for milestone, seconds in Policy.objects.filter(is_active=True).values_list("milestone", "target_seconds"):
        found[milestone].add(seconds)
    return defaultdict(tuple, {milestone: tuple(sorted(lengths)) for milestone, lengths in found.items()})


def _missing(user: User, *, now: dt.datetime) -> tuple[tuple[Missing, ...], tuple[OpenHours, ...]]:
    """Most at stake first: what is missed before what soon will be, then the higher score, then the earlier due."""
    rows = list(
        Timer.objects.visible_to(user)  # type: ignore[misc]
        .open()
        .with_state(now=now)
        .filter(timers.in_states(["missed", "soon"]))
        .select_related(*timers.RELATED)
        .order_by("state_now", F("handoff__score").desc(nulls_last=True), "due_at", "pk")[:LISTED]
    )
    drawn = clocks.clocks_of(rows, now=now, name_of=lambda timer: timer.handoff.contact.name)
    found = tuple(
        Missing(
            timer_id=row.pk,
            clock=drawn.by_timer[row.pk].face,
            contact_id=row.handoff.contact_id,
            name=row.handoff.contact.name,
            promise=str(Milestone(row.milestone).label),
            score=row.handoff.score,
            who=timers.holder_of(row) or _("Marketing"),
        )
        for row in rows
    )
    return found, drawn.hours


def open_clocks(*, user: User) -> int:
    """How many clocks are open: the number beside the page's name."""
    return Timer.objects.visible_to(user).open().count()
