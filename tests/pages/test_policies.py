"""Policies: written in the browser, put in order, changed while clocks run; and which one a lead gets."""

import pytest

from crm import flows
from crm.flows import moves, promises
from crm.models import Notice
from leads.models import Contact
from sla import ladder
from sla.models import Calendar, ClockMove, Milestone, Policy, PolicyVersion, Timer
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, ask, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]
NEW = "/settings/policies/new/"


@pytest.fixture
def client(manager, browsing):
    return browsing(manager)


@pytest.fixture
def office():
    return Calendar.objects.get(name="Office hours")


def form_of(
    office,
    *,
    steps=(("75 %", "warn", "owner"), ("100%", "breach", "owner"), ("+2 h", "escalate", "manager")),
    **changes,
):
    given = {
        "name": "Quick answer",
        "milestone": "answer",
        "target": "1 h 30 min",
        "calendar_of": "named",
        "calendar": office.pk,
        "is_active": "on",
        "rows": "0",
        "step_rows": str(len(steps)),
        "act": "save",
    }
    for number, step in enumerate(steps):
        given |= {f"{part}_{number}": value for part, value in zip(("when", "kind", "whom"), step, strict=True)}
    return {name: value for name, value in (given | changes).items() if value is not None}


def make(office, *, milestone=Milestone.REVIEW, **values):
    values = {"name": "Quick", "milestone": milestone, "target_seconds": 3600, "calendar": office} | values
    return Policy.objects.create(**values)


def address(policy, act=""):
    return f"/settings/policies/{policy.pk}/{act and act + '/'}"


def reviewing() -> Policy:
    return Policy.objects.get(name="Review within half a day")


def shown(client, policy):
    """The form of a policy as a browser would send it back."""
    form = client.get(address(policy)).context["form"]
    given = {name: form[name].value() for name in form.fields}
    given |= {"rows": form.rows, "step_rows": form.step_count, "act": "save"}
    return {name: value for name, value in given.items() if value not in (None, False)}


# Writing --------------------------------------------------------------------------------------------------------------


def test_the_list_shows_each_promise_in_the_order_in_which_it_is_asked(client, office):
    make(office, name="Finns", milestone=Milestone.ANSWER, position=3, conditions=FINNS)
    make(office, name="Too late", milestone=Milestone.ANSWER, position=2000)
    answer = next(one for one in client.get("/settings/policies/").context["groups"] if one.milestone == "answer")
    assert [row.policy.name for row in answer.rows] == ["Finns", "Answer within half a day", "Too late"]
    assert "FI" in answer.rows[0].conditions[0]
    assert answer.rows[1].ladder == "75\u00a0% owner, 100\u00a0% owner and manager"
    assert answer.rows[1].reach == "For every lead that is left"
    assert "Never asked" in answer.rows[2].reach


def test_the_open_clocks_of_a_policy_are_a_link_to_them(client):
    ask("eva", at=TUESDAY - HOUR)
    groups = client.get("/settings/policies/").context["groups"]
    (row,) = next(group for group in groups if group.milestone == "review").rows
    assert row.open_count == 1
    assert client.get(row.open_href).context["page"].paginator.count == 1


def test_a_new_promise_comes_first_and_holds_for_clocks_that_start_from_now_on(client, office, manager):
    before = ask("eva", at=TUESDAY - HOUR)
    answer = client.post(NEW, form_of(office, milestone="review", target="60 min"))
    assert (answer.status_code, answer.url) == (303, "/settings/policies/")
    made = Policy.objects.get(name="Quick answer")
    assert (made.target_seconds, made.position, made.version) == (3600, 999, 1)
    assert made.steps == [
        {"at_percent": 75, "kind": "warn", "to": "owner"},
        {"at_percent": 100, "kind": "breach", "to": "owner"},
        {"after_seconds": 7200, "kind": "escalate", "to": "manager"},
    ]
    assert PolicyVersion.objects.get(policy=made).actor == manager
    after = ask("ivo", at=TUESDAY)
    assert Timer.objects.get(handoff=before).target_seconds == 4 * 3600
    assert Timer.objects.get(handoff=after).policy == made


