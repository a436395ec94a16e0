"""The demo: a company at work, whenever it is started."""

import collections
import datetime as dt
import zoneinfo

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count

from crm import demo, flows, setup
from crm.models import Delivery, Notice, User
from crm.queries.inbox import inbox_of
from leads.models import (
    Activity,
    Campaign,
    Contact,
    Handoff,
    HandoffEvent,
    Import,
    Opportunity,
    Referral,
    StageChange,
    Task,
    Touch,
)
from scoring.models import Score, ScoringModel
from sla.models import Timer

HELSINKI = zoneinfo.ZoneInfo("Europe/Helsinki")
# When the whole of it is made; the others are made with a tenth of the crowd.
AT = dt.datetime(2026, 11, 17, 10, 42, tzinfo=HELSINKI)  # a Tuesday morning
OTHER_TIMES = {
    "Sunday night": dt.datetime(2026, 11, 22, 23, 30, tzinfo=HELSINKI),
    "Monday, the first minute": dt.datetime(2026, 3, 30, 9, 1, tzinfo=HELSINKI),  # summer time began the day before
    "Friday, the last minute": dt.datetime(2027, 1, 1, 16, 59, tzinfo=HELSINKI),
}
LOGINS = {
    "marketer@demo.example": ("Aino Korhonen", "marketer"),
    "sales@demo.example": ("Agnieszka Wójcik", "salesperson"),
    "manager@demo.example": ("Elina Saarinen", "manager"),
    "admin@demo.example": ("Henrik Lindroos", "admin"),
}
# Open clocks by milestone and state; a soon one is running, past its warning.
OPEN_CLOCKS = {
    ("review", "running"): 10,
    ("review", "soon"): 2,
    ("review", "missed"): 1,
    ("review", "paused"): 1,
    ("answer", "running"): 5,
    ("answer", "soon"): 1,
    ("answer", "missed"): 1,
    ("answer", "paused"): 1,
    ("contact", "running"): 10,
    ("contact", "soon"): 2,
    ("contact", "missed"): 2,
    ("contact", "paused"): 2,
}


