"""Who has no say leads to the one who has: one act, two handoffs, one history."""

import datetime as dt

import pytest

from crm import flows
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.models import Notice
from leads.models import Company, Contact, Handoff, Qualification, Referral
from sla.models import Timer
from tests.flows.test_the_loop import AT, CROSSING, HOUR, MINUTE, send

pytestmark = pytest.mark.django_db

NOW = AT + 4 * HOUR
DAY = dt.date(2026, 9, 1)


@pytest.fixture
def accepted(marketer, salesperson):
    send(*CROSSING)
    handoff = Handoff.objects.get()
    Contact.objects.update(company=Company.objects.create(name="Firm", created_at=AT))
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=AT)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + HOUR)
    answers = {
        "authority": {"verdict": "partly"},
        "budget": {"verdict": "confirmed", "evidence": "200,000"},
        "timeline": {"verdict": "confirmed", "decide_by_date": DAY},
    }
    flows.qualify(actor=salesperson, contact_id=handoff.contact_id, answers=answers, at=AT + 2 * HOUR)
    return Handoff.objects.get()


def redirect(actor, handoff, **more):
    return flows.redirect(
        actor=actor, handoff_id=handoff.pk, reason="wrong_person", comment="Her boss signs", at=NOW, **more
    )


def test_the_handoff_goes_on_with_a_new_person_and_what_was_found_out_goes_along(accepted, salesperson):
    referral = redirect(salesperson, accepted, values={"last_name": "Boss", "email": "boss@firm.example"})
    boss, old = referral.contact, Contact.objects.get(pk=accepted.contact_id)
    new = boss.handoffs.get()
    assert (new.state, new.assignee, new.previous, new.cause) == ("accepted", salesperson, accepted, "referred")
    assert (boss.stage, boss.owner, boss.company) == ("sql", salesperson, old.company)
    accepted.refresh_from_db()
    assert (accepted.state, accepted.reason.code, old.stage, old.owner) == ("closed", "wrong_person", "lead", None)
    known = {row.letter: row for row in Qualification.objects.filter(contact=boss)}
    assert set(known) == {"budget", "timeline"} and known["timeline"].decide_by_date == DAY
    no_say = old.qualifications.get(letter="authority")
    assert (no_say.verdict, no_say.evidence) == ("no", "Her boss signs")


def test_a_first_contact_is_promised_with_the_new_person_and_nothing_with_the_old(accepted, salesperson):
    boss = redirect(salesperson, accepted, values={"last_name": "Boss"}).contact
    open_ones = Timer.objects.open().filter(milestone="contact")
    assert [(timer.handoff.contact, timer.started_at) for timer in open_ones] == [(boss, NOW)]


def test_somebody_known_of_the_same_company_takes_over_where_they_are_free(accepted, salesperson, marketer):
    company = Company.objects.get()
    known = flows.create_contact(
        actor=marketer, values={"last_name": "Boss", "email": "boss@firm.example", "company": company}, at=AT
    )
    with pytest.raises(NotFound):  # not theirs to see
        redirect(salesperson, accepted, to_contact_id=known.pk)
    referral = redirect(salesperson, accepted, values={"email": "Boss@firm.example"})
    assert (referral.contact, referral.is_new) == (known, False)
    flows.undo(actor=salesperson, handoff_id=accepted.pk, at=NOW + MINUTE)
    known.refresh_from_db()
    assert (known.stage, known.owner, Referral.objects.count()) == ("lead", None, 0)


def test_who_rested_until_a_day_is_worked_on_now_and_rests_again_after_an_undo(accepted, salesperson, marketer):
    boss = flows.create_contact(actor=salesperson, values={"last_name": "Boss", "email": "boss@firm.example"}, at=AT)
    Contact.objects.filter(pk=boss.pk).update(company=Company.objects.get())
    day = AT + dt.timedelta(days=30)
    rest = boss.handoffs.get()
    flows.recycle(actor=salesperson, handoff_id=rest.pk, reason="too_early", resurface_at=day, at=AT + HOUR)
    redirect(salesperson, accepted, values={"email": "boss@firm.example"})
    rest.refresh_from_db()
    assert rest.resurface_at is None
    assert flows.resurface_due(at=day) == 0
    flows.undo(actor=salesperson, handoff_id=accepted.pk, at=NOW + MINUTE)
    assert flows.resurface_due(at=day) == 1
    assert Notice.objects.filter(kind="resurfaced", contact=boss, recipient=marketer).exists()


def test_who_is_disqualified_while_at_rest_does_not_come_back(accepted, salesperson, marketer):
    day = NOW + dt.timedelta(days=30)
    flows.recycle(actor=salesperson, handoff_id=accepted.pk, reason="too_early", resurface_at=day, at=NOW)
    flows.disqualify(actor=marketer, contact_id=accepted.contact_id, reason="never_buys", at=NOW + HOUR)
    assert flows.resurface_due(at=day) == 0
    accepted.refresh_from_db()
    assert accepted.resurface_at is None
    assert not Notice.objects.filter(kind="resurfaced").exists()


def test_who_is_refused(accepted, salesperson, other_salesperson, manager, marketer):
    company = Company.objects.get()
    taken = flows.create_contact(
        actor=other_salesperson, values={"last_name": "Taken", "email": "t@firm.example", "company": company}, at=AT
    )
    stranger = flows.create_contact(actor=marketer, values={"last_name": "S", "email": "s@else.example"}, at=AT)
    with pytest.raises(Conflict):
        redirect(salesperson, accepted, values={"email": taken.email})
    with pytest.raises(Invalid):
        redirect(salesperson, accepted, values={"email": stranger.email})
    with pytest.raises(Invalid):
        redirect(salesperson, accepted, to_contact_id=accepted.contact_id)
    with pytest.raises(Invalid):
        redirect(salesperson, accepted, values={})
    with pytest.raises(Forbidden):
        redirect(manager, accepted, values={"last_name": "Boss"})
    with pytest.raises(NotFound):
        redirect(other_salesperson, accepted, values={"last_name": "Boss"})
    assert Contact.objects.filter(last_name="Boss").count() == 0
