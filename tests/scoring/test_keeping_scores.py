"""The stored score: the same however activities arrive, equal to a replay of the ledger, and promoting once."""

import dataclasses
import datetime as dt
import math

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import flows
from leads import locks
from leads.models import Contact, Handoff
from scoring import queries
from scoring.models import ActivityRule, Component, Score, ScoringModel

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.django_db


def activity(type_, *, at, key, email="eva@firm.example", **properties):
    return flows.ActivityIn(
        type=type_, occurred_at=at, external_id=key, contact=flows.ContactIn(email=email), properties=properties
    )


def record(*activities, at=AT):
    return flows.record_activities(activities=activities, by=None, actor=None, at=at)


KINDS = st.sampled_from(
    [
        ("page_view", {"path": "/pricing"}),
        ("page_view", {"path": "/blog/docks"}),
        ("content_download", {}),
        ("email_open", {"mail": "spring"}),
        ("email_open", {"mail": "autumn"}),
        ("email_click", {"mail": "spring"}),
        ("unsubscribe", {}),
    ]
)
HISTORIES = st.lists(st.tuples(KINDS, st.integers(0, 500 * 24)), min_size=1, max_size=12)


class _Undone(Exception):
    pass


@given(
    history=HISTORIES,
    order=st.randoms(use_true_random=False),
    sizes=st.lists(st.integers(1, 5), min_size=12),
    set_based=st.tuples(st.sampled_from([1, 1000]), st.sampled_from([1, 1000])),
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_and_any_batching_gives_the_same_score(history, order, sizes, set_based):
    """Whether one by one or by the database, which takes lists of `SET_BASED` contacts and more."""
    items = [
        activity(kind[0], at=AT - hours * dt.timedelta(hours=1), key=f"a{index}", **kind[1])
        for index, (kind, hours) in enumerate(history)
    ]

    def score_of(batches, *, at_least):
        try:
            with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
                patch.setattr(flows.scores, "SET_BASED", at_least)
                for batch in batches:
                    record(*batch)
                score = Score.objects.get()
                replayed = queries.explain(Contact.objects.get(), at=AT)
                assert math.isclose(score.value, replayed.score, rel_tol=1e-9, abs_tol=1e-9)
                raise _Undone(score.value)
        except _Undone as done:
            return done.args[0]

    shuffled = items[:]
    order.shuffle(shuffled)
    batches, start = [], 0
    for size in sizes:
        batches.append(shuffled[start : start + size])
        start += size
    at_once = score_of([items], at_least=set_based[0])
    in_parts = score_of([one for one in batches if one], at_least=set_based[1])
    assert math.isclose(at_once, in_parts, rel_tol=1e-9, abs_tol=1e-9)


def test_an_earlier_open_of_the_same_mail_that_comes_late_takes_the_place_of_the_later_one():
    record(activity("email_open", at=AT - DAY, key="later", mail="spring"))
    record(activity("email_open", at=AT - 10 * DAY, key="earlier", mail="spring"))
    component = Component.objects.get()
    assert component.count == 1
    points = queries.explain(Contact.objects.get(), at=AT)
    assert points.activity_rules[0].points == pytest.approx(2 ** (-10 / 14))
    assert Score.objects.get().engagement == pytest.approx(2 ** (-10 / 14))


def test_points_fade_by_half_in_a_half_life_and_are_capped_when_read():
    record(*[activity("page_view", at=AT, key=f"v{index}", path="/pricing") for index in range(10)])
    now = queries.explain(Contact.objects.get(), at=AT).activity_rules[0]
    later = queries.explain(Contact.objects.get(), at=AT + 14 * DAY).activity_rules[0]
    assert (now.raw, now.points, now.capped) == (pytest.approx(40), 20, pytest.approx(20))
    assert (later.raw, later.points) == (pytest.approx(20), pytest.approx(20))


def crossing(key, *, at):
    return [
        activity("content_download", at=at, key=f"{key}-d1"),
        activity("content_download", at=at, key=f"{key}-d2"),
        activity("webinar_attended", at=at, key=f"{key}-w1"),
        activity("webinar_attended", at=at, key=f"{key}-w2"),
        *[activity("page_view", at=at, key=f"{key}-p{index}", path="/pricing") for index in range(5)],
    ]


def test_a_returned_lead_crosses_again_only_after_it_had_cooled(marketer):
    record(*crossing("first", at=AT))
    handoff = Handoff.objects.get()
    assert handoff.cause == "threshold"
    flows.return_to_marketing(actor=marketer, handoff_id=handoff.pk, reason="not_ready", at=AT)
    record(activity("page_view", at=AT, key="more", path="/pricing"), at=AT)
    assert Handoff.objects.count() == 1

    cooled_at = AT + 60 * DAY
    assert flows.sweep_scores(at=cooled_at) >= 1
    assert Score.objects.get().is_armed
    record(*crossing("second", at=cooled_at), at=cooled_at)
    assert Handoff.objects.count() == 2


def test_a_contact_waiting_to_resurface_is_promoted_by_a_request_only(marketer, salesperson):
    record(*crossing("first", at=AT))
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT)
    flows.recycle(actor=salesperson, handoff_id=handoff.pk, reason="too_early", resurface_at=AT + 90 * DAY, at=AT + DAY)
    cooled_at = AT + 60 * DAY
    record(*crossing("second", at=cooled_at), at=cooled_at)
    assert Handoff.objects.open().count() == 0
    record(activity("demo_request", at=cooled_at, key="demo"), at=cooled_at)
    assert Handoff.objects.open().get().cause == "request"
    assert not Handoff.objects.filter(resurface_at__isnull=False).exists()


