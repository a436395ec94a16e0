"""Scores computed by the database for many are those computed one by one."""

import datetime as dt
import math

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leads import locks
from leads.models import Activity, BotVerdict, Campaign, Company, Contact, Persona, Qualification
from scoring import engine, rescoring, services
from scoring.models import ActivityRule, Adjustment, Component, CountedObject, FitRule, Score, ScoringModel

AT = dt.datetime(2026, 3, 3, 8, 0, 0, 123456, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)

pytestmark = pytest.mark.django_db

PROPERTIES = st.sampled_from(
    [
        {},
        {"path": "/pricing", "mail": "spring"},
        {"path": "/PRICING/teams", "mail": "autumn"},
        {"path": "/blog", "mail": 7, "source": "x"},
        {"mail": "", "campaign": "Own"},
        {"mail": 7.5},
        {"mail": True},
        {"mail": "é" * 300},
    ]
)
TYPES = st.sampled_from(["page_view", "email_open", "email_click", "unsubscribe", "content_download", "bounce"])
HISTORIES = st.lists(
    st.tuples(
        TYPES,
        PROPERTIES,
        st.timedeltas(dt.timedelta(minutes=-4), dt.timedelta(days=1500)),
        st.sampled_from(["no", "no", "no", "bot", "campaign"]),
    ),
    max_size=10,
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["", "Head of Operations", "Buyer"]),
            "employees": st.sampled_from([None, 0, 250]),
            "stage": st.sampled_from(["subscriber", "lead"]),
            "budget": st.sampled_from([None, "confirmed"]),
            "given": st.lists(st.sampled_from([-20.0, 15.5, 60.0]), max_size=2),
            "armed": st.sampled_from([None, True, False]),
            "history": HISTORIES,
        }
    ),
    min_size=1,
    max_size=4,
)


class _Undone(Exception):
    pass


def version(number=2, **columns):
    """A version with every kind of rule."""
    model = ScoringModel.objects.create(
        name="Trial", version=number, half_life_days=14, reference_at=AT - 300 * DAY, created_at=AT, **columns
    )
    pricing = [{"property": "path", "op": "starts_with", "value": "/pricing"}]
    spring = [{"property": "campaign", "op": "equals", "value": "spring"}]
    for position, (type_, conditions, points, more) in enumerate(
        [
            ("page_view", pricing, 14, {"cap": 20}),
            ("page_view", [], 2.5, {"half_life_days": 1}),
            ("page_view", spring, 10, {"once_per": "campaign"}),
            ("email_click", [], 6, {"once_per": "mail", "within_days": 7, "cap": 30}),
            ("email_open", [], 1, {"once_per": "mail"}),
            ("email_open", [], 0.5, {"once_per": "source", "half_life_days": 700}),
            ("content_download", [], 30, {}),
            ("unsubscribe", [], -40, {"floor": -25, "half_life_days": 90}),
            ("bounce", [], -15, {"half_life_days": 2}),
        ]
    ):
        ActivityRule.objects.create(
            model=model,
            position=position,
            name=f"r{position}",
            type_id=type_,
            conditions=conditions,
            points=points,
            **more,
        )
    for field, op, value, points in [
        ("company.employees", "between", [200, 1000], 12),
        ("job_title", "contains", ["operations"], 10.5),
        ("job_title", "is_unset", None, -2),
        ("bant.budget", "equals", "confirmed", 20),
        ("persona", "equals", "Head", 8),
    ]:
        FitRule.objects.create(model=model, name=field, field=field, op=op, value=value, points=points)
    return model


def people_of(people, author):
    spring = Campaign.objects.create(name="Spring", created_at=AT)
    first = ScoringModel.objects.get(version=1)
    Persona.objects.create(
        name="Head", conditions=[{"field": "job_title", "op": "starts_with", "value": "head"}], created_at=AT
    )
    for number, person in enumerate(people):
        company = None
        if person["employees"] is not None:
            company = Company.objects.create(name=f"c{number}", employees=person["employees"], created_at=AT)
        contact = Contact.objects.create(
            stage=person["stage"], stage_at=AT, created_at=AT, job_title=person["title"], company=company
        )
        if person["budget"]:
            Qualification.objects.create(contact=contact, letter="budget", verdict=person["budget"], at=AT)
        for points in person["given"]:
            Adjustment.objects.create(contact=contact, points=points, reason="x", author=author, at=AT)
        if person["armed"] is not None:
            Score.objects.create(contact=contact, model=first, valued_at=AT, is_armed=person["armed"])
        for index, (type_, properties, age, kind) in enumerate(person["history"]):
            row = Activity.objects.create(
                contact=contact,
                type_id=type_,
                direction="inbound",
                occurred_at=AT - age,
                recorded_at=AT,
                source="api",
                external_id=f"{number}-{index}",
                campaign=spring if kind == "campaign" else None,
                properties=properties,
            )
            if kind == "bot":
                BotVerdict.objects.create(activity=row, reason="agent", at=AT)
    return list(Contact.objects.order_by("id").values_list("id", flat=True))


