"""The state of a timer is one function, in Python and in SQL: equal for every combination of facts, at every edge."""

import datetime as dt
import itertools

import pytest
from django.utils import timezone

from crm import flows
from leads.models import Handoff
from sla.models import Pause, Timer
from sla.states import timer_state

pytestmark = pytest.mark.django_db

DUE = dt.datetime(2026, 11, 18, 12, 0, tzinfo=dt.UTC)
WARN = DUE - dt.timedelta(hours=2)
START = DUE - dt.timedelta(hours=8)
HOUR, TICK = dt.timedelta(hours=1), dt.timedelta(microseconds=1)

ENDINGS = {
    "open": {},
    "met early": {"met_at": DUE - HOUR},
    "met when due": {"met_at": DUE},
    "met a tick late": {"met_at": DUE + TICK},
    "met late": {"met_at": DUE + HOUR},
    "cancelled": {"cancelled_at": DUE - HOUR},
    "cancelled after it was due": {"cancelled_at": DUE + HOUR},
}
PAUSES = {
    "no pause": [],
    "a pause before the warning": [(START + HOUR, WARN - HOUR)],
    "a pause around the due time": [(DUE - HOUR, DUE + HOUR)],
    "two pauses": [(START + HOUR, START + 2 * HOUR), (WARN - HOUR, WARN + HOUR)],
    "an empty pause": [(WARN, WARN)],
}
EDGES = sorted(
    {START, WARN, DUE, DUE + HOUR, DUE + 5 * HOUR}
    | {edge for pauses in PAUSES.values() for span in pauses for edge in span}
)
INSTANTS = [edge + shift for edge in EDGES for shift in (-TICK, dt.timedelta(), TICK)]


@pytest.fixture
def timers():
    """One timer for each way to end and each set of pauses."""
    cases = list(itertools.product(ENDINGS, PAUSES))
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request", occurred_at=START, contact=flows.ContactIn(email=f"c{n}@firm.example")
            )
            for n in range(len(cases))
        ],
        by=None,
        actor=None,
        at=START,
    )
    made = {}
    for (ending, pauses), handoff in zip(cases, Handoff.objects.order_by("id"), strict=True):
        Pause.objects.bulk_create(
            Pause(handoff=handoff, starts_at=since, ends_at=until, reason="Away") for since, until in PAUSES[pauses]
        )
        facts = {"met_at": None, "cancelled_at": None, "next_check_at": None} | ENDINGS[ending]
        handoff.timers.update(started_at=START, warn_at=WARN, due_at=DUE, **facts)
        made[handoff.timers.get().pk] = (ending, pauses)
    return made


def state_in_python(ending, pauses, now):
    facts = {"met_at": None, "cancelled_at": None} | ENDINGS[ending]
    running = next((span for span in PAUSES[pauses] if span[0] <= now < span[1]), (None, None))
    return timer_state(now=now, due_at=DUE, paused_from=running[0], paused_until=running[1], **facts).value


def test_both_say_the_same_for_every_combination(timers):
    seen = set()
    for now in INSTANTS:
        for pk, state in Timer.objects.with_state(now=now).values_list("pk", "state_now"):
            expected = state_in_python(*timers[pk], now)
            assert state == expected, (timers[pk], now)
            seen.add(state)
    assert seen == {"running", "paused", "met", "late", "missed", "cancelled"}


def test_soon_is_from_the_warning_up_to_the_due_time(timers):
    for now in INSTANTS:
        soon = set(Timer.objects.with_state(now=now).filter(is_soon=True).values_list("pk", flat=True))
        still_open = {pk for pk, (ending, _pauses) in timers.items() if ending == "open"}
        assert soon == (still_open if WARN <= now <= DUE else set()), now


def test_the_states_of_a_clock_that_runs_now(timers):
    """Without a frozen instant, as every page asks."""
    now = timezone.now()
    states = set(Timer.objects.with_state(now=now).values_list("state_now", flat=True))
    assert states == {state_in_python(*case, now) for case in timers.values()}
