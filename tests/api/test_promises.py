"""`policies/`, `calendars/`, `timers/` and `alerts/`."""

import datetime as dt

import pytest

from crm import flows
from crm.models import Team
from crm.models.people import TeamKind
from leads.models import Handoff
from sla.ladder import STANDARD_STEPS
from sla.models import Calendar, Policy, Timer
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db

OFFICE = {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "fri": [["09:00", "24:00"]]}
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def managing(program, manager):
    return program(manager)


@pytest.fixture
def always(db):
    return Calendar.objects.get(always_open=True)


def policy(calendar, **more):
    return {"name": "Fast", "milestone": "answer", "target_seconds": 20, "calendar": calendar.pk} | more


def test_a_policy_without_a_position_is_chosen_first_and_gets_the_standard_ladder(managing, always):
    first = managing.post("policies/", policy(always), status=201)
    assert set(first) == {
        "id",
        "name",
        "milestone",
        "target_seconds",
        "calendar",
        "calendar_of",
        "conditions",
        "steps",
        "position",
        "active",
        "version",
    }
    assert (first["steps"], first["conditions"], first["active"], first["version"]) == (STANDARD_STEPS, [], True, 1)
    second = managing.post("policies/", policy(always, steps=[], position=None), status=201)
    assert second["position"] < first["position"] < Policy.objects.get(name__startswith="Answer").position
    placed = managing.post("policies/", policy(always, position=5000, active=False), status=201)
    assert (placed["position"], placed["active"]) == (5000, False)
    names = [one["id"] for one in managing.get("policies/", milestone="answer", active="true")["results"]]
    assert placed["id"] not in names and second["id"] in names


