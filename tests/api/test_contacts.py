"""`contacts/`, `companies/`, `campaigns/`, `imports/` and the codes."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import flows
from crm.queries import scores
from leads.models import Contact, ContactChange, Handoff, Source
from scoring.models import Score
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db

FIELDS = {"id", "email", "first_name", "last_name", "job_title", "company", "stage", "owner", "source"}
SCORE_FIELDS = {"score", "engagement", "fit", "grade"}


@pytest.fixture
def marketing(program, marketer):
    return program(marketer)


def test_a_contact_is_entered_read_and_changed(marketing):
    made = marketing.post(
        "contacts/",
        {"email": "Eva@Firm.example", "last_name": "Ek", "company": "Firm", "source": "Trade fair", "country": "fi"},
        status=201,
    )
    assert set(made) >= FIELDS | SCORE_FIELDS
    assert (made["email"], made["stage"], made["owner"], made["country"]) == ("eva@firm.example", "lead", None, "FI")
    assert (made["company"]["name"], made["source"]) == ("Firm", "trade_fair")
    changed = marketing.patch(f"contacts/{made['id']}/", {"job_title": "Head of Plant", "company": {"name": "Big"}})
    assert (changed["job_title"], changed["company"]["name"], changed["last_name"]) == ("Head of Plant", "Big", "Ek")
    assert changed["fit"] > made["fit"]
    assert set(ContactChange.objects.values_list("field", flat=True)) == {"job_title", "company"}
    back = marketing.patch(f"contacts/{made['id']}/", {"company": made["company"]["id"], "email": None})
    assert (back["company"], back["email"]) == (made["company"], None)
    assert marketing.patch(f"contacts/{made['id']}/", {"company": None})["company"] is None


def test_a_salesperson_enters_their_own_prospect(program, salesperson):
    made = program(salesperson).post("contacts/", {"phone": "040 123", "source": "website"}, status=201)
    assert (made["stage"], made["owner"], made["source"]) == ("sql", salesperson.email, "own")
    assert Handoff.objects.get().state == "accepted"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "email"),
        ({"email": "eva"}, "email"),
        ({"email": "taken@firm.example"}, "email"),
        ({"last_name": "E" * 101}, "last_name"),
        ({"last_name": "E\x00"}, "last_name"),
        ({"last_name": "E", "country": "Finland"}, "country"),
        ({"last_name": "E", "company": 4711}, "company"),
        ({"last_name": "E", "company": 10**40}, "company"),
        ({"last_name": "E", "company": {"id": "x" * 300}}, "company"),
        ({"last_name": "E", "company": True}, "company"),
        ({"last_name": "E", "time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_contact_that_cannot_be_entered_is_refused_by_field(marketing, data, field):
    marketing.post("contacts/", {"email": "taken@firm.example"}, status=201)
    problem = marketing.post("contacts/", data, status=400)
    assert list(problem["errors"]) == [field]
    assert Contact.objects.count() == 1


def test_an_address_that_is_taken_is_refused_when_changing_too(marketing):
    marketing.post("contacts/", {"email": "taken@firm.example"}, status=201)
    other = marketing.post("contacts/", {"email": "other@firm.example"}, status=201)
    problem = marketing.patch(f"contacts/{other['id']}/", {"email": "Taken@firm.example"}, status=400)
    assert "email" in problem["errors"]


def test_contacts_are_found_by_field_and_by_words(marketing, world, salesperson):
    marketing.post("contacts/", {"email": "ole@other.example", "last_name": "Olsen", "source": "referral"}, status=201)

    def found(**params):
        return [one["email"] for one in marketing.get("contacts/", **params)["results"]]

    assert found() == ["ole@other.example", "eva@firm.example"]
    assert found(stage="lead") == found(source="referral") == found(q="olsen OTHER") == ["ole@other.example"]
    assert found(owner=salesperson.email) == found(email="EVA@firm.example") == ["eva@firm.example"]
    assert found(company=world.company.pk) == found(campaign=world.campaign.pk) == ["eva@firm.example"]
    assert found(q="olsen firm") == found(is_disqualified="true") == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("contacts/?stage=frozen", "stage"),
        ("contacts/?colour=red", "colour"),
        ("contacts/?company=x", "company"),
        ("contacts/?company=" + "9" * 30, "company"),
        ("contacts/?q=%00", "q"),
        ("contacts/?is_disqualified=maybe", "is_disqualified"),
        ("contacts/?page_size=0", "page_size"),
        ("contacts/?page_size=many", "page_size"),
        ("contacts/?cursor=nonsense", "cursor"),
        ("contacts/?cursor=cD14", "cursor"),  # p=x
        ("contacts/?cursor=%C3%A4", "cursor"),
        ("activity-types/?cursor=cD0lMDA=", "cursor"),  # p=%00
        ("activity-types/?code=call", "code"),
        ("handoffs/?state=lost", "state"),
        ("handoffs/?contact=-1", "contact"),
        ("opportunities/?state=x", "state"),
        ("timers/?state=x", "state"),
        ("timers/?milestone=x", "milestone"),
        ("alerts/?kind=offered", "kind"),
        ("policies/?active=1", "active"),
        ("calendars/?zone=x", "zone"),
        ("imports/?state=x", "state"),
        ("campaigns/?cost=1", "cost"),
        ("companies/?size=1", "size"),
        ("activities/?kind=x", "kind"),
        ("scoring-models/?status=x", "status"),
        ("reasons/?kind=x", "kind"),
    ],
)
def test_a_filter_that_is_not_understood_is_named(marketing, world, path, name):
    response = marketing.call("get", path)
    assert response.status_code == 400
    assert name in response.json()["errors"]


def test_filters_that_fit_nothing_find_nothing(marketing, program, manager, world):
    for path in (
        "handoffs/?contact=987654",
        "handoffs/?assignee=nobody@x.example",
        "timers/?handoff=987654",
        "alerts/?recipient=nobody@x.example",
        "alerts/?timer=987654",
        "opportunities/?state=won",
        "contacts/?owner=nobody@x.example",
    ):
        assert program(manager).get(path)["results"] == [], path


def test_lists_are_paged_by_a_cursor(marketing):
    for number in range(5):
        marketing.post("contacts/", {"last_name": f"Ek {number}"}, status=201)
    seen, path = [], "contacts/?page_size=2"
    while path:
        page = marketing.get(path)
        seen += [one["last_name"] for one in page["results"]]
        path = page["next"]
    assert seen == [f"Ek {number}" for number in (4, 3, 2, 1, 0)]
    assert len(marketing.get("contacts/?page_size=100000")["results"]) == 5


def test_lists_show_the_live_score_and_rows_the_same(marketing, frozen):
    handoff = cross()
    frozen.shift(dt.timedelta(days=14))
    [row] = marketing.get("contacts/")["results"]
    stored = Score.objects.get()
    assert row["engagement"] == pytest.approx(stored.engagement / 2)
    assert row == marketing.get(f"contacts/{handoff.contact_id}/")
    why = marketing.get(f"contacts/{handoff.contact_id}/score/")
    assert why["score"] == pytest.approx(row["score"], rel=1e-9)
    assert why["grade"] == row["grade"]


def test_a_score_says_why(marketing):
    contact = cross().contact
    why = marketing.get(f"contacts/{contact.pk}/score/")
    told = ["at", "model", "score", "engagement", "fit", "grade", "rules"]
    assert list(why) == [*told, "threshold", "missing", "cooling_threshold", "cools_at"]
    assert (why["threshold"], why["missing"], why["cooling_threshold"]) == (60, 0, 50)
    path = f"contacts/{contact.pk}/score/"
    cools_at = dt.datetime.fromisoformat(why["cools_at"])
    just_before, just_after = (cools_at + dt.timedelta(seconds=one) for one in (-1, 1))
    cool = marketing.get(path, at=just_after.isoformat())
    assert marketing.get(path, at=just_before.isoformat())["score"] >= 50 > cool["score"]
    assert (cool["missing"], cool["cools_at"]) == (pytest.approx(10, abs=0.01), None)
    assert (why["at"], why["model"]) == ("2026-03-03T08:00:00Z", 1)
    rules = {rule["rule"]: rule for rule in why["rules"]}
    keys = ["rule", "kind", "raw", "points", "capped", "activities", "field", "author"]
    assert all(list(rule) == keys for rule in why["rules"])
    prices = rules["Visits the prices"]
    assert (prices["kind"], prices["raw"], prices["points"], prices["capped"]) == ("activity", 20, 20, 0)
    assert [one["points"] for one in prices["activities"]] == [4] * 5
    assert set(prices["activities"][0]) == {"id", "occurred_at", "points"}
    unknown = rules["Job title not known"]
    assert (unknown["kind"], unknown["field"], unknown["author"]) == ("fit", "job_title", None)
    assert sum(rule["points"] for rule in why["rules"]) == pytest.approx(why["score"])
    explained = scores.explanation(contact, at=NOW)
    assert (why["score"], why["engagement"], why["fit"]) == (explained.score, explained.engagement, explained.fit)


def test_a_score_tells_who_adjusted_it_and_how_it_came_there(marketing, marketer):
    contact = cross().contact
    flows.adjust_score(actor=marketer, contact_id=contact.pk, points=7, reason="Met at the fair", at=NOW)
    path = f"contacts/{contact.pk}/score/"
    (given,) = [rule for rule in marketing.get(path)["rules"] if rule["kind"] == "adjustment"]
    assert (given["rule"], given["points"], given["author"]) == ("Met at the fair", 7, marketer.email)
    why = marketing.get(path, course_days=30)
    line = why["course"]
    assert (line[0]["at"], line[-1]["at"]) == ("2026-02-01T08:00:00Z", why["at"])
    assert line[0]["score"] == why["fit"]
    assert line[-1]["score"] == pytest.approx(why["score"])
    for wrong in ("0", "366", "a month", "-3", "99999"):
        response = marketing.call("get", path, query_params={"course_days": wrong})
        assert (response.status_code, list(response.json()["errors"])) == (400, ["course_days"])


def test_a_score_of_another_instant_counts_what_happened_up_to_then(marketing):
    path = f"contacts/{cross().contact_id}/score/"
    for before in ("2026-03-03T07:59:59Z", "2026-03-03T09:59:59+02:00", "2026-03-03T07:59:59", "2026-01-01"):
        assert marketing.get(path, at=before)["engagement"] == 0
    later = marketing.get(path, at="2026-03-17T08:00:00Z")
    assert later["engagement"] == pytest.approx(marketing.get(path)["engagement"] / 2)
    for wrong in ("soon", "", "0001-01-01T00:00:00Z", "2100-01-01T00:00:00Z"):
        response = marketing.call("get", path, query_params={"at": wrong})
        assert (response.status_code, list(response.json()["errors"])) == (400, ["at"])
    assert marketing.call("get", path, query_params={"when": "now"}).status_code == 400


def test_a_cap_shows_what_it_cut(marketing):
    contact = cross().contact
    flows.record_activities(
        activities=[
            flows.ActivityIn("page_view", NOW, contact_id=contact.pk, properties={"path": "/pricing"})
            for _number in range(3)
        ],
        by=None,
        actor=None,
        at=NOW,
    )
    rules = {rule["rule"]: rule for rule in marketing.get(f"contacts/{contact.pk}/score/")["rules"]}
    prices = rules["Visits the prices"]
    assert (prices["raw"], prices["points"], prices["capped"]) == (32, 20, 12)


def test_a_contact_is_disqualified_and_taken_back(marketing):
    contact = marketing.post("contacts/", {"email": "eva@firm.example"}, status=201)
    path = f"contacts/{contact['id']}/"
    for reason in ({}, {"reason": "bored"}, {"reason": ["never_buys"]}):
        assert "reason" in marketing.post(f"{path}disqualify/", reason, status=400)["errors"]
    flagged = marketing.post(f"{path}disqualify/", {"reason": "never_buys"})
    assert (flagged["is_disqualified"], flagged["disqualified_reason"]) == (True, "never_buys")
    marketing.post(f"{path}disqualify/", {"reason": "never_buys"}, status=409)
    assert marketing.post(f"{path}requalify/")["is_disqualified"] is False
    marketing.post(f"{path}requalify/", status=409)


def test_what_is_known_of_a_company_moves_the_scores_of_its_contacts(marketing):
    contact = marketing.post("contacts/", {"email": "eva@firm.example", "company": "Firm"}, status=201)
    company = contact["company"]["id"]
    changed = marketing.patch(f"companies/{company}/", {"employees": 500, "industry": "Logistics"})
    assert (changed["employees"], changed["industry"]) == (500, "Logistics")
    assert marketing.get(f"contacts/{contact['id']}/")["fit"] == contact["fit"] + 20
    assert set(ContactChange.objects.values_list("field", flat=True)) == {"company.employees", "company.industry"}
    for wrong in (
        {"employees": -1},
        {"employees": 10**12},
        {"annual_revenue": "NaN"},
        {"name": " "},
        {"city": 1.5e400},
    ):
        assert marketing.call("patch", f"companies/{company}/", wrong).status_code == 400
    assert [one["name"] for one in marketing.get("companies/", q="fir")["results"]] == ["Firm"]


def test_a_campaign_is_planned_and_changed(marketing):
    made = marketing.post(
        "campaigns/",
        {"name": "Spring fair", "source": "trade_fair", "cost": "900.50", "start_date": "2026-03-01"},
        status=201,
    )
    assert (made["source"], made["cost"], made["currency"], made["end_date"]) == ("trade_fair", "900.50", "EUR", None)
    changed = marketing.patch(f"campaigns/{made['id']}/", {"end_date": "2026-03-31", "currency": "pln", "source": None})
    assert (changed["end_date"], changed["currency"], changed["source"]) == ("2026-03-31", "PLN", None)
    for wrong in (
        {"name": "Spring fair"},
        {"name": "A", "cost": -1},
        {"name": "A", "cost": "1e99"},
        {"name": "A", "currency": "EURO"},
        {"name": "A", "start_date": "2026-03-02", "end_date": "2026-03-01"},
        {"name": "A", "start_date": "March"},
        {"name": ""},
    ):
        assert marketing.post("campaigns/", wrong, status=400)["errors"]
    assert Source.objects.filter(code="trade_fair").count() == 1


def test_codes_are_listed(marketing):
    reasons = marketing.get("reasons/", kind="reject")["results"]
    assert {"kind": "reject", "code": "too_early"}.items() <= reasons[2].items()
    assert "website" in [one["code"] for one in marketing.get("sources/")["results"]]


def test_an_import_says_how_far_it_is(marketing, world):
    [row] = marketing.get("imports/", state="queued")["results"]
    assert (row["file_name"], row["rows_done"], row["actor"]) == ("one.csv", 0, world.file_import.actor.email)


def test_the_rules_in_force_can_be_read(marketing):
    [model] = marketing.get("scoring-models/", status="published")["results"]
    numbers = {"version": 1, "half_life_days": 14, "mql_threshold": 60, "hot_threshold": 90}
    assert numbers.items() <= model.items()
    rules = {rule["name"]: rule for rule in model["activity_rules"]}
    prices = {
        "name": "Visits the prices",
        "type": "page_view",
        "conditions": [{"property": "path", "op": "starts_with", "value": "/pricing"}],
        "points": 4,
        "cap": 20,
        "floor": None,
        "once_per": None,
        "within_days": None,
        "half_life_days": None,
        "is_request": False,
    }
    assert rules["Visits the prices"] | prices == rules["Visits the prices"]
    assert rules["Clicks in a mailing"]["once_per"] == "mail"
    assert {"name", "field", "op", "value", "points"} <= set(model["fit_rules"][0])
    assert marketing.get(f"scoring-models/{model['id']}/") == model


def test_longer_lists_take_no_more_statements(program, salesperson, marketer, world):
    caller = program(salesperson)
    lists = ("contacts", "companies", "activities", "handoffs", "opportunities", "timers", "alerts")

    def statements(resource: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert caller.get(f"{resource}/")["results"]
        return len(caught)

    few = {resource: statements(resource) for resource in lists}
    for number in range(6):
        handoff = cross(f"eva@firm{number}.example")
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)
        flows.accept(actor=salesperson, handoff_id=handoff.pk, at=NOW)
        flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Offer", amount=1, at=NOW)
    flows.sweep_timers(at=NOW + dt.timedelta(days=5))
    assert len(caller.get("contacts/")["results"]) == 7
    assert {resource: statements(resource) for resource in lists} == few
