"""The clock against a minute-by-minute oracle, and the laws that tie its functions to each other."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla import clock
from tests.unit.clock_oracle import DAYS, MINUTE, Oracle

# Each zone with its country, and the UTC midnights around which its clocks change or its holidays crowd.
PLACES = [
    ("Europe/Helsinki", "FI", ""),
    ("Europe/Warsaw", "PL", ""),
    ("Europe/Sofia", "BG", ""),
    ("Europe/Ljubljana", "SI", ""),
    ("America/New_York", "US", "NY"),
]
AROUND = {
    "Europe": [date(2026, 3, 28), date(2026, 10, 24), date(2027, 3, 27), date(2027, 10, 30)],
    "America": [date(2026, 3, 7), date(2026, 10, 31), date(2027, 3, 13), date(2027, 11, 6)],
    "anywhere": [date(2026, 4, 2), date(2026, 6, 18), date(2026, 12, 4), date(2026, 12, 23), date(2026, 12, 30)],
}
WALK_DAYS = 4

oracle_settings = settings(max_examples=50, deadline=None)
law_settings = settings(max_examples=50, deadline=None)


def written(minute):
    return f"{minute // 60:02}:{minute % 60:02}"


@st.composite
def intervals(draw):
    """Up to three disjoint intervals of a day, in any order; some adjacent, some reaching 24:00."""
    hours = draw(st.lists(st.sampled_from([0, 60, 120, 150, 180, 181, 240, 540, 720, 780, 1020, 1439, 1440])))
    edges = sorted(set(hours))[:6]
    pairs = [[written(start), written(end)] for start, end in zip(edges[::2], edges[1::2], strict=False)]
    return draw(st.permutations(pairs))


@st.composite
def situations(draw):
    """A calendar in its JSON form, a whole minute near a change of clocks or a holiday, and pauses around it."""
    zone, country, subdivision = draw(st.sampled_from(PLACES))
    day = draw(st.sampled_from(AROUND[zone.split("/")[0]] + AROUND["anywhere"]))
    days = [(day + timedelta(days=number)).isoformat() for number in range(-1, WALK_DAYS + 2)]
    form = {
        "time_zone": zone,
        "always_open": draw(st.integers(0, 9)) == 0,
        "weekly": {name: draw(intervals()) for name in DAYS if draw(st.integers(0, 4))},
        "country": draw(st.sampled_from([country, ""])),
        "closures": draw(st.lists(st.sampled_from([days[1], {"date": days[2], "name": "Inventory"}]), max_size=2)),
        "extra_days": draw(st.dictionaries(st.sampled_from(days), intervals(), max_size=2)),
    }
    form["subdivision"] = subdivision if form["country"] else ""
    form["weekly"].setdefault("wed", [["09:00", "17:00"]])
    form["weekly"]["wed"] = form["weekly"]["wed"] or [["00:00", "24:00"]]
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    minutes = st.integers(0, WALK_DAYS * 1440).map(lambda number: midnight + number * MINUTE)
    start = draw(minutes)
    pauses = [(paused, paused + draw(st.integers(0, 2000)) * MINUTE) for paused in draw(st.lists(minutes, max_size=3))]
    return form, clock.parse_calendar(**form), start, pauses


spans = st.integers(0, WALK_DAYS * 1440)
work = st.integers(0, 40 * 60).map(lambda minutes: minutes * 60)


@oracle_settings
@given(situations(), spans)
def test_elapsed_is_what_walking_the_minutes_counts(situation, span):
    form, calendar, start, pauses = situation
    end = start + span * MINUTE
    assert clock.elapsed(calendar, start, end, pauses) == Oracle(form).elapsed(start, end, pauses)


@oracle_settings
@given(situations(), work)
def test_due_at_is_where_walking_the_minutes_arrives(situation, seconds):
    form, calendar, start, pauses = situation
    give_up = start + timedelta(days=WALK_DAYS)
    walked = Oracle(form).due_at(start, seconds, pauses, give_up)
    if walked is None:
        assert clock.due_at(calendar, start, seconds, pauses) > give_up
    else:
        assert clock.due_at(calendar, start, seconds, pauses) == walked


@oracle_settings
@given(situations())
def test_open_intervals_and_openings_are_those_of_the_walk(situation):
    form, calendar, start, _ = situation
    oracle, end = Oracle(form), start + timedelta(days=2)
    walked = [moment for number in range(2 * 1440) if oracle.is_open(moment := start + number * MINUTE)]
    found = clock.open_intervals(calendar, start, end)
    assert [since + number * MINUTE for since, until in found for number in range((until - since) // MINUTE)] == walked
    assert all(until < following for (_, until), (following, _) in pairwise(found))
    assert clock.is_open(calendar, start) == oracle.is_open(start)
    opening = clock.next_opening(calendar, start)
    assert opening is not None
    if walked:
        assert opening == walked[0]
    else:
        assert opening >= end


# Instants to the microsecond and amounts to the microsecond, which the oracle could not walk.
odd_seconds = st.integers(0, 400 * 3600 * 1_000_000).map(lambda micros: micros / 1_000_000)
odd_gaps = st.integers(0, 60 * 86_400 * 1_000_000).map(lambda micros: timedelta(microseconds=micros))


@law_settings
@given(situations(), odd_gaps, odd_seconds)
def test_exactly_the_promised_time_has_elapsed_when_it_falls_due(situation, gap, seconds):
    _, calendar, start, pauses = situation
    start += gap
    due = clock.due_at(calendar, start, seconds, pauses)
    assert clock.elapsed(calendar, start, due, pauses) == seconds
    if due > start:
        earlier = due - timedelta(microseconds=1)
        assert clock.elapsed(calendar, start, earlier, pauses) < seconds


@law_settings
@given(situations(), odd_gaps, odd_seconds)
def test_nothing_falls_due_outside_working_time_but_on_its_closing_edge(situation, gap, seconds):
    _, calendar, start, pauses = situation
    start += gap
    due = clock.due_at(calendar, start, seconds, pauses)
    if due == start:
        assert seconds == 0
    else:
        just_before = due - timedelta(microseconds=1)
        assert clock.is_open(calendar, just_before)
        assert not any(paused <= just_before < resumed for paused, resumed in pauses)


@law_settings
@given(situations())
def test_work_that_ends_with_the_hours_or_with_a_pause_is_due_on_that_edge(situation):
    _, calendar, start, pauses = situation
    edges = [closes for _, closes in clock.open_intervals(calendar, start, start + timedelta(days=WALK_DAYS))]
    for edge in edges + [paused for paused, _ in pauses if paused > start]:
        seconds = clock.elapsed(calendar, start, edge, pauses)
        due = clock.due_at(calendar, start, seconds, pauses)
        assert due <= edge
        assert clock.elapsed(calendar, start, due, pauses) == seconds
        just_before = due - timedelta(microseconds=1)
        assert due == start or clock.elapsed(calendar, start, just_before, pauses) < seconds


@law_settings
@given(situations(), odd_gaps, odd_gaps)
def test_elapsed_time_adds_up(situation, first, second):
    _, calendar, start, pauses = situation
    middle = start + first
    end = middle + second
    parts = clock.elapsed(calendar, start, middle, pauses) + clock.elapsed(calendar, middle, end, pauses)
    assert parts == pytest.approx(clock.elapsed(calendar, start, end, pauses), abs=1e-6)


@law_settings
@given(situations(), odd_seconds, odd_seconds)
def test_more_work_is_never_due_earlier_and_a_later_start_never_ends_earlier(situation, one, other):
    _, calendar, start, pauses = situation
    less, more = sorted([one, other])
    assert clock.due_at(calendar, start, less, pauses) <= clock.due_at(calendar, start, more, pauses)
    later = start + timedelta(seconds=other)
    assert clock.due_at(calendar, start, one, pauses) <= clock.due_at(calendar, later, one, pauses)


@law_settings
@given(situations(), odd_gaps)
def test_a_pause_only_ever_takes_open_time_away(situation, gap):
    _, calendar, start, pauses = situation
    end = start + gap
    paused, unpaused = clock.elapsed(calendar, start, end, pauses), clock.elapsed(calendar, start, end)
    assert 0 <= paused <= unpaused <= gap.total_seconds()
    closed = closed_gaps(calendar, start, end)
    assert clock.elapsed(calendar, start, end, closed) == unpaused


def closed_gaps(calendar, start, end):
    found = clock.open_intervals(calendar, start, end)
    return [(closes, opens) for (_, closes), (opens, _) in pairwise(found)]
