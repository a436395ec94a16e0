"""Reading files of contacts: what is understood, what is refused, and with which words."""

import csv
import datetime as dt
import io
import zoneinfo

import pytest

from leads import csv_rows
from leads.csv_rows import FileProblem

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")


def read(text: str | bytes) -> csv_rows.Sheet:
    return csv_rows.read(text.encode() if isinstance(text, str) else text, time_zone=HELSINKI)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_delimiter_is_found_and_a_byte_order_mark_is_no_part_of_the_first_header(delimiter, mark):
    sheet = read(
        mark + delimiter.join(["E-mail", "City"]).encode() + b"\r\n" + f"eva@firm.example{delimiter}Oulu".encode()
    )
    assert sheet.delimiter == delimiter
    assert sheet.rows[0].values == {"email": "eva@firm.example", "city": "Oulu"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            "Sähköposti;Etunimi;Sukunimi;Yritys;Puhelin;Kaupunki;Lähde",
            ["email", "first_name", "last_name", "company", "phone", "city", "source"],
        ),
        (
            "E-mail;Imię;Nazwisko;Firma;Telefon;Miasto;Źródło",
            ["email", "first_name", "last_name", "company", "phone", "city", "source"],
        ),
        (
            "Имейл;Име;Фамилия;Фирма;Телефон;Град;Източник",
            ["email", "first_name", "last_name", "company", "phone", "city", "source"],
        ),
        (
            "E-pošta;Ime;Priimek;Podjetje;Telefonska številka;Mesto;Vir",
            ["email", "first_name", "last_name", "company", "phone", "city", "source"],
        ),
        (
            "email_from,contact_name,job position,phone,country,city",
            ["email", "full_name", "job_title", "phone", "country", "city"],
        ),
        (
            "Email,First Name,Last Name,Title,Company / Account,Lead Source,Create Date",
            ["email", "first_name", "last_name", "job_title", "company", "source", "date"],
        ),
    ],
)
def test_headers_of_four_languages_and_of_other_programs_are_known(header, expected):
    delimiter = ";" if ";" in header else ","
    sheet = read(header + "\n" + delimiter.join(["eva@firm.example"] + ["x"] * (len(expected) - 1)))
    assert sheet.fields == set(expected)
    assert sheet.unknown == ()


@pytest.mark.parametrize(
    ("cell", "email"),
    [
        ("Eva@Firm.Example", "eva@firm.example"),
        ("\u00a0eva@firm.example\u200b", "eva@firm.example"),
        ("mailto:eva@firm.example", "eva@firm.example"),
        ("<eva@firm.example>", "eva@firm.example"),
        ("Eva Novak <eva@firm.example>", "eva@firm.example"),
        ("eva@firm.example;", "eva@firm.example"),
        ("eva@firm.example; EVA@firm.example", "eva@firm.example"),
    ],
)
def test_an_address_is_found_in_its_wrapping(cell, email):
    row = read(f'Email\tName\n"{cell}"\tEva').rows[0]
    assert (row.email, row.problem) == (email, "")


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("", "The row has no e-mail address."),
        ("eva at firm.example", "“eva at firm.example” is not an e-mail address."),
        ("eva@firm", "“eva@firm” is not an e-mail address."),
        (
            "eva@firm.example;ivan@firm.example",
            "The cell holds two addresses: “eva@firm.example;ivan@firm.example”. Give each a row of its own.",
        ),
        (
            "e" * 60 + "@" + ".".join(["firm" * 12] * 5) + ".example",
            "The e-mail address is longer than 254 characters.",
        ),
    ],
)
def test_a_row_without_one_good_address_is_refused_with_a_sentence(cell, sentence):
    row = read(f"Email\tName\n{cell}\tEva").rows[0]
    assert row.problem == sentence


def test_what_does_not_fit_is_refused_and_named():
    row = read("Email,Job title\neva@firm.example," + "x" * 151).rows[0]
    assert row.problem == "The job title is longer than 150 characters."


def test_blank_rows_and_repeated_headers_are_no_rows():
    sheet = read("Email,Name\n\n,,\neva@firm.example,Eva\nemail , NAME\n\u00a0,\nivan@firm.example,Ivan\n")
    assert [(row.number, row.email) for row in sheet.rows] == [(4, "eva@firm.example"), (7, "ivan@firm.example")]


@pytest.mark.parametrize(
    ("full", "first", "last"),
    [
        ("Eva Novak", "Eva", "Novak"),
        ("Novak, Eva", "Eva", "Novak"),
        ("Eva  Maria\u00a0Novak", "Eva", "Maria Novak"),
        ("Eva", "Eva", None),
    ],
)
def test_a_full_name_is_split(full, first, last):
    values = read(f"Email;Full Name\neva@firm.example;{full}").rows[0].values
    assert (values.get("first_name"), values.get("last_name")) == (first, last)


