"""Standing still: all clocks of a handoff, for a reason, up to an end, and not too often."""

import datetime as dt

import pytest

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid
from crm.models import Notice
from leads.models import Handoff
from sla.models import Calendar, Pause, Policy, Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
HOUR, DAY, SECOND = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(seconds=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def always_open(db):
    """Four hours to review and to answer, eight to get in touch, on a calendar that never closes."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))


@pytest.fixture
def reviewed(db):
    """A lead in review since `AT`."""
    asked = flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="eva@firm.example"))
    flows.record_activities(activities=[asked], by=None, actor=None, at=AT)
    return Handoff.objects.get()


@pytest.fixture
def offered(reviewed, marketer, salesperson):
    """The same lead, offered at once."""
    return flows.approve(actor=marketer, handoff_id=reviewed.pk, assignee_email=salesperson.email, at=AT)


def pause(by, handoff, *, at, until, reason="The contact is away"):
    return flows.pause_clocks(actor=by, handoff_id=handoff.pk, until=until, reason=reason, at=at)


def due(milestone):
    return Timer.objects.open().get(milestone=milestone).due_at - AT


def states(at):
    rows = Timer.objects.with_state(now=at).order_by("id")
    return {row.milestone: row.state_now for row in rows}


def test_a_pause_stops_all_clocks_of_the_handoff_and_ends_by_itself(offered, salesperson, manager):
    pause(salesperson, offered, at=AT + HOUR, until=AT + 3 * HOUR)
    assert (due("answer"), due("contact")) == (6 * HOUR, 10 * HOUR)
    assert states(AT + 3 * HOUR - SECOND) == {"review": "met", "answer": "paused", "contact": "paused"}
    assert states(AT + 3 * HOUR) == {"review": "met", "answer": "running", "contact": "running"}
    flows.sweep_timers(at=AT + 4 * HOUR)
    assert not Notice.objects.filter(kind="warn").exists()
    # Three of the four hours are gone at five o'clock, since two stood still; nobody did anything for it.
    flows.sweep_timers(at=AT + 5 * HOUR)
    assert Notice.objects.filter(kind="warn", timer__milestone="answer").count() == 1
    flows.sweep_timers(at=AT + 6 * HOUR)
    assert Notice.objects.filter(kind="breach", timer__milestone="answer").count() == 1


def test_a_clock_that_starts_within_a_pause_stands_still_with_the_others(reviewed, marketer, salesperson):
    pause(marketer, reviewed, at=AT, until=AT + 10 * HOUR, reason="Marketing asked to wait")
    flows.approve(actor=marketer, handoff_id=reviewed.pk, assignee_email=salesperson.email, at=AT + HOUR)
    assert (due("answer"), due("contact")) == (14 * HOUR, 18 * HOUR)
    assert states(AT + 2 * HOUR) == {"review": "met", "answer": "paused", "contact": "paused"}


def test_a_pause_is_ended_early(offered, salesperson):
    pause(salesperson, offered, at=AT + HOUR, until=AT + 20 * HOUR)
    flows.resume_clocks(actor=salesperson, handoff_id=offered.pk, at=AT + 2 * HOUR)
    assert (due("answer"), due("contact")) == (5 * HOUR, 9 * HOUR)
    assert states(AT + 2 * HOUR)["answer"] == "running"
    with pytest.raises(Conflict, match="not paused"):
        flows.resume_clocks(actor=salesperson, handoff_id=offered.pk, at=AT + 3 * HOUR)


def test_a_missed_clock_cannot_be_paused(offered, salesperson):
    edge = AT + 4 * HOUR
    with pytest.raises(Conflict, match="missed clock"):
        pause(salesperson, offered, at=edge + SECOND, until=edge + HOUR)
    pause(salesperson, offered, at=edge, until=edge + HOUR)
    assert states(edge)["answer"] == "paused"


@pytest.mark.parametrize(
    ("until", "reason", "field", "words"),
    [
        (AT + HOUR, "Away", "until", "in the future"),
        (AT, "Away", "until", "in the future"),
        (AT + HOUR + 30 * DAY + SECOND, "Away", "until", "30 days at most"),
        (AT + 2 * HOUR, " ", "reason", "Say why"),
    ],
)
def test_a_pause_has_an_end_within_its_limit_and_a_reason(offered, salesperson, until, reason, field, words):
    with pytest.raises(Invalid, match=words) as refusal:
        pause(salesperson, offered, at=AT + HOUR, until=until, reason=reason)
    assert refusal.value.field == field
    assert not Pause.objects.exists()


def test_the_longest_pause_is_allowed(offered, salesperson):
    pause(salesperson, offered, at=AT + HOUR, until=AT + HOUR + 30 * DAY)
    assert due("answer") == 30 * DAY + 4 * HOUR


def test_a_handoff_is_paused_three_times_at_most_and_not_twice_at_once(offered, salesperson):
    for hours in (0, 1, 2):
        start = AT + hours * HOUR
        pause(salesperson, offered, at=start, until=start + 30 * dt.timedelta(minutes=1))
        with pytest.raises(Conflict, match="stand still already"):
            pause(salesperson, offered, at=start + SECOND, until=start + HOUR)
    with pytest.raises(Conflict, match="3 times at most"):
        pause(salesperson, offered, at=AT + 3 * HOUR, until=AT + 4 * HOUR)


def test_the_next_handoff_may_be_paused_again(offered, salesperson, marketer):
    for hours in (0, 1, 2):
        start = AT + hours * HOUR
        pause(salesperson, offered, at=start, until=start + 30 * dt.timedelta(minutes=1))
    flows.reject(actor=salesperson, handoff_id=offered.pk, reason="too_early", at=AT + 3 * HOUR)
    pause(marketer, offered.next, at=AT + 3 * HOUR, until=AT + 4 * HOUR)


def test_with_nothing_running_there_is_nothing_to_pause(offered, salesperson, marketer):
    flows.reject(actor=salesperson, handoff_id=offered.pk, reason="too_early", at=AT + HOUR)
    with pytest.raises(Conflict, match="No clock is running"):
        pause(marketer, offered, at=AT + 2 * HOUR, until=AT + 3 * HOUR)


def test_the_assignee_a_marketer_and_a_manager_pause_and_nobody_else(
    offered, marketer, manager, administrator, salesperson
):
    for person in (marketer, manager, salesperson):
        start = AT + Pause.objects.count() * HOUR
        pause(person, offered, at=start, until=start + 30 * dt.timedelta(minutes=1))
    with pytest.raises(Forbidden):
        pause(administrator, offered, at=AT + 3 * HOUR, until=AT + 4 * HOUR)
