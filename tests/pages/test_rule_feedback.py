"""What sales answered, by rule: counted by hand, compared by a test, and led on into a draft."""

import datetime as dt

import pytest
from django.urls import reverse

from crm import flows
from crm.queries import rule_feedback as queries
from leads.models import Handoff
from scoring.models import ScoringModel
from tests.flows.test_backtests import AT, did

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
# 24 + 28 + 15 points, with and without a webinar.
WITH_WEBINAR = ["content_download"] * 2 + ["webinar_attended"] * 2 + ["email_reply"]
WITHOUT = ["content_download"] * 2 + ["email_reply"] * 2 + ["page_view /pricing"] * 5


def answered(marketer, salesperson, name, *types, is_rejected, campaign=""):
    contact = did(f"{name}@firm.example", *types)
    handoff = Handoff.objects.get(contact=contact)
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT + HOUR)
    if is_rejected:
        flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=AT + 2 * HOUR)
    else:
        flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + 2 * HOUR)
    # What comes after the handoff was formed stood not behind it.
    did(f"{name}@firm.example", "event_attended", at=AT + 3 * HOUR, key="later")
    return handoff


@pytest.fixture
def history(marketer, salesperson):
    """14 with a webinar, 12 of them rejected; 16 without, 3 of them rejected."""
    for place in range(14):
        answered(marketer, salesperson, f"webinar{place}", *WITH_WEBINAR, is_rejected=place < 12)
    for place in range(16):
        answered(marketer, salesperson, f"other{place}", *WITHOUT, is_rejected=place < 3)
    return ScoringModel.objects.get()


def line_of(found, lines, name):
    return next(line for line in lines if line.name == name)


def test_answers_are_counted_under_what_gave_points_when_the_handoff_was_formed(marketer, history):
    found = queries.feedback(history, user=marketer)
    assert (found.answered, found.rejected, found.rate) == (30, 15, 0.5)
    webinar = line_of(found, found.rules, "Attends a webinar")
    assert (webinar.answered, webinar.rejected) == (14, 12)
    assert (webinar.rest_answered, webinar.rest_rejected) == (16, 3)
    assert webinar.reasons == (("Too early", 12),)
    assert webinar.is_flagged
    downloads = line_of(found, found.rules, "Downloads content")
    assert (downloads.answered, downloads.is_comparable, downloads.is_nearly_all) == (30, False, True)
    assert "Attends an event" not in {line.name for line in found.rules}
    assert [line.name for line in found.flagged] == ["Attends a webinar"]
    assert {line.key: line.answered for line in found.types} == {
        "content_download": 30,
        "email_reply": 30,
        "webinar_attended": 14,
        "page_view": 16,
    }
    title = line_of(found, found.fit, "Job title not known")
    assert (title.answered, title.rejected) == (30, 15)


def test_the_answers_take_a_constant_number_of_queries(marketer, salesperson, django_assert_num_queries):
    model = ScoringModel.objects.get()
    answered(marketer, salesperson, "one", *WITHOUT, is_rejected=False)
    with django_assert_num_queries(9):
        queries.feedback(model, user=marketer)
    for place in range(5):
        answered(marketer, salesperson, f"more{place}", *WITHOUT, is_rejected=True)
    with django_assert_num_queries(9):
        queries.feedback(model, user=marketer)


def test_the_page_points_out_the_rule_and_opens_every_number(browsing, manager, history):
    client = browsing(manager)
    page = client.get(reverse("rule_feedback"))
    text = page.content.decode()
    assert "<b>Attends a webinar</b> are rejected clearly more often than the rest" in text
    assert "Open a draft with this rule selected" not in text
    found = page.context["found"]
    for line in (*found.rules, *found.fit, *found.types):
        for answer, number in (("", line.answered), ("&answer=rejected", line.rejected)):
            opened = client.get(f"{reverse('feedback_handoffs')}?{line.query}{answer}")
            assert opened.context["page"].paginator.count == number
    everything = client.get(reverse("feedback_handoffs"), {"version": 1})
    assert everything.context["page"].paginator.count == 30


def test_a_draft_is_opened_with_the_rule_selected(browsing, marketer, history):
    rule = history.activity_rules.get(type="webinar_attended")
    client = browsing(marketer)
    assert "Open a draft with this rule selected" in client.get(reverse("rule_feedback")).content.decode()
    answer = client.post(reverse("draft_with_rule"), {"version": 1, "by": "rule", "key": rule.pk})
    draft = ScoringModel.objects.get(status="draft")
    copy = draft.activity_rules.get(type="webinar_attended")
    assert (answer.status_code, draft.based_on) == (303, history)
    assert f"rule={copy.pk}" in answer.url
    assert client.get(answer.url).status_code == 200


def test_without_answers_it_says_what_will_be_here(browsing, marketer):
    assert "Sales has not answered" in browsing(marketer).get(reverse("rule_feedback")).content.decode()


def test_what_is_not_there_is_404(browsing, marketer, history):
    client = browsing(marketer)
    for version in ("7", "x", "99999999999999"):
        assert client.get(reverse("rule_feedback"), {"version": version}).status_code == 404
    assert client.get(reverse("feedback_handoffs"), {"by": "rule", "key": "0"}).status_code == 404
    for wrong in ({"version": 1, "by": "type", "key": "call"}, {"version": 1, "by": "rule", "key": 0}, {"version": 9}):
        assert client.post(reverse("draft_with_rule"), wrong).status_code == 404
    assert not ScoringModel.objects.filter(status="draft").exists()


def test_who_may_what(browsing, salesperson, manager, history):
    rule = history.activity_rules.first()
    post = {"version": 1, "by": "rule", "key": rule.pk}
    for name in ("rule_feedback", "feedback_handoffs"):
        assert browsing(salesperson).get(reverse(name)).status_code == 403
        assert browsing(manager).post(reverse(name)).status_code == 405
    assert browsing(salesperson).post(reverse("draft_with_rule"), post).status_code == 403
    assert browsing(manager).post(reverse("draft_with_rule"), post).status_code == 403
    assert browsing(manager).get(reverse("draft_with_rule")).status_code == 405
