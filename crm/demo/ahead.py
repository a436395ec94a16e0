"""What the salesperson who logs in means to do next, whom they were sent on to, and what went on to another team."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Collection
from functools import partial

from django.db.models import Q

from crm import flows
from crm.demo.replay import Replay
from crm.models import User
from leads.models import Handoff, Opportunity
from leads.models.tasks import TaskKind
from leads.stages import HandoffState
from sla.models import Milestone, Timer

# Working hours ago at which it was planned, days from today, at which time (None: some time on that day), what.
PLANNED: tuple[tuple[float, int, dt.time | None, TaskKind, str], ...] = (
    (30, -1, None, TaskKind.OTHER, "Send the plan of the yard"),
    (30, 0, None, TaskKind.OTHER, "Ask how the board decided"),
    (12, 0, dt.time(15, 30), TaskKind.MEETING, "Show the gate camera"),
    (12, 1, None, TaskKind.CALL, "Hear whether the offer came through"),
    (12, 2, dt.time(10), TaskKind.MEETING, "Walk through the yard"),
    (12, 7, None, TaskKind.EMAIL, "Send what the sister plant saved"),
)
NEGOTIATED = 2
REDIRECTED_HOURS_AGO, ASKED_HOURS_AGO, OVERFLOWED_HOURS_AGO = 14.0, 0.6, 0.3
RIGHT_PERSON = {
    "first_name": "Halina",
    "last_name": "Zielińska",
    "job_title": "Plant director",
    "phone": "+48 71 5550188",
}
SENT_ON = "Collects the offers; his director signs."
HEARD = "Knew of us already. Sends the plan of the docks."
ASKED = "@{seller}, may we name them in the mailing of December?"


def plan(replay: Replay, *, seller: User, marketer: User, manager: User, scripted: Collection[str]) -> None:
    """Plan the next steps on offers of `seller`, a lead that pointed to somebody else, a question, and an overflow.

    Leads of the `scripted` e-mail addresses are left to their own script.
    """
    zone = zoneinfo.ZoneInfo(seller.time_zone)
    today = replay.until.astimezone(zone).date()
    for number, (hours, days, time, kind, what) in enumerate(PLANNED):
        due_at = dt.datetime.combine(today + dt.timedelta(days=days), time or dt.time(9), zone)
        replay.plan(
            replay.before(hours),
            partial(_plan_step, seller, number, due_at=due_at, has_time=time is not None, kind=kind, what=what),
        )
    replay.plan(replay.before(PLANNED[-1][0]), partial(_negotiate, seller))
    replay.plan(replay.before(REDIRECTED_HOURS_AGO), partial(_send_on, seller, scripted))
    replay.plan(replay.before(ASKED_HOURS_AGO), partial(_ask, marketer, seller))
    replay.plan(replay.before(OVERFLOWED_HOURS_AGO), partial(_overflow, manager, seller))


def _offers(seller: User) -> list[Opportunity]:
    """The open offers of `seller`, the oldest first."""
    return list(Opportunity.objects.filter(owner=seller, state=Opportunity.State.OPEN).order_by("opened_at", "id"))


def _plan_step(
    seller: User, number: int, at: dt.datetime, *, due_at: dt.datetime, has_time: bool, kind: TaskKind, what: str
) -> None:
    offers = _offers(seller)
    if number < len(offers) and due_at > at:
        contact_id = offers[number].contact_id
        flows.add_task(
            actor=seller, contact_id=contact_id, due_at=due_at, has_time=has_time, kind=kind, what=what, at=at
        )


def _negotiate(seller: User, at: dt.datetime) -> None:
    sent = [one for one in _offers(seller) if one.step == Opportunity.Step.SENT]
    for offer in sent[1 : 1 + NEGOTIATED]:
        step = Opportunity.Step.NEGOTIATING
        flows.move_opportunity(actor=seller, opportunity_id=offer.pk, step=step, at=at)


def _send_on(seller: User, scripted: Collection[str], at: dt.datetime) -> None:
    """One who was reached and has no offer points to whom to talk to, who is called at once."""
    reached = Handoff.objects.filter(assignee=seller, state=HandoffState.ACCEPTED, reached_at__isnull=False)
    handoff = (
        reached.filter(contact__stage="sql", contact__company__isnull=False)
        .exclude(contact__email__in=scripted)
        .select_related("contact")
        .order_by("id")
        .first()
    )
    if handoff is None:
        return
    domain = (handoff.contact.email or "").rpartition("@")[2]
    values = RIGHT_PERSON | {"email": f"halina.zielinska@{domain}"}
    found = flows.redirect(
        actor=seller, handoff_id=handoff.pk, reason="wrong_person", values=values, comment=SENT_ON, at=at
    )
    flows.log_contact(
        actor=seller,
        contact_id=found.contact_id,
        type="call",
        outcome="reached",
        note=HEARD,
        at=at + dt.timedelta(minutes=12),
    )


def _ask(marketer: User, seller: User, at: dt.datetime) -> None:
    offers = _offers(seller)
    if offers:
        text = ASKED.format(seller=seller.name)
        flows.comment(actor=marketer, handoff_id=offers[-1].handoff_id, text=text, at=at)


def _overflow(manager: User, seller: User, at: dt.datetime) -> None:
    """One of a colleague's, whose answer is the furthest from danger."""
    is_calm = Q(milestone=Milestone.ANSWER, state_now="running", is_soon=False)
    others = Timer.objects.open().with_state(now=at).filter(is_calm, handoff__assignee__isnull=False)
    if timer := others.exclude(handoff__assignee=seller).order_by("-due_at", "id").first():
        flows.overflow(actor=manager, handoff_id=timer.handoff_id, at=at)
