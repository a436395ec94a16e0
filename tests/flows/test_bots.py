"""What machines do is kept and marked, and counts for nothing; what they had counted for is taken back."""

import datetime as dt

import pytest

from crm import flows
from crm.queries.doubts import doubts_of
from crm.queries.verify import score_differences
from leads.models import Activity, BotVerdict, Contact, Handoff
from scoring import queries
from scoring.models import ActivityRule, Score

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)

pytestmark = pytest.mark.django_db


def did(type_, key, *, at=AT, **properties):
    return flows.ActivityIn(
        type=type_,
        occurred_at=at,
        external_id=key,
        contact=flows.ContactIn(email="eva@firm.example"),
        properties=properties,
    )


def record(*activities, at=AT):
    return flows.record_activities(activities=activities, by=None, actor=None, at=at)


def clicks(*seconds, mail="spring"):
    return [
        did("email_click", f"{mail}{second}", at=AT + second * SECOND, mail=mail, link=second) for second in seconds
    ]


def engagement():
    return Score.objects.get().engagement


@pytest.fixture
def dear_clicks():
    """Clicks that are worth a promotion: 20 points each."""
    ActivityRule.objects.filter(type="email_click").update(points=20, cap=None, once_per="", within_days=None)


def test_a_request_by_a_machine_promotes_nobody():
    (result,) = record(did("demo_request", "d", user_agent="HeadlessChrome/120"))
    assert result.status == "created"
    assert BotVerdict.objects.get().reason == "agent"
    contact = Contact.objects.get()
    assert (contact.stage, contact.last_activity_at, contact.handoffs.count()) == ("subscriber", None, 0)
    explained = queries.explain(contact, at=AT)
    assert (explained.engagement, explained.not_counted) == (0, 1)


def test_a_request_for_headers_is_not_counted_and_the_visit_beside_it_is():
    record(did("page_view", "h", path="/pricing", method="HEAD"), did("page_view", "g", path="/pricing", method="GET"))
    assert engagement() == pytest.approx(4)
    assert BotVerdict.objects.get().activity.external_id == "h"


def test_the_fifth_click_convicts_the_first_four(dear_clicks):
    record(did("page_view", "p", path="/pricing"))
    record(*clicks(0, 1))
    record(*clicks(2))
    assert engagement() == pytest.approx(64, rel=1e-4)
    handoff = Handoff.objects.get()
    assert doubts_of([handoff.pk]) == {}
    later = AT + 60 * SECOND
    record(*clicks(3, 4), did("content_download", "c", at=later), at=later)
    assert engagement() == pytest.approx(16, rel=1e-3)  # the visit and the download stay
    assert set(BotVerdict.objects.values_list("reason", flat=True)) == {"gateway"}
    assert BotVerdict.objects.count() == 5
    handoff.refresh_from_db()
    assert handoff.state == "in_review"
    assert doubts_of([handoff.pk])[handoff.pk].count == 3
    assert Score.objects.get().is_armed
    assert list(score_differences()) == []
    assert queries.explain(Contact.objects.get(), at=later).not_counted == 5


def test_five_at_once_are_never_counted_and_their_promotion_does_not_happen(dear_clicks):
    record(*clicks(0, 1, 2, 3, 4))
    assert not Handoff.objects.exists()
    assert engagement() == 0
    assert Activity.objects.count() == 5


def test_an_object_that_a_machine_opened_first_counts_from_when_a_person_did():
    opens = [did("email_open", f"o{second}", at=AT - second * SECOND, mail="spring") for second in (9, 8, 7, 6)]
    record(*opens)
    read_at = AT + dt.timedelta(days=14)
    record(did("email_open", "person", at=read_at, mail="spring"), at=read_at)
    assert engagement() == pytest.approx(0.5, rel=1e-4)  # opened fourteen days ago
    record(did("email_open", "o5", at=AT - 5 * SECOND, mail="spring"), at=read_at)
    assert engagement() == pytest.approx(1)  # opened just now
    assert list(score_differences()) == []


def test_people_who_click_at_their_leisure_are_people(dear_clicks):
    record(*clicks(0, 3, 6, 9, 12), *clicks(1, 2, mail="autumn"))
    assert not BotVerdict.objects.exists()
    assert Handoff.objects.count() == 1


def test_the_same_list_again_changes_no_verdict(dear_clicks):
    for _again in range(2):
        record(*clicks(0, 1, 2, 3, 4))
    assert BotVerdict.objects.count() == 5
