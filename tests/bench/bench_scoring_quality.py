"""How well scores tell who buys, on rows they have not seen: one line a scorer, `NAME auc=0.000 lift20=0.00`.

Run as `python -m tests.bench.bench_scoring_quality`, on X Education parted 70 to 30, or with `--train`, `--test`,
`--label` and `--ignore` on two CSV files. Both parts go through Baton's own import into a database in memory; the
outcomes of the first part are won and lost opportunities there.

default     rules that a person wrote by reasoning, not fitted to anything (`x_education_model.json`)
suggested   the draft that "suggest points" makes of the outcomes, by Baton's own score
logistic    a logistic regression of scikit-learn on the same columns
boosting    gradient boosting of scikit-learn on the same columns
"""

import argparse
import contextlib
import csv
import datetime as dt
import io
import json
import os
import sys
import tempfile
from pathlib import Path

X_EDUCATION = "x_education/x_education_leads.csv.gz"
X_EDUCATION_LABEL = "Converted"
# Numbers of rows, and what its README names as written during or after the sale.
X_EDUCATION_IGNORE = (
    "Prospect ID",
    "Lead Number",
    "Tags",
    "Lead Quality",
    "Lead Profile",
    "Asymmetrique Activity Index",
    "Asymmetrique Profile Index",
    "Asymmetrique Activity Score",
    "Asymmetrique Profile Score",
    "Last Notable Activity",
)
X_EDUCATION_LATE = ("Last Activity", "What is your current occupation")
DEFAULT_MODEL = Path(__file__).with_name("x_education_model.json")
AT = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
ROWS_A_FILE = 20_000
BATCH = 500


def main():
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder, database(folder):
        from crm.errors import Invalid
        from tests.bench import tables

        try:
            if asked.train:
                train, test = (tables.read_table(path, label=asked.label) for path in (asked.train, asked.test))
                runs = [("", asked.ignore)]
            else:
                train, test = tables.split(tables.read_table(x_education(), label=X_EDUCATION_LABEL))
                late = (*X_EDUCATION_IGNORE, *X_EDUCATION_LATE)
                runs = [("", X_EDUCATION_IGNORE), ("# without late columns: ", late)]
            for prefix, ignored in runs:
                for name, scores in run(train.without(ignored), test.without(ignored), has_default=not asked.train):
                    found = f"auc={tables.auc(test.labels, scores):.3f} lift20={tables.lift(test.labels, scores):.2f}"
                    print(f"{prefix}{name} {found}", flush=True)
        except (OSError, tables.TableProblem, Invalid) as problem:
            sys.exit(str(problem))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", metavar="FILE", default="")
    parser.add_argument("--test", metavar="FILE", default="")
    parser.add_argument("--label", metavar="COLUMN", default="")
    parser.add_argument("--ignore", metavar="COLUMN,COLUMN", default="")
    asked = parser.parse_args()
    if len({bool(asked.train), bool(asked.test), bool(asked.label)}) > 1:
        parser.error("Give TRAIN, TEST and LABEL together, or none of them for X Education.")
    asked.ignore = tuple(name.strip() for name in asked.ignore.split(",") if name.strip())
    return asked


@contextlib.contextmanager
def database(folder):
    """A database in memory with everything an installation starts with; uploads go to a folder that vanishes."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "crm.settings", "DATA_DIR": folder}
    import django
    from django.db import connection

    django.setup()
    connection.creation.create_test_db(verbosity=0, serialize=False)
    yield
    connection.close()


def x_education():
    from tests.outside import DATA

    if not (DATA / X_EDUCATION).is_file():
        sys.exit(f"{DATA / X_EDUCATION} is absent; BATON_DATA names the folder that holds it.")
    return DATA / X_EDUCATION


def run(train, test, *, has_default):
    """The scores of the test rows by each scorer; what was imported for it is rolled back afterwards."""
    from django.db import transaction

    with transaction.atomic():
        taken = set()
        known = bring_in(train, "train", taken, renames=not has_default)
        record_outcomes(known, train.labels)
        unseen = bring_in(test, "test", taken, renames=not has_default)
        if has_default:
            yield "default", score(unseen, default_model())
        yield "suggested", score(unseen, suggested_model())
        transaction.set_rollback(True)
    yield from references(train, test)


# Through Baton --------------------------------------------------------------------------------------------------------


def bring_in(table, name, taken, *, renames):
    """Import the rows and return the ids of their contacts, in order. Each row is a contact of its own."""
    from crm import flows
    from leads.models import Contact

    columns, address_columns = columns_of(table)
    emails = addresses(table, name, address_columns, taken)
    header = ["E-mail", *(column_name(table.columns[index], renames=renames) for index in columns)]
    for start in range(0, len(emails), ROWS_A_FILE):
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(header)
        for number in range(start, min(start + ROWS_A_FILE, len(emails))):
            writer.writerow([emails[number], *(table.rows[number][index] for index in columns)])
        file = io.BytesIO(out.getvalue().encode())
        job = flows.start_import(actor=None, file=file, file_name=f"{name}.csv", is_history=True, at=AT)
        job = flows.run_import(import_id=job.pk, at=AT)
        assert (job.state, job.refused) == ("done", 0), f"{job.state}: {job.refused} refused. {job.error}"
    ids = dict(Contact.objects.values_list("email", "id"))
    return [ids[email] for email in emails]


def columns_of(table):
    """The places of the columns that are learned from, and of those with e-mail addresses."""
    from leads.csv_headers import meaning

    found = [index for index, name in enumerate(table.columns) if (meaning(name) or ("",))[0] == "email"]
    return [index for index in range(len(table.columns)) if index not in found], found


def addresses(table, name, columns, taken):
    """An address for each row, made where it has none of its own, or one that is taken."""
    emails = []
    for place, row in enumerate(table.rows):
        own = next((cell for index in columns if (cell := row[index].strip().lower())), "")
        email = own if is_usable(own) and own not in taken else f"{name}-{place}@bench.example"
        taken.add(email)
        emails.append(email)
    return emails


def is_usable(email):
    from django.core.exceptions import ValidationError
    from django.core.validators import validate_email

    try:
        validate_email(email)
    except ValidationError:
        return False
    return not email.endswith("@bench.example")


def column_name(name, *, renames):
    """In files of strangers a column that happens to be called like a field of Baton's is kept as it is."""
    from leads.csv_headers import meaning

    return f"{name} (column)" if renames and meaning(name) else name


