"""The hand-over rule: an MQL is reviewed by marketing first, or offered to sales at once."""

import datetime as dt

import pytest

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import definitions
from crm.models import Notice
from crm.queries.verify import clock_differences, stage_differences
from leads import handover
from leads.models import Contact, Handoff, HandoffEvent, HandoverRule, StageChange
from sla.models import Timer
from tests.pages.sales_work import TUESDAY, ask

pytestmark = pytest.mark.django_db
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]
ASKED = [{"field": "handoff.cause", "op": "equals", "value": "request"}]


def rule(manager, name="Straight", *, conditions=(), straight=True, **more):
    values = {"name": name, "conditions": list(conditions), "is_straight": straight, **more}
    return definitions.add_handover_rule(actor=manager, values=values)


def differences():
    return [*clock_differences(), *stage_differences()]


def milestones(handoff):
    return set(Timer.objects.open().filter(handoff=handoff).values_list("milestone", flat=True))


def test_without_a_rule_marketing_reviews(manager, salesperson):
    handoff = ask(at=TUESDAY)
    assert (handoff.state, handoff.straight_by, milestones(handoff)) == ("in_review", None, {"review"})


def test_a_lead_that_a_rule_passes_on_is_offered_at_once_and_on_the_clock_of_sales(manager, salesperson):
    made = rule(manager, conditions=ASKED)
    handoff = ask(at=TUESDAY)
    assert (handoff.state, handoff.assignee, handoff.straight_by) == ("offered", salesperson, made)
    assert (handoff.offered_at, handoff.reviewed_at, handoff.reviewed_by) == (TUESDAY, TUESDAY, None)
    assert milestones(handoff) == {"answer", "contact"}
    assert not Timer.objects.filter(handoff=handoff, milestone="review").exists()
    assert list(handoff.events.values_list("verb", "to_state", "actor")) == [
        ("request", "waiting", None),
        ("offer", "offered", None),
    ]
    assert StageChange.objects.filter(contact=handoff.contact, to_stage="mql").count() == 1
    assert Notice.objects.filter(handoff=handoff, kind="offered", recipient=salesperson).exists()
    assert differences() == []


def test_where_nobody_can_take_it_it_waits_visibly_and_is_offered_as_somebody_can(manager, salesperson):
    rule(manager)
    salesperson.is_on_duty = False
    salesperson.save()
    handoff = ask(at=TUESDAY)
    assert (handoff.state, handoff.assignee, milestones(handoff)) == ("waiting", None, set())
    salesperson.is_on_duty = True
    salesperson.save()
    assert flows.route_waiting(at=TUESDAY + dt.timedelta(minutes=1)) == 1
    handoff.refresh_from_db()
    assert (handoff.state, handoff.assignee) == ("offered", salesperson)
    assert differences() == []


def test_the_first_rule_that_fits_decides(manager, salesperson):
    straight = rule(manager, "All")
    rule(manager, "Finns first to marketing", conditions=FINNS, straight=False)
    of_finland = flows.create_contact(actor=manager, values={"email": "aino@firm.example", "country": "FI"}, at=TUESDAY)
    assert ask("eva", at=TUESDAY).straight_by == straight
    reviewed = ask("aino", at=TUESDAY)
    assert (reviewed.contact_id, reviewed.state, reviewed.straight_by) == (of_finland.pk, "in_review", None)
    definitions.shift_handover_rule(actor=manager, rule_id=straight.pk, by=-1)
    other = flows.create_contact(actor=manager, values={"email": "pia@firm.example", "country": "FI"}, at=TUESDAY)
    assert ask("pia", at=TUESDAY).straight_by == straight and other.pk
    definitions.edit_handover_rule(actor=manager, rule_id=straight.pk, values={"is_active": False})
    assert ask("ida", at=TUESDAY).state == "in_review"


def test_what_sales_rejects_is_reviewed_whatever_the_rules_say(manager, salesperson):
    rule(manager)
    handoff = ask(at=TUESDAY)
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY)
    again = Handoff.objects.open().get()
    assert (again.state, again.previous, again.straight_by) == ("in_review", handoff, None)
    assert milestones(again) == {"review"}
    assert differences() == []


def test_when_room_is_short_the_hottest_of_a_list_get_it(manager, salesperson):
    rule(manager)
    salesperson.capacity = 2
    salesperson.save()
    given = [
        flows.ActivityIn(
            type=kind,
            occurred_at=TUESDAY,
            external_id=f"{name}-{kind}-{n}",
            contact=flows.ContactIn(email=f"{name}@x.example"),
            properties={"path": "/pricing"},
        )
        for name, kinds in (
            ("cool", ["demo_request"]),
            ("hot", ["demo_request", "content_download", *["page_view"] * 5]),
            ("warm", ["demo_request", "content_download"]),
        )
        for n, kind in enumerate(kinds)
    ]
    flows.record_activities(activities=given, by=None, actor=None, at=TUESDAY)
    states = dict(Handoff.objects.values_list("contact__email", "state"))
    assert states == {"hot@x.example": "offered", "warm@x.example": "offered", "cool@x.example": "waiting"}


def test_imported_history_passes_nobody_on(manager, salesperson):
    rule(manager)
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request",
                occurred_at=TUESDAY,
                external_id="1",
                contact=flows.ContactIn(email="old@x.example"),
            )
        ],
        by=None,
        actor=None,
        at=TUESDAY,
        is_history=True,
    )
    assert not Handoff.objects.exists() and Contact.objects.get().stage != "mql"


def test_rules_cost_the_same_queries_for_many_as_for_few(manager, django_assert_num_queries):
    rule(manager, conditions=[*FINNS, {"field": "company.employees", "op": "gte", "value": 10}])
    rule(manager, "Campaign", conditions=[{"field": "handoff.campaign", "op": "equals", "value": "Fair"}])
    for name in ("eva", "ida", "pia"):
        ask(name, at=TUESDAY)
    handoffs = list(Handoff.objects.select_related("contact__company", "contact__source"))
    for some in (handoffs[:1], handoffs):
        for one in some:
            one.contact._prefetched_objects_cache = {}
        with django_assert_num_queries(2):  # the rules, and whom the contacts met
            judge = handover.Judge(some)
            assert [judge.passes_straight(one) for one in some] == [None] * len(some)


def test_rules_are_kept_by_managers_and_administrators(manager, administrator, marketer, salesperson):
    made = rule(administrator)
    for actor in (marketer, salesperson):
        with pytest.raises(Forbidden):
            rule(actor, "Other")
        with pytest.raises(Forbidden):
            definitions.delete_handover_rule(actor=actor, rule_id=made.pk)
    for values, field in (
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "STRAIGHT"}, "name"),
        ({"name": "Teams", "conditions": [{"field": "handoff.team", "op": "is_set", "value": None}]}, "conditions"),
    ):
        with pytest.raises(Invalid) as refused:
            definitions.add_handover_rule(actor=manager, values=values)
        assert refused.value.field == field
    with pytest.raises(NotFound):
        definitions.edit_handover_rule(actor=manager, rule_id=999, values={"name": "x"})


def test_a_rule_that_passed_a_lead_on_stays(manager, salesperson):
    made = rule(manager)
    ask(at=TUESDAY)
    with pytest.raises(Conflict, match="out of use"):
        definitions.delete_handover_rule(actor=manager, rule_id=made.pk)
    other = rule(manager, "Unused")
    definitions.delete_handover_rule(actor=manager, rule_id=other.pk)
    assert list(HandoverRule.objects.all()) == [made]
    assert HandoffEvent.objects.count() == 2
