"""Both teams speak about a lead in one place; whom they name is told, if it is theirs to see."""

import datetime as dt

import pytest

from crm import flows, notice_words
from crm.errors import Invalid, NotFound
from crm.models import Delivery, Notice, OptOut
from crm.queries import conversation
from leads.models import Contact, HandoffComment
from tests.api.conftest import NOW, cross, make_stranger
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def offered(marketer, salesperson):
    handoff = cross()
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)


def say(actor, handoff, text):
    return flows.comment(actor=actor, handoff_id=handoff.pk, text=text, at=NOW)


def said_in(word):
    return "".join(piece.text for piece in word.pieces)


def test_whoever_is_named_is_told_once_and_others_are_not(offered, marketer, salesperson, manager):
    made = say(marketer, offered, "  @sam seller, ask about Gdańsk; I (@Mira) met them. ")
    assert made.text == "@Sam Seller, ask about Gdańsk; I (@Mira Marketer) met them."
    assert set(made.mentions.all()) == {salesperson, marketer}
    notice = Notice.objects.get(kind="mentioned")
    assert (notice.recipient, notice.contact, notice.handoff) == (salesperson, offered.contact, offered)
    said = notice_words.describe(notice)
    assert said.subject.startswith("Mira Marketer asks you about eva@firm.example")
    assert "ask about Gdańsk" in said.summary and said.path == f"/contacts/{offered.contact_id}/"
    assert Delivery.objects.filter(notice=notice, channel="email", recipient=salesperson).count() == 1


def test_who_wants_no_mail_of_it_gets_none(offered, marketer, salesperson):
    OptOut.objects.create(user=salesperson, kind="mentioned", channel="email")
    say(marketer, offered, "@Sam hello")
    assert Notice.objects.filter(kind="mentioned", recipient=salesperson).exists()
    assert not Delivery.objects.filter(notice__kind="mentioned").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (" ", "Write what you want to say."),
        ("@Nobody", "Nobody here is called @Nobody"),
        ("@Seller look", "@Seller may be Sam Seller (sam.seller@baton.example) or Sue Seller"),
        ("@Stina", "Stina Stranger may not see eva@firm.example"),
        ("x" * 2001, "at most 2000 characters"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_sentence(text, sentence, offered, marketer, salesperson):
    make_stranger()
    make_user("salesperson", name="Sue Seller", team=salesperson.team)
    with pytest.raises(Invalid) as refusal:
        say(marketer, offered, text)
    assert sentence in str(refusal.value) and refusal.value.field == "text"
    assert not HandoffComment.objects.exists() and not Notice.objects.filter(kind="mentioned").exists()


def test_strangers_hear_nothing_and_say_nothing(offered):
    stranger = make_stranger()
    with pytest.raises(NotFound):
        say(stranger, offered, "Hello")
    with pytest.raises(NotFound):
        conversation.conversation_read(stranger, offered.pk)


def test_those_who_can_be_named_are_those_who_may_see_the_contact(
    offered, marketer, salesperson, other_salesperson, manager, administrator
):
    stranger = make_stranger()
    everybody = {marketer, salesperson, other_salesperson, manager, administrator, stranger}
    named = set(conversation.people_to_name(marketer, offered.contact))
    may_see = {one for one in everybody if Contact.objects.visible_to(one).filter(pk=offered.contact_id).exists()}
    assert named == may_see - {marketer} == {salesperson, manager, administrator}


def test_acts_comments_and_notes_are_one_conversation_in_order(offered, marketer, salesperson):
    minute = dt.timedelta(minutes=1)
    say(marketer, offered, "They are in a hurry")
    flows.reject(
        actor=salesperson, handoff_id=offered.pk, reason="no_budget", comment="Next year", rating=2, at=NOW + minute
    )
    again = offered.contact.handoffs.get(state="in_review")
    flows.comment(actor=marketer, handoff_id=again.pk, text="@Sam did you ask the CFO?", at=NOW + 2 * minute)
    found = conversation.conversation_read(salesperson, again.pk)
    assert [(word.who, word.did, word.reason, word.rating, said_in(word)) for word in found.words] == [
        ("Mira Marketer", "approved, offered to Sam Seller", "", None, ""),
        ("Mira Marketer", "", "", None, "They are in a hurry"),
        ("Sam Seller", "rejected", "No budget", 2, "Next year"),
        ("Mira Marketer", "", "", None, "@Sam Seller did you ask the CFO?"),
    ]
    assert [piece.is_name for piece in found.words[-1].pieces] == [True, False]
    assert (found.handoff_id, found.counterpart) == (again.pk, "Mira Marketer")