def test_a_promise_is_written_with_conditions_and_steps_to_people_and_teams(client, office, manager, sales_team):
    steps = (
        ("50 %", "warn", f"person:{manager.pk}"),
        ("+1 h", "escalate", f"team:{sales_team.pk}"),
        ("+2 h", "reassign", ""),
    )
    conditions = {"rows": "2", "field_0": "handoff.grade", "op_0": "in", "value_0": "A1, A2"}
    conditions |= {"field_1": "company.employees", "op_1": "gte", "value_1": "50"}
    assert client.post(NEW, form_of(office, steps=steps, **conditions)).status_code == 303
    made = Policy.objects.get(name="Quick answer")
    assert made.conditions == [
        {"field": "handoff.grade", "op": "in", "value": ["A1", "A2"]},
        {"field": "company.employees", "op": "gte", "value": 50},
    ]
    assert made.steps == [
        {"at_percent": 50, "kind": "warn", "to": "person", "person": manager.pk},
        {"after_seconds": 3600, "kind": "escalate", "to": "team", "team": sales_team.pk},
        {"after_seconds": 7200, "kind": "reassign"},
    ]
    page = client.get(address(made))
    assert page.context["of"].said == (
        "Answer within 1 h 30 min of working time (Office hours) when grade at the handoff is one of A1, A2 and number "
        "of people in the company is 50 or more; at 50\u00a0% warn Maija Manager; 1 h after it was due tell Field "
        "sales that somebody missed it; 2 h after it was due give it to whom routing finds."
    )
    assert client.post(address(made), shown(client, made)).status_code == 303, "what is shown can be saved"
    made.refresh_from_db()
    assert made.version == 1, "nothing was changed by it"


@pytest.mark.parametrize(("text", "seconds"), [("2 h", 7200), ("1 d 4 h", 12 * 3600), ("90 min", 5400), ("1.5h", 5400)])
def test_a_target_is_written_in_words(client, office, text, seconds):
    client.post(NEW, form_of(office, target=text))
    assert Policy.objects.get(name="Quick answer").target_seconds == seconds


def test_rows_are_added_and_removed_before_anything_is_saved(client, office):
    page = client.post(NEW, form_of(office, name="", act="add_step"))
    assert page.status_code == 200 and page.context["form"].step_count == 4
    page = client.post(NEW, form_of(office, act="drop_step_0", target="3 h"))
    form = page.context["form"]
    assert [row["when"].value() for row in form.step_rows] == ["100%", "+2 h"]
    assert form["target"].value() == "3 h"
    page = client.post(NEW, form_of(office, act="add_condition"))
    assert (page.context["form"].rows, page.context["form"].step_count) == (1, 3)
    assert not Policy.objects.filter(name="Quick answer").exists()


def test_what_is_typed_is_restated_in_plain_words(client, office):
    said = client.post(NEW, form_of(office, act="restate", calendar_of="assignee"), **HTMX).content.decode()
    assert (
        "Answer within 1 h 30 min of working time (calendar of the assignee, else Office hours) for every lead" in said
    )
    assert "when it is due tell the owner that it is missed" in said
    assert (
        "Not complete yet." in client.post(NEW, form_of(office, act="restate", target="soon"), **HTMX).content.decode()
    )
    assert not Policy.objects.filter(name="Quick answer").exists()


def test_a_new_promise_starts_with_the_hours_that_the_others_are_made_in(client, office):
    Calendar.objects.create(name="All day", always_open=True)
    Policy.objects.update(calendar=office)
    assert client.get(NEW).context["form"]["calendar"].value() == office.pk


def test_a_change_makes_a_new_version_and_a_name_or_a_place_does_not(client, office):
    policy = make(office, target_seconds=20, conditions=FINNS)
    assert client.get(address(policy)).context["form"]["target"].value() == "20 s"
    client.post(address(policy), shown(client, policy) | {"target": "1 min 20 s", "milestone": "answer"})
    policy.refresh_from_db()
    assert (policy.target_seconds, policy.version, policy.milestone) == (80, 2, "review")
    assert policy.conditions == FINNS
    client.post(address(policy), shown(client, policy) | {"name": "Blink"})
    policy.refresh_from_db()
    assert (policy.name, policy.version) == ("Blink", 2)
    versions = client.get(address(policy)).context["of"].versions
    assert [row.number for row in versions] == [2] and "1 min 20 s" in versions[0].said


