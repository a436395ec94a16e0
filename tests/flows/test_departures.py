"""Who goes hands over what they hold: all of it or nothing, with clocks, history and one notice a person."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from crm import flows, notice_words
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import departures, own_settings, people
from crm.flows.ways_out import HandOverFirst
from crm.models import Delivery, Departure, Notice, Team, User, Webhook
from crm.queries import holdings, unnoticed, verify
from crm.queries.holdings import KEEP, Decisions, Group
from crm.queries.unnoticed import Kind
from leads.models import Contact, Handoff, Opportunity, Task
from leads.selling import sellers
from sla.models import Policy, Timer
from tests.pages.sales_work import DAY, HOUR, TUESDAY, ask, bring_to, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def tuesday(monkeypatch):
    from django.utils import timezone

    monkeypatch.setattr(timezone, "now", lambda: TUESDAY)


@pytest.fixture
def held(marketer, salesperson, other_salesperson):
    """Two leads to be answered, one in work, one with an offer, one customer: all of one salesperson's."""

    def bring(state, name):
        return bring_to(
            state, marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name=name, company=f"{name.title()} Oy"
        )

    found = {name: bring(state, name) for name, state in [("one", "offered"), ("two", "offered"), ("tea", "called")]}
    for name in ("deal", "done"):
        found[name] = bring("called", name)
        opened = flows.open_opportunity(
            actor=salesperson, handoff_id=found[name].pk, name=name, amount=Decimal(100), at=TUESDAY - HOUR
        )
    flows.win_opportunity(actor=salesperson, opportunity_id=opened.pk, reason="price", at=TUESDAY - HOUR)
    return found


def leave(actor, person, *, kind="leave", at=TUESDAY, groups=None, items=None, **more):
    decisions = Decisions(groups or {}, items or {})
    return departures.depart(actor=actor, person_id=person.pk, kind=kind, decisions=decisions, at=at, **more)


STAYS = dict.fromkeys(["offered", "in_work", "opportunities", "customers"], KEEP)


def test_what_is_handed_over_counts_among_the_new_leads_of_the_day(
    administrator, marketer, salesperson, other_salesperson
):
    User.objects.filter(pk=other_salesperson.pk).update(daily_capacity=9)
    offer(ask(at=TUESDAY - HOUR), by=marketer, to=salesperson, at=TUESDAY)
    leave(administrator, salesperson)
    assert {one.person: one.today for one in sellers(at=TUESDAY)} == {other_salesperson: 1}


def holder_of(handoff):
    handoff.refresh_from_db()
    return handoff.assignee


def differences():
    return [*verify.clock_differences(), *verify.stage_differences(), *verify.score_differences()]


def test_everything_goes_to_whom_it_was_decided(held, salesperson, other_salesperson, manager, administrator):
    User.objects.filter(pk=manager.pk).update(deputy=administrator)
    third = User.objects.create_user("tea@baton.example", name="Tea Third", roles=("salesperson",))
    made = leave(
        administrator,
        salesperson,
        groups={"offered": third.email, "opportunities": other_salesperson.email, "customers": "nobody"},
        items={f"offered-{held['two'].pk}": other_salesperson.email},
    )
    assert holder_of(held["one"]) == third
    assert holder_of(held["two"]) == other_salesperson
    assert holder_of(held["tea"]) in (third, other_salesperson)
    assert holder_of(held["deal"]) == other_salesperson
    assert Opportunity.objects.get(state="open").owner == other_salesperson
    assert held["deal"].contact.__class__.objects.get(pk=held["deal"].contact_id).owner == other_salesperson
    assert Contact.objects.get(pk=held["done"].contact_id).owner is None
    assert len(made.moved) == 5
    salesperson.refresh_from_db()
    assert not salesperson.is_active
    assert holdings.holdings(salesperson, kind="leave", user=None).items == ()
    assert differences() == []


