"""Clocks lived through at random, beside a model that knows no more than the rules and counts the minutes one by one.

The model shares nothing with `sla`: it keeps a list of promises, walks over every minute of office hours that no pause
covers, and says what each act does or that it is refused. After each act all clocks must stand as it says.
"""

import datetime as dt
from dataclasses import dataclass, field

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm import flows
from crm.errors import Conflict, Invalid
from crm.models import Notice, User
from crm.queries import verify
from leads.models import Handoff
from sla.models import Pause, Policy, Timer
from sla.states import timer_state

MINUTE = dt.timedelta(minutes=1)
START = dt.datetime(2026, 3, 2, 15, 0, tzinfo=dt.UTC)  # a Monday, two hours before the office closes
TARGETS = {"review": 240, "answer": 240, "contact": 480, "meeting": 960, "follow_up": 480}
SHARES = (75, 100, 100)  # when the standard ladder takes its three steps; each of them tells one person
MOST_PAUSES, LONGEST_PAUSE = 3, dt.timedelta(days=30)

pytestmark = pytest.mark.django_db


@dataclass
class Promise:
    """One clock as the model sees it."""

    milestone: str
    start: dt.datetime
    who: str | None
    met: dt.datetime | None = None
    cancelled: dt.datetime | None = None
    told: int = 0

    @property
    def is_open(self):
        return self.met is None and self.cancelled is None


