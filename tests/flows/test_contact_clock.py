"""What stops the contact clock and what never does; contacts that are entered after they happened."""

import datetime as dt

import pytest

from crm import flows, notice_words
from crm.models import Notice
from leads.models import Activity, ActivityType, Handoff
from sla.models import Calendar, Policy, Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)
INBOUND = (
    "page_view",
    "form_submission",
    "content_download",
    "email_open",
    "email_click",
    "email_reply",
    "webinar_attended",
    "event_attended",
    "demo_request",
    "unsubscribe",
    "bounce",
)
OURS = ("call", "meeting", "email")

pytestmark = pytest.mark.django_db


@pytest.fixture
def offered(marketer, salesperson):
    """A lead offered to `salesperson` at `AT`, to be contacted within eight hours of a calendar that never closes."""
    Policy.objects.update(calendar=Calendar.objects.get(always_open=True))
    asked = flows.ActivityIn(type="demo_request", occurred_at=AT, contact=flows.ContactIn(email="eva@firm.example"))
    flows.record_activities(activities=[asked], by=None, actor=None, at=AT)
    handoff = Handoff.objects.get()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)


def record(handoff, type_, *, actor=None, by=None, happened=AT + HOUR, at=AT + HOUR, **more):
    given = flows.ActivityIn(type=type_, occurred_at=happened, contact_id=handoff.contact_id, **more)
    return flows.record_activities(activities=[given], by=by, actor=actor, at=at)[0]


def log(by, handoff, *, happened, at, type_="call"):
    return flows.log_contact(
        actor=by, contact_id=handoff.contact_id, type=type_, outcome="no_answer", occurred_at=happened, at=at
    )


def contact_clock(now=AT + 2 * HOUR):
    return Timer.objects.with_state(now=now).get(milestone="contact")


def test_every_type_is_known_to_these_tests():
    assert set(ActivityType.objects.values_list("code", flat=True)) == {*INBOUND, *OURS, "note"}


@pytest.mark.parametrize("type_", INBOUND)
def test_what_a_contact_does_never_stops_the_clock(offered, salesperson, type_):
    for actor in (None, salesperson):
        assert record(offered, type_, actor=actor, by=actor).status == "created"
    assert contact_clock().state_now == "running"


@pytest.mark.parametrize("type_", [*OURS, "note"])
def test_what_comes_in_by_phone_mail_or_in_person_never_stops_the_clock(offered, salesperson, type_):
    record(offered, type_, actor=salesperson, by=salesperson, direction="inbound")
    assert contact_clock().state_now == "running"


@pytest.mark.parametrize("type_", [*OURS, "note"])
def test_automatic_mail_and_what_programs_do_never_stops_the_clock(offered, marketer, type_):
    """An integration's key speaks for a user, and records no person as the one who acted."""
    record(offered, type_, actor=None, by=marketer, direction="outbound", source="mailing")
    assert contact_clock().state_now == "running"


def test_a_note_never_stops_the_clock(offered, salesperson):
    log(salesperson, offered, type_="note", happened=AT + HOUR, at=AT + HOUR)
    assert contact_clock().state_now == "running"


def test_no_act_on_the_lead_stops_the_clock(offered, salesperson, other_salesperson, manager, marketer):
    flows.pause_clocks(actor=marketer, handoff_id=offered.pk, until=AT + MINUTE, reason="Away", at=AT)
    flows.resume_clocks(actor=marketer, handoff_id=offered.pk, at=AT)
    flows.reassign(actor=manager, handoff_id=offered.pk, assignee_email=other_salesperson.email, at=AT + MINUTE)
    flows.reassign(actor=None, handoff_id=offered.pk, at=AT + 2 * MINUTE)
    flows.accept(actor=salesperson, handoff_id=offered.pk, at=AT + 3 * MINUTE)
    flows.adjust_score(actor=marketer, contact_id=offered.contact_id, points=5, reason="Met them", at=AT + 4 * MINUTE)
    flows.edit_contact(
        actor=salesperson, contact_id=offered.contact_id, values={"phone": "+358 40 1"}, at=AT + 5 * MINUTE
    )
    flows.sweep_scores(at=AT + HOUR)
    flows.sweep_timers(at=AT + HOUR)
    timer = contact_clock()
    assert (timer.state_now, timer.started_at, timer.due_at) == ("running", AT, AT + 8 * HOUR)


@pytest.mark.parametrize("type_", OURS)
def test_an_attempt_of_a_person_stops_the_clock(offered, salesperson, type_):
    log(salesperson, offered, type_=type_, happened=AT + HOUR, at=AT + HOUR)
    assert (contact_clock().state_now, contact_clock().met_at) == ("met", AT + HOUR)
    offered.refresh_from_db()
    assert offered.state == "offered"  # it meets contact, not answer
    assert Timer.objects.get(milestone="answer").met_at is None


def test_a_contact_of_before_the_offer_stops_nothing(offered, salesperson):
    recorded = log(salesperson, offered, happened=AT - MINUTE, at=AT + HOUR)
    assert recorded.status == "created"
    offered.refresh_from_db()
    assert (contact_clock().state_now, offered.contacted_at) == ("running", None)
    log(salesperson, offered, happened=AT, at=AT + HOUR)
    assert contact_clock().met_at == AT


def test_a_contact_entered_later_counts_when_it_happened(offered, salesperson):
    """Late becomes met, missed becomes met, and never the other way round."""
    log(salesperson, offered, happened=AT + 9 * HOUR, at=AT + 9 * HOUR)
    assert contact_clock(AT + 9 * HOUR).state_now == "late"
    log(salesperson, offered, happened=AT + 7 * HOUR, at=AT + 10 * HOUR)
    assert (contact_clock(AT + 10 * HOUR).state_now, contact_clock().met_at) == ("met", AT + 7 * HOUR)
    log(salesperson, offered, happened=AT + 8 * HOUR, at=AT + 11 * HOUR)
    assert contact_clock().met_at == AT + 7 * HOUR
    offered.refresh_from_db()
    assert (offered.contacted_at, offered.last_contacted_at) == (AT + 7 * HOUR, AT + 9 * HOUR)


def story(kind):
    notice = Notice.objects.filter(kind=kind, timer__milestone="contact")
    said = notice_words.describe(notice.select_related(*notice_words.RELATED).get())
    return said.summary, said.text


def test_an_alert_tells_what_came_of_it_since(offered, salesperson, manager):
    flows.sweep_timers(at=AT + 8 * HOUR)
    assert story("breach") == (
        "Was due Tue 3 Mar 2026, 16:00 UTC.",
        "Call or write, and log it: an attempt counts.",
    )
    log(salesperson, offered, happened=AT + 9 * HOUR, at=AT + 9 * HOUR)
    assert story("breach") == ("Was due Tue 3 Mar 2026, 16:00 UTC. Met late, Tue 3 Mar 2026, 17:00 UTC.", "")
    log(salesperson, offered, happened=AT + 7 * HOUR, at=AT + 10 * HOUR)
    for kind in ("breach", "escalate"):
        assert story(kind) == (
            "Was due Tue 3 Mar 2026, 16:00 UTC. It was met in time, Tue 3 Mar 2026, 15:00 UTC; that was entered later.",
            "",
        )


def test_both_times_are_kept(offered, salesperson):
    log(salesperson, offered, happened=AT + HOUR, at=AT + 3 * HOUR)
    row = Activity.objects.get(type="call")
    assert (row.occurred_at, row.recorded_at, row.actor) == (AT + HOUR, AT + 3 * HOUR, salesperson)