def test_the_assignees_clock_starts_and_the_contacts_runs_on(held, salesperson, other_salesperson, administrator):
    contact = Timer.objects.open().get(handoff=held["one"], milestone="contact")
    leave(administrator, salesperson, groups=dict.fromkeys(["offered", "in_work", "opportunities"], "route"))
    answer = Timer.objects.open().get(handoff=held["one"], milestone="answer")
    assert (answer.started_at, answer.assignee) == (TUESDAY, other_salesperson)
    after = Timer.objects.open().get(handoff=held["one"], milestone="contact")
    assert (after.pk, after.started_at, after.assignee) == (contact.pk, contact.started_at, other_salesperson)


def test_the_history_stays_under_the_name_of_who_did_it(held, salesperson, administrator):
    leave(administrator, salesperson)
    assert held["tea"].events.get(verb="accept").actor == salesperson
    assert held["tea"].contact.activities.get(type="call").actor == salesperson
    event = held["tea"].events.get(verb="hand_over")
    assert event.before["handoff"]["assignee_id"] == salesperson.pk
    change = Contact.objects.get(pk=held["done"].contact_id).changes.get(field="owner")
    assert change.old == "Sam Seller"
    with pytest.raises(Conflict, match="nothing to undo"):
        flows.undo(actor=administrator, handoff_id=held["tea"].pk, at=TUESDAY)


def test_each_new_holder_is_told_once(held, salesperson, other_salesperson, administrator):
    leave(administrator, salesperson)
    told = Notice.objects.filter(created_at=TUESDAY, kind="handed_over")
    assert [one.recipient for one in told] == [other_salesperson]
    assert told.get().params["got"] == {"offered": 2, "in_work": 1, "opportunities": 1, "customers": 1}


def test_what_was_offered_waits_where_nobody_has_room(held, salesperson, other_salesperson, manager, administrator):
    User.objects.filter(pk=other_salesperson.pk).update(capacity=0)
    work = dict.fromkeys(["in_work", "opportunities"], other_salesperson.email)
    leave(administrator, salesperson, groups=work)
    for name in ("one", "two"):
        assert holder_of(held[name]) is None
        assert held[name].state == "waiting"
    assert set(unnoticed.leads(Kind.NOBODY, user=manager, now=TUESDAY)) == {held["one"], held["two"]}
    assert holder_of(held["tea"]) == other_salesperson
    assert held["tea"].is_override
    assert differences() == []
    User.objects.filter(pk=other_salesperson.pk).update(capacity=8)
    assert flows.route_waiting(at=TUESDAY + HOUR) == 2


def test_a_lead_in_work_is_never_without_an_owner(held, salesperson, other_salesperson, administrator):
    User.objects.filter(pk=other_salesperson.pk).update(is_on_duty=False)
    with pytest.raises(Invalid, match="Nobody on duty has room for these 2"), transaction.atomic():
        leave(administrator, salesperson)
    assert holder_of(held["one"]) == salesperson
    salesperson.refresh_from_db()
    assert salesperson.is_active
    assert not Departure.objects.exists()


def test_a_lead_that_was_called_before_it_was_answered_does_not_wait(marketer, salesperson, administrator):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR)
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", at=TUESDAY)
    with pytest.raises(Invalid, match="Name somebody"):
        leave(administrator, salesperson)


def test_who_is_away_may_keep_it(held, salesperson, other_salesperson, manager):
    first, last = dt.date(2026, 11, 17), dt.date(2026, 11, 20)
    made = leave(
        manager,
        salesperson,
        kind="away",
        groups=STAYS | {"offered": other_salesperson.email},
        items={f"offered-{held['two'].pk}": KEEP},
        absence=(first, last),
    )
    assert holder_of(held["one"]) == other_salesperson
    assert holder_of(held["two"]) == holder_of(held["tea"]) == salesperson
    assert [row["key"] for row in made.moved] == [f"offered-{held['one'].pk}"]
    salesperson.refresh_from_db()
    assert salesperson.is_away(TUESDAY + DAY)
    told = Notice.objects.get(created_at=TUESDAY, recipient=salesperson)
    kept = {row["key"]: row["due_at"] for row in made.kept}
    assert set(kept) == {
        f"{group}-{pk}"
        for group, pk in [
            ("offered", held["two"].pk),
            ("in_work", held["tea"].pk),
            ("opportunities", held["deal"].pk),
            ("customers", held["done"].contact_id),
        ]
    }
    due = Timer.objects.open().filter(handoff=held["two"], due_at__gt=TUESDAY).order_by("due_at").first()
    assert kept[f"offered-{held['two'].pk}"] == (due.due_at.isoformat() if due else None)
    assert (told.kind, told.params["count"], told.params["names"]) == ("handed_over", 1, ["Otto Other"])


