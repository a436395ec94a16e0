"""Tables as CSV files that spreadsheets open: sent row by row, harmless, every instant in UTC and in local time."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.http import StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

Cell = str | int | float | None
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the alphabet of its country."""


@dataclass(frozen=True)
class Table:
    """A table to be sent: the file's name without its ending, the headings, and the rows, made when they are read."""

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]


class _Echo:
    """What the writer of the csv module takes for a file: it gives every line back."""

    def write(self, line: str) -> str:
        return line


def harmless(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe.

    Numbers stay as they are. Source: OWASP, CSV injection.
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def moments(heading: str) -> tuple[str, str]:
    """The headings of an instant: in UTC, and in the reader's zone, which is named."""
    zone = timezone.get_current_timezone_name()
    return _("%(what)s (UTC)") % {"what": heading}, _("%(what)s (%(zone)s)") % {"what": heading, "zone": zone}


def moment(at: dt.datetime | None) -> tuple[str, str]:
    """An instant in UTC and in the reader's zone, to the second; empty when there is none."""
    if at is None:
        return "", ""
    pattern = "%Y-%m-%d %H:%M:%S"
    return at.astimezone(dt.UTC).strftime(pattern), timezone.localtime(at).strftime(pattern)


def seconds(value: float | None) -> float | None:
    """A length of time in seconds to the hundredth, so that it adds up as shown."""
    return None if value is None else round(value, 2)


def response(table: Table) -> StreamingHttpResponse:
    """The table as a file to be saved, sent as it is made."""
    answer = StreamingHttpResponse(_lines(table), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
    return answer


def _lines(table: Table) -> Iterator[str]:
    """The lines of the file. They are made after the request has passed its middleware, so they keep its zone and
    language."""
    writer = csv.writer(_Echo())
    zone, language = timezone.get_current_timezone(), translation.get_language()
    header = writer.writerow([harmless(one) for one in table.header])

    def rows() -> Iterator[str]:
        yield BYTE_ORDER_MARK + header
        given = iter(table.rows)
        while True:
            with timezone.override(zone), translation.override(language):
                row = next(given, None)
            if row is None:
                return
            yield writer.writerow([harmless(one) for one in row])

    return rows()
