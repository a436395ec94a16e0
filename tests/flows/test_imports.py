"""Files of contacts: who is created, who is touched, who is refused, and that nothing is done twice."""

import csv
import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import imports
from crm.models import Notice
from leads import services
from leads.models import Activity, Company, Contact, ContactChange, Handoff, Import, Source, StageChange, Touch
from scoring.models import Score, ScoringModel
from sla.models import Timer
from tests.outside import DATA, needs

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PEOPLE = """\
E-mail,First name,Last name,Job title,Company,Country,Source,Lifecycle Stage,Created
eva@firm.example,Eva,Novak,Plant director,Firm d.o.o.,Slovenia,Trade fair,Customer,2026-02-01
not an address,Ivan,Iliev,,,,,,
juha@saha.example,Juha,Laine,,Saha Oy,Finland,,Subscriber,
EVA@firm.example ,Eva,Novak,CEO,Other d.o.o.,Slovenia,Organic Search,,2026-02-20
"""

pytestmark = pytest.mark.django_db


def start(text: str | bytes, *, actor=None, at=AT, **more) -> Import:
    data = text.encode() if isinstance(text, str) else text
    return flows.start_import(actor=actor, file=io.BytesIO(data), file_name="people.csv", at=at, **more)


def take_in(text: str | bytes, *, at=AT, **more) -> Import:
    return flows.run_import(import_id=start(text, at=at, **more).pk, at=at + MINUTE)


def counts(job: Import) -> tuple[str, int, int, int]:
    return job.state, job.created, job.touched, job.refused


def everything() -> list[object]:
    """All that an import may write, but the import itself."""
    models = (Contact, Company, ContactChange, Touch, StageChange, Source, Handoff, Timer, Notice, Activity)
    return [list(model.objects.order_by("pk").values()) for model in models]


def many(count: int) -> str:
    return "Email,City\n" + "".join(f"person{number}@firm.example,Oulu\n" for number in range(count))


def test_new_addresses_become_subscribers_known_ones_are_touched_and_bad_ones_refused():
    job = take_in(PEOPLE, campaign="Trade fair Lahti")
    assert (job.rows, *counts(job)) == (4, "done", 2, 1, 1)
    eva = Contact.objects.get(email="eva@firm.example")
    assert (eva.first_name, eva.last_name, eva.job_title, str(eva.company)) == (
        "Eva",
        "Novak",
        "Plant director",
        "Firm d.o.o.",
    )
    assert (eva.country, eva.source.code, eva.stage) == ("SI", "trade_fair", "subscriber")
    assert [(change.to_stage, change.verb) for change in eva.stage_changes.all()] == [("subscriber", "create")]
    assert [str(touch.campaign) for touch in eva.touches.all()] == ["Trade fair Lahti"] * 2
    assert [touch.at.date().isoformat() for touch in eva.touches.all()] == ["2026-02-01", "2026-02-20"]
    assert [touch.source.code for touch in eva.touches.all()] == ["trade_fair", "organic_search"]


def test_a_file_that_has_channels_leaves_a_blank_one_blank_and_one_without_says_import():
    take_in(PEOPLE)
    assert Contact.objects.get(email="juha@saha.example").source is None
    take_in("Email\nanna@saha.example")
    assert Contact.objects.get(email="anna@saha.example").source.code == "import"


def test_what_is_empty_is_filled_and_nothing_is_overwritten(marketer):
    contact = services.create(
        values={"email": "eva@firm.example", "first_name": "Evelina", "phone": "+386 1 555 0137"},
        owner=None,
        at=AT,
        actor=None,
    )
    job = take_in(PEOPLE, actor=marketer)
    assert counts(job) == ("done", 1, 2, 1)
    contact.refresh_from_db()
    assert (contact.first_name, contact.last_name, contact.phone) == ("Evelina", "Novak", "+386 1 555 0137")
    assert (contact.job_title, str(contact.company)) == ("Plant director", "Firm d.o.o.")
    changes = {change.field: (change.old, change.new, change.actor) for change in contact.changes.all()}
    assert changes == {
        "last_name": (None, "Novak", marketer),
        "job_title": (None, "Plant director", marketer),
        "country": (None, "SI", marketer),
        "company": (None, "Firm d.o.o.", marketer),
        "source": (None, "Trade fair", marketer),
        "attributes.Lifecycle Stage": (None, "Customer", marketer),
    }


