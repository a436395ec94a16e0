"""Meetings and follow-ups: promised where a policy says so, kept by people only."""

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from crm import flows
from crm.flows import attempts
from crm.queries import inbox, to_do
from leads.models import Activity, Handoff
from sla.models import Calendar, Policy, Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def promised(db):
    """A meeting within five days, a follow-up within two, on a calendar that never closes."""
    always = Calendar.objects.get(always_open=True)
    for milestone, days in (("meeting", 5), ("follow_up", 2)):
        Policy.objects.create(name=milestone, milestone=milestone, target_seconds=days * 86_400, calendar=always)


@pytest.fixture
def offered(marketer, salesperson):
    """A lead offered to `salesperson` at `AT`."""
    asked = flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="eva@firm.example"))
    flows.record_activities(activities=[asked], by=None, actor=None, at=AT)
    handoff = Handoff.objects.get()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)


@pytest.fixture
def accepted(offered, salesperson):
    """The same lead, accepted an hour later."""
    return flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + HOUR)


def log(by, handoff, *, at, happened=None, type_="call", outcome="no_answer", next_at=None):
    return flows.log_contact(
        actor=by,
        contact_id=handoff.contact_id,
        type=type_,
        outcome=outcome,
        occurred_at=happened or at,
        next_at=next_at,
        at=at,
    )


def clocks(milestone):
    """Start, due time and end of each clock of a milestone, the first one first."""
    rows = Timer.objects.filter(milestone=milestone).order_by("started_at", "id")
    return [(row.started_at - AT, row.due_at - AT, row.met_at and row.met_at - AT) for row in rows]


def verified():
    out = StringIO()
    call_command("verify", "--clocks", stdout=out)
    return out.getvalue() == "clocks: no differences\n"


def test_without_a_policy_nothing_is_promised(accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR, outcome="reached")
    assert set(Timer.objects.values_list("milestone", flat=True)) == {"review", "answer", "contact"}
    assert verified()


def test_a_meeting_is_promised_when_the_lead_is_accepted(promised, offered, salesperson):
    assert clocks("meeting") == []
    flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + HOUR)
    assert clocks("meeting") == [(HOUR, HOUR + 5 * DAY, None)]


@pytest.mark.parametrize(
    ("type_", "outcome", "is_kept"),
    [
        ("call", "meeting", True),
        ("email", "meeting", True),
        ("meeting", "", True),
        ("call", "reached", False),
        ("call", "no_answer", False),
        ("email", "", False),
        ("note", "meeting", False),
    ],
)
def test_a_meeting_is_kept_by_one_that_a_person_arranged(promised, accepted, salesperson, type_, outcome, is_kept):
    log(salesperson, accepted, at=AT + 3 * HOUR, type_=type_, outcome=outcome)
    assert clocks("meeting") == [(HOUR, HOUR + 5 * DAY, 3 * HOUR if is_kept else None)]
    accepted.refresh_from_db()
    assert accepted.meeting_at == (AT + 3 * HOUR if is_kept else None)
    assert verified()


def test_a_meeting_arranged_before_the_lead_was_accepted_took_no_time(promised, offered, salesperson):
    log(salesperson, offered, at=AT + HOUR, outcome="meeting")
    flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + 2 * HOUR)
    assert clocks("meeting") == [(2 * HOUR, 2 * HOUR + 5 * DAY, 2 * HOUR)]
    assert verified()


def test_an_own_prospect_has_a_meeting_promised_too(promised, salesperson):
    flows.create_contact(actor=salesperson, values={"email": "own@firm.example"}, at=AT)
    assert clocks("meeting") == [(dt.timedelta(), 5 * DAY, None)]
    assert clocks("follow_up") == []


def test_each_contact_keeps_the_follow_up_before_it_and_begins_the_next(promised, accepted, salesperson):
    assert clocks("follow_up") == []
    log(salesperson, accepted, at=AT + 2 * HOUR)
    assert clocks("follow_up") == [(2 * HOUR, 2 * HOUR + 2 * DAY, None)]
    log(salesperson, accepted, at=AT + DAY, type_="email", outcome="")
    log(salesperson, accepted, at=AT + 4 * DAY, outcome="reached")
    assert clocks("follow_up") == [
        (2 * HOUR, 2 * HOUR + 2 * DAY, DAY),
        (DAY, 3 * DAY, 4 * DAY),
        (4 * DAY, 6 * DAY, None),
    ]
    states = Timer.objects.with_state(now=AT + 5 * DAY).filter(milestone="follow_up").order_by("started_at")
    assert [row.state_now for row in states] == ["met", "late", "running"]
    assert verified()


def test_a_planned_next_step_is_when_the_follow_up_begins(promised, accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR, outcome="call_back", next_at=AT + 6 * DAY)
    assert clocks("follow_up") == [(6 * DAY, 8 * DAY, None)]
    flows.sweep_timers(at=AT + 5 * DAY)
    assert not Timer.objects.get(milestone="follow_up").notices.exists()
    log(salesperson, accepted, at=AT + 6 * DAY + HOUR, outcome="reached")
    assert clocks("follow_up")[0] == (6 * DAY, 8 * DAY, 6 * DAY + HOUR)