def test_off_duty_and_the_role_go_the_same_way(held, salesperson, other_salesperson, manager, administrator):
    leave(manager, salesperson, kind="off_duty", groups=STAYS)
    salesperson.refresh_from_db()
    assert not salesperson.is_on_duty
    assert holder_of(held["one"]) == salesperson
    with pytest.raises(Invalid, match="another role first"), transaction.atomic():
        leave(administrator, salesperson, kind="stop_selling")
    salesperson.set_roles(("salesperson", "marketer"))
    leave(administrator, salesperson, kind="stop_selling")
    assert User.objects.get(pk=salesperson.pk).roles == ["marketer"]
    assert holder_of(held["one"]) == other_salesperson


def test_the_second_administrator_is_told_and_the_same_one_does_it_once(held, salesperson, administrator):
    second = User.objects.create_user("second@baton.example", name="Sue Second", roles=("admin",))
    seen = holdings.holdings(salesperson, kind="leave", user=None).fingerprint
    made = leave(administrator, salesperson, seen=seen)
    assert leave(administrator, salesperson, seen=seen, at=TUESDAY + HOUR) == made
    with pytest.raises(Conflict, match="Ada Admin has handed over what Sam Seller held already"):
        leave(second, salesperson, seen=seen)
    assert Departure.objects.count() == 1


