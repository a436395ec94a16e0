"""Every ordered pair of timer states: how real acts lead from one to the other, or that nothing does.

A way from one state to another is a generator: it brings a clock there, yields its milestone and the instant at which
it is in the first state, acts (or lets one tick of time pass), and yields the instant at which it is in the second.
"""

import datetime as dt
import itertools

import pytest
from django.db import transaction

from crm import flows
from crm.errors import DomainError
from crm.flows.promises import save_calendar
from crm.models import Team
from crm.models.people import TeamKind
from leads.models import Handoff
from sla.models import Calendar, Pause, Policy, Timer
from sla.states import TimerState, timer_state

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
HOUR, MINUTE, TICK = dt.timedelta(hours=1), dt.timedelta(minutes=1), dt.timedelta(microseconds=1)
DUE = AT + 4 * HOUR
CLOSED = [{"date": "2026-03-03", "name": "Moving house"}]

pytestmark = pytest.mark.django_db


class World:
    """One lead, the people around it, and a calendar that is open all day, every day, until somebody closes a day.

    Review, answer and contact are each promised within four hours.
    """

    def __init__(self, marketer, seller, other, manager):
        self.marketer, self.seller, self.other, self.manager = marketer, seller, other, manager
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        self.calendar = Calendar.objects.create(name="Daily", weekly={day: [["00:00", "24:00"]] for day in days})
        Team.objects.create(name="Partner", kind=TeamKind.PARTNER)
        Policy.objects.update(calendar=self.calendar, target_seconds=4 * 3600)
        asked = flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="eva@firm.example"))
        flows.record_activities(activities=[asked], by=None, actor=None, at=AT)
        self.handoff = Handoff.objects.get()

    def offer(self):
        flows.approve(actor=self.marketer, handoff_id=self.handoff.pk, assignee_email=self.seller.email, at=AT)

    def close(self, at, *, days):
        self.calendar.closures = days
        save_calendar(actor=self.manager, calendar=self.calendar, at=at)

    def pause(self, at, until):
        flows.pause_clocks(actor=self.manager, handoff_id=self.handoff.pk, until=until, reason="Away", at=at)

    def resume(self, at):
        flows.resume_clocks(actor=self.manager, handoff_id=self.handoff.pk, at=at)

    def accept(self, at):
        flows.accept(actor=self.seller, handoff_id=self.handoff.pk, at=at)

    def reject(self, at):
        flows.reject(actor=self.seller, handoff_id=self.handoff.pk, reason="too_early", at=at)

    def undo(self, at):
        flows.undo(actor=self.seller, handoff_id=self.handoff.pk, at=at)

    def call(self, at, *, happened=None):
        flows.log_contact(
            actor=self.seller,
            contact_id=self.handoff.contact_id,
            type="call",
            outcome="reached",
            occurred_at=happened or at,
            at=at,
        )


# The ways -------------------------------------------------------------------------------------------------------------


def running_to_paused(w):
    w.offer()
    yield "contact", AT + HOUR
    w.pause(AT + HOUR, AT + 2 * HOUR)
    yield AT + HOUR


def running_to_met(w):
    w.offer()
    yield "contact", DUE
    w.call(DUE)
    yield DUE


def running_to_missed(w):
    w.offer()
    yield "contact", DUE
    yield DUE + TICK


def running_to_cancelled(w):
    w.offer()
    yield "contact", AT + HOUR
    w.reject(AT + HOUR)
    yield AT + HOUR


def paused_to_running(w):
    w.offer()
    w.pause(AT + HOUR, AT + 2 * HOUR)
    yield "contact", AT + 2 * HOUR - TICK
    yield AT + 2 * HOUR


def paused_to_running_by_hand(w):
    w.offer()
    w.pause(AT + HOUR, AT + 20 * HOUR)
    yield "contact", AT + 2 * HOUR
    w.resume(AT + 2 * HOUR)
    yield AT + 2 * HOUR


def paused_to_met(w):
    w.offer()
    w.pause(AT + HOUR, AT + 20 * HOUR)
    yield "contact", AT + 10 * HOUR
    w.call(AT + 10 * HOUR)
    yield AT + 10 * HOUR


def paused_to_missed(w):
    """A day that was closed is opened: by the new hours the time was gone before the pause."""
    w.close(AT, days=CLOSED)
    w.offer()
    w.pause(AT + 6 * HOUR, AT + 20 * HOUR)
    yield "contact", AT + 7 * HOUR
    w.close(AT + 7 * HOUR, days=[])
    yield AT + 7 * HOUR


