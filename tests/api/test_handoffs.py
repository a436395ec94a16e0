"""The verbs of handoffs and opportunities."""

import datetime as dt

import pytest

from crm import flows
from crm.models import Team
from crm.models.people import TeamKind
from leads.models import Handoff
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db

FIELDS = {"id", "contact", "state", "assignee", "score", "reason", "comment", "rating"}
INSTANTS = {"formed_at", "offered_at", "answered_at", "contacted_at"}
DAY = dt.timedelta(days=1)


@pytest.fixture
def callers(program, marketer, salesperson, other_salesperson, manager):
    return {
        "marketer": program(marketer),
        "salesperson": program(salesperson),
        "other": program(other_salesperson),
        "manager": program(manager),
    }


@pytest.fixture
def offered(marketer, salesperson):
    handoff = cross()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)


@pytest.fixture
def accepted(offered, salesperson):
    return flows.accept(actor=salesperson, handoff_id=offered.pk, at=NOW)


def test_approving_offers_to_the_named_person_or_to_whom_routing_finds(callers, salesperson, other_salesperson):
    first, second = cross(), cross("ole@other.example")
    named = callers["marketer"].post(
        f"handoffs/{first.pk}/approve/", {"assignee": other_salesperson.email.upper(), "comment": "Hot."}
    )
    assert set(named) >= FIELDS | INSTANTS
    assert (named["state"], named["assignee"], named["comment"]) == ("offered", other_salesperson.email, "Hot.")
    assert named["offered_at"] == named["reviewed_at"] == "2026-03-03T08:00:00Z"
    routed = callers["manager"].post(f"handoffs/{second.pk}/approve/", {"assignee": None})
    assert routed["assignee"] == salesperson.email


def test_approving_with_nobody_free_lets_the_lead_wait(callers, salesperson, other_salesperson, manager):
    for person in (salesperson, other_salesperson):
        person.is_on_duty = False
        person.save()
    handoff = cross()
    waiting = callers["marketer"].post(f"handoffs/{handoff.pk}/approve/", {"assignee": None})
    assert (waiting["state"], waiting["assignee"]) == ("waiting", None)


@pytest.mark.parametrize(
    "wrong",
    [{"assignee": "nobody@baton.example"}, {"assignee": "x"}, {"assignee": 5}, {"comment": "x" * 5001}, [], "x"],
)
def test_approving_with_something_wrong_changes_nothing(callers, wrong):
    handoff = cross()
    callers["marketer"].post(f"handoffs/{handoff.pk}/approve/", wrong, status=400)
    assert Handoff.objects.get().state == "in_review"


def test_whoever_comes_second_is_told_who_was_first(callers, offered, marketer):
    problem = callers["manager"].post(f"handoffs/{offered.pk}/approve/", {}, status=409)
    assert marketer.name in problem["detail"] and "offered" in problem["detail"]


def test_returning_needs_a_reason(callers):
    handoff = cross()
    for wrong in ({}, {"reason": ""}, {"reason": "too_small"}, {"reason": None}, {"reason": 5}):
        assert "reason" in callers["marketer"].post(f"handoffs/{handoff.pk}/return/", wrong, status=400)["errors"]
    back = callers["marketer"].post(f"handoffs/{handoff.pk}/return/", {"reason": "not_ready", "comment": "A student"})
    assert (back["state"], back["reason"], back["comment"]) == ("returned", "not_ready", "A student")
    assert callers["marketer"].get(f"contacts/{handoff.contact_id}/")["stage"] == "lead"


def test_rejecting_takes_a_reason_words_and_a_rating(callers, offered):
    path = f"handoffs/{offered.pk}/reject/"
    for wrong in ({"rating": 3}, {"reason": "too_early", "rating": 6}, {"reason": "too_early", "rating": "good"}):
        callers["salesperson"].post(path, wrong, status=400)
    no = callers["salesperson"].post(path, {"reason": "too_early", "comment": "Next year.", "rating": 2})
    assert (no["state"], no["reason"], no["comment"], no["rating"]) == ("rejected", "too_early", "Next year.", 2)
    [again] = callers["marketer"].get("handoffs/", state="in_review")["results"]
    assert again["previous"] == offered.pk
    assert callers["other"].call("get", path.replace("reject/", "")).status_code == 404


def test_accepting_takes_a_rating(callers, offered, salesperson):
    yes = callers["salesperson"].post(f"handoffs/{offered.pk}/accept/", {"rating": 4})
    assert (yes["state"], yes["rating"], yes["answered_at"]) == ("accepted", 4, "2026-03-03T08:00:00Z")
    assert callers["marketer"].get(f"contacts/{offered.contact_id}/")["owner"] == salesperson.email
    problem = callers["salesperson"].post(f"handoffs/{offered.pk}/accept/", status=409)
    assert salesperson.name in problem["detail"]


