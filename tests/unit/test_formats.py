"""How durations, ages, instants, numbers and money read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from crm import formats

NOW = datetime(2026, 11, 17, 9, 6, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english_in_warsaw():
    with translation.override("en"), timezone.override("Europe/Warsaw"):
        yield


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (20 * 60, "20 min"),
        (3600, "1 h"),
        (3600 + 6 * 60 + 59, "1 h 06 min"),
        (160 * 60, "2 h 40 min"),
        (-92 * 60, "1 h 32 min"),
        (38 * 3600 + 600, "38 h"),
    ],
)
def test_a_duration_reads_in_hours_and_minutes(seconds, words):
    assert formats.duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(160 * 60, "2 h 40"), (45 * 60, "45 min"), (30 * 3600, "30 h")])
def test_a_narrow_table_leaves_out_the_second_unit(seconds, words):
    assert formats.short_duration(seconds) == words


@pytest.mark.parametrize(
    ("status", "left", "words"),
    [
        ("running", 9600, "2 h 40 min left"),
        ("soon", 1200, "20 min left"),
        ("soon", -3, "0 s left"),
        ("missed", -5520, "1 h 32 min late"),
        ("late", -900, "Met 15 min late"),
        ("met", 300, "Met"),
        ("paused", None, "Paused"),
        ("running", None, "Running"),
        ("nonsense", None, "Not known"),
    ],
)
def test_a_clock_says_how_much_is_left_or_how_late_it_is(status, left, words):
    assert formats.clock_text(status=status, seconds_left=left) == words


def test_the_script_gets_the_patterns_that_the_server_uses():
    patterns = formats.clock_patterns()
    assert patterns["left"] % {"duration": patterns["hours_minutes"] % {"hours": 2, "minutes": 5}} == "2 h 05 min left"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (timedelta(seconds=5), "now"),
        (timedelta(minutes=25), "25 min"),
        (timedelta(hours=20), "20 h"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=8), "8 d"),
        (timedelta(days=120), "3 mo"),
        (timedelta(days=800), "2 y"),
    ],
)
def test_an_age_has_one_unit(given, words):
    assert formats.age(given.total_seconds()) == words


def test_ages_of_several_things_share_their_unit():
    day = 86_400
    assert formats.age_span(3 * day, 16 * day) == "3 – 16 d"
    assert formats.age_span(2 * 3600, 4 * day) == "2 h – 4 d"
    assert formats.age_span(8 * day, 8 * day + 60) == "8 d"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 11, 17, 7, 52, tzinfo=UTC), "Today 08:52"),
        (datetime(2026, 11, 16, 23, 30, tzinfo=UTC), "Today 00:30"),
        (datetime(2026, 11, 16, 20, 15, tzinfo=UTC), "Yesterday 21:15"),
        (datetime(2026, 11, 18, 8, 46, tzinfo=UTC), "Tomorrow 09:46"),
        (datetime(2026, 11, 13, 13, 2, tzinfo=UTC), "Fri 14:02"),
        (datetime(2026, 11, 20, 13, 2, tzinfo=UTC), "Fri 14:02"),
        (datetime(2026, 11, 10, 13, 2, tzinfo=UTC), "10 Nov"),
        (datetime(2025, 3, 4, 13, 2, tzinfo=UTC), "4 Mar 2025"),
    ],
)
def test_an_instant_is_named_by_its_day_where_the_reader_is(moment, words):
    assert formats.when(moment, now=NOW) == words


def test_the_time_of_day_can_be_left_out():
    assert formats.when(NOW, now=NOW, with_time=False) == "Today"


def test_a_title_gives_the_instant_in_full_with_its_place():
    assert formats.full_moment(NOW) == "Tue 17 Nov 2026, 10:06 Warsaw"


def test_numbers_are_grouped_and_have_a_real_minus_sign():
    assert formats.number(41_280) == "41,280"
    assert formats.number(28.8, decimals=1) == "28.8"
    assert formats.number(-2) == "−2"
    assert formats.signed(3) == "+3"
    assert formats.signed(0) == "0"


def test_numbers_follow_the_locale_of_the_reader():
    with translation.override("fi"):
        assert formats.number(28.8, decimals=1) == "28,8"


def test_money_shows_cents_only_where_there_are_some():
    assert formats.money(8400) == "8,400\u00a0€"
    assert formats.money(8400.5, currency="USD") == "8,400.50\u00a0$"
    assert formats.money(5, currency="XYZ") == "5\u00a0XYZ"


def test_a_share_reads_as_per_cent():
    assert formats.percent(0.879, decimals=1) == "87.9\u00a0%"
    assert formats.percent(0.9) == "90\u00a0%"
    assert formats.percent(0.879) == "88\u00a0%"
    assert formats.number(2.96, decimals=1) == "3.0"
