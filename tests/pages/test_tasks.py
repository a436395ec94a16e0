"""Tasks on the contact page, the next step that is asked for, and calendar files."""

import datetime as dt

import pytest
from django.urls import reverse
from icalendar import Calendar

from crm import flows
from leads.models import Activity, Task
from tests.pages.sales_work import DAY, HOUR, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def accepted(marketer, salesperson):
    return bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="cy")


@pytest.fixture
def task(accepted, salesperson):
    return flows.add_task(
        actor=salesperson,
        contact_id=accepted.contact_id,
        kind="meeting",
        what="Show the docks",
        due_at=TUESDAY + 2 * DAY,
        has_time=True,
        minutes=45,
        at=TUESDAY,
    )


def test_something_is_planned_on_the_card_and_stands_there(browsing, salesperson, accepted):
    client, address = browsing(salesperson), reverse("task_add", args=[accepted.contact_id])
    refused = client.post(address, {"kind": "call", "what": "Typed", "day": "soon"})
    assert refused.status_code == 422 and b'value="Typed"' in refused.content
    assert client.post(address, {"kind": "call", "day": "2026-11-01"}).status_code == 422
    values = {"kind": "other", "what": "Send the plan", "day": "2026-11-20", "time": "14:30"}
    assert client.post(address, values).status_code == 303
    made = Task.objects.get()
    assert (made.kind, made.has_time, made.minutes) == ("other", True, 30)
    assert b"Send the plan" in client.get(reverse("contact", args=[accepted.contact_id])).content
    assert client.get(address).status_code == 405


def test_it_is_put_off_done_canceled_and_taken_back(browsing, salesperson, task):
    client = browsing(salesperson)
    client.post(reverse("task_later", args=[task.pk]), {"day": "2026-11-30"})
    task.refresh_from_db()
    assert task.due_at.date() == dt.date(2026, 11, 30) and not task.has_time
    client.post(reverse("task_undo", args=[task.pk]))
    task.refresh_from_db()
    assert task.due_at == TUESDAY + 2 * DAY
    for name, state in (("task_finish", "done"), ("task_cancel", "cancelled")):
        assert client.post(reverse(name, args=[task.pk])).status_code == 303
        task.refresh_from_db()
        assert task.state == state
        assert client.post(reverse(name, args=[task.pk])).status_code == 409
        client.post(reverse("task_undo", args=[task.pk]))
        task.refresh_from_db()
        assert task.state == "open"
    assert client.post(reverse("task_later", args=[task.pk]), {"day": ""}).status_code == 422


@pytest.mark.parametrize("name", ["task_later", "task_finish", "task_cancel"])
def test_who_may_not(browsing, salesperson, other_salesperson, marketer, task, name):
    address = reverse(name, args=[task.pk])
    assert browsing(other_salesperson).post(address).status_code == 404
    assert browsing(marketer).post(address).status_code == 403
    assert browsing(salesperson).get(address).status_code == 405


def event_of(client, task):
    answer = client.get(reverse("task_calendar", args=[task.pk]))
    assert answer["Content-Type"].startswith("text/calendar") and "attachment" in answer["Content-Disposition"]
    calendar = Calendar.from_ical(answer.content)
    return calendar, calendar.walk("VEVENT")[0]


def test_the_calendar_file_keeps_its_name_and_counts_its_changes(browsing, salesperson, task):
    salesperson.time_zone = "Europe/Warsaw"
    salesperson.save()
    client = browsing(salesperson)
    calendar, first = event_of(client, task)
    assert first.decoded("dtstart") == TUESDAY + 2 * DAY
    assert first.decoded("dtend") - first.decoded("dtstart") == dt.timedelta(minutes=45)
    assert calendar.walk("VTIMEZONE")[0]["tzid"] == "Europe/Warsaw"
    assert "Show the docks" in first["summary"] and str(task.contact) in first["summary"]
    flows.change_task(actor=salesperson, task_id=task.pk, values={"due_at": TUESDAY + 3 * DAY}, at=TUESDAY)
    _calendar, second = event_of(client, task)
    assert (second["uid"], second["sequence"]) == (first["uid"], first["sequence"] + 1)
    flows.cancel_task(actor=salesperson, task_id=task.pk, at=TUESDAY)
    calendar, third = event_of(client, task)
    assert (third["status"], calendar["method"], third["sequence"]) == ("CANCELLED", "CANCEL", second["sequence"] + 1)


def test_what_has_no_time_lasts_all_day(browsing, salesperson, accepted):
    whole = flows.add_task(actor=salesperson, contact_id=accepted.contact_id, due_at=TUESDAY + DAY, at=TUESDAY)
    _calendar, event = event_of(browsing(salesperson), whole)
    assert event.decoded("dtstart") == (TUESDAY + DAY).date()


def test_only_who_may_see_the_contact_takes_its_tasks_to_a_calendar(browsing, other_salesperson, marketer, task):
    address = reverse("task_calendar", args=[task.pk])
    assert browsing(other_salesperson).get(address).status_code == 404
    assert browsing(marketer).get(address).status_code == 200
    assert browsing(marketer).post(address).status_code == 405


def test_who_logs_a_contact_says_what_comes_next_or_why_nothing_does(browsing, salesperson, accepted):
    client, address = browsing(salesperson), reverse("contact_log", args=[accepted.contact_id])
    refused = client.post(address, {"type": "call", "outcome": "reached", "note": "Long talk"})
    assert refused.status_code == 422 and b"say why there is no next step" in refused.content
    assert b"Long talk</textarea>" in refused.content and not Activity.objects.filter(actor=salesperson).exists()
    answer = client.post(address, {"type": "call", "outcome": "reached", "no_next": "They call us"})
    assert answer.status_code == 303
    assert "no next step: They call us" in client.get(answer["Location"]).content.decode()


def test_nobody_is_asked_where_a_meeting_waits_or_the_lead_is_not_theirs(browsing, salesperson, marketer, task):
    address, values = reverse("contact_log", args=[task.contact_id]), {"type": "call", "outcome": "reached"}
    assert browsing(salesperson).post(address, values).status_code == 303
    assert browsing(marketer).post(address, values).status_code == 303


def test_a_lead_that_is_too_early_is_given_back_until_its_window_opens(browsing, salesperson, accepted):
    day = TUESDAY.date() + dt.timedelta(days=200)
    answers = {"timeline": {"verdict": "confirmed", "decide_by_date": day}}
    flows.qualify(actor=salesperson, contact_id=accepted.contact_id, answers=answers, at=TUESDAY)
    page = browsing(salesperson).get(reverse("contact", args=[accepted.contact_id]))
    form = page.context["recycle_form"]
    assert (form["resurface_at"].value(), form["reason"].value()) == (day - dt.timedelta(days=60), "too_early")
    assert f'value="{day - dt.timedelta(days=60)}"' in page.content.decode()
