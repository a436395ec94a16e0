"""`contacts/{id}/merge/`, and what the number and the address of a merged contact lead to."""

import datetime as dt

import pytest

from crm import flows
from leads.models import Contact, Handoff
from tests.api.conftest import NOW, activities, cross, make_stranger

pytestmark = pytest.mark.django_db

OTHER = "eva@mail.example"


@pytest.fixture
def marketing(program, marketer):
    return program(marketer)


@pytest.fixture
def two(marketing):
    """A contact in review, and one who did little."""
    handoff = cross()
    marketing.post("activities/", activities(OTHER, ("page_view",)))
    return handoff.contact, Contact.objects.get(email=OTHER)


def test_a_merge_answers_the_kept_contact(marketing, two):
    kept, other = two
    answer = marketing.post(f"contacts/{kept.pk}/merge/", {"contact": other.pk, "choices": {"email": "merged"}})
    assert (answer["id"], answer["email"], answer["stage"]) == (kept.pk, OTHER, "mql")
    assert marketing.get("contacts/")["results"] == [answer]
    assert marketing.get("contacts/", email="eva@firm.example")["results"] == [answer]


def test_the_old_number_leads_to_the_kept_contact(marketing, two):
    kept, other = two
    marketing.post(f"contacts/{kept.pk}/merge/", {"contact": other.pk})
    for method, path, data in (
        ("get", f"contacts/{other.pk}/", {}),
        ("get", f"contacts/{other.pk}/score/?at=2026-03-03", {}),
        ("patch", f"contacts/{other.pk}/", {"city": "Oulu"}),
    ):
        answer = marketing.call(method, path, data)
        assert answer.status_code == 308
        assert answer["Location"] == f"/api/v1/{path}".replace(f"/{other.pk}/", f"/{kept.pk}/")
        assert answer["Content-Type"] == "application/problem+json"
        assert f"merged into contact {kept.pk}" in answer.json()["detail"]
    sent = activities(OTHER, ("page_view",), external_id="late") + activities(
        types=("page_view",), external_id="number", contact_id=other.pk
    )
    sent[1].pop("contact")
    answer = marketing.post("activities/", sent)
    assert [one["contact"] for one in answer["results"]] == [kept.pk, kept.pk]


def test_a_stranger_learns_nothing_from_an_old_number(marketing, program, two):
    kept, other = two
    marketing.post(f"contacts/{kept.pk}/merge/", {"contact": other.pk})
    stranger = program(make_stranger())
    assert stranger.call("get", f"contacts/{other.pk}/").status_code == 404
    assert stranger.call("post", f"contacts/{kept.pk}/merge/", {"contact": other.pk}).status_code == 404


def test_the_second_address_is_taken(marketing, two):
    kept, other = two
    marketing.post(f"contacts/{kept.pk}/merge/", {"contact": other.pk})
    problems = [marketing.post("contacts/", {"email": email}, status=400) for email in ("eva@firm.example", OTHER)]
    assert problems[0] == problems[1]


def test_a_bad_merge_says_what_is_wrong(marketing, program, salesperson, two):
    kept, other = two
    path = f"contacts/{kept.pk}/merge/"
    assert "contact" in marketing.post(path, {}, status=400)["errors"]
    assert "contact" in marketing.post(path, {"contact": kept.pk}, status=400)["errors"]
    assert "choices" in marketing.post(path, {"contact": other.pk, "choices": {"city": "mine"}}, status=400)["errors"]
    marketing.post(path, {"contact": 4711}, status=404)
    assert marketing.call("get", path).status_code == 405
    program(salesperson).post(path, {"contact": other.pk}, status=404)
    marketing.post(f"contacts/{other.pk}/disqualify/", {"reason": "never_buys"})
    assert "disqualified" in marketing.post(path, {"contact": other.pk}, status=409)["detail"]
    assert Contact.objects.count() == 2


def test_a_salesperson_merges_only_their_own(program, marketer, salesperson, two):
    kept, other = two
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=NOW + dt.timedelta(minutes=1))
    program(salesperson).post(f"contacts/{kept.pk}/merge/", {"contact": other.pk}, status=404)
    Contact.objects.filter(pk=other.pk).update(owner=salesperson)
    answer = program(salesperson).post(f"contacts/{kept.pk}/merge/", {"contact": other.pk})
    assert (answer["id"], answer["owner"], answer["stage"]) == (kept.pk, salesperson.email, "sql")
