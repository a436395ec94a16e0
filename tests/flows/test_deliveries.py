"""Sending: claimed with a lease, sent once, put off when it fails, and never in a language the reader does not know."""

import datetime as dt
import email.policy

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone, translation

from crm import deliveries, flows, notice_words, notices
from crm.errors import Conflict, Forbidden
from crm.models import Delivery, Notice
from crm.models.notices import WEBHOOK_KINDS, NoticeKind
from leads.models import Contact, Handoff
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

SECOND = dt.timedelta(seconds=1)


class BrokenServer(EmailBackend):
    """Takes no mail that is for the people named here."""

    refused: tuple[str, ...] = ()

    def send_messages(self, messages):
        for message in messages:
            if message.to[0] in self.refused:
                raise OSError("no such mailbox")
        return super().send_messages(messages)


class NoServer(EmailBackend):
    """Cannot be reached."""

    def open(self):
        raise ConnectionRefusedError("nobody listens")


@pytest.fixture
def server(settings):
    """`server(Backend)` makes the mail server another one."""

    def use(backend):
        settings.EMAIL_BACKEND = f"{__name__}.{backend.__name__}"

    return use


@pytest.fixture
def told(marketer, salesperson, settings):
    """`told(n)` tells the salesperson `n` things of one contact, each by a mail of its own."""
    settings.DIGEST_ABOVE = 1000
    send(*CROSSING)
    contact = Contact.objects.get()

    def tell(n=1, *, recipient=None, at=AT):
        drafts = [
            notices.Draft(
                kind=NoticeKind.RESURFACED,
                dedup_key=f"test:{Notice.objects.count()}:{i}",
                recipient_id=(recipient or salesperson).pk,
                contact_id=contact.pk,
            )
            for i in range(n)
        ]
        return notices.tell(drafts, at=at)

    return tell


def the_delivery():
    return Delivery.objects.get()


def test_what_is_due_is_sent_once(told, salesperson):
    told()
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=1)
    assert not deliveries.send_due(at=AT + HOUR)
    (message,) = mail.outbox
    delivery = the_delivery()
    assert (message.to, delivery.state, delivery.attempts) == ([salesperson.email], "sent", 1)
    assert delivery.sent_at is not None
    assert message.message()["Message-ID"] == delivery.message_id


def test_what_waits_for_an_undo_does_not_leave_early(marketer, salesperson):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    assert not deliveries.send_due(at=AT + 29 * SECOND)
    flows.undo(actor=marketer, handoff_id=handoff.pk, at=AT + 29 * SECOND)
    assert not deliveries.send_due(at=AT + MINUTE)
    assert mail.outbox == []


def test_a_mail_has_a_text_a_page_and_a_link_to_the_lead(told, settings):
    settings.SITE_URL = "https://baton.example"
    told()
    deliveries.send_due(at=AT)
    message = mail.outbox[0]
    ((html, kind),) = message.alternatives
    link = f"https://baton.example/contacts/{Contact.objects.get().pk}/"
    assert message.subject == "Came back: eva@firm.example"
    assert kind == "text/html"
    assert link in message.body.splitlines()
    assert f'href="{link}"' in html
    assert "<form" not in html


def test_a_mail_speaks_the_recipients_language_in_their_time_zone(told, salesperson, monkeypatch):
    salesperson.language, salesperson.time_zone = "fi", "Europe/Sofia"
    salesperson.save()
    told()
    seen = []
    describe = notice_words.describe

    def spy(notice):
        seen.append((translation.get_language(), timezone.get_current_timezone_name()))
        return describe(notice)

    monkeypatch.setattr(notice_words, "describe", spy)
    deliveries.send_due(at=AT)
    assert seen == [("fi", "Europe/Sofia")]
    assert '<html lang="fi">' in mail.outbox[0].alternatives[0].content


def test_a_name_cannot_write_a_header_or_markup(told):
    Contact.objects.update(first_name="Eva\r\nBcc: all@firm.example", last_name="<b>&</b>")
    told()
    deliveries.send_due(at=AT)
    message = email.message_from_bytes(mail.outbox[0].message().as_bytes(), policy=email.policy.default)
    assert message["Bcc"] is None
    assert mail.outbox[0].subject == "Came back: Eva Bcc: all@firm.example <b>&</b>"
    assert "<b>" not in mail.outbox[0].alternatives[0].content


def test_a_claimed_delivery_is_nobody_elses_until_the_lease_ends(told):
    told()
    (first,) = deliveries.claim(at=AT)
    assert deliveries.claim(at=AT + deliveries.LEASE - SECOND) == []
    (second,) = deliveries.claim(at=AT + deliveries.LEASE)
    assert (first.attempts, second.attempts) == (0, 0)
    assert (the_delivery().attempts, the_delivery().leases_lost) == (0, 1)