@pytest.fixture(scope="module")
def company(django_db_setup, django_db_blocker):
    """The whole demo, made once for this file and taken back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        if not ScoringModel.objects.exists():
            # A test that commits ran before and has emptied every table: begin with what the migrations bring.
            connection.creation.deserialize_db_from_string(connection._test_serialized_contents)
        demo.make_demo(at=AT)
        yield
        transaction.set_rollback(True)


def open_clocks(at: dt.datetime) -> dict[tuple[str, str], int]:
    timers = Timer.objects.open().with_state(now=at)
    return collections.Counter((one.milestone, "soon" if one.is_soon else one.state_now) for one in timers)


def test_everybody_is_there_and_can_log_in(company):
    found = {user.email: (user.name, user.roles[0]) for user in User.objects.filter(email__in=LOGINS)}
    assert found == LOGINS
    for email in LOGINS:
        assert authenticate(username=email, password="demo") is not None
    roles = collections.Counter((str(user.team), user.roles[0]) for user in User.objects.all())
    assert roles["Marketing", "marketer"] == 2
    assert roles["Sales", "salesperson"] == 4
    assert roles["Customer service", "salesperson"] >= 2


def test_all_addresses_are_invented(company):
    emails = {*User.objects.values_list("email", flat=True), *Contact.objects.values_list("email", flat=True)}
    assert not [email for email in emails if email is None or not email.endswith(".example")]


def test_three_months_have_passed(company):
    assert 300 <= Contact.objects.count() <= 400
    assert Activity.objects.count() > 2000
    days = set(Activity.objects.values_list("occurred_at__date", flat=True))
    assert min(days) <= (AT - dt.timedelta(days=80)).date()
    assert max(days) == AT.date()
    assert set(Contact.objects.values_list("stage", flat=True)) == {
        "subscriber",
        "lead",
        "mql",
        "sql",
        "opportunity",
        "customer",
    }
    assert Contact.objects.filter(is_disqualified=True).count() > 3
    ended = dict(Handoff.objects.order_by().values_list("state").annotate(Count("id")))
    assert min(ended[state] for state in ("closed", "rejected", "returned", "recycled")) > 15
    causes = dict(Handoff.objects.order_by().values_list("cause").annotate(Count("id")))
    assert set(causes) == {"threshold", "request", "rejected", "own", "referred"}
    deals = dict(Opportunity.objects.order_by().values_list("state").annotate(Count("id")))
    assert min(deals.values()) > 10
    assert set(deals) == {"open", "won", "lost"}
    assert Handoff.objects.filter(rating__isnull=False).count() > 40
    assert Campaign.objects.filter(cost__isnull=False).count() >= 5
    assert Touch.objects.filter(campaign__isnull=False).count() > 100
    assert HandoffEvent.objects.filter(verb="reassign").exists()
    verdicts = collections.Counter(timer.state_now for timer in Timer.objects.with_state(now=AT))
    assert verdicts["late"] > 10
    assert verdicts["met"] > 5 * verdicts["late"]


def test_clocks_are_open_in_every_state(company):
    assert open_clocks(AT) == OPEN_CLOCKS


def test_they_stay_so_for_a_while(company):
    later = open_clocks(AT + dt.timedelta(minutes=20))
    assert {key for key, count in later.items() if count} == set(OPEN_CLOCKS)


def test_the_queue_has_fourteen_three_of_them_rejected_by_sales(company):
    waiting = Handoff.objects.filter(state="in_review").select_related("previous__reason")
    assert waiting.count() == 14
    rejected = [one for one in waiting if one.previous is not None]
    assert len(rejected) == 3
    assert all(one.previous.reason and one.previous.comment and one.previous.rating for one in rejected)


def test_the_inbox_of_the_salesperson_is_full_of_different_things(company):
    agnieszka = User.objects.get(email="sales@demo.example")
    mine = Handoff.objects.filter(assignee=agnieszka)
    assert mine.filter(state="offered").count() == 2
    assert mine.filter(state="accepted", contacted_at=None).count() == 4
    assert mine.filter(state="accepted", opportunities__state="open").count() >= 5
    assert mine.filter(state="accepted").count() + 2 < agnieszka.capacity
    assert Contact.objects.filter(owner=agnieszka).exists()


def test_what_comes_next_is_planned_on_some_offers(company):
    agnieszka = User.objects.get(email="sales@demo.example")
    planned = Task.objects.open().filter(owner=agnieszka).exclude(kind="satisfied")
    zone = zoneinfo.ZoneInfo(agnieszka.time_zone)
    today = AT.astimezone(zone).date()
    days = [task.due_at.astimezone(zone).date() for task in planned]
    assert min(days) < today < max(days) and days.count(today) == 2
    steps = Opportunity.objects.filter(owner=agnieszka, state="open").values_list("step", flat=True)
    assert set(steps) == set(Opportunity.Step.values)


def test_somebody_was_sent_on_and_a_lead_waits_in_another_team(company):
    halina = Referral.objects.select_related("contact__owner").get().contact
    assert (halina.first_name, halina.owner.email, halina.stage) == ("Halina", "sales@demo.example", "sql")
    waiting = Handoff.objects.get(overflowed_at__isnull=False, state="offered")
    assert (waiting.team.name, waiting.assignee) == ("Customer service", None)
    petra = User.objects.get(email="petra@demo.example")
    row = next(item for item in inbox_of(petra, now=AT).items if item.handoff_id == waiting.pk)
    assert row.kind == "team" and row.clock is not None and row.act == "accept"


def test_leads_can_be_passed_on_at_once(company):
    sellers = User.objects.filter(team__name="Sales", role_rows__role="salesperson")
    for seller in sellers:
        assert seller.handoffs.filter(state__in=["offered", "accepted"]).count() < seller.capacity


def test_people_wrote_in_their_own_words(company):
    words = Activity.objects.filter(contact__email="pawel.kaminski@baltyk-logistyka.example", type="demo_request")
    assert words.get().properties["message"] == "Six docks in Gdynia, lorries wait 40 minutes."


def test_everybody_has_unread_alerts_and_old_ones_are_read(company):
    for email in ("marketer@demo.example", "sales@demo.example", "manager@demo.example"):
        unread = Notice.objects.filter(recipient__email=email, read_at=None)
        assert unread.filter(timer__isnull=False).exists(), email
        assert unread.count() <= 12
    assert not Notice.objects.filter(read_at=None, created_at__lt=AT - dt.timedelta(days=4)).exists()


def test_nothing_of_the_past_is_mailed_now(company):
    assert Delivery.objects.count() > 100
    assert not Delivery.objects.exclude(state="sent").exists()
    assert flows.sweep_timers(at=AT) == 0
    assert flows.route_waiting(at=AT) == 0


def test_lists_were_imported(company):
    jobs = Import.objects.order_by("created_at")
    assert [(job.file_name, job.state) for job in jobs] == [
        ("newsletter-readers.csv", "done"),
        ("lahti-messut.csv", "done"),
    ]
    fair = jobs[1]
    assert (fair.refused, str(fair.campaign)) == (4, "Trade fair Lahti")
    assert fair.created
    assert fair.created + fair.touched + fair.refused == fair.rows


def test_nothing_lies_in_the_future_and_everything_holds_together(company):
    connection.check_constraints()
    for model, field in (
        (Activity, "occurred_at"),
        (Activity, "recorded_at"),
        (StageChange, "at"),
        (HandoffEvent, "at"),
        (Notice, "created_at"),
        (Opportunity, "opened_at"),
        (Score, "valued_at"),
        (Timer, "started_at"),
        (Timer, "met_at"),
    ):
        assert not model.objects.filter(**{f"{field}__gt": AT}).exists(), (model, field)
    assert not Score.objects.filter(next_check_at__lte=AT).exists()
    assert set(Contact.objects.values_list("id", flat=True)) == set(Score.objects.values_list("contact_id", flat=True))
    stages = {contact.pk: contact.stage for contact in Contact.objects.all()}
    last = {change.contact_id: change.to_stage for change in StageChange.objects.order_by("at", "id")}
    assert last == stages
    for handoff in Handoff.objects.filter(offered_at__isnull=False, reviewed_at__isnull=False):
        assert handoff.formed_at <= handoff.reviewed_at <= handoff.offered_at, handoff
        assert handoff.answered_at is None or handoff.answered_at >= handoff.offered_at, handoff


def test_people_act_in_office_hours(company):
    acts = HandoffEvent.objects.filter(actor__isnull=False).values_list("at", flat=True)
    local = [at.astimezone(HELSINKI) for at in acts]
    assert len(local) > 500
    assert not [at for at in local if at.weekday() > 4 or not dt.time(9) <= at.time() <= dt.time(17)]


@pytest.mark.parametrize(
    ("doings", "is_crossing"),
    [(["demo_request", "content_download", *["page_view /pricing"] * 5], True), (["page_view /blog"] * 10, False)],
    ids=["a request, a download and five looks at the prices", "ten pages of the blog"],
)
def test_what_crosses_in_the_published_model(company, doings, is_crossing):
    with transaction.atomic():
        flows.record_activities(
            activities=[
                flows.ActivityIn(
                    type=doing.split(" ")[0],
                    occurred_at=AT,
                    external_id=str(number),
                    contact=flows.ContactIn(email="somebody@else.example"),
                    properties={"path": doing.split(" ")[1]} if " " in doing else {},
                )
                for number, doing in enumerate(doings)
            ],
            by=None,
            actor=None,
            at=AT,
        )
        contact = Contact.objects.select_related("score").get(email="somebody@else.example")
        threshold = ScoringModel.objects.get(status="published").mql_threshold
        assert (contact.score.value >= threshold) is is_crossing
        assert contact.handoffs.exists() is is_crossing
        transaction.set_rollback(True)


@pytest.mark.django_db
@pytest.mark.parametrize("at", OTHER_TIMES.values(), ids=OTHER_TIMES.keys())
def test_it_looks_alive_whenever_it_is_started(at):
    demo.make_demo(at=at, share=0.1)
    connection.check_constraints()
    assert open_clocks(at) == OPEN_CLOCKS
    assert Handoff.objects.filter(state="in_review").count() == 14
    assert Handoff.objects.filter(state="offered").count() == 8
    assert Notice.objects.filter(recipient__email="manager@demo.example", read_at=None).count() >= 3
    assert not HandoffEvent.objects.filter(at__gt=at).exists()


@pytest.mark.django_db
def test_the_command_makes_it_once_and_only_where_nobody_works(monkeypatch, settings, capsys):
    made = []
    monkeypatch.setattr(demo, "make_demo", lambda *, at: made.append(at))
    call_command("demo")
    assert len(made) == 1
    assert "The demo stands." in capsys.readouterr().out
    assert not setup.is_demo_pending(data_dir=settings.DATA_DIR)
    User.objects.create_user("somebody@works.example", name="Somebody")
    with pytest.raises(CommandError, match="only in an empty database"):
        call_command("demo")
    assert len(made) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("was_begun", [True, False])
def test_a_demo_that_fails_leaves_nothing_and_is_waited_for_only_by_who_began_it(monkeypatch, settings, was_begun):
    def fail(*, at):
        with transaction.atomic():
            User.objects.create_user("half@demo.example", name="Half")
            raise KeyboardInterrupt

    monkeypatch.setattr(demo, "make_demo", fail)
    if was_begun:
        setup.begin_demo(data_dir=settings.DATA_DIR)
    try:
        with pytest.raises(KeyboardInterrupt):
            call_command("demo")
        assert setup.is_demo_pending(data_dir=settings.DATA_DIR) is was_begun
        assert not User.objects.exists()
    finally:
        setup.finish_demo(data_dir=settings.DATA_DIR)