@dataclass
class Model:
    """One lead: where it stands, what is promised, and when it stood still."""

    now: dt.datetime
    state: str = "in_review"
    who: str | None = None
    offered: dt.datetime | None = None
    last_contact: dt.datetime | None = None
    promises: list[Promise] = field(default_factory=list)
    pauses: list[list[dt.datetime]] = field(default_factory=list)

    def begin(self, *milestones, start=None):
        self.promises += [Promise(one, start or self.now, self.who) for one in milestones]

    def running(self, *milestones):
        return [one for one in self.promises if one.is_open and (not milestones or one.milestone in milestones)]

    def reached(self, promise, minutes):
        """The first instant at which so many open, unpaused minutes have gone by."""
        at = promise.start
        while minutes:
            is_open = at.weekday() < 5 and 9 <= at.hour < 17
            minutes -= is_open and not any(since <= at < until for since, until in self.pauses)
            at += MINUTE
        return at

    def due(self, promise):
        return self.reached(promise, TARGETS[promise.milestone])

    def state_of(self, promise):
        if promise.cancelled:
            return "cancelled"
        due = self.due(promise)
        if promise.met:
            return "met" if promise.met <= due else "late"
        if self.now > due:
            return "missed"
        return "paused" if self.pause_now() else "running"

    def pause_now(self):
        return next((one for one in self.pauses if one[0] <= self.now < one[1]), None)

    def sweep(self):
        for promise in self.running():
            while promise.told < len(SHARES):
                share = SHARES[promise.told]
                if self.reached(promise, TARGETS[promise.milestone] * share // 100) > self.now:
                    break
                promise.told += 1


class Clocks(RuleBasedStateMachine):
    """Acts on one lead, done both to the product and to the model."""

    def __init__(self):
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.people = {user.name: user for user in User.objects.all()}

    def teardown(self):
        differences = list(verify.clock_differences())
        connection.check_constraints()
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        assert differences == []

    def by(self, role):
        return self.people[role]

    def does(self, refusal, act, **given):
        """Do it, or see it refused as the model says."""
        if refusal is None:
            return act(at=self.model.now, **given)
        with pytest.raises(refusal), transaction.atomic():
            act(at=self.model.now, **given)

    @initialize()
    def ask(self):
        self.model = Model(START)
        asked = flows.ActivityIn(
            type="demo_request", occurred_at=START, contact=flows.ContactIn(email="eva@firm.example")
        )
        flows.record_activities(activities=[asked], by=None, actor=None, at=START)
        self.handoff = Handoff.objects.get()
        self.model.begin("review")

    @rule(minutes=st.integers(1, 90) | st.integers(60, 4000))
    def time_passes(self, minutes):
        self.model.now += minutes * MINUTE
        flows.sweep_timers(at=self.model.now)
        self.model.sweep()

    @precondition(lambda self: self.model.state == "in_review")
    @rule(who=st.sampled_from(["Sam", "Otto"]))
    def approve(self, who):
        self.does(
            None,
            flows.approve,
            actor=self.by("Mira"),
            handoff_id=self.handoff.pk,
            assignee_email=self.by(who).email,
        )
        model = self.model
        model.state, model.who, model.offered = "offered", who, model.now
        for promise in model.running("review"):
            promise.met = model.now
        model.begin("answer", "contact")

    @precondition(lambda self: self.model.state == "offered")
    @rule()
    def accept(self):
        model = self.model
        self.does(None, flows.accept, actor=self.by(model.who), handoff_id=self.handoff.pk)
        model.state = "accepted"
        for promise in model.running("answer"):
            promise.met = model.now
        model.begin("meeting")
        if model.last_contact:
            model.begin("follow_up")

    @precondition(lambda self: self.model.state in ("offered", "accepted"))
    @rule()
    def reassign(self):
        model = self.model
        other = {"Sam": "Otto", "Otto": "Sam"}[model.who]
        self.does(
            None,
            flows.reassign,
            actor=self.by("Maija"),
            handoff_id=self.handoff.pk,
            assignee_email=self.by(other).email,
        )
        model.who = other
        had_answer = model.running("answer")
        for promise in model.running("contact", "meeting", "follow_up"):
            promise.who = other
        for promise in had_answer:
            promise.cancelled = model.now
        if had_answer:
            model.begin("answer")

    @rule(minutes=st.integers(-10, 0) | st.integers(1, 3000) | st.just(30 * 1440) | st.just(30 * 1440 + 1))
    def pause(self, minutes):
        model = self.model
        until = model.now + minutes * MINUTE
        standing = {model.state_of(one) for one in model.running()}
        is_used_up = model.pause_now() is not None or len(model.pauses) >= MOST_PAUSES
        refusal = None
        if not model.now < until <= model.now + LONGEST_PAUSE:
            refusal = Invalid
        elif is_used_up or not standing or "missed" in standing:
            refusal = Conflict
        self.does(
            refusal,
            flows.pause_clocks,
            actor=self.by("Mira"),
            handoff_id=self.handoff.pk,
            until=until,
            reason="The contact is away",
        )
        if refusal is None:
            model.pauses.append([model.now, until])

    @rule()
    def resume(self):
        pause = self.model.pause_now()
        self.does(None if pause else Conflict, flows.resume_clocks, actor=self.by("Maija"), handoff_id=self.handoff.pk)
        if pause:
            pause[1] = self.model.now

    @precondition(lambda self: self.model.state in ("offered", "accepted"))
    @rule(ago=st.just(0) | st.integers(0, 2000))
    def call(self, ago):
        model = self.model
        happened = model.now - ago * MINUTE
        self.does(
            None,
            flows.log_contact,
            actor=self.by(model.who),
            contact_id=self.handoff.contact_id,
            type="call",
            outcome="reached",
            occurred_at=happened,
        )
        if happened < model.offered:
            return
        for promise in model.promises:
            if promise.milestone == "contact" and not promise.cancelled and (not promise.met or happened < promise.met):
                promise.met = happened
        is_latest = model.last_contact is None or happened > model.last_contact
        model.last_contact = max(happened, model.last_contact or happened)
        follow_ups = [one for one in model.promises if one.milestone == "follow_up"]
        if model.state != "accepted":
            return
        if not is_latest:
            for promise in follow_ups:
                if promise.met and promise.start < happened < promise.met:
                    promise.met = happened
            return
        for promise in model.running("follow_up"):
            promise.met = happened
        accepted = next(one.met for one in model.promises if one.milestone == "answer" and one.met)
        model.begin("follow_up", start=max(happened, accepted))

    @precondition(lambda self: self.model.state == "accepted")
    @rule()
    def recycle(self):
        model = self.model
        self.does(
            None,
            flows.recycle,
            actor=self.by(model.who),
            handoff_id=self.handoff.pk,
            reason="no_answer",
            resurface_at=model.now + 90 * 1440 * MINUTE,
        )
        model.state = "recycled"
        for promise in model.running():
            promise.cancelled = model.now

    @invariant()
    def all_clocks_stand_as_the_model_says(self):
        if not hasattr(self, "model"):
            return
        model = self.model
        found = []
        pause = Pause.objects.filter(handoff=self.handoff, starts_at__lte=model.now, ends_at__gt=model.now).first()
        for timer in Timer.objects.with_state(now=model.now).select_related("assignee").order_by("id"):
            in_python = timer_state(
                now=model.now,
                due_at=timer.due_at,
                met_at=timer.met_at,
                cancelled_at=timer.cancelled_at,
                paused_from=pause.starts_at if pause else None,
                paused_until=pause.ends_at if pause else None,
            )
            assert timer.state_now == in_python.value
            who = timer.assignee.name if timer.assignee else None
            found.append((timer.milestone, timer.state_now, timer.started_at, who, timer.met_at, timer.cancelled_at))
            if not timer.cancelled_at and not timer.met_at:
                promise = model.promises[len(found) - 1]
                assert timer.due_at == model.due(promise), timer.milestone
            assert Notice.objects.filter(timer=timer).count() == model.promises[len(found) - 1].told
        assert found == [
            (one.milestone, model.state_of(one), one.start, one.who, one.met, one.cancelled) for one in model.promises
        ]


def test_clocks_stand_as_a_model_says_that_counts_minutes(db):
    for name, role in (("Mira", "marketer"), ("Sam", "salesperson"), ("Otto", "salesperson"), ("Maija", "manager")):
        User.objects.create_user(f"{name.lower()}@baton.example", name=name, roles=(role,))
    calendar = Policy.objects.first().calendar
    for milestone, minutes in TARGETS.items():
        Policy.objects.update_or_create(
            milestone=milestone, defaults={"name": milestone, "target_seconds": minutes * 60, "calendar": calendar}
        )
    run_state_machine_as_test(
        Clocks,
        settings=settings(
            max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
