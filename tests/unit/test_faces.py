"""What a clock and the reasons of a score show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.faces import ClockFace, ReasonGroup, ReasonLine, ScoreReasons

AT = datetime(2026, 11, 17, 9, 6, tzinfo=UTC)


def face(*, left: int | None, state: str = "running", target: int = 4 * 3600) -> ClockFace:
    return ClockFace(state=state, at=AT, target_seconds=target, seconds_left=left)


@pytest.mark.parametrize(
    ("left", "status"),
    [(3 * 3600, "running"), (3601, "running"), (3600, "soon"), (1, "soon"), (0, "missed"), (-5, "missed")],
)
def test_a_running_clock_is_soon_due_in_its_last_quarter(left, status):
    assert face(left=left).status == status


@pytest.mark.parametrize("state", ["met", "late", "paused", "cancelled"])
def test_a_clock_that_does_not_run_keeps_its_state(state):
    assert face(left=60, state=state).status == state


def test_the_meter_shows_the_share_that_is_gone():
    assert face(left=160 * 60).share_gone == pytest.approx(1 / 3)
    assert face(left=-100).share_gone == 1
    assert face(left=None).share_gone == 0
    assert face(left=5 * 3600).share_gone == 0


def test_past_due_the_notch_stands_where_the_due_time_was():
    assert face(left=-92 * 60).notch == pytest.approx(240 / 332)
    assert face(left=20 * 60).notch is None
    assert face(left=-1).notch == 0.96
    assert face(left=-10_000_000).notch == 0.08


def test_the_longest_bar_counts_what_a_cap_cut():
    lines = (ReasonLine("Visits", 20, cut_points=12), ReasonLine("Demo", 28.8), ReasonLine("Unsubscribed", -25))
    assert ScoreReasons(groups=(ReasonGroup("Engagement", 23.8, lines),)).largest == 32
    assert ScoreReasons().largest == 1
