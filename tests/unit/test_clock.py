"""The clock by examples that a person can check against a wall calendar."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sla import clock
from sla.clock import CalendarError, ClockError, parse_calendar

MINUTE, HOUR = 60, 3600
OFFICE_WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
LUNCH_WEEK = {day: [["13:00", "17:00"], ["09:00", "12:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
HELSINKI = ZoneInfo("Europe/Helsinki")


def office(**changes):
    return parse_calendar(**{"time_zone": "Europe/Helsinki", "weekly": OFFICE_WEEK} | changes)


def helsinki(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI, fold=fold)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Due times


def test_twenty_minutes_from_friday_1650_end_on_monday_at_0910():
    assert clock.due_at(office(), helsinki("2026-11-20 16:50"), 20 * MINUTE) == helsinki("2026-11-23 09:10")


def test_ten_minutes_from_friday_1650_end_on_the_closing_edge_and_not_on_monday():
    assert clock.due_at(office(), helsinki("2026-11-20 16:50"), 10 * MINUTE) == helsinki("2026-11-20 17:00")


def test_one_microsecond_more_than_the_day_has_left_ends_on_monday():
    due = clock.due_at(office(), helsinki("2026-11-20 16:50"), 10 * MINUTE + 0.000001)
    assert due == helsinki("2026-11-23 09:00:00.000001")


def test_from_the_closing_edge_on_time_counts_from_the_next_opening():
    assert clock.due_at(office(), helsinki("2026-11-20 17:00"), 1) == helsinki("2026-11-23 09:00:01")


def test_no_work_is_due_at_once_even_at_night():
    assert clock.due_at(office(), helsinki("2026-11-22 03:00"), 0) == helsinki("2026-11-22 03:00")


def test_a_lunch_break_does_not_count():
    assert clock.due_at(office(weekly=LUNCH_WEEK), helsinki("2026-11-18 11:30"), HOUR) == helsinki("2026-11-18 13:30")


def test_seconds_and_microseconds_are_kept():
    due = clock.due_at(office(), helsinki("2026-11-20 16:59:58.250000"), 2.5)
    assert due == helsinki("2026-11-23 09:00:00.750000")


def test_a_due_time_is_given_in_utc_whatever_zone_the_start_is_in():
    start = datetime(2026, 11, 20, 9, 50, tzinfo=ZoneInfo("America/New_York"))
    due = clock.due_at(office(), start, 20 * MINUTE)
    assert due.tzinfo is UTC
    assert due == utc("2026-11-23 07:10")


def test_a_day_that_ends_at_2400_runs_on_into_the_next_that_starts_at_0000():
    nights = office(weekly={"mon": [["22:00", "24:00"]], "tue": [["00:00", "06:00"]]})
    assert clock.due_at(nights, helsinki("2026-11-23 23:30"), HOUR) == helsinki("2026-11-24 00:30")
    assert clock.open_intervals(nights, helsinki("2026-11-23 00:00"), helsinki("2026-11-25 00:00")) == [
        (helsinki("2026-11-23 22:00"), helsinki("2026-11-24 06:00"))
    ]


def test_a_night_shift_over_new_year_in_utc_is_one_interval():
    nights = parse_calendar(time_zone="UTC", weekly={"thu": [["22:00", "24:00"]], "fri": [["00:00", "06:00"]]})
    new_year = clock.open_intervals(nights, utc("2026-12-31 00:00"), utc("2027-01-02 00:00"))
    assert new_year == [(utc("2026-12-31 22:00"), utc("2027-01-01 06:00"))]
    assert clock.due_at(nights, utc("2026-12-31 23:00"), 2 * HOUR) == utc("2027-01-01 01:00")


def test_new_years_eve_in_new_york_reaches_into_the_new_year_of_utc():
    evenings = parse_calendar(time_zone="America/New_York", weekly={"thu": [["18:00", "23:00"]]})
    shift = (utc("2026-12-31 23:00"), utc("2027-01-01 04:00"))
    assert clock.open_intervals(evenings, utc("2026-12-31 00:00"), utc("2027-01-02 00:00")) == [shift]


def test_new_years_night_in_helsinki_begins_in_the_old_year_of_utc():
    night = office(weekly={"fri": [["00:00", "06:00"]]})
    shift = (utc("2026-12-31 22:00"), utc("2027-01-01 04:00"))
    assert clock.open_intervals(night, utc("2026-12-31 00:00"), utc("2027-01-02 00:00")) == [shift]


def test_an_always_open_calendar_counts_every_second():
    always = parse_calendar(time_zone="Europe/Helsinki", always_open=True, country="FI")
    assert clock.due_at(always, utc("2026-12-25 03:00"), 20) == utc("2026-12-25 03:00:20")
    assert clock.elapsed(always, utc("2026-01-01 00:00"), utc("2027-01-01 00:00")) == 365 * 86_400


def test_a_year_of_office_hours_is_what_the_days_add_up_to():
    year = clock.elapsed(office(), helsinki("2026-01-01 00:00"), helsinki("2027-01-01 00:00"))
    assert year == 261 * 8 * HOUR


# Changes of the clocks


def test_in_autumn_the_repeated_hour_counts_twice():
    nights = office(weekly={"sun": [["02:00", "06:00"]]})
    assert clock.elapsed(nights, helsinki("2026-10-25 00:00"), helsinki("2026-10-26 00:00")) == 5 * HOUR
    assert clock.due_at(nights, helsinki("2026-10-25 02:00"), 2 * HOUR) == utc("2026-10-25 01:00")
    second_half_past_three = helsinki("2026-10-25 03:30", fold=1)
    assert clock.due_at(nights, second_half_past_three, HOUR) == helsinki("2026-10-25 04:30")


def test_in_autumn_a_shift_inside_the_repeated_hour_is_open_two_times():
    shift = office(weekly={"sun": [["03:15", "03:45"]]})
    assert clock.open_intervals(shift, helsinki("2026-10-25 00:00"), helsinki("2026-10-26 00:00")) == [
        (utc("2026-10-25 00:15"), utc("2026-10-25 00:45")),
        (utc("2026-10-25 01:15"), utc("2026-10-25 01:45")),
    ]


def test_in_spring_the_skipped_hour_never_counts():
    nights = office(weekly={"sun": [["02:00", "06:00"]]})
    assert clock.elapsed(nights, helsinki("2026-03-29 00:00"), helsinki("2026-03-30 00:00")) == 3 * HOUR
    assert clock.due_at(nights, helsinki("2026-03-29 02:30"), HOUR) == helsinki("2026-03-29 04:30")


def test_in_spring_a_shift_inside_the_skipped_hour_does_not_open():
    shift = office(weekly={"sun": [["03:15", "03:45"]]})
    assert clock.next_opening(shift, helsinki("2026-03-28 12:00")) == helsinki("2026-04-05 03:15")


def test_new_york_changes_its_clocks_at_another_hour_on_another_day():
    nights = parse_calendar(time_zone="America/New_York", weekly={"sun": [["00:00", "04:00"]]})
    spring, autumn = utc("2026-03-08 05:00"), utc("2026-11-01 04:00")
    assert clock.elapsed(nights, spring, spring + timedelta(hours=12)) == 3 * HOUR
    assert clock.elapsed(nights, autumn, autumn + timedelta(hours=12)) == 5 * HOUR


def test_an_office_keeps_its_hours_by_the_wall_across_a_change_of_clocks():
    assert clock.due_at(office(), helsinki("2026-10-23 16:00"), 2 * HOUR) == helsinki("2026-10-26 10:00")
    assert clock.next_opening(office(), utc("2026-10-23 15:00")) == utc("2026-10-26 07:00")


def test_a_day_that_a_zone_left_out_never_opens():
    samoa = parse_calendar(time_zone="Pacific/Apia", weekly={"fri": [["00:00", "24:00"]]})
    assert clock.next_opening(samoa, utc("2011-12-28 00:00")) == datetime(2012, 1, 6, tzinfo=ZoneInfo("Pacific/Apia"))


# Holidays, closures, extra days


def test_finland_rests_on_6_december():
    assert date(2027, 12, 6).weekday() == 0
    assert clock.due_at(office(country="FI"), helsinki("2027-12-03 16:00"), 2 * HOUR) == helsinki("2027-12-07 10:00")
    assert clock.due_at(office(), helsinki("2027-12-03 16:00"), 2 * HOUR) == helsinki("2027-12-06 10:00")


@pytest.mark.parametrize(
    ("country", "subdivision", "holiday"),
    [
        ("PL", "", "2026-11-11"),
        ("BG", "", "2026-03-03"),
        ("SI", "", "2027-02-08"),
        ("US", "", "2026-11-26"),
        ("US", "", "2027-12-31"),  # New Year's Day of 2028 is a Saturday: observed on the Friday before it.
        ("DE", "BY", "2026-01-06"),
    ],
)
def test_a_public_holiday_is_closed_in_its_country_only(country, subdivision, holiday):
    noon = utc(f"{holiday} 12:00")
    assert noon.weekday() < 5
    assert not clock.is_open(office(time_zone="UTC", country=country, subdivision=subdivision), noon)
    assert clock.is_open(office(time_zone="UTC"), noon)
    if subdivision:
        assert clock.is_open(office(time_zone="UTC", country=country), noon)


def test_an_extra_saturday_is_worked():
    calendar = office(extra_days={"2026-12-05": [["10:00", "14:00"]]})
    assert clock.due_at(calendar, helsinki("2026-12-04 16:30"), HOUR) == helsinki("2026-12-05 10:30")
    assert clock.due_at(calendar, helsinki("2026-12-11 16:30"), HOUR) == helsinki("2026-12-14 09:30")


def test_an_extra_day_replaces_weekly_hours_holiday_and_closure():
    calendar = office(
        country="FI",
        closures=["2026-12-07"],
        extra_days={"2026-12-07": [["12:00", "13:00"]], "2026-12-24": [["08:00", "09:00"]]},
    )
    for day, hours in [("2026-12-07", ("12:00", "13:00")), ("2026-12-24", ("08:00", "09:00"))]:
        found = clock.open_intervals(calendar, helsinki(f"{day} 00:00"), helsinki(f"{day} 23:59"))
        assert found == [tuple(helsinki(f"{day} {hour}") for hour in hours)]


def test_an_extra_day_without_hours_is_closed():
    assert not clock.is_open(office(extra_days={"2026-12-03": []}), helsinki("2026-12-03 12:00"))


def test_a_closure_is_closed_named_or_not():
    calendar = office(closures=["2026-12-03", {"date": "2026-12-04", "name": "Inventory"}])
    assert clock.next_opening(calendar, helsinki("2026-12-02 17:00")) == helsinki("2026-12-07 09:00")


# Pauses


def test_a_pause_counts_only_where_it_overlaps_working_time():
    over_the_night = [(helsinki("2026-11-18 16:00"), helsinki("2026-11-19 10:00"))]
    due = clock.due_at(office(), helsinki("2026-11-18 15:00"), 3 * HOUR, over_the_night)
    assert due == helsinki("2026-11-19 12:00")
    at_night = [(helsinki("2026-11-18 18:00"), helsinki("2026-11-19 08:00"))]
    assert clock.due_at(office(), helsinki("2026-11-18 15:00"), 3 * HOUR, at_night) == helsinki("2026-11-19 10:00")


def test_pauses_that_overlap_each_other_are_taken_off_once():
    pauses = [
        (helsinki("2026-11-18 11:00"), helsinki("2026-11-18 13:00")),
        (helsinki("2026-11-18 10:00"), helsinki("2026-11-18 12:00")),
        (helsinki("2026-11-18 11:15"), helsinki("2026-11-18 11:30")),
    ]
    day = helsinki("2026-11-18 09:00"), helsinki("2026-11-18 17:00")
    assert clock.elapsed(office(), *day, pauses) == 5 * HOUR
    assert clock.due_at(office(), day[0], 2 * HOUR, iter(pauses)) == helsinki("2026-11-18 14:00")


def test_work_that_is_done_the_moment_a_pause_begins_is_due_then():
    pauses = [(helsinki("2026-11-18 10:00"), helsinki("2026-11-18 12:00"))]
    assert clock.due_at(office(), helsinki("2026-11-18 09:00"), HOUR, pauses) == helsinki("2026-11-18 10:00")


def test_a_pause_holds_on_an_always_open_calendar_too():
    always = parse_calendar(time_zone="UTC", always_open=True)
    pauses = [(utc("2026-11-21 00:00"), utc("2026-11-22 00:00"))]
    assert clock.due_at(always, utc("2026-11-20 23:00"), 2 * HOUR, pauses) == utc("2026-11-22 01:00")
    assert clock.elapsed(always, utc("2026-11-20 23:00"), utc("2026-11-22 01:00"), pauses) == 2 * HOUR


def test_a_pause_before_the_start_or_after_the_due_time_changes_nothing():
    start, due = helsinki("2026-11-18 10:00"), helsinki("2026-11-18 11:00")
    before = (helsinki("2026-11-17 09:00"), helsinki("2026-11-18 10:00"))
    assert clock.due_at(office(), start, HOUR, [before, (due, due + timedelta(days=3))]) == due


def test_a_pause_without_length_changes_nothing():
    moment = helsinki("2026-11-18 10:00")
    assert clock.due_at(office(), helsinki("2026-11-18 09:00"), 2 * HOUR, [(moment, moment)]) == helsinki(
        "2026-11-18 11:00"
    )


# Questions about an instant


def test_the_opening_edge_is_open_and_the_closing_edge_is_not():
    assert clock.is_open(office(), helsinki("2026-11-18 09:00"))
    assert clock.is_open(office(), helsinki("2026-11-18 16:59:59.999999"))
    assert not clock.is_open(office(), helsinki("2026-11-18 17:00"))
    assert not clock.is_open(office(), helsinki("2026-11-18 08:59:59.999999"))


def test_the_next_opening_is_now_while_open():
    now = helsinki("2026-11-18 10:11:12.131415")
    assert clock.next_opening(office(), now) == now
    assert clock.next_opening(office(), helsinki("2026-11-20 17:00")) == helsinki("2026-11-23 09:00")


def test_open_intervals_are_cut_to_the_span_asked_for():
    assert clock.open_intervals(
        office(weekly=LUNCH_WEEK), helsinki("2026-11-18 11:00"), helsinki("2026-11-18 14:00")
    ) == [
        (helsinki("2026-11-18 11:00"), helsinki("2026-11-18 12:00")),
        (helsinki("2026-11-18 13:00"), helsinki("2026-11-18 14:00")),
    ]
    assert clock.open_intervals(office(), helsinki("2026-11-18 17:00"), helsinki("2026-11-19 09:00")) == []


def test_nothing_elapses_backwards():
    morning, evening = helsinki("2026-11-18 09:00"), helsinki("2026-11-18 17:00")
    assert clock.elapsed(office(), evening, morning) == 0
    assert clock.open_intervals(office(), evening, morning) == []


def test_answers_do_not_depend_on_what_was_asked_before():
    questions = ["2026-06-01 12:00", "1971-06-01 12:00", "2098-06-01 12:00", "2026-06-01 12:00", "2030-12-31 12:00"]
    shared = office(country="FI")
    for question in questions:
        fresh = office(country="FI", closures=[f"2001-01-{len(question):02}"])
        assert clock.due_at(shared, utc(question), 9 * HOUR) == clock.due_at(fresh, utc(question), 9 * HOUR)


def test_a_time_that_ten_years_do_not_hold_is_refused_and_not_searched_for_ever():
    one_day = parse_calendar(time_zone="UTC", extra_days={"2026-12-05": [["10:00", "14:00"]]})
    assert clock.due_at(one_day, utc("2026-01-01 00:00"), 4 * HOUR) == utc("2026-12-05 14:00")
    with pytest.raises(ClockError, match="within ten years") as refusal:
        clock.due_at(one_day, utc("2026-01-01 00:00"), 4 * HOUR + 1)
    assert refusal.value.field == "working_seconds"
    assert clock.next_opening(one_day, utc("2026-12-05 14:00")) is None
    with pytest.raises(ClockError, match="within ten years"):
        clock.due_at(one_day, utc("2016-11-01 00:00"), HOUR)


def test_a_pause_longer_than_ten_years_leaves_no_due_time():
    for_ever = [(utc("2026-01-01 00:00"), utc("2090-01-01 00:00"))]
    with pytest.raises(ClockError, match="within ten years"):
        clock.due_at(office(), utc("2026-01-01 00:00"), HOUR, for_ever)


@pytest.mark.parametrize(
    "moment", [utc("2026-11-18 12:00").replace(tzinfo=None), utc("0001-01-01 00:00"), utc("9999-12-31 23:59")]
)
def test_a_moment_without_a_zone_or_out_of_range_is_refused_everywhere(moment):
    good = utc("2026-11-18 12:00")
    for question in [
        lambda: clock.due_at(office(), moment, 60),
        lambda: clock.due_at(office(), moment, 0),
        lambda: clock.elapsed(office(), moment, good),
        lambda: clock.elapsed(office(), good, moment),
        lambda: clock.open_intervals(office(), moment, good),
        lambda: clock.next_opening(office(), moment),
        lambda: clock.is_open(office(), moment),
    ]:
        with pytest.raises(ClockError, match=r"names no time zone|outside the years 1970 to 2099"):
            question()


def test_a_pause_is_refused_without_a_zone_or_when_it_ends_before_it_starts():
    noon = utc("2026-11-18 12:00")
    for pause in [(noon.replace(tzinfo=None), noon), (noon, None), (noon, noon - timedelta(seconds=1))]:
        for ask in (
            lambda pauses: clock.due_at(office(), noon, 60, pauses),
            lambda pauses: clock.elapsed(office(), noon, noon + timedelta(days=1), pauses),
        ):
            with pytest.raises(ClockError) as refusal:
                ask([pause])
            assert refusal.value.field == "pauses"


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("inf")])
def test_an_amount_of_work_is_a_number_from_0_up(seconds):
    with pytest.raises(ClockError, match="0 or more"):
        clock.due_at(office(), utc("2026-11-18 12:00"), seconds)


def test_the_first_and_the_last_instant_of_the_clock_can_be_asked_about():
    always = parse_calendar(time_zone="Pacific/Kiritimati", always_open=True)
    first, last = utc("1970-01-01 00:00"), utc("2099-12-31 23:59:59")
    assert clock.elapsed(always, first, last) == (last - first).total_seconds()
    assert clock.due_at(always, last, 1) == utc("2100-01-01 00:00")
    with pytest.raises(ClockError, match="within ten years"):
        clock.due_at(always, last, 2)


# Calendars from what people enter


def test_a_calendar_reads_its_json_form():
    calendar = parse_calendar(
        time_zone="Europe/Helsinki",
        weekly={"mon": [["13:00", "24:00"], ["09:00", "12:00"]], "sun": []},
        country="fi",
        closures=["2026-12-03", {"date": "2026-12-04", "name": "Inventory"}],
        extra_days={"2026-12-05": [["10:00", "14:00"]]},
    )
    assert calendar.weekly == (((540, 720), (780, 1440)), (), (), (), (), (), ())
    assert calendar.country == "FI"
    assert calendar.closures == {date(2026, 12, 3), date(2026, 12, 4)}
    assert calendar.extra_days == {date(2026, 12, 5): ((600, 840),)}


def test_adjacent_intervals_become_one():
    assert office(weekly={"mon": [["12:00", "17:00"], ["09:00", "12:00"]]}).weekly[0] == ((540, 1020),)


def test_equal_calendars_are_equal_and_survive_copying():
    calendar = office(country="FI", extra_days={"2026-12-05": [["10:00", "14:00"]]})
    again = office(country="FI", extra_days={"2026-12-05": [["10:00", "14:00"]]})
    assert calendar == again
    assert hash(calendar) == hash(again)
    assert calendar != office(country="FI", extra_days={"2026-12-05": [["10:00", "15:00"]]})
    start = helsinki("2026-12-04 16:30")
    due = clock.due_at(calendar, start, HOUR)
    for other in (again, copy.deepcopy(calendar), pickle.loads(pickle.dumps(calendar))):  # noqa: S301
        assert other == calendar
        assert clock.due_at(other, start, HOUR) == due


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone", "“Europe/Atlantis” is not a known time zone"),
        ({"time_zone": ""}, "time_zone", "not a known time zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone", "not a known time zone"),
        ({"time_zone": "Europe"}, "time_zone", "not a known time zone"),
        ({"time_zone": "localtime"}, "time_zone", "not a known time zone"),
        ({"time_zone": 3}, "time_zone", "not a known time zone"),
        ({"weekly": {"monday": [["09:00", "17:00"]]}}, "weekly", "“monday” is not a day of the week"),
        ({"weekly": [["09:00", "17:00"]]}, "weekly", "must map days of the week"),
        ({"weekly": {"mon": "09:00-17:00"}}, "weekly", "hours of Monday must be a list of intervals"),
        ({"weekly": {"mon": ["09:00", "17:00"]}}, "weekly", "interval of Monday must be a start and an end"),
        ({"weekly": {"mon": [["09:00"]]}}, "weekly", "interval of Monday must be a start and an end"),
        ({"weekly": {"mon": [["9:00", "17:00"]]}}, "weekly", "“9:00” of Monday is not a time"),
        ({"weekly": {"mon": [["09:00", "25:00"]]}}, "weekly", "“25:00” of Monday is not a time"),
        ({"weekly": {"mon": [["09:60", "17:00"]]}}, "weekly", "“09:60” of Monday is not a time"),
        ({"weekly": {"mon": [["09:00", "24:01"]]}}, "weekly", "“24:01” of Monday is not a time"),
        ({"weekly": {"mon": [[540, 1020]]}}, "weekly", "“540” of Monday is not a time"),
        ({"weekly": {"mon": [["\u0660\u0669:\u0660\u0660", "17:00"]]}}, "weekly", "of Monday is not a time"),
        ({"weekly": {"tue": [["17:00", "09:00"]]}}, "weekly", "the end 09:00 is not after the start 17:00"),
        ({"weekly": {"tue": [["09:00", "09:00"]]}}, "weekly", "the end 09:00 is not after the start 09:00"),
        ({"weekly": {"tue": [["24:00", "24:00"]]}}, "weekly", "the end 24:00 is not after the start 24:00"),
        (
            {"weekly": {"wed": [["09:00", "12:00"], ["11:00", "13:00"]]}},
            "weekly",
            "Two intervals of Wednesday overlap: one starts at 11:00, before 12:00",
        ),
        ({"weekly": {"wed": [["09:00", "17:00"], ["10:00", "11:00"]]}}, "weekly", "intervals of Wednesday overlap"),
        ({"country": "XX"}, "country", "country “XX”"),
        ({"country": "FIN"}, "country", "Use a code such as FI"),
        ({"country": "HolidayBase"}, "country", "No public holidays are known"),
        ({"country": "US", "subdivision": "ZZ"}, "subdivision", "The country US has no subdivision “ZZ”"),
        ({"subdivision": "NY"}, "subdivision", "Choose a country before"),
        ({"closures": ["2026-02-30"]}, "closures", "“2026-02-30” is not a day"),
        ({"closures": ["6.12.2026"]}, "closures", "“6.12.2026” is not a day"),
        ({"closures": ["20261206"]}, "closures", "“20261206” is not a day"),
        ({"closures": [{"name": "Inventory"}]}, "closures", "“None” is not a day"),
        ({"closures": "2026-12-06"}, "closures", "must be a list of days"),
        ({"closures": {"2026-12-06": "Independence"}}, "closures", "must be a list of days"),
        ({"extra_days": {"Saturday": [["10:00", "14:00"]]}}, "extra_days", "“Saturday” is not a day"),
        ({"extra_days": {"2026-12-05": [["10:00", "1400"]]}}, "extra_days", "“1400” of 2026-12-05 is not a time"),
        ({"extra_days": ["2026-12-05"]}, "extra_days", "must map days to lists of intervals"),
        ({"weekly": None}, "weekly", "would never be open"),
        ({"weekly": {"mon": []}, "extra_days": {"2026-12-05": []}}, "weekly", "would never be open"),
        ({"always_open": True, "weekly": {"mon": [["09:00", "xx:00"]]}}, "weekly", "“xx:00” of Monday"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_with_a_sentence(changes, field, sentence):
    with pytest.raises(CalendarError) as refusal:
        office(**changes)
    error = refusal.value
    assert isinstance(error, ValueError)
    assert error.field == field
    assert sentence in str(error)
    assert str(error).endswith(".")
    assert error.sentence % error.values == str(error)
