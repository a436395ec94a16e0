"""The page about promises agrees with the clocks: every figure of it, counted again row by row in Python.

The recount knows the timers and what `sla.states` says of each at an instant, and nothing of the queries.
"""

import datetime as dt
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils import timezone

from crm import flows
from crm.models import Role, Team, User
from crm.queries import sla, sla_breaches, sla_groups, sla_period, sla_tables
from crm.queries.origins import Split
from crm.queries.sla_period import Asked, Period
from leads.models import Handoff, Opportunity
from sla import clock
from sla.models import Milestone, Pause, Timer
from sla.states import timer_state

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)  # a Monday; the clocks go forward within the weeks that follow
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
DECIDED = ("met", "late", "missed")
LEADS = 45


@pytest.fixture
def world(marketer, manager) -> list[User]:
    """Forty-five leads of six weeks, taken by the flows to every standing there is."""
    choose = random.Random(20260302)
    teams = [Team.objects.create(name=name) for name in ("North", "South")]
    sellers = [
        User.objects.create_user(f"s{n}@baton.example", name=f"Seller {n}", roles=(Role.SALESPERSON,), capacity=200)
        for n in range(4)
    ]
    for n, seller in enumerate(sellers):
        seller.team = teams[n % 2] if n < 3 else None
        seller.save()
    Team.objects.create(name="Partner", kind="partner")
    for number in range(LEADS):
        live(number, choose, marketer=marketer, manager=manager, sellers=sellers)
    return sellers


def live(number: int, choose: random.Random, *, marketer: User, manager: User, sellers: list[User]) -> None:
    """One lead's life, up to wherever chance ends it."""
    at = START + choose.uniform(0, 42) * DAY
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request",
                occurred_at=at,
                external_id=str(number),
                contact=flows.ContactIn(
                    email=f"lead{number}@firm{number}.example", source=choose.choice(["", "fair", "search"])
                ),
                campaign=choose.choice(["", "Autumn", "Spring"]),
            )
        ],
        by=None,
        actor=None,
        at=at,
    )
    handoff = Handoff.objects.get(contact__email=f"lead{number}@firm{number}.example")

    def later(most_hours: float) -> dt.datetime:
        nonlocal at
        at += choose.choice([MINUTE, HOUR, most_hours * HOUR]) * choose.uniform(0.1, 1)
        return at

    if choose.random() < 0.1:
        return
    if choose.random() < 0.1:
        flows.return_to_marketing(actor=marketer, handoff_id=handoff.pk, reason="not_ready", at=later(30))
        return
    seller = choose.choice(sellers)
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=seller.email, at=later(30))
    if choose.random() < 0.2:
        flows.pause_clocks(actor=manager, handoff_id=handoff.pk, until=at + 50 * HOUR, reason="Away", at=at)
    if choose.random() < 0.15:
        seller = choose.choice([one for one in sellers if one != seller])
        flows.reassign(actor=manager, handoff_id=handoff.pk, assignee_email=seller.email, at=later(20))
    if choose.random() < 0.1:
        flows.overflow(actor=manager, handoff_id=handoff.pk, at=later(5))
        return
    if choose.random() < 0.15:
        return
    if choose.random() < 0.15:
        flows.reject(actor=seller, handoff_id=handoff.pk, reason="too_early", at=later(20))
        return
    flows.accept(actor=seller, handoff_id=handoff.pk, at=later(20))
    if choose.random() < 0.15:
        return
    flows.log_contact(actor=seller, contact_id=handoff.contact_id, type="call", at=later(90))
    if choose.random() < 0.5:
        opened = flows.open_opportunity(
            actor=seller, handoff_id=handoff.pk, name="Offer", amount=Decimal(100), currency="EUR", at=later(5)
        )
        if choose.random() < 0.6:
            flows.win_opportunity(actor=seller, opportunity_id=opened.pk, reason="best_fit", at=later(5))


class Recount:
    """Every timer with its state at one instant, as `sla.states` has it."""

    def __init__(self, now: dt.datetime) -> None:
        self.pauses: dict[int, list[Pause]] = {}
        for pause in Pause.objects.all():
            self.pauses.setdefault(pause.handoff_id, []).append(pause)
        self.timers = list(
            Timer.objects.select_related(
                "calendar", "assignee__team", "handoff__reviewed_by__team", "handoff__team", "handoff__contact__source"
            )
        )
        self.states = {timer.pk: self.state(timer, now) for timer in self.timers}

    def state(self, timer: Timer, now: dt.datetime) -> str:
        pause = next((p for p in self.pauses.get(timer.handoff_id, []) if p.starts_at <= now < p.ends_at), None)
        found = timer_state(
            now=now,
            due_at=timer.due_at,
            met_at=timer.met_at,
            cancelled_at=timer.cancelled_at,
            paused_from=pause.starts_at if pause else None,
            paused_until=pause.ends_at if pause else None,
        ).value
        return "soon" if found == "running" and timer.warn_at <= now else found

    def due_within(self, period: Period, milestone: Milestone) -> list[Timer]:
        return [
            timer
            for timer in self.timers
            if timer.milestone == milestone
            and self.states[timer.pk] in DECIDED
            and period.since <= timezone.localdate(timer.due_at) <= period.until
        ]

    def seconds(self, timer: Timer, start: dt.datetime, end: dt.datetime, *, is_calendar_time: bool) -> float:
        if is_calendar_time:
            return (end - start).total_seconds()
        spans = [(pause.starts_at, pause.ends_at) for pause in self.pauses.get(timer.handoff_id, [])]
        return clock.elapsed(timer.calendar.parse(), start, end, spans)

    def took(self, timer: Timer, *, is_calendar_time: bool) -> float:
        found = self.seconds(timer, timer.started_at, timer.met_at, is_calendar_time=is_calendar_time)
        is_short = self.states[timer.pk] == "late" and found <= timer.target_seconds and not is_calendar_time
        return timer.target_seconds + 1e-6 if is_short else found


