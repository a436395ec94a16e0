"""One alert and one mail, however many sweep at once and whoever is killed in between."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from django.utils import timezone

from crm import deliveries, flows
from crm.celery import app
from crm.models import Delivery, Notice, User
from leads.models import Handoff
from sla.models import Calendar, Milestone, Policy, Timer
from tests.concurrency.conftest import Running, Together, kill_group
from tests.concurrency.mail_server import MailServer

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 25
CONTACTS_A_ROUND = 3
SECOND = dt.timedelta(seconds=1)


def promise(seconds: int, *milestones: Milestone) -> None:
    """Promise these milestones within `seconds` on a calendar that never closes, before any other policy."""
    always = Calendar.objects.get(always_open=True)
    for milestone in milestones:
        Policy.objects.create(
            name=f"{milestone} at once", milestone=milestone, target_seconds=seconds, calendar=always, position=-1
        )


def offer(names: list[str], *, marketer: User, to: User, at: dt.datetime) -> list[Handoff]:
    """Handoffs of new contacts who asked for a demo, offered to a salesperson at `at`."""
    flows.record_activities(
        activities=[
            flows.ActivityIn(type="demo_request", occurred_at=at, contact=flows.ContactIn(email=f"{name}@firm.example"))
            for name in names
        ],
        by=None,
        actor=None,
        at=at,
    )
    handoffs = list(Handoff.objects.filter(contact__email__in=[f"{name}@firm.example" for name in names]))
    for handoff in handoffs:
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=to.email, at=at)
    return handoffs


def test_two_sweepers_at_once_tell_everybody_once(
    hands: Together, marketer: User, salesperson: User, manager: User
) -> None:
    promise(100, Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT)
    start = timezone.now()
    for number in range(ROUNDS):
        names = [f"round{number}contact{i}" for i in range(CONTACTS_A_ROUND)]
        offer(names, marketer=marketer, to=salesperson, at=start + number * SECOND)
    told = 0
    for number in range(ROUNDS):
        # The first rounds bring warnings, the last hundred seconds later misses; the rounds between bring both.
        for later in (75, 100):
            at = (start + (number + later) * SECOND).isoformat()
            answers = hands([{"act": "sweep_timers", "at": at}] * 2)
            told += sum(answer["result"] for answer in answers)
    clocks = Timer.objects.filter(milestone__in=[Milestone.ANSWER, Milestone.CONTACT])
    assert clocks.count() == 2 * ROUNDS * CONTACTS_A_ROUND
    for clock in clocks.prefetch_related("notices__deliveries"):
        alerts = {(notice.kind, notice.recipient_id): notice for notice in clock.notices.all()}
        assert sorted(alerts) == [
            ("breach", salesperson.pk),
            ("escalate", manager.pk),
            ("warn", salesperson.pk),
        ]
        assert clock.notices.count() == 3
        assert [len(notice.deliveries.all()) for notice in alerts.values()] == [1, 1, 1]
    assert told == 3 * clocks.count()


def test_a_worker_killed_between_claim_and_send_loses_no_mail_and_doubles_no_alert(
    hands: Together,
    celery: Running,
    mail: MailServer,
    marketer: User,
    salesperson: User,
    redis_url: str,
) -> None:
    promise(2, Milestone.ANSWER)
    (handoff,) = offer(["eva"], marketer=marketer, to=salesperson, at=timezone.now() - 3 * SECOND)
    Delivery.objects.all().delete()  # that the lead was offered is not what is looked at
    flows.sweep_timers(at=timezone.now())
    mail.is_holding.set()
    with celery("worker") as worker, app.connection(redis_url) as broker:
        app.send_task("crm.tasks.send_deliveries", connection=broker)
        assert mail.has_somebody.wait(20), "no worker came to send"
        kill_group(worker)
    mail.is_holding.clear()
    breach = Delivery.objects.get(notice__kind="breach")
    claimed = Delivery.objects.filter(state="sending")
    assert claimed.count() >= 1
    lease_ends_at = max(row.next_attempt_at for row in claimed if row.next_attempt_at)
    assert lease_ends_at > timezone.now()
    # Before the lease ends, nobody takes what was claimed; afterwards another process does.
    hands([{"act": "mail_to", "url": mail.url}] * 2)
    early = hands([{"act": "send_due", "at": (lease_ends_at - 5 * SECOND).isoformat()}])
    assert early == [{"result": 0}]
    later = hands([{"act": "send_due", "at": (lease_ends_at + SECOND).isoformat()}] * 2)
    assert sum(answer["result"] for answer in later) == 1, "the warning is not true any more"
    received = mail.wait_for("Missed: answer to eva@firm.example", to=salesperson.email, seconds=1)
    assert received["Message-ID"] == breach.message_id
    assert len(mail.messages) == 1
    assert Notice.objects.filter(kind="breach", timer__handoff=handoff).count() == 1
    states = Delivery.objects.values_list("notice__kind", "state")
    assert set(states) == {("warn", "skipped"), ("breach", "sent")}


def test_a_clock_left_alone_is_missed_and_its_owner_gets_one_mail_also_when_the_worker_is_killed(
    celery: Running, mail: MailServer, marketer: User, salesperson: User
) -> None:
    promise(2, Milestone.ANSWER)
    with celery("beat"):
        with celery("worker") as worker:
            offer(["eva"], marketer=marketer, to=salesperson, at=timezone.now())
            mail.wait_for("Missed: answer to eva@firm.example", to=salesperson.email, seconds=60)
            offer(["ivo"], marketer=marketer, to=salesperson, at=timezone.now())
            time.sleep(1.5)
            kill_group(worker)
        with celery("worker"):
            mail.wait_for("Missed: answer to ivo@firm.example", to=salesperson.email, seconds=60)
    clocks = Timer.objects.with_state(now=timezone.now()).filter(milestone=Milestone.ANSWER)
    assert [clock.state_now for clock in clocks] == ["missed", "missed"]
    for clock in clocks:
        assert clock.notices.filter(kind="breach", recipient=salesperson).count() == 1
    subjects = [message["Subject"] for message in mail.messages if message["Subject"].startswith("Missed")]
    assert sorted(subjects) == ["Missed: answer to eva@firm.example", "Missed: answer to ivo@firm.example"]


def test_several_senders_at_once_send_each_mail_once(
    hands: Together, mail: MailServer, marketer: User, salesperson: User, manager: User
) -> None:
    promise(60, Milestone.ANSWER, Milestone.CONTACT)
    start = timezone.now()
    offer([f"contact{i}" for i in range(12)], marketer=marketer, to=salesperson, at=start)
    hands([{"act": "mail_to", "url": mail.url}] * 4)
    at = start + 60 * SECOND
    flows.sweep_timers(at=at)
    sent, answers = 0, [{"result": 1}]
    while any(answer["result"] for answer in answers):  # a round is short
        answers = hands([{"act": "send_due", "at": at.isoformat()}] * 4)
        sent += sum(answer["result"] for answer in answers)
    assert Delivery.objects.count() == 12 + 12 * 2 * 3  # an offer each, and three steps of two clocks each
    waiting = Delivery.objects.exclude(state="skipped").count()
    assert waiting == 12 + 12 * 2 * 2, "warnings of what is missed already do not leave"
    assert waiting > 2 * deliveries.BATCH
    assert sent == len(mail.messages) == waiting
    assert len({message["Message-ID"] for message in mail.messages}) == waiting


def test_a_flood_from_several_sweeps_reaches_one_person_as_one_mail_also_when_a_sender_dies(
    hands: Together, mail: MailServer, marketer: User, salesperson: User, manager: User
) -> None:
    promise(60, Milestone.ANSWER)
    start = timezone.now()
    offer([f"contact{i}" for i in range(40)], marketer=marketer, to=salesperson, at=start)
    Delivery.objects.all().delete()
    at = start + 60 * SECOND
    hands([{"act": "sweep_timers", "at": at.isoformat()}] * 4)
    hands([{"act": "mail_to", "url": mail.url}] * 4)
    hands([{"act": "digest_above", "n": 5}] * 4)
    hands([{"act": "claim_and_die", "at": at.isoformat()}] * 4)
    assert mail.messages == []
    later = (at + deliveries.LEASE + SECOND).isoformat()
    hands([{"act": "send_due", "at": later}] * 4)
    hands([{"act": "digest_above", "n": 100_000}] * 4)
    assert sorted((message["To"], message["Subject"]) for message in mail.messages) == [
        (manager.email, "40 notices at once"),
        (salesperson.email, "40 notices at once"),
    ]
    assert Delivery.objects.filter(notice__kind="breach", state="grouped", sent_at__isnull=False).count() == 40