def test_a_contact_before_the_planned_day_keeps_the_promise(promised, accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR, outcome="call_back", next_at=AT + 6 * DAY)
    log(salesperson, accepted, at=AT + DAY)
    assert clocks("follow_up") == [(DAY, 3 * DAY, None), (6 * DAY, 8 * DAY, DAY)]
    states = Timer.objects.with_state(now=AT + 2 * DAY).filter(milestone="follow_up").order_by("started_at")
    assert [row.state_now for row in states] == ["running", "met"]
    assert verified()


def test_a_contact_of_before_the_acceptance_begins_the_follow_up_with_it(promised, offered, salesperson):
    log(salesperson, offered, at=AT + HOUR)
    assert clocks("follow_up") == []
    flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + 3 * HOUR)
    assert clocks("follow_up") == [(3 * HOUR, 3 * HOUR + 2 * DAY, None)]


def test_a_contact_entered_after_a_later_one_ends_the_promise_it_falls_into(promised, accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR)
    log(salesperson, accepted, at=AT + 5 * DAY)
    assert clocks("follow_up")[0][2] == 5 * DAY
    log(salesperson, accepted, happened=AT + DAY, at=AT + 6 * DAY)
    assert clocks("follow_up") == [(2 * HOUR, 2 * HOUR + 2 * DAY, DAY), (5 * DAY, 7 * DAY, None)]
    assert verified()


def test_what_was_noted_before_changes_nothing(promised, accepted, salesperson):
    for hours in (2, 5, 7):
        log(salesperson, accepted, at=AT + hours * HOUR, outcome="meeting" if hours == 5 else "reached")
    before = clocks("contact"), clocks("meeting"), clocks("follow_up")
    attempts.note_attempts(Activity.objects.select_related("type"))
    assert (clocks("contact"), clocks("meeting"), clocks("follow_up")) == before


def test_the_end_of_the_handoff_ends_what_was_promised(promised, accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR)
    opportunity = flows.open_opportunity(
        actor=salesperson, handoff_id=accepted.pk, name="Docks", amount=Decimal(1), at=AT + 3 * HOUR
    )
    assert Timer.objects.open().count() == 2
    flows.win_opportunity(actor=salesperson, opportunity_id=opportunity.pk, reason="best_fit", at=AT + 4 * HOUR)
    assert not Timer.objects.open().exists()
    assert Timer.objects.filter(cancelled_at=AT + 4 * HOUR).count() == 2


def test_whoever_gets_the_lead_gets_its_promises(promised, accepted, salesperson, other_salesperson, manager):
    log(salesperson, accepted, at=AT + 2 * HOUR)
    before = clocks("meeting"), clocks("follow_up")
    flows.reassign(actor=manager, handoff_id=accepted.pk, assignee_email=other_salesperson.email, at=AT + 3 * HOUR)
    assert (clocks("meeting"), clocks("follow_up")) == before
    assert set(Timer.objects.open().values_list("assignee", flat=True)) == {other_salesperson.pk}


def test_they_are_something_to_do_only_once_they_are_soon_due(promised, accepted, salesperson):
    """The contact's clock comes first; afterwards whichever falls due first, one a lead."""

    def kinds(at):
        return [(timer.milestone) for timer in inbox.own_timers(salesperson, now=AT + at)]

    assert kinds(4 * DAY) == ["contact"]
    log(salesperson, accepted, at=AT + 2 * HOUR)
    assert kinds(DAY) == []
    assert kinds(2 * HOUR + 1.5 * DAY) == ["follow_up"]
    log(salesperson, accepted, at=AT + 2 * DAY, next_at=AT + 20 * DAY)
    assert kinds(4 * DAY) == ["meeting"]
    assert kinds(30 * DAY) == ["meeting"]
    shown = inbox.inbox_of(salesperson, now=AT + 6 * DAY)
    assert (shown.first.label, shown.first.standing) == ("Meeting to arrange", "Last contact Thu 08:00.")
    assert shown.total == to_do.count_waiting(salesperson, now=AT + 6 * DAY) == 1


def test_a_clock_that_no_person_stopped_is_named(promised, accepted, salesperson):
    log(salesperson, accepted, at=AT + 2 * HOUR)
    Timer.objects.filter(milestone="follow_up").update(met_at=AT + 3 * HOUR, next_check_at=None)
    Timer.objects.filter(milestone="meeting").update(met_at=AT + 3 * HOUR, next_check_at=None)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify", "--clocks", stdout=out)
    named = Timer.objects.in_bulk(field_name="pk")
    for timer in named.values():
        is_wrong = timer.milestone in ("follow_up", "meeting")
        assert (f"timer {timer.pk}: met at" in out.getvalue()) is is_wrong
