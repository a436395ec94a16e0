"""When a report comes, and which days it is about."""

import datetime as dt
import zoneinfo

import pytest

from crm import rhythms
from crm.rhythms import DAILY, WEEKLY

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")


def at(text, zone=HELSINKI):
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("after", "rhythm", "hour", "expected"),
    [
        ("2026-11-17T07:59", DAILY, 8, "2026-11-17T08:00"),
        ("2026-11-17T08:00", DAILY, 8, "2026-11-18T08:00"),
        ("2026-11-17T08:00", WEEKLY, 8, "2026-11-23T08:00"),
        ("2026-11-23T07:00", WEEKLY, 8, "2026-11-23T08:00"),
        ("2026-11-23T08:00", WEEKLY, 8, "2026-11-30T08:00"),
        ("2026-11-17T00:30", DAILY, 0, "2026-11-18T00:00"),
        ("2026-03-28T12:00", DAILY, 8, "2026-03-29T08:00"),  # a night of 23 hours
        ("2026-03-28T12:00", DAILY, 3, "2026-03-29T04:00"),  # 03:00 is skipped
        ("2026-10-24T12:00", DAILY, 3, "2026-10-25T03:00"),  # the first of two
    ],
)
def test_the_next_one_comes_at_its_hour_by_the_local_clock(after, rhythm, hour, expected):
    found = rhythms.next_at(at(after), rhythm=rhythm, hour=hour, zone=HELSINKI)
    assert found.astimezone(HELSINKI).replace(tzinfo=None) == dt.datetime.fromisoformat(expected)


def test_it_is_about_whole_days_of_ones_own_zone():
    auckland = zoneinfo.ZoneInfo("Pacific/Auckland")
    moment = dt.datetime(2026, 11, 17, 20, 0, tzinfo=dt.UTC)  # the 18th there already
    day = dt.date(2026, 11, 17)
    assert rhythms.days_before(moment, rhythm=DAILY, zone=auckland) == (day, day)
    assert rhythms.days_before(moment, rhythm=WEEKLY, zone=HELSINKI) == (dt.date(2026, 11, 9), dt.date(2026, 11, 15))
    monday = at("2026-11-16T08:00")
    assert rhythms.days_before(monday, rhythm=WEEKLY, zone=HELSINKI) == (dt.date(2026, 11, 9), dt.date(2026, 11, 15))