def stored():
    """Everything that scoring keeps."""
    scores = {row.contact_id: row for row in Score.objects.all()}
    components = {(row.contact_id, row.rule_id): row for row in Component.objects.all()}
    fields = ("contact_id", "rule_id", "object_key", "window", "occurred_at")
    return scores, components, sorted(CountedObject.objects.values_list(*fields))


def is_near(one, other):
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


@given(people=PEOPLE)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_database_scores_many_as_they_are_scored_one_by_one(people, marketer):
    try:
        with transaction.atomic():
            model = version()
            ids = people_of(people, marketer)
            rules = services.load_rules(model)
            # One by one: a stored score of the earlier version makes each be computed from the ledger.
            Score.objects.bulk_create(
                [Score(contact_id=pk, model_id=1, valued_at=AT) for pk in ids], ignore_conflicts=True
            )
            Score.objects.update(model=ScoringModel.objects.get(version=1))
            before = list(Score.objects.values())
            outcomes = {}
            for pk in ids:
                (outcome,) = services.rescore(locks.locked_contacts([pk]), at=AT, rules=rules)
                outcomes[pk] = outcome
            expected_scores, expected_components, expected_objects = stored()
            Score.objects.all().delete()
            Score.objects.bulk_create([Score(**row) for row in before])

            preview = {pk: (value, grade) for pk, value, grade in rescoring.scores(rules, ids, at=AT)}
            crossed = rescoring.rebuild(rules, ids, at=AT)
            scores, components, objects = stored()

            assert objects == expected_objects
            assert set(components) == set(expected_components)
            for key, component in components.items():
                term, other = rules.term_of(component), rules.term_of(expected_components[key])
                assert is_near(engine.raw_at(term, AT), engine.raw_at(other, AT))
                assert component.count == expected_components[key].count
            assert set(scores) == set(expected_scores) == set(preview)
            for pk, score in scores.items():
                other = expected_scores[pk]
                for name in ("value", "engagement", "fit", "adjustment"):
                    assert is_near(getattr(score, name), getattr(other, name)), name
                assert (score.grade, score.model_id, score.valued_at) == (other.grade, other.model_id, other.valued_at)
                assert preview[pk][1] == score.grade and is_near(preview[pk][0], score.value)
                # Rescoring disarms whom it promotes; the caller of `rebuild` does.
                assert (score.is_armed and not outcomes[pk].is_promotion) == other.is_armed
                assert_not_late(
                    score, rules=rules, terms=[rules.term_of(c) for c in components.values() if c.contact_id == pk]
                )
            assert [found.contact_id for found in crossed] == [pk for pk in ids if outcomes[pk].is_promotion]
            raise _Undone
    except _Undone:
        pass


def assert_not_late(score, *, rules, terms):
    """Until it is looked at again, nothing crosses."""
    constant = score.fit + score.adjustment
    levels = services._levels(rules.model, constant=constant)

    def sides(at):
        value = engine.score_at(terms=terms, fit=constant, adjustment=0, at=at).score
        return [value >= level for level in levels if abs(value - level) > 1e-6], value

    until = score.next_check_at or AT + 3000 * DAY
    assert AT + dt.timedelta(minutes=1) <= until <= AT + 3651 * DAY
    if until - AT <= dt.timedelta(minutes=1):
        return
    _now, value_now = sides(AT)
    for step in range(1, 21):
        value = sides(AT + (until - AT) * step / 21)[1]
        for level in levels:
            assert (value >= level - 1e-6) if value_now >= level else (value < level + 1e-6)


def test_a_model_without_activity_rules_scores_fit_alone(marketer):
    model = ScoringModel.objects.create(name="Bare", version=2, reference_at=AT, created_at=AT)
    FitRule.objects.create(model=model, name="n", field="job_title", op="is_unset", value=None, points=70)
    contact = Contact.objects.create(stage_at=AT, created_at=AT)
    (found,) = rescoring.rebuild(services.load_rules(model), [contact.pk], at=AT)
    assert (found.contact_id, found.score, found.grade) == (contact.pk, 70, "A4")
    score = Score.objects.get()
    assert score.next_check_at is None and score.is_armed


def test_what_another_version_stored_of_a_contact_goes():
    contact = Contact.objects.create(stage_at=AT, created_at=AT)
    rule = ActivityRule.objects.first()
    Component.objects.create(contact=contact, rule=rule, amount=5, reference_at=AT, count=1)
    rescoring.rebuild(services.load_rules(version()), [contact.pk], at=AT)
    assert not Component.objects.exists()
