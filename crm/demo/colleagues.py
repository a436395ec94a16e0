"""How the people of the demo do their work: who takes how long, says yes or no, and what they write."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal

from crm import flows
from crm.demo.office import Office
from crm.demo.replay import Replay
from crm.models import Role, User
from leads.models import Handoff, Opportunity
from sla.models import Pause

# Hours of working time that the ordinary person takes: the middle, and how far it spreads.
REVIEW_HOURS, ANSWER_HOURS, CALL_HOURS = 0.9, 1.3, 1.6
SPREAD = 0.9
LONGEST_HOURS = 9.0
# Of the time that is left before now, a reaction takes at most this part: nothing of the past is still open now.
SHARE_OF_WHAT_IS_LEFT = 0.5

# How often a salesperson lets the clocks stand still, for how many hours, and why.
PAUSING, PAUSED_HOURS = 0.06, 9.0
PAUSES = ("On holiday until tomorrow.", "Asked to be called after the audit.", "The switchboard opens on Monday.")

RETURNS = (
    ("not_ready", "Reads a lot, but only about carriers. Let us send the yard series first."),
    ("not_ready", "Thesis on logistics, says so in the form. Nice, but later."),
    ("bad_data", "The phone number has too few digits and the mailbox bounces."),
    ("not_a_buyer", "Works for a competitor."),
    ("duplicate", "The same person came in through the fair already."),
)
REJECTIONS = (
    ("not_the_decider", "Collects offers for his boss. Ask him who signs, then I gladly call.", 3),
    ("no_budget", "Budget is spent for this year; they decide in spring.", 3),
    ("too_early", "They move the warehouse first. Call again in half a year.", 4),
    ("too_small", "One dock, two lorries a day. A calendar on the wall will do.", 2),
    ("unreachable", "Three calls, no answer, and the switchboard does not know the name.", 1),
    ("not_a_buyer", "A student who writes about us. Friendly, but no lead.", 1),
    ("no_budget", "Knows the product and likes it. Tender put off, call before autumn.", 3),
)
WORDS_WHEN_ACCEPTING = (
    "",
    "",
    "",
    "Good one, thank you.",
    "Knows what they want.",
    "I know this plant.",
    "Calls back today.",
)
WORDS_WHEN_APPROVING = (
    "",
    "",
    "",
    "Concrete and in a hurry.",
    "Second site of a customer.",
    "Speaks English.",
    "Ask about the second gate.",
)
CALL_NOTES = (
    "Lorries wait half an hour on average. Wants to see the carrier app.",
    "Good talk. Sends me the plan of the yard.",
    "Decides with the plant director, both join the demo on Thursday.",
    "Has an offer of a competitor, cheaper, without the gate camera.",
    "Wants a price for eight docks by Friday.",
    "Interested, but the IT people have to look at the interface.",
)
RECYCLES = (
    ("too_early", "New warehouse opens next year, they look again then.", 120),
    ("no_budget", "Budget frozen. He asked me to call when the new year's is out.", 60),
    ("no_answer", "Stopped answering after the second mail.", 45),
    ("project_postponed", "The board put the project off.", 90),
)
WINS = (
    ("best_fit", "Liked that carriers need no login."),
    ("service", "We were the only ones who came to look at the yard."),
    ("recommended", "Their sister plant told them to."),
    ("price", "Cheaper than the fines of one month."),
)
LOSSES = (
    ("price", "Fifteen percent above the other offer."),
    ("competitor", "Took what their group uses already."),
    ("no_decision", "Nobody wanted to sign."),
    ("feature_missing", "Needs weighing at the gate."),
)
OFFERS = ("{n} docks", "{n} docks, one gate", "{n} docks with gate camera", "Pilot, {n} docks")


class Colleagues:
    """Lets every handoff that is formed take its way through the office."""

    def __init__(self, office: Office, replay: Replay, dice: random.Random) -> None:
        self.office, self.replay, self.dice = office, replay, dice
        self.marketers = office.holding(Role.MARKETER, team="Marketing")
        self.manager = office.people["manager@demo.example"]

    def take_up(self, handoff_id: int, *, at: dt.datetime) -> None:
        """A handoff stands in the queue: one of the marketers will look at it."""
        marketer = self.dice.choice(self.marketers)
        self._later(at, REVIEW_HOURS, marketer, lambda when: self._review(marketer, handoff_id, when))

    # One step each ------------------------------------------------------------------------------------------------

    def _review(self, marketer: User, handoff_id: int, at: dt.datetime) -> None:
        handoff = self._find(handoff_id, "in_review")
        if handoff is None:
            return
        luck = self.dice.random()
        if handoff.cause == Handoff.Cause.REJECTED and luck < 0.65:
            flows.return_to_marketing(
                actor=marketer, handoff_id=handoff_id, reason="not_ready", comment="As sales said.", at=at
            )
        elif luck < 0.13:
            reason, comment = self.dice.choice(RETURNS)
            flows.return_to_marketing(actor=marketer, handoff_id=handoff_id, reason=reason, comment=comment, at=at)
        elif luck < 0.16:
            flows.disqualify(actor=marketer, contact_id=handoff.contact_id, reason="not_a_buyer", at=at)
        else:
            flows.approve(actor=marketer, handoff_id=handoff_id, comment=self.dice.choice(WORDS_WHEN_APPROVING), at=at)
            self.after_offer(handoff_id, at=at)

    def after_offer(self, handoff_id: int, *, at: dt.datetime) -> None:
        """The assignee will answer; when they take too long, the manager may give it to somebody else."""
        handoff = self._find(handoff_id, "offered")
        if handoff is None or handoff.assignee is None:
            return
        seller = handoff.assignee
        hours = self._hours(ANSWER_HOURS, seller)
        if self.dice.random() < PAUSING and self.replay.hours_left(at) > 40:
            self._later(at, 0.4, None, lambda when: self._pause(seller, handoff_id, when))
            hours += PAUSED_HOURS
        if hours > 6 and self.dice.random() < 0.6:
            self._later(at, 5.5, None, lambda when: self._reassign(handoff_id, when))
        else:
            self._later(at, hours, None, lambda when: self._answer(seller, handoff_id, when))

    def _pause(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        is_still = Pause.objects.filter(handoff=handoff_id, ends_at__gt=at).exists()
        if self._find(handoff_id, "offered") is not None and not is_still:
            until = self.replay.after(at, PAUSED_HOURS)
            reason = self.dice.choice(PAUSES)
            flows.pause_clocks(actor=seller, handoff_id=handoff_id, until=until, reason=reason, at=at)

    def _reassign(self, handoff_id: int, at: dt.datetime) -> None:
        if self._find(handoff_id, "offered") is not None:
            flows.reassign(actor=self.manager, handoff_id=handoff_id, comment="Waited long enough.", at=at)
            self.after_offer(handoff_id, at=at)

    def _answer(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        handoff = self._find(handoff_id, "offered")
        if handoff is None or handoff.assignee_id != seller.pk:
            return
        if self.dice.random() < 0.26:
            reason, comment, rating = self.dice.choice(REJECTIONS)
            flows.reject(actor=seller, handoff_id=handoff_id, reason=reason, comment=comment, rating=rating, at=at)
            again = Handoff.objects.get(previous_id=handoff_id)
            self.take_up(again.pk, at=at)
            return
        flows.accept(
            actor=seller,
            handoff_id=handoff_id,
            comment=self.dice.choice(WORDS_WHEN_ACCEPTING),
            rating=self.dice.choice((None, 3, 4, 4, 5)),
            at=at,
        )
        self.after_acceptance(seller, handoff_id, at=at)

    def after_acceptance(self, seller: User, handoff_id: int, *, at: dt.datetime) -> None:
        """The owner of an accepted lead will call."""
        self._later(at, CALL_HOURS, seller, lambda when: self._call(seller, handoff_id, when))

    def _call(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        handoff = self._find(handoff_id, "accepted")
        if handoff is None:
            return
        is_reached = self.dice.random() < 0.6
        self.log_call(seller, handoff.contact_id, at=at, is_reached=is_reached)
        if not is_reached and handoff.reached_at is None and self.dice.random() < 0.8:
            self._later(at, 6, seller, lambda when: self._call(seller, handoff_id, when))
        else:
            self._work_on(seller, handoff_id, at)

    def log_call(self, seller: User, contact_id: int, *, at: dt.datetime, is_reached: bool) -> None:
        """A call, noted a few minutes after it."""
        flows.log_contact(
            actor=seller,
            contact_id=contact_id,
            type="call",
            outcome="reached" if is_reached else self.dice.choice(("no_answer", "left_message")),
            note=self.dice.choice(CALL_NOTES) if is_reached else "",
            occurred_at=at - dt.timedelta(minutes=self.dice.randrange(4)),
            at=at,
        )

    def _work_on(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        """Days later: an offer, a later date, or nothing at all."""
        luck = self.dice.random()
        when = self.replay.after(at, self.dice.uniform(6, 60))
        if luck < 0.62:
            self.replay.plan(when, lambda then: self._offer(seller, handoff_id, then))
        elif luck < 0.92:
            self.replay.plan(when, lambda then: self._recycle(seller, handoff_id, then))
        else:
            self.replay.plan(when, lambda then: self._disqualify(seller, handoff_id, then))

    def _recycle(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        if self._find(handoff_id, "accepted") is None:
            return
        reason, comment, days = self.dice.choice(RECYCLES)
        flows.recycle(
            actor=seller,
            handoff_id=handoff_id,
            reason=reason,
            comment=comment,
            resurface_at=at + dt.timedelta(days=days + self.dice.randrange(-10, 10)),
            at=at,
        )

    def _disqualify(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        handoff = self._find(handoff_id, "accepted")
        if handoff is not None:
            flows.disqualify(actor=seller, contact_id=handoff.contact_id, reason="never_buys", at=at)

    def _offer(self, seller: User, handoff_id: int, at: dt.datetime) -> None:
        handoff = self._find(handoff_id, "accepted")
        if handoff is None:
            return
        opportunity = self.open_offer(seller, handoff_id, at=at)
        for _ in range(self.dice.randrange(3)):
            when = self.replay.after(at, self.dice.uniform(8, 60))
            self.replay.plan(when, lambda then: self._keep_in_touch(seller, opportunity.pk, then))
        luck = self.dice.random()
        if luck < 0.48:
            when = self.replay.after(at, self.dice.uniform(16, 120))
            self.replay.plan(when, lambda then: self._win(seller, opportunity.pk, then))
        elif luck < 0.96:
            when = self.replay.after(at, self.dice.uniform(24, 130))
            self.replay.plan(when, lambda then: self._lose(seller, opportunity.pk, then))

    def open_offer(self, seller: User, handoff_id: int, *, amount: int = 0, at: dt.datetime) -> Opportunity:
        """An offer for some docks, at `amount` euro or what so many docks usually cost."""
        docks = self.dice.choice((2, 4, 5, 6, 8, 10, 12))
        usual = docks * self.dice.choice((780, 860, 980, 1050)) + self.dice.choice((0, 400, 1200))
        return flows.open_opportunity(
            actor=seller,
            handoff_id=handoff_id,
            name=self.dice.choice(OFFERS).format(n=docks),
            amount=Decimal(amount or usual),
            # Of some the price is still being worked out.
            sent_date=at.date() if docks != 5 else None,
            at=at,
        )

    def _keep_in_touch(self, seller: User, opportunity_id: int, at: dt.datetime) -> None:
        opportunity = self._open(opportunity_id)
        if opportunity is not None:
            type_ = self.dice.choice(("email", "email", "call", "meeting"))
            outcome = "reached" if type_ == "call" else ""
            if type_ == "meeting":
                negotiating = Opportunity.Step.NEGOTIATING
                flows.move_opportunity(actor=seller, opportunity_id=opportunity_id, step=negotiating, at=at)
            flows.log_contact(actor=seller, contact_id=opportunity.contact_id, type=type_, outcome=outcome, at=at)

    def _win(self, seller: User, opportunity_id: int, at: dt.datetime) -> None:
        if self._open(opportunity_id) is not None:
            reason, comment = self.dice.choice(WINS)
            flows.win_opportunity(actor=seller, opportunity_id=opportunity_id, reason=reason, comment=comment, at=at)

    def _lose(self, seller: User, opportunity_id: int, at: dt.datetime) -> None:
        if self._open(opportunity_id) is None:
            return
        reason, comment = self.dice.choice(LOSSES)
        flows.lose_opportunity(
            actor=seller,
            opportunity_id=opportunity_id,
            reason=reason,
            comment=comment,
            then=flows.AfterLoss.RECYCLE,
            then_reason="project_postponed",
            resurface_at=at + dt.timedelta(days=self.dice.randrange(80, 180)),
            at=at,
        )

    # Finding and waiting ------------------------------------------------------------------------------------------

    def _find(self, handoff_id: int, state: str) -> Handoff | None:
        """The handoff, if it still stands where it was left."""
        return Handoff.objects.select_related("assignee").filter(id=handoff_id, state=state).first()

    def _open(self, opportunity_id: int) -> Opportunity | None:
        return Opportunity.objects.filter(id=opportunity_id, state="open").first()

    def _hours(self, ordinary: float, who: User | None) -> float:
        pace = self.office.paces[who.email] if who is not None else 1.0
        return min(self.dice.lognormvariate(0, SPREAD) * ordinary * pace, LONGEST_HOURS)

    def _later(self, at: dt.datetime, ordinary: float, who: User | None, act: Callable[[dt.datetime], None]) -> None:
        """Plan a reaction after so much working time, times the person's pace and luck; before now in any case."""
        hours = self._hours(ordinary, who) if who is not None else ordinary
        hours = min(hours, SHARE_OF_WHAT_IS_LEFT * self.replay.hours_left(at))
        self.replay.plan(self.replay.after(at, hours), act)
