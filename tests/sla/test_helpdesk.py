"""A real log, lived through: 3,691 tickets of a help desk, each promised a first response within four hours.

A ticket is a lead that a salesperson has; "Take in charge" answers it and is its first contact. One promise runs on a
calendar that is always open, the other Monday to Friday from 09 to 18 in Rome. What the pages then say must be what
`helpdesk_figures` counts in the file without the product. The log is public (doi:10.4121/uuid:0c60edf1-6f83-4e75-9367-
4c63b3e9d5bb) and stays outside the repository.
"""

import datetime as dt
import random

import pytest
from django.db.models import OuterRef, Subquery

import sla.services
from crm import flows
from crm.models import Role, User
from crm.queries import sla_period
from crm.queries.sla_period import Asked, Period
from leads import lifecycle, services
from leads.models import Contact, Handoff
from leads.stages import HandoffState, VerbName
from sla.models import Calendar, Milestone, Policy, Timer
from tests.outside import DATA, needs
from tests.sla import helpdesk_figures

FILE = DATA / "helpdesk_event_log" / "helpdesk_events.csv.gz"
LIMIT = dt.timedelta(hours=4)
WHOLE_LOG = Period(dt.date(2010, 1, 1), dt.date(2013, 12, 31))
AFTERWARDS = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
MILESTONES = (Milestone.ANSWER, Milestone.CONTACT)
OFFICE_DAY = [["09:00", "18:00"]]

pytestmark = [pytest.mark.django_db, needs("helpdesk_event_log")]


@pytest.fixture
def policies() -> None:
    """The same four hours twice: of all hours for the contact, of office hours in Rome for the answer."""
    always = Calendar.objects.create(name="Round the clock", always_open=True)
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY)
    office = Calendar.objects.create(name="Rome", time_zone="Europe/Rome", weekly=week)
    for milestone, calendar in ((Milestone.CONTACT, always), (Milestone.ANSWER, office)):
        Policy.objects.create(
            name=f"{milestone.label} in four hours",
            milestone=milestone,
            calendar=calendar,
            target_seconds=int(LIMIT.total_seconds()),
            position=-1,
        )


@pytest.fixture
def log() -> list[helpdesk_figures.Ticket]:
    return list(helpdesk_figures.tickets(FILE).values())


@pytest.fixture
def lived_through(log, policies, salesperson) -> list[Handoff]:
    """Every ticket as a handoff with both clocks, made set-wise by the services that the flows call.

    They are formed together and then put to their own instants, from which the clocks are computed as they are when a
    calendar changes.
    """
    first = min(opened for opened, _answered in log)
    emails = [f"ticket{number:04}@desk.example" for number in range(len(log))]
    services.create_missing([services.NewContact(email=email) for email in emails], at=first, actor=salesperson)
    Contact.objects.update(owner=salesperson)
    people = Contact.objects.select_related("owner").order_by("email")
    handoffs = lifecycle.form_handoffs(
        [lifecycle.Formed(contact=contact, cause=Handoff.Cause.OWN) for contact in people],
        at=first,
        state=HandoffState.ACCEPTED,
        verb=VerbName.PROSPECT,
    )
    sla.services.start(handoffs, MILESTONES, at=first)
    instants = dict(zip([handoff.pk for handoff in handoffs], log, strict=True))
    for handoff in handoffs:
        opened, answered = instants[handoff.pk]
        handoff.formed_at = handoff.offered_at = handoff.answered_at = opened
        handoff.contacted_at = handoff.last_contacted_at = answered
    moved = ["formed_at", "offered_at", "answered_at", "contacted_at", "last_contacted_at"]
    Handoff.objects.bulk_update(handoffs, moved, batch_size=500)
    opened_at = Handoff.objects.filter(id=OuterRef("handoff")).values("formed_at")
    Timer.objects.update(started_at=Subquery(opened_at), warn_at=Subquery(opened_at), due_at=Subquery(opened_at))
    calendars = Calendar.objects.filter(name__in=["Round the clock", "Rome"])
    timer_ids = Timer.objects.filter(calendar__in=calendars).values_list("id", flat=True)
    sla.services.reschedule_calendar(timer_ids=list(timer_ids))
    for handoff in handoffs:
        if handoff.contacted_at is not None:
            sla.services.meet([handoff.pk], MILESTONES, at=handoff.contacted_at)
    return handoffs


def test_the_pages_say_of_a_real_log_what_a_count_of_the_file_says(lived_through, log, marketer, salesperson):
    manager = User.objects.create_user("desk@baton.example", name="Desk", roles=(Role.MANAGER,))
    limit = LIMIT.total_seconds() / 60
    always = helpdesk_figures.figures(log, limit_minutes=limit, minutes=helpdesk_figures.minutes_always)
    office = helpdesk_figures.figures(log, limit_minutes=limit, minutes=helpdesk_figures.minutes_in_office)
    assert (always["opened"], always["answered"], always["within"]) == (3691, 3471, 1751)
    assert Timer.objects.count() == 2 * 3691

    def asked(milestone: Milestone, **more: bool) -> sla_period.Report:
        question = Asked(WHOLE_LOG, milestone=milestone, **more)
        return sla_period.report(user=manager, asked=question, now=AFTERWARDS)

    for milestone, expected in ((Milestone.CONTACT, always), (Milestone.ANSWER, office)):
        shown = asked(milestone)
        assert (shown.now.kept, shown.now.of) == (expected["within"], expected["opened"])
        assert shown.now.share == expected["within"] / expected["opened"]
        assert shown.measured_times == expected["answered"]
        assert shown.unmet == expected["opened"] - expected["answered"]
        assert shown.median is not None
        assert round(shown.median, 6) == round(60 * expected["median"], 6)
    # In calendar time both are the same promise.
    of_answer = asked(Milestone.ANSWER, is_calendar_time=True)
    assert of_answer.median == 60 * always["median"]
    has_the_same_clocks_as_through_the_flows(lived_through, log, marketer, salesperson)


def has_the_same_clocks_as_through_the_flows(lived_through, log, marketer, salesperson) -> None:
    """A few tickets once more, one act after the other, as people would have taken them."""
    choose = random.Random(4)
    answered = [number for number, (_opened, taken) in enumerate(log) if taken is not None]
    for number in choose.sample(answered, 12):
        opened, taken = log[number]
        assert taken is not None
        asked_for = flows.ActivityIn(
            type="demo_request",
            occurred_at=opened,
            external_id=f"again{number}",
            contact=flows.ContactIn(email=f"again{number}@desk.example"),
        )
        flows.record_activities(activities=[asked_for], by=None, actor=None, at=opened)
        handoff = Handoff.objects.get(contact__email=f"again{number}@desk.example")
        flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=opened)
        flows.accept(actor=salesperson, handoff_id=handoff.pk, at=taken)
        flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", at=taken)
        facts = ("started_at", "warn_at", "due_at", "met_at", "target_seconds")
        for milestone in MILESTONES:
            by_hand, together = (
                one.timers.values_list(*facts).get(milestone=milestone) for one in (handoff, lived_through[number])
            )
            assert by_hand == together, (number, milestone)
