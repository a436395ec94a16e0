"""The list of tasks: one's own, for managers everybody's, with what each row does; and the days that are offered."""

import datetime as dt

import pytest
from django.urls import reverse

from crm import flows
from crm.queries import desk, to_do
from leads.models import Task
from sla.models import Calendar
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def accepted(marketer, salesperson):
    return bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - 5 * DAY, name="cy")


@pytest.fixture
def plan(accepted, salesperson):
    """`plan(due_at, …)` is a task of `salesperson` with Cy, planned days ago."""

    def add(due_at, **values):
        return flows.add_task(
            actor=salesperson, contact_id=accepted.contact_id, due_at=due_at, at=TUESDAY - 4 * DAY, **values
        )

    return add


@pytest.fixture
def four(plan):
    """One late since yesterday, one since an hour, one of some time today, one of tomorrow."""
    return [
        plan(TUESDAY - DAY, what="of yesterday"),
        plan(TUESDAY - HOUR, what="of nine o'clock", has_time=True),
        plan(TUESDAY - HOUR, what="some time today"),
        plan(TUESDAY + DAY, what="of tomorrow", kind="other"),
    ]


def shown(page):
    return {group.title: [str(todo.task) for todo in group.todos] for group in page.context["list"].groups}


def counts(page):
    return {tab.label: tab.count for tab in page.context["list"].tabs}


def test_tasks_stand_by_when_they_are_due_and_every_number_leads_to_its_rows(browsing, salesperson, four):
    client = browsing(salesperson)
    page = client.get(reverse("tasks"))
    assert shown(page) == {
        "Overdue": ["of yesterday", "of nine o'clock"],
        "Today": ["some time today"],
        "Later": ["of tomorrow"],
    }
    assert counts(page) == {"To do": 4, "Overdue": 2, "Today": 1, "Later": 1, "Done": 0}
    for tab in page.context["list"].tabs:
        rows = client.get(tab.href).context["list"].groups
        assert sum(len(group.todos) for group in rows) == tab.count, tab.label
    assert shown(client.get("/tasks/?kind=other")) == {"Later": ["of tomorrow"]}


def test_the_inbox_counts_the_same_and_leads_there(browsing, salesperson, four):
    client = browsing(salesperson)
    tabs = client.get(reverse("inbox")).context["tasks"]
    assert {tab.label: tab.count for tab in tabs} == {"Overdue": 2, "Today": 1, "Later": 1}
    for tab in tabs:
        rows = client.get(tab.href).context["list"].groups
        assert sum(len(group.todos) for group in rows) == tab.count


def test_one_is_done_with_one_click_and_taken_back(browsing, salesperson, four):
    client, task = browsing(salesperson), four[0]
    address = reverse("task_list_done", args=[task.pk])
    answer = client.post(f"{address}?due=overdue")
    assert (answer.status_code, answer["Location"]) == (303, "/tasks/?due=overdue")
    assert counts(client.get("/tasks/")) == {"To do": 3, "Overdue": 1, "Today": 1, "Later": 1, "Done": 1}
    assert client.post(address).status_code == 409
    undone = client.post(f"{reverse('task_undo', args=[task.pk])}?next=/tasks/%3Fdue%3Doverdue")
    assert undone["Location"] == "/tasks/?due=overdue"
    page = client.post(f"{address}?due=overdue", **HTMX)
    assert page.status_code == 200 and shown(page) == {"Overdue": ["of nine o'clock"]}
    assert b"<html" not in page.content and b"Done with Cy Novak" in page.content


def test_one_moves_to_another_day_and_what_was_typed_stays(browsing, salesperson, four):
    client, task = browsing(salesperson), four[1]
    address = reverse("task_list_later", args=[task.pk])
    assert client.post(address, {"day": "2026-11-20", "time": "09:00"}).status_code == 303
    task.refresh_from_db()
    assert (task.due_at, task.has_time) == (TUESDAY + 3 * DAY - HOUR, True)
    refused = client.post(address, {"day": "2026-11-01", "time": "08:15"})
    assert refused.status_code == 422 and b'value="08:15"' in refused.content and b"It lies ahead" in refused.content
    assert client.post(address, {"day": ""}, **HTMX).status_code == 422
    # The button of a day stands behind the field of a day, and holds.
    assert client.post(address, {"day": ["", "2026-11-24"]}).status_code == 303
    task.refresh_from_db()
    assert task.due_at.date() == dt.date(2026, 11, 24)


