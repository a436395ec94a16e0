"""The sentence to open a call with says what the contact did and wrote since we last spoke, and nothing else."""

import datetime as dt

import pytest

from crm.deeds import Deed, gather, headline
from crm.openers import MAX_WORDS, opening, reason_to_call, said

NOW = dt.datetime(2026, 11, 17, 10, 6, tzinfo=dt.UTC)  # a Tuesday
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


def theirs(type_: str, ago: dt.timedelta, **properties: str) -> Deed:
    return Deed(type_, NOW - ago, properties=properties)


def ours(type_: str, ago: dt.timedelta, **properties: str) -> Deed:
    return Deed(type_, NOW - ago, direction="outbound", properties=properties, actor="Sam Seller")


def prices(count: int, *, first: dt.timedelta = HOUR, apart: dt.timedelta = HOUR) -> list[Deed]:
    return [theirs("page_view", first + apart * n, path="/pricing/docks") for n in range(count)]


def test_their_own_words_come_before_anything_else() -> None:
    history = [
        *prices(5),
        theirs("demo_request", DAY, message="Lorries wait 40 minutes at our six docks.", form="/demo"),
    ]
    assert opening(history, now=NOW).sentence == (
        "You asked us for a demo yesterday and wrote: ‘Lorries wait 40 minutes at our six docks’. "
        "How do you deal with that today?"
    )


def test_a_request_without_words_is_joined_by_the_prices_they_looked_at() -> None:
    history = [*prices(5), theirs("demo_request", DAY)]
    assert opening(history, now=NOW).sentence == (
        "You asked us for a demo yesterday and looked at our prices 5 times today. What do you want to see first?"
    )


def test_prices_over_several_days_say_since_when() -> None:
    history = prices(4, apart=DAY)
    assert opening(history, now=NOW).sentence.startswith("You have looked at our prices 4 times since Saturday.")
    assert opening(prices(2), now=NOW).sentence.startswith("You looked at our prices twice today.")
    assert opening(prices(1), now=NOW).sentence.startswith("You looked at our prices today.")


def test_a_download_names_the_mailing_that_led_to_it_and_the_prices_their_day() -> None:
    may = dt.datetime(2026, 5, 5, 10, 0, tzinfo=dt.UTC)
    history = [
        *[Deed("page_view", may - DAY - HOUR * n, properties={"path": "/pricing"}) for n in range(2)],
        Deed("content_download", may - 2 * DAY, properties={"title": "Buyer’s guide"}),
        Deed("email_click", may - 3 * DAY, campaign="Spring mailing"),
    ]
    assert opening(history, now=may + 8 * DAY).sentence.startswith(
        "You downloaded ‘Buyer’s guide’ on 3 May after ‘Spring mailing’ and looked at our prices twice on 4 May."
    )
    assert opening(history, now=may).sentence.startswith(
        "You downloaded ‘Buyer’s guide’ on Sunday after ‘Spring mailing’ and looked at our prices twice yesterday."
    )


def test_a_mail_read_long_before_or_without_a_name_led_to_nothing() -> None:
    download = theirs("content_download", HOUR, title="Guide")
    for mail in (Deed("email_click", NOW - 4 * DAY, campaign="Spring"), theirs("email_open", 2 * HOUR)):
        assert "after" not in opening([download, mail], now=NOW).sentence
    assert opening([Deed("demo_request", NOW - HOUR, campaign="Fair")], now=NOW).sentence == (
        "You asked us for a demo today after ‘Fair’. What do you want to see first?"
    )


def test_what_they_wrote_is_said_once() -> None:
    wrote = theirs("form_submission", DAY, message="Two gates.", form="/contact")
    assert opening([wrote], now=NOW).sentence.startswith("You wrote to us yesterday: ‘Two gates’.")


def test_what_was_talked_about_is_not_brought_up_again() -> None:
    history = [
        theirs("page_view", HOUR, path="/pricing"),
        ours("call", DAY, outcome="reached"),
        theirs("demo_request", 2 * DAY),
    ]
    assert opening(history, now=NOW).sentence == (
        "We spoke yesterday. You looked at our prices today. Shall I work out what it would cost you?"
    )
    assert opening(history[1:], now=NOW).sentence == "We spoke yesterday. What has happened since?"


def test_an_attempt_in_vain_is_mentioned_and_ends_nothing() -> None:
    history = [ours("call", DAY, outcome="no_answer"), theirs("webinar_attended", 5 * DAY, title="Docks")]
    assert opening(history, now=NOW).sentence == (
        "I tried to reach you yesterday. You came to our webinar ‘Docks’ on Thursday. What of it would you try first?"
    )


@pytest.mark.parametrize("history", [[], [theirs("email_open", HOUR)], [theirs("demo_request", 400 * DAY)]])
def test_nothing_known_says_nothing(history: list[Deed]) -> None:
    assert opening(history, now=NOW) == opening([], now=NOW)
    assert (
        opening(history, now=NOW).sentence == opening(history, now=NOW).source == reason_to_call(history, now=NOW) == ""
    )


def test_long_words_are_cut_between_words() -> None:
    sentence = opening([theirs("form_submission", HOUR, message="word " * 200)], now=NOW).sentence
    assert "word…’" in sentence
    assert len(sentence) < MAX_WORDS + 100


def test_the_source_names_the_activities_behind_it() -> None:
    history = [
        *prices(2),
        theirs("demo_request", DAY, form="/demo"),
        theirs("content_download", 8 * DAY, title="Guide"),
    ]
    assert opening(history, now=NOW).source == (
        "Asked for a demo (/demo), yesterday 10:06. Also: downloaded “Guide”, 9 Nov; "
        "looked at the prices, 2 times, today 09:06."
    )


def test_a_row_says_why_in_a_few_words() -> None:
    history = [*prices(3), theirs("demo_request", DAY)]
    assert reason_to_call(history, now=NOW) == "Asked for a demo yesterday"
    assert reason_to_call(history[:3], now=NOW) == "Looked at the prices 3 times, last today"


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "today"), (1, "yesterday"), (4, "on Friday"), (8, "on 9 November"), (400, "in October 2025")],
)
def test_instants_are_said_as_people_say_them(days: int, words: str) -> None:
    assert said(NOW - days * DAY, now=NOW) == words


def test_headlines_name_what_it_was_about() -> None:
    assert headline(theirs("content_download", HOUR, title="Buyer’s guide")) == "Downloaded “Buyer’s guide”"
    assert headline(theirs("content_download", HOUR)) == "Downloaded content"
    assert headline(ours("call", HOUR, outcome="left_message")) == "Called, left a message"
    assert headline(Deed("trial_started", NOW, type_name="Trial")) == "Trial"


def test_neighbors_that_read_alike_become_one_line() -> None:
    lines = gather([*prices(3, apart=dt.timedelta(minutes=5)), theirs("demo_request", DAY)])
    assert [line.text for line in lines] == ["Looked at the prices, 3 times", "Asked for a demo"]
    assert [
        line.count for line in gather([theirs("email_reply", HOUR, message="Yes"), theirs("email_reply", HOUR)])
    ] == [1, 1]
