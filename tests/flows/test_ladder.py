"""The ladder: whom its steps tell, how they move a lead, each once, whatever dies in between."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from crm import flows, notice_words
from crm.errors import Invalid
from crm.flows import acts, clocks
from crm.models import Notice, Team, User
from crm.models.people import TeamKind
from crm.queries import alerts
from leads.models import Handoff
from sla import ladder
from sla.models import Calendar, LadderAct, Milestone, Policy, Timer

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday
HOUR = dt.timedelta(hours=1)
TARGET = 4 * 3600

pytestmark = pytest.mark.django_db


def promise(milestone, steps, *, conditions=(), seconds=TARGET):
    """Promise a milestone on a calendar that never closes, before any other policy."""
    return Policy.objects.create(
        name=f"{milestone} by ladder",
        milestone=milestone,
        target_seconds=seconds,
        calendar=Calendar.objects.get(always_open=True),
        position=-1,
        conditions=list(conditions),
        steps=ladder.parse_steps(steps, milestone=milestone),
    )


def offer(marketer, to, *, name="eva", at=AT):
    """A handoff of a contact who asked for a demo, offered to a salesperson at `at`."""
    asked = flows.ActivityIn(type="demo_request", occurred_at=at, contact=flows.ContactIn(email=f"{name}@firm.example"))
    flows.record_activities(activities=[asked], by=None, actor=None, at=at)
    handoff = Handoff.objects.get(contact__email=f"{name}@firm.example")
    return flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=to.email, at=at)


def person(name, team=None, **fields):
    made = User.objects.create_user(f"{name}@baton.example", name=name, roles=("salesperson",), team=team)
    User.objects.filter(pk=made.pk).update(**fields)
    return User.objects.get(pk=made.pk)


@pytest.fixture
def partner(db):
    return Team.objects.create(name="North partner", kind=TeamKind.PARTNER)


def told(**which):
    return sorted(Notice.objects.filter(**which).values_list("kind", "recipient__name"))


# What a step may be ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("warn", "Steps are a list of objects."),
        ({"kind": "shout", "to": "owner", "at_percent": 50}, "kind is one of warn, breach"),
        ({"kind": "warn", "to": "everybody", "at_percent": 50}, "to is one of owner, manager, person, team"),
        ({"kind": "warn", "to": "owner"}, "give at_percent from 1 to 100, or after_seconds"),
        ({"kind": "warn", "to": "owner", "at_percent": 50, "after_seconds": 5}, "give at_percent"),
        ({"kind": "warn", "to": "owner", "at_percent": 101}, "give at_percent"),
        ({"kind": "warn", "to": "owner", "at_percent": True}, "give at_percent"),
        ({"kind": "warn", "to": "owner", "after_seconds": -1}, "give at_percent"),
        ({"kind": "breach", "to": "owner", "at_percent": 99}, "missed at 100 % of its time at the earliest"),
        ({"kind": "warn", "to": "person", "at_percent": 50}, "person is the address"),
        ({"kind": "warn", "to": "person", "person": "no@body.example", "at_percent": 50}, "person is the address"),
        ({"kind": "warn", "to": "team", "team": "No such team", "at_percent": 50}, "team is the name"),
        ({"kind": "overflow", "team": "Field sales", "at_percent": 50}, "of this kind: Partner, Customer service"),
    ],
)
def test_a_bad_step_is_refused_with_a_sentence(sales_team, step, words):
    with pytest.raises(Invalid) as refusal:
        ladder.parse_steps([step], milestone="answer")
    assert words in str(refusal.value)
    assert refusal.value.field == "steps"


@pytest.mark.parametrize(
    ("kind", "milestones"),
    [
        ("warn", set(Milestone.values)),
        ("breach", set(Milestone.values)),
        ("escalate", set(Milestone.values)),
        ("reassign", {"answer", "contact", "meeting", "follow_up"}),
        ("overflow", {"answer"}),
    ],
)
def test_a_lead_is_moved_only_where_somebody_has_it(kind, milestones):
    step = {"kind": kind, "to": "owner", "after_seconds": 60}
    for milestone in Milestone.values:
        if milestone in milestones:
            assert len(ladder.parse_steps([step], milestone=milestone)) == 1
        else:
            with pytest.raises(Invalid, match="is no step of a promise"):
                ladder.parse_steps([step], milestone=milestone)


def test_steps_are_kept_in_order_by_id_and_with_nothing_else(salesperson, sales_team, partner):
    steps = [
        {"kind": "overflow", "team": "north PARTNER", "after_seconds": 7200, "to": "owner", "color": "red"},
        {"kind": "escalate", "to": "team", "team": sales_team.pk, "after_seconds": 0},
        {"kind": "warn", "to": "person", "person": salesperson.email.upper(), "at_percent": 50},
    ]
    assert ladder.parse_steps(steps, milestone="answer") == [
        {"at_percent": 50, "kind": "warn", "to": "person", "person": salesperson.pk},
        {"after_seconds": 0, "kind": "escalate", "to": "team", "team": sales_team.pk},
        {"after_seconds": 7200, "kind": "overflow", "team": partner.pk},
    ]


def test_a_ladder_says_nothing_twice_and_has_an_end():
    step = {"kind": "warn", "to": "owner", "at_percent": 50}
    with pytest.raises(Invalid, match="Step 2 repeats step 1"):
        ladder.parse_steps([step, dict(step)], milestone="answer")
    many = [{"kind": "warn", "to": "owner", "after_seconds": n} for n in range(ladder.MOST_STEPS + 1)]
    with pytest.raises(Invalid, match="20 steps at most"):
        ladder.parse_steps(many, milestone="answer")


def test_a_ladder_that_goes_on_from_another_does_not_repeat_what_was_done():
    warn, breach, call = ladder.STANDARD_STEPS
    early, soon = warn | {"at_percent": 50}, call | {"at_percent": 90}
    assert ladder.carry_over([], onto=[early, warn, breach]) == ([early, warn, breach], 0)
    assert ladder.carry_over([warn], onto=[early, warn, breach]) == ([early, warn, breach], 1)
    assert ladder.carry_over([warn, breach, call], onto=[soon, breach]) == ([soon, breach], 2)
    # What was done comes first, although the new ladder has it later than what was not.
    assert ladder.carry_over([breach], onto=[early, breach, call]) == ([breach, early, call], 1)


# Telling --------------------------------------------------------------------------------------------------------------


def test_a_sweep_of_more_than_a_batch_calls_for_help_once(marketer, salesperson, monkeypatch):
    monkeypatch.setattr(clocks, "BATCH", 2)
    promise("answer", [{"kind": "breach", "to": "owner", "at_percent": 100}])
    calls = []
    for name in ("ada", "bea", "cleo", "dora", "edith"):
        offer(marketer, salesperson, name=name)
    assert flows.sweep_timers(at=AT + 4 * HOUR, call_help=lambda: calls.append("help")) == 5
    assert calls == ["help"]
    assert flows.sweep_timers(at=AT + 4 * HOUR, call_help=lambda: calls.append("help")) == 0
    assert calls == ["help"]


def test_a_clock_that_cannot_be_judged_costs_only_itself(marketer, salesperson, caplog):
    """One clock of five whose step has no time: the others are told of, it is looked at again later."""
    promise("answer", [{"kind": "breach", "to": "owner", "at_percent": 100}])
    for name in ("ada", "bea", "cleo", "dora", "edith"):
        offer(marketer, salesperson, name=name)
    clock = Timer.objects.get(milestone="answer", handoff__contact__email="cleo@firm.example")
    broken = [{"kind": "breach", "to": "owner", "at_percent": "soon"}]
    Timer.objects.filter(pk=clock.pk).update(steps=broken)
    assert flows.sweep_timers(at=AT + 4 * HOUR) == 4
    assert not Notice.objects.filter(timer=clock).exists()
    clock.refresh_from_db()
    assert (clock.step, clock.next_check_at) == (0, AT + 4 * HOUR + dt.timedelta(minutes=15))
    assert f"Timer {clock.pk} failed; it is looked at again later." in caplog.text
    Timer.objects.filter(pk=clock.pk).update(steps=Timer.objects.exclude(pk=clock.pk).first().steps)
    assert flows.sweep_timers(at=AT + 5 * HOUR) == 1


def test_a_step_tells_the_person_or_the_team_it_names(marketer, salesperson, other_salesperson, manager, partner):
    one, two = person("Pia", partner), person("Pekka", partner)
    person("Away", partner, is_on_duty=False)
    promise(
        "answer",
        [
            {"kind": "warn", "to": "person", "person": other_salesperson.email, "at_percent": 50},
            {"kind": "escalate", "to": "team", "team": partner.name, "after_seconds": 3600},
        ],
    )
    handoff = offer(marketer, salesperson)
    flows.sweep_timers(at=AT + 2 * HOUR)
    assert told(timer__handoff=handoff, timer__milestone="answer") == [("warn", other_salesperson.name)]
    flows.sweep_timers(at=AT + 5 * HOUR)
    assert told(kind="escalate", timer__milestone="answer") == sorted([("escalate", two.name), ("escalate", one.name)])


def test_what_would_reach_nobody_reaches_the_managers(marketer, salesperson, other_salesperson, manager, partner):
    promise(
        "answer",
        [
            {"kind": "warn", "to": "person", "person": other_salesperson.email, "at_percent": 25},
            {"kind": "escalate", "to": "team", "team": partner.name, "at_percent": 50},
            {"kind": "breach", "to": "owner", "at_percent": 100},
        ],
    )
    handoff = offer(marketer, salesperson)
    User.objects.filter(pk=other_salesperson.pk).update(is_active=False)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=partner.pk, at=AT)
    flows.sweep_timers(at=AT + 4 * HOUR)
    assert told(timer__handoff=handoff, timer__milestone="answer") == [
        ("breach", manager.name),
        ("escalate", manager.name),
        ("warn", manager.name),
    ]


def test_a_lead_of_a_team_warns_the_team(marketer, salesperson, manager, partner):
    member = person("Pia", partner)
    handoff = offer(marketer, salesperson)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=partner.pk, at=AT)
    flows.sweep_timers(at=AT + 400 * HOUR)
    assert ("breach", member.name) in told(timer__handoff=handoff, timer__milestone="answer")
    assert ("breach", marketer.name) not in told(timer__milestone="answer")


def test_who_is_called_before_it_is_due_hears_that_it_is_not_missed_yet(marketer, salesperson, manager):
    promise("answer", [{"kind": "escalate", "to": "manager", "at_percent": at} for at in (50, 100)])
    offer(marketer, salesperson)
    flows.sweep_timers(at=AT + 2 * HOUR)
    flows.sweep_timers(at=AT + 4 * HOUR)
    told_of = Notice.objects.filter(kind="escalate").select_related(*notice_words.RELATED).order_by("id")
    subjects = [notice_words.describe(one).subject for one in told_of]
    assert [words.partition(" by ")[0] for words in subjects] == ["Due soon", "Missed"]
    assert [row.mark for row in alerts.rows_of(list(told_of))] == ["soon", "missed"]


# Moving ---------------------------------------------------------------------------------------------------------------

REASSIGN = [{"kind": "reassign", "after_seconds": 7200}]


def test_a_lead_that_nobody_answered_goes_to_somebody_else(marketer, salesperson, other_salesperson, manager):
    promise("answer", REASSIGN)
    handoff = offer(marketer, salesperson)
    contact_clock = Timer.objects.get(handoff=handoff, milestone="contact")
    flows.sweep_timers(at=AT + 6 * HOUR - dt.timedelta(seconds=1))
    handoff.refresh_from_db()
    assert handoff.assignee == salesperson
    flows.sweep_timers(at=AT + 6 * HOUR)
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.state) == (other_salesperson, "offered")
    old, new = Timer.objects.filter(handoff=handoff, milestone="answer").order_by("id")
    assert (old.cancelled_at, old.assignee) == (AT + 6 * HOUR, salesperson)
    assert (new.started_at, new.due_at, new.assignee, new.step) == (AT + 6 * HOUR, AT + 10 * HOUR, other_salesperson, 0)
    running = Timer.objects.get(handoff=handoff, milestone="contact")
    assert (running.pk, running.started_at, running.due_at) == (contact_clock.pk, AT, contact_clock.due_at)
    assert running.assignee == other_salesperson
    assert told(kind__in=["reassigned", "moved_away"], handoff=handoff) == [
        ("moved_away", salesperson.name),
        ("reassigned", other_salesperson.name),
    ]
    act = LadderAct.objects.get()
    assert (act.outcome, act.done_at, act.next_attempt_at) == ("moved", AT + 6 * HOUR, None)
    event = handoff.events.get(verb="reassign")
    assert (event.actor, event.assignee) == (None, other_salesperson)


def test_a_lead_that_nobody_else_can_take_stays_and_the_manager_hears_of_it_once(marketer, salesperson, manager):
    promise("answer", REASSIGN)
    handoff = offer(marketer, salesperson)
    for hours in (6, 7, 100):
        flows.sweep_timers(at=AT + hours * HOUR)
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.state) == (salesperson, "offered")
    assert Timer.objects.open().filter(handoff=handoff, milestone="answer").count() == 1
    assert told(kind="stuck") == [("stuck", manager.name)]
    assert Notice.objects.get(kind="stuck").params == {"why": "nobody_free"}
    assert LadderAct.objects.get().outcome == "told"


def test_a_lead_goes_round_no_further_than_twice_and_to_nobody_again(marketer, salesperson, manager, sales_team):
    promise("answer", REASSIGN)
    for name in ("One", "Two", "Three"):
        person(name, sales_team)
    handoff = offer(marketer, salesperson)
    for hours in range(6, 100, 2):
        flows.sweep_timers(at=AT + hours * HOUR)
    had_it = list(handoff.events.filter(verb="reassign").values_list("assignee__name", flat=True))
    assert (len(had_it), len(set(had_it))) == (acts.MOST_MOVES, acts.MOST_MOVES)
    assert salesperson.name not in had_it
    assert Notice.objects.get(kind="stuck").params == {"why": "moved_enough"}
    assert list(LadderAct.objects.order_by("id").values_list("outcome", flat=True)) == ["moved", "moved", "told"]


def test_a_lead_that_nobody_answered_overflows_and_gets_the_policy_of_the_team(marketer, salesperson, manager, partner):
    member = person("Pia", partner)
    conditions = [{"field": "handoff.team", "op": "equals", "value": partner.name}]
    promise("answer", [{"kind": "overflow", "after_seconds": 0}])
    of_team = {
        milestone: promise(milestone, [], conditions=conditions, seconds=2 * TARGET)
        for milestone in ("answer", "contact")
    }
    Policy.objects.filter(pk__in=[row.pk for row in of_team.values()]).update(position=-2)
    handoff = offer(marketer, salesperson)
    flows.sweep_timers(at=AT + 4 * HOUR)
    handoff.refresh_from_db()
    assert (handoff.state, handoff.assignee, handoff.team) == ("offered", None, partner)
    assert handoff.overflowed_at == AT + 4 * HOUR
    clocks = {timer.milestone: timer for timer in Timer.objects.open().filter(handoff=handoff)}
    assert {name: timer.policy for name, timer in clocks.items()} == of_team
    assert (clocks["answer"].started_at, clocks["contact"].started_at) == (AT + 4 * HOUR, AT)
    assert clocks["contact"].due_at == AT + 8 * HOUR
    assert ("offered", member.name) in told(handoff=handoff)
    assert ("moved_away", salesperson.name) in told(handoff=handoff)
    taken = flows.accept(actor=member, handoff_id=handoff.pk, at=AT + 5 * HOUR)
    assert taken.assignee == member


def test_a_lead_overflows_once(marketer, salesperson, manager, partner):
    promise("answer", [{"kind": "overflow", "after_seconds": 0}])
    handoff = offer(marketer, salesperson)
    for hours in range(4, 40, 4):
        flows.sweep_timers(at=AT + hours * HOUR)
    assert handoff.events.filter(verb="overflow").count() == 1
    assert Notice.objects.get(kind="stuck").params == {"why": "with_a_team"}


def test_without_a_team_to_offer_it_to_the_manager_hears_of_it(marketer, salesperson, manager):
    promise("answer", [{"kind": "overflow", "after_seconds": 0}])
    offer(marketer, salesperson)
    flows.sweep_timers(at=AT + 4 * HOUR)
    assert Notice.objects.get(kind="stuck").params == {"why": "no_team"}


# What dies in between -------------------------------------------------------------------------------------------------


def test_what_a_dead_worker_left_the_next_sweep_does_once(marketer, salesperson, other_salesperson, monkeypatch):
    promise("answer", REASSIGN)
    handoff = offer(marketer, salesperson)
    with monkeypatch.context() as broken:
        # The worker dies between the transaction of the step and that of the act.
        broken.setattr(acts, "run_due_acts", lambda *, at: 0)
        flows.sweep_timers(at=AT + 6 * HOUR)
    act = LadderAct.objects.get()
    assert (act.outcome, act.next_attempt_at) == ("", AT + 6 * HOUR)
    handoff.refresh_from_db()
    assert handoff.assignee == salesperson
    for minutes in (1, 2):
        flows.sweep_timers(at=AT + 6 * HOUR + minutes * dt.timedelta(minutes=1))
    handoff.refresh_from_db()
    assert handoff.assignee == other_salesperson
    assert handoff.events.filter(verb="reassign").count() == 1


def test_an_act_that_fails_is_tried_again_and_keeps_no_other_waiting(
    marketer, salesperson, other_salesperson, monkeypatch
):
    promise("answer", REASSIGN)
    first, second = (offer(marketer, salesperson, name=name) for name in ("eva", "ivo"))
    do = acts._do

    def fail_for_the_first(act_id, *, handoff_id, at):
        moved = do(act_id, handoff_id=handoff_id, at=at)
        if handoff_id == first.pk:
            raise RuntimeError("the disk is full")
        return moved

    with monkeypatch.context() as broken:
        broken.setattr(acts, "_do", fail_for_the_first)
        flows.sweep_timers(at=AT + 6 * HOUR)
    assert list(Handoff.objects.order_by("id").values_list("assignee", flat=True)) == [
        salesperson.pk,
        other_salesperson.pk,
    ]
    flows.sweep_timers(at=AT + 6 * HOUR + 15 * dt.timedelta(minutes=1))
    first.refresh_from_db()
    assert first.assignee == other_salesperson
    assert set(LadderAct.objects.values_list("outcome", flat=True)) == {"moved"}
    assert second.events.filter(verb="reassign").count() == 1


def test_an_answer_between_the_step_and_its_act_is_in_time(marketer, salesperson, other_salesperson, monkeypatch):
    promise("answer", REASSIGN)
    handoff = offer(marketer, salesperson)
    with monkeypatch.context() as broken:
        broken.setattr(acts, "run_due_acts", lambda *, at: 0)
        flows.sweep_timers(at=AT + 6 * HOUR)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=AT + 6 * HOUR)
    flows.sweep_timers(at=AT + 6 * HOUR)
    handoff.refresh_from_db()
    assert handoff.assignee == salesperson
    assert LadderAct.objects.get().outcome == "moot"


def test_a_step_moves_a_lead_once_for_ever_by_constraint(marketer, salesperson, other_salesperson):
    promise("answer", REASSIGN)
    offer(marketer, salesperson)
    flows.sweep_timers(at=AT + 6 * HOUR)
    act = LadderAct.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        LadderAct.objects.create(timer=act.timer, step=act.step, kind=act.kind, due_at=AT, next_attempt_at=AT)