def test_the_refused_rows_stand_in_a_file_with_their_reasons():
    job = take_in(PEOPLE)
    with job.refused_file.open("rb") as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode("utf-8-sig"), newline="")))
    assert [(row["Row"], row["First name"], row["Why it was refused"]) for row in rows] == [
        ("3", "Ivan", "“not an address” is not an e-mail address.")
    ]


def test_the_same_file_again_changes_nothing():
    text = PEOPLE + "no.date@firm.example,,,,,,,,\nlater@firm.example,,,,,,,,2031-01-01\n"
    first = take_in(text, campaign="Trade fair Lahti")
    before = everything()
    again = take_in(text, campaign="Trade fair Lahti", at=AT + dt.timedelta(days=3))
    assert counts(again) == ("done", 0, first.created + first.touched, 1)
    assert everything() == before


def test_the_same_file_for_another_campaign_is_another_touch():
    take_in(PEOPLE, campaign="Trade fair Lahti")
    take_in(PEOPLE, campaign="Autumn mailing", at=AT + MINUTE)
    assert Touch.objects.count() == 6


def test_history_scores_but_promotes_nobody_starts_no_clock_and_tells_nobody(marketer):
    ScoringModel.objects.update(mql_threshold=20, hot_threshold=30)
    take_in(PEOPLE)
    assert Score.objects.get(contact__email="eva@firm.example").fit == pytest.approx(23)
    assert not Handoff.objects.exists()
    assert (Timer.objects.count(), Notice.objects.count()) == (0, 0)


def test_live_rows_that_cross_are_handed_over_on_the_clock(marketer):
    ScoringModel.objects.update(mql_threshold=20, hot_threshold=30)
    take_in(PEOPLE, is_history=False)
    handoff = Handoff.objects.get()
    assert (handoff.contact.email, handoff.state) == ("eva@firm.example", "in_review")
    assert Timer.objects.get(handoff=handoff).milestone == "review"


def test_an_import_that_was_killed_goes_on_where_it_was(monkeypatch):
    class Killed(BaseException):
        pass

    def die_in_the_second_batch(rows):
        if any("person500@" in Contact.objects.get(pk=row[0]).email for row in rows[:1]):
            raise Killed
        return touch(rows)

    touch = services.touch
    job = start(many(1200))
    monkeypatch.setattr(services, "touch", die_in_the_second_batch)
    with pytest.raises(Killed):
        flows.run_import(import_id=job.pk, at=AT)
    job.refresh_from_db()
    assert (job.state, job.rows_done, Contact.objects.count()) == ("running", 500, 500)
    monkeypatch.undo()

    assert flows.imports_to_resume(at=AT + MINUTE) == []
    assert flows.run_import(import_id=job.pk, at=AT + MINUTE).rows_done == 500
    later = AT + imports.LEASE + MINUTE
    assert flows.imports_to_resume(at=later) == [job.pk]
    assert counts(flows.run_import(import_id=job.pk, at=later)) == ("done", 1200, 0, 0)
    assert (Contact.objects.count(), Touch.objects.count()) == (1200, 1200)
    assert flows.imports_to_resume(at=later + imports.LEASE + MINUTE) == []