def test_one_who_lost_the_claim_writes_nothing_down(told):
    told()
    (slow,) = deliveries.claim(at=AT)
    (fast,) = deliveries.claim(at=AT + deliveries.LEASE)
    assert not deliveries._note_sent(slow, at=AT + 2 * MINUTE)
    assert not deliveries._put_off(slow, error=OSError("late"), at=AT + 2 * MINUTE, jitter=lambda: 0.0)
    assert deliveries._renew(slow, at=AT + 2 * MINUTE) is None
    assert (the_delivery().state, the_delivery().attempts) == ("sending", 0)
    assert deliveries._note_sent(fast, at=AT + 2 * MINUTE)
    assert the_delivery().state == "sent"


def test_an_old_claim_is_renewed_before_its_mail_leaves(told):
    told()
    (mine,) = deliveries.claim(at=AT)
    renewed = deliveries._renew(mine, at=AT + deliveries.LEASE - SECOND)
    assert renewed is not None and renewed.until == AT + 2 * deliveries.LEASE - SECOND
    assert deliveries.claim(at=AT + deliveries.LEASE) == []


def test_a_failure_is_tried_again_later_and_later_and_then_given_up_with_its_reason(told, salesperson, server):
    server(BrokenServer)
    BrokenServer.refused = (salesperson.email,)
    told()
    at, waits = AT, []
    for _try in range(4):
        assert deliveries.send_due(at=at, jitter=lambda: 0.5) == deliveries.Sent(retried=1)
        following = the_delivery().next_attempt_at
        waits.append((following - at).total_seconds() / 60)
        assert not deliveries.send_due(at=following - SECOND)
        at = following
    assert waits == pytest.approx([1.1, 5.5, 16.5, 66], abs=0.05)
    assert deliveries.send_due(at=at) == deliveries.Sent(failed=1)
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts, delivery.next_attempt_at) == ("failed", 5, None)
    assert delivery.error == "OSError: no such mailbox"
    assert mail.outbox == []


def test_a_refused_mail_does_not_keep_the_others(told, salesperson, other_salesperson, server):
    server(BrokenServer)
    BrokenServer.refused = (salesperson.email,)
    told()
    told(2, recipient=other_salesperson)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=2, retried=1)
    assert [message.to[0] for message in mail.outbox] == [other_salesperson.email] * 2


def test_a_notice_that_cannot_be_put_into_words_costs_only_itself(told, monkeypatch):
    (poison,) = told()
    told(2)
    describe = notice_words.describe

    def fail_once(notice):
        if notice.pk == poison:
            raise KeyError("poison")
        return describe(notice)

    monkeypatch.setattr(notice_words, "describe", fail_once)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=2, retried=1)


def test_an_unreachable_server_puts_the_batch_off_and_ends_the_round(told, server):
    server(NoServer)
    told(deliveries.BATCH + 3)
    assert deliveries.send_due(at=AT) == deliveries.Sent(retried=deliveries.BATCH)
    assert Delivery.objects.filter(state="queued").count() == 3
    assert set(Delivery.objects.filter(state="retry").values_list("error", flat=True)) == {
        "ConnectionRefusedError: nobody listens"
    }


def test_more_than_a_batch_is_sent_in_one_round(told):
    told(deliveries.BATCH * 2 + 1)
    assert deliveries.send_due(at=AT) == deliveries.Sent(sent=deliveries.BATCH * 2 + 1)


def test_who_left_gets_no_mail(told, salesperson):
    told()
    salesperson.is_active = False
    salesperson.save()
    assert deliveries.send_due(at=AT) == deliveries.Sent(failed=1)
    assert the_delivery().error == "Sam Seller no longer works with Baton."
    assert mail.outbox == []


def test_one_that_ends_its_worker_each_time_fails_in_the_end_and_takes_no_other_along(told):
    poison = Delivery.objects.get(notice_id=told()[0])
    told(3)
    at = AT
    assert len(deliveries.claim(at=at)) == 4  # and the worker dies
    for _death in range(deliveries.MOST_LEASES_LOST - 1):
        at += deliveries.LEASE
        assert [one.delivery_id for one in deliveries.claim(at=at)] == [poison.pk]
        while deliveries.send_due(at=at):  # a round is short
            pass
    deliveries.claim(at=at + deliveries.LEASE)
    poison.refresh_from_db()
    assert (poison.state, poison.attempts, poison.error) == (
        "failed",
        0,
        "The worker ended each time while it was sending this.",
    )
    others = Delivery.objects.exclude(pk=poison.pk)
    assert set(others.values_list("state", "attempts", "leases_lost")) == {("sent", 1, 1)}


