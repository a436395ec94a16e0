"""The main job, end to end: a contact comes in, crosses, is reviewed, offered, answered, called, won."""

import datetime as dt
from decimal import Decimal

import pytest

from crm import flows
from crm.models import Delivery, Notice
from leads.models import Activity, Contact, Handoff
from sla.models import Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(salesperson):
    return salesperson


def send(*types, email="eva@firm.example", at=AT, **more):
    items = [
        flows.ActivityIn(
            type=type_.split(" ")[0],
            occurred_at=at,
            external_id=f"{email}-{index}-{at:%H%M%S}",
            contact=flows.ContactIn(email=email),
            properties={"path": type_.split(" ")[1]} if " " in type_ else {},
            **more,
        )
        for index, type_ in enumerate(types)
    ]
    return flows.record_activities(activities=items, by=None, actor=None, at=at)


CROSSING = ("demo_request", "content_download", *["page_view /pricing"] * 5)


def test_a_list_of_activities_brings_a_new_contact_to_the_review_queue():
    results = send(*CROSSING)
    assert {one.status for one in results} == {"created"}
    contact = Contact.objects.get(email="eva@firm.example")
    handoff = Handoff.objects.get(contact=contact)
    assert (contact.stage, handoff.state, handoff.cause) == ("mql", "in_review", "request")
    assert Timer.objects.get(handoff=handoff).milestone == "review"
    assert [row.to_stage for row in contact.stage_changes.all()] == ["subscriber", "lead", "mql"]


def test_the_same_list_again_changes_nothing():
    send(*CROSSING)
    again = send(*CROSSING)
    assert {one.status for one in again} == {"duplicate"}
    assert (Activity.objects.count(), Handoff.objects.count()) == (7, 1)


def test_ten_views_of_the_blog_cross_nothing():
    send(*["page_view /blog"] * 10)
    assert Contact.objects.get().stage == "subscriber"


def test_approve_accept_call_offer_win(marketer, seller):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, at=AT + HOUR)
    handoff.refresh_from_db()
    assert (handoff.state, handoff.assignee) == ("offered", seller)
    flows.accept(actor=seller, handoff_id=handoff.pk, rating=4, at=AT + 2 * HOUR)
    flows.log_contact(
        actor=seller,
        contact_id=handoff.contact_id,
        type="call",
        outcome="reached",
        occurred_at=AT + 2 * HOUR + MINUTE,
        at=AT + 3 * HOUR,
    )
    states = {timer.milestone: timer.state_now for timer in Timer.objects.with_state(now=AT + 4 * HOUR)}
    assert states == {"review": "met", "answer": "met", "contact": "met"}
    opportunity = flows.open_opportunity(
        actor=seller, handoff_id=handoff.pk, name="Ten docks", amount=Decimal("9800"), at=AT + 4 * HOUR
    )
    flows.win_opportunity(actor=seller, opportunity_id=opportunity.pk, reason="best_fit", at=AT + 5 * HOUR)
    contact = Contact.objects.get()
    assert (contact.stage, contact.owner) == ("customer", seller)
    assert Handoff.objects.get().state == "closed"


def test_a_rejected_lead_goes_back_to_the_queue_with_its_answer(marketer, seller):
    send(*CROSSING)
    first = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=first.pk, assignee_email=seller.email, at=AT + HOUR)
    flows.reject(actor=seller, handoff_id=first.pk, reason="too_early", comment="Next year.", at=AT + 2 * HOUR)
    again = Handoff.objects.get(state="in_review")
    assert (again.previous, again.contact.stage) == (first, "mql")
    assert again.previous.reason.code == "too_early"
    assert set(Timer.objects.open().values_list("handoff_id", "milestone")) == {(again.pk, "review")}
    assert Notice.objects.filter(recipient=marketer, kind="rejected").count() == 1


def test_a_missed_clock_tells_its_owner_once_and_the_manager(marketer, seller, manager):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=seller.email, at=AT + HOUR)
    for hours in (5, 6, 30, 60):
        flows.sweep_timers(at=AT + hours * HOUR)
    told = Notice.objects.filter(timer__milestone="answer").values_list("kind", "recipient__email")
    assert sorted(told) == [("breach", seller.email), ("escalate", manager.email), ("warn", seller.email)]
    assert Delivery.objects.filter(notice__timer__milestone="answer").count() == 3


def test_undo_of_a_rejection_puts_everything_back(marketer, seller):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=seller.email, at=AT + HOUR)
    flows.reject(actor=seller, handoff_id=handoff.pk, reason="too_early", at=AT + 2 * HOUR)
    flows.undo(actor=seller, handoff_id=handoff.pk, at=AT + 2 * HOUR + MINUTE)
    handoff = Handoff.objects.get()
    assert (handoff.state, handoff.reason, handoff.ended_at) == ("offered", None, None)
    assert set(Timer.objects.open().values_list("milestone", flat=True)) == {"answer", "contact"}
    assert not Notice.objects.filter(kind="rejected").exists()
