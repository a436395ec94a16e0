"""What became of a handed lead is one function, in Python and in SQL, whatever was done with it."""

import datetime as dt
import itertools

import pytest

from crm import flows
from leads.models import Handoff, Opportunity
from leads.outcomes import Outcome, outcome
from leads.stages import HandoffState, ReasonKind
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture
def accepted(marketer, salesperson):
    def make(email="eva@firm.example"):
        handoff = cross(email)
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)
        return flows.accept(actor=salesperson, handoff_id=handoff.pk, at=NOW)

    return make


def found(handoff):
    """What both say of it, which must be one."""
    row = Handoff.objects.with_outcome().select_related("reason").get(pk=handoff.pk)
    assert row.find_outcome() == row.outcome
    return row.outcome


def test_an_outcome_follows_the_handoff_on_every_way(accepted, marketer, salesperson):
    handoff = cross()
    assert found(handoff) is None
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=NOW)
    assert found(handoff) == "working"
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="no_budget", at=NOW)
    assert found(handoff) == "unqualified" and found(Handoff.objects.open().get()) is None
    flows.undo(actor=salesperson, handoff_id=handoff.pk, at=NOW)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=NOW)
    assert found(handoff) == "working"
    offer = flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=9, at=NOW)
    flows.win_opportunity(actor=salesperson, opportunity_id=offer.pk, reason="best_fit", at=NOW)
    assert found(handoff) == "customer"


@pytest.mark.parametrize(
    ("then", "reason", "came_to"),
    [("work_on", "", "working"), ("recycle", "too_early", "unqualified"), ("disqualify", "never_buys", "unqualified")],
)
def test_after_a_lost_offer_it_is_what_was_chosen(then, reason, came_to, accepted, salesperson):
    handoff = accepted()
    offer = flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=9, at=NOW)
    flows.lose_opportunity(
        actor=salesperson,
        opportunity_id=offer.pk,
        reason="price",
        then=flows.AfterLoss(then),
        then_reason=reason,
        resurface_at=NOW + 40 * DAY if then == "recycle" else None,
        at=NOW,
    )
    assert found(handoff) == came_to and Opportunity.objects.get().state == "lost"


def test_returned_merged_and_own_ones_were_never_handed_over(accepted, marketer, salesperson):
    returned = cross("ole@other.example")
    flows.return_to_marketing(actor=marketer, handoff_id=returned.pk, reason="not_ready", at=NOW)
    kept, merged = accepted(), cross("eva@twin.example")
    flows.merge_contacts(actor=marketer, kept=kept.contact_id, merged=merged.contact_id, at=NOW)
    assert [found(one) for one in (returned, merged, kept)] == [None, None, "working"]


def test_the_function_knows_every_state_and_only_three_answers():
    answers = {
        outcome(state=state, is_own=is_own, is_offered=is_offered, reason_kind=kind)
        for state, is_own, is_offered, kind in itertools.product(
            HandoffState, (True, False), (True, False), (None, *ReasonKind)
        )
    }
    assert answers == {None, *Outcome}
