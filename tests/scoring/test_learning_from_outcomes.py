"""Suggested points: which outcomes and facts they are learned from, and what draft comes of it."""

import datetime as dt
import random

import pytest

from crm import flows
from crm.errors import Forbidden, Invalid
from crm.flows import learning
from crm.queries import outcomes
from crm.queries.outcomes import Goal
from leads.models import Activity, BotVerdict, Company, Contact, ContactChange, Handoff, Opportunity, Reason, Source
from scoring import services
from scoring.models import ActivityRule, ScoringModel

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.django_db


def outcome(number, *, is_good, at=AT, **fields) -> Contact:
    """A contact whose handoff was formed at `at`, and accepted or rejected a day later."""
    contact = Contact.objects.create(
        email=f"person{number}@firm.example", stage="lead", stage_at=at, created_at=at - 30 * DAY, **fields
    )
    Handoff.objects.create(
        contact=contact,
        state="closed" if is_good else "rejected",
        cause="threshold",
        formed_at=at,
        answered_at=at + DAY,
        ended_at=at + DAY,
        reason=None if is_good else Reason.objects.filter(kind="reject").first(),
    )
    return contact


def a_hundred(fields=lambda dice, is_good: {}, count=100) -> list[Contact]:
    """As many outcomes, half of them good; Finns mostly accepted, Bulgarians mostly not."""
    dice = random.Random(7)
    made = []
    for number in range(count):
        is_good = number % 2 == 0
        country = "FI" if (dice.random() < 0.8) == is_good else "BG"
        made.append(outcome(number, is_good=is_good, **({"country": country} | fields(dice, is_good))))
    return made


def did(contact, type_, *, at, direction="inbound", **properties) -> Activity:
    return Activity.objects.create(
        contact=contact,
        type_id=type_,
        direction=direction,
        occurred_at=at,
        recorded_at=at,
        source="site",
        external_id=f"{contact.pk}-{Activity.objects.count()}",
        properties=properties,
    )


def changed(contact, field, *, old, at):
    ContactChange.objects.create(contact=contact, field=field, old=old, new="x", at=at)


def case_of(contact, goal=Goal.ACCEPTED, insist_on=()):
    assert list(Contact.objects.all()) == [contact]
    [case] = outcomes.collect(goal, rules=services.published_rules(), insist_on=insist_on).cases
    return case


# The draft ------------------------------------------------------------------------------------------------------------


def test_the_suggestion_is_a_draft_of_the_published_model_with_whole_points(marketer):
    a_hundred()
    published = ScoringModel.objects.get()
    draft = learning.suggest_points(actor=marketer, at=AT + 2 * DAY)
    assert (draft.status, draft.based_on, draft.version) == ("draft", published, published.version + 1)
    assert (draft.created_by, draft.created_at) == (marketer, AT + 2 * DAY)
    points = {(rule.op, rule.value): rule.points for rule in draft.fit_rules.filter(field="country")}
    assert points[("equals", "FI")] > 0 > points[("equals", "BG")]
    assert all(rule.points == int(rule.points) for rule in draft.fit_rules.all())
    assert draft.hot_threshold > draft.mql_threshold >= 1
    assert draft.fit_bands == sorted(set(draft.fit_bands), reverse=True)


def test_a_rule_says_in_its_name_how_many_cases_stand_behind_it(marketer):
    a_hundred()
    draft = learning.suggest_points(actor=marketer, at=AT)
    cases = Contact.objects.filter(country="FI")
    good = cases.filter(handoffs__state="closed").count()
    name = draft.fit_rules.get(field="country", value="FI").name
    assert name == f"Country is FI · {cases.count()} cases, {round(100 * good / cases.count())}\u00a0% accepted"


def test_a_suggestion_based_on_a_suggestion_names_its_evidence_once(marketer):
    for contact in a_hundred(count=120):
        did(contact, "content_download", at=AT - DAY * (1 + contact.pk % 9))
    first = learning.suggest_points(actor=marketer, at=AT)
    ScoringModel.objects.filter(status="published").update(status="retired", retired_at=AT)
    ScoringModel.objects.filter(pk=first.pk).update(status="published", published_at=AT)
    second = learning.suggest_points(actor=marketer, at=AT)
    assert {rule.name.count("·") for rule in second.activity_rules.filter(type="content_download")} <= {1}
    assert all(rule.name.count("·") <= 1 for rule in second.fit_rules.all())


def test_the_draft_scores_contacts_like_any_other(marketer):
    a_hundred()
    draft = learning.suggest_points(actor=marketer, at=AT)
    rules = services.load_rules(draft)
    finn, bulgarian = (Contact.objects.filter(country=country).first() for country in ("FI", "BG"))
    assert rules.fit_of(finn) > rules.fit_of(bulgarian)
    assert ScoringModel.objects.get(status="published").version == 1