def test_a_recycled_contact_comes_back_by_itself_and_is_promoted_when_its_score_says_so(marketer, salesperson):
    record(*crossing("first", at=AT))
    handoff = Handoff.objects.get()
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT)
    flows.recycle(actor=salesperson, handoff_id=handoff.pk, reason="too_early", resurface_at=AT + 2 * DAY, at=AT)
    assert flows.resurface_due(at=AT + DAY) == 0
    assert flows.resurface_due(at=AT + 2 * DAY) == 1
    assert flows.resurface_due(at=AT + 2 * DAY) == 0
    assert Handoff.objects.get(pk=handoff.pk).resurface_at is None
    assert marketer.notices.filter(kind="resurfaced").count() == 1


def test_negative_points_that_fade_promote_by_time_alone():
    model = ScoringModel.objects.get()
    ActivityRule.objects.filter(model=model, type="unsubscribe").update(half_life_days=1)
    ActivityRule.objects.filter(model=model, type="content_download").update(cap=100, points=64, half_life_days=1000)
    record(activity("unsubscribe", at=AT, key="u"))
    contact = Contact.objects.get()
    record(activity("content_download", at=AT, key="d"))
    assert contact.handoffs.count() == 0
    due_at = Score.objects.get().next_check_at
    assert due_at is not None
    for _look in range(30):
        due_at = Score.objects.get().next_check_at
        if due_at is None or contact.handoffs.exists():
            break
        flows.sweep_scores(at=due_at)
    assert contact.handoffs.get().cause == "threshold"


def test_history_scores_but_promotes_nobody():
    flows.record_activities(activities=crossing("old", at=AT), by=None, actor=None, at=AT, is_history=True)
    assert Score.objects.get().value >= 60
    assert not Handoff.objects.exists()


def test_an_adjustment_is_a_row_with_a_reason_and_moves_the_score(marketer):
    record(activity("content_download", at=AT, key="d"))
    contact = Contact.objects.get()
    flows.adjust_score(actor=marketer, contact_id=contact.pk, points=50, reason="Met at the fair", at=AT)
    assert Score.objects.get().adjustment == 50
    explained = queries.explain(contact, at=AT)
    assert [(row.rule, row.points) for row in explained.adjustments] == [("Met at the fair", 50)]
    assert contact.handoffs.count() == 1


@pytest.mark.parametrize("is_history", [False, True])
def test_a_long_list_and_a_short_one_come_to_the_same(monkeypatch, is_history):
    people = [f"p{number}@firm.example" for number in range(6)]
    items = [item for email in people[:2] for item in [replace(one, email) for one in crossing(email, at=AT - DAY)]]
    items += [activity("demo_request", at=AT, key=f"{email}-demo", email=email) for email in people[2:4]]
    items += [
        activity("email_open", at=AT - DAY, key=f"{email}-o{n}", email=email, mail="m")
        for email in people
        for n in "12"
    ]
    items += [activity("demo_request", at=AT, key="bot", email=people[5], user_agent="curl/8")]

    def outcome(at_least):
        monkeypatch.setattr(flows.scores, "SET_BASED", at_least)
        try:
            with transaction.atomic():
                flows.record_activities(activities=items, by=None, actor=None, at=AT, is_history=is_history)
                scores = Score.objects.order_by("contact__email").values_list(
                    "contact__email", "grade", "is_armed", "value", "engagement", "fit", "adjustment"
                )
                handoffs = Handoff.objects.order_by("contact__email").values_list("contact__email", "cause", "grade")
                counts = Component.objects.order_by("contact__email", "rule").values_list("contact__email", "count")
                raise _Undone([list(scores), list(handoffs), list(counts)])
        except _Undone as done:
            return done.args[0]

    few, many = outcome(1000), outcome(1)
    assert [row[:3] for row in few[0]] == [row[:3] for row in many[0]]
    for one, other in zip(few[0], many[0], strict=True):
        assert one[3:] == pytest.approx(other[3:], rel=1e-9, abs=1e-9)
    assert few[1:] == many[1:]
    assert len(few[1]) == (0 if is_history else 4)


def replace(item, email):
    return dataclasses.replace(item, contact=flows.ContactIn(email=email))


def test_a_poison_contact_costs_only_itself(monkeypatch):
    record(activity("content_download", at=AT, key="d1", email="a@firm.example"))
    record(activity("content_download", at=AT, key="d2", email="b@firm.example"))
    poison, sound = Contact.objects.order_by("id")
    Score.objects.update(next_check_at=AT)
    real = locks.locked_contacts

    def locked(ids):
        if poison.pk in ids:
            raise RuntimeError("poison")
        return real(ids)

    monkeypatch.setattr(locks, "locked_contacts", locked)
    flows.sweep_scores(at=AT + DAY)
    assert Score.objects.get(contact=poison).next_check_at == AT + DAY + dt.timedelta(hours=1)
    assert Score.objects.get(contact=sound).valued_at == AT + DAY