def test_managers_see_everybodys_and_choose_whose(
    browsing, manager, marketer, salesperson, other_salesperson, four, accepted
):
    flows.add_task(actor=marketer, contact_id=accepted.contact_id, due_at=TUESDAY + DAY, what="Send a book", at=TUESDAY)
    page = browsing(manager).get(reverse("tasks"))
    assert counts(page)["To do"] == 5 and set(page.context["list"].people) == {marketer, salesperson}
    assert shown(browsing(manager).get(f"/tasks/?owner={marketer.email}")) == {"Later": ["Send a book"]}
    assert browsing(manager).post(reverse("task_list_done", args=[four[0].pk])).status_code == 303
    own = browsing(marketer).get(f"/tasks/?owner={salesperson.email}")
    assert own.context["list"].people == () and shown(own) == {}
    assert shown(browsing(marketer).get("/tasks/")) == {"Later": ["Send a book"]}
    assert shown(browsing(other_salesperson).get("/tasks/")) == {}


@pytest.mark.parametrize("name", ["task_list_done", "task_list_later"])
def test_who_may_not(browsing, salesperson, other_salesperson, marketer, four, name):
    address = reverse(name, args=[four[0].pk])
    assert browsing(other_salesperson).post(address).status_code == 404
    assert browsing(marketer).post(address).status_code == 403
    assert browsing(salesperson).get(address).status_code == 405
    assert browsing(salesperson).post(reverse("tasks")).status_code == 405


def test_many_tasks_take_as_many_queries_and_go_on_to_a_second_page(
    browsing, salesperson, four, plan, django_assert_num_queries, django_assert_max_num_queries
):
    client = browsing(salesperson)
    client.get("/tasks/")
    with django_assert_max_num_queries(25) as few:
        client.get("/tasks/")
    for n in range(60):
        plan(TUESDAY + DAY + n * MINUTE)
    with django_assert_num_queries(len(few)):
        page = client.get("/tasks/")
    assert page.context["list"].page.paginator.count == Task.objects.count() == 64
    assert sum(len(group.todos) for group in client.get("/tasks/?page=2").context["list"].groups) == 14


# The days that the buttons offer --------------------------------------------------------------------------------------


def days(user, *, now):
    return [(day.value, day.label) for day in desk.next_days(to_do.working_time_of(user), now=now)]


def test_the_buttons_offer_only_days_on_which_the_person_works(salesperson):
    salesperson.calendar = Calendar.objects.create(
        name="Finland",
        time_zone="Europe/Helsinki",
        weekly={day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
        country="FI",
        closures=[{"date": "2026-12-28", "name": "Stocktaking"}],
    )
    before_christmas = dt.datetime(2026, 12, 23, 10, tzinfo=dt.UTC)
    # The 24th to the 27th are holidays and a weekend, the 28th is closed, a week ahead comes the 30th.
    offered = days(salesperson, now=before_christmas)
    assert [value for value, _label in offered] == ["2026-12-29", "2026-12-30", "2026-12-31"]
    assert days(salesperson, now=TUESDAY) == [
        ("2026-11-18", "Tomorrow"),
        ("2026-11-19", "Thu 19"),
        ("2026-11-24", "In a week"),
    ]
    saturday = dt.datetime(2026, 11, 21, 10, tzinfo=dt.UTC)
    assert [value for value, _label in days(salesperson, now=saturday)] == ["2026-11-23", "2026-11-24", "2026-11-30"]


def test_who_works_at_any_hour_is_offered_no_weekend(salesperson):
    salesperson.calendar = Calendar.objects.get(always_open=True)
    friday = dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    assert [value for value, _label in days(salesperson, now=friday)] == ["2026-11-23", "2026-11-24", "2026-11-27"]
