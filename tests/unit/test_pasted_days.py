"""Days as people paste them."""

import datetime as dt

import pytest
from django import forms

from sla.pasted import parse_days

CHRISTMAS, BOXING = dt.date(2026, 12, 25), dt.date(2026, 12, 26)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("2026-12-25", {CHRISTMAS: ""}),
        ("25.12.2026", {CHRISTMAS: ""}),
        ("25. 12. 2026 Christmas", {CHRISTMAS: "Christmas"}),
        ("2026-12-25\tChristmas Day\n\n  2026-12-26;Boxing Day  ", {CHRISTMAS: "Christmas Day", BOXING: "Boxing Day"}),
        ("2026-12-26, 2026-12-25", {CHRISTMAS: "", BOXING: ""}),
        ("25.12.2026 Christmas, 26.12.2026 Boxing", {CHRISTMAS: "Christmas", BOXING: "Boxing"}),
        ("25.12.2026 – 26.12.2026 Shut", {CHRISTMAS: "Shut", BOXING: "Shut"}),
        ("2026-12-25 to 2026-12-26: Shut", {CHRISTMAS: "Shut", BOXING: "Shut"}),
        ("2026-12-25 - 2026-12-26", {CHRISTMAS: "", BOXING: ""}),
        ("2026-12-25 Shut\n2026-12-25 Christmas, again", {CHRISTMAS: "Christmas, again"}),
        ("2026-12-25 10:00–14:00, 15:00–16:00", {CHRISTMAS: "10:00–14:00, 15:00–16:00"}),
    ],
)
def test_a_pasted_list_is_read_as_days_with_their_words(text, found):
    assert parse_days(text) == found
    assert list(parse_days(text)) == sorted(found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Christmas", "does not begin with a day"),
        ("2026-12-25x", "does not begin with a day"),
        ("12/25/2026", "does not begin with a day"),
        ("2026-02-30", "There is no such day"),
        ("2026-12-26 – 2026-12-25", "ends before it begins"),
        ("2026-12-25 – 2066-12-25", "more than"),
    ],
)
def test_what_is_no_day_is_refused_in_words(text, sentence):
    with pytest.raises(forms.ValidationError, match=sentence):
        parse_days(text)
