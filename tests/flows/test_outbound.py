"""Outbound: so many contacts of a segment a working day become leads of a campaign, each once."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid
from crm.flows import outbounds
from crm.queries import outbounds as queries
from crm.queries import verify
from leads import segments
from leads.models import Campaign, Contact, Handoff, HandoverRule, Outbound, OutboundContact, Segment
from sla.models import Calendar, Timer

MONDAY = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
ENDS = (20, 40, 60, 90, 400)

pytestmark = pytest.mark.django_db


@pytest.fixture
def finns(marketer):
    """Five contacts in Finland with the days until their contracts end, and one in Sweden."""
    found = []
    for number, days in enumerate(ENDS):
        email = f"c{number}@firm.example"
        activity = flows.ActivityIn(
            type="page_view", occurred_at=MONDAY, contact=flows.ContactIn(email=email, fields={"country": "FI"})
        )
        flows.record_activities(activities=[activity], by=None, actor=None, at=MONDAY)
        contact = Contact.objects.get(email=email)
        contact.attributes = {"contract_ends": (MONDAY + days * DAY).date().isoformat()}
        contact.save()
        found.append(contact)
    flows.create_contact(actor=marketer, values={"email": "s@firm.example", "country": "SE"}, at=MONDAY)
    return found


@pytest.fixture
def finland(marketer):
    conditions = [{"field": "country", "op": "equals", "value": "FI"}]
    values = {"name": "Finland", "conditions": conditions}
    return segments.save_segment(Segment(), values=values, actor=marketer, at=MONDAY)


@pytest.fixture
def set_up(marketer, finland):
    """`set_up(…)` is one that runs, two a working day, for review."""

    def make(*, is_running=True, **given):
        values = {
            "name": "Spring calls",
            "segment": finland,
            "date_attribute": "",
            "within_days": None,
            "campaign": Campaign.objects.get_or_create(name="Spring", defaults={"created_at": MONDAY})[0],
            "then": "review",
            "per_day": 2,
            "calendar": Calendar.objects.get(always_open=False),
        }
        made = outbounds.create_outbound(actor=marketer, values=values | given, at=MONDAY)
        if is_running:
            outbounds.set_state(actor=marketer, outbound_id=made.pk, state="running", at=MONDAY)
        return made

    return make


def taken():
    return list(OutboundContact.objects.order_by("id").values_list("contact__email", flat=True))


def test_so_many_a_working_day_each_once(finns, set_up):
    made = set_up()
    assert outbounds.take_due(at=MONDAY + HOUR) == 2
    assert outbounds.take_due(at=MONDAY + 2 * HOUR) == 0
    assert Outbound.objects.get().next_check_at.date() == (MONDAY + DAY).date()
    assert outbounds.take_due(at=MONDAY + DAY + HOUR) == 2
    assert outbounds.take_due(at=MONDAY + 2 * DAY + HOUR) == 1
    assert outbounds.take_due(at=MONDAY + 3 * DAY + HOUR) == 0
    assert sorted(taken()) == [contact.email for contact in finns]
    assert Handoff.objects.filter(state="in_review", cause="outbound").count() == 5
    assert Contact.objects.filter(touches__campaign=made.campaign, stage="mql").count() == 5
    assert Timer.objects.open().filter(milestone="review").count() == 5
    assert [*verify.clock_differences(), *verify.stage_differences(), *verify.score_differences()] == []


def test_nobody_is_taken_outside_of_working_time(finns, set_up):
    set_up()
    sunday = MONDAY - DAY
    Outbound.objects.update(next_check_at=sunday)
    assert outbounds.take_due(at=sunday) == 0
    assert sunday < Outbound.objects.get().next_check_at <= MONDAY + HOUR


def test_a_date_that_comes_near_chooses_anew_each_day(finns, set_up):
    made = set_up(segment=None, date_attribute="contract_ends", within_days=45, per_day=10)
    assert outbounds.take_due(at=MONDAY + HOUR) == 2
    assert sorted(taken()) == [finns[0].email, finns[1].email]
    later = MONDAY + 21 * DAY
    assert [one.email for one in queries.candidates(made, at=later)] == [finns[2].email]
    assert outbounds.take_due(at=later + HOUR) == 1


def test_the_others_are_left_alone(finns, set_up, marketer):
    asked, gone, resting = finns[:3]
    flows.disqualify(actor=marketer, contact_id=gone.pk, reason="never_buys", at=MONDAY)
    ask = flows.ActivityIn(type="demo_request", occurred_at=MONDAY, external_id="ask", contact_id=asked.pk)
    flows.record_activities(activities=[ask], by=None, actor=None, at=MONDAY)
    set_up(per_day=100)
    assert outbounds.take_due(at=MONDAY + HOUR) == 3
    assert resting.email in taken() and asked.email not in taken() and gone.email not in taken()


def test_who_becomes_no_more_than_a_lead_is_warmed(finns, set_up):
    made = set_up(then="lead")
    assert outbounds.take_due(at=MONDAY + HOUR) == 2
    of_them = Contact.objects.filter(outbounds__outbound=made)
    assert set(of_them.values_list("stage", flat=True)) == {"lead"}
    assert of_them.filter(touches__campaign=made.campaign).count() == 2
    assert not Handoff.objects.exists()


def test_the_hand_over_rule_passes_them_on(finns, set_up, salesperson):
    HandoverRule.objects.create(
        name="Outbound",
        conditions=[{"field": "handoff.cause", "op": "equals", "value": "outbound"}],
        is_straight=True,
        position=-1,
    )
    set_up()
    outbounds.take_due(at=MONDAY + HOUR)
    assert set(Handoff.objects.values_list("state", "assignee")) == {("offered", salesperson.pk)}


def test_it_is_paused_and_ended(finns, set_up, marketer):
    made = set_up(is_running=False)
    assert queries.outlooks([made], user=marketer, at=MONDAY)[0].days == 3
    assert outbounds.take_due(at=MONDAY + HOUR) == 0

    def state(to):
        return outbounds.set_state(actor=marketer, outbound_id=made.pk, state=to, at=MONDAY)

    state("running")
    state("paused")
    assert outbounds.take_due(at=MONDAY + HOUR) == 0
    state("running")
    assert outbounds.take_due(at=MONDAY + HOUR) == 2
    state("ended")
    with pytest.raises(Conflict, match="Spring calls has ended"):
        state("running")
    assert outbounds.take_due(at=MONDAY + DAY + HOUR) == 0


def test_who_is_merged_is_taken_once(finns, set_up, marketer):
    set_up(then="lead", per_day=10)
    outbounds.take_due(at=MONDAY + HOUR)
    flows.merge_contacts(actor=marketer, kept=finns[0].pk, merged=finns[1].pk, at=MONDAY + HOUR)
    assert OutboundContact.objects.filter(contact=finns[0]).count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        OutboundContact.objects.create(outbound_id=Outbound.objects.get().pk, contact=finns[0], at=MONDAY)


def test_what_is_wrong_is_refused(set_up, salesperson, finland):
    for wrong in (
        {"segment": None},
        {"date_attribute": "contract_ends"},
        {"per_day": 0},
    ):
        with pytest.raises(Invalid), transaction.atomic():
            set_up(**wrong)
    made = set_up(is_running=False)
    with pytest.raises(Invalid, match="of this name already"):
        set_up(name="spring CALLS")
    with pytest.raises(Forbidden):
        outbounds.set_state(actor=salesperson, outbound_id=made.pk, state="running", at=MONDAY)
    with pytest.raises(Conflict, match="Spring calls"):
        segments.delete_segment(finland)
