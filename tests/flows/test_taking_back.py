"""Every verb that a person does is taken back by that person within ten minutes, while nothing followed."""

import datetime as dt
from decimal import Decimal

import pytest

from crm import flows
from crm.errors import Conflict, Forbidden
from crm.flows.undo import FOR_GOOD
from crm.models import Notice, Team
from crm.models.people import TeamKind
from leads import stages
from leads.models import Contact, Handoff, Opportunity, Qualification, Referral, Task
from leads.stages import VerbName
from sla.models import Timer
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)
NOW = AT + 4 * HOUR
BY_THE_SYSTEM = {VerbName.CROSS, VerbName.REQUEST, VerbName.OUTBOUND}


class World:
    """One contact on its way, and how to do each verb from the standing that it needs."""

    def __init__(self, people):
        self.people = people
        send(*CROSSING)
        self.handoff = Handoff.objects.get()
        self.contact = self.handoff.contact

    def to(self, verb):
        """Bring the handoff to where `verb` starts."""
        marketer, seller = self.people["marketer"], self.people["seller"]
        if verb in (VerbName.APPROVE, VerbName.RETURN, VerbName.DISQUALIFY):
            return
        if verb is VerbName.REQUALIFY:
            flows.disqualify(actor=marketer, contact_id=self.contact.pk, reason="never_buys", at=AT + MINUTE)
            return
        if verb is VerbName.OFFER:
            type(seller).objects.update(is_on_duty=False)
            flows.approve(actor=marketer, handoff_id=self.handoff.pk, at=AT + MINUTE)
            type(seller).objects.update(is_on_duty=True)
            return
        flows.approve(actor=marketer, handoff_id=self.handoff.pk, assignee_email=seller.email, at=AT + MINUTE)
        if verb in (VerbName.ACCEPT, VerbName.REJECT, VerbName.OVERFLOW):
            return
        flows.accept(actor=seller, handoff_id=self.handoff.pk, at=AT + HOUR)
        flows.add_task(actor=seller, contact_id=self.contact.pk, due_at=AT + 5 * DAY, at=AT + HOUR)
        flows.log_contact(actor=seller, contact_id=self.contact.pk, type="call", outcome="reached", at=AT + 2 * HOUR)
        flows.add_task(actor=seller, contact_id=self.contact.pk, due_at=AT + 6 * DAY, at=AT + 2 * HOUR)
        if verb in (VerbName.WIN, VerbName.LOSE):
            flows.open_opportunity(
                actor=seller, handoff_id=self.handoff.pk, name="Docks", amount=Decimal(100), at=AT + 3 * HOUR
            )

    def do(self, verb, at):
        """Do it; return who did it."""
        people, handoff_id = self.people, self.handoff.pk
        marketer, seller, manager = people["marketer"], people["seller"], people["manager"]
        offer = {"opportunity_id": getattr(Opportunity.objects.first(), "pk", 0), "reason": "price", "at": at}
        later = {"resurface_at": at + 30 * DAY}
        acts = {
            VerbName.APPROVE: (marketer, flows.approve, {"assignee_email": seller.email}),
            VerbName.RETURN: (marketer, flows.return_to_marketing, {"reason": "not_ready"}),
            VerbName.OFFER: (manager, flows.reassign, {"assignee_email": seller.email}),
            VerbName.ACCEPT: (seller, flows.accept, {}),
            VerbName.REJECT: (seller, flows.reject, {"reason": "no_budget"}),
            VerbName.REASSIGN: (manager, flows.reassign, {"assignee_email": people["colleague"].email}),
            VerbName.OVERFLOW: (manager, flows.overflow, {}),
            VerbName.RECYCLE: (seller, flows.recycle, {"reason": "too_early"} | later),
            VerbName.REDIRECT: (
                seller,
                flows.redirect,
                {"reason": "wrong_person", "values": {"last_name": "Boss"}, "comment": "Signs nothing"},
            ),
            VerbName.OPEN_OPPORTUNITY: (seller, flows.open_opportunity, {"name": "Docks", "amount": Decimal(5)}),
        }
        if verb in acts:
            actor, act, values = acts[verb]
            act(actor=actor, handoff_id=handoff_id, at=at, **values)
            return actor
        if verb is VerbName.WIN:
            flows.win_opportunity(actor=seller, **offer)
        elif verb is VerbName.LOSE:
            flows.lose_opportunity(
                actor=seller, then=flows.AfterLoss.RECYCLE, then_reason="no_budget", **later, **offer
            )
        elif verb is VerbName.DISQUALIFY:
            flows.disqualify(actor=marketer, contact_id=self.contact.pk, reason="never_buys", at=at)
            return marketer
        elif verb is VerbName.REQUALIFY:
            flows.requalify(actor=marketer, contact_id=self.contact.pk, at=at)
            return marketer
        elif verb is VerbName.PROSPECT:
            self.contact = flows.create_contact(actor=seller, values={"last_name": "Found"}, at=at)
            self.handoff = self.contact.handoffs.get()
        return seller

    def undo(self, verb, actor, at):
        if verb is VerbName.REQUALIFY:
            flows.undo_contact(actor=actor, contact_id=self.contact.pk, at=at)
        else:
            flows.undo(actor=actor, handoff_id=self.handoff.pk, at=at)

    def picture(self):
        """Everything that a verb may change, but for the histories, which only grow."""
        tasks = Task.objects.filter(cancelled_at=None).order_by("id")
        return {
            "contacts": list(
                Contact.objects.order_by("id").values("id", "stage", "owner", "is_disqualified", "disqualified_reason")
            ),
            "handoffs": list(
                Handoff.objects.order_by("id").values(
                    "id", "state", "assignee", "team", "offered_at", "ended_at", "reason", "resurface_at"
                )
            ),
            "timers": list(
                Timer.objects.order_by("id").values("id", "milestone", "assignee", "due_at", "met_at", "cancelled_at")
            ),
            "offers": list(Opportunity.objects.values("id", "state", "owner", "reason", "closed_at")),
            "tasks": list(tasks.values("id", "owner", "done_at", "due_at")),
            "verdicts": list(Qualification.objects.values("contact", "letter", "verdict", "evidence")),
        }