def test_recycling_takes_a_day_or_an_instant_ahead(callers, accepted, salesperson):
    salesperson.time_zone = "Europe/Helsinki"
    salesperson.save()
    path = f"handoffs/{accepted.pk}/recycle/"
    for wrong in (
        {},
        {"reason": "too_early"},
        {"reason": "too_early", "resurface_on": "2026-03-03"},
        {"reason": "too_early", "resurface_on": "9999-12-31"},
        {"reason": "too_early", "resurface_on": "0001-01-01"},
        {"reason": "too_early", "resurface_at": "9999-12-31T23:59:59-12:00"},
        {"reason": "bored", "resurface_on": "2026-06-01"},
        {"resurface_on": "2026-06-01"},
    ):
        assert callers["salesperson"].post(path, wrong, status=400)["errors"]
    done = callers["salesperson"].post(path, {"reason": "too_early", "resurface_on": "2026-06-01"})
    assert (done["state"], done["reason"], done["resurface_at"]) == ("recycled", "too_early", "2026-05-31T21:00:00Z")
    # It is marketing's again: who gave it back keeps seeing what they did with it.
    assert callers["marketer"].get(f"contacts/{accepted.contact_id}/")["owner"] is None


def test_a_manager_reassigns(callers, accepted, other_salesperson):
    moved = callers["manager"].post(f"handoffs/{accepted.pk}/reassign/", {"assignee": other_salesperson.email})
    assert (moved["state"], moved["assignee"]) == ("accepted", other_salesperson.email)
    path = f"handoffs/{accepted.pk}/reassign/"
    assert "assignee" in callers["manager"].post(path, {"assignee": other_salesperson.email}, status=400)["errors"]


def test_a_manager_overflows_to_a_partner(callers, offered):
    path = f"handoffs/{offered.pk}/overflow/"
    assert "no team" in callers["manager"].post(path, status=409)["detail"]
    partner = Team.objects.create(name="Partner", kind=TeamKind.PARTNER)
    assert "team" in callers["manager"].post(path, {"team": "Nobody"}, status=400)["errors"]
    assert "team" in callers["manager"].post(path, {"team": "9" * 40}, status=400)["errors"]
    moved = callers["manager"].post(path, {"team": partner.pk})
    assert (moved["state"], moved["assignee"], moved["team"]) == ("offered", None, "Partner")


def test_undoing_is_for_the_same_person_within_ten_minutes(callers, offered, frozen):
    path = f"handoffs/{offered.pk}/undo/"
    callers["salesperson"].post(path, status=403)
    assert callers["marketer"].post(path)["state"] == "in_review"
    callers["marketer"].post(f"handoffs/{offered.pk}/approve/", {})
    frozen.shift(dt.timedelta(minutes=11))
    assert "ten minutes" in callers["marketer"].post(path, status=409)["detail"]


def test_clocks_are_paused_and_run_on(callers, offered):
    path = f"handoffs/{offered.pk}/"
    for wrong in (
        {},
        {"until": "2026-03-04T08:00:00Z"},
        {"until": "2026-03-02T08:00:00Z", "reason": "Holiday"},
        {"until": "2099-03-02T08:00:00Z", "reason": "Holiday"},
        {"until": "2026-03-04T08:00:00Z", "reason": "x" * 301},
    ):
        callers["salesperson"].post(f"{path}pause/", wrong, status=400)
    callers["salesperson"].post(f"{path}resume/", status=409)
    callers["salesperson"].post(f"{path}pause/", {"until": "2026-03-04T08:00:00Z", "reason": "Holiday"})
    assert {one["state"] for one in callers["manager"].get("timers/", handoff=offered.pk)["results"]} == {
        "met",
        "paused",
    }
    ends = {one["milestone"]: one["paused_until"] for one in callers["manager"].get("timers/")["results"]}
    assert ends == {"review": None, "answer": "2026-03-04T08:00:00Z", "contact": "2026-03-04T08:00:00Z"}
    callers["salesperson"].post(f"{path}pause/", {"until": "2026-03-05T08:00:00Z", "reason": "Longer"}, status=409)
    callers["salesperson"].post(f"{path}resume/")
    assert len(callers["manager"].get("timers/", handoff=offered.pk, state="running")["results"]) == 2


