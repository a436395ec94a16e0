"""Tables as files: nothing in them is a formula, instants stand in both times, and rows are sent as they are made."""

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone, translation

from crm import spreadsheets
from crm.spreadsheets import Table


def read(table: Table) -> list[list[str]]:
    sent = b"".join(spreadsheets.response(table)).decode()
    assert sent.startswith(spreadsheets.BYTE_ORDER_MARK)
    return list(csv.reader(io.StringIO(sent.removeprefix(spreadsheets.BYTE_ORDER_MARK))))


@pytest.mark.parametrize("text", ["=1+1", "+358 40", "-2", "@SUM(A1)", "\tx", "\r=1", '=HYPERLINK("http://x","y")'])
def test_text_that_begins_like_a_formula_is_kept_from_being_one(text):
    assert read(Table("t", ["Name"], [[text]]))[1] == [f"'{text}"]


def test_numbers_and_other_text_stay_as_they_are():
    rows = read(Table("t", ["a", "b", "c", "d"], [[-2.5, 3, "Eva, “Novak”\nOy", None]]))
    assert rows[1] == ["-2.5", "3", "Eva, “Novak”\nOy", ""]


def test_an_instant_stands_in_utc_and_in_the_readers_time():
    at = dt.datetime(2026, 7, 1, 21, 30, 5, tzinfo=dt.UTC)
    with timezone.override("Europe/Helsinki"):
        assert spreadsheets.moment(at) == ("2026-07-01 21:30:05", "2026-07-02 00:30:05")
        assert spreadsheets.moments("Due") == ("Due (UTC)", "Due (Europe/Helsinki)")
    assert spreadsheets.moment(None) == ("", "")


def test_rows_are_made_when_they_are_sent_in_the_zone_and_language_of_the_request():
    made = []

    def rows():
        for number in range(3):
            made.append((number, timezone.get_current_timezone_name(), translation.get_language()))
            yield [number]

    with timezone.override("Europe/Sofia"), translation.override("en-gb"):
        answer = spreadsheets.response(Table("big", ["n"], rows()))
    assert made == []
    sent = iter(answer)
    next(sent)
    assert next(sent) == b"0\r\n"
    assert made == [(0, "Europe/Sofia", "en-gb")]
    assert timezone.get_current_timezone_name() != "Europe/Sofia"
    assert len(list(sent)) == 2
    assert answer["Content-Disposition"] == 'attachment; filename="big.csv"'