def middle(values: list[float], share: float) -> float | None:
    """`percentile_cont`, written down once more."""
    if not values:
        return None
    ordered, place = sorted(values), share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def group_of(timer: Timer, split: Split) -> str:
    handoff = timer.handoff
    is_review = timer.milestone == Milestone.REVIEW
    person = handoff.reviewed_by if is_review else timer.assignee
    if split is Split.PERSON:
        return person.name if person else ("Marketing" if is_review else "Nobody yet")
    if split is Split.TEAM:
        team = person.team if person and person.team else None if is_review else handoff.team
        return team.name if team else "No team"
    if split is Split.SOURCE:
        return handoff.contact.source.name if handoff.contact.source else "No source"
    if split is Split.GRADE:
        return handoff.grade or "No grade"
    met = [touch for touch in handoff.contact.touches.all() if touch.campaign and touch.at <= handoff.formed_at]
    return min(met, key=lambda touch: (touch.at, touch.pk)).campaign.name if met else "No campaign"


INSTANTS = [START + random.Random(seed).uniform(2, 60) * DAY for seed in range(6)]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Helsinki", "America/New_York"])
def test_every_figure_of_the_page_is_that_of_the_clocks_at_any_instant(world, manager, zone):
    with timezone.override(zone):
        for number, now in enumerate(INSTANTS):
            counted = Recount(now)
            of_the_board(sla.board(user=manager, now=now), counted, now=now)
            for milestone in (Milestone.REVIEW, Milestone.ANSWER, Milestone.CONTACT):
                asked = Asked(
                    sla_period.last_days((7, 21, 40)[number % 3], now=now),
                    milestone=milestone,
                    is_calendar_time=bool(number % 2),
                    split=list(Split)[number % len(Split)],
                )
                of_the_period(sla_period.report(user=manager, asked=asked, now=now), counted, asked)
                breaches = sla_breaches.told(list(sla_breaches.breaches_of(manager, asked=asked, now=now)), now=now)
                assert sorted(one.timer.pk for one in breaches.rows) == sorted(
                    timer.pk
                    for timer in counted.due_within(asked.period, milestone)
                    if counted.states[timer.pk] != "met"
                )


def of_the_board(board: sla.Board, counted: Recount, *, now: dt.datetime) -> None:
    states = Counter((timer.milestone, counted.states[timer.pk]) for timer in counted.timers)
    for row, milestone in zip(board.rows, sla.ALWAYS_SHOWN, strict=True):
        assert [cell.count for cell in row.cells] == [states[milestone, state] for state in sla.STATES], now
    everything = Counter(counted.states.values())
    assert [cell.count for cell in board.total.cells] == [everything[state] for state in sla.STATES]
    assert board.pressing.count == everything["missed"] + everything["soon"]
    assert (board.missed.count, board.soon.count) == (everything["missed"], everything["soon"])
    assert board.open_count == sum(everything[state] for state in sla.STATES)
    named = [counted.states[row.timer_id] for row in board.missing]
    assert len(named) == min(board.pressing.count, sla.LISTED)
    assert named == sorted(named)  # "missed" before "soon"


def of_the_period(report: sla_period.Report, counted: Recount, asked: Asked) -> None:
    decided = counted.due_within(asked.period, asked.milestone)
    before = counted.due_within(asked.period.before, asked.milestone)
    for share, timers in ((report.now, decided), (report.before, before)):
        assert (share.kept, share.of) == (sum(counted.states[one.pk] == "met" for one in timers), len(timers))
    states = Counter(counted.states[one.pk] for one in decided)
    assert (report.unmet, report.late) == (states["missed"], states["missed"] + states["late"])
    took = [counted.took(one, is_calendar_time=asked.is_calendar_time) for one in decided if one.met_at]
    assert report.measured_times == len(took)
    assert report.median == middle(took, 0.5)
    if report.histogram:
        assert sum(one.count for one in report.histogram.bins) == len(took)
        if report.histogram.limit_at is not None:
            within = report.histogram.bins[: int(report.histogram.limit_at)]
            assert sum(one.count for one in within) == states["met"]
    of_the_groups(report, counted, asked, decided)
    of_the_arrivals(report, counted, decided)
    of_the_bands(report, asked)