def test_what_was_looked_at_is_what_is_handed_over(held, marketer, salesperson, administrator):
    seen = holdings.holdings(salesperson, kind="leave", user=None).fingerprint
    offer(ask("late", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    with pytest.raises(Conflict, match="has changed meanwhile"):
        leave(administrator, salesperson, seen=seen)


def test_nobody_goes_without_handing_over(held, salesperson, administrator):
    values = {name: getattr(salesperson, name) for name in people.FIELDS}
    for changed, roles in (({"is_active": False}, ["salesperson"]), ({}, ["manager"])):
        with pytest.raises(HandOverFirst, match="still holds 5 things"), transaction.atomic():
            people.edit_person(
                actor=administrator, person_id=salesperson.pk, values=values | changed, roles=roles, at=TUESDAY
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=salesperson.pk).update(is_active=False)
        connection.check_constraints()


def test_letting_somebody_in_again_takes_nothing_back(held, salesperson, other_salesperson, administrator):
    leave(administrator, salesperson)
    values = {name: getattr(salesperson, name) for name in people.FIELDS} | {"is_active": True}
    people.edit_person(
        actor=administrator, person_id=salesperson.pk, values=values, roles=["salesperson"], at=TUESDAY + HOUR
    )
    assert holder_of(held["tea"]) == other_salesperson


def test_deputies_and_ladders_do_not_point_at_who_is_gone(marketer, manager, administrator, salesperson):
    User.objects.filter(pk=salesperson.pk).update(deputy=marketer)
    policy = Policy.objects.filter(milestone="answer").first()
    policy.steps = [{"kind": "warn", "to": "person", "person": marketer.pk, "at_percent": 50}]
    policy.save()
    held = holdings.holdings(marketer, kind="leave", user=administrator)
    assert [(item.group, item.name) for item in held.items] == [
        (Group.DEPUTIES, "Sam Seller"),
        (Group.LADDERS, policy.name),
    ]
    leave(administrator, marketer, groups={"deputies": manager.email})
    salesperson.refresh_from_db()
    assert salesperson.deputy == manager
    policy.refresh_from_db()
    assert policy.steps == [{"at_percent": 50, "kind": "warn", "to": "manager"}]
    assert policy.version == 2


def test_who_may_see_to_it(held, marketer, salesperson, other_salesperson, manager, administrator):
    with pytest.raises(NotFound):
        leave(other_salesperson, salesperson, kind="away")
    for actor, kind in ((manager, "leave"), (salesperson, "leave"), (salesperson, "off_duty")):
        with pytest.raises(Forbidden):
            leave(actor, salesperson, kind=kind)
    one_day = (dt.date(2026, 11, 18), dt.date(2026, 11, 18))
    leave(salesperson, salesperson, kind="away", absence=one_day, groups=STAYS)
    with pytest.raises(Invalid, match="last administrator"):
        leave(administrator, administrator)


def test_tasks_go_where_the_contact_goes_and_others_to_who_owns_it(
    held, salesperson, other_salesperson, manager, administrator, marketer
):
    def plan(handoff):
        given = {"contact_id": handoff.contact_id, "owner_email": salesperson.email, "due_at": TUESDAY + DAY}
        return flows.add_task(actor=manager, at=TUESDAY, **given)

    mine, customer = plan(held["tea"]), plan(held["done"])
    theirs = bring_to("accepted", marketer=marketer, seller=other_salesperson, at=TUESDAY, name="else")
    beside = Task.objects.create(contact=theirs.contact, owner=salesperson, due_at=TUESDAY + DAY, created_at=TUESDAY)
    shown = holdings.holdings(salesperson, kind="leave", user=administrator)
    assert [item.row for item in shown.items if item.group is Group.TASKS] == [beside]
    leave(administrator, salesperson, groups={"customers": "nobody"})
    assert {Task.objects.get(pk=task.pk).owner for task in (mine, beside)} == {other_salesperson}
    ended = Task.objects.get(pk=customer.pk)
    assert (ended.is_open, ended.end_reason) == (False, "Nobody took it over from Sam Seller")


@pytest.mark.parametrize("chosen", ["keep", "nobody", "sam.seller@baton.example", "maija@nowhere.example"])
def test_a_choice_that_is_not_to_be_had_is_refused(chosen, held, salesperson, administrator):
    with pytest.raises(Invalid):
        leave(administrator, salesperson, groups={"in_work": chosen})


def test_what_was_moved_away_from_them_does_not_come_back_by_undo(held, salesperson, other_salesperson, manager):
    flows.reassign(
        actor=manager, handoff_id=held["one"].pk, assignee_email=other_salesperson.email, at=TUESDAY - HOUR / 12
    )
    User.objects.filter(pk=salesperson.pk).update(is_on_duty=False)
    with pytest.raises(Conflict, match="Sam Seller takes no leads any more"):
        flows.undo(actor=manager, handoff_id=held["one"].pk, at=TUESDAY)
    assert Handoff.objects.get(pk=held["one"].pk).assignee == other_salesperson


# Absences: wherever they are entered, what is held is decided first --------------------------------------------------

FIRST, LAST = dt.date(2026, 11, 18), dt.date(2026, 11, 25)


def enter_own(person, **days):
    given = {"language": "en", "time_zone": "UTC", "away_from": FIRST, "away_until": LAST, **days}
    return own_settings.save_own_settings(actor=person, values=given, unwanted=(), at=TUESDAY)


def enter(actor, person, days=(FIRST, LAST)):
    return people.set_absence(actor=actor, person_id=person.pk, days=days, at=TUESDAY)


@pytest.fixture
def ways(salesperson, manager, administrator):
    """Every way in which somebody is said not to be there."""
    values = {"is_on_duty": False}
    person = salesperson
    return {
        "own settings": lambda: enter_own(person),
        "themselves": lambda: enter(person, person),
        "a manager": lambda: enter(manager, person),
        "off duty": lambda: people.set_duty(actor=manager, person_id=person.pk, is_on_duty=False, at=TUESDAY),
        "off duty, by an administrator": lambda: people.edit_person(
            actor=administrator, person_id=person.pk, values=values, roles=person.roles, at=TUESDAY
        ),
    }


def test_nobody_is_away_before_it_is_said_what_becomes_of_what_they_hold(held, ways, salesperson):
    for name, way in ways.items():
        with pytest.raises(HandOverFirst, match="still holds 5 things") as refusal, transaction.atomic():
            way()
        assert refusal.value.way == f"/api/v1/people/{salesperson.pk}/hand-over/", name
    salesperson.refresh_from_db()
    assert (salesperson.is_on_duty, salesperson.away_from) == (True, None)


def test_who_holds_nothing_is_not_bothered(ways, salesperson):
    for name, way in ways.items():
        User.objects.filter(pk=salesperson.pk).update(is_on_duty=True, away_from=None, away_until=None)
        way()
        salesperson.refresh_from_db()
        assert not salesperson.is_on_duty or salesperson.days_away(TUESDAY) == (FIRST, LAST), name


def test_only_days_that_are_not_known_yet_are_asked_about(held, salesperson, manager):
    leave(salesperson, salesperson, kind="away", absence=(FIRST, LAST), groups=STAYS)
    for days in ((FIRST, LAST), (FIRST, LAST - DAY), (FIRST + DAY, LAST - DAY)):
        assert enter(manager, salesperson, days).days_away(TUESDAY) == days
        enter_own(salesperson, away_from=days[0], away_until=days[1])
    for days in ((FIRST, LAST - DAY), (FIRST + DAY, LAST), (LAST + 3 * DAY, LAST + 4 * DAY)):
        with pytest.raises(HandOverFirst), transaction.atomic():
            enter(manager, salesperson, days)
    assert enter(manager, salesperson, None).days_away(TUESDAY) is None
    with pytest.raises(Invalid, match="over already"):
        enter(manager, salesperson, (FIRST - 9 * DAY, FIRST - 8 * DAY))


def test_for_an_absence_each_group_needs_a_word_and_all_of_it_is_one_transaction(held, salesperson, other_salesperson):
    for groups in ({}, {"offered": other_salesperson.email}):
        said = r"Say what becomes of these: .*Leads in work \(1\)"
        with pytest.raises(Invalid, match=said) as refusal, transaction.atomic():
            leave(salesperson, salesperson, kind="away", absence=(FIRST, LAST), groups=groups)
        assert refusal.value.field in ("offered", "in_work")
    with pytest.raises(Invalid, match="over already"), transaction.atomic():
        moving = STAYS | {"offered": other_salesperson.email}
        leave(salesperson, salesperson, kind="away", absence=(dt.date(2026, 11, 1),) * 2, groups=moving)
    assert holder_of(held["one"]) == salesperson
    assert not Departure.objects.exists()
    # Days that lie ahead: what moves, moves at once.
    made = leave(salesperson, salesperson, kind="away", absence=(FIRST, LAST), groups=moving)
    assert holder_of(held["one"]) == holder_of(held["two"]) == other_salesperson
    salesperson.refresh_from_db()
    assert salesperson.days_away(TUESDAY) == (FIRST, LAST)
    assert (len(made.moved), len(made.kept)) == (2, 3)
    assert differences() == []


def test_another_team_takes_nothing_along(held, salesperson, administrator):
    values = {"team": Team.objects.create(name="Another")}
    people.edit_person(
        actor=administrator, person_id=salesperson.pk, values=values, roles=salesperson.roles, at=TUESDAY
    )
    assert holder_of(held["tea"]) == salesperson


def test_a_webhook_is_told_of_the_whole_once(held, salesperson, other_salesperson, manager, administrator):
    hook = Webhook.objects.create(name="Room", url="https://hooks.example.com/", kinds=["departed"], created_at=TUESDAY)
    leave(salesperson, salesperson, kind="away", absence=(FIRST, LAST), groups=STAYS | {"offered": "route"})
    told = Delivery.objects.get(webhook=hook).notice
    assert (told.kind, told.recipient) == ("departed", manager)
    said = notice_words.describe(told)
    assert said.subject == "Sam Seller is out of office"
    assert "Sam Seller handed over: 2 to Otto Other, 3 stay by choice" in said.summary
    # A manager who does it alone is the one who is told, so that webhooks hear of it.
    leave(manager, salesperson, kind="off_duty", groups=STAYS)
    assert Delivery.objects.filter(webhook=hook).count() == 2