@pytest.mark.parametrize(("count", "missing"), [(0, 100), (37, 63), (99, 1)])
def test_too_few_outcomes_say_how_many_are_missing_and_leave_no_draft(marketer, count, missing):
    a_hundred(count=count)
    found = outcomes.outlook(Goal.ACCEPTED)
    assert (found.closed, found.missing) == (count, missing)
    with pytest.raises(Invalid, match=rf"\b{missing} (is|are) missing") as raised:
        learning.suggest_points(actor=marketer, at=AT)
    assert raised.value.field == "outcome"
    assert ScoringModel.objects.count() == 1


def test_an_unknown_outcome_is_refused_and_so_is_a_salesperson(marketer, salesperson):
    with pytest.raises(Invalid):
        learning.suggest_points(actor=marketer, outcome="happy", at=AT)
    with pytest.raises(Forbidden):
        learning.suggest_points(actor=salesperson, at=AT)


# Leakage --------------------------------------------------------------------------------------------------------------


def filled_by_sales(count=100):
    """Sales notes a plan when it accepts: brilliant, and empty for every new contact."""
    contacts = a_hundred(lambda dice, is_good: {"attributes": {"Plan": "gold"} if is_good else {}}, count=count)
    for contact in contacts[::2]:
        changed(contact, "attributes.Plan", old=None, at=AT + 2 * DAY)


def test_a_field_mostly_filled_after_the_handoff_is_named_and_left_out(marketer):
    filled_by_sales()
    draft = learning.suggest_points(actor=marketer, at=AT)
    assert not draft.fit_rules.filter(field="attributes.Plan").exists()
    assert "Plan is mostly filled only after the handoff (100\u00a0% of 50), so it was left out." in draft.note


def test_a_field_that_leaks_is_used_by_who_insists_and_named_all_the_same(marketer):
    filled_by_sales()
    draft = learning.suggest_points(actor=marketer, insist_on=["attributes.Plan"], at=AT)
    assert {rule.op for rule in draft.fit_rules.filter(field="attributes.Plan")} == {"equals", "is_unset"}
    assert "was used all the same" in draft.note


def test_a_field_filled_late_for_some_only_is_used_as_it_stood(marketer):
    contacts = a_hundred(lambda dice, is_good: {"city": "Oulu" if is_good else "Sofia"})
    for contact in contacts[:10]:
        changed(contact, "city", old=None, at=AT + 2 * DAY)
    rules = {rule.op: rule for rule in learning.suggest_points(actor=marketer, at=AT).fit_rules.filter(field="city")}
    assert rules["is_unset"].name.startswith("City is not known · 10 cases")


# What the score could have known --------------------------------------------------------------------------------------


def test_fields_are_taken_back_to_when_the_handoff_was_formed():
    fair = Source.objects.create(code="fair_of_lahti", name="Fair of Lahti")
    contact = outcome(1, is_good=True, country="FI", city="Oulu", job_title="CEO", source=fair)
    changed(contact, "country", old="SE", at=AT - DAY)
    changed(contact, "city", old="Turku", at=AT + DAY)
    changed(contact, "city", old="Vaasa", at=AT + 2 * DAY)
    changed(contact, "job_title", old=None, at=AT + DAY)
    changed(contact, "source", old="Fair of Lahti", at=AT + DAY)
    values = case_of(contact).values
    assert (values["country"], values["city"], values["job_title"]) == ("FI", "Turku", None)
    assert values["source"] == "fair_of_lahti"
    assert case_of(contact, insist_on=["city", "job_title"]).values["city"] == "Oulu"


def test_a_company_found_out_later_was_not_known_with_anything_about_it():
    company = Company.objects.create(name="Saha Oy", industry="food", employees=300, created_at=AT)
    contact = outcome(1, is_good=True, company=company)
    assert case_of(contact).values["company.employees"] == 300
    changed(contact, "company", old=None, at=AT + DAY)
    assert {case_of(contact).values[f"company.{name}"] for name in ("industry", "employees")} == {None}


def test_names_and_addresses_are_not_learned_about():
    contact = outcome(1, is_good=True, first_name="Eva", last_name="Novak")
    assert not {"first_name", "last_name", "email", "stage"} & set(case_of(contact).values)


def test_activities_up_to_the_handoff_count_as_the_published_rules_count_them():
    contact = outcome(1, is_good=True)
    for _view in range(9):
        did(contact, "page_view", at=AT, path="/pricing")
    did(contact, "content_download", at=AT - 14 * DAY)
    did(contact, "email_open", at=AT - 28 * DAY, mail="spring")
    did(contact, "email_open", at=AT, mail="spring")
    did(contact, "webinar_attended", at=AT + DAY)
    machine = did(contact, "form_submission", at=AT)
    BotVerdict.objects.create(activity=machine, reason="gateway", at=AT)
    names = {outcomes.rule_key(rule): rule.name for rule in ActivityRule.objects.all()}
    counted = {names[key]: amount for key, amount in case_of(contact).amounts.items()}
    assert counted == {"Visits the prices": 5.0, "Downloads content": 0.5, "Opens a mailing": 0.25}