@pytest.fixture
def world(marketer, salesperson, other_salesperson, manager):
    Team.objects.create(name="Partner", kind=TeamKind.PARTNER)
    people = {"marketer": marketer, "seller": salesperson, "colleague": other_salesperson, "manager": manager}
    return World(people)


def doable():
    return [verb for verb in stages.VERBS if verb not in BY_THE_SYSTEM.union(FOR_GOOD)]


@pytest.mark.parametrize("verb", [verb for verb in doable() if verb is not VerbName.PROSPECT])
def test_whatever_somebody_did_they_take_back_and_everything_is_as_before(world, verb):
    world.to(verb)
    before = world.picture()
    actor = world.do(verb, NOW)
    assert world.picture() != before
    world.undo(verb, actor, NOW + 9 * MINUTE)
    assert world.picture() == before


@pytest.mark.parametrize("verb", doable())
def test_not_by_somebody_else_and_not_after_ten_minutes(world, verb):
    world.to(verb)
    actor = world.do(verb, NOW)
    after = world.picture()
    somebody_else = world.people["marketer" if actor.is_manager else "manager"]
    for who, at in ((somebody_else, NOW + MINUTE), (actor, NOW + 11 * MINUTE)):
        with pytest.raises((Conflict, Forbidden)):
            world.undo(verb, who, at)
    assert world.picture() == after


def test_a_prospect_entered_by_mistake_is_a_lead_of_marketing_and_what_was_typed_stays(world):
    seller = world.do(VerbName.PROSPECT, NOW)
    world.undo(VerbName.PROSPECT, seller, NOW + MINUTE)
    contact = Contact.objects.get(last_name="Found")
    assert (contact.stage, contact.owner, contact.handoffs.get().state) == ("lead", None, "closed")
    assert not Timer.objects.open().filter(handoff__contact=contact).exists()


def test_what_was_found_out_is_taken_back(world, salesperson):
    world.to(VerbName.RECYCLE)
    ask = {"actor": salesperson, "contact_id": world.contact.pk}
    flows.qualify(**ask, answers={"budget": {"verdict": "partly", "evidence": "Half of it"}}, at=AT + 3 * HOUR)
    before = world.picture()
    day = dt.date(2026, 9, 1)
    flows.qualify(
        **ask,
        answers={"budget": {"verdict": "confirmed"}, "timeline": {"verdict": "confirmed", "decide_by_date": day}},
        at=NOW,
    )
    flows.undo_contact(**ask, at=NOW + MINUTE)
    assert world.picture() == before


def test_a_disqualification_is_taken_back_by_the_contact_with_its_handoff(world, marketer):
    before = world.picture()
    world.do(VerbName.DISQUALIFY, NOW)
    flows.undo_contact(actor=marketer, contact_id=world.contact.pk, at=NOW + MINUTE)
    assert world.picture() == before


def test_the_right_person_stays_once_somebody_went_on_with_them(world, salesperson):
    world.to(VerbName.REDIRECT)
    world.do(VerbName.REDIRECT, NOW)
    boss = Referral.objects.get().contact
    flows.log_contact(actor=salesperson, contact_id=boss.pk, type="call", outcome="reached", at=NOW + MINUTE)
    with pytest.raises(Conflict):
        world.undo(VerbName.REDIRECT, salesperson, NOW + 2 * MINUTE)
    assert Notice.objects.filter(contact=boss).count() == 0
