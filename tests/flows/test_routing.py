"""Who gets a lead: the order of the decision, every refusal, fairness, and what becomes of those that wait."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid
from crm.flows import routes
from crm.models import Notice, Team, User
from crm.models.people import TeamKind
from crm.queries import verify
from leads import routing
from leads.models import Contact, Handoff, Rotation, RotationShare, RotationTurn, RoutingRule, RoutingSettings
from leads.selling import sellers
from scoring.models import Score
from sla.models import Calendar, Policy, Timer
from tests.conftest import make_user
from tests.pages.sales_work import DAY, HOUR, MINUTE, TUESDAY, ask

pytestmark = pytest.mark.django_db
AT = TUESDAY
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]


def lead(name: str, *, company: str | None = None, at: dt.datetime = AT, **contact) -> Handoff:
    """One in review, of a company of its own unless one is named."""
    handoff = ask(name, at=at, company=company or f"{name.title()} Oy")
    Contact.objects.filter(pk=handoff.contact_id).update(**contact)
    return Handoff.objects.get(pk=handoff.pk)


def approve(handoff: Handoff, marketer: User, *, at: dt.datetime = AT) -> Handoff:
    return flows.approve(actor=marketer, handoff_id=handoff.pk, at=at)


def rule(manager: User, name: str, people: dict[User, int], **values) -> RoutingRule:
    weights = {person.pk: weight for person, weight in people.items()}
    return routes.create_rule(actor=manager, values={"name": name, "weights": weights} | values)


def shift(name: str, weekly: dict) -> Calendar:
    return Calendar.objects.create(name=name, weekly=weekly)


# The order of the decision --------------------------------------------------------------------------------------------


def test_without_a_rule_all_of_sales_takes_turns(marketer, salesperson, other_salesperson):
    got = [approve(lead(f"l{n}"), marketer).assignee for n in range(6)]
    assert Counter(got) == {salesperson: 3, other_salesperson: 3}
    assert got[0] != got[1] and got[2] != got[3]
    assert Handoff.objects.first().assigned_because.startswith("Next in the rotation; ")
    assert [turn.number for turn in RotationTurn.objects.order_by("number")] == [1, 2, 3, 4, 5, 6]


def test_the_first_rule_that_fits_and_has_room_decides(marketer, salesperson, other_salesperson, manager):
    third = make_user("salesperson", name="Tess Third")
    rule(manager, "Everyone else", {third: 1})
    finns = rule(manager, "Finland", {other_salesperson: 1}, conditions=FINNS)
    assert [one.name for one in RoutingRule.objects.all()] == ["Finland", "Everyone else"]
    finn = approve(lead("aino", country="FI"), marketer)
    assert (finn.assignee, finn.assigned_because) == (other_salesperson, "Finland: next in the rotation; 0 of 8 open")
    assert approve(lead("bob", country="GB"), marketer).assignee == third
    User.objects.filter(pk=other_salesperson.pk).update(capacity=1)
    assert approve(lead("eero", country="FI"), marketer).assignee == third
    routes.edit_rule(actor=manager, rule_id=finns.pk, values={"otherwise": "wait"})
    assert approve(lead("kari", country="FI"), marketer).state == "waiting"
    routes.edit_rule(actor=manager, rule_id=finns.pk, values={"is_active": False})
    flows.route_waiting(at=AT)
    assert Handoff.objects.get(contact__first_name="Kari").assignee == third


def test_a_rule_may_ask_what_is_known_of_the_lead_and_its_grade(marketer, salesperson, other_salesperson, manager):
    wanted = [
        {"field": "attributes.product", "op": "equals", "value": "Dock planner"},
        {"field": "language", "op": "equals", "value": "fi"},
        {"field": "handoff.cause", "op": "equals", "value": "request"},
    ]
    rule(manager, "Dock planner in Finnish", {other_salesperson: 1}, conditions=wanted)
    known = {"attributes": {"product": "Dock planner"}, "language": "fi"}
    got = [approve(lead(f"l{n}", **known), marketer).assignee for n in range(3)]
    assert got == [other_salesperson] * 3


def test_a_team_is_a_pool_in_which_people_have_weights(marketer, salesperson, other_salesperson, manager, sales_team):
    third = make_user("salesperson", name="Tess Third", team=sales_team)
    stranger = make_user("salesperson", name="Stan Stranger")
    rule(manager, "Field", {salesperson: 2, third: 0}, team=sales_team)
    User.objects.update(capacity=50)
    got = Counter(approve(lead(f"l{n}"), marketer).assignee for n in range(9))
    assert got == {salesperson: 6, other_salesperson: 3} and stranger not in got


def test_a_company_keeps_who_talks_to_it_or_has_it(marketer, salesperson, other_salesperson):
    first = approve(lead("eva", company="Firm"), marketer)
    approve(lead("nils"), marketer)
    second = approve(lead("ivo", company="Firm"), marketer)
    assert (second.assignee, second.assigned_because) == (first.assignee, "Talks to the same company already")
    owner = make_user("salesperson", name="Olga Owner")
    Contact.objects.filter(pk=lead("old", company="Customer").contact_id).update(owner=owner)
    third = approve(lead("new", company="Customer"), marketer)
    assert (third.assignee, third.assigned_because) == (owner, "Has the contact or its company already")
    User.objects.filter(pk=owner.pk).update(is_on_duty=False)
    assert approve(lead("newer", company="Customer"), marketer).assignee != owner
    # Neither was a turn: the rotation goes on where it was.
    assert {share.given for share in RotationShare.objects.filter(weight__gt=0)} <= {1, 2}
    assert RotationTurn.objects.filter(person=owner).count() == 0


def test_people_of_a_partner_have_no_part_in_the_rotation_of_sales(marketer, salesperson):
    partner = Team.objects.create(name="North", kind=TeamKind.PARTNER)
    make_user("salesperson", name="Pia Partner", team=partner)
    assert {approve(lead(f"l{n}"), marketer).assignee for n in range(3)} == {salesperson}


# Who can take a lead --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_active": False}, None),
        ({"is_on_duty": False}, "off duty"),
        ({"away_from": AT - DAY, "away_until": AT + DAY}, "out of office"),
        ({"capacity": 0}, "no room for another open lead"),
        ({"daily_capacity": 0}, "has had the new leads of today"),
    ],
)
def test_who_cannot_take_a_lead_gets_none(marketer, salesperson, other_salesperson, change, said):
    User.objects.filter(pk=salesperson.pk).update(**change)
    found = {one.person: one.obstacle for one in sellers(at=AT)}
    assert (found[salesperson].label if salesperson in found else None) == said
    assert [approve(lead(f"l{n}"), marketer).assignee for n in range(2)] == [other_salesperson] * 2


def test_a_lead_waits_for_working_hours(marketer, salesperson, sales_team):
    sales_team.calendar = shift("Mornings", {"tue": [["06:00", "09:00"]], "wed": [["06:00", "09:00"]]})
    sales_team.save()
    handoff = approve(lead("eva"), marketer)
    assert handoff.state == "waiting"
    assert flows.route_waiting(at=AT + HOUR) == 0
    assert flows.route_waiting(at=AT.replace(hour=6) + DAY) == 1
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.offered_at) == (salesperson, AT.replace(hour=6) + DAY)


def test_a_calendar_of_ones_own_goes_before_that_of_the_team(marketer, salesperson, sales_team):
    sales_team.calendar = shift("Never on Tuesday", {"mon": [["09:00", "17:00"]]})
    sales_team.save()
    salesperson.calendar = shift("Tuesdays", {"tue": [["09:00", "17:00"]]})
    salesperson.save()
    assert approve(lead("eva"), marketer).assignee == salesperson


def test_new_leads_a_day_are_counted_in_the_persons_own_zone(marketer, salesperson):
    User.objects.filter(pk=salesperson.pk).update(daily_capacity=1, time_zone="Asia/Tokyo")
    evening = AT.replace(hour=14)  # 23:00 in Tokyo
    first = approve(lead("eva"), marketer, at=evening)
    assert first.assignee == salesperson
    assert approve(lead("ivo"), marketer, at=evening + 30 * MINUTE).state == "waiting"
    assert flows.route_waiting(at=evening + 59 * MINUTE) == 0
    assert flows.route_waiting(at=evening + HOUR) == 1


def test_what_was_undone_or_passed_on_counts_as_people_would(marketer, manager, salesperson, other_salesperson):
    User.objects.update(daily_capacity=1)
    handoff = flows.approve(actor=marketer, handoff_id=lead("eva").pk, assignee_email=salesperson.email, at=AT)
    flows.undo(actor=marketer, handoff_id=handoff.pk, at=AT + MINUTE)
    given = {one.person: one.today for one in sellers(at=AT + MINUTE)}
    assert given[salesperson] == 0
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT + 2 * MINUTE)
    flows.reassign(actor=manager, handoff_id=handoff.pk, at=AT + 3 * MINUTE)
    given = {one.person: one.today for one in sellers(at=AT + 3 * MINUTE)}
    assert given == {salesperson: 1, other_salesperson: 1}


def test_whom_a_colleague_names_may_go_beyond_and_it_is_written_down(marketer, salesperson, sales_team):
    first = flows.approve(actor=marketer, handoff_id=lead("eva").pk, assignee_email=salesperson.email, at=AT)
    assert not first.is_override
    for change in ({"capacity": 1}, {"capacity": 8, "daily_capacity": 1}):
        User.objects.filter(pk=salesperson.pk).update(**change)
        named = lead(f"n{change['capacity']}")
        beyond = flows.approve(actor=marketer, handoff_id=named.pk, assignee_email=salesperson.email, at=AT)
        assert beyond.is_override and beyond.assigned_because == "Named by a colleague"
    User.objects.filter(pk=salesperson.pk).update(daily_capacity=None)
    sales_team.calendar = shift("Mornings", {"tue": [["06:00", "09:00"]]})
    sales_team.save()
    at_night = flows.approve(actor=marketer, handoff_id=lead("night").pk, assignee_email=salesperson.email, at=AT)
    assert at_night.is_override
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    with pytest.raises(Invalid, match="off duty"):
        flows.approve(actor=marketer, handoff_id=lead("off").pk, assignee_email=salesperson.email, at=AT)


# Fairness -------------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weights=st.lists(st.integers(1, 5), min_size=1, max_size=4), count=st.integers(1, 14))
def test_a_bulk_is_fair_by_weight(db, weights, count):
    RotationTurn.objects.all().delete()
    Rotation.objects.all().delete()
    RoutingRule.objects.all().delete()
    User.objects.update(is_on_duty=False)
    n = User.objects.count()
    boss = make_user("manager", name=f"Boss {n}")
    people = [make_user("salesperson", name=f"Seller {n} {place}") for place in range(len(weights))]
    rule(boss, "All", dict(zip(people, weights, strict=True)), otherwise="wait")
    User.objects.filter(pk__in=[one.pk for one in people]).update(capacity=100)
    leads = [lead(f"w{n}x{one}") for one in range(count)]
    before = routing.preview(leads, at=AT)
    got = Counter(flows.approve(actor=boss, handoff_id=one.pk, at=AT).assignee for one in leads)
    assert Counter(choice.assignee for choice in before) == got
    for person, weight in zip(people, weights, strict=True):
        assert abs(got[person] - Fraction(count * weight, sum(weights))) < 1


def test_a_rotation_begins_anew_when_who_can_take_leads_changes(marketer, salesperson, other_salesperson):
    for n in range(3):
        approve(lead(f"l{n}"), marketer)
    third = make_user("salesperson", name="Tess Third")
    assert approve(lead("m0"), marketer, at=AT + HOUR).assignee is not None
    row = Rotation.objects.get()
    assert (row.began_at, row.turn) == (AT + HOUR, 4)
    assert sorted(row.shares.values_list("given", flat=True)) == [0, 0, 1]
    got = Counter(approve(lead(f"n{n}"), marketer, at=AT + HOUR).assignee for n in range(5))
    assert sorted((got + Counter([RotationTurn.objects.get(number=4).person])).values()) == [2, 2, 2]
    assert third in got


def test_a_preview_counts_nothing(marketer, salesperson, other_salesperson):
    leads = [lead(f"l{n}") for n in range(4)]
    first = [choice.assignee for choice in routing.preview(leads, at=AT)]
    assert first == [choice.assignee for choice in routing.preview(leads, at=AT)]
    assert not Rotation.objects.exists()
    assert [approve(one, marketer).assignee for one in leads] == first


def test_a_lead_that_is_given_away_goes_to_who_has_most_room_and_is_no_turn(marketer, manager, sales_team):
    people = [make_user("salesperson", name=f"Seller {n}", team=sales_team) for n in range(3)]
    for n in range(4):
        approve(lead(f"l{n}"), marketer)
    given = dict(RotationShare.objects.values_list("person", "given"))
    doubled = Handoff.objects.filter(assignee=people[0]).first()
    moved = flows.reassign(actor=manager, handoff_id=doubled.pk, at=AT + HOUR)
    assert moved.assignee != people[0]
    assert moved.assigned_because == "Most room among those who had not had it; 1 of 8 open"
    assert dict(RotationShare.objects.values_list("person", "given")) == given


# Waiting --------------------------------------------------------------------------------------------------------------


def hot(handoff: Handoff, value: float) -> Handoff:
    Score.objects.filter(contact=handoff.contact_id).update(value=value)
    return handoff


def test_in_a_bulk_the_hottest_are_offered_when_room_is_short(marketer, salesperson, browsing):
    User.objects.filter(pk=salesperson.pk).update(capacity=2)
    rows = [hot(lead(f"l{n}"), value) for n, value in enumerate((120, 300, 110, 200))]
    assert routing.hottest_first([row.pk for row in rows]) == [rows[n].pk for n in (1, 3, 0, 2)]
    given = {"verb": "approve", "handoff": [row.pk for row in rows]}
    browsing(marketer).post("/queue/bulk/", given)
    assert set(Handoff.objects.filter(assignee=salesperson)) == {rows[1], rows[3]}
    assert [one.pk for one in routing.waiting_in_order()] == [rows[0].pk, rows[2].pk]


def test_who_waits_longest_is_offered_first_and_nobody_new_overtakes(marketer, salesperson):
    User.objects.filter(pk=salesperson.pk).update(capacity=0)
    waiting = [approve(lead(f"l{n}"), marketer, at=AT + n * MINUTE) for n in range(3)]
    User.objects.filter(pk=salesperson.pk).update(capacity=2)
    late = hot(lead("late"), 900)
    assert routing.preview([late], at=AT + HOUR) == [None]
    assert approve(late, marketer, at=AT + HOUR).state == "waiting"
    assert flows.route_waiting(at=AT + HOUR) == 2
    assert set(Handoff.objects.filter(assignee=salesperson)) == set(waiting[:2])
    User.objects.filter(pk=salesperson.pk).update(capacity=8)
    flows.route_waiting(at=AT + HOUR)
    assert not Handoff.objects.filter(state="waiting").exists()


def test_a_pass_gives_each_person_no_more_than_is_set(marketer, salesperson, other_salesperson):
    User.objects.update(is_on_duty=False)
    for n in range(9):
        approve(lead(f"l{n}"), marketer)
    User.objects.filter(pk__in=[salesperson.pk, other_salesperson.pk]).update(is_on_duty=True)
    assert flows.route_waiting(at=AT + HOUR) == 6
    assert Counter(Handoff.objects.filter(state="offered").values_list("assignee", flat=True)) == {
        salesperson.pk: 3,
        other_salesperson.pk: 3,
    }
    assert flows.route_waiting(at=AT + HOUR) == 3


def test_who_waits_for_another_rule_keeps_nobody_from_being_offered(marketer, salesperson, other_salesperson, manager):
    rule(manager, "Finland", {other_salesperson: 1}, conditions=FINNS, otherwise="wait")
    User.objects.filter(pk=other_salesperson.pk).update(is_on_duty=False)
    assert approve(lead("aino", country="FI"), marketer).state == "waiting"
    assert approve(lead("bob", country="GB"), marketer).assignee == salesperson


def test_a_turn_that_is_taken_back_goes_to_the_next_lead(marketer, salesperson, other_salesperson):
    first = approve(lead("a"), marketer)
    again = approve(lead("b"), marketer)
    assert {first.assignee, again.assignee} == {salesperson, other_salesperson}
    flows.undo(actor=marketer, handoff_id=again.pk, at=AT + MINUTE)
    turns = RotationTurn.objects.order_by("number")
    assert list(turns.values_list("person", "taken_back_at")) == [
        (first.assignee_id, None),
        (again.assignee_id, AT + MINUTE),
    ]
    following = lead("c")
    assert [choice.assignee for choice in routing.preview([following], at=AT + MINUTE)] == [again.assignee]
    assert approve(following, marketer, at=AT + MINUTE).assignee == again.assignee
    assert list(turns.values_list("handoff", "taken_back_at")) == [(first.pk, None), (following.pk, None)]
    assert [approve(lead(name), marketer, at=AT + MINUTE).assignee for name in "de"] == [
        first.assignee,
        again.assignee,
    ]
    assert list(verify.turn_differences()) == []


def test_a_rule_may_ask_what_somebody_was_interested_in(marketer, salesperson, other_salesperson, manager):
    interest = [{"field": "activity.path", "op": "starts_with", "value": "/products/forklifts"}]
    rule(manager, "Forklifts", {other_salesperson: 1}, conditions=interest, otherwise="wait")
    looked = flows.ActivityIn(
        type="page_view",
        occurred_at=AT,
        contact=flows.ContactIn(email="eva@firm.example"),
        properties={"path": "/products/forklifts/electric"},
    )
    flows.record_activities(activities=[looked], by=None, actor=None, at=AT)
    eva = lead("eva")
    assert eva.contact.activities.count() == 2
    assert [choice.assignee for choice in routing.preview([eva], at=AT)] == [other_salesperson]
    assert approve(eva, marketer).assigned_because.startswith("Forklifts: next in the rotation")
    assert {approve(lead(name), marketer).assigned_because.split(":")[0] for name in "bc"} != {"Forklifts"}


# Overflowing ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def partner(db):
    return Team.objects.create(name="North partner", kind=TeamKind.PARTNER)


def set_wait(manager, partner, **values):
    given = {"overflow_team": partner, "overflow_seconds": 4 * 3600} | values
    return routes.save_settings(actor=manager, values=given, at=AT)


def test_past_the_set_wait_a_lead_is_offered_to_the_team_whose_people_take_it(marketer, salesperson, manager, partner):
    pia = make_user("salesperson", name="Pia Partner", team=partner)
    quick = Policy.objects.create(
        name="Partners answer quickly",
        milestone="answer",
        target_seconds=600,
        calendar=Calendar.objects.get(always_open=True),
        conditions=[{"field": "handoff.team", "op": "equals", "value": "North partner"}],
        position=-5,
    )
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    set_wait(manager, partner)
    handoff = approve(lead("eva"), marketer)
    assert (handoff.state, handoff.overflow_at) == ("waiting", AT + 4 * HOUR)
    assert flows.route_waiting(at=AT + 4 * HOUR - MINUTE) == 0
    assert flows.route_waiting(at=AT + 4 * HOUR) == 1
    handoff.refresh_from_db()
    assert (handoff.state, handoff.team, handoff.overflow_at) == ("offered", partner, None)
    assert handoff.overflowed_at == AT + 4 * HOUR and handoff.assigned_because == "Overflowed"
    assert handoff in Handoff.objects.visible_to(pia) and handoff not in Handoff.objects.visible_to(salesperson)
    assert Notice.objects.filter(recipient=pia, kind="offered", handoff=handoff).exists()
    assert Timer.objects.open().get(handoff=handoff, milestone="answer").policy == quick
    taken = flows.accept(actor=pia, handoff_id=handoff.pk, at=AT + 5 * HOUR)
    assert (taken.state, taken.assignee, taken.is_override) == ("accepted", pia, False)


def test_who_takes_a_lead_of_their_team_beyond_their_room_is_written_down(marketer, manager, partner):
    full = make_user("salesperson", name="Fia Full", team=partner)
    User.objects.filter(pk=full.pk).update(capacity=0)
    handoff = approve(lead("eva"), marketer)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=partner.pk, at=AT)
    assert flows.accept(actor=full, handoff_id=handoff.pk, at=AT).is_override


def test_what_can_be_offered_does_not_overflow(marketer, salesperson, manager, partner):
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    set_wait(manager, partner)
    handoff = approve(lead("eva"), marketer)
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=True)
    assert flows.route_waiting(at=AT + 9 * HOUR) == 1
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.overflowed_at, handoff.overflow_at) == (salesperson, None, None)


def test_the_wait_is_counted_in_working_time_and_follows_when_it_changes(marketer, manager, partner):
    handoff = approve(lead("eva"), marketer)
    assert handoff.overflow_at is None
    set_wait(manager, partner)
    handoff.refresh_from_db()
    assert handoff.overflow_at == AT + 4 * HOUR
    mornings = shift("Mornings", {"tue": [["09:00", "12:00"]], "wed": [["09:00", "12:00"]]})
    set_wait(manager, partner, overflow_calendar=mornings)
    handoff.refresh_from_db()
    assert handoff.overflow_at == AT.replace(hour=11) + DAY
    set_wait(manager, None, overflow_seconds=None)
    handoff.refresh_from_db()
    assert handoff.overflow_at is None


def test_a_lead_that_cannot_overflow_is_tried_later_and_keeps_no_other(marketer, manager, partner):
    """The policies of one are out of order: it waits on, the next is offered."""
    first, second = (approve(lead(name), marketer) for name in ("eva", "ivo"))
    set_wait(manager, partner)
    Contact.objects.filter(pk=first.contact_id).update(country="XX")
    broken = shift("Never", {})
    for milestone in ("answer", "contact"):
        Policy.objects.create(
            name="Broken",
            milestone=milestone,
            target_seconds=60,
            calendar=broken,
            conditions=[{"field": "country", "op": "equals", "value": "XX"}],
            position=-9,
        )
    assert flows.route_waiting(at=AT + 4 * HOUR) == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.overflow_at) == ("waiting", AT + 4 * HOUR + 5 * MINUTE)
    assert second.team == partner


# Writing --------------------------------------------------------------------------------------------------------------


def test_rules_are_for_managers_and_have_people(manager, marketer, salesperson, sales_team):
    with pytest.raises(Forbidden):
        rule(marketer, "Mine", {salesperson: 1})
    for values, field in (
        ({"weights": {}}, "weights"),
        ({"weights": {salesperson.pk: 0}}, "weights"),
        ({"weights": {salesperson.pk: 11}}, "weights"),
        ({"weights": {marketer.pk: 1}}, "weights"),
        ({"name": " "}, "name"),
        ({"conditions": [{"field": "shoe_size", "op": "gt", "value": 40}]}, "conditions"),
    ):
        with pytest.raises(Invalid) as refusal:
            routes.create_rule(actor=manager, values={"name": "All", "weights": {salesperson.pk: 1}} | values)
        assert refusal.value.field == field
    assert not RoutingRule.objects.exists()


def test_a_rule_that_gave_somebody_a_lead_stays(manager, marketer, salesperson):
    kept = rule(manager, "Kept", {salesperson: 1})
    approve(lead("eva"), marketer)
    with pytest.raises(Conflict, match="stays for their history"):
        routes.delete_rule(actor=manager, rule_id=kept.pk)
    gone = rule(manager, "Gone", {salesperson: 1})
    routes.delete_rule(actor=manager, rule_id=gone.pk)
    assert list(RoutingRule.objects.all()) == [kept]


def test_the_order_of_rules_is_changed(manager, salesperson):
    made = [rule(manager, name, {salesperson: 1}) for name in ("third", "second", "first")]
    assert routes.shift_rule(actor=manager, rule_id=made[0].pk, by=-1)
    assert [one.name for one in RoutingRule.objects.all()] == ["first", "third", "second"]
    assert not routes.shift_rule(actor=manager, rule_id=made[2].pk, by=-1)


def test_a_wait_needs_a_team_and_a_time(manager, partner, sales_team):
    once = Calendar.objects.create(name="Once", extra_days={"2026-12-05": [["10:00", "11:00"]]})
    for values, field in (
        ({"overflow_team": partner, "overflow_seconds": None}, "overflow_seconds"),
        ({"overflow_team": None, "overflow_seconds": 60}, "overflow_team"),
        ({"overflow_team": sales_team, "overflow_seconds": 60}, "overflow_team"),
        ({"overflow_team": partner, "overflow_seconds": 0}, "overflow_seconds"),
        ({"most_a_pass": 0}, "most_a_pass"),
        (
            {"overflow_team": partner, "overflow_seconds": 60, "overflow_calendar": once},
            "overflow_seconds",
        ),
    ):
        with pytest.raises(Invalid) as refusal:
            routes.save_settings(actor=manager, values=values, at=AT)
        assert refusal.value.field == field
    assert RoutingSettings.objects.get().overflow_team is None
