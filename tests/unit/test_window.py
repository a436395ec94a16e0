"""The contact window follows from the day of the decision and the lead time alone."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.window import LeadTime, WindowState, window_of

DEADLINE = dt.date(2027, 1, 15)
DAYS = st.dates(dt.date(1970, 1, 1), dt.date(2100, 1, 1))
LEAD_TIMES = st.tuples(st.integers(0, 400), st.integers(1, 300)).map(
    lambda pair: LeadTime(earliest_days=pair[0] + pair[1], latest_days=pair[0])
)


@pytest.mark.parametrize(
    ("day", "state", "left"),
    [
        (dt.date(2026, 11, 15), WindowState.TOO_EARLY, 19),
        (dt.date(2026, 11, 16), WindowState.OPEN, 18),
        (dt.date(2026, 12, 4), WindowState.OPEN, 0),
        (dt.date(2026, 12, 5), WindowState.TOO_LATE, -1),
        (dt.date(2027, 1, 16), WindowState.TOO_LATE, -43),
    ],
)
def test_both_edges_of_the_window_are_days_on_which_to_call(day, state, left):
    window = window_of(DEADLINE, LeadTime(earliest_days=60, latest_days=42))
    assert (window.state(day), window.days_left(day)) == (state, left)


def test_a_lead_that_is_too_early_comes_back_when_its_window_opens():
    window = window_of(DEADLINE, LeadTime(earliest_days=60, latest_days=42))
    assert window.return_date(dt.date(2026, 6, 1)) == dt.date(2026, 11, 16)
    assert window.return_date(dt.date(2026, 11, 16)) is None
    assert window.return_date(dt.date(2026, 12, 24)) is None


@given(deadline=DAYS, day=DAYS, lead_time=LEAD_TIMES)
def test_queries_by_the_deadline_find_the_windows_that_are_open(deadline, day, lead_time):
    window = window_of(deadline, lead_time)
    first, last = lead_time.deadlines_open_on(day)
    assert (first <= deadline <= last) == (window.state(day) is WindowState.OPEN)
    assert (lead_time.deadline_opening_on(day) == deadline) == (window.opens_on == day)


@given(deadline=DAYS, day=DAYS, lead_time=LEAD_TIMES)
def test_who_comes_back_comes_back_into_an_open_window_and_not_before_today(deadline, day, lead_time):
    window = window_of(deadline, lead_time)
    back = window.return_date(day)
    assert (back is None) == (day >= window.opens_on)
    assert back is None or (back > day and window.state(back) is WindowState.OPEN)


@pytest.mark.parametrize(("earliest", "latest"), [(21, 21), (20, 21), (5, -1)])
def test_a_window_must_open_before_it_closes(earliest, latest):
    with pytest.raises(ValueError, match="closes after it opened"):
        LeadTime(earliest_days=earliest, latest_days=latest)


def test_a_decision_at_the_beginning_of_time_has_a_window():
    assert window_of(dt.date(1, 1, 5), LeadTime()).opens_on == dt.date(1, 1, 1)