def test_first_and_last_name_win_over_the_full_one():
    values = read("Email;Full Name;Last Name\neva@firm.example;Somebody Else;Novak").rows[0].values
    assert (values.get("first_name"), values["last_name"]) == (None, "Novak")


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-02-05T00:00:00Z", dt.datetime(2026, 2, 5, tzinfo=dt.UTC)),
        ("2026-02-05 08:30", dt.datetime(2026, 2, 5, 8, 30, tzinfo=HELSINKI)),
        ("2026-02-05T08:30:00+0300", dt.datetime(2026, 2, 5, 5, 30, tzinfo=dt.UTC)),
        ("5.2.2026", dt.datetime(2026, 2, 5, tzinfo=HELSINKI)),
        ("17.04.2025 г.", dt.datetime(2025, 4, 17, tzinfo=HELSINKI)),
        ("28-08-2022 17:00", dt.datetime(2022, 8, 28, 17, tzinfo=HELSINKI)),
        ("2/5/2026", dt.datetime(2026, 2, 5, tzinfo=HELSINKI)),
        ("31.2.2026", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_are_read_as_people_and_programs_write_them(cell, day):
    assert read(f"Email;Created\neva@firm.example;{cell}").rows[0].at == day


def test_one_date_that_can_only_have_the_day_first_settles_it_for_the_file():
    rows = read("Email,Created\na@firm.example,3/4/2026\nb@firm.example,31/4/2025\nc@firm.example,13/4/2025").rows
    assert rows[0].at == dt.datetime(2026, 4, 3, tzinfo=HELSINKI)


def test_a_telephone_number_that_a_spreadsheet_has_mangled_is_left_out():
    rows = read("Email;Phone\na@firm.example;7.77E+08\nb@firm.example;+358 9 555 0137\nc@firm.example;'+48 58 555").rows
    assert [row.values.get("phone") for row in rows] == [None, "+358 9 555 0137", "+48 58 555"]


def test_a_country_becomes_two_letters_and_an_unknown_one_nothing():
    rows = read(
        "Email;Country\na@firm.example;Suomi\nb@firm.example;pl\nc@firm.example;България\nd@firm.example;Narnia"
    ).rows
    assert [row.values.get("country") for row in rows] == ["FI", "PL", "BG", None]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "This file is empty."),
        ("Email;Imi\xea\na@firm.example;\xd3scar".encode("cp1252"), "This file is not in UTF-8 (see line 1)"),
        ("Email,Name\na@firm.example,Eva".encode("utf-16"), "save it as “CSV UTF-8”"),
        (b"PK\x03\x04workbook", "This is a workbook"),
        (b"Name,Phone\nEva,1", "No column is called e-mail. The columns of this file are: Name, Phone."),
        (b"Email,Name\n\n,,\n", "no row with a contact"),
        (b'Email,Name\na@firm.example,"Eva\n' + b"b@firm.example,Ivan\n" * 2000, "quotation mark"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(data, words):
    with pytest.raises(FileProblem) as caught:
        read(data)
    assert words in str(caught.value)


def test_the_refused_rows_can_be_opened_in_a_spreadsheet_without_danger_and_read_again():
    evil = '=HYPERLINK(""http://evil.example"",""click"")'
    sheet = read(f'Email,Phone,Notes\n,+358 9 555 0137,"{evil}"\n@SUM(1+1),-1,+cmd,more,cells\neva@firm.example,1,ok')
    text = csv_rows.refused_file(sheet).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["Email", "Phone", "Notes", "Row", "Why it was refused"]
    assert [row[3:] for row in rows[1:]] == [
        ["2", "The row has no e-mail address."],
        ["3", "“@SUM(1+1)” is not an e-mail address."],
    ]
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(csv_rows.FORMULA_STARTS)]
    again = read(text.replace("'@SUM(1+1)", "eva@firm.example"))
    assert again.rows[1].email == "eva@firm.example"
    assert again.rows[0].values["phone"] == "+358 9 555 0137"


def test_columns_without_a_field_are_kept_as_attributes_numbers_as_numbers():
    sheet = read(
        "Email, Total  Visits ,Score,Postal code,Plan,Note,Plan\n"
        "eva@firm.example,12,-2.50,00100,Select,  ,Gold\n"
        "juha@saha.example,,1.0,90100,gold,3 pallets,\n"
    )
    assert sheet.unknown == ("Total Visits", "Score", "Postal code", "Plan", "Note")
    assert sheet.rows[0].attributes == {"Total Visits": 12, "Score": -2.5, "Postal code": "00100", "Plan": "Gold"}
    assert sheet.rows[1].attributes == {"Score": 1, "Postal code": 90100, "Plan": "gold", "Note": "3 pallets"}
    assert [type(row.attributes["Score"]) for row in sheet.rows] == [float, int]


def test_a_comma_is_a_decimal_one_only_where_it_does_not_part_the_columns():
    assert read("Email;Liikevaihto\neva@firm.example;3,5").rows[0].attributes == {"Liikevaihto": 3.5}
    assert read('Email,Turnover\neva@firm.example,"3,5"').rows[0].attributes == {"Turnover": "3,5"}


def test_select_means_that_nothing_was_chosen_in_a_field_as_well():
    row = read("Email,City,Lead Source\neva@firm.example,Select,select").rows[0]
    assert row.values == {"email": "eva@firm.example"}


def test_the_columns_that_say_why_a_row_was_refused_are_no_attributes_when_it_comes_again():
    refused = csv_rows.refused_file(read("Email,Plan\nnobody,Gold"))
    again = read(refused.replace(b"nobody", b"eva@firm.example", 1))
    assert (again.unknown, again.rows[0].attributes) == (("Plan",), {"Plan": "Gold"})
