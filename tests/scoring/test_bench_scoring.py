"""The benchmark of scores: what it reads, how it measures, and the lines it prints."""

import csv
import gzip
import io
import os
import random
import re
import subprocess
import sys

import pytest
from django.conf import settings
from sklearn.metrics import roc_auc_score

from tests.bench import tables

LINE = re.compile(r"[a-z]+ auc=[01]\.\d{3} lift20=\d\.\d{2}")


def written(delimiter, rows, *, label=("yes", "no")):
    dice = random.Random(rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["Email", "contact", "seconds", "told", "bought"])
    for number in range(rows):
        contact, seconds = dice.choice(["phone", "mobile", ""]), dice.randrange(1000)
        is_good = dice.random() < seconds / 1000 * (0.9 if contact == "mobile" else 0.4)
        email = f"person{number % 50}@firm.example" if number % 3 else ""
        writer.writerow([email, contact, seconds, "won" if is_good else "lost", label[not is_good]])
    return out.getvalue().encode()


def test_any_delimiter_gzip_and_either_way_to_say_yes_are_read(tmp_path):
    plain, packed = tmp_path / "plain.csv", tmp_path / "packed.csv.gz"
    plain.write_bytes(written(";", 120))
    packed.write_bytes(gzip.compress(written("\t", 120, label=("TRUE", "False"))))
    first, second = (tables.read_table(path, label="bought") for path in (plain, packed))
    assert first == second
    assert first.columns == ("Email", "contact", "seconds", "told")
    assert len(first.rows) == len(first.labels) == 120


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,0\n2,1\n", "no column bought"),
        ("a,bought\n1,maybe\n", "“maybe”"),
        ("a,bought\n1,1\n", "one label only"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(tmp_path, text, said):
    (tmp_path / "file.csv").write_text(text)
    with pytest.raises(tables.TableProblem, match=said):
        tables.read_table(tmp_path / "file.csv", label="bought")


def test_the_split_keeps_the_share_of_both_labels_and_loses_no_row():
    labels = tuple(number % 5 == 0 for number in range(1000))
    table = tables.Table(("n",), tuple((str(number),) for number in range(1000)), labels)
    first, second = tables.split(table)
    assert (len(first.rows), sum(first.labels), sum(second.labels)) == (700, 140, 60)
    assert sorted((*first.rows, *second.rows)) == sorted(table.rows)
    assert tables.split(table) == (first, second)


def test_the_auc_is_that_of_scikit_learn_and_ties_count_in_part():
    dice = random.Random(1)
    labels = [dice.random() < 0.3 for _row in range(300)]
    scores = [dice.randrange(10) + 3 * label for label in labels]
    assert tables.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert tables.auc([True, False], [1, 1]) == 0.5
    # Two of ten are taken: the best, and half of the two that tie for the second place.
    assert tables.lift([True, True, *[False] * 8], [9, 5, 5, *[1] * 7]) == pytest.approx(1.5 / 2 / 0.2)


def test_it_prints_a_line_for_each_scorer_by_way_of_the_import_and_the_score(tmp_path):
    (tmp_path / "train.csv").write_bytes(written(";", 600))
    (tmp_path / "test.csv.gz").write_bytes(gzip.compress(written(",", 300, label=("1", "0"))))
    command = ["-m", "tests.bench.bench_scoring_quality", "--train", str(tmp_path / "train.csv")]
    command += ["--test", str(tmp_path / "test.csv.gz"), "--label", "bought", "--ignore", "told"]
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, *command], cwd=settings.BASE_DIR, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["suggested", "logistic", "boosting"]
    assert all(LINE.fullmatch(line) for line in lines)
    assert all(0.7 < float(line[line.index("=") + 1 :][:5]) < 0.95 for line in lines)