def test_an_import_that_fails_says_which_rows_and_can_be_tried_again(monkeypatch, marketer, salesperson):
    def fail(rows):
        raise ValueError("the moon is full")

    job = start(many(700), actor=marketer)
    monkeypatch.setattr(services, "touch", fail)
    failed = flows.run_import(import_id=job.pk, at=AT)
    monkeypatch.undo()
    assert (failed.state, failed.rows_done, Contact.objects.count()) == ("failed", 0, 0)
    assert failed.error == "Row 1 to 500 could not be saved: the moon is full."
    assert flows.imports_to_resume(at=AT + dt.timedelta(days=1)) == []
    assert flows.run_import(import_id=job.pk, at=AT).state == "failed"
    with pytest.raises(Forbidden):
        flows.retry_import(actor=salesperson, import_id=job.pk, at=AT)
    assert flows.retry_import(actor=marketer, import_id=job.pk, at=AT).state == "queued"
    with pytest.raises(Conflict):
        flows.retry_import(actor=marketer, import_id=job.pk, at=AT)
    assert counts(flows.run_import(import_id=job.pk, at=AT)) == ("done", 700, 0, 0)


def test_two_runners_at_once_are_one(monkeypatch):
    job = start(many(600))
    seen = []

    def meet_the_other(rows):
        seen.append(flows.run_import(import_id=job.pk, at=AT + MINUTE).state)
        return touch(rows)

    touch = services.touch
    monkeypatch.setattr(services, "touch", meet_the_other)
    assert counts(flows.run_import(import_id=job.pk, at=AT)) == ("done", 600, 0, 0)
    assert seen == ["running", "running"]
    assert Touch.objects.count() == 600


