"""Plain values that the shared components of the pages draw: a tab, a clock, a score and its reasons, the open hours.

Pages make these in their queries; templates hand them to the tags of `crm.templatetags.baton` and compute nothing.
Pure: no database, no Django, no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

DEFAULT_WARN_SHARE = 0.75


@dataclass(frozen=True)
class Tab:
    """One of the parts of a page, as `components/tabs.html` wants it; `count` is None where none is said."""

    label: str
    href: str
    count: int | None
    is_current: bool


@dataclass(frozen=True)
class OpenHours:
    """When one calendar is open in the coming days, so that a clock on a page counts in working time only."""

    key: str
    """The name by which `ClockFace.hours_key` finds it on the page, usually the calendar's id."""
    intervals: tuple[tuple[int, int], ...]
    """(start, end) in whole seconds since 1970 UTC, sorted, disjoint; beyond the last one counts as closed."""


@dataclass(frozen=True)
class ClockFace:
    """One promise as a page shows it, true at `at`."""

    state: str
    """running, paused, met, late, missed or cancelled; anything else reads as not known."""
    at: datetime
    target_seconds: int
    """How much working time was promised."""
    seconds_left: int | None = None
    """Working time until due, negative past due; for `late`, minus the delay with which it was met."""
    due_at: datetime | None = None
    warn_share: float = DEFAULT_WARN_SHARE
    """The share of the target from which on it counts as soon due."""
    hours_key: str = ""
    """Which `OpenHours` of the page it runs in; empty means it stands still until the next refresh."""
    name: str = ""
    """Whose clock it is, for announcements."""
    note: str = ""
    """A line below instead of the meter, such as "to Thu, contact away"."""

    @property
    def status(self) -> str:
        """The state as a mark shows it: a running clock past its warning is `soon`."""
        if self.state != "running" or self.seconds_left is None:
            return self.state
        if self.seconds_left <= 0:
            return "missed"
        return "soon" if self.seconds_left <= self.target_seconds * (1 - self.warn_share) else "running"

    @property
    def share_gone(self) -> float:
        """How much of the promised time is used up, 0 to 1."""
        if self.seconds_left is None or self.target_seconds <= 0:
            return 0.0
        return min(max(1 - self.seconds_left / self.target_seconds, 0.0), 1.0)

    @property
    def notch(self) -> float | None:
        """Where the due time lies on a full meter, 0 to 1; None unless past due."""
        if self.status not in ("missed", "late") or self.seconds_left is None or self.target_seconds <= 0:
            return None
        return min(max(self.target_seconds / (self.target_seconds - self.seconds_left), 0.08), 0.96)


@dataclass(frozen=True)
class ScoreFace:
    """A score as lists show it."""

    score: float
    engagement: float
    fit: float
    threshold: float
    """Where a contact becomes an MQL."""
    grade: str = ""
    is_hot: bool = False


@dataclass(frozen=True)
class ReasonLine:
    """One rule or field that gave or took points."""

    name: str
    points: float
    age: str = ""
    """How old its activities are, in words."""
    href: str = ""
    """The activities behind it."""
    cut_points: float = 0
    """What the rule's cap took away."""
    note: str = ""
    """A sentence below, such as "22.9 earned, the rule's cap of 20 cut 2.9"."""


@dataclass(frozen=True)
class ReasonGroup:
    """Engagement, fit or adjustments: a heading with its sum, and the lines below it."""

    title: str
    total: float
    lines: tuple[ReasonLine, ...] = ()
    is_fit: bool = False
    decimals: int = 1


@dataclass(frozen=True)
class ScoreReasons:
    """Why a score is what it is."""

    groups: tuple[ReasonGroup, ...] = field(default_factory=tuple)
    footnote: str = ""

    @property
    def largest(self) -> float:
        """The longest bar in points, cut points included; 1 where there is none."""
        return (
            max((abs(line.points) + line.cut_points for group in self.groups for line in group.lines), default=1) or 1
        )
