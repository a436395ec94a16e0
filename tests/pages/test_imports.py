"""The pages of imports: who may use them, what they say, and that the file of refused rows is fetched by rights."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from crm import flows
from leads import tasks
from leads.models import Import
from leads.models.imports import ImportState

pytestmark = pytest.mark.django_db
PEOPLE = b"E-mail,Name\neva@firm.example,Eva Novak\nnobody,Ivan Iliev\neva@firm.example,Eva\n"


@pytest.fixture
def queued(monkeypatch):
    """The ids of the imports whose task was queued."""
    ids = []
    monkeypatch.setattr(tasks.run_import, "delay", lambda *, import_id: ids.append(import_id))
    return ids


@pytest.fixture
def job(marketer) -> Import:
    now = timezone.now()
    file = SimpleUploadedFile("people.csv", PEOPLE)
    job = flows.start_import(actor=marketer, file=file, file_name="people.csv", campaign="Trade fair Lahti", at=now)
    return job


@pytest.fixture
def done(job) -> Import:
    return flows.run_import(import_id=job.pk, at=timezone.now())


def give(client, data=PEOPLE, **more):
    return client.post("/imports/", {"file": SimpleUploadedFile("people.csv", data), "kind": "history", **more})


@pytest.mark.parametrize("who", ["marketer", "manager", "administrator"])
def test_a_file_that_is_given_is_queued_and_shown(who, request, browsing, queued, django_capture_on_commit_callbacks):
    client = browsing(request.getfixturevalue(who))
    assert client.get("/imports/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = give(client, campaign="Trade fair Lahti", kind="live")
    job = Import.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/imports/{job.pk}/")
    assert queued == [job.pk]
    assert (job.rows, job.state, str(job.campaign), job.is_history) == (3, "queued", "Trade fair Lahti", False)
    assert "people.csv" in client.get("/imports/").content.decode()


def test_the_task_does_it(job):
    tasks.run_import(import_id=job.pk)
    assert Import.objects.get().state == "done"


def test_salespeople_are_refused_everywhere(salesperson, browsing, done, queued):
    client = browsing(salesperson)
    for path in ("/imports/", f"/imports/{done.pk}/", f"/imports/{done.pk}/refused/"):
        assert client.get(path).status_code == 403, path
    assert give(client).status_code == 403
    assert client.post(f"/imports/{done.pk}/again/").status_code == 403
    assert Import.objects.count() == 1


def test_nobody_imports_without_a_login(anonymous, done):
    for path in ("/imports/", f"/imports/{done.pk}/", f"/imports/{done.pk}/refused/"):
        assert anonymous.get(path).status_code == 302


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"file": ""}, "Choose a file."),
        (
            {"file": SimpleUploadedFile("a.csv", "Sähköposti\nä@b.example".encode("cp1252"))},
            "This file is not in UTF-8",
        ),
        ({"file": SimpleUploadedFile("a.csv", b"Name\nEva")}, "No column is called e-mail"),
        ({"kind": "maybe"}, "Select a valid choice"),
    ],
    ids=["none", "cp1252", "no e-mail", "kind"],
)
def test_bad_input_is_said_and_changes_nothing(fields, sentence, marketer, browsing, queued):
    for file in fields.values():
        if hasattr(file, "seek"):
            file.seek(0)
    answer = browsing(marketer).post(
        "/imports/", {"file": SimpleUploadedFile("people.csv", PEOPLE), "kind": "history"} | fields
    )
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Import.objects.exists()


def test_the_page_says_what_became_of_the_rows_and_links_them(marketer, browsing, done):
    client = browsing(marketer)
    page = client.get(f"/imports/{done.pk}/").content.decode()
    assert "All 3 rows are done." in page
    assert 'hx-trigger="every' not in page
    assert f'href="/contacts/?created_by_import={done.pk}"' in page
    found = client.get(f"/contacts/?created_by_import={done.pk}").content.decode()
    assert "Eva Novak" in found
    assert "Eva Novak" not in client.get(f"/contacts/?created_by_import={done.pk + 1}").content.decode()


def test_what_was_known_before_is_found_by_its_link(marketer, browsing, done):
    again = flows.start_import(
        actor=marketer, file=SimpleUploadedFile("p.csv", PEOPLE), file_name="p.csv", at=timezone.now()
    )
    flows.run_import(import_id=again.pk, at=timezone.now())
    client = browsing(marketer)
    assert "Eva Novak" in client.get(f"/contacts/?touched_by_import={again.pk}").content.decode()
    assert "Eva Novak" not in client.get(f"/contacts/?created_by_import={again.pk}").content.decode()


def test_an_address_that_stands_twice_in_a_file_is_created_and_touched(marketer, browsing):
    twice = b"Email,First Name\neva@firm.example,Eva\neva@firm.example,Eva\n"
    job = flows.start_import(
        actor=marketer, file=SimpleUploadedFile("p.csv", twice), file_name="p.csv", at=timezone.now()
    )
    flows.run_import(import_id=job.pk, at=timezone.now())
    client = browsing(marketer)
    page = client.get(f"/imports/{job.pk}/").content.decode()
    assert f'href="/contacts/?touched_by_import={job.pk}">1</a> contact' in page
    for name in ("created_by_import", "touched_by_import"):
        assert "eva@firm.example" in client.get(f"/contacts/?{name}={job.pk}").content.decode()


def test_a_running_import_refreshes_itself_and_has_a_link_without_scripts(marketer, browsing, job):
    Import.objects.update(state=ImportState.RUNNING, rows_done=1, created=1)
    client = browsing(marketer)
    page = client.get(f"/imports/{job.pk}/").content.decode()
    assert "1 of 3 rows are done." in page
    assert 'hx-trigger="every 2s"' in page
    assert f'<a class="without-script" href="/imports/{job.pk}/">' in page
    fragment = client.get(f"/imports/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert fragment.startswith('<section class="card" id="import-progress"')
    assert "<html" not in fragment


def test_a_failed_import_says_why_and_can_go_on(marketer, browsing, job, queued, django_capture_on_commit_callbacks):
    Import.objects.update(state=ImportState.FAILED, error="Row 1 to 3 could not be saved: no room.")
    client = browsing(marketer)
    assert "Row 1 to 3 could not be saved: no room." in client.get(f"/imports/{job.pk}/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(f"/imports/{job.pk}/again/").status_code == 303
    assert queued == [job.pk]
    assert Import.objects.get().state == "queued"
    assert client.post(f"/imports/{job.pk}/again/").status_code == 409


def test_the_refused_rows_are_a_file(marketer, browsing, done):
    answer = browsing(marketer).get(f"/imports/{done.pk}/refused/")
    assert answer["Content-Disposition"] == 'attachment; filename="people-refused.csv"'
    assert "nobody,Ivan Iliev,3,“nobody” is not an e-mail address." in answer.content.decode("utf-8-sig")


def test_absent_things_are_404_and_wrong_verbs_405(marketer, browsing, job):
    client = browsing(marketer)
    for path in ("/imports/9999/", "/imports/9999/refused/", f"/imports/{job.pk}/refused/"):
        assert client.get(path).status_code == 404, path
    assert client.post("/imports/9999/again/").status_code == 409
    assert client.get(f"/imports/{job.pk}/again/").status_code == 405
    assert client.post(f"/imports/{job.pk}/").status_code == 405
    assert client.delete("/imports/").status_code == 405


def test_the_list_takes_as_many_queries_for_many_imports(marketer, browsing, job, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(20):
        Import.objects.create(
            file="imports/x.csv",
            file_name=f"{number}.csv",
            checksum="x",
            actor=marketer,
            created_at=now,
            updated_at=now,
        )
    client = browsing(marketer)
    client.get("/imports/")
    with django_assert_max_num_queries(20):
        assert client.get("/imports/").status_code == 200
