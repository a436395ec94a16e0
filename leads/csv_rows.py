"""Reading a file of contacts: bytes in, rows out, each either usable or with the sentence that says why not.

Knows no database. The same bytes always give the same rows, so that an import can go on where it was stopped and the
file of refused rows can be written from the beginning.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leads.conditions import as_number
from leads.countries import country_code
from leads.csv_headers import meaning, plain

DELIMITERS = (",", ";", "\t")
# As long as the columns of a contact.
LONGEST = {
    "email": 254,
    "first_name": 100,
    "last_name": 100,
    "job_title": 150,
    "phone": 40,
    "company": 200,
    "city": 100,
    "source": 60,
}
FIELD_NAMES = {
    "email": gettext_lazy("e-mail address"),
    "first_name": gettext_lazy("first name"),
    "last_name": gettext_lazy("last name"),
    "job_title": gettext_lazy("job title"),
    "phone": gettext_lazy("phone number"),
    "company": gettext_lazy("company"),
    "city": gettext_lazy("city"),
    "source": gettext_lazy("source"),
}
# A cell longer than this has swallowed the rows below it.
LONGEST_CELL = 20_000
# What the lists of some forms send when nothing was chosen.
NOTHING_CHOSEN = "select"
LONGEST_ATTRIBUTE = 100
LEADING_ZERO = re.compile(r"-?0[0-9]")
# A blank that looks like none, or like one: zero-width ones, the byte order mark, the soft hyphen.
INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
PHONE = re.compile(r"[+(\d][\d\s().\-/]*(?:\s*(?:ext|x|доб|wew|alanr)\.?\s*\d+)?", re.IGNORECASE)
ADDRESS = re.compile(r"[^\s,;<>()\"']+@[^\s,;<>()\"']+")
# Some programs call these a title.
SALUTATIONS = ("mr", "mrs", "ms", "miss", "dr", "prof", "herra", "rouva", "pan", "pani")
EMAIL_WRAPPING = re.compile(r"^(?:mailto:|<|\"|')+|(?:>|\"|'|,|;|\.)+$", re.IGNORECASE)


class FileProblem(Exception):
    """The file as a whole cannot be read; the text is a sentence that says what to do."""


@dataclass(frozen=True)
class Row:
    """One row that is meant to be a contact. `number` counts as spreadsheets do, the header being 1.

    `values` are the cells of the columns that a field stands for, by field, cleaned; `attributes` what all other
    columns hold, by their name: a number where the cell is one, text otherwise, nothing where it is blank. `problem`
    says in a sentence why the row cannot be taken; empty for a usable one.
    """

    number: int
    cells: tuple[str, ...]
    values: dict[str, str]
    at: dt.datetime | None
    problem: str = ""
    attributes: dict[str, str | int | float] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return self.values.get("email", "")


@dataclass(frozen=True)
class Sheet:
    """A file that could be read."""

    header: tuple[str, ...]
    delimiter: str
    fields: frozenset[str]
    rows: tuple[Row, ...]
    # Columns that no field stands for, by name: what they hold is kept as attributes.
    unknown: tuple[str, ...] = field(default=())


def read(data: bytes, *, time_zone: dt.tzinfo) -> Sheet:
    """Read a file of contacts. Days without a time begin at midnight of `time_zone`. Raises `FileProblem`."""
    text = _decoded(data)
    delimiter, header = _header(text)
    columns = _columns(header)
    if "email" not in columns:
        shown = ", ".join(name for name in header[:12] if name) or _("none")
        raise FileProblem(
            _("No column is called e-mail. The columns of this file are: %(columns)s. Name one of them “E-mail”.")
            % {"columns": shown}
        )
    records = list(_records(text, delimiter, header))
    is_day_first = _is_day_first(records, columns.get("date", ()))
    others = _other_columns(header)
    rows = tuple(
        replace(
            _row(number, cells, columns, is_day_first=is_day_first, time_zone=time_zone),
            attributes=_attributes(cells, others, has_decimal_comma=delimiter != ","),
        )
        for number, cells in records
    )
    if not rows:
        raise FileProblem(_("This file has a header, but no row with a contact."))
    return Sheet(tuple(header), delimiter, frozenset(columns), rows, tuple(others))


# The file ------------------------------------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    if not data.strip():
        raise FileProblem(_("This file is empty."))
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise FileProblem(
            _("This is a workbook, not a CSV file. Open it and save it as “CSV UTF-8 (comma delimited)”.")
        )
    how = _("Open it in your spreadsheet and save it as “CSV UTF-8”; in LibreOffice choose Unicode (UTF-8).")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileProblem(_("This file is not in UTF-8 (see line %(line)d).") % {"line": line} + " " + how) from None
    if "\0" in text:
        raise FileProblem(_("This file is not in UTF-8.") + " " + how)
    return text


def _header(text: str) -> tuple[str, list[str]]:
    """The delimiter with which the first row that is not blank has most columns that we know, and that row."""
    found = []
    for delimiter in DELIMITERS:
        header = next((cells for _number, cells in _lines(text, delimiter) if any(map(_clean, cells))), [])
        header = [_clean(cell) for cell in header]
        found.append((sum(meaning(cell) is not None for cell in header), len(header), delimiter, header))
    _known, _width, delimiter, header = max(found, key=lambda item: item[:2])
    return delimiter, header


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Every row as it stands, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise csv.Error
            yield number, cells
    except csv.Error:
        raise FileProblem(
            _("Row %(number)d cannot be read: probably a quotation mark is opened there and never closed.")
            % {"number": number}
        ) from None


def _records(text: str, delimiter: str, header: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are neither blank nor the header, or its repetition."""
    named = [plain(cell) for cell in header]
    for number, cells in _lines(text, delimiter):
        if any(map(_clean, cells)) and [plain(_clean(cell)) for cell in cells] != named:
            yield number, cells


