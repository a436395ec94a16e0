"""Somebody leaves while others are given leads at the same instant: nobody goes with one in hand, and none is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from crm import flows
from crm.models import User
from crm.queries import verify
from leads.models import Handoff
from sla.models import Calendar, Policy
from tests.concurrency.conftest import Together

pytestmark = pytest.mark.django_db(transaction=True)

LEADS, GIVERS, CAPACITY = 21, 7, 30


@pytest.fixture
def sellers() -> list[User]:
    """Three salespeople with room for everything."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    return [
        User.objects.create_user(f"s{n}@baton.example", name=f"S{n}", roles=("salesperson",), capacity=CAPACITY)
        for n in range(3)
    ]


def test_who_leaves_while_leads_are_given_holds_none(
    hands: Together, marketer: User, administrator: User, sellers: list[User]
) -> None:
    now = timezone.now()
    asked = [
        flows.ActivityIn(type="demo_request", occurred_at=now, contact=flows.ContactIn(email=f"c{n}@firm.example"))
        for n in range(LEADS)
    ]
    flows.record_activities(activities=asked, by=None, actor=None, at=now)
    ids = list(Handoff.objects.filter(state="in_review").order_by("id").values_list("id", flat=True))
    flows.approve(actor=marketer, handoff_id=ids[0], assignee_email=sellers[0].email, at=now)
    gone = {"act": "leave", "by": administrator.email, "person": sellers[0].email}
    giving = [{"act": "approve_each", "by": marketer.email, "handoff_ids": ids[n + 1 :: GIVERS]} for n in range(GIVERS)]
    answer = hands([*giving, gone])[-1]
    if "refused" in answer:  # A lead came to them in that very moment: the administrator is asked to look again.
        assert answer["refused"] == "Conflict"
        assert "has changed meanwhile" in answer["text"]
        assert "result" in hands([gone])[0]
    sellers[0].refresh_from_db()
    assert not sellers[0].is_active
    held = Counter(Handoff.objects.open().values_list("assignee", flat=True))
    assert set(held) <= {sellers[1].pk, sellers[2].pk}
    assert sum(held.values()) == LEADS
    assert [*verify.clock_differences(), *verify.stage_differences()] == []