def delays_of(timers: list[Timer], counted: Recount, asked: Asked) -> list[tuple[int, float | None, float | None]]:
    found = []
    for begin, end in (("formed_at", "offered_at"), ("offered_at", "contacted_at"), ("formed_at", "contacted_at")):
        values = [
            counted.seconds(
                one, getattr(one.handoff, begin), getattr(one.handoff, end), is_calendar_time=asked.is_calendar_time
            )
            for one in timers
        ]
        found.append((len(values), middle(values, 0.5), middle(values, 0.9)))
    return found


def of_the_groups(report: sla_period.Report, counted: Recount, asked: Asked, decided: list[Timer]) -> None:
    contacts = [one for one in counted.due_within(asked.period, Milestone.CONTACT) if one.met_at]
    assert report.measured == len(contacts)
    every_delay = delays_of(contacts, counted, asked)
    for shown, expected in zip(report.delays.rows, every_delay, strict=True):
        if expected[0] >= 5:
            assert (shown.median, shown.percentile_90) == expected[1:]
    is_open = {one.pk for one in counted.timers if counted.states[one.pk] in sla.STATES}
    running = [one for one in counted.timers if one.milestone == asked.milestone and one.pk in is_open]
    names = {group_of(one, asked.split) for one in [*decided, *running]}
    assert {row.name for row in report.groups.rows} == names
    for row in report.groups.rows:
        mine = [one for one in decided if group_of(one, asked.split) == row.name]
        late = sum(counted.states[one.pk] != "met" for one in mine)
        assert (row.of, row.within, row.late) == (len(mine), len(mine) - late, late)
        assert row.open == sum(group_of(one, asked.split) == row.name for one in running)
        took = [counted.took(one, is_calendar_time=asked.is_calendar_time) for one in mine if one.met_at]
        assert (row.took.n, row.took.median, row.took.ninth) == (len(took), middle(took, 0.5), middle(took, 0.9))
        contacted = [one for one in contacts if group_of(one, asked.split) == row.name]
        assert [(one.n, one.median, one.ninth) for one in row.delays] == delays_of(contacted, counted, asked)


def of_the_arrivals(report: sla_period.Report, counted: Recount, decided: list[Timer]) -> None:
    for weekday, row in enumerate(report.arrivals.rows, start=1):
        for (since, to), cell in zip(sla_groups.STRETCHES, row.cells, strict=True):
            there = [
                one
                for one in decided
                if timezone.localtime(one.handoff.formed_at).isoweekday() == weekday
                and since <= timezone.localtime(one.handoff.formed_at).hour < to
            ]
            assert cell.count == len(there)
            assert cell.late == sum(counted.states[one.pk] != "met" for one in there)
            assert (cell.shade == 0) == (not there)
    everything = report.arrivals.totals[-1]
    assert (everything.count, everything.late) == (report.now.of, report.late)


def of_the_bands(report: sla_period.Report, asked: Asked) -> None:
    edges = [5 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY]
    of, won, undecided = Counter(), Counter(), Counter()
    winners = set(Opportunity.objects.filter(state="won").values_list("handoff", flat=True))
    for handoff in Handoff.objects.exclude(offered_at=None).exclude(cause="own"):
        if not asked.period.since <= timezone.localdate(handoff.formed_at) <= asked.period.until:
            continue
        if handoff.contacted_at is not None:
            waited = handoff.contacted_at - handoff.formed_at
            band = sum(waited > edge for edge in edges)
        elif handoff.is_open:
            continue
        else:
            band = len(edges) + 1
        of[band] += 1
        won[band] += handoff.pk in winners
        undecided[band] += handoff.is_open
    shown = [(one.of, one.won, one.open) for one in report.bands]
    assert shown == [(of[band], won[band], undecided[band]) for band in range(len(edges) + 2)]


def test_files_hold_the_figures_of_the_page(world, manager):
    now = START + 50 * DAY
    for split in Split:
        asked = Asked(sla_period.last_days(40, now=now), split=split)
        report = sla_period.report(user=manager, asked=asked, now=now)
        table = sla_tables.table("groups", user=manager, asked=asked, now=now)
        assert table is not None
        rows = list(table.rows)
        assert [row[:3] for row in rows] == [[one.name, one.within, one.of] for one in report.groups.rows]
        assert all(len(row) == len(table.header) for row in rows)
    asked = replace(asked, milestone=Milestone.CONTACT)
    contacts = sla_period.contacts_of(manager, asked, now=now)
    delays = sla_tables.table("delays", user=manager, asked=asked, now=now)
    assert delays is not None
    assert [row[3] for row in delays.rows] == [len(contacts[0])] * 6 + [len(contacts[1])] * 6
    breaches = sla_tables.table("breaches", user=manager, asked=asked, now=now)
    assert breaches is not None
    assert len(list(breaches.rows)) == report.late > 3
