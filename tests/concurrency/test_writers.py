"""Many who write at the same instant: what must happen once happens once, and one of two who act is told so."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from crm import flows
from crm.models import User
from leads.models import Activity, Contact, Handoff, StageChange
from sla.models import Timer
from tests.concurrency.conftest import Together

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 8
ROUNDS = 6


def visits(email: str, *, by: int) -> list[dict[str, Any]]:
    """What one of several writers has to tell: alone too little, together more than the threshold."""
    return [
        {"type": "content_download", "external_id": f"{email}-{by}-download", "email": email},
        {
            "type": "page_view",
            "external_id": f"{email}-{by}-pricing",
            "email": email,
            "properties": {"path": "/pricing"},
        },
        {"type": "webinar_attended", "external_id": f"{email}-{by}-webinar", "email": email},
    ]


def ask_for_a_demo(name: str) -> Handoff:
    """A handoff that waits for its review."""
    now = timezone.now()
    email = f"{name}@firm.example"
    flows.record_activities(
        activities=[flows.ActivityIn(type="demo_request", occurred_at=now, contact=flows.ContactIn(email=email))],
        by=None,
        actor=None,
        at=now,
    )
    return Handoff.objects.get(contact__email=email)


def outcomes(answers: list[dict[str, Any]]) -> list[str]:
    return sorted(answer.get("refused") or answer["result"] for answer in answers)


def test_writers_who_meet_at_the_threshold_promote_once(hands: Together) -> None:
    for number in range(ROUNDS):
        email = f"eva{number}@firm.example"
        at = timezone.now().isoformat()
        answers = hands(
            [{"act": "record", "activities": visits(email, by=writer), "at": at} for writer in range(WRITERS)]
        )
        assert answers == [{"result": ["created"] * 3}] * WRITERS
        contact = Contact.objects.get(email=email)
        assert contact.stage == "mql"
        assert contact.activities.count() == 3 * WRITERS
        assert StageChange.objects.filter(contact=contact, to_stage="mql").count() == 1
        handoff = contact.handoffs.get()
        assert handoff.state == "in_review"
        assert Timer.objects.get(handoff=handoff).milestone == "review"


def test_one_writer_alone_stays_below_the_threshold(hands: Together) -> None:
    hands([{"act": "record", "activities": visits("eva@firm.example", by=0), "at": timezone.now().isoformat()}])
    assert not Handoff.objects.exists()


def test_the_same_list_from_all_writers_is_taken_once(hands: Together) -> None:
    for number in range(ROUNDS):
        activities = [one for i in range(10) for one in visits(f"ivo{number}x{i}@firm.example", by=0)]
        order = {"act": "record", "activities": activities, "at": timezone.now().isoformat()}
        answers = hands([order] * WRITERS)
        statuses = [status for answer in answers for status in answer["result"]]
        assert statuses.count("created") == len(activities)
        assert statuses.count("duplicate") == len(activities) * (WRITERS - 1)
        assert Activity.objects.filter(contact__email__startswith=f"ivo{number}x").count() == len(activities)
        assert Contact.objects.filter(email__startswith=f"ivo{number}x").count() == 10


def test_lists_that_name_the_same_contacts_in_opposite_order_do_not_lock_each_other_out(hands: Together) -> None:
    for number in range(ROUNDS):
        emails = [f"ada{number}x{i}@firm.example" for i in range(10)]
        at = timezone.now().isoformat()
        orders = []
        for writer in range(WRITERS):
            named = emails if writer % 2 else emails[::-1]
            orders.append(
                {"act": "record", "activities": [one for e in named for one in visits(e, by=writer)], "at": at}
            )
        answers = hands(orders)
        assert [set(answer["result"]) for answer in answers] == [{"created"}] * WRITERS
        assert Handoff.objects.filter(contact__email__in=emails, state="in_review").count() == 10


def test_of_two_who_approve_one_wins(
    hands: Together, marketer: User, manager: User, salesperson: User, other_salesperson: User
) -> None:
    for number in range(ROUNDS):
        handoff = ask_for_a_demo(f"eva{number}")
        both = [(marketer, salesperson), (manager, other_salesperson)]
        answers = hands(
            [
                {"act": "verb", "name": "approve", "by": by.email, "handoff_id": handoff.pk, "assignee_email": to.email}
                for by, to in both
            ]
        )
        assert outcomes(answers) == ["Conflict", "offered"]
        winner = next(to for (_by, to), answer in zip(both, answers, strict=True) if "result" in answer)
        handoff.refresh_from_db()
        assert (handoff.state, handoff.assignee) == ("offered", winner)
        assert sorted(handoff.timers.values_list("milestone", flat=True)) == ["answer", "contact", "review"]


def test_of_accepting_and_rejecting_one_wins(hands: Together, marketer: User, salesperson: User) -> None:
    for number in range(ROUNDS):
        handoff = ask_for_a_demo(f"eva{number}")
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=timezone.now())
        same: dict[str, Any] = {"act": "verb", "by": salesperson.email, "handoff_id": handoff.pk}
        answers = hands([same | {"name": "accept"}, same | {"name": "reject", "reason": "too_early"}])
        handoff.refresh_from_db()
        assert handoff.state in ("accepted", "rejected")
        assert outcomes(answers) == sorted(["Conflict", handoff.state])
        assert handoff.contact.handoffs.open().count() == 1


def test_accepting_and_reassigning_at_once_end_as_if_one_came_after_the_other(
    hands: Together, marketer: User, manager: User, salesperson: User, other_salesperson: User
) -> None:
    for number in range(ROUNDS):
        handoff = ask_for_a_demo(f"eva{number}")
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=timezone.now())
        same: dict[str, Any] = {"act": "verb", "handoff_id": handoff.pk}
        accepted, moved = hands(
            [
                same | {"name": "accept", "by": salesperson.email},
                same | {"name": "reassign", "by": manager.email, "assignee_email": other_salesperson.email},
            ]
        )
        handoff.refresh_from_db()
        contact = handoff.contact
        assert handoff.assignee == other_salesperson
        if "result" in accepted:
            # Accepted first: the manager then moved a lead that somebody works on, and its owner with it.
            assert moved == {"result": "accepted"}
            assert (handoff.state, contact.owner, contact.stage) == ("accepted", other_salesperson, "sql")
        else:
            assert accepted["refused"] in ("Forbidden", "NotFound", "Conflict")
            assert moved == {"result": "offered"}
            assert (handoff.state, contact.owner, contact.stage) == ("offered", None, "mql")
