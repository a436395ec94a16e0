"""An undo takes back its own act, and nothing that others did meanwhile."""

import datetime as dt

import pytest

from crm import flows
from crm.flows import promises
from crm.queries import verify
from sla.models import LadderAct, Policy, Timer
from tests.flows.test_ladder import AT, HOUR, TARGET, offer, promise

MINUTE = dt.timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def accepted(marketer, salesperson):
    """A lead accepted an hour after it was offered; both clocks stand under promises of their own."""
    promise("answer", [{"kind": "warn", "to": "owner", "at_percent": 50}])
    promise("contact", [{"kind": "warn", "to": "owner", "at_percent": 50}], seconds=2 * TARGET)
    handoff = offer(marketer, salesperson)
    return flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + HOUR)


def running(handoff, milestone):
    return Timer.objects.open().get(handoff=handoff, milestone=milestone)


def test_a_clock_that_was_moved_to_another_promise_meanwhile_stays_moved(accepted, salesperson, administrator):
    policy = Policy.objects.get(name="contact by ladder")
    values = {name: getattr(policy, name) for name in ("name", "milestone", "calendar", "conditions", "steps")}
    promises.edit_policy(
        actor=administrator,
        policy_id=policy.pk,
        values=values | {"target_seconds": 3 * TARGET},
        at=AT + HOUR + MINUTE,
        has_move=True,
    )
    moved = running(accepted, "contact")
    assert (moved.policy_version, moved.due_at) == (2, AT + 12 * HOUR)
    flows.undo(actor=salesperson, handoff_id=accepted.pk, at=AT + HOUR + 2 * MINUTE)
    contact = running(accepted, "contact")
    assert (contact.policy_version, contact.due_at, contact.started_at) == (2, AT + 12 * HOUR, AT)
    assert running(accepted, "answer").due_at == AT + 4 * HOUR
    assert not Timer.objects.outdated().exists()
    assert list(verify.clock_differences()) == []


def test_a_clock_that_only_the_act_moved_is_as_before(accepted, salesperson, administrator):
    """The promise was changed, but its running clocks were left on the old one."""
    policy = Policy.objects.get(name="contact by ladder")
    before = running(accepted, "contact")
    Policy.objects.filter(pk=policy.pk).update(version=2)
    flows.undo(actor=salesperson, handoff_id=accepted.pk, at=AT + HOUR + 2 * MINUTE)
    assert running(accepted, "contact") == before


def test_a_step_that_was_skipped_because_of_the_act_is_taken_after_its_undo(
    marketer, salesperson, other_salesperson, manager
):
    promise("answer", [{"kind": "reassign", "at_percent": 100}])
    handoff = offer(marketer, salesperson)
    due_at = AT + 4 * HOUR
    Timer.objects.filter(handoff=handoff, milestone="answer").update(step=1, next_check_at=None)
    timer = Timer.objects.get(handoff=handoff, milestone="answer")
    act = LadderAct.objects.create(timer=timer, step=0, kind="reassign", due_at=due_at, next_attempt_at=due_at)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=due_at)
    flows.sweep_timers(at=due_at + MINUTE)
    act.refresh_from_db()
    assert act.outcome == "moot"
    flows.undo(actor=salesperson, handoff_id=handoff.pk, at=due_at + 2 * MINUTE)
    flows.sweep_timers(at=due_at + 3 * MINUTE)
    act.refresh_from_db()
    handoff.refresh_from_db()
    assert (act.outcome, handoff.assignee) == ("moved", other_salesperson)
