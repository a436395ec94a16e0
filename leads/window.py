"""When to talk to a buyer: the days that the day of their decision leaves open.

Too early, and the buyer has forgotten the talk when the decision comes; too late, and the short list is written. The
contact window opens `earliest_days` before the decision and closes `latest_days` before it, both days included.

Pure: no database, no Django, no clock. Days are those of the reader's zone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class WindowState(StrEnum):
    """Where a day lies."""

    TOO_EARLY = "too_early"
    OPEN = "open"
    TOO_LATE = "too_late"


@dataclass(frozen=True)
class LeadTime:
    """How many days before a buyer decides sales talks to them: `earliest_days` at most, `latest_days` at least.

    Raises `ValueError` unless 0 ≤ `latest_days` < `earliest_days`.
    """

    earliest_days: int = 60
    latest_days: int = 21

    def __post_init__(self) -> None:
        if not 0 <= self.latest_days < self.earliest_days:
            raise ValueError("a window closes after it opened and at the latest on the day of the decision")

    def deadlines_open_on(self, day: dt.date) -> tuple[dt.date, dt.date]:
        """The first and the last day of decision whose windows are open on `day`: the same, for queries."""
        return day + dt.timedelta(days=self.latest_days), day + dt.timedelta(days=self.earliest_days)

    def deadline_opening_on(self, day: dt.date) -> dt.date:
        """The day of decision whose window opens on `day`."""
        return day + dt.timedelta(days=self.earliest_days)


@dataclass(frozen=True)
class ContactWindow:
    """The days on which to talk to a buyer who decides by `deadline`, from `opens_on` to `closes_on`."""

    deadline: dt.date
    opens_on: dt.date
    closes_on: dt.date

    def state(self, day: dt.date) -> WindowState:
        """Where `day` lies; what is past the decision is too late as well."""
        if day < self.opens_on:
            return WindowState.TOO_EARLY
        return WindowState.OPEN if day <= self.closes_on else WindowState.TOO_LATE

    def days_left(self, day: dt.date) -> int:
        """Days from `day` to the last one of the window, 0 on it, negative after it."""
        return (self.closes_on - day).days

    def return_date(self, day: dt.date) -> dt.date | None:
        """The day on which a lead that is given back on `day` comes back; None when it is not too early."""
        return self.opens_on if self.state(day) is WindowState.TOO_EARLY else None


def window_of(deadline: dt.date, lead_time: LeadTime) -> ContactWindow:
    """The contact window of a buyer who decides by `deadline`."""
    return ContactWindow(
        deadline=deadline,
        opens_on=_before(deadline, lead_time.earliest_days),
        closes_on=_before(deadline, lead_time.latest_days),
    )


def _before(day: dt.date, days: int) -> dt.date:
    """So many days before `day`, or the first day that there is."""
    return dt.date.fromordinal(max(day.toordinal() - days, 1))