def test_a_promise_is_copied_taken_out_of_use_and_removed_while_it_was_never_used(client, office):
    policy = make(office, name="Q" * 100, position=5, conditions=FINNS)
    answer = client.post(address(policy, "copy"))
    made = Policy.objects.exclude(pk=policy.pk).get(position=5)
    assert answer.url == address(made)
    assert (made.is_active, made.conditions, made.target_seconds, len(made.name)) == (False, FINNS, 3600, 100)
    given = shown(client, policy)
    given.pop("is_active")
    assert client.post(address(policy), given).status_code == 303
    policy.refresh_from_db()
    assert not policy.is_active
    assert client.post(address(made, "delete")).url == "/settings/policies/"
    assert not Policy.objects.filter(pk=made.pk).exists()
    ask("eva", at=TUESDAY)
    make(office)
    refused = client.post(address(reviewing(), "delete"), follow=True)
    assert "stays for their history" in refused.content.decode()


def test_the_last_promise_that_fits_everybody_stays(client):
    policy = reviewing()
    given = shown(client, policy)
    given.pop("is_active")
    answer = client.post(address(policy), given)
    assert answer.status_code == 422
    assert "Keep a policy of it without conditions." in answer.content.decode()
    policy.refresh_from_db()
    assert policy.is_active


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"milestone": "lunch"}, "Select a valid choice."),
        ({"target": "0 h"}, "Promise a time longer than nothing."),
        ({"target": "4"}, "Write “4” as 2 h"),
        ({"target": "2 h 1 h"}, "the same unit twice"),
        ({"target": "9999 d"}, "a year at most"),
        ({"calendar": "999999"}, "Select a valid choice."),
        ({"calendar_of": "moon"}, "Select a valid choice."),
        ({"when_0": "soon"}, "Write a share such as 75 %"),
        ({"when_0": "0 %"}, "A share lies above 0 %"),
        ({"when_0": "+2"}, "Write “2” as 2 h"),
        ({"whom_0": ""}, "to is one of"),
        ({"whom_0": "person:999999"}, "Select a valid choice."),
        ({"kind_0": "shout"}, "Select a valid choice."),
        ({"milestone": "review", "kind_0": "overflow"}, "is no step of a promise"),
        ({"rows": "1", "field_0": "", "op_0": "equals", "value_0": "FI"}, "Choose what to look at."),
        ({"rows": "1", "field_0": "country", "op_0": "equals", "value_0": ""}, "needs a value"),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused_in_words(client, office, changes, sentence):
    count = Policy.objects.count()
    answer = client.post(NEW, form_of(office, **changes))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Policy.objects.count() == count


def test_days_of_unlike_length_are_no_measure(client, office):
    office.weekly |= {"fri": [["09:00", "12:00"]]}
    office.save()
    assert "Write hours." in client.post(NEW, form_of(office, target="1 d")).content.decode()


# Order ----------------------------------------------------------------------------------------------------------------


def order(client, milestone="review"):
    groups = client.get("/settings/policies/").context["groups"]
    return [row.policy.name for group in groups if group.milestone == milestone for row in group.rows]


def test_a_promise_is_asked_earlier_or_later(client, office):
    one, two = make(office, name="One", position=4, conditions=FINNS), make(office, name="Two", position=4)
    assert order(client) == ["Two", "One", "Review within half a day"], "the newer of two at one place comes first"
    assert client.post(address(one, "shift"), {"to": "up"}).url == f"/settings/policies/#policy-{one.pk}"
    assert order(client) == ["One", "Two", "Review within half a day"]
    client.post(address(one, "shift"), {"to": "up"})
    assert order(client) == ["One", "Two", "Review within half a day"], "there is nothing before the first"
    fragment = client.post(address(one, "shift"), {"to": "down"}, **HTMX)
    assert fragment.status_code == 200 and "<html" not in fragment.content.decode()
    client.post(address(one, "shift"), {"to": "down"})
    assert order(client) == ["Two", "Review within half a day", "One"]
    assert set(Policy.objects.values_list("version", flat=True)) == {1}
    client.post(address(two, "shift"), {"to": "down"})
    handoff = ask("eva", at=TUESDAY)
    assert Timer.objects.get(handoff=handoff).policy == reviewing()


def test_one_out_of_use_has_no_place_in_the_order(client, office):
    policy = make(office, name="Off", is_active=False, position=-5)
    client.post(address(policy, "shift"), {"to": "down"})
    policy.refresh_from_db()
    assert policy.position == -5


# Clocks that run ------------------------------------------------------------------------------------------------------


