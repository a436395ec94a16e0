"""What sales found out: written by the owner and managers, read by all who see the contact, and felt by the score."""

import datetime as dt

import pytest
from django.urls import reverse

from crm import flows
from crm.errors import Invalid
from crm.flows import publishing
from leads.models import ContactChange, Qualification
from scoring.models import Score
from scoring.past import pasts_of
from scoring.services import load_rules, published_rules
from tests.pages.sales_work import DAY, HTMX, TUESDAY, bring_to
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
FOUND = {
    "budget": "confirmed",
    "budget_evidence": "40,000 in the plan for next year",
    "timeline": "partly",
    "decide_by_date": "2027-03-31",
}


@pytest.fixture
def mine(marketer, salesperson):
    lead = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    return lead.contact


def address(contact):
    return reverse("contact_qualify", args=[contact.pk])


def test_unknown_questions_say_what_to_ask_and_answers_are_read_by_all(browsing, mine, salesperson, marketer):
    client = browsing(salesperson)
    before = words(client.get(f"/contacts/{mine.pk}/").content.decode())
    assert "Is there money for it this year, and whose is it?" in before
    assert client.post(address(mine), FOUND).status_code == 303
    row = Qualification.objects.get(letter="timeline")
    assert (row.verdict, row.decide_by_date, row.actor) == ("partly", dt.date(2027, 3, 31), salesperson)
    for user in (salesperson, marketer):
        said = words(browsing(user).get(f"/contacts/{mine.pk}/").content.decode())
        assert "Confirmed 40,000 in the plan for next year Sam Seller" in said
        assert "Partly, by 31 Mar 2027" in said
    whole = words(client.get(f"/contacts/{mine.pk}/?all").content.decode())
    assert "Changed budget: – → confirmed" in whole and "Changed day of the decision: – → 2027-03-31" in whole


def test_a_verdict_is_taken_back_and_a_repeated_save_changes_nothing(browsing, mine, salesperson):
    client = browsing(salesperson)
    client.post(address(mine), FOUND, **HTMX)
    noted = ContactChange.objects.count()
    assert client.post(address(mine), FOUND, **HTMX).status_code == 200
    assert ContactChange.objects.count() == noted
    client.post(address(mine), FOUND | {"budget": "", "budget_evidence": ""})
    assert not Qualification.objects.filter(letter="budget").exists()


def test_the_score_follows(mine, salesperson, marketer):
    rules = [{"name": "Money", "field": "bant.budget", "op": "equals", "value": "confirmed", "points": 9}]
    draft = publishing.draft_from(actor=marketer, model_id=1, values={"fit_rules": rules}, at=TUESDAY)
    job = publishing.publish(actor=marketer, model_id=draft.pk, note="x", at=TUESDAY)
    publishing.run_publication(publication_id=job.pk, at=TUESDAY)
    flows.qualify(actor=salesperson, contact_id=mine.pk, answers={"budget": {"verdict": "confirmed"}}, at=TUESDAY)
    assert Score.objects.get(contact=mine).fit == 9
    flows.qualify(actor=salesperson, contact_id=mine.pk, answers={"budget": {"verdict": "no"}}, at=TUESDAY)
    assert Score.objects.get(contact=mine).fit == 0


def test_a_backtest_reads_the_verdict_as_it_was(mine, salesperson):
    for day, given in ((1, {"verdict": "partly"}), (2, {"verdict": "confirmed"}), (3, {"evidence": "He said so"})):
        flows.qualify(actor=salesperson, contact_id=mine.pk, answers={"budget": given}, at=TUESDAY + day * DAY)
    past = pasts_of([mine])[mine.pk]
    rules = load_rules(published_rules().model)
    found = [past.getter(rules, at=TUESDAY + (day + 0.5) * DAY)("bant.budget") for day in range(4)]
    assert found == [None, "partly", "confirmed", "confirmed"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"budget": "maybe"}, "budget"), ({"decide_by_date": "soon"}, "decide_by_date"), ({"timeline": ""}, "timeline")],
)
def test_wrong_input_is_refused_and_kept(wrong, field, browsing, mine, salesperson):
    answer = browsing(salesperson).post(address(mine), FOUND | {"need": "no", "need_evidence": "None at all"} | wrong)
    html = answer.content.decode()
    assert answer.status_code == 422 and f'id="qualify_form_{field}_error"' in html
    assert "None at all" in html and not Qualification.objects.exists()


def test_only_the_timeline_has_a_day(mine, salesperson):
    given = {"need": {"verdict": "confirmed", "decide_by_date": dt.date(2027, 1, 1)}}
    with pytest.raises(Invalid):
        flows.qualify(actor=salesperson, contact_id=mine.pk, answers=given, at=TUESDAY)


def test_who_may(browsing, mine, salesperson, other_salesperson, marketer, manager, administrator):
    tried = {user: browsing(user).post(address(mine), FOUND).status_code for user in (
        salesperson, manager, marketer, administrator, other_salesperson
    )}  # fmt: skip
    assert list(tried.values()) == [303, 303, 403, 403, 404]
    assert browsing(salesperson).get(address(mine)).status_code == 405
    for user, sees in ((manager, True), (marketer, False)):
        page = browsing(user).get(f"/contacts/{mine.pk}/").content.decode()
        assert (address(mine) in page) is sees


def test_the_api_reads_and_writes_it(browsing, mine, salesperson, marketer):
    path = f"/api/v1/contacts/{mine.pk}/qualification/"
    client = browsing(salesperson)
    assert [one["verdict"] for one in client.get(path).json()] == [None] * 4
    given = {"timeline": {"verdict": "confirmed", "decide_by_date": "2027-01-31"}}
    found = client.post(path, given, content_type="application/json").json()
    assert found[3] | {"at": None} == {
        "letter": "timeline",
        "verdict": "confirmed",
        "evidence": "",
        "decide_by_date": "2027-01-31",
        "at": None,
        "actor": salesperson.email,
    }
    assert client.post(path, {"need": {"verdict": "so"}}, content_type="application/json").status_code == 400
    assert browsing(marketer).post(path, given, content_type="application/json").status_code == 403
