"""Calendars: managers and administrators write them, and try out a clock."""

import datetime as dt

import pytest

from crm import flows
from crm.flows import moves
from sla.models import Calendar, ClockMove, Timer
from tests.pages.sales_work import DAY, HOUR, TUESDAY, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def client(manager, browsing):
    return browsing(manager)


@pytest.fixture
def office():
    return Calendar.objects.get(name="Office hours")


def calendar_form(**changes):
    given = {
        "name": "Shop",
        "time_zone": "Europe/Helsinki",
        "country": "FI",
        "subdivision": "",
        "closures": "2026-12-24 Christmas Eve\n2026-12-31",
        "extra_days": "2026-12-05 10:00–14:00",
        "mon": "09:00–12:00, 13:00–17:00",
        "tue": "9-17",
        "sat": "10.30 to 14",
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


# Calendars ------------------------------------------------------------------------------------------------------------


def test_the_list_says_the_week_in_words(client, office):
    rows = {row.calendar.name: row for row in client.get("/settings/calendars/").context["rows"]}
    assert rows["Office hours"].week == "Mon – Fri 09:00–17:00"
    assert rows["Office hours"].policy_count == 3
    assert rows["Always open"].week == "always"


def test_a_calendar_is_written_as_people_write_hours(client):
    answer = client.post("/settings/calendars/new/", calendar_form())
    made = Calendar.objects.get(name="Shop")
    assert (answer.status_code, answer.url) == (303, f"/settings/calendars/{made.pk}/")
    assert made.weekly == {
        "mon": [["09:00", "12:00"], ["13:00", "17:00"]],
        "tue": [["09:00", "17:00"]],
        "sat": [["10:30", "14:00"]],
    }
    assert made.closures == [{"date": "2026-12-24", "name": "Christmas Eve"}, {"date": "2026-12-31", "name": ""}]
    assert made.extra_days == {"2026-12-05": [["10:00", "14:00"]]}
    form = client.get(answer.url).context["form"]
    again = client.post(answer.url, {name: form[name].value() for name in form.fields if form[name].value()})
    assert again.status_code == 303, "what the form shows can be saved as it stands"
    kept = Calendar.objects.get(name="Shop")
    assert (kept.weekly, kept.closures, kept.extra_days) == (made.weekly, made.closures, made.extra_days)


def test_a_changed_calendar_moves_the_clocks_that_run_on_it(client, office):
    handoff = ask("eva", at=TUESDAY)
    assert Timer.objects.get(handoff=handoff).due_at == TUESDAY + 4 * HOUR
    form = calendar_form(name=office.name, time_zone="UTC", tue="10:00–12:00", mon=None, sat=None, wed="08:00–18:00")
    answer = client.post(f"/settings/calendars/{office.pk}/", form, follow=True)
    assert "1 clock was moved." in answer.content.decode()
    assert Timer.objects.get(handoff=handoff).due_at == dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)


def test_many_clocks_of_a_changed_calendar_are_moved_behind_the_page(client, office, monkeypatch):
    for number in range(5):
        ask(f"eva{number}", at=TUESDAY)
    monkeypatch.setattr(moves, "AT_ONCE", 4)
    monkeypatch.setattr(moves, "BATCH", 2)
    form = calendar_form(name=office.name, time_zone="UTC", tue="10:00–12:00", mon=None, sat=None, wed="08:00–18:00")
    page = client.post(f"/settings/calendars/{office.pk}/", form, follow=True)
    assert "Its clocks are being moved." in page.content.decode()
    move = ClockMove.objects.get()
    assert (move.state, move.total, move.done) == ("queued", 5, 0)
    assert moves.moves_to_resume(at=TUESDAY) == []
    assert moves.moves_to_resume(at=TUESDAY + HOUR) == [move.pk], "a task that was lost is found again"
    fragment = client.get(f"/settings/moves/{move.pk}/").content.decode()
    assert "0 of 5 clocks looked at" in fragment and "hx-get" in fragment
    assert moves._move_following(move.pk, size=2, at=TUESDAY) == 2  # a worker that dies after its first batch
    assert Timer.objects.filter(due_at=TUESDAY + 4 * HOUR).count() == 3
    for _time in range(2):
        move = moves.run_move(move_id=move.pk, at=TUESDAY)
        assert (move.state, move.done, move.moved) == ("done", 5, 5)
    assert set(Timer.objects.values_list("due_at", flat=True)) == {dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)}
    assert "hx-get" not in client.get(f"/settings/moves/{move.pk}/").content.decode()


def test_the_page_of_a_calendar_says_which_clocks_run_by_it(client, office):
    ask("eva", at=TUESDAY)
    use = client.get(f"/settings/calendars/{office.pk}/").context["use"]
    assert use.open_count == client.get(use.open_href).context["page"].paginator.count == 1
    answer = client.post(f"/settings/calendars/{office.pk}/", calendar_form(name="Office", mon="9-17", tue="9-17"))
    assert answer.status_code == 303 and ClockMove.objects.get().moved == 1


