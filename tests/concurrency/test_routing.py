"""Eight processes take from one queue: every lead goes to one person, nobody gets too many, and all their fair part."""

from __future__ import annotations

import collections
import random
from fractions import Fraction

import pytest
from django.utils import timezone

from crm import flows
from crm.flows import routes
from crm.models import Role, Team, User
from leads.models import Handoff, Rotation, RotationTurn, RoutingSettings
from leads.models.handoffs import OPEN
from sla.models import Timer
from tests.concurrency.conftest import Together

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES = 8
WEIGHTS = (3, 2, 1)


@pytest.fixture
def people(manager: User) -> list[User]:
    """Those who sell, by a rule with a weight of each; what they cannot take waits for them."""
    # A zone in which it is not about midnight, when what was given today would begin anew in the middle of it.
    zone = "Europe/Helsinki" if 2 <= timezone.now().hour < 20 else "America/Los_Angeles"
    made = [
        User.objects.create_user(
            f"s{n}@baton.example", name=f"Seller {n}", roles=(Role.SALESPERSON,), capacity=100, time_zone=zone
        )
        for n in range(len(WEIGHTS))
    ]
    weights = {person.pk: weight for person, weight in zip(made, WEIGHTS, strict=True)}
    routes.create_rule(actor=manager, values={"name": "All", "weights": weights, "otherwise": "wait"})
    return made


def queue_of(count: int) -> list[int]:
    """So many leads in review, each of a contact without a company."""
    now = timezone.now()
    contacts = [flows.ContactIn(email=f"lead{n}@firm.example") for n in range(count)]
    asked = [flows.ActivityIn(type="demo_request", occurred_at=now, contact=contact) for contact in contacts]
    flows.record_activities(activities=asked, by=None, actor=None, at=now)
    return list(Handoff.objects.filter(state="in_review").values_list("id", flat=True))


def test_eight_who_approve_the_same_queue_give_each_lead_to_one_person(
    hands: Together, marketer: User, people: list[User]
) -> None:
    """Each process goes through the whole queue in an order of its own, so that all meet at every lead."""
    ids = queue_of(48)
    chance = random.Random(8)
    orders = [
        {"act": "approve_each", "by": marketer.email, "handoff_ids": chance.sample(ids, len(ids))}
        for _process in range(PROCESSES)
    ]
    answers = [answer["result"] for answer in hands(orders)]
    for handoff_id in ids:
        became = collections.Counter(answer[str(handoff_id)] for answer in answers)
        assert became == {"offered": 1, "Conflict": PROCESSES - 1}
    assert Handoff.objects.filter(state="offered").count() == len(ids)
    got = collections.Counter(Handoff.objects.values_list("assignee", flat=True))
    for person, weight in zip(people, WEIGHTS, strict=True):
        assert abs(got[person.pk] - Fraction(len(ids) * weight, sum(WEIGHTS))) <= 1
    turns = list(RotationTurn.objects.order_by("number").values_list("number", "handoff"))
    assert [number for number, _handoff in turns] == list(range(1, len(ids) + 1))
    assert {handoff for _number, handoff in turns} == set(ids)
    counted = dict(Rotation.objects.get().shares.values_list("person", "given"))
    assert counted == dict(got)
    assert Timer.objects.open().filter(milestone="answer").count() == len(ids)


def test_eight_who_offer_what_waits_exceed_nobodys_capacity_and_lose_nothing(
    hands: Together, marketer: User, people: list[User]
) -> None:
    User.objects.filter(pk__in=[one.pk for one in people]).update(capacity=5)
    ids = queue_of(24)
    parts = [ids[n::PROCESSES] for n in range(PROCESSES)]
    hands([{"act": "approve_each", "by": marketer.email, "handoff_ids": part} for part in parts])
    assert held() == {person.pk: 5 for person in people}
    assert Handoff.objects.filter(state="waiting").count() == 9
    User.objects.filter(pk=people[0].pk).update(capacity=7, daily_capacity=7)
    User.objects.filter(pk=people[1].pk).update(capacity=20, daily_capacity=8)
    for _pass in range(3):
        answers = hands([{"act": "route_waiting"}] * PROCESSES)
        assert all("result" in answer for answer in answers)
    assert held() == {people[0].pk: 7, people[1].pk: 8, people[2].pk: 5}
    assert Handoff.objects.filter(state="waiting").count() == 4
    assert Handoff.objects.filter(state__in=OPEN).count() == len(ids)


def test_what_is_approved_and_disqualified_at_once_becomes_one_of_the_two(
    hands: Together, marketer: User, people: list[User]
) -> None:
    """Some wait for capacity by then, from where they could be disqualified too: but they were seen in review."""
    User.objects.filter(pk__in=[one.pk for one in people]).update(capacity=5)
    ids = queue_of(30)
    approving = {"act": "approve_each", "by": marketer.email, "handoff_ids": ids}
    closing = {"act": "disqualify_each", "by": marketer.email, "handoff_ids": ids[::-1]}
    approved, closed = (answer["result"] for answer in hands([approving, closing]))
    for handoff in Handoff.objects.select_related("contact"):
        became = {approved[str(handoff.pk)], closed[str(handoff.pk)]}
        assert became in ({"Conflict", "offered"}, {"Conflict", "waiting"}, {"Conflict", "closed"})
        assert handoff.state in became
        assert handoff.contact.is_disqualified is (handoff.state == "closed")


def test_what_a_manager_and_the_sweep_offer_at_once_stays_with_the_first(
    hands: Together, marketer: User, manager: User, people: list[User]
) -> None:
    """Meanwhile the wait of all of it is changed."""
    Team.objects.create(name="Partner", kind="partner")
    User.objects.update(is_on_duty=False)
    ids = queue_of(24)
    hands([{"act": "approve_each", "by": marketer.email, "handoff_ids": ids}])
    User.objects.update(is_on_duty=True)
    RoutingSettings.objects.update(most_a_pass=100)
    named = people[2]
    manual = {"act": "offer_each", "by": manager.email, "handoff_ids": ids[::-1], "to": named.email}
    waits = {"act": "set_wait", "by": manager.email, "seconds": list(range(3600, 3620))}
    by_hand, _swept, set_waits = hands([manual, {"act": "route_waiting"}, waits])
    assert set_waits["result"] == 20
    for handoff in Handoff.objects.all():
        offers = list(handoff.events.filter(verb__in=["offer", "reassign"]).values_list("verb", "actor", "assignee"))
        is_by_hand = by_hand["result"][str(handoff.pk)] == "offered"
        assert offers == [("offer", manager.pk if is_by_hand else None, handoff.assignee_id)]
        assert not is_by_hand or handoff.assignee == named


def held() -> dict[int, int]:
    """How many open leads each person holds."""
    return dict(collections.Counter(Handoff.objects.filter(state="offered").values_list("assignee", flat=True)))
