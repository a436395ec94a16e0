"""The next step of a contact: planned with a contact, kept by the next, and whatever becomes of the handoff."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.queries import unnoticed
from leads.models import Contact, Handoff, Task
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
NOON = AT + 4 * HOUR


@pytest.fixture
def accepted(marketer, salesperson):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + HOUR)
    return Handoff.objects.get()


def log(who, handoff, *, at, type_="call", outcome="no_answer", **more):
    return flows.log_contact(
        actor=who, contact_id=handoff.contact_id, type=type_, outcome=outcome, occurred_at=at, at=at, **more
    )


def plan(who, handoff, *, at=AT + HOUR, due=AT + 2 * DAY, **more):
    return flows.add_task(actor=who, contact_id=handoff.contact_id, due_at=due, at=at, **more)


def steps():
    return [(task.kind, task.due_at, task.state) for task in Task.objects.order_by("id")]


def test_a_next_step_said_with_a_call_is_a_task_of_its_owner_and_the_next_call_does_it(accepted, salesperson):
    log(salesperson, accepted, at=NOON, next_at=AT + 2 * DAY, next_step="Send the price")
    task = Task.objects.get()
    assert (task.owner, task.what, task.kind, task.is_open) == (salesperson, "Send the price", "call", True)
    assert list(Task.objects.next_steps()) == [task]
    log(salesperson, accepted, at=AT + DAY, next_at=AT + 5 * DAY)
    assert steps() == [("call", AT + 2 * DAY, "done"), ("call", AT + 5 * DAY, "open")]


def test_another_day_said_with_a_note_moves_the_next_step_instead_of_adding_one(accepted, salesperson):
    log(salesperson, accepted, at=NOON, next_at=AT + 2 * DAY)
    log(salesperson, accepted, at=NOON + HOUR, type_="note", outcome="", next_at=AT + 3 * DAY)
    assert steps() == [("call", AT + 3 * DAY, "open")]


def test_a_call_keeps_neither_a_meeting_to_come_nor_what_was_planned_after_it(accepted, salesperson):
    meeting = plan(salesperson, accepted, kind="meeting", has_time=True)
    later = plan(salesperson, accepted, at=AT + DAY, due=AT + 9 * DAY)
    log(salesperson, accepted, at=AT + DAY - HOUR)
    assert {task.pk for task in Task.objects.open()} == {meeting.pk, later.pk}
    log(salesperson, accepted, at=AT + 2 * DAY, type_="meeting", outcome="")
    assert [task.pk for task in Task.objects.open()] == [later.pk]


def test_a_manager_plans_for_the_owner_and_a_marketer_for_themselves(accepted, salesperson, manager, marketer):
    log(manager, accepted, at=NOON, type_="note", outcome="", note="Ring", next_at=AT + DAY)
    log(marketer, accepted, at=NOON, type_="note", outcome="", note="Case", next_at=AT + DAY)
    assert [task.owner for task in Task.objects.order_by("id")] == [salesperson, marketer]
    assert [task.owner for task in Task.objects.next_steps()] == [salesperson]


def test_a_lead_that_was_called_and_has_no_task_is_listed_as_without_a_next_step(accepted, salesperson, manager):
    log(salesperson, accepted, at=NOON, outcome="reached")
    kind = unnoticed.Kind.NO_STEP
    assert unnoticed.counts(user=manager, now=NOON)[kind] == 1
    plan(salesperson, accepted, at=NOON)
    assert unnoticed.counts(user=manager, now=NOON)[kind] == 0


@pytest.mark.parametrize("verb", ["recycle", "disqualify"])
def test_who_gives_a_contact_away_has_nothing_to_do_with_it_until_they_take_that_back(accepted, salesperson, verb):
    task = plan(salesperson, accepted)
    if verb == "recycle":
        flows.recycle(
            actor=salesperson, handoff_id=accepted.pk, reason="too_early", resurface_at=AT + 90 * DAY, at=NOON
        )
    else:
        flows.disqualify(actor=salesperson, contact_id=accepted.contact_id, reason="not_a_buyer", at=NOON)
    task.refresh_from_db()
    assert task.state == "cancelled" and task.end_reason
    with pytest.raises(Conflict):
        flows.undo_task(actor=salesperson, task_id=task.pk, at=NOON + MINUTE)
    flows.undo(actor=salesperson, handoff_id=accepted.pk, at=NOON + MINUTE)
    task.refresh_from_db()
    assert (task.state, task.end_reason) == ("open", "")


def test_what_was_planned_follows_the_contact_to_its_new_owner_and_back(
    accepted, salesperson, other_salesperson, manager
):
    task = plan(salesperson, accepted)
    flows.reassign(actor=manager, handoff_id=accepted.pk, assignee_email=other_salesperson.email, at=NOON)
    task.refresh_from_db()
    assert task.owner == other_salesperson
    flows.undo(actor=manager, handoff_id=accepted.pk, at=NOON + MINUTE)
    task.refresh_from_db()
    assert task.owner == salesperson


@pytest.mark.parametrize("act", ["add", "change", "finish", "cancel"])
def test_every_change_of_a_task_is_taken_back_by_the_same_person_within_ten_minutes(
    accepted, salesperson, manager, act
):
    task = plan(salesperson, accepted, at=NOON)
    if act == "change":
        flows.change_task(actor=salesperson, task_id=task.pk, values={"due_at": AT + 9 * DAY}, at=NOON)
    elif act == "finish":
        flows.finish_task(actor=salesperson, task_id=task.pk, at=NOON)
    elif act == "cancel":
        flows.cancel_task(actor=salesperson, task_id=task.pk, reason="They moved", at=NOON)
    with pytest.raises(Forbidden):
        flows.undo_task(actor=manager, task_id=task.pk, at=NOON + MINUTE)
    with pytest.raises(Conflict):
        flows.undo_task(actor=salesperson, task_id=task.pk, at=NOON + 11 * MINUTE)
    flows.undo_task(actor=salesperson, task_id=task.pk, at=NOON + MINUTE)
    task.refresh_from_db()
    assert (task.state, task.due_at) == ("cancelled" if act == "add" else "open", AT + 2 * DAY)


def test_calendars_hear_of_a_new_time_by_a_higher_number_under_the_same_name(accepted, salesperson):
    task = plan(salesperson, accepted, kind="meeting", has_time=True)
    moved = flows.change_task(actor=salesperson, task_id=task.pk, values={"due_at": AT + 3 * DAY}, at=NOON)
    assert (moved.uid, moved.sequence) == (task.uid, task.sequence + 1)
    same = flows.change_task(actor=salesperson, task_id=task.pk, values={"due_at": AT + 3 * DAY}, at=NOON)
    assert same.sequence == moved.sequence


def test_who_may_plan_for_whom(accepted, salesperson, other_salesperson, manager, marketer):
    with pytest.raises(NotFound):
        plan(other_salesperson, accepted)
    with pytest.raises(Invalid):  # the other cannot see the contact
        plan(manager, accepted, owner_email=other_salesperson.email)
    with pytest.raises(Invalid):
        plan(salesperson, accepted, due=AT)
    assert plan(marketer, accepted, owner_email=salesperson.email).owner == salesperson
    with pytest.raises(Forbidden):
        plan(marketer, accepted, owner_email=manager.email)


def test_who_may_change_what(accepted, salesperson, other_salesperson, manager, marketer):
    task = plan(salesperson, accepted)
    with pytest.raises(NotFound):
        flows.finish_task(actor=other_salesperson, task_id=task.pk, at=NOON)
    with pytest.raises(Forbidden):
        flows.finish_task(actor=marketer, task_id=task.pk, at=NOON)
    flows.finish_task(actor=manager, task_id=task.pk, at=NOON)
    with pytest.raises(Conflict):
        flows.cancel_task(actor=salesperson, task_id=task.pk, at=NOON)


def test_a_task_is_never_done_and_canceled(accepted, salesperson):
    task = plan(salesperson, accepted)
    with pytest.raises(IntegrityError), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(done_at=NOON, cancelled_at=NOON)


def test_tasks_go_along_when_contacts_are_merged(accepted, marketer, manager):
    other = flows.create_contact(actor=marketer, values={"last_name": "Berg"}, at=AT)
    flows.add_task(actor=marketer, contact_id=other.pk, due_at=AT + DAY, at=AT)
    flows.merge_contacts(actor=manager, kept=accepted.contact_id, merged=other.pk, at=NOON)
    assert Task.objects.get().contact == Contact.objects.get()
