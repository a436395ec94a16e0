"""A sweep and a verb on the same lead at once: neither waits for what the other holds."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from crm import flows
from crm.models import Notice, User
from leads import locks
from leads.models import Handoff
from sla import climbing
from sla.models import Calendar, Policy, Timer

pytestmark = pytest.mark.django_db(transaction=True)

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PATIENCE = 10


@pytest.fixture
def offered(marketer: User, salesperson: User, manager: User) -> Handoff:
    """A lead offered at `AT`, to be answered within four hours of a calendar that never closes."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    asked = flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="eva@firm.example"))
    flows.record_activities(activities=[asked], by=None, actor=None, at=AT)
    handoff = Handoff.objects.get()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)


class Beside(threading.Thread):
    """Another connection that acts, and keeps what it raised."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.act, self.error = act, None
        self.start()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '5s'")
            self.act()
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def done(self) -> None:
        """Wait until it has acted, and raise what it raised."""
        self.join(PATIENCE)
        assert not self.is_alive()
        if self.error is not None:
            raise self.error


def test_a_sweep_tells_of_a_lead_that_somebody_holds(offered: Handoff) -> None:
    with transaction.atomic():
        locks.locked_handoff(user=None, handoff_id=offered.pk)
        Beside(lambda: flows.sweep_timers(at=AT + 4 * HOUR)).done()
    assert Notice.objects.filter(kind="breach", timer__milestone="answer").count() == 1


@pytest.mark.parametrize("verb", ["accept", "reject"])
def test_a_verb_that_meets_a_sweep_comes_after_it(offered: Handoff, salesperson: User, verb: str) -> None:
    reason = {"reason": "too_early"} if verb == "reject" else {}

    def act() -> None:
        getattr(flows, verb)(actor=salesperson, handoff_id=offered.pk, at=AT + 4 * HOUR, **reason)

    with transaction.atomic():
        timers = climbing.timers_due(at=AT + 4 * HOUR, limit=10)
        assert len(timers) == 1
        beside = Beside(act)
        # By then it has all locks that it can get, and waits for the timers.
        beside.join(1)
        assert beside.is_alive()
        climbing.climb(timers, at=AT + 4 * HOUR)
    beside.done()
    assert Notice.objects.filter(timer__milestone="answer").count() == 3
    assert Timer.objects.get(milestone="answer").met_at == AT + 4 * HOUR


def test_two_sweeps_at_once_move_a_lead_once(
    offered: Handoff, salesperson: User, other_salesperson: User, manager: User
) -> None:
    """The second waits for the lead, and finds the act done."""
    Timer.objects.filter(milestone="answer").update(steps=[{"kind": "reassign", "at_percent": 100}], step=0)
    with transaction.atomic():
        climbing.climb(climbing.timers_due(at=AT + 4 * HOUR, limit=10), at=AT + 4 * HOUR)
    both = [Beside(lambda: flows.sweep_timers(at=AT + 4 * HOUR)) for _ in range(2)]
    for one in both:
        one.done()
    assert offered.events.filter(verb="reassign").count() == 1
    offered.refresh_from_db()
    assert offered.assignee == other_salesperson