def paused_to_cancelled(w):
    w.offer()
    w.pause(AT + HOUR, AT + 20 * HOUR)
    yield "contact", AT + 2 * HOUR
    w.reject(AT + 2 * HOUR)
    yield AT + 2 * HOUR


def met_to_running(w):
    w.offer()
    w.accept(AT + HOUR)
    yield "answer", AT + HOUR + MINUTE
    w.undo(AT + HOUR + MINUTE)
    yield AT + HOUR + MINUTE


def met_to_paused(w):
    w.offer()
    w.pause(AT + HOUR, AT + 20 * HOUR)
    w.accept(AT + HOUR)
    yield "answer", AT + HOUR + MINUTE
    w.undo(AT + HOUR + MINUTE)
    yield AT + HOUR + MINUTE


def met_to_missed(w):
    w.offer()
    w.accept(DUE)
    yield "answer", DUE + MINUTE
    w.undo(DUE + MINUTE)
    yield DUE + MINUTE


def late_to_running(w):
    """Accepted late, then the day is closed, then the acceptance is taken back."""
    w.offer()
    w.accept(DUE + HOUR)
    w.close(DUE + HOUR, days=CLOSED)
    yield "answer", DUE + HOUR + MINUTE
    w.undo(DUE + HOUR + MINUTE)
    yield DUE + HOUR + MINUTE


def late_to_paused(w):
    w.close(AT, days=CLOSED)
    w.offer()
    w.pause(AT + 6 * HOUR, AT + 20 * HOUR)
    w.close(AT + 7 * HOUR, days=[])
    w.accept(AT + 7 * HOUR)
    w.close(AT + 7 * HOUR, days=CLOSED)
    yield "answer", AT + 7 * HOUR + MINUTE
    w.undo(AT + 7 * HOUR + MINUTE)
    yield AT + 7 * HOUR + MINUTE


def late_to_met(w):
    w.offer()
    w.call(DUE + HOUR)
    yield "contact", DUE + 2 * HOUR
    w.call(DUE + 2 * HOUR, happened=DUE)
    yield DUE + 2 * HOUR


def late_to_missed(w):
    w.offer()
    w.accept(DUE + HOUR)
    yield "answer", DUE + HOUR + MINUTE
    w.undo(DUE + HOUR + MINUTE)
    yield DUE + HOUR + MINUTE


def missed_to_running(w):
    w.offer()
    yield "contact", DUE + HOUR
    w.close(DUE + HOUR, days=CLOSED)
    yield DUE + HOUR


def missed_to_paused(w):
    """Missed by the hours that were opened within a pause, which are closed again."""
    w.close(AT, days=CLOSED)
    w.offer()
    w.pause(AT + 6 * HOUR, AT + 20 * HOUR)
    w.close(AT + 7 * HOUR, days=[])
    yield "contact", AT + 8 * HOUR
    w.close(AT + 8 * HOUR, days=CLOSED)
    yield AT + 8 * HOUR


def missed_to_met(w):
    w.offer()
    yield "contact", DUE + HOUR
    w.call(DUE + HOUR, happened=AT + HOUR)
    yield DUE + HOUR


def missed_to_late(w):
    w.offer()
    yield "contact", DUE + TICK
    w.call(DUE + TICK)
    yield DUE + TICK


def missed_to_cancelled(w):
    w.offer()
    yield "contact", DUE + HOUR
    w.reject(DUE + HOUR)
    yield DUE + HOUR


def cancelled_to_running(w):
    w.offer()
    w.reject(AT + HOUR)
    yield "contact", AT + HOUR + MINUTE
    w.undo(AT + HOUR + MINUTE)
    yield AT + HOUR + MINUTE


def cancelled_to_paused(w):
    w.offer()
    w.pause(AT + HOUR, AT + 20 * HOUR)
    w.reject(AT + HOUR)
    yield "contact", AT + HOUR + MINUTE
    w.undo(AT + HOUR + MINUTE)
    yield AT + HOUR + MINUTE


def cancelled_to_missed(w):
    w.offer()
    w.reject(DUE)
    yield "contact", DUE + MINUTE
    w.undo(DUE + MINUTE)
    yield DUE + MINUTE


