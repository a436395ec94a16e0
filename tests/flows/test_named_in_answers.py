"""Whom the words of an answer name is told of it, as by a comment."""

import pytest

from crm import flows
from crm.errors import Invalid
from crm.models import Notice
from crm.queries import conversation
from leads.models import Handoff
from tests.pages.sales_work import DAY, MINUTE, TUESDAY, ask, bring_to

pytestmark = pytest.mark.django_db


def told_of(person):
    return list(Notice.objects.filter(recipient=person, kind="mentioned").values_list("params__text", flat=True))


def accept(handoff, actor, comment):
    return flows.accept(actor=actor, handoff_id=handoff.pk, comment=comment, at=TUESDAY)


def reject(handoff, actor, comment):
    return flows.reject(actor=actor, handoff_id=handoff.pk, reason="no_budget", comment=comment, at=TUESDAY)


def recycle(handoff, actor, comment):
    flows.accept(actor=actor, handoff_id=handoff.pk, at=TUESDAY)
    return flows.recycle(
        actor=actor,
        handoff_id=handoff.pk,
        reason="too_early",
        resurface_at=TUESDAY + 90 * DAY,
        comment=comment,
        at=TUESDAY,
    )


@pytest.mark.parametrize("answer", [accept, reject, recycle])
def test_an_answer_tells_whom_it_names(answer, marketer, salesperson, manager):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    answer(handoff, salesperson, "Ask @maija about it")
    assert told_of(manager) == ["Ask @Maija Manager about it"]
    words = conversation.conversation_read(manager, handoff.pk).words
    named = [piece.text for word in words for piece in word.pieces if piece.is_name]
    assert named == ["@Maija Manager"]


def test_what_marketing_gives_back_tells_too(marketer, manager):
    handoff = ask(at=TUESDAY)
    flows.return_to_marketing(
        actor=marketer,
        handoff_id=handoff.pk,
        reason="not_ready",
        comment="@Maija Manager too many of these",
        at=TUESDAY,
    )
    assert told_of(manager) == ["@Maija Manager too many of these"]


def test_who_sent_the_lead_is_told_of_the_answer_once(marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    reject(handoff, salesperson, "@Mira Marketer no money")
    assert told_of(marketer) == []
    assert Notice.objects.filter(recipient=marketer, kind="rejected").count() == 1


def test_an_answer_that_is_taken_back_at_once_tells_nobody(marketer, salesperson, manager):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    accept(handoff, salesperson, "@Maija Manager look")
    flows.undo(actor=salesperson, handoff_id=handoff.pk, at=TUESDAY + MINUTE / 6)
    assert told_of(manager) == []


@pytest.mark.parametrize(
    ("comment", "why"),
    [("@nobody look", "Nobody here is called @nobody"), ("@Otto Other look", "Otto Other may not see Eva Novak")],
)
def test_whom_it_cannot_tell_is_refused_and_nothing_is_done(comment, why, marketer, salesperson, other_salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    with pytest.raises(Invalid, match=why) as refused:
        reject(handoff, salesperson, comment)
    assert refused.value.field == "comment"
    assert Handoff.objects.get().state == "offered"