def _columns(header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """For each field the columns that stand for it, the best named first."""
    ranked: dict[str, list[tuple[int, int]]] = {}
    for index, name in enumerate(header):
        known = meaning(name)
        if known is not None:
            field_name, rank = known
            ranked.setdefault(field_name, []).append((rank, index))
    return {field_name: tuple(index for _rank, index in sorted(found)) for field_name, found in ranked.items()}


def _other_columns(header: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The columns that no field stands for, by name; those of the same name together. Not those of `refused_file`."""
    found: dict[str, tuple[int, ...]] = {}
    own = _refusal_columns()
    for index, cell in enumerate(header[: -len(own)] if tuple(header[-len(own) :]) == own else header):
        name = " ".join(cell.split())[:LONGEST_ATTRIBUTE]
        if name and meaning(cell) is None:
            found[name] = (*found.get(name, ()), index)
    return found


# One row --------------------------------------------------------------------------------------------------------------


def _row(
    number: int,
    cells: Sequence[str],
    columns: dict[str, tuple[int, ...]],
    *,
    is_day_first: bool,
    time_zone: dt.tzinfo,
) -> Row:
    raw = {name: _first_cell(cells, indexes) for name, indexes in columns.items()}
    values = {name: value for name, value in raw.items() if name not in ("date", "full_name")}
    first, last = _split_name(raw.get("full_name", ""))
    if not values.get("first_name") and not values.get("last_name"):
        values["first_name"], values["last_name"] = first, last
    if "phone" in values:
        values["phone"] = _phone(values["phone"])
    if "country" in values:
        values["country"] = country_code(values["country"])
    if "language" in values:
        values["language"] = _language(values["language"])
    if not _is_time_zone(values.get("time_zone", "")):
        values.pop("time_zone", None)
    if values.get("job_title", "").casefold().rstrip(".") in SALUTATIONS:
        del values["job_title"]
    email, problem = _email(values.get("email", ""))
    values["email"] = email
    return Row(
        number=number,
        cells=tuple(cells),
        values={name: value for name, value in values.items() if value},
        at=_instant(raw.get("date", ""), is_day_first=is_day_first, time_zone=time_zone),
        problem=problem or _too_long(values),
    )


def _clean(cell: str) -> str:
    """A cell without blanks of any kind around it, and without the mark that keeps a spreadsheet from computing."""
    cell = INVISIBLE.sub("", cell).replace("\u00a0", " ").strip()
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def _first_cell(cells: Sequence[str], indexes: Sequence[int]) -> str:
    found = (_clean(cells[index]) for index in indexes if index < len(cells))
    return next((text for text in found if text and text.casefold() != NOTHING_CHOSEN), "")


def _attributes(
    cells: Sequence[str], columns: dict[str, tuple[int, ...]], *, has_decimal_comma: bool
) -> dict[str, str | int | float]:
    found = ((name, _first_cell(cells, indexes)) for name, indexes in columns.items())
    return {name: _number_or_text(text, has_decimal_comma=has_decimal_comma) for name, text in found if text}


def _number_or_text(text: str, *, has_decimal_comma: bool) -> str | int | float:
    """A number as conditions read it. Text with zeros before it is a code, such as a postal one, and stays text."""
    plainly = text.replace(",", ".") if has_decimal_comma and text.count(",") == 1 and "." not in text else text
    number = as_number(plainly)
    if number is None or LEADING_ZERO.match(plainly):
        return text
    return int(number) if number == int(number) else number


def _email(text: str) -> tuple[str, str]:
    """The address in a cell, and what is wrong with it."""
    if not text:
        return "", _("The row has no e-mail address.")
    found = ADDRESS.findall(text)
    if len({address.lower() for address in found}) > 1:
        return "", _("The cell holds two addresses: “%(text)s”. Give each a row of its own.") % {"text": text[:120]}
    # As in: Eva Novak <eva@firm.example>, or one address given twice.
    email = found[0] if "<" in text or len(found) > 1 else text
    email = EMAIL_WRAPPING.sub("", email).strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        return "", _("“%(text)s” is not an e-mail address.") % {"text": text[:120]}
    return email, ""


def _too_long(values: dict[str, str]) -> str:
    for name, longest in LONGEST.items():
        if len(values.get(name, "")) > longest:
            return _("The %(field)s is longer than %(longest)d characters.") % {
                "field": FIELD_NAMES[name],
                "longest": longest,
            }
    return ""


def _split_name(full: str) -> tuple[str, str]:
    """First and last name out of “Eva Novak” or “Novak, Eva”; what cannot be told apart is a first name."""
    full = " ".join(full.split())
    if "," in full:
        last, _comma, first = full.partition(",")
        return first.strip(), last.strip()
    first, _blank, last = full.partition(" ")
    return first, last.strip()


def _phone(text: str) -> str:
    """The number, or nothing where a spreadsheet or a typist has left none: 7.77E+08, “ask Eva”."""
    digits = sum(letter.isdigit() for letter in text)
    return text if PHONE.fullmatch(text) and digits >= 5 else ""


def _language(text: str) -> str:
    """A code such as fi or pt-BR; words are left out, since nobody could be written to by them."""
    return text if re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,4})?", text) else ""


def _is_time_zone(text: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z]+/[A-Za-z_/\-]+|UTC", text))


# Dates ----------------------------------------------------------------------------------------------------------------

ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?"
)
NUMBERS = re.compile(
    r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4}|\d{2})(?:,?\s+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?)?(?:\s*г\.?)?"
)


def _is_day_first(records: Sequence[tuple[int, list[str]]], indexes: Sequence[int]) -> bool:
    """Whether 3/4/2026 in this file is in April: unless some date in it can only have the month first.

    Exports of American programs write slashes and the month first, so without any evidence that is what slashes mean.
    """
    for _number, cells in records:
        match = NUMBERS.fullmatch(_first_cell(cells, indexes))
        if match and match[2] == "/" and int(match[1]) > 12:
            return True
    return False


def _instant(text: str, *, is_day_first: bool, time_zone: dt.tzinfo) -> dt.datetime | None:
    """The instant in a cell; None when there is none that can be read."""
    if match := ISO.fullmatch(text):
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        zone = _offset(match[7]) if match[7] else time_zone
    elif match := NUMBERS.fullmatch(text):
        one, other, year, hour, minute, second = (int(match[i] or 0) for i in (1, 3, 4, 5, 6, 7))
        day, month = (other, one) if match[2] == "/" and not is_day_first else (one, other)
        year, zone = year + 2000 if year < 100 else year, time_zone
    else:
        return None
    try:
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _offset(text: str) -> dt.tzinfo:
    if text == "Z":
        return dt.UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return dt.timezone(dt.timedelta(minutes=minutes if text[0] == "+" else -minutes))


# Writing what was refused ---------------------------------------------------------------------------------------------


def refused_file(sheet: Sheet) -> bytes:
    """The refused rows as they stood, each with its number and the reason: to be corrected and imported again.

    In UTF-8 with a mark by which spreadsheets know it. A cell that a spreadsheet would compute gets an apostrophe
    before it, which reading takes away again.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=sheet.delimiter)
    writer.writerow([*(_inert(name) for name in sheet.header), *_refusal_columns()])
    width = len(sheet.header)
    for row in sheet.rows:
        if row.problem:
            cells = [_inert(cell) for cell in row.cells]
            # Cells beyond the last column would push the reason away from its own.
            if len(cells) > width:
                cells = [*cells[: width - 1], sheet.delimiter.join(cells[width - 1 :])]
            writer.writerow([*cells, *[""] * (width - len(cells)), row.number, _inert(row.problem)])
    return out.getvalue().encode("utf-8-sig")


def _refusal_columns() -> tuple[str, str]:
    return _("Row"), _("Why it was refused")


def _inert(cell: str) -> str:
    return "'" + cell if cell.lstrip().startswith(FORMULA_STARTS) or cell.startswith(FORMULA_STARTS) else cell
