"""Warnings wait for quiet hours and absences and are dropped once untrue; what was missed reaches everybody at once."""

import datetime as dt
import zoneinfo

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from crm import deliveries, flows, notices
from crm.errors import Invalid
from crm.flows import own_settings
from crm.models import Delivery, Notice, OptOut, User
from crm.models.notices import NoticeKind
from leads import routing
from leads.models import Handoff
from sla.models import Timer
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def offered(marketer, salesperson):
    """A lead offered to the salesperson, of which they were told."""
    send(*CROSSING)
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    deliveries.send_due(at=AT + MINUTE)
    mail.outbox.clear()
    return handoff


@pytest.fixture
def answer(offered):
    """The clock of the answer; `warn_at` and `due_at` are what the tests move around."""
    return Timer.objects.get(handoff=offered, milestone="answer")


def quiet(person, begin, end):
    """Quiet hours from one instant to another, by the person's own clock."""
    zone = zoneinfo.ZoneInfo(person.time_zone)
    person.quiet_from, person.quiet_until = (moment.astimezone(zone).time() for moment in (begin, end))
    person.save()


def mailed():
    return [(message.to[0], message.subject.split(":")[0]) for message in mail.outbox]


def warned(handoff=None):
    return Delivery.objects.get(notice__kind="warn", notice__timer__milestone="answer")


def test_a_warning_waits_for_the_end_of_quiet_hours_and_stands_in_baton_at_once(answer, salesperson):
    quiet(salesperson, answer.warn_at - MINUTE, answer.warn_at + 5 * MINUTE)
    flows.sweep_timers(at=answer.warn_at)
    assert Notice.objects.filter(kind="warn", recipient=salesperson, read_at=None).exists()
    deliveries.send_due(at=answer.warn_at)
    assert mailed() == []
    assert warned().next_attempt_at == (answer.warn_at + 5 * MINUTE).replace(second=0, microsecond=0)
    deliveries.send_due(at=answer.warn_at + 5 * MINUTE)
    assert mailed() == [(salesperson.email, "Due soon")]


def test_a_warning_that_came_true_or_was_heeded_meanwhile_is_not_sent(answer, salesperson):
    quiet(salesperson, answer.warn_at - MINUTE, answer.due_at - MINUTE)
    flows.sweep_timers(at=answer.warn_at)
    flows.accept(actor=salesperson, handoff_id=answer.handoff_id, at=answer.warn_at + MINUTE)
    deliveries.send_due(at=answer.due_at)
    assert (warned().state, warned().error) == ("skipped", "The promise was kept meanwhile.")
    assert mailed() == []


def test_what_was_missed_is_told_in_the_middle_of_the_night(answer, salesperson, manager):
    for person in (salesperson, manager):
        quiet(person, answer.warn_at - MINUTE, answer.due_at + 8 * HOUR)
    flows.sweep_timers(at=answer.due_at)
    deliveries.send_due(at=answer.due_at)
    assert (salesperson.email, "Missed") in mailed()
    assert any(to == manager.email for to, _subject in mailed())
    assert "Due soon" not in [subject for _to, subject in mailed()]
    assert warned().state in ("queued", "skipped")
    deliveries.send_due(at=answer.due_at + 9 * HOUR)
    assert warned().error == "It was missed meanwhile, which is told by itself."


def test_quiet_hours_chosen_after_the_warning_was_queued_hold_as_well(answer, salesperson):
    flows.sweep_timers(at=answer.warn_at)
    quiet(salesperson, answer.warn_at - MINUTE, answer.warn_at + 5 * MINUTE)
    deliveries.send_due(at=answer.warn_at)
    assert mailed() == []
    assert (warned().state, warned().attempts) == ("queued", 0)


def test_the_deputy_of_somebody_away_is_told_as_well(answer, salesperson, manager):
    salesperson.away_from, salesperson.away_until, salesperson.deputy = AT - DAY, AT + 9 * DAY, manager
    salesperson.save()
    flows.sweep_timers(at=answer.warn_at)
    deliveries.send_due(at=answer.warn_at)
    assert mailed() == [(manager.email, "Due soon")]
    assert "You stand in for Sam Seller, who is out of office." in mail.outbox[0].body
    mail.outbox.clear()
    flows.sweep_timers(at=answer.due_at)
    deliveries.send_due(at=answer.due_at)
    told = [to for to, subject in mailed() if subject.startswith("Missed")]
    assert salesperson.email in told and manager.email in told


def test_nobody_is_told_twice_of_the_same_as_a_deputy(offered, salesperson, manager):
    salesperson.away_from, salesperson.away_until, salesperson.deputy = AT - DAY, AT + 9 * DAY, manager
    salesperson.save()
    drafts = [
        notices.Draft(
            kind=NoticeKind.RESURFACED,
            dedup_key=f"test:{one.pk}",
            recipient_id=one.pk,
            contact_id=offered.contact_id,
        )
        for one in (salesperson, manager)
    ]
    assert len(notices.tell(drafts, at=AT)) == 2


