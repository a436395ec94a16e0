"""What nobody would notice: each row stands in one list, and the act beside it resolves it."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from crm import flows
from crm.flows import departures
from crm.models import User
from crm.queries import unnoticed
from crm.queries.holdings import Decisions
from crm.queries.unnoticed import Kind
from leads.models import Activity, Contact, Handoff
from tests.pages.sales_work import DAY, HOUR, HTMX, TUESDAY, ask, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

TOMORROW = (TUESDAY + DAY).date().isoformat()


def rows(kind, manager, now=TUESDAY):
    found = unnoticed.idle() if kind is Kind.IDLE else unnoticed.leads(kind, user=manager, now=now)
    assert unnoticed.counts(user=manager, now=now)[kind] == len(found)
    return list(found)


def act(client, kind, **given):
    return client.post("/sla/unnoticed/act/", {"kind": kind.value, **given})


@pytest.fixture
def waiting(marketer, salesperson, other_salesperson):
    """A lead that was approved while nobody had room."""
    for seller in (salesperson, other_salesperson):
        seller.capacity = 0
        seller.save()
    handoff = ask("waits", at=TUESDAY - 2 * HOUR)
    return flows.approve(actor=marketer, handoff_id=handoff.pk, at=TUESDAY - HOUR)


def test_a_lead_nobody_has_is_given_to_a_person_or_by_routing(
    waiting, salesperson, other_salesperson, manager, browsing
):
    assert rows(Kind.NOBODY, manager) == [waiting]
    client = browsing(manager)
    page = client.get("/sla/unnoticed/").content.decode()
    assert "1 lead that nobody moves on, 2 salespeople without any." in page
    assert "Waits Novak" in page
    answer = act(client, Kind.NOBODY, act="give", handoff=waiting.pk)
    assert answer.status_code == 303
    assert "Nobody else can take another lead now" in client.get(answer["Location"]).content.decode()
    act(client, Kind.NOBODY, act="give", handoff=waiting.pk, assignee=other_salesperson.email)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.assignee, waiting.is_override) == ("offered", other_salesperson, True)
    assert rows(Kind.NOBODY, manager) == []
    assert [one.pk for one in rows(Kind.IDLE, manager)] == [salesperson.pk]


def test_a_lead_of_somebody_away_is_moved_or_its_owner_set_on_duty(
    marketer, salesperson, other_salesperson, manager, browsing
):
    held = [
        bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name=name)
        for state, name in (("offered", "one"), ("accepted", "two"), ("called", "three"))
    ]
    assert rows(Kind.AWAY, manager) == []
    salesperson.is_on_duty = False
    salesperson.save()
    assert rows(Kind.AWAY, manager) == held
    client = browsing(manager)
    assert "Set Sam Seller on duty" in client.get("/sla/unnoticed/?kind=away").content.decode()
    act(client, Kind.AWAY, act="give", handoff=[held[0].pk, held[1].pk])
    assert {row.assignee for row in Handoff.objects.filter(pk__in=[held[0].pk, held[1].pk])} == {other_salesperson}
    assert rows(Kind.AWAY, manager) == [held[2]]
    act(client, Kind.AWAY, act="duty", person=salesperson.pk)
    salesperson.refresh_from_db()
    assert salesperson.is_on_duty
    assert rows(Kind.AWAY, manager) == []


def test_a_lead_of_somebody_on_leave_stands_in_one_list_alone(marketer, salesperson, manager):
    late = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 4 * DAY, name="late")
    called = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="called")
    assert (rows(Kind.WAITING, manager), rows(Kind.NO_STEP, manager)) == ([late], [called])
    User.objects.filter(pk=salesperson.pk).update(away_from=TUESDAY - DAY, away_until=TUESDAY + DAY)
    assert rows(Kind.AWAY, manager) == [late, called]
    assert (rows(Kind.WAITING, manager), rows(Kind.NO_STEP, manager)) == ([], [])


def test_a_lead_waits_too_long_once_its_promise_is_missed(marketer, salesperson, manager, browsing):
    review = ask("review", at=TUESDAY)
    offered = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="offered")
    contact = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="accepted")
    assert rows(Kind.WAITING, manager) == []
    later = TUESDAY + 5 * DAY
    assert set(rows(Kind.WAITING, manager, now=later)) == {review, offered, contact}
    flows.pause_clocks(actor=manager, handoff_id=offered.pk, until=later + DAY, reason="Away", at=TUESDAY)
    assert set(rows(Kind.WAITING, manager, now=later)) == {review, contact}


def test_a_late_review_is_given_to_sales(salesperson, manager, browsing, tuesday):
    review = ask("review", at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * DAY)
    answer = act(browsing(manager), Kind.WAITING, act="give", handoff=review.pk)
    assert answer.status_code == 303
    review.refresh_from_db()
    assert (review.state, review.assignee, review.reviewed_by) == ("offered", salesperson, manager)


def test_a_contacted_lead_without_a_day_to_come_gets_one(marketer, salesperson, manager, browsing):
    called = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR)
    planned = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="planned")
    flows.log_contact(
        actor=salesperson, contact_id=planned.contact_id, type="call", next_at=TUESDAY + DAY, at=TUESDAY - HOUR
    )
    assert rows(Kind.NO_STEP, manager) == [called]
    # A day that has come is still a plan: it stands in the inbox of the owner.
    assert rows(Kind.NO_STEP, manager, now=TUESDAY + 3 * DAY) == [called]
    client = browsing(manager)
    answer = act(client, Kind.NO_STEP, act="plan", handoff=called.pk, next_on=TOMORROW)
    assert answer.status_code == 303
    assert rows(Kind.NO_STEP, manager) == []
    note = Activity.objects.get(type="note")
    assert (note.contact_id, note.actor) == (called.contact_id, manager)
    assert dt.datetime.fromisoformat(note.properties["next_at"]) == (TUESDAY + DAY).replace(hour=9)
    inbox = browsing(salesperson).get("/inbox/").content.decode()
    assert "Wed" in inbox or "18 Nov" in inbox or "Tomorrow" in inbox


def test_a_call_after_the_plan_needs_a_new_one(marketer, salesperson, manager):
    called = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - 3 * HOUR)
    log = {"actor": salesperson, "contact_id": called.contact_id}
    flows.log_contact(**log, type="call", next_at=TUESDAY + DAY, at=TUESDAY - 2 * HOUR)
    assert rows(Kind.NO_STEP, manager) == []
    flows.log_contact(**log, type="note", note="Likes blue", at=TUESDAY - HOUR)
    assert rows(Kind.NO_STEP, manager) == []
    flows.log_contact(**log, type="call", at=TUESDAY)
    assert rows(Kind.NO_STEP, manager) == [called]


def test_who_holds_nothing_gets_the_lead_that_waits_longest(waiting, salesperson, manager, browsing):
    client = browsing(manager)
    assert "Give the lead that waits longest" in client.get("/sla/unnoticed/?kind=idle").content.decode()
    act(client, Kind.IDLE, act="feed", person=salesperson.pk)
    waiting.refresh_from_db()
    assert waiting.assignee == salesperson
    answer = act(client, Kind.IDLE, act="feed", person=salesperson.pk)
    assert "No lead waits for sales any more." in client.get(answer["Location"]).content.decode()


def test_no_lead_stands_in_two_lists(waiting, marketer, salesperson, other_salesperson, manager):
    for number, state in enumerate(("in_review", "offered", "accepted", "called")):
        for seller in (salesperson, other_salesperson):
            bring_to(state, marketer=marketer, seller=seller, at=TUESDAY - 9 * DAY, name=f"{state}{number}{seller.pk}")
    other_salesperson.is_on_duty = False
    other_salesperson.save()
    found = [row.pk for kind in unnoticed.OF_LEADS for row in rows(kind, manager)]
    assert len(found) == len(set(found)) == 9


@pytest.mark.parametrize("kind", Kind)
def test_an_empty_list_says_when_something_would_stand_there(manager, browsing, kind):
    answer = browsing(manager).get(f"/sla/unnoticed/?kind={kind.value}")
    assert answer.status_code == 200
    assert str(answer.context["empty"][1]) in answer.content.decode()
    assert "Every lead has somebody who moves it on." in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"act": "give"}, "Choose at least one lead."),
        ({"act": "plan", "handoff": "1"}, "Say on which day."),
        ({"act": "plan", "handoff": "1", "next_on": "2026-11-16"}, "The next step lies ahead."),
        ({"act": "plan", "handoff": "1", "next_on": "soon"}, "Enter a valid date."),
        ({"act": "duty"}, "Choose a person."),
        ({"act": "sing"}, "Select a valid choice."),
        ({"act": "give", "handoff": "1", "assignee": "sam"}, "Enter a valid email address."),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(waiting, manager, browsing, given, sentence):
    answer = act(browsing(manager), Kind.NOBODY, **given)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_absent_leads_are_refused_and_the_others_given(waiting, salesperson, manager, browsing):
    client = browsing(manager)
    answer = act(client, Kind.NOBODY, act="give", handoff=["999999", waiting.pk], assignee=salesperson.email)
    page = client.get(answer["Location"]).content.decode()
    assert "#999999: There is no such handoff." in page
    waiting.refresh_from_db()
    assert waiting.assignee == salesperson


def test_the_page_is_for_managers_and_its_acts_for_those_who_may(
    waiting, marketer, salesperson, manager, administrator, browsing
):
    for user, code in ((marketer, 403), (salesperson, 403), (manager, 200), (administrator, 200)):
        assert browsing(user).get("/sla/unnoticed/").status_code == code
    assert act(browsing(salesperson), Kind.NOBODY, act="give", handoff=waiting.pk).status_code == 403
    assert browsing(manager).get("/sla/unnoticed/act/").status_code == 405
    assert browsing(manager).post("/sla/unnoticed/").status_code == 405
    client = browsing(administrator)
    assert "for a manager" in client.get("/sla/unnoticed/").content.decode()
    act(client, Kind.NOBODY, act="give", handoff=waiting.pk, assignee=salesperson.email)
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_a_fragment_brings_the_sentence_along(waiting, manager, browsing):
    fragment = browsing(manager).get("/sla/unnoticed/", **HTMX).content.decode()
    assert "<html" not in fragment
    assert 'id="unnoticed-sentence" hx-swap-oob="true"' in fragment


def test_counting_costs_two_queries_however_many_there_are(waiting, manager, django_assert_num_queries):
    manager.roles  # noqa: B018 - read once a request anyway
    with django_assert_num_queries(2):
        unnoticed.counts(user=manager, now=TUESDAY)


def test_a_customer_whom_nobody_owns_stands_here_until_somebody_does(
    marketer, salesperson, other_salesperson, manager, administrator, browsing
):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR, name="done")
    opened = flows.open_opportunity(
        actor=salesperson, handoff_id=handoff.pk, name="done", amount=Decimal(100), at=TUESDAY - HOUR
    )
    flows.win_opportunity(actor=salesperson, opportunity_id=opened.pk, reason="price", at=TUESDAY - HOUR)
    departures.depart(
        actor=administrator,
        person_id=salesperson.pk,
        kind="leave",
        decisions=Decisions({"customers": "nobody"}),
        at=TUESDAY,
    )
    client = browsing(manager)
    page = client.get("/sla/unnoticed/?kind=unowned").content.decode()
    # Beside the customer, a colleague who holds nothing.
    assert "1 customer whom nobody owns." in page and "Done Novak" in page
    assert ">2</span>" in re.search(r"Unnoticed</span>(.{0,80})", page)[1]
    given = {"act": "own", "contact": handoff.contact_id, "assignee": other_salesperson.email}
    assert act(client, Kind.UNOWNED, act="own", contact=handoff.contact_id).status_code == 422
    assert act(browsing(other_salesperson), Kind.UNOWNED, **given).status_code == 403
    answer = act(client, Kind.UNOWNED, **given)
    assert "Done Novak is Otto Other’s now." in client.get(answer["Location"]).content.decode()
    assert Contact.objects.get(pk=handoff.contact_id).owner == other_salesperson
    change = Contact.objects.get(pk=handoff.contact_id).changes.filter(field="owner").latest("id")
    assert (change.actor, change.new) == (manager, "Otto Other")
    answer = act(client, Kind.UNOWNED, **given)
    assert "Done Novak is Otto Other’s already." in client.get(answer["Location"]).content.decode()
    assert not unnoticed.unowned(user=manager).exists()
