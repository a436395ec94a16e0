"""`scoring-models/`: drafted, changed, looked ahead at and published by a program."""

import pytest

from crm.flows import previews, publishing
from crm.queries import publishing as looking_ahead
from leads.models import Contact
from scoring.models import PreviewJob, Publication, ScoringModel

pytestmark = pytest.mark.django_db

RULES = {
    "activity_rules": [
        {
            "name": "Prices",
            "type": "page_view",
            "conditions": [{"property": "path", "op": "starts_with", "value": "/pricing"}],
            "points": 60,
            "cap": None,
            "once_per": None,
            "within_days": None,
        }
    ],
    "fit_rules": [{"name": "Known", "field": "attributes.size", "op": "gte", "value": 5, "points": 10}],
}


@pytest.fixture
def caller(program, marketer):
    return program(marketer)


def test_a_version_is_drafted_changed_and_published(caller, world):
    first = ScoringModel.objects.get()
    draft = caller.call("post", "scoring-models/", {"based_on": first.pk}).json()
    assert (draft["status"], draft["version"], draft["based_on"]) == ("draft", 2, first.pk)
    assert len(draft["activity_rules"]) == first.activity_rules.count()
    path = f"scoring-models/{draft['id']}/"
    changed = caller.call("patch", path, {"name": "Prices first", "mql_threshold": 40} | RULES).json()
    assert (changed["name"], changed["mql_threshold"]) == ("Prices first", 40)
    (rule,) = changed["activity_rules"]
    assert (rule["once_per"], rule["within_days"], rule["is_request"]) == (None, None, False)
    # What was answered can be sent back as it is.
    assert caller.call("patch", path, {"activity_rules": changed["activity_rules"]}).json() == changed
    seen = caller.get(f"{path}preview/")
    assert seen["contacts"] > 0 and len(seen["queue_by_week"]["all"]) == 8
    answer = caller.call("post", f"{path}publish/", {"note": "Prices tell"})
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["mode"]) == ("queued", "all")
    assert caller.get(path)["status"] == "published"
    assert caller.get(path)["note"] == "Prices tell"
    publication = Publication.objects.get()
    assert publishing.run_publication(publication_id=publication.pk, at=publication.created_at).state == "done"
    for method, below, data in (("patch", "", {"name": "x"}), ("delete", "", None), ("post", "publish/", {})):
        assert caller.call(method, f"{path}{below}", data).status_code == 409


def test_the_preview_of_many_contacts_is_counted_behind_the_answer(caller, world, monkeypatch):
    monkeypatch.setattr(looking_ahead, "AT_ONCE", 0)
    draft = caller.call("post", "scoring-models/", {"based_on": ScoringModel.objects.get().pk}).json()
    path = f"scoring-models/{draft['id']}/preview/"
    waiting = caller.call("get", path)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    job = PreviewJob.objects.get()
    previews.run_preview(preview_id=job.pk, at=job.created_at)
    answer = caller.call("get", path)
    assert answer.status_code == 200
    assert answer.json()["contacts"] == Contact.objects.count() > 0


def test_a_whole_model_can_be_posted(caller):
    body = {"name": "Own", "half_life_days": 7, "mql_threshold": 50, "hot_threshold": 80} | RULES
    answer = caller.call("post", "scoring-models/", body)
    assert answer.status_code == 201
    assert answer.json()["fit_rules"][0]["field"] == "attributes.size"
    assert caller.call("delete", f"scoring-models/{answer.json()['id']}/").status_code == 204


@pytest.mark.parametrize(
    "body",
    [
        {"half_life_days": 0},
        {"activity_rules": [{"name": "x", "type": "nothing", "points": 1}]},
        {"fit_rules": [{"name": "x", "field": "shoe", "op": "is_set", "points": 1}]},
        {"fit_rules": ["x"]},
        {"based_on": "x"},
    ],
)
def test_a_bad_draft_is_refused_and_nothing_is_kept(caller, body):
    answer = caller.call("post", "scoring-models/", body)
    assert answer.status_code == 400
    assert next(iter(body)) in answer.content.decode()
    assert ScoringModel.objects.count() == 1


def test_paced_needs_a_number(caller):
    draft = caller.call("post", "scoring-models/", {"based_on": 10**9})
    assert draft.status_code == 404
    draft = caller.call("post", "scoring-models/", {}).json()
    path = f"scoring-models/{draft['id']}/publish/"
    assert caller.call("post", path, {"mode": "paced"}).status_code == 400
    assert caller.call("post", path, {"mode": "paced", "per_day": 5}).json()["per_day"] == 5


def test_managers_look_and_do_not_touch(program, manager, salesperson):
    first = ScoringModel.objects.get()
    reading = program(manager)
    reading.get(f"scoring-models/{first.pk}/preview/")
    assert program(salesperson).call("get", f"scoring-models/{first.pk}/preview/").status_code == 403
    for method, path in [
        ("post", ""),
        ("patch", f"{first.pk}/"),
        ("delete", f"{first.pk}/"),
        ("post", f"{first.pk}/publish/"),
    ]:
        assert reading.call(method, f"scoring-models/{path}", {}).status_code == 403