def test_a_worker_that_dies_costs_what_it_had_not_sent_yet_no_try(told, salesperson, server):
    told()
    deliveries.claim(at=AT)
    server(BrokenServer)
    BrokenServer.refused = (salesperson.email,)
    at = AT + deliveries.LEASE
    for tries in range(1, deliveries.MAX_ATTEMPTS):
        assert deliveries.send_due(at=at) == deliveries.Sent(retried=1)
        assert the_delivery().attempts == tries
        at += 2 * HOUR
    assert deliveries.send_due(at=at) == deliveries.Sent(failed=1)


def test_what_may_have_left_with_a_dead_worker_joins_no_digest(told, salesperson, settings):
    told()
    deliveries.claim(at=AT)
    settings.DIGEST_ABOVE = 1
    told(2)
    deliveries.send_due(at=AT + deliveries.LEASE)
    assert sorted(Delivery.objects.values_list("state", "leases_lost")) == [
        ("grouped", 0),
        ("grouped", 0),
        ("sent", 0),
        ("sent", 1),
    ]


def test_an_administrator_sends_a_failed_one_again(told, salesperson, administrator, server):
    server(BrokenServer)
    BrokenServer.refused = (salesperson.email,)
    told()
    delivery = the_delivery()
    with pytest.raises(Conflict):
        deliveries.send_again(actor=administrator, delivery_ids=[delivery.pk], at=AT)
    for hours in range(6):
        deliveries.send_due(at=AT + hours * 2 * HOUR)
    assert the_delivery().state == "failed"
    with pytest.raises(Forbidden):
        deliveries.send_again(actor=salesperson, delivery_ids=[delivery.pk], at=AT + 24 * HOUR)
    deliveries.send_again(actor=administrator, delivery_ids=[delivery.pk], at=AT + 24 * HOUR)
    BrokenServer.refused = ()
    assert deliveries.send_due(at=AT + 24 * HOUR) == deliveries.Sent(sent=1)
    assert mail.outbox[0].message()["Message-ID"] == delivery.message_id


def test_every_kind_of_notice_has_words(marketer, salesperson, manager):
    send(*CROSSING)
    first = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=first.pk, assignee_email=salesperson.email, at=AT + HOUR)
    flows.sweep_timers(at=AT + 60 * HOUR)
    flows.reject(actor=salesperson, handoff_id=first.pk, reason="too_early", comment="Next year.", at=AT + 61 * HOUR)
    written = Notice.objects.exclude(timer__milestone__in=["review", "answer"])
    told = {notice.kind: notice for notice in written.select_related(*notice_words.RELATED)}
    for kind in set(WEBHOOK_KINDS) - set(told):
        params = {"why": "nobody_free", "name": "Ivo", "by": "Mira Marketer"}
        about = {"contact": first.contact, "handoff": first, "recipient": marketer}
        if kind == NoticeKind.DEPARTED:
            params |= {"kind": "away", "got": {"Sam Seller": 2}, "waiting": 0, "unowned": 1, "kept": 3, "due": 1}
            about = {"recipient": manager}
        told[kind] = Notice(kind=kind, created_at=AT, params=params, **about)
    words = {kind: notice_words.describe(notice) for kind, notice in told.items()}
    assert {kind: one.subject for kind, one in words.items()} == {
        "warn": "Due soon: first contact with eva@firm.example",
        "breach": "Missed: first contact with eva@firm.example",
        "escalate": "Missed by Sam Seller: first contact with eva@firm.example",
        "offered": "A lead for you: eva@firm.example",
        "reassigned": "Moved to you: eva@firm.example",
        "moved_away": "Moved on from you: eva@firm.example",
        "stuck": "Stuck with marketing: eva@firm.example",
        "merged": "Merged: eva@firm.example",
        "mentioned": "Mira Marketer asks you about eva@firm.example",
        "rejected": "Rejected by sales: eva@firm.example",
        "returned": "Returned to nurturing: eva@firm.example",
        "active_again": "Active again: eva@firm.example",
        "resurfaced": "Came back: eva@firm.example",
        "case_study": "A happy customer: eva@firm.example",
        "departed": "Ivo is out of office",
    }
    handed_over = "2 to Sam Seller, 1 contact belongs to nobody, 3 stay by choice, of which 1 falls due meanwhile"
    assert words["departed"].summary == f"Mira Marketer handed over: {handed_over}."
    assert "“Next year.”" in words["rejected"].summary
    assert words["breach"].summary.startswith("Was due ")
    paths = {one.path for kind, one in words.items() if kind != NoticeKind.DEPARTED}
    assert paths == {f"/contacts/{first.contact_id}/"}


def test_words_cost_no_query_per_notice(told, django_assert_num_queries):
    told(3)
    with django_assert_num_queries(1):
        for notice in Notice.objects.select_related(*notice_words.RELATED):
            notice_words.describe(notice)
