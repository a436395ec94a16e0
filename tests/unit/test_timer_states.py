"""The state of a timer, for every fact that can change it."""

from datetime import UTC, datetime, timedelta

import pytest

from sla.states import TimerState, timer_state

DUE = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
PAUSE = {"paused_from": DUE - 3 * HOUR, "paused_until": DUE - HOUR}


def state(now, **facts):
    nothing = {"met_at": None, "cancelled_at": None, "paused_from": None, "paused_until": None}
    return timer_state(now=now, due_at=DUE, **(nothing | facts))


@pytest.mark.parametrize(
    ("now", "facts", "expected"),
    [
        (DUE - HOUR, {}, "running"),
        (DUE, {}, "running"),
        (DUE + TICK, {}, "missed"),
        (DUE + HOUR, {"met_at": DUE - HOUR}, "met"),
        (DUE + HOUR, {"met_at": DUE}, "met"),
        (DUE + HOUR, {"met_at": DUE + TICK}, "late"),
        (DUE - 3 * HOUR - TICK, PAUSE, "running"),
        (DUE - 3 * HOUR, PAUSE, "paused"),
        (DUE - HOUR - TICK, PAUSE, "paused"),
        (DUE - HOUR, PAUSE, "running"),
        (DUE - 2 * HOUR, PAUSE | {"met_at": DUE - 2 * HOUR}, "met"),
        (DUE + HOUR, {"paused_from": DUE - HOUR, "paused_until": DUE + 2 * HOUR}, "missed"),
        (DUE, {"paused_from": DUE - HOUR, "paused_until": DUE + 2 * HOUR}, "paused"),
        (DUE - HOUR, {"cancelled_at": DUE - 2 * HOUR}, "cancelled"),
        (DUE + HOUR, {"cancelled_at": DUE - 2 * HOUR}, "cancelled"),
        (DUE - 2 * HOUR, PAUSE | {"cancelled_at": DUE - 2 * HOUR}, "cancelled"),
        (DUE + HOUR, {"met_at": DUE + TICK, "cancelled_at": DUE + TICK}, "cancelled"),
    ],
)
def test_the_state_follows_from_the_facts_and_from_now(now, facts, expected):
    assert state(now, **facts) == expected


def test_a_state_is_stored_and_shown_as_its_plain_word():
    assert [str(member) for member in TimerState] == ["running", "paused", "met", "late", "missed", "cancelled"]
    assert f"{TimerState.MISSED}" == "missed"