def test_conditions_and_steps_are_answered_as_they_were_said(managing, always, salesperson):
    Team.objects.create(name="North partner", kind=TeamKind.PARTNER)
    made = managing.post(
        "policies/",
        policy(
            always,
            conditions=[{"field": "country", "op": "in", "value": ["FI", "PL"]}, {"field": "phone", "op": "is_set"}],
            steps=[
                {"kind": "escalate", "to": "manager", "after_seconds": 7200},
                {"kind": "warn", "to": "owner", "at_percent": 50},
                {"kind": "overflow", "team": "North partner", "after_seconds": 10800},
                {"kind": "warn", "to": "person", "person": salesperson.email, "at_percent": 60},
                {"kind": "warn", "to": "team", "team": "north partner", "at_percent": 70},
            ],
        ),
        status=201,
    )
    assert made["steps"] == [
        {"kind": "warn", "to": "owner", "at_percent": 50},
        {"kind": "warn", "to": "person", "person": salesperson.email, "at_percent": 60},
        {"kind": "warn", "to": "team", "team": "North partner", "at_percent": 70},
        {"kind": "escalate", "to": "manager", "after_seconds": 7200},
        {"kind": "overflow", "team": "North partner", "after_seconds": 10800},
    ]
    assert made["conditions"][1] == {"field": "phone", "op": "is_set", "value": None}
    assert managing.get(f"policies/{made['id']}/") == made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"milestone": "lunch"}, "milestone"),
        ({"target_seconds": 0}, "target_seconds"),
        ({"target_seconds": 10**9}, "target_seconds"),
        ({"target_seconds": "soon"}, "target_seconds"),
        ({"calendar": 987654}, "calendar"),
        ({"calendar": None}, "calendar"),
        ({"conditions": {"field": "country"}}, "conditions"),
        ({"conditions": [{"field": "shoe_size", "op": "gt", "value": 4}]}, "conditions"),
        ({"conditions": [{"field": "country", "op": "likes", "value": 4}]}, "conditions"),
        ({"conditions": [{"field": "country", "op": "equals", "value": "\x00"}]}, "conditions"),
        ({"conditions": ["country"]}, "conditions"),
        ({"steps": {"kind": "warn"}}, "steps"),
        ({"steps": ["warn"]}, "steps"),
        ({"steps": [{"kind": "shout", "to": "owner", "at_percent": 5}]}, "steps"),
        ({"steps": [{"kind": [], "to": {}, "at_percent": 5}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": {}, "at_percent": 5}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": "person", "person": {}, "at_percent": 5}]}, "steps"),
        ({"milestone": "review", "steps": [{"kind": "reassign", "at_percent": 5}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": "everybody", "at_percent": 5}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": "owner", "at_percent": 101}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": "owner", "at_percent": "5"}]}, "steps"),
        ({"steps": [{"kind": "warn", "to": "owner"}]}, "steps"),
        ({"position": 10**12}, "position"),
        ({"active": "perhaps"}, "active"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused_by_field(managing, always, change, field):
    before = Policy.objects.count()
    problem = managing.post("policies/", policy(always) | change, status=400)
    assert list(problem["errors"]) == [field]
    assert Policy.objects.count() == before


def test_a_promise_that_the_calendar_can_never_keep_is_refused(managing):
    calendar = Calendar.objects.create(name="Once", extra_days={"2026-12-05": [["10:00", "14:00"]]})
    assert "target_seconds" in managing.post("policies/", policy(calendar), status=400)["errors"]


def test_a_change_makes_a_new_version_and_running_clocks_keep_theirs(managing, always, marketer, salesperson):
    made = managing.post("policies/", policy(always), status=201)
    handoff = cross()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)
    path = f"policies/{made['id']}/"
    assert managing.patch(path, {"name": "Fast"})["version"] == 1
    changed = managing.patch(path, {"target_seconds": 40, "position": None})
    assert (changed["version"], changed["target_seconds"], changed["position"]) == (2, 40, made["position"])
    [timer] = managing.get("timers/", policy=made["id"])["results"]
    assert (timer["policy_version"], timer["target_seconds"]) == (1, 20)
    assert "inactive" in managing.call("delete", path).json()["detail"]
    assert managing.patch(path, {"active": False})["active"] is False


def test_clocks_left_behind_are_moved_by_those_who_promise(managing, program, marketer, salesperson, always):
    timer = Timer.objects.get(handoff=cross())
    path = f"policies/{timer.policy_id}/"
    assert managing.post(f"{path}move/", status=409)["detail"] == "No clock is left to be moved."
    managing.patch(path, {"target_seconds": 40, "calendar": always.pk, "calendar_of": "team"})
    for user in (marketer, salesperson):
        program(user).post(f"{path}move/", status=403)
    move = managing.post(f"{path}move/")
    assert (move["state"], move["total"], move["done"], move["moved"]) == ("done", 1, 1, 1)
    fresh = Timer.objects.open().get(handoff=timer.handoff)
    assert (fresh.replaces, fresh.target_seconds, fresh.started_at) == (timer, 40, timer.started_at)
    managing.post("policies/987654/move/", status=404)


def test_which_policy_a_contact_would_get_is_told_with_its_reasons(managing, program, always, salesperson):
    handoff = cross()
    conditions = [{"field": "handoff.campaign", "op": "equals", "value": "Spring fair"}]
    conditions += [{"field": "country", "op": "equals", "value": "FI"}]
    made = managing.post("policies/", policy(always, milestone="review", conditions=conditions), status=201)
    told = managing.post("policies/which/", {"contact": handoff.contact_id})
    review = told["milestones"][0]
    assert (told["handoff"], review["milestone"]) == (handoff.pk, "review")
    first, last = review["candidates"]
    assert (first["policy"], first["fits"], first["chosen"]) == (made["id"], False, False)
    assert [(one["has"], one["holds"]) for one in first["conditions"]] == [("Spring fair", True), ("not known", False)]
    assert review["policy"] == last["policy"] and (last["fits"], last["chosen"]) == (True, True)
    assert review["due_at"] == "2026-03-03T13:00:00Z"
    program(salesperson).post("policies/which/", {"contact": handoff.contact_id}, status=404)
    assert list(managing.post("policies/which/", {}, status=400)["errors"]) == ["contact"]


def test_no_handoff_is_left_without_a_promise(managing, always):
    only = Policy.objects.get(milestone="review")
    path = f"policies/{only.pk}/"
    for change in (
        {"active": False},
        {"milestone": "meeting"},
        {"conditions": [{"field": "country", "op": "equals", "value": "FI"}]},
    ):
        assert "Review" in managing.patch(path, change, status=409)["detail"]
    assert managing.call("delete", path).status_code == 409
    only.refresh_from_db()
    assert (only.is_active, only.milestone, only.version) == (True, "review", 1)
    managing.post("policies/", policy(always, milestone="review"), status=201)
    assert managing.call("delete", path).status_code == 204


def test_a_calendar_is_kept_as_it_is_written(managing):
    given = {
        "name": "Helsinki",
        "time_zone": "Europe/Helsinki",
        "always_open": False,
        "weekly": OFFICE,
        "country": "FI",
        "subdivision": "",
        "closures": ["2026-12-24", {"date": "2026-12-31", "name": "Stocktaking"}],
        "extra_days": {"2026-12-05": [["10:00", "14:00"]]},
    }
    made = managing.post("calendars/", given, status=201)
    assert made == given | {"id": made["id"]}
    changed = managing.patch(f"calendars/{made['id']}/", {"closures": []})
    assert changed == made | {"closures": []}
    assert managing.get("calendars/", name="helsinki")["results"] == [changed]
    assert managing.call("delete", f"calendars/{made['id']}/").status_code == 204


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "office HOURS"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"weekly": []}, "weekly"),
        ({"weekly": {}}, "weekly"),
        ({"weekly": {"monday": []}}, "weekly"),
        ({"weekly": {"mon": "09:00-17:00"}}, "weekly"),
        ({"weekly": {"mon": [["17:00", "09:00"]]}}, "weekly"),
        ({"weekly": {"mon": [["09:00", "25:00"]]}}, "weekly"),
        ({"weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}, "weekly"),
        ({"weekly": {"mon": [[9, 17]]}}, "weekly"),
        ({"country": "XX"}, "country"),
        ({"subdivision": "Uusimaa"}, "subdivision"),
        ({"closures": "2026-12-24"}, "closures"),
        ({"closures": ["Christmas"]}, "closures"),
        ({"closures": [None]}, "closures"),
        ({"closures": [["2026-12-24"]]}, "closures"),
        ({"closures": [{"date": "2026-12-24", "name": "\x00"}]}, "closures"),
        ({"closures": ["2026-12-24"] * 20_000}, "closures"),
        ({"extra_days": {"Christmas": []}}, "extra_days"),
        ({"extra_days": {"2026-02-30": []}}, "extra_days"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_by_field(managing, change, field):
    problem = managing.post("calendars/", {"name": "New", "weekly": OFFICE} | change, status=400)
    assert list(problem["errors"]) == [field]
    assert Calendar.objects.count() == 2


def test_new_hours_move_the_clocks_that_run_by_them(managing):
    timer = Timer.objects.get(handoff=cross())
    assert timer.due_at == NOW.replace(hour=13)
    day = [["08:00", "24:00"]]
    managing.patch(f"calendars/{timer.calendar_id}/", {"weekly": {"mon": day, "tue": day}})
    timer.refresh_from_db()
    assert timer.due_at == NOW.replace(hour=12)
    path = f"calendars/{timer.calendar_id}/"
    once = {"weekly": {}, "extra_days": {"2026-12-05": [["10:00", "14:00"]]}}
    assert "weekly" in managing.patch(path, once, status=400)["errors"]
    assert managing.patch(path, {"always_open": True})["always_open"] is True


def test_a_calendar_answers_when_something_is_due_and_how_long_it_took(program, salesperson, managing):
    calendar = managing.post("calendars/", {"name": "Short", "weekly": OFFICE}, status=201)
    path, seller = f"calendars/{calendar['id']}/", program(salesperson)
    monday = "2026-03-02T11:00:00Z"
    assert seller.post(f"{path}due/", {"start": monday, "working_seconds": 7200}) == {"due_at": "2026-03-02T14:00:00Z"}
    assert seller.post(f"{path}due/", {"start": "2026-03-02T11:00", "working_seconds": 0}) == {
        "due_at": "2026-03-02T11:00:00Z"
    }
    pauses = [
        ["2026-03-02T13:00:00+00:00", "2026-03-02T15:00:00+02:00"],
        ["2026-03-02T13:30:00Z", "2026-03-02T14:00:00Z"],
    ]
    assert seller.post(f"{path}due/", {"start": monday, "working_seconds": 7200, "pauses": pauses}) == {
        "due_at": "2026-03-02T14:30:00Z"
    }
    assert seller.post(f"{path}elapsed/", {"start": monday, "end": "2026-03-02T14:00:00Z", "pauses": pauses}) == {
        "working_seconds": 5400.0,
        "calendar_seconds": 10800.0,
    }
    assert seller.post(f"{path}elapsed/", {"start": monday, "end": "2026-03-01T00:00:00Z", "pauses": None}) == {
        "working_seconds": 0.0,
        "calendar_seconds": 0.0,
    }


def test_a_calendar_tells_its_days(managing, program, salesperson):
    given = {"name": "Short", "weekly": OFFICE, "time_zone": "Europe/Helsinki", "country": "FI"}
    calendar = managing.post("calendars/", given | {"closures": [{"date": "2026-03-30", "name": "Moving"}]}, status=201)
    asked = {"since": "2026-03-27", "until": "2026-03-30"}
    days = program(salesperson).post(f"calendars/{calendar['id']}/days/", asked)["days"]
    assert [day["date"] for day in days] == ["2026-03-27", "2026-03-28", "2026-03-29", "2026-03-30"]
    assert days[0]["hours"] == ["09:00–24:00"]
    assert (days[2]["shift"], days[3]["note"], days[3]["hours"]) == ("Clocks go forward 1 h", "Moving", [])


@pytest.mark.parametrize(
    ("name", "question", "field"),
    [
        ("days", {"since": "2026-03-02"}, "until"),
        ("days", {"since": "2026-03-02", "until": "2026-03-01"}, "until"),
        ("days", {"since": "2026-03-02", "until": "2027-03-03"}, "until"),
        ("days", {"since": "0001-03-02", "until": "0001-03-03"}, "until"),
        ("due", {"working_seconds": 5}, "start"),
        ("due", {"start": "2026-03-02T11:00:00Z"}, "working_seconds"),
        ("due", {"start": "2026-03-02T11:00:00Z", "working_seconds": -1}, "working_seconds"),
        ("due", {"start": "2026-03-02T11:00:00Z", "working_seconds": "nan"}, "working_seconds"),
        ("due", {"start": "2026-03-02T11:00:00Z", "working_seconds": 1e300}, "working_seconds"),
        ("due", {"start": "1960-03-02T11:00:00Z", "working_seconds": 5}, "start"),
        ("due", {"start": "2026-03-02T11:00:00Z", "working_seconds": 5, "pauses": "lunch"}, "pauses"),
        ("due", {"start": "2026-03-02T11:00:00Z", "working_seconds": 5, "pauses": [["lunch"]]}, "pauses"),
        (
            "elapsed",
            {
                "start": "2026-03-02T11:00:00Z",
                "end": "2026-03-03T11:00:00Z",
                "pauses": [["2026-03-03T11:00:00Z", "2026-03-02T11:00:00Z"]],
            },
            "pauses",
        ),
        ("elapsed", {"start": "2026-03-02T11:00:00Z", "end": "2150-03-03T11:00:00Z"}, "end"),
    ],
)
def test_a_question_that_the_clock_cannot_answer_is_refused_by_field(managing, always, name, question, field):
    problem = managing.post(f"calendars/{always.pk}/{name}/", question, status=400)
    assert list(problem["errors"]) == [field]


def test_timers_are_found_by_state_and_milestone(program, managing, world, salesperson, frozen):
    frozen.shift(6 * 24 * HOUR)

    def found(**params):
        return {one["milestone"] for one in managing.get("timers/", handoff=world.handoff.pk, **params)["results"]}

    assert found() == {"review", "answer", "contact"}
    assert found(state="missed") == found(milestone="contact", assignee=salesperson.email) == {"contact"}
    assert found(state="met", contact=world.contact.pk) == {"review", "answer"}
    [timer] = managing.get("timers/", state="missed")["results"]
    assert {"warn_at", "due_at", "started_at", "met_at"} <= set(timer)
    assert timer["met_at"] is None


def test_alerts_are_ones_own_and_all_of_them_for_managers(program, managing, world, salesperson, manager, marketer):
    assert {one["kind"] for one in managing.get("alerts/", timer=world.timer.pk)["results"]} == {
        "warn",
        "breach",
        "escalate",
    }
    own = program(salesperson).get("alerts/", timer=world.timer.pk)["results"]
    assert {(one["kind"], one["recipient"]) for one in own} == {
        ("warn", salesperson.email),
        ("breach", salesperson.email),
    }
    [breach] = program(salesperson).get("alerts/", kind="breach", recipient=salesperson.email, timer=world.timer.pk)[
        "results"
    ]
    assert breach["step"] == 1 and breach["created_at"].endswith("Z")
    assert program(marketer).get("alerts/", timer=world.timer.pk)["results"] == []
    assert Handoff.objects.count() == 1