def test_a_new_name_moves_no_clock(client, office):
    ask("eva", at=TUESDAY)
    form = client.get(f"/settings/calendars/{office.pk}/").context["form"]
    given = {name: form[name].value() for name in form.fields if form[name].value()} | {"name": "Opening hours"}
    client.post(f"/settings/calendars/{office.pk}/", given)
    office.refresh_from_db()
    assert office.name == "Opening hours"
    assert not ClockMove.objects.exists()


def test_a_clock_missed_by_the_old_hours_follows_the_new_ones_too_and_one_that_was_met_does_not(
    client, office, marketer, tuesday
):
    missed, met = ask("eva", at=TUESDAY), ask("ivo", at=TUESDAY)
    flows.return_to_marketing(actor=marketer, handoff_id=met.pk, reason="not_ready", at=TUESDAY + 5 * HOUR)
    tuesday.shift(DAY)
    before = Timer.objects.get(handoff=met).due_at
    client.post(f"/settings/calendars/{office.pk}/", calendar_form(name=office.name, time_zone="UTC", tue=None))
    assert Timer.objects.get(handoff=missed).due_at > TUESDAY + DAY
    assert Timer.objects.get(handoff=met).due_at == before


def test_a_calendar_in_use_stays_and_says_what_uses_it(client, office, sales_team):
    made = Calendar.objects.create(name="Shop", weekly={"mon": [["09:00", "17:00"]]})
    form = client.get(f"/settings/calendars/{made.pk}/").context["form"]
    given = {name: form[name].value() for name in form.fields if form[name].value()}
    client.post(f"/settings/calendars/{made.pk}/", given | {"teams": [sales_team.pk]})
    sales_team.refresh_from_db()
    assert sales_team.calendar == made
    refused = client.post(f"/settings/calendars/{made.pk}/delete/", follow=True).content.decode()
    assert "the team Field sales" in refused
    refused = client.post(f"/settings/calendars/{office.pk}/delete/", follow=True).content.decode()
    assert "the policy “Review within half a day”" in refused
    client.post(f"/settings/calendars/{made.pk}/", given)
    sales_team.refresh_from_db()
    assert sales_team.calendar is None
    assert client.post(f"/settings/calendars/{made.pk}/delete/").url == "/settings/calendars/"
    assert not Calendar.objects.filter(pk=made.pk).exists()
    assert client.post(f"/settings/calendars/{made.pk}/delete/").status_code == 404


def test_a_pasted_list_of_days_becomes_closures(client):
    client.post(
        "/settings/calendars/new/",
        calendar_form(closures="24.12.2026 Christmas Eve\n2026-12-29 – 2026-12-31 Stocktaking"),
    )
    assert [one["date"][-2:] for one in Calendar.objects.get(name="Shop").closures] == ["24", "29", "30", "31"]


def test_days_on_which_clocks_are_changed_are_marked(client):
    client.post("/settings/calendars/new/", calendar_form())
    made = Calendar.objects.get(name="Shop")
    page = client.get(f"/settings/calendars/{made.pk}/?since=2027-03-20")
    days = {day.date: day for week in page.context["weeks"] for day in week}
    assert min(days) == dt.date(2027, 3, 15)
    assert {day: one.shift for day, one in days.items() if one.shift} == {dt.date(2027, 3, 28): "Clocks go forward 1 h"}
    assert "Clocks go forward 1 h" in page.content.decode()
    autumn = client.get(f"/settings/calendars/{made.pk}/?since=2026-10-25").context["weeks"]
    assert autumn[0][6].shift == "Clocks go back 1 h"
    assert client.get(f"/settings/calendars/{made.pk}/?since=1950-01-01").status_code == 422


def test_the_coming_four_weeks_name_holidays_closures_and_extra_days(client):
    client.post(
        "/settings/calendars/new/", calendar_form(closures="2026-11-24 Stocktaking", extra_days="2026-12-06 10–12")
    )
    made = Calendar.objects.get(name="Shop")
    weeks = client.get(f"/settings/calendars/{made.pk}/").context["weeks"]
    assert [len(week) for week in weeks] == [7] * 4
    days = {day.date.isoformat(): day for week in weeks for day in week}
    assert min(days) == "2026-11-16" and days["2026-11-17"].is_today
    assert days["2026-11-23"].hours == ("09:00–12:00", "13:00–17:00")
    assert (days["2026-11-24"].hours, days["2026-11-24"].note) == ((), "Stocktaking")
    assert (days["2026-12-06"].hours, days["2026-12-06"].note) == (("10:00–12:00",), "Extra day")


