"""Tables with a label, for the benchmark of scores: reading any CSV file, parting it, and measuring a ranking."""

import csv
import gzip
import io
import itertools
import random
from dataclasses import dataclass
from pathlib import Path

DELIMITERS = (",", ";", "\t", "|")
TRUE, FALSE = {"1", "yes", "true", "y", "t"}, {"0", "no", "false", "n", "f"}
SEED = 42


class TableProblem(Exception):
    """The file cannot be used; the text says why."""


@dataclass(frozen=True)
class Table:
    """Cells as text, by column; `labels` beside them."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: tuple[bool, ...]

    def take(self, chosen):
        return Table(self.columns, tuple(self.rows[i] for i in chosen), tuple(self.labels[i] for i in chosen))

    def without(self, names):
        keep = [index for index, name in enumerate(self.columns) if name not in names]
        rows = tuple(tuple(row[index] for index in keep) for row in self.rows)
        return Table(tuple(self.columns[index] for index in keep), rows, self.labels)


def read_table(path, *, label):
    """Read a CSV file, packed by gzip or not, whatever its delimiter; the label is taken out of the columns."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    delimiter = max(DELIMITERS, key=lambda sign: _width(text, sign))
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    header = [cell.strip() for cell in header]
    if label not in header:
        raise TableProblem(f"{path} has no column {label}; it has {', '.join(header)}.")
    place, width = header.index(label), len(header)
    if any(len(row) != width for row in rows):
        raise TableProblem(f"{path} has rows that are not {width} cells wide.")
    labels = tuple(_truth(row[place], path) for row in rows)
    if len(set(labels)) < 2:
        raise TableProblem(f"{path} has rows of one label only, so no score can tell them apart.")
    return Table(tuple(header), tuple(map(tuple, rows)), labels).without({label})


def _width(text, delimiter):
    """How many columns the first lines have with this delimiter; few if they differ."""
    read = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [row for row in itertools.islice(read, 20) if row]
    return len(rows[0]) if rows and len({len(row) for row in rows}) == 1 else 0


def _truth(cell, path):
    word = cell.strip().casefold()
    word = word.removesuffix(".0") if word in ("1.0", "0.0") else word
    if word not in TRUE | FALSE:
        raise TableProblem(f"{path} has “{cell}” as a label; write 1 or 0, yes or no, true or false.")
    return word in TRUE


def split(table, *, share=0.7):
    """Part a table in two, the same share of both labels in the first, by a fixed seed."""
    chance = random.Random(SEED)
    first = set()
    for label in (True, False):
        own = [index for index, found in enumerate(table.labels) if found is label]
        chance.shuffle(own)
        first.update(own[: round(share * len(own))])
    indexes = range(len(table.labels))
    return table.take([i for i in indexes if i in first]), table.take([i for i in indexes if i not in first])


def auc(labels, scores):
    """The chance that a good row scores above a bad one; a tie is half a chance."""
    good = bad_below = wins = 0.0
    for _score, alike in _ranks(labels, scores):
        own_good = sum(alike)
        own_bad = len(alike) - own_good
        wins += own_good * (bad_below + own_bad / 2)
        good, bad_below = good + own_good, bad_below + own_bad
    return wins / (good * bad_below)


def lift(labels, scores, *, share=0.2):
    """How many times more often the best-scored share of the rows is good than all rows; ties count in part."""
    room = wanted = share * len(labels)
    hits = 0.0
    for _score, alike in reversed(_ranks(labels, scores)):
        taken = min(room, len(alike))
        hits += sum(alike) * taken / len(alike)
        room -= taken
    return hits / wanted / (sum(labels) / len(labels))


def _ranks(labels, scores):
    by_score = {}
    for label, score in zip(labels, scores, strict=True):
        by_score.setdefault(score, []).append(label)
    return sorted(by_score.items())
