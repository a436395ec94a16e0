"""`manage.py verify` finds nothing after real flows, and names what somebody tampered with."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import call_command

from crm import flows
from leads.models import Contact, ContactAddress, Handoff, RotationShare
from scoring.models import Component, Score
from sla.models import Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def worked(marketer, salesperson):
    """Two contacts, one of them accepted and called."""
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type=kind,
                occurred_at=AT,
                external_id=f"{email}-{kind}",
                contact=flows.ContactIn(email=email),
                properties={"mail": "spring"},
            )
            for email in ("a@firm.example", "b@firm.example")
            for kind in ("demo_request", "email_open", "content_download")
        ],
        by=None,
        actor=None,
        at=AT,
    )
    handoff = Handoff.objects.earliest("id")
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    flows.pause_clocks(actor=marketer, handoff_id=handoff.pk, until=AT + dt.timedelta(hours=3), reason="Away", at=AT)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + dt.timedelta(hours=1))
    flows.sweep_timers(at=AT + dt.timedelta(days=2))
    return handoff


def verify(*arguments):
    out = StringIO()
    try:
        call_command("verify", *arguments, stdout=out)
    except SystemExit as stop:
        return stop.code, out.getvalue()
    return 0, out.getvalue()


def test_nothing_differs_after_real_flows(worked):
    checks = ("scores", "clocks", "stages", "addresses", "turns")
    assert verify() == (0, "".join(f"{name}: no differences\n" for name in checks))


def test_a_component_that_was_changed_is_named(worked):
    component = Component.objects.earliest("id")
    Component.objects.filter(pk=component.pk).update(amount=component.amount + 1)
    code, said = verify("--scores")
    assert code == 1
    assert f"contact {component.contact_id}, rule “{component.rule.name}”" in said
    assert said.endswith("scores: 1 difference\n")


def test_a_score_that_was_changed_is_named(worked):
    Score.objects.filter(contact=worked.contact_id).update(value=99)
    assert verify("--scores")[0] == 1


@pytest.mark.parametrize("column", ["due_at", "next_check_at"])
def test_a_clock_that_was_changed_is_named(worked, column):
    timer = (
        Timer.objects.open().filter(next_check_at__isnull=column != "next_check_at").first() or Timer.objects.open()[0]
    )
    change = {"due_at": timer.due_at + dt.timedelta(hours=1)} if column == "due_at" else {}
    if not change:
        change = {"next_check_at": None if timer.next_check_at else AT}
    Timer.objects.filter(pk=timer.pk).update(**change)
    code, said = verify("--clocks")
    assert (code, f"timer {timer.pk}:" in said) == (1, True)


def test_a_lost_clock_is_named(worked):
    Timer.objects.open().filter(handoff=worked).delete()
    assert f"handoff {worked.pk}: accepted without a clock" in verify("--clocks")[1]


def test_a_stage_without_its_history_is_named(worked):
    contact = Contact.objects.exclude(pk=worked.contact_id).get()
    contact.stage_changes.order_by("-id").first().delete()
    assert f"contact {contact.pk}: stage mql" in verify("--stages")[1]


def test_an_address_that_two_contacts_claim_is_named(worked):
    ContactAddress.objects.create(contact=worked.contact, email="b@firm.example", at=AT)
    assert "address b@firm.example: a further one of contact" in verify("--addresses")[1]


def test_a_turn_that_nobody_was_given_is_named(worked, marketer, salesperson):
    waiting = Handoff.objects.get(state="in_review")
    flows.approve(actor=marketer, handoff_id=waiting.pk, at=AT)
    assert verify("--turns")[0] == 0
    RotationShare.objects.update(given=2)
    code, text = verify("--turns")
    assert code == 1 and f"person {salesperson.pk} has 2 turns, the history has 1" in text
