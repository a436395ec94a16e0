"""Quiet hours end when the local clock says so, also on the days on which clocks are changed."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import quiet

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
NIGHT = (dt.time(22), dt.time(7))
MINUTE = dt.timedelta(minutes=1)
ZONES = ("Europe/Helsinki", "Europe/Warsaw", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))


def local(text, fold=0):
    return dt.datetime.fromisoformat(text).replace(tzinfo=HELSINKI, fold=fold)


def free(at, *, hours=NIGHT, away=None, zone=HELSINKI):
    return quiet.free_from(at, hours=hours, away=away, zone=zone)


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-17T21:59", "2026-11-17T21:59"),
        ("2026-11-17T22:00", "2026-11-18T07:00"),
        ("2026-11-17T23:30", "2026-11-18T07:00"),
        ("2026-11-18T06:59", "2026-11-18T07:00"),
        ("2026-11-18T07:00", "2026-11-18T07:00"),
        ("2026-03-28T23:00", "2026-03-29T07:00"),  # the night of 23 hours
        ("2026-10-24T23:00", "2026-10-25T07:00"),  # the night of 25
    ],
)
def test_the_night_ends_in_the_morning(at, until):
    assert free(local(at)) == local(until)


def test_hours_within_a_day():
    noon = (dt.time(12), dt.time(13))
    assert free(local("2026-11-17T12:30"), hours=noon) == local("2026-11-17T13:00")
    assert free(local("2026-11-17T13:00"), hours=noon) == local("2026-11-17T13:00")


def test_an_hour_that_comes_twice_is_quiet_twice():
    early = (dt.time(1), dt.time(3, 30))
    # 03:00 to 04:00 comes twice on this day.
    first, second = (local("2026-10-25T03:30", fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    assert second - first == dt.timedelta(hours=1)
    assert free(local("2026-10-25T02:00"), hours=early) == first
    assert free(local("2026-10-25T03:10", fold=1), hours=early) == second


def test_an_end_that_is_skipped_is_the_next_minute_there_is():
    early = (dt.time(1), dt.time(3, 30))
    assert free(local("2026-03-29T02:00"), hours=early).astimezone(HELSINKI).time() >= dt.time(4)


def test_an_absence_that_ends_in_the_night_is_over_in_the_morning():
    away = (local("2026-11-16T00:00"), local("2026-11-18T00:00"))
    assert free(local("2026-11-17T12:00"), away=away) == local("2026-11-18T07:00")
    assert free(local("2026-11-17T12:00"), hours=None, away=away) == local("2026-11-18T00:00")
    assert free(local("2026-11-18T00:00"), hours=None, away=away) == local("2026-11-18T00:00")


@given(
    minutes=st.integers(0, 3 * 366 * 24 * 60),
    begin=TIMES,
    end=TIMES,
    zone=st.sampled_from(ZONES).map(zoneinfo.ZoneInfo),
)
def test_against_a_walk_from_minute_to_minute(minutes, begin, end, zone):
    if begin == end:
        return
    at = dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + minutes * MINUTE
    found = free(at, hours=(begin, end), zone=zone)

    def is_quiet(moment):
        clock = moment.astimezone(zone).time()
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    walked = at
    while is_quiet(walked):
        walked += MINUTE
    assert found == walked
