"""What machines give away about themselves."""

import datetime as dt

import pytest

from leads import bots

AT = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, None),
        (
            {"user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"},
            None,
        ),
        ({"user_agent": "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36"}, None),
        ({"user_agent": "Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)"}, None),
        ({"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}, "agent"),
        ({"user_agent": "Slackbot-LinkExpanding 1.0"}, "agent"),
        ({"user_agent": "curl/8.4.0"}, "agent"),
        ({"user_agent": "python-requests/2.31"}, "agent"),
        ({"user_agent": "Barracuda Sentinel (EE)"}, "agent"),
        ({"user_agent": 7}, None),
        ({"method": "head"}, "head"),
        ({"method": "GET"}, None),
    ],
)
def test_an_activity_by_itself(properties, expected):
    assert bots.verdict(properties) == expected


def met(*seconds, mail="spring", contact=1, start=0):
    return [
        bots.Met(start + index, contact, mail, AT + dt.timedelta(seconds=second))
        for index, second in enumerate(seconds)
    ]


def test_five_of_one_mail_within_ten_seconds_convict_one_another():
    assert bots.followed_at_once(met(0, 1, 2, 3)) == set()
    assert bots.followed_at_once(met(0, 1, 2, 3, 10)) == {0, 1, 2, 3, 4}
    assert bots.followed_at_once(met(0, 1, 2, 3, 10.1)) == set()
    assert bots.followed_at_once(met(9, 0, 7, 1, 20, 8)) == {0, 1, 2, 3, 5}


def test_other_mails_and_other_contacts_are_apart():
    apart = met(0, 1, 2) + met(0, 1, mail="autumn", start=10) + met(0, 1, contact=2, start=20)
    assert bots.followed_at_once(apart) == set()