WAYS = [
    running_to_paused,
    running_to_met,
    running_to_missed,
    running_to_cancelled,
    paused_to_running,
    paused_to_running_by_hand,
    paused_to_met,
    paused_to_missed,
    paused_to_cancelled,
    met_to_running,
    met_to_paused,
    met_to_missed,
    late_to_running,
    late_to_paused,
    late_to_met,
    late_to_missed,
    missed_to_running,
    missed_to_paused,
    missed_to_met,
    missed_to_late,
    missed_to_cancelled,
    cancelled_to_running,
    cancelled_to_paused,
    cancelled_to_missed,
]
POSSIBLE = {tuple(way.__name__.split("_")[:3:2]) for way in WAYS}
IMPOSSIBLE = {
    # What is met after it is due was missed before, if only for a moment; a paused clock is not due.
    ("running", "late"),
    ("paused", "late"),
    # What was kept in time stays so: a contact that is entered later only makes it earlier.
    ("met", "late"),
    # A verdict outlasts the handoff.
    ("met", "cancelled"),
    ("late", "cancelled"),
    # Nobody waits for what was cancelled, so nothing keeps it.
    ("cancelled", "met"),
    ("cancelled", "late"),
}


def test_every_pair_is_spoken_of_once():
    assert set(itertools.permutations([state.value for state in TimerState], 2)) == POSSIBLE | IMPOSSIBLE
    assert not POSSIBLE & IMPOSSIBLE


@pytest.fixture
def world(marketer, salesperson, other_salesperson, manager):
    return World(marketer, salesperson, other_salesperson, manager)


def state_of(pk, at):
    """The state of a timer by both twins, which agree; None when it is gone."""
    timer = Timer.objects.with_state(now=at).filter(pk=pk).first()
    if timer is None:
        return None
    pause = Pause.objects.filter(handoff=timer.handoff_id, starts_at__lte=at, ends_at__gt=at).first()
    in_python = timer_state(
        now=at,
        due_at=timer.due_at,
        met_at=timer.met_at,
        cancelled_at=timer.cancelled_at,
        paused_from=pause.starts_at if pause else None,
        paused_until=pause.ends_at if pause else None,
    )
    assert timer.state_now == in_python.value
    return timer.state_now


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_real_act_leads_from_one_state_to_the_other(world, way):
    before, _to, after = way.__name__.split("_")[:3]
    steps = way(world)
    milestone, at = next(steps)
    pk = Timer.objects.filter(milestone=milestone).latest("id").pk
    assert state_of(pk, at) == before
    assert state_of(pk, next(steps)) == after


ACTS = {
    "time": lambda w, at: None,
    "accept": lambda w, at: w.accept(at),
    "reject": lambda w, at: w.reject(at),
    "undo": lambda w, at: w.undo(at),
    "pause": lambda w, at: w.pause(at, at + HOUR),
    "resume": lambda w, at: w.resume(at),
    "call now": lambda w, at: w.call(at),
    "call of before": lambda w, at: w.call(at, happened=AT),
    "call by a clock that is ahead": lambda w, at: w.call(at, happened=at + 5 * MINUTE),
    "reassign": lambda w, at: flows.reassign(
        actor=w.manager, handoff_id=w.handoff.pk, assignee_email=w.other.email, at=at
    ),
    "overflow": lambda w, at: flows.overflow(actor=w.manager, handoff_id=w.handoff.pk, at=at),
    "disqualify": lambda w, at: flows.disqualify(
        actor=w.marketer, contact_id=w.handoff.contact_id, reason="not_a_buyer", at=at
    ),
    "close the day": lambda w, at: w.close(at, days=CLOSED),
    "open the day": lambda w, at: w.close(at, days=[]),
    "sweep": lambda w, at: flows.sweep_timers(at=at),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_act_leads_where_nothing_leads(world, way):
    """From wherever the ways begin, every act there is: done or refused, it leads to no state that it must not."""
    milestone, at = next(way(world))
    pk = Timer.objects.filter(milestone=milestone).latest("id").pk
    before = state_of(pk, at)
    for name, act in ACTS.items():
        try:
            with transaction.atomic():
                try:
                    act(world, at)
                except DomainError:
                    continue
                for then in (at, at + TICK):
                    after = state_of(pk, then)
                    assert after in (before, None) or (before, after) in POSSIBLE, (name, before, after)
                raise Rollback
        except Rollback:
            world.calendar.refresh_from_db()


class Rollback(Exception):
    """Undoes one act, so that the next one starts from the same place."""