def test_the_page_says_how_many_clocks_stay_behind_and_leads_to_them(client, office, tuesday):
    policy = reviewing()
    make(office, name="Other", position=2000)
    for number in range(3):
        ask(f"eva{number}", at=TUESDAY)
    tuesday.shift(5 * HOUR)
    ask("ivo", at=TUESDAY + 5 * HOUR)
    client.post(address(policy), shown(client, policy) | {"target": "2 h"})
    of = client.get(address(policy)).context["of"]
    assert (of.open_count, of.running_count, of.movable_count, of.missed_count) == (4, 1, 1, 3)
    assert client.get(of.running_href).context["page"].paginator.count == 1
    assert client.get(of.movable_href).context["page"].paginator.count == 1
    assert client.get(of.missed_href).context["page"].paginator.count == 3
    assert client.get(of.open_href).context["page"].paginator.count == 4
    (row,) = [row for row in of.versions if row.number == 2]
    assert client.get(row.open_href).context["page"].paginator.count == row.open_count == 0


def test_moved_clocks_go_on_from_their_start_and_repeat_no_alert(client, tuesday):
    policy, handoff = reviewing(), ask("eva", at=TUESDAY)
    tuesday.shift(3 * HOUR + MINUTE)
    flows.sweep_timers(at=TUESDAY + 3 * HOUR + MINUTE)
    before = Timer.objects.get(handoff=handoff)
    warned = Notice.objects.filter(timer=before, kind="warn").count()
    assert (before.step, warned > 0) == (1, True)
    answer = client.post(address(policy), shown(client, policy) | {"target": "6 h", "move": "on"}, follow=True)
    assert "1 clock was moved." in answer.content.decode()
    old, new = Timer.objects.filter(handoff=handoff).order_by("id")
    assert (old.pk, old.due_at) == (before.pk, before.due_at)
    assert abs(old.cancelled_at - (TUESDAY + 3 * HOUR + MINUTE)) < MINUTE
    assert (new.replaces, new.policy_version, new.started_at) == (old, 2, TUESDAY)
    assert (new.due_at, new.step) == (TUESDAY + 6 * HOUR, 1)
    flows.sweep_timers(at=TUESDAY + 5 * HOUR)
    assert Notice.objects.filter(handoff=handoff, kind="warn").count() == warned, "nobody is warned twice"
    assert "moved to another promise" in client.get("/sla/timers/?state=cancelled").content.decode()
    tuesday.shift(4 * HOUR)
    flows.sweep_timers(at=TUESDAY + 7 * HOUR)
    assert Notice.objects.filter(timer=new, kind="breach").exists()


def test_a_moved_clock_may_turn_out_to_be_missed_and_says_so_at_once(client, tuesday):
    policy, handoff = reviewing(), ask("eva", at=TUESDAY)
    tuesday.shift(2 * HOUR)
    client.post(address(policy), shown(client, policy) | {"target": "1 h", "move": "on"})
    new = Timer.objects.with_state(now=TUESDAY + 2 * HOUR).get(handoff=handoff, cancelled_at=None)
    assert (new.due_at, new.state_now) == (TUESDAY + HOUR, "missed")
    assert flows.sweep_timers(at=TUESDAY + 2 * HOUR) > 0
    assert set(Notice.objects.filter(timer=new).values_list("kind", flat=True)) == {"warn", "breach", "escalate"}


def test_a_missed_clock_is_not_mended_by_another_promise(client, tuesday):
    policy, handoff = reviewing(), ask("eva", at=TUESDAY)
    tuesday.shift(5 * HOUR)
    answer = client.post(address(policy), shown(client, policy) | {"target": "7 h", "move": "on"}, follow=True)
    assert "moved." not in answer.content.decode()
    timer = Timer.objects.get(handoff=handoff)
    assert (timer.policy_version, timer.cancelled_at, timer.due_at) == (1, None, TUESDAY + 4 * HOUR)
    refused = client.post(address(policy, "move"), follow=True)
    assert "No clock is left to be moved." in refused.content.decode()


def test_clocks_of_a_promise_out_of_use_move_to_the_one_that_fits_now(client, office):
    policy = make(office, name="Hasty", position=1)
    handoff = ask("eva", at=TUESDAY)
    assert Timer.objects.get(handoff=handoff).policy == policy
    given = shown(client, policy)
    given.pop("is_active")
    client.post(address(policy), given)
    assert client.get(address(policy)).context["of"].movable_count == 1
    client.post(address(policy, "move"))
    assert Timer.objects.open().get(handoff=handoff).policy == reviewing()
    assert client.get(address(policy)).context["of"].movable_count == 0


