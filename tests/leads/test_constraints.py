"""What the database itself refuses, whatever code writes."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from crm.models import Notice
from leads import stages
from leads.models import Activity, Contact, Handoff, Opportunity, Reason
from leads.stages import HandoffState, Stage
from scoring.models import ScoringModel
from sla.models import Policy, Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)

pytestmark = pytest.mark.django_db


def refused(write):
    """Whether the database refuses `write`, at once or when the transaction would commit."""
    try:
        with transaction.atomic():
            write()
            connection.check_constraints()
    except IntegrityError:
        return True
    return False


def contact_in(stage, **more):
    return Contact.objects.create(stage=stage, stage_at=AT, created_at=AT, **more)


def handoff_in(state, contact, user):
    """A handoff with every column its state asks for."""
    is_reviewed = state in ("in_review", "waiting", "returned")
    reason = Reason.objects.filter(kind="reject").first()
    return Handoff.objects.create(
        contact=contact,
        state=state,
        cause="threshold",
        formed_at=AT,
        assignee=None if is_reviewed else user,
        offered_at=None if is_reviewed else AT,
        answered_at=None if is_reviewed or state == "offered" else AT,
        reason=reason,
        ended_at=AT if state in stages.ENDED_STATES else None,
    )


@pytest.mark.parametrize("stage", [stage.value for stage in Stage])
@pytest.mark.parametrize("state", [None, *(state.value for state in HandoffState)])
def test_a_stage_stands_only_with_the_handoff_that_goes_with_it(stage, state, salesperson):
    fits = {
        "mql": {"in_review", "waiting", "offered"},
        "sql": {"accepted"},
        "opportunity": {"accepted"},
    }.get(stage, {None, "returned", "rejected", "recycled", "closed"})

    def write():
        contact = contact_in(stage)
        if state is not None:
            handoff_in(state, contact, salesperson)

    assert refused(write) == (state not in fits)


def test_a_contact_has_one_open_handoff_at_most():
    def write():
        contact = contact_in("mql")
        handoff_in("in_review", contact, None)
        handoff_in("waiting", contact, None)

    assert refused(write)


@pytest.mark.parametrize("state", ["rejected", "returned", "recycled"])
def test_a_no_needs_a_counted_reason(state, salesperson):
    def write():
        handoff = handoff_in(state, contact_in("lead"), salesperson)
        Handoff.objects.filter(pk=handoff.pk).update(reason=None)

    assert refused(write)


@pytest.mark.parametrize(
    "change",
    [
        {"assignee": None},
        {"offered_at": None},
        {"rating": 0},
        {"rating": 6},
        {"contacted_at": AT - dt.timedelta(seconds=1)},
        {"resurface_at": AT},
        {"ended_at": AT},
        {"state": "lost"},
    ],
)
def test_an_offer_keeps_its_facts_together(change, salesperson):
    def write():
        handoff = handoff_in("offered", contact_in("mql"), salesperson)
        Handoff.objects.filter(pk=handoff.pk).update(**change)

    assert refused(write)


def test_an_activity_is_recorded_once():
    def write():
        contact = contact_in("lead")
        for _index in range(2):
            Activity.objects.create(
                contact=contact,
                type_id="call",
                direction="outbound",
                occurred_at=AT,
                recorded_at=AT,
                source="crm",
                external_id="1",
            )

    assert refused(write)


@pytest.mark.parametrize(
    "columns", [{"state": "won"}, {"state": "lost", "closed_at": AT}, {"amount": -1}, {"closed_at": AT}]
)
def test_an_opportunity_closes_with_a_reason(columns, salesperson):
    def write():
        contact = contact_in("opportunity", owner=salesperson)
        handoff = handoff_in("accepted", contact, salesperson)
        given = {"amount": 10, "state": "open"} | columns
        Opportunity.objects.create(
            contact=contact, handoff=handoff, owner=salesperson, name="Docks", opened_at=AT, **given
        )

    assert refused(write)


def test_a_disqualified_contact_has_a_reason_and_is_in_nobodys_hands():
    reason = Reason.objects.filter(kind="disqualify").first()
    assert refused(lambda: contact_in("lead", is_disqualified=True))
    assert refused(lambda: contact_in("customer", is_disqualified=True, disqualified_reason=reason))
    assert not refused(lambda: contact_in("lead", is_disqualified=True, disqualified_reason=reason))


def test_one_version_of_the_rules_is_published():
    assert refused(
        lambda: ScoringModel.objects.create(
            name="Second", version=2, status="published", published_at=AT, created_at=AT, reference_at=AT
        )
    )


def timer(handoff, **columns):
    policy = Policy.objects.get(milestone="answer")
    given = {"started_at": AT, "warn_at": AT, "due_at": AT} | columns
    return Timer.objects.create(
        handoff=handoff,
        milestone="answer",
        policy=policy,
        policy_version=1,
        calendar=policy.calendar,
        target_seconds=60,
        **given,
    )


@pytest.mark.parametrize(
    "columns",
    [
        {"met_at": AT, "cancelled_at": AT},
        {"met_at": AT, "next_check_at": AT},
        {"due_at": AT - dt.timedelta(seconds=1)},
    ],
)
def test_a_clock_keeps_its_facts_together(columns, salesperson):
    assert refused(lambda: timer(handoff_in("offered", contact_in("mql"), salesperson), **columns))


def test_a_milestone_has_one_open_clock_a_handoff(salesperson):
    def write():
        handoff = handoff_in("offered", contact_in("mql"), salesperson)
        timer(handoff)
        timer(handoff)

    assert refused(write)


def test_the_same_thing_is_told_once(salesperson):
    def write():
        for _index in range(2):
            Notice.objects.create(kind="offered", dedup_key="offered:1", recipient=salesperson, created_at=AT)

    assert refused(write)


def test_an_alert_names_its_timer(salesperson):
    assert refused(
        lambda: Notice.objects.create(kind="breach", dedup_key="breach:1", recipient=salesperson, created_at=AT)
    )
