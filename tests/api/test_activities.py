"""`POST activities/`: one or many, each once, bad ones refused in words."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import flows
from leads.models import Activity, ActivityType, Company, Contact, Handoff
from sla.models import Timer
from tests.api.conftest import NOW, activities, cross

pytestmark = pytest.mark.django_db
ONE = {"external_id": "a1", "source": "website", "type": "page_view", "occurred_at": "2026-03-03T07:00:00Z"}
EVA = {"contact": {"email": "eva@firm.example"}}


@pytest.fixture
def tracker(program, marketer):
    return program(marketer, is_integration=True)


def test_one_activity_is_created_then_a_duplicate(tracker):
    created = tracker.post("activities/", ONE | EVA, status=201)
    assert (created["created"], created["duplicate"], created["refused"]) == (1, 0, 0)
    [result] = created["results"]
    assert set(result) == {"status", "activity", "contact", "detail"}
    row = tracker.get(f"activities/{result['activity']}/")
    assert (row["contact"], row["occurred_at"], row["actor"]) == (result["contact"], "2026-03-03T07:00:00Z", None)
    again = tracker.post("activities/", ONE | EVA)
    assert again["results"][0] == result | {"status": "duplicate"}


def test_a_contact_comes_with_what_the_program_knows_of_it(tracker):
    known = {
        "email": " Eva@Firm.example ",
        "first_name": "Eva",
        "last_name": "Ek",
        "job_title": "Head of Logistics",
        "phone": "+358 40 123",
        "country": "fi",
        "city": "Oulu",
        "language": "fi",
        "company": {"name": "Firm"},
        "source": "trade_fair",
        "shoe_size": 38,
    }
    tracker.post("activities/", ONE | {"contact": known, "campaign": "Spring fair"}, status=201)
    contact = tracker.get("contacts/", email="eva@firm.example")["results"][0]
    assert (contact["first_name"], contact["country"], contact["source"]) == ("Eva", "FI", "trade_fair")
    assert contact["company"]["name"] == "Firm"
    assert tracker.get("activities/")["results"][0]["campaign"] == "Spring fair"
    tracker.post(
        "activities/", ONE | {"external_id": "a2", "contact": {"email": "x@y.example", "company": "Firm"}}, status=201
    )
    assert Company.objects.get().contacts.count() == 2


def test_what_happened_long_ago_counts_for_next_to_nothing_and_breaks_nothing(tracker):
    for number, then in enumerate(("1970-01-01T00:00:00Z", "2026-03-03T08:00:00Z", "1970-01-01T00:00:01Z")):
        tracker.post(
            "activities/", ONE | EVA | {"external_id": str(number), "occurred_at": then, "type": "call"}, status=201
        )
        view = ONE | EVA | {"external_id": f"view {number}", "occurred_at": then, "properties": {"path": "/pricing"}}
        tracker.post("activities/", view, status=201)
    contact_id = Contact.objects.get().pk
    assert tracker.get(f"contacts/{contact_id}/")["engagement"] == pytest.approx(4)
    for then in ("1970-01-01T00:00:02Z", "2099-12-31T00:00:00Z"):
        assert tracker.get(f"contacts/{contact_id}/score/", at=then)["at"] == then


def test_an_instant_without_an_offset_is_utc(tracker):
    tracker.post("activities/", ONE | EVA | {"occurred_at": "2026-03-03T07:30:00"}, status=201)
    assert tracker.get("activities/")["results"][0]["occurred_at"] == "2026-03-03T07:30:00Z"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "sneeze"}, "type"),
        ({"type": None}, "type"),
        ({"type": ["call"]}, "type"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": 17}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, "occurred_at"),
        ({"occurred_at": "2026-03-03T08:06:00Z"}, "occurred_at"),
        ({"contact": None}, "contact"),
        ({"contact": "eva@firm.example"}, "contact"),
        ({"contact": {"email": "eva"}}, "contact.email"),
        ({"contact": {"email": "e" * 250 + "@firm.example"}}, "contact.email"),
        ({"contact": {"email": "eva@firm.example", "first_name": "E" * 101}}, "contact.first_name"),
        ({"contact": {"email": "eva@firm.example", "first_name": "E\x00"}}, "contact.first_name"),
        ({"contact": {"email": "eva@firm.example", "country": "Finland"}}, "contact.country"),
        ({"contact": {"email": "eva@firm.example", "company": [1]}}, "contact.company"),
        ({"contact": {"email": "eva@firm.example", "company": "F" * 201}}, "contact.company"),
        ({"contact_id": 10**30}, "contact_id"),
        ({"contact_id": 0}, "contact_id"),
        ({"contact_id": True}, "contact_id"),
        ({"contact_id": 4711}, "contact"),
        ({"direction": "sideways"}, "direction"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": "\x00"}}, "properties"),
        ({"properties": {"\x00": 1}}, "properties"),
        ({"properties": {"a": "\ud800"}}, "properties"),
        ({"properties": {"a": [[[[[[[[[1]]]]]]]]]}}, "properties"),
        ({"properties": {"a": "x" * 30_000}}, "properties"),
        ({"external_id": "x" * 201}, "external_id"),
        ({"external_id": "\x00"}, "external_id"),
        ({"external_id": "\ud800"}, "external_id"),
        ({"source": "x" * 61}, "source"),
        ({"campaign": "x" * 151}, "campaign"),
    ],
)
def test_a_bad_activity_is_refused_in_words_and_changes_nothing(tracker, change, field):
    bad = ONE | EVA | change
    answer = tracker.post("activities/", bad, status=400)
    assert (answer["created"], answer["refused"]) == (0, 1)
    assert answer["detail"].startswith(f"{field}: ")
    assert answer["results"] == [{"status": "refused", "activity": None, "contact": None, "detail": answer["detail"]}]
    assert not Contact.objects.exists()
    good = ONE | {"external_id": "good", "contact": {"email": "good@firm.example"}}
    listed = tracker.post("activities/", [bad, good, "nonsense", None, []])
    assert [one["status"] for one in listed["results"]] == ["refused", "created", *["refused"] * 3]
    assert (Activity.objects.count(), Contact.objects.count()) == (1, 1)


def test_a_number_too_large_for_a_double_is_refused(tracker):
    body = json.dumps(ONE | EVA | {"properties": {"a": "HUGE"}}).replace('"HUGE"', "1e999")
    assert tracker.call("post", "activities/", raw=body).status_code == 400
    assert not Activity.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[{]",
        '"text"',
        "17",
        "null",
        "NaN",
        '[{"a": NaN}]',
        "[" * 100_000,
        "[" * 50 + "]" * 50,
        b"\xff\xfe",
        "1" * 10_000,
    ],
)
def test_a_malformed_list_is_refused_whole(tracker, body):
    assert tracker.call("post", "activities/", raw=body).status_code == 400
    assert not Activity.objects.exists()


def test_an_empty_list_is_nothing_to_do(tracker):
    assert tracker.post("activities/", []) == {"created": 0, "duplicate": 0, "refused": 0, "results": []}


def test_five_thousand_and_one_are_too_many_and_change_nothing(tracker):
    items = [ONE | EVA | {"external_id": str(number)} for number in range(5001)]
    assert "5000" in tracker.post("activities/", items, status=400)["detail"].replace(",", "")
    assert not Contact.objects.exists()


def test_five_thousand_items_take_a_bounded_number_of_statements(tracker):
    def statements(count: int, name: str) -> int:
        items = [
            ONE | {"external_id": f"{name}-{number}", "contact": {"email": f"{name}{number % (count // 5)}@x.example"}}
            for number in range(count)
        ]
        with CaptureQueriesContext(
            connection,
        ) as caught:
            answer = tracker.post("activities/", items)
        assert answer["created"] == count
        return len(caught)

    few, many = statements(100, "few"), statements(5000, "many")
    # Rows are written some hundreds to a statement; nothing is done for each item.
    assert many - few < 5000 / 20


def test_the_actor_is_the_person_behind_the_key_unless_it_is_an_integration(program, salesperson, marketer):
    handoff = _offered(marketer, salesperson)
    call = ONE | {"type": "call", "contact_id": handoff.contact_id, "occurred_at": "2026-03-03T08:00:00Z"}
    program(salesperson, is_integration=True).post("activities/", call, status=201)
    assert Timer.objects.open().filter(handoff=handoff, milestone="contact").exists()
    program(salesperson).post("activities/", call | {"external_id": "a2"}, status=201)
    assert not Timer.objects.open().filter(handoff=handoff, milestone="contact").exists()
    assert [row.actor for row in Activity.objects.filter(type="call").order_by("id")] == [None, salesperson]


def _offered(marketer, salesperson):
    handoff = cross()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)


def test_a_salesperson_records_only_for_contacts_they_see_and_learns_nothing_of_others(program, salesperson, marketer):
    handoff = cross("hidden@firm.example")
    seller = program(salesperson)
    for contact in ({"contact_id": handoff.contact_id}, {"contact": {"email": "hidden@firm.example"}}, EVA):
        assert "no such contact" in seller.post("activities/", ONE | contact, status=400)["detail"]
    assert not Contact.objects.filter(email="eva@firm.example").exists()
    own = _offered(marketer, salesperson)
    known = Activity.objects.filter(contact=handoff.contact).first()
    taken = {"contact_id": own.contact_id, "external_id": known.external_id, "source": known.source}
    assert seller.post("activities/", ONE | taken)["results"] == [
        {"status": "duplicate", "activity": None, "contact": None, "detail": None}
    ]


def test_the_same_activity_twice_in_one_list_counts_once(tracker):
    answer = tracker.post("activities/", [ONE | EVA, ONE | EVA])
    assert [one["status"] for one in answer["results"]] == ["created", "duplicate"]
    assert answer["results"][0]["activity"] == answer["results"][1]["activity"]


def test_activities_are_filtered_by_field_name(tracker):
    tracker.post("activities/", [*activities(), *activities("ole@other.example", types=("email_open",))])
    contact_id = Contact.objects.get(email="ole@other.example").pk
    assert len(tracker.get("activities/", contact=contact_id)["results"]) == 1
    assert len(tracker.get("activities/", type="page_view")["results"]) == 5
    assert len(tracker.get("activities/", type="page_view", direction="outbound")["results"]) == 0
    assert len(tracker.get("activities/", external_id="eva@firm.example-0", source="website")["results"]) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
instants = st.datetimes().map(lambda at: at.isoformat()) | st.datetimes().map(lambda at: f"{at.isoformat()}-12:00")
items = st.fixed_dictionaries(
    {},
    optional={
        "external_id": st.text(st.characters(), max_size=220) | json_values,
        "source": st.text(st.characters(), max_size=70) | json_values,
        "contact": st.fixed_dictionaries(
            {},
            optional={
                "email": st.emails() | json_values,
                "first_name": st.text(st.characters(), max_size=110) | json_values,
                "company": st.text(st.characters(), max_size=210) | json_values,
                "source": st.text(st.characters(), max_size=70) | json_values,
                "country": json_values,
            },
        )
        | json_values,
        "contact_id": st.integers() | json_values,
        "type": st.sampled_from(["page_view", "call", "demo_request", "email_click"]) | json_values,
        "occurred_at": st.just("2026-03-03T07:00:00Z") | instants | json_values,
        "direction": st.sampled_from(["inbound", "outbound"]) | json_values,
        "properties": st.dictionaries(st.text(st.characters(), max_size=9), json_values, max_size=4) | json_values,
        "campaign": st.text(st.characters(), max_size=160) | json_values,
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=items | st.lists(items | json_values, max_size=4) | json_values)
def test_whatever_is_sent_is_answered_and_never_fails(tracker, data):
    response = tracker.call("post", "activities/", data)
    assert response.status_code in (200, 201, 400)
    if response.status_code == 200:
        answer = response.json()
        assert len(answer["results"]) == answer["created"] + answer["duplicate"] + answer["refused"]


def test_every_built_in_type_is_listed_and_taken(tracker):
    codes = [one["code"] for one in tracker.get("activity-types/")["results"]]
    assert sorted(codes) == codes == sorted(ActivityType.objects.values_list("code", flat=True))
    answer = tracker.post("activities/", activities(types=tuple(codes)))
    assert answer["created"] == len(codes)
    assert Handoff.objects.count() == 1