def test_activity_rules_keep_what_they_ask_and_get_learned_points(marketer):
    for contact in a_hundred(count=200):
        is_good = contact.handoffs.get().state == "closed"
        if is_good or contact.pk % 3 == 0:
            did(contact, "page_view", at=AT - DAY, path="/pricing/eu")
    published = ActivityRule.objects.get(name="Visits the prices")
    draft = learning.suggest_points(actor=marketer, at=AT)
    rule = draft.activity_rules.get(type="page_view", conditions=published.conditions)
    assert rule.points > 0 and rule.points == int(rule.points)
    assert rule.cap == pytest.approx(rule.points * published.cap / published.points)
    assert rule.name.startswith("Visits the prices · ")
    # Nobody asked for a demo, so nothing is known about that, and it still promotes.
    kept = draft.activity_rules.get(type="demo_request")
    assert (kept.points, kept.is_request) == (35, True)


def test_a_type_of_activity_without_a_rule_gets_one(marketer):
    ActivityRule.objects.filter(type="webinar_attended").delete()
    for contact in a_hundred(count=200):
        if (contact.handoffs.get().state == "closed") == (contact.pk % 4 > 0):
            did(contact, "webinar_attended", at=AT - DAY)
    rule = learning.suggest_points(actor=marketer, at=AT).activity_rules.get(type="webinar_attended")
    assert rule.points > 0
    assert rule.cap == rule.points * outcomes.NEW_RULE_COUNTS


def test_a_fit_rule_that_only_a_person_can_write_gets_learned_points(marketer):
    a_hundred(lambda dice, is_good: {"job_title": f"Head of {dice.random()}" if is_good else f"Intern {dice.random()}"})
    published = ScoringModel.objects.get().fit_rules.get(name="Leads a department")
    rule = learning.suggest_points(actor=marketer, at=AT).fit_rules.get(op="contains", value=published.value)
    assert rule.points > 10
    assert rule.name.startswith("Leads a department · 50 cases, 100\u00a0% accepted")


# Outcomes -------------------------------------------------------------------------------------------------------------


def test_the_latest_answer_about_a_contact_counts_and_own_prospects_were_answered_by_nobody():
    contact = outcome(1, is_good=False)
    Handoff.objects.create(
        contact=contact, state="closed", cause="rejected", formed_at=AT, answered_at=AT + 5 * DAY, ended_at=AT + 5 * DAY
    )
    own = outcome(2, is_good=True)
    own.handoffs.update(cause="own")
    unanswered = outcome(3, is_good=True)
    unanswered.handoffs.update(answered_at=None)
    found = outcomes.outlook(Goal.ACCEPTED)
    assert (found.closed, found.positives) == (1, 1)


def test_won_and_lost_opportunities_are_outcomes_and_open_ones_are_not(salesperson, marketer):
    for number, state in enumerate(["won"] * 60 + ["lost"] * 50 + ["open"] * 5):
        contact = outcome(number, is_good=True, country="FI" if state == "won" else "BG")
        reason = Reason.objects.filter(kind=state).first()
        Opportunity.objects.create(
            contact=contact,
            handoff=contact.handoffs.get(),
            owner=salesperson,
            name="Docks",
            amount=1000,
            state=state,
            reason=reason,
            opened_at=AT,
            closed_at=AT if reason else None,
        )
    found = outcomes.outlook(Goal.WON)
    assert (found.closed, found.positives) == (110, 60)
    draft = learning.suggest_points(actor=marketer, outcome="won", at=AT)
    assert draft.fit_rules.get(value="FI").name == "Country is FI · 60 cases, 100\u00a0% won"


def test_a_hundred_real_handoffs_are_learned_from(marketer, salesperson):
    """Through the flows from beginning to end: asked for a demo, approved, accepted or rejected."""
    asked = [
        flows.ActivityIn(
            type="demo_request",
            occurred_at=AT,
            external_id=f"demo{number}",
            contact=flows.ContactIn(
                email=f"person{number}@firm.example", fields={"country": "FI" if number % 5 else "BG"}
            ),
        )
        for number in range(100)
    ]
    flows.record_activities(activities=asked, by=None, actor=None, at=AT)
    for number, handoff in enumerate(Handoff.objects.select_related("contact").order_by("id")):
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
        if handoff.contact.country == "FI" and number % 3:
            flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT)
        else:
            flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="no_budget", at=AT)
    draft = learning.suggest_points(actor=marketer, at=AT + DAY)
    assert draft.fit_rules.get(value="FI").points > 0 > draft.fit_rules.get(value="BG").points