def record_outcomes(contact_ids, labels):
    """A handoff that was formed at `AT` and accepted, and its opportunity, won or lost."""
    from crm.models import User
    from leads.models import Handoff, Opportunity, Reason

    owner = User.objects.create_user("sales@bench.example", roles=("salesperson",), name="Sales")
    reasons = {kind: Reason.objects.filter(kind=kind).first() for kind in ("won", "lost")}
    handoffs = Handoff.objects.bulk_create(
        [
            Handoff(
                contact_id=contact_id,
                state="closed",
                cause=Handoff.Cause.THRESHOLD,
                assignee=owner,
                formed_at=AT,
                offered_at=AT,
                answered_at=AT,
                ended_at=AT,
            )
            for contact_id in contact_ids
        ],
        batch_size=BATCH,
    )
    Opportunity.objects.bulk_create(
        [
            Opportunity(
                contact_id=handoff.contact_id,
                handoff=handoff,
                owner=owner,
                name="Course",
                amount=1,
                state="won" if is_won else "lost",
                reason=reasons["won" if is_won else "lost"],
                opened_at=AT,
                closed_at=AT,
            )
            for handoff, is_won in zip(handoffs, labels, strict=True)
        ],
        batch_size=BATCH,
    )


def default_model():
    """The hand-written rules as a version of the published model."""
    from scoring.models import FitRule, ScoringModel

    published = ScoringModel.objects.get(status="published")
    model = ScoringModel.objects.create(
        name="Course seller", version=published.version + 1, reference_at=AT, created_at=AT, based_on=published
    )
    rules = json.loads(DEFAULT_MODEL.read_text())["fit_rules"]
    FitRule.objects.bulk_create(FitRule(model=model, position=place, **rule) for place, rule in enumerate(rules))
    return model


def suggested_model():
    from crm.flows import learning
    from crm.models import User

    marketer = User.objects.create_user("marketer@bench.example", roles=("marketer",), name="Marketer")
    return learning.suggest_points(actor=marketer, outcome="won", although_chance=True, at=AT)


def score(contact_ids, model):
    from leads.models import Contact
    from scoring import services
    from scoring.models import Score

    rules = services.load_rules(model)
    for start in range(0, len(contact_ids), BATCH):
        chosen = Contact.objects.filter(id__in=contact_ids[start : start + BATCH]).select_related("company", "source")
        services.rescore(list(chosen), at=AT, is_history=True, rules=rules)
    values = dict(Score.objects.filter(model=model).values_list("contact_id", "value"))
    return [values[contact_id] for contact_id in contact_ids]


# Beside it ------------------------------------------------------------------------------------------------------------


def references(train, test):
    """What scikit-learn makes of the same columns by itself."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

    used, _addresses = columns_of(train)
    numeric = [index for index in used if is_numeric(train, index)]
    texts = [index for index in used if index not in numeric]
    known, unseen = (features(table, numeric, texts) for table in (train, test))
    numbers, words = list(range(len(numeric))), list(range(len(numeric), len(used)))
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    hot = OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist")
    ordinal = OrdinalEncoder(
        min_frequency=10, max_categories=200, handle_unknown="use_encoded_value", unknown_value=float("nan")
    )
    for name, made in (
        (
            "logistic",
            make_pipeline(
                ColumnTransformer([("numbers", scaled, numbers), ("texts", hot, words)]),
                LogisticRegression(max_iter=5000),
            ),
        ),
        (
            "boosting",
            make_pipeline(
                ColumnTransformer([("numbers", "passthrough", numbers), ("texts", ordinal, words)]),
                HistGradientBoostingClassifier(categorical_features=words, random_state=0),
            ),
        ),
    ):
        yield name, made.fit(known, train.labels).predict_proba(unseen)[:, 1].tolist()


def is_numeric(table, index):
    cells = [cell for row in table.rows if (cell := clean(row[index]))]
    return bool(cells) and all(number(cell) is not None for cell in cells)


def features(table, numeric, texts):
    import numpy as np

    made = np.empty((len(table.rows), len(numeric) + len(texts)), dtype=object)
    for place, index in enumerate(numeric):
        cells = (number(row[index]) for row in table.rows)
        made[:, place] = [float("nan") if cell is None else cell for cell in cells]
    for place, index in enumerate(texts, start=len(numeric)):
        made[:, place] = [clean(row[index]).casefold() for row in table.rows]
    return made


def clean(cell):
    return "" if cell.strip().casefold() == "select" else cell.strip()


def number(cell):
    try:
        return float(clean(cell))
    except ValueError:
        return None


if __name__ == "__main__":
    main()
