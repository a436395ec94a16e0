"""The scheduled report: once a person and period, at their hour, with the figures of the page of promises."""

import datetime as dt
import zoneinfo

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import deliveries, digests
from crm.flows import own_settings, reports
from crm.models import Delivery, Notice, User
from crm.models.notices import Channel, NoticeKind
from crm.queries import sla_period, sla_report, timers
from crm.queries.sla_period import Asked, Period
from sla.models import Milestone
from tests.pages.sales_work import DAY, HOUR, TUESDAY, bring_to

pytestmark = pytest.mark.django_db

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
MINUTE = dt.timedelta(minutes=1)
MORNING = dt.datetime(2026, 11, 18, 8, 0, tzinfo=HELSINKI)  # Wednesday
SUBJECT = "Promises, 17 Nov 2026"


@pytest.fixture
def missed(marketer, salesperson):
    """On Tuesday one lead was called in time, and one was missed."""
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="eva")
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * HOUR, name="ivo")
    Delivery.objects.all().delete()  # mail about these is not what is looked at
    return handoff


def wants(person, rhythm="daily", hour=8, *, at=TUESDAY):
    values = {"language": "en", "time_zone": "Europe/Helsinki", "report_rhythm": rhythm, "report_hour": hour}
    return own_settings.save_own_settings(actor=person, values=values, unwanted=(), at=at)


def send(at):
    told = reports.send_due_reports(at=at)
    deliveries.send_due(at=at)
    return told


def test_it_comes_once_at_its_hour(missed, manager):
    wants(manager)
    assert send(MORNING - MINUTE) == 0
    assert send(MORNING) == 1
    assert send(MORNING + MINUTE) == 0
    assert [(message.to[0], message.subject) for message in mail.outbox] == [(manager.email, SUBJECT)]
    manager.refresh_from_db()
    assert manager.next_report_at == MORNING + DAY


def test_another_hour_of_the_same_day_brings_no_second_one(missed, manager):
    wants(manager)
    send(MORNING)
    wants(manager, hour=15, at=MORNING + HOUR)
    assert send(MORNING + 7 * HOUR) == 0
    assert len(mail.outbox) == 1
    assert Notice.objects.filter(kind=NoticeKind.REPORT).count() == 1


def test_a_crash_before_the_commit_leaves_it_due(missed, manager, monkeypatch):
    wants(manager)

    def die(*given, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(User.objects, "bulk_update", die)
        reports.send_due_reports(at=MORNING)
    assert not Notice.objects.filter(kind=NoticeKind.REPORT).exists()
    assert send(MORNING) == 1


def test_after_a_standstill_the_latest_period_alone_is_told(missed, manager):
    wants(manager)
    assert send(MORNING + 5 * DAY + HOUR) == 1
    assert Notice.objects.get(kind=NoticeKind.REPORT).params["since"] == "2026-11-22"
    manager.refresh_from_db()
    assert manager.next_report_at == MORNING + 6 * DAY


def test_a_weekly_one_comes_on_monday_about_the_week_before(missed, manager):
    wants(manager, "weekly")
    monday = MORNING + 5 * DAY
    assert send(monday - MINUTE) == 0
    assert send(monday) == 1
    assert mail.outbox[0].subject == "Promises, 16 Nov 2026 – 22 Nov 2026"


def test_it_says_what_was_missed_who_has_it_and_how_it_was_before(missed, manager, salesperson, settings):
    settings.SITE_URL = "https://baton.example"
    wants(manager)
    send(MORNING)
    text, html = mail.outbox[0].body, mail.outbox[0].alternatives[0].content
    link = f"https://baton.example/contacts/{missed.contact_id}/"
    for said in ("promises were kept", "Ivo Novak", "Sam Seller", "still open", "Who has it"):
        assert said in text and said in html
    assert link in text and f'href="{link}"' in html
    assert "<form" not in html


def test_its_figures_are_those_of_the_page(missed, manager):
    now = MORNING
    with timezone.override(HELSINKI):
        period = Period(TUESDAY.date(), TUESDAY.date())
        found = sla_report.of_period(user=manager, period=period, now=now)
        for one in found.promises:
            asked = Asked(period=period, milestone=one.report.asked.milestone)
            page = sla_period.report(user=manager, asked=asked, now=now)
            assert (one.report.now, one.report.before, one.report.late) == (page.now, page.before, page.late)
        late = timers.timers_of(manager, now=now).filter(timers.in_states(timers.LATE))
        assert found.missed_count == late.count() == sum(one.report.late for one in found.promises) > 0
        assert sum(one.missed for one in found.handlers) == found.missed_count
        assert sum(one.open for one in found.handlers) == sum(one.is_open for one in found.missed)
        assert Milestone.CONTACT.label in [one.label for one in found.promises]


def test_who_may_not_see_promises_gets_none(missed, salesperson, manager):
    saved = wants(salesperson)
    assert (saved.report_rhythm, saved.next_report_at) == ("off", None)
    wants(manager)
    manager.set_roles(("salesperson",))
    assert send(MORNING) == 0
    assert mail.outbox == []


def test_it_is_turned_off_again(missed, manager):
    wants(manager)
    saved = wants(manager, "off")
    assert saved.next_report_at is None
    assert send(MORNING) == 0


def test_it_joins_no_digest(missed, manager, settings):
    settings.DIGEST_ABOVE = 1
    wants(manager)
    reports.send_due_reports(at=MORNING)
    assert digests.group_due(at=MORNING, channel=Channel.EMAIL) < Delivery.objects.count()
    assert Delivery.objects.get(notice__kind=NoticeKind.REPORT).state == "queued"


def test_it_costs_as_many_queries_however_many_rows(missed, manager, marketer, salesperson):
    period = Period(TUESDAY.date(), TUESDAY.date())
    with CaptureQueriesContext(connection) as few:
        sla_report.of_period(user=manager, period=period, now=MORNING)
    for name in ("ada", "bo", "cy"):
        bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * HOUR, name=name)
    manager = User.objects.get(pk=manager.pk)
    with CaptureQueriesContext(connection) as many:
        sla_report.of_period(user=manager, period=period, now=MORNING)
    assert len(many) <= len(few) + 1


def test_the_database_holds_that_who_wants_one_has_a_next_one(manager):
    for wrong in ({"report_rhythm": "daily"}, {"next_report_at": TUESDAY}, {"report_hour": 24}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=manager.pk).update(**wrong)