def test_a_paused_clock_stays_paused_when_it_is_moved(client, marketer, tuesday):
    policy, handoff = reviewing(), ask("eva", at=TUESDAY)
    tuesday.shift(HOUR)
    flows.pause_clocks(actor=marketer, handoff_id=handoff.pk, until=TUESDAY + DAY, reason="Away", at=TUESDAY + HOUR)
    client.post(address(policy), shown(client, policy) | {"target": "2 h", "move": "on"})
    new = Timer.objects.with_state(now=TUESDAY + HOUR).get(handoff=handoff, cancelled_at=None)
    assert (new.state_now, new.due_at) == ("paused", TUESDAY + DAY + HOUR)


def test_many_clocks_are_moved_behind_the_page_and_a_killed_move_goes_on(client, monkeypatch):
    policy = reviewing()
    handoffs = [ask(f"eva{number}", at=TUESDAY) for number in range(5)]
    monkeypatch.setattr(moves, "AT_ONCE", 4)
    monkeypatch.setattr(moves, "BATCH", 2)
    answer = client.post(address(policy), shown(client, policy) | {"target": "6 h", "move": "on"}, follow=True)
    assert "Its clocks are being moved." in answer.content.decode()
    move = ClockMove.objects.get()
    assert answer.context["of"].move == move and "0 of 5 clocks looked at" in answer.content.decode()
    assert moves._move_following(move.pk, size=2, at=TUESDAY) == 2  # a worker that dies after its first batch
    assert moves.moves_to_resume(at=TUESDAY + HOUR) == [move.pk]
    for _time in range(2):
        move = moves.run_move(move_id=move.pk, at=TUESDAY)
        assert (move.state, move.done, move.moved) == ("done", 5, 5)
    assert Timer.objects.count() == 10
    assert set(Timer.objects.open().values_list("handoff_id", "policy_version")) == {(one.pk, 2) for one in handoffs}


def test_a_clock_that_stops_while_others_are_moved_is_left_alone(client, marketer, monkeypatch):
    policy = reviewing()
    handoffs = [ask(f"eva{number}", at=TUESDAY) for number in range(2)]
    monkeypatch.setattr(moves, "AT_ONCE", 0)
    client.post(address(policy), shown(client, policy) | {"target": "6 h", "move": "on"})
    flows.return_to_marketing(actor=marketer, handoff_id=handoffs[0].pk, reason="not_ready", at=TUESDAY)
    move = moves.run_move(move_id=ClockMove.objects.get().pk, at=TUESDAY)
    assert (move.total, move.moved) == (2, 1)
    assert Timer.objects.get(handoff=handoffs[0]).cancelled_at is None


# Whose working time ---------------------------------------------------------------------------------------------------