def test_who_is_out_of_office_is_given_no_leads(marketer, salesperson, other_salesperson):
    send(*CROSSING)
    now = timezone.now()
    User.objects.filter(pk=salesperson.pk).update(away_from=now - DAY, away_until=now + DAY)
    handoff = Handoff.objects.get()
    assert routing.choose(handoff, at=now).assignee == other_salesperson
    with pytest.raises(Invalid, match="Sam Seller is out of office"):
        routing.named(salesperson.email, at=now)
    User.objects.filter(pk=salesperson.pk).update(away_from=now - 2 * DAY, away_until=now - DAY)
    assert routing.named(salesperson.email, at=now).assignee == salesperson


def test_what_one_does_not_want_is_not_mailed_and_stands_among_what_was_read(offered, salesperson, manager):
    for channel in ("bell", "email"):
        OptOut.objects.create(user=salesperson, kind="resurfaced", channel=channel)
    for one in (salesperson, manager):
        draft = notices.Draft(kind=NoticeKind.RESURFACED, dedup_key=f"test:{one.pk}", recipient_id=one.pk)
        notices.tell([draft], at=AT)
    assert Notice.objects.get(kind="resurfaced", recipient=salesperson).read_at == AT
    assert Notice.objects.get(kind="resurfaced", recipient=manager).read_at is None
    assert Delivery.objects.get(notice__kind="resurfaced").recipient == manager


def test_nobody_can_choose_not_to_see_what_was_missed(salesperson):
    for kind in ("breach", "escalate"):
        with pytest.raises(IntegrityError), transaction.atomic():
            OptOut.objects.create(user=salesperson, kind=kind, channel="bell")
        with pytest.raises(Invalid, match="always stands in Baton"):
            save(salesperson, unwanted={(kind, "bell")})


def save(person, unwanted=(), **values):
    given = {"language": "en", "time_zone": "Europe/Helsinki", **values}
    return own_settings.save_own_settings(actor=person, values=given, unwanted=unwanted, at=AT)


def test_days_out_of_office_are_whole_days_of_ones_own_zone(salesperson, manager):
    first = AT.date() + DAY
    saved = save(salesperson, away_from=first, away_until=first + DAY, deputy=manager)
    zone = zoneinfo.ZoneInfo("Europe/Helsinki")
    assert saved.away_from == dt.datetime.combine(first, dt.time(), tzinfo=zone)
    assert saved.away_until == dt.datetime.combine(first + 2 * DAY, dt.time(), tzinfo=zone)
    assert saved.deputy == manager


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"quiet_from": dt.time(22)}, "quiet_until"),
        ({"quiet_until": dt.time(7)}, "quiet_from"),
        ({"quiet_from": dt.time(7), "quiet_until": dt.time(7)}, "quiet_until"),
        ({"away_from": AT.date()}, "away_until"),
        ({"away_from": AT.date(), "away_until": AT.date() - DAY}, "away_until"),
        ({"away_from": AT.date() - 9 * DAY, "away_until": AT.date() - 8 * DAY}, "away_until"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"language": "xx-too-long-to-be"}, "language"),
    ],
)
def test_what_does_not_fit_together_is_named(salesperson, values, field):
    with pytest.raises(Invalid) as refusal:
        save(salesperson, **values)
    assert refusal.value.field == field


def test_a_deputy_sees_every_contact(salesperson, other_salesperson):
    with pytest.raises(Invalid, match="sees every contact"):
        save(salesperson, deputy=other_salesperson)


def test_the_database_holds_what_belongs_together(salesperson):
    for wrong in (
        {"quiet_from": dt.time(7)},
        {"quiet_from": dt.time(7), "quiet_until": dt.time(7)},
        {"away_from": AT},
        {"away_from": AT, "away_until": AT},
        {"deputy": salesperson.pk},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=salesperson.pk).update(**wrong)


def test_mail_says_where_one_chooses_and_acts_by_no_link(offered, manager, settings):
    settings.SITE_URL = "https://baton.example"
    draft = notices.Draft(kind=NoticeKind.RESURFACED, dedup_key="test", recipient_id=manager.pk)
    notices.tell([draft], at=AT)
    deliveries.send_due(at=AT)
    (message,) = mail.outbox
    assert message.extra_headers["List-Id"] == "Baton <notices.baton.example>"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "https://baton.example/my-settings/" in message.body
    assert 'href="https://baton.example/my-settings/"' in message.alternatives[0].content


def test_unread_notices_are_counted_by_one_query_through_their_index(salesperson, django_assert_num_queries):
    rows = [
        Notice(
            kind="resurfaced",
            dedup_key=f"test:{n}",
            recipient=salesperson,
            created_at=AT,
            read_at=AT if n > 3 else None,
        )
        for n in range(3000)
    ]
    Notice.objects.bulk_create(rows)
    unread = Notice.objects.filter(recipient=salesperson, read_at=None)
    with django_assert_num_queries(1):
        assert unread.count() == 4
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert "notice_unread" in unread.order_by().values("recipient").explain()
