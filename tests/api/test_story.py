"""The main job over HTTP alone: in, scored, reviewed, offered, accepted, called; and a promise that is missed."""

import datetime as dt

import pytest

from crm import flows
from tests.api.conftest import NOW, activities

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def callers(program, marketer, salesperson, manager):
    return {user.roles[0]: program(user) for user in (marketer, salesperson, manager)}


def test_a_lead_goes_all_the_way_and_a_second_one_left_alone_is_missed_once(
    callers, program, marketer, salesperson, frozen
):
    tracker = program(marketer, is_integration=True)
    answer = tracker.post("activities/", activities())
    assert (answer["created"], answer["duplicate"], answer["refused"]) == (7, 0, 0)
    contact_id = answer["results"][0]["contact"]

    contact = callers["marketer"].get(f"contacts/{contact_id}/")
    assert (contact["stage"], contact["email"]) == ("mql", "eva@firm.example")
    [handoff] = callers["marketer"].get("handoffs/", contact=contact_id)["results"]
    assert (handoff["state"], handoff["assignee"]) == ("in_review", None)

    frozen.shift(60 * SECOND)
    offered = callers["marketer"].post(f"handoffs/{handoff['id']}/approve/", {"assignee": salesperson.email})
    assert (offered["state"], offered["assignee"]) == ("offered", salesperson.email)
    frozen.shift(60 * SECOND)
    assert callers["salesperson"].post(f"handoffs/{handoff['id']}/accept/", {"rating": 5})["state"] == "accepted"
    frozen.shift(60 * SECOND)
    called = callers["salesperson"].post(
        "activities/",
        {
            "external_id": "call-1",
            "source": "telephone",
            "contact_id": contact_id,
            "type": "call",
            "occurred_at": (NOW + 170 * SECOND).isoformat(),
            "properties": {"outcome": "reached"},
        },
        status=201,
    )
    assert called["results"][0]["status"] == "created"
    timers = callers["salesperson"].get("timers/", handoff=handoff["id"])["results"]
    assert {timer["milestone"]: timer["state"] for timer in timers} == {
        "review": "met",
        "answer": "met",
        "contact": "met",
    }
    assert callers["salesperson"].get(f"contacts/{contact_id}/")["owner"] == salesperson.email

    calendar = callers["manager"].post("calendars/", {"name": "All hours", "always_open": True}, status=201)
    policy = callers["manager"].post(
        "policies/",
        {"name": "At once", "milestone": "answer", "target_seconds": 20, "calendar": calendar["id"], "active": True},
        status=201,
    )
    assert [step["kind"] for step in policy["steps"]] == ["warn", "breach", "escalate"]

    tracker.post("activities/", activities("ole@other.example"))
    [second] = callers["marketer"].get("handoffs/", state="in_review")["results"]
    callers["marketer"].post(f"handoffs/{second['id']}/approve/", {"assignee": salesperson.email})
    [timer] = callers["manager"].get("timers/", handoff=second["id"], milestone="answer")["results"]
    assert (timer["state"], timer["policy"], timer["assignee"]) == ("running", policy["id"], salesperson.email)
    frozen.shift(21 * SECOND)
    for later in (0, 5, 10):
        flows.sweep_timers(at=NOW + (3 * 60 + 21 + later) * SECOND)
    [missed] = callers["manager"].get("timers/", state="missed")["results"]
    assert missed["id"] == timer["id"]
    [breach] = callers["salesperson"].get("alerts/", timer=timer["id"], kind="breach")["results"]
    assert breach["recipient"] == salesperson.email
    assert len(callers["manager"].get("alerts/", timer=timer["id"], kind="breach")["results"]) == 1


def test_the_same_list_twice_changes_nothing_and_says_duplicate(program, marketer):
    tracker = program(marketer, is_integration=True)
    first = tracker.post("activities/", activities())
    again = tracker.post("activities/", activities())
    assert (again["created"], again["duplicate"], again["refused"]) == (0, 7, 0)
    assert [one["activity"] for one in again["results"]] == [one["activity"] for one in first["results"]]
    assert len(tracker.get("activities/")["results"]) == 7
    assert len(tracker.get("handoffs/")["results"]) == 1
