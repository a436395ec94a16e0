"""A text names people as people type them, and never somebody whom it did not mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.mentions import Person, label, pieces, read

AINO = Person(1, "Aino Korhonen", "aino@firm.example")
SAM = Person(2, "Sam Seller", "sam@firm.example")
SAM_TOO = Person(3, "Sam Sorensen", "sam.s@firm.example")
TWIN = Person(4, "Aino Korhonen", "aino.k@firm.example")
JEAN = Person(5, "Jean-Luc O’Brien", "jl@firm.example")
EVERYBODY = [AINO, SAM, SAM_TOO, JEAN]


@pytest.mark.parametrize(
    ("text", "written", "who"),
    [
        ("@Aino is it so?", "@Aino Korhonen is it so?", [AINO]),
        ("@korhonen, please", "@Aino Korhonen, please", [AINO]),
        ("ask @sam seller.", "ask @Sam Seller.", [SAM]),
        ("(@sam@firm.example)", "(@Sam Seller)", [SAM]),
        ("@Jean-Luc and @AINO", "@Jean-Luc O’Brien and @Aino Korhonen", [JEAN, AINO]),
        ("@Aino @Aino", "@Aino Korhonen @Aino Korhonen", [AINO]),
        ("write to eva@firm.example @ noon", "write to eva@firm.example @ noon", []),
        ("@@Aino a@b.example", "@@Aino a@b.example", []),
    ],
)
def test_whom_a_text_names(text, written, who):
    found = read(text, EVERYBODY)
    assert (found.text, list(found.people), found.unclear) == (written, who, ())


def test_what_fits_several_is_named_with_all_of_them():
    [unclear] = read("@Sam look", EVERYBODY).unclear
    assert (unclear.word, unclear.people) == ("@Sam", (SAM, SAM_TOO))


@pytest.mark.parametrize("text", ["@Nobody", "@nobody@firm.example", "@Samuel", "@Aino_"])
def test_what_fits_nobody_is_not_guessed(text):
    found = read(text, EVERYBODY)
    assert found.people == () and [one.people for one in found.unclear] == [()]
    assert found.text == text


def test_two_of_one_name_are_told_apart_by_their_addresses():
    both = [AINO, TWIN]
    assert read("@Aino Korhonen", both).unclear[0].people == (AINO, TWIN)
    found = read("@aino.k@firm.example hello", both)
    assert (found.text, found.people) == ("@aino.k@firm.example hello", (TWIN,))


def test_names_are_set_apart_in_what_was_written():
    text = "Thanks @Aino Korhonen, @Sam Sellers knows @Sam Seller"
    assert [part.text for part in pieces(text, ["Aino Korhonen", "Sam Seller"]) if part.is_name] == [
        "@Aino Korhonen",
        "@Sam Seller",
    ]


@given(text=st.text(alphabet="@ aAinoSm.sE\n-_K’", max_size=40))
def test_reading_again_changes_nothing_more(text):
    once = read(text, EVERYBODY)
    again = read(once.text, EVERYBODY)
    assert again == once
    assert "".join(part.text for part in pieces(once.text, [label(one, EVERYBODY) for one in EVERYBODY])) == once.text
