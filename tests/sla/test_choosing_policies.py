"""Which promise a handoff gets: by conditions on anything that is known, at the same cost for many as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import flows
from crm.flows import personas
from crm.models import Team
from leads.models import Contact, Handoff, Qualification
from sla.choosing import Chooser
from sla.models import Calendar, Milestone, Policy

pytestmark = pytest.mark.django_db
ASKED = (
    ("persona", "equals", "Finn"),
    ("bant.budget", "equals", "confirmed"),
    ("company.industry", "equals", "food"),
    ("source", "equals", "fair"),
    ("handoff.team", "equals", "Partner"),
)


@pytest.fixture
def handoffs(marketer):
    """Six people who asked for a demo: the first is a Finn with money."""
    finns = {"name": "Finn", "conditions": [{"field": "country", "op": "equals", "value": "FI"}]}
    rich = {"name": "Rich", "conditions": [{"field": "bant.budget", "op": "equals", "value": "confirmed"}]}
    now = timezone.now()
    for values in (finns, rich):
        personas.create_persona(actor=marketer, values=values, at=now)
    for number in range(6):
        contact = flows.ContactIn(
            email=f"{number}@firm{number}.example",
            company=f"Firm {number}",
            fields={"country": "FI" if not number else "PL"},
        )
        asked = flows.ActivityIn(type="demo_request", occurred_at=now, external_id=str(number), contact=contact)
        flows.record_activities(activities=[asked], by=None, actor=None, at=now)
    Qualification.objects.create(contact=Contact.objects.earliest("id"), letter="budget", verdict="confirmed", at=now)
    Handoff.objects.filter(pk=Handoff.objects.latest("id").pk).update(
        team=Team.objects.create(name="Partner", kind="partner")
    )
    return Handoff.objects.order_by("id")


def test_conditions_on_personas_verdicts_and_teams_cost_the_same_queries_for_many(handoffs):
    for number, (field, op, value) in enumerate(ASKED):
        Policy.objects.create(
            name=field,
            milestone=Milestone.ANSWER,
            target_seconds=60,
            calendar=Calendar.objects.earliest("id"),
            conditions=[{"field": field, "op": op, "value": value}],
            position=number - 100,
        )

    def chosen(rows):
        with CaptureQueriesContext(connection) as queries:
            choose = Chooser(Milestone.ANSWER, rows).choose
            names = [policy.name for row in rows if (policy := choose(row)) is not None]
        return names, len(queries)

    one, few = chosen(list(handoffs[:1]))
    names, many = chosen(list(handoffs))
    standard = Policy.objects.filter(milestone=Milestone.ANSWER, conditions=[]).earliest("position").name
    assert one == ["persona"]
    assert names == ["persona", standard, standard, standard, standard, "handoff.team"]
    # One more: the first handoff alone has no team to fetch.
    assert many <= few + 1


def test_a_standard_promise_asks_for_nothing(handoffs):
    rows = list(handoffs)
    with CaptureQueriesContext(connection) as queries:
        choose = Chooser(Milestone.REVIEW, rows).choose
        assert all(choose(row) is not None for row in rows)
    assert len(queries) == 1