def test_an_offer_is_sent_and_won(callers, accepted, salesperson):
    made = callers["salesperson"].post(
        "opportunities/",
        {"handoff": accepted.pk, "amount": "1200.50", "currency": "pln", "name": "Machines"},
        status=201,
    )
    assert (made["amount"], made["currency"], made["owner"], made["state"]) == (
        "1200.50",
        "PLN",
        salesperson.email,
        "open",
    )
    assert callers["salesperson"].get(f"contacts/{accepted.contact_id}/")["stage"] == "opportunity"
    path = f"opportunities/{made['id']}/win/"
    assert "reason" in callers["salesperson"].post(path, {"reason": "luck"}, status=400)["errors"]
    won = callers["salesperson"].post(path, {"reason": "best_fit", "comment": "At last."})
    assert (won["state"], won["reason"], won["comment"]) == ("won", "best_fit", "At last.")
    callers["salesperson"].post(path, {"reason": "best_fit"}, status=409)
    assert callers["salesperson"].get("opportunities/", state="won", contact=accepted.contact_id)["results"] == [won]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({}, 400),
        ({"amount": 5}, 400),
        ({"handoff": "HANDOFF"}, 400),
        ({"handoff": "HANDOFF", "amount": -1}, 400),
        ({"handoff": "HANDOFF", "amount": "NaN"}, 400),
        ({"handoff": "HANDOFF", "amount": 10**15}, 400),
        ({"handoff": "HANDOFF", "amount": 5, "currency": "EURO"}, 400),
        ({"handoff": "HANDOFF", "amount": 5, "name": "x" * 151}, 400),
        ({"handoff": 10**30, "amount": 5}, 400),
        ({"handoff": 987654, "amount": 5}, 404),
        ({"contact": 987654, "amount": 5}, 404),
    ],
)
def test_an_offer_that_cannot_be_sent_is_refused(callers, accepted, wrong, status):
    if "handoff" in wrong and wrong["handoff"] == "HANDOFF":
        wrong = wrong | {"handoff": accepted.pk}
    callers["salesperson"].post("opportunities/", wrong, status=status)


def test_an_offer_without_a_name_takes_as_much_of_the_companys_as_fits(callers, accepted):
    accepted.contact.company.name = "F" * 200
    accepted.contact.company.save()
    made = callers["salesperson"].post("opportunities/", {"contact": accepted.contact_id, "amount": 5}, status=201)
    assert made["name"] == "F" * 150


def test_an_offer_belongs_to_the_contact_of_an_accepted_handoff(callers, accepted):
    made = callers["salesperson"].post("opportunities/", {"contact": accepted.contact_id, "amount": 5}, status=201)
    assert made["handoff"] == accepted.pk
    assert made["name"] == "firm.example"
    callers["salesperson"].post("opportunities/", {"contact": accepted.contact_id, "amount": 5}, status=409)
    lead = callers["marketer"].post("contacts/", {"last_name": "Lead"}, status=201)
    callers["marketer"].post("opportunities/", {"contact": lead["id"], "amount": 5}, status=409)


@pytest.mark.parametrize(
    ("then", "stage"),
    [
        ({}, "sql"),
        ({"then": "recycle", "then_reason": "project_postponed", "resurface_on": "2026-06-01"}, "lead"),
        ({"then": "disqualify", "then_reason": "never_buys"}, "lead"),
    ],
)
def test_an_offer_is_lost_and_the_owner_chooses_what_then(callers, accepted, then, stage):
    made = callers["salesperson"].post("opportunities/", {"contact": accepted.contact_id, "amount": 5}, status=201)
    path = f"opportunities/{made['id']}/lose/"
    for wrong in (
        {},
        {"reason": "price", "then": "cry"},
        {"reason": "price", "then": "recycle"},
        {"reason": "price", "then": "recycle", "then_reason": "too_early"},
        {"reason": "price", "then": "disqualify", "then_reason": "nothing"},
    ):
        callers["salesperson"].post(path, wrong, status=400)
        assert callers["salesperson"].get(f"opportunities/{made['id']}/")["state"] == "open"
    lost = callers["salesperson"].post(path, {"reason": "price"} | then)
    assert (lost["state"], lost["reason"]) == ("lost", "price")
    assert callers["marketer"].get(f"contacts/{accepted.contact_id}/")["stage"] == stage


def test_both_teams_speak_about_a_handoff(callers, offered, marketer, salesperson):
    path = f"handoffs/{offered.pk}/comments/"
    made = callers["marketer"].post(path, {"text": "@Sam ask them"}, status=201)
    assert made | {"id": 0} == {
        "id": 0,
        "handoff": offered.pk,
        "author": marketer.email,
        "at": "2026-03-03T08:00:00Z",
        "text": "@Sam Seller ask them",
        "mentions": [salesperson.email],
    }
    callers["salesperson"].post(path, {"text": "I will"}, status=201)
    listed = callers["salesperson"].get(path)
    assert [row["text"] for row in listed["results"]] == ["I will", "@Sam Seller ask them"]
    assert listed["next"] is listed["previous"] is None
    for wrong in ({}, {"text": " "}, {"text": "@Nobody"}, {"text": "x" * 2001}):
        assert "text" in callers["marketer"].post(path, wrong, status=400)["errors"]
    assert callers["other"].call("get", path).status_code == 404
    callers["other"].post(path, {"text": "Me too"}, status=404)
