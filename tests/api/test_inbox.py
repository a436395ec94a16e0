"""The inbox by API: the rows of the page in its order; and a salesperson's whole day over HTTP alone."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from icalendar import Calendar

from crm.queries.navigation import navigation_counts
from leads.models import Contact
from tests.pages.conftest import tuesday  # noqa: F401 - the same Tuesday
from tests.pages.sales_work import DAY, HOUR, TUESDAY, bring_to, look_at_prices

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def leads(marketer, salesperson):
    """Three leads offered at once; Bo is the hottest."""
    people = {"marketer": marketer, "seller": salesperson}
    made = {name: bring_to("offered", at=TUESDAY, name=name, **people) for name in ("ana", "bo", "cy")}
    look_at_prices(made["bo"].contact, times=6, at=TUESDAY)
    return made


def test_a_salespersons_day_by_api_alone(program, leads, salesperson):
    api = program(salesperson)
    waiting = api.get("inbox/")
    assert waiting["count"] == 3 == navigation_counts(user=salesperson)["inbox"]
    first = waiting["results"][0]
    assert (first["name"], first["kind"], first["tier"]) == ("Bo Novak", "answer", "promised")
    assert first["cost"] < 0 and first["timer"] and first["due_at"].startswith("2026-11-17T14:00")

    bo = f"handoffs/{first['handoff']}"
    assert api.post(f"{bo}/accept/", {"rating": 5})["state"] == "accepted"
    [call] = [row for row in api.get("inbox/")["results"] if row["contact"] == first["contact"]]
    assert call["kind"] == "contact"
    api.post(
        "activities/",
        {
            "external_id": "call-bo",
            "source": "telephone",
            "contact_id": first["contact"],
            "type": "call",
            "occurred_at": TUESDAY.isoformat(),
            "properties": {"outcome": "reached"},
        },
        status=201,
    )
    assert first["contact"] not in [row["contact"] for row in api.get("inbox/")["results"]]
    api.post(f"contacts/{first['contact']}/qualification/", {"budget": {"verdict": "confirmed", "evidence": "50,000"}})
    given = {"contact": first["contact"], "name": "Ten docks", "amount": "9800.00", "currency": "EUR"}
    offer = api.post("opportunities/", given, status=201)
    assert api.post(f"opportunities/{offer['id']}/win/", {"reason": "price"})["state"] == "won"
    assert api.get(f"contacts/{first['contact']}/")["stage"] == "customer"

    no = api.post(f"handoffs/{leads['ana'].pk}/reject/", {"reason": "too_early", "comment": "In spring."})
    assert (no["state"], no["reason"]) == ("rejected", "too_early")
    cy = f"handoffs/{leads['cy'].pk}"
    api.post(f"{cy}/accept/", {})
    back = api.post(f"{cy}/recycle/", {"reason": "no_budget", "resurface_on": "2026-11-27"})
    assert (back["state"], api.get("inbox/")) == ("recycled", {"count": 0, "results": []})


def test_a_contact_with_several_reasons_stands_once_and_the_others_are_named(program, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    api = program(salesperson)
    due_at = (TUESDAY + HOUR).isoformat()
    api.post("tasks/", {"contact": handoff.contact_id, "due_at": due_at, "has_time": True}, status=201)
    [row] = api.get("inbox/")["results"]
    assert (row["kind"], row["also"], row["timer"]) == ("task", ["contact"], None)


def test_a_task_is_taken_to_a_calendar(program, marketer, salesperson, other_salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    given = {"contact": handoff.contact_id, "kind": "meeting", "due_at": (TUESDAY + HOUR).isoformat(), "has_time": True}
    made = program(salesperson).post("tasks/", given, status=201)
    answer = program(salesperson).call("get", f"tasks/{made['id']}/calendar/")
    [event] = Calendar.from_ical(answer.content).walk("VEVENT")
    assert answer["Content-Type"] == "text/calendar" and event.decoded("dtstart") == TUESDAY + HOUR
    assert f"/contacts/{handoff.contact_id}/" in event["url"]
    assert program(other_salesperson).call("get", f"tasks/{made['id']}/calendar/").status_code == 404


@pytest.mark.parametrize("who", ["marketer", "manager", "administrator"])
def test_it_is_for_salespeople(who, program, request):
    assert program(request.getfixturevalue(who)).call("get", "inbox/").status_code == 403


def test_nobody_sees_what_is_anothers(program, leads, other_salesperson):
    assert program(other_salesperson).get("inbox/") == {"count": 0, "results": []}


def test_a_hundred_rows_take_no_more_queries_than_one(program, marketer, salesperson, tuesday):  # noqa: F811
    people = {"marketer": marketer, "seller": salesperson}
    api = program(salesperson)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            api.get("inbox/")
        return len(queries)

    called = bring_to("called", at=TUESDAY, name="one", **people)
    bring_to("offered", at=TUESDAY, name="two", **people)
    tuesday.move_to(TUESDAY + 9 * DAY)
    count()
    few = count()
    copies = [Contact(email=f"c{n}@firm.example", created_at=TUESDAY, stage_at=TUESDAY) for n in range(100)]
    for copy in copies:
        copy.stage, copy.owner, copy.company = "lead", salesperson, called.contact.company
    Contact.objects.bulk_create(copies)
    for copy in Contact.objects.filter(email__startswith="c"):
        copy.tasks.create(owner=salesperson, due_at=TUESDAY, created_at=TUESDAY)
    assert api.get("inbox/")["count"] == 102
    assert count() == few <= 30
