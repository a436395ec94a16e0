"""Which policy is chosen: the explanation says what the clock then does, whatever policies and leads there are."""

import datetime as dt
import random

import pytest

import sla.services
from crm import flows
from crm.queries import which
from leads import facts
from leads.models import Contact, Handoff, Segment
from sla.choosing import Chooser
from sla.models import Calendar, Milestone, Policy, Timer

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 11, 17, 10, 0, tzinfo=dt.UTC)
COUNTRIES, TITLES, CAMPAIGNS = ("FI", "PL", "", "fi"), ("Head of Sales", "CEO", ""), ("Fair", "Mailing")
CONDITIONS = (
    {"field": "country", "op": "equals", "value": "FI"},
    {"field": "country", "op": "not_equals", "value": "PL"},
    {"field": "country", "op": "is_unset", "value": None},
    {"field": "job_title", "op": "contains", "value": "sales"},
    {"field": "company.employees", "op": "gte", "value": 50},
    {"field": "handoff.score", "op": "between", "value": [10, 60]},
    {"field": "handoff.grade", "op": "in", "value": ["A1", "B1", "D1"]},
    {"field": "handoff.campaign", "op": "equals", "value": "fair"},
    {"field": "handoff.campaign", "op": "is_unset", "value": None},
    {"field": "handoff.team", "op": "is_set", "value": None},
    {"field": "persona", "op": "is_unset", "value": None},
    {"field": "bant.budget", "op": "is_set", "value": None},
    {"field": "attributes.size", "op": "lt", "value": 5},
    {"field": "segment", "op": "equals", "value": "Small finns"},
    {"field": "segment", "op": "not_equals", "value": "Chiefs"},
    {"field": "activity.type", "op": "equals", "value": "webinar_attended"},
    {"field": "activity.form", "op": "is_unset", "value": None},
)
SEGMENTS = {
    "Small finns": [
        {"field": "country", "op": "equals", "value": "FI"},
        {"field": "attributes.size", "op": "lt", "value": 5},
    ],
    "Chiefs": [{"field": "job_title", "op": "equals", "value": "CEO"}],
}


@pytest.fixture(autouse=True)
def _segments(db):
    for name, conditions in SEGMENTS.items():
        Segment.objects.create(name=name, conditions=conditions, created_at=AT)


def handoffs(dice: random.Random, *, count: int) -> list[Handoff]:
    """Leads in review, as unlike as the dice will have them."""
    for number in range(count):
        fields = {"country": dice.choice(COUNTRIES), "job_title": dice.choice(TITLES)}
        flows.record_activities(
            activities=[
                flows.ActivityIn(
                    type="demo_request",
                    occurred_at=AT,
                    external_id=str(number),
                    contact=flows.ContactIn(
                        email=f"lead{number}@firm{number}.example",
                        fields={name: value for name, value in fields.items() if value},
                        company=f"Firm {number}",
                    ),
                    campaign=dice.choice((*CAMPAIGNS, None)),
                )
            ],
            by=None,
            actor=None,
            at=AT,
        )
    for contact in Contact.objects.select_related("company"):
        contact.attributes = {"size": dice.choice((1, 9, "4"))}
        contact.save(update_fields=["attributes"])
        contact.company.employees = dice.choice((None, 10, 50, 900))
        contact.company.save(update_fields=["employees"])
    return read_anew()


def read_anew() -> list[Handoff]:
    """The leads as nobody has read them before."""
    related = ("contact__company", "contact__source", "assignee", "team")
    return list(Handoff.objects.select_related(*related).order_by("id"))


@pytest.mark.parametrize("seed", range(12))
def test_the_explanation_names_the_policy_that_a_clock_gets(seed):
    dice = random.Random(seed)
    leads = handoffs(dice, count=4)
    office = Calendar.objects.get(name="Office hours")
    for number in range(6):
        Policy.objects.create(
            name=f"P{number}",
            milestone=Milestone.REVIEW,
            target_seconds=dice.randint(1, 40) * 600,
            calendar=office,
            calendar_of=dice.choice(("named", "team", "assignee")),
            conditions=dice.sample(CONDITIONS, dice.randint(0, 3) if number == 5 else dice.randint(1, 3)),
            position=dice.randint(0, 3),
            is_active=dice.random() > 0.2,
        )
    explained = {lead.pk: which.answer(lead, Milestone.REVIEW, running=None, now=AT) for lead in leads}
    Timer.objects.all().delete()
    timers = sla.services.start(read_anew(), [Milestone.REVIEW], at=AT)
    assert len(timers) == len(leads)
    for timer in timers:
        told = explained[timer.handoff_id]
        assert (told.chosen, told.calendar, told.due_at) == (timer.policy, timer.calendar, timer.due_at)
        fitting = [one.policy for one in told.candidates if one.fits]
        assert told.chosen == fitting[0]
        assert [one.policy for one in told.candidates] == [
            policy for policy, _asked in Chooser(Milestone.REVIEW, []).policies
        ]


def test_every_fact_that_can_be_asked_for_has_a_value_or_none_for_a_lead():
    (lead,) = handoffs(random.Random(1), count=1)
    get = facts.handoff_getter(lead)
    for field in facts.POLICY_FIELDS - {"attributes.*"}:
        get(field)
    assert list(get("handoff.campaign")) in (["Fair"], ["Mailing"], [])


def test_many_leads_are_judged_by_a_constant_number_of_queries(django_assert_num_queries):
    leads = handoffs(random.Random(2), count=3)
    Policy.objects.create(
        name="All",
        milestone=Milestone.REVIEW,
        target_seconds=60,
        calendar=Calendar.objects.get(name="Office hours"),
        calendar_of="team",
        conditions=[CONDITIONS[7], CONDITIONS[10], CONDITIONS[11], CONDITIONS[14], CONDITIONS[16]],
        position=0,
    )
    # Policies, segments, personas, qualifications, touches with their campaigns, what they did; nobody has a team or an
    # assignee yet.
    with django_assert_num_queries(7):
        chooser = Chooser(Milestone.REVIEW, leads)
        for lead in leads:
            chooser.choose(lead)


def test_a_lead_is_in_the_segments_whose_conditions_it_meets():
    (lead,) = handoffs(random.Random(3), count=1)
    lead.contact.country, lead.contact.job_title, lead.contact.attributes = "fi", "CEO", {"size": "4"}
    assert list(facts.handoff_getter(lead)("segment")) == ["Chiefs", "Small finns"]
    lead.contact.attributes = {"size": 9}
    assert list(facts.handoff_getter(lead)("segment")) == ["Chiefs"]