def test_a_holiday_of_the_country_is_closed_by_its_name(client, tuesday):
    tuesday.move_to(dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
    client.post("/settings/calendars/new/", calendar_form(fri="9-17"))
    made = Calendar.objects.get(name="Shop")
    weeks = client.get(f"/settings/calendars/{made.pk}/").context["weeks"]
    christmas = next(day for week in weeks for day in week if day.date == dt.date(2026, 12, 25))
    assert christmas.hours == () and christmas.note


def test_started_then_due_when(client, office):
    page = client.get(f"/settings/calendars/{office.pk}/?start=2026-11-20T15:00&hours=4&minutes=30")
    trial = page.context["trial"]
    assert trial.due_at == dt.datetime(2026, 11, 23, 11, 30, tzinfo=dt.UTC)
    assert "Mon 23 Nov 2026, 11:30" in page.content.decode()


def test_a_trial_is_told_by_the_clock_of_the_calendars_zone(client, manager):
    manager.time_zone = "America/New_York"
    manager.save()
    client.post("/settings/calendars/new/", calendar_form())
    made = Calendar.objects.get(name="Shop")
    page = client.get(f"/settings/calendars/{made.pk}/?start=2026-11-24T09:00&hours=1&minutes=0")
    assert page.context["trial"].due_at == dt.datetime(2026, 11, 24, 8, 0, tzinfo=dt.UTC)
    assert "Tue 24 Nov 2026, 10:00" in page.content.decode()


@pytest.mark.parametrize(
    "query", ["start=soon&hours=1&minutes=0", "start=2026-11-20T15:00&hours=-1&minutes=0", "start="]
)
def test_a_trial_that_makes_no_sense_is_refused_in_words(client, office, query):
    answer = client.get(f"/settings/calendars/{office.pk}/?{query}")
    assert answer.status_code == 422
    assert answer.context["trial"] is None
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "office hours"}, "There is a calendar of this name already."),
        ({"time_zone": "Helsinki"}, "is not a known time zone"),
        ({"country": "XX"}, "No public holidays are known"),
        ({"mon": "nine to five"}, "is not a time"),
        ({"mon": "09:00"}, "as 09:00–17:00"),
        ({"mon": "09:00–12:00, 11:00–17:00"}, "overlap"),
        ({"mon": "17:00–09:00"}, "is not after the start"),
        ({"mon": None, "tue": None, "sat": None, "extra_days": ""}, "would never be open"),
        ({"closures": "Christmas"}, "does not begin with a day"),
        ({"closures": "2026-12-31 – 2026-12-24"}, "ends before it begins"),
        ({"country": "DE", "subdivision": "XX"}, "XX"),
        ({"extra_days": "2026-12-05 all day"}, "as 09:00–17:00"),
    ],
)
def test_working_time_that_makes_no_sense_is_refused_in_words(client, changes, sentence):
    answer = client.post("/settings/calendars/new/", calendar_form(**changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Calendar.objects.filter(name="Shop").exists()


def test_a_refused_change_keeps_what_was_typed_and_shows_what_is_kept(client, office):
    answer = client.post(f"/settings/calendars/{office.pk}/", calendar_form(name=office.name, mon="09:00–08:00"))
    assert answer.status_code == 422
    assert answer.context["form"]["mon"].value() == "09:00–08:00"
    assert answer.context["weeks"][0][0].hours == ("09:00–17:00",)
    office.refresh_from_db()
    assert office.weekly["mon"] == [["09:00", "17:00"]]


# Rights ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["calendars", "calendars/new", "calendars/{}"])
def test_managers_and_administrators_alone_set_working_time(
    path, office, marketer, salesperson, manager, administrator, browsing
):
    address = f"/settings/{path.format(office.pk)}/"
    codes = [browsing(user).get(address).status_code for user in (marketer, salesperson, manager, administrator)]
    assert codes == [403, 403, 200, 200]
    before = (Calendar.objects.count(), office.weekly)
    for user in (marketer, salesperson):
        assert browsing(user).post(f"/settings/calendars/{office.pk}/delete/").status_code == 403
        assert browsing(user).get("/settings/moves/1/").status_code == 403
        assert browsing(user).post(address, calendar_form()).status_code == 403
    office.refresh_from_db()
    assert (Calendar.objects.count(), office.weekly) == before


def test_wrong_verbs_and_absent_rows_are_refused(client, office):
    assert client.post("/settings/calendars/").status_code == 405
    assert client.get(f"/settings/calendars/{office.pk}/delete/").status_code == 405
    assert client.post("/settings/moves/1/").status_code == 405
    assert client.get("/settings/moves/999999/").status_code == 404
    assert client.delete(f"/settings/calendars/{office.pk}/").status_code == 405
    assert client.get("/settings/calendars/999999/").status_code == 404


def test_next_tuesday_is_a_day_of_work(office):
    """What the others rest on."""
    assert office.parse().hours_on((TUESDAY + 7 * DAY).date()) == ((540, 1020),)