def test_a_promise_runs_in_the_time_of_the_assignee_else_of_the_team_else_in_its_own(
    office, marketer, manager, salesperson, other_salesperson, sales_team
):
    early = Calendar.objects.create(name="Early", weekly={day: [["06:00", "10:30"]] for day in ("tue", "wed")})
    late = Calendar.objects.create(name="Late", weekly={day: [["12:00", "20:00"]] for day in ("tue", "wed")})
    sales_team.calendar, salesperson.calendar = late, early
    sales_team.save()
    salesperson.save()
    values = {"name": "Theirs", "milestone": "answer", "target_seconds": 3600, "calendar": office}
    policy = promises.create_policy(actor=manager, values=values | {"calendar_of": "assignee"}, at=TUESDAY)
    first = offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    other = offer(ask("ivo", company="Another", at=TUESDAY), by=marketer, to=other_salesperson, at=TUESDAY)

    def clock(handoff):
        return Timer.objects.open().get(handoff=handoff, milestone="answer")

    assert (clock(first).calendar, clock(first).due_at) == (early, TUESDAY + DAY - 3 * HOUR - HOUR / 2)
    assert (clock(other).calendar, clock(other).due_at) == (late, TUESDAY + 3 * HOUR)
    promises.edit_policy(actor=manager, policy_id=policy.pk, values={"calendar_of": "team"}, at=TUESDAY, has_move=True)
    assert clock(first).calendar == clock(other).calendar == late
    salesperson.team = None
    salesperson.save()
    third = offer(ask("uma", company="Third", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    assert clock(third).calendar == office


def test_a_calendar_without_weekly_hours_is_nobodys_working_time(client, sales_team):
    once = Calendar.objects.create(name="Once", extra_days={"2026-12-05": [["10:00", "14:00"]]})
    given = {"name": "Once", "time_zone": "UTC", "extra_days": "2026-12-05 10:00–14:00", "teams": [sales_team.pk]}
    answer = client.post(f"/settings/calendars/{once.pk}/", given)
    assert answer.status_code == 422 and "opens every week" in answer.content.decode()
    sales_team.refresh_from_db()
    assert sales_team.calendar is None


# Which one ------------------------------------------------------------------------------------------------------------


def test_which_promise_a_lead_would_get_and_why(client, office, marketer):
    make(office, name="Finns", position=1, conditions=FINNS)
    handoff = ask("eva", at=TUESDAY)
    page = client.get(f"/sla/which/?contact={handoff.contact_id}")
    review = page.context["answer"].answers[0]
    assert [(one.policy.name, one.fits, one.is_chosen) for one in review.candidates] == [
        ("Finns", False, False),
        ("Review within half a day", True, True),
    ]
    (asked,) = review.candidates[0].asked
    assert (asked.said, asked.value_said, asked.holds) == ("Country is FI.", "not known", False)
    assert review.due_at == TUESDAY + 4 * HOUR
    assert (review.running.policy, review.differs) == (reviewing(), False)
    Contact.objects.update(country="FI")
    review = client.get(f"/sla/which/?contact={handoff.contact_id}").context["answer"].answers[0]
    assert (review.chosen.name, review.differs) == ("Finns", True)


def test_which_promise_without_a_handoff_supposes_one(client):
    contact = Contact.objects.create(
        email="new@firm.example", first_name="Nea", stage="subscriber", stage_at=TUESDAY, created_at=TUESDAY
    )
    page = client.get(f"/sla/which/?contact={contact.pk}")
    assert page.context["answer"].is_supposed
    assert "as if the threshold were crossed now" in page.content.decode()
    assert [one.milestone for one in page.context["answer"].answers] == ["review", "answer", "contact"]


def test_a_lead_is_found_by_name_and_those_of_others_are_not(
    client, browsing, other_salesperson, marketer, salesperson
):
    handoff = offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    assert [one.pk for one in client.get("/sla/which/?q=eva").context["found"]] == [handoff.contact_id]
    stranger = browsing(other_salesperson)
    assert stranger.get("/sla/which/?q=eva").context["found"] == []
    assert stranger.get(f"/sla/which/?contact={handoff.contact_id}").status_code == 404
    for nobody in ("999999", "eva", "-1", "9" * 30):
        assert client.get(f"/sla/which/?contact={nobody}").status_code == 404
    assert browsing(salesperson).get(f"/sla/which/?contact={handoff.contact_id}").status_code == 200


def test_the_contact_page_names_the_policy_and_the_version_of_each_clock(client):
    handoff = ask("eva", at=TUESDAY)
    page = client.get(f"/contacts/{handoff.contact_id}/").content.decode()
    assert "Review within half a day, version 1" in page
    assert f"/sla/which/?contact={handoff.contact_id}" in page


# Rights ---------------------------------------------------------------------------------------------------------------


def test_managers_and_administrators_alone_may_promise(office, marketer, salesperson, manager, administrator, browsing):
    policy = make(office)
    users = (marketer, salesperson, manager, administrator)
    for path in ("/settings/policies/", NEW, address(policy)):
        assert [browsing(user).get(path).status_code for user in users] == [403, 403, 200, 200]
    before = list(Policy.objects.values())
    for user in (marketer, salesperson):
        for path in (NEW, address(policy), *(address(policy, act) for act in ("copy", "delete", "move", "shift"))):
            assert browsing(user).post(path, form_of(office) | {"to": "up"}).status_code == 403
    assert list(Policy.objects.values()) == before


def test_wrong_verbs_and_absent_rows_are_refused(client, office):
    policy = make(office)
    assert client.post("/settings/policies/").status_code == 405
    assert client.post("/sla/which/").status_code == 405
    assert client.get("/settings/policies/999999/").status_code == 404
    for act in ("copy", "delete", "move", "shift"):
        assert client.get(address(policy, act)).status_code == 405
        assert client.post(f"/settings/policies/999999/{act}/", {"to": "up"}).status_code == 404
    assert client.post(address(policy, "shift"), {"to": "sideways"}).status_code == 422


def test_every_kind_of_step_can_be_chosen_and_said(client, office):
    kinds = [kind for kind, _label in client.get(NEW).context["form"]["kind_0"].field.choices]
    assert kinds == list(ladder.STEP_KINDS)
    steps = tuple(("+1 h", kind, "manager") for kind in kinds)
    said = client.post(NEW, form_of(office, steps=steps, act="restate"), **HTMX).content.decode()
    assert said.count("1 h after it was due") == len(kinds)