def test_a_runner_that_was_thought_dead_stops_when_it_comes_back():
    job = start(many(1200))
    told = []

    def sleep_through_the_lease(progress: Import) -> None:
        told.append(progress.rows_done)
        Import.objects.filter(pk=job.pk).update(updated_at=AT - imports.LEASE)
        assert flows.run_import(import_id=job.pk, at=AT + MINUTE).state == "done"

    found = flows.run_import(import_id=job.pk, at=AT, on_progress=sleep_through_the_lease)
    assert told == [500]
    assert counts(found) == ("done", 1200, 0, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Sähköposti;Nimi\neva@firm.example;Äijö".encode("cp1252"), "not in UTF-8"),
        (b"Name\nEva", "No column is called e-mail"),
        (b"", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(data, words):
    with pytest.raises(Invalid, match=words) as caught:
        start(data)
    assert caught.value.field == "file"
    assert not Import.objects.exists()


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(imports, "LARGEST_BYTES", 1024**2)
    with pytest.raises(Invalid, match="larger than 1 MB"):
        start(many(40_000))


def test_salespeople_do_not_import(salesperson):
    with pytest.raises(Forbidden):
        start(PEOPLE, actor=salesperson)


def test_there_is_no_such_import():
    with pytest.raises(NotFound):
        flows.run_import(import_id=1, at=AT)


def test_the_command_prints_progress_counts_and_where_the_refused_rows_are(tmp_path, capsys):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    call_command("import_contacts", str(path), "--campaign", "Trade fair Lahti")
    lines = capsys.readouterr().out.splitlines()
    job = Import.objects.get()
    assert lines == [
        "4 of 4 rows",
        "2 created, 1 touched, 1 refused.",
        f"The refused rows, each with its reason: {job.refused_file.path}",
    ]
    assert (job.is_history, str(job.campaign)) == (True, "Trade fair Lahti")


def test_the_command_says_what_is_wrong_with_a_file(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_contacts", str(tmp_path / "absent.csv"))
    path = tmp_path / "people.csv"
    path.write_bytes("Email;Nimi\na@b.example;Äijä".encode("cp1252"))
    with pytest.raises(CommandError, match=r"people\.csv: This file is not in UTF-8"):
        call_command("import_contacts", str(path))


@needs("messy_imports_generated")
def test_an_export_of_hubspot_with_1500_rows():
    data = (DATA / "messy_imports_generated" / "hubspot_contacts_export.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    good = [
        row["Email"].strip().lower()
        for row in rows
        if row["Email"].strip().lower().endswith(".example") and "@" in row["Email"]
    ]
    job = take_in(data)
    assert (len(rows), len(good), len(set(good))) == (1500, 1426, 1246)
    assert counts(job) == ("done", 1246, 180, 74)
    assert set(Contact.objects.values_list("email", flat=True)) == set(good)
    assert not Contact.objects.exclude(stage="subscriber").exists()
    before = everything()
    assert counts(take_in(data, at=AT + dt.timedelta(days=1))) == ("done", 0, 1426, 74)
    assert everything() == before


@needs("messy_imports_generated")
def test_of_the_broken_rows_exactly_45_carry_a_contact():
    job = take_in((DATA / "messy_imports_generated" / "broken_rows.csv").read_bytes())
    # Five of them hold two addresses in a cell; they are refused, and say so.
    assert (job.rows, *counts(job)) == (45, "done", 40, 0, 5)
    names = Contact.objects.values_list("first_name", "last_name", "phone")
    assert ("Egbert", 'Kraushaar "Big" Boss', "") in names
    assert ("Marilyn", "James", "9937489978") in names


@needs("messy_imports_generated")
@pytest.mark.parametrize(
    "name", ["pl_kontakty_cp1250_semicolon", "bg_kontakti_cp1251_semicolon", "salesforce_report_latin1_with_footer"]
)
def test_files_of_old_code_pages_are_refused_with_a_way_out(name):
    with pytest.raises(Invalid, match="save it as “CSV UTF-8”"):
        start((DATA / "messy_imports_generated" / f"{name}.csv").read_bytes())


def test_columns_that_no_field_stands_for_become_attributes_that_rules_can_ask_for():
    ScoringModel.objects.get().fit_rules.create(
        name="Visits often", field="attributes.Total Visits", op="gte", value=10, points=7
    )
    take_in("Email,Total Visits,Plan\neva@firm.example,12,Gold\njuha@saha.example,3,Select")
    eva, juha = Contact.objects.order_by("email")
    assert (eva.attributes, juha.attributes) == ({"Total Visits": 12, "Plan": "Gold"}, {"Total Visits": 3})
    assert eva.score.fit - juha.score.fit == 7
    assert not ContactChange.objects.exists()


def test_attributes_that_are_empty_are_filled_with_history_and_none_is_overwritten(marketer):
    take_in("Email,Plan\neva@firm.example,Gold")
    take_in("Email,Plan,Seats\neva@firm.example,Silver,40", actor=marketer)
    assert Contact.objects.get().attributes == {"Plan": "Gold", "Seats": 40}
    change = ContactChange.objects.get()
    assert (change.field, change.old, change.new, change.actor) == ("attributes.Seats", None, 40, marketer)


def test_history_that_takes_a_contact_over_the_threshold_waits_for_the_contact_to_act(marketer):
    def act(name: str, *types: str, at: dt.datetime) -> None:
        flows.record_activities(
            activities=[
                flows.ActivityIn(
                    type=type_,
                    occurred_at=at,
                    external_id=f"{name} {number}",
                    contact=flows.ContactIn(email="eva@firm.example"),
                )
                for number, type_ in enumerate(types)
            ],
            by=None,
            actor=None,
            at=at,
        )

    act("first", "content_download", "content_download", "email_reply", "webinar_attended", at=AT)
    take_in("Email,Job title,Country\neva@firm.example,Plant director,Finland")
    assert Score.objects.get().value > ScoringModel.objects.get(status="published").mql_threshold
    for days in range(1, 7):
        flows.sweep_scores(at=AT + dt.timedelta(days=days))
    assert not Handoff.objects.exists()
    act("second", "email_reply", at=AT + dt.timedelta(days=3))
    assert Handoff.objects.get().cause == "threshold"
