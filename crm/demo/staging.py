"""Brings each case of the cast to where it stands at the end: the acts are planned backward from now."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from functools import partial

from crm import flows
from crm.demo.cast import CONTACT, OFFER, REJECTED, REVIEW, Case
from crm.demo.colleagues import Colleagues
from crm.demo.crowd import Crowd
from crm.demo.doings import EARNEST, LIGHT, Story
from crm.demo.names import Person
from crm.demo.replay import Replay
from crm.flows import ActivityIn
from crm.models import User
from leads.models import Handoff
from leads.models.handoffs import OPEN

WORDS_TO_SALES = ("", "Concrete and in a hurry.", "Please ask about the second site.")
Record = Callable[[list[ActivityIn], dt.datetime], None]
# Hours of working time for which a paused clock has stood still, and for which it goes on doing so.
STOOD_HOURS, STANDS_ON_HOURS = 1.0, 24.0


class Staging:
    """Plans the acts of the cast."""

    def __init__(
        self, *, replay: Replay, colleagues: Colleagues, crowd: Crowd, dice: random.Random, record: Record
    ) -> None:
        self.replay, self.colleagues, self.crowd, self.dice, self.record = replay, colleagues, crowd, dice, record

    def plan(self, case: Case, person: Person) -> Story:
        """Plan one case; return what its contact did in the days before."""
        story = Story(person, case.source, case.campaign, case.message)
        formed_at = self._plan_acts(case, person.email)
        first = formed_at - dt.timedelta(days=self.dice.uniform(3, 30))
        doings = [*self.dice.choices(LIGHT, k=5), *self.dice.choices(EARNEST, k=1)]
        self.crowd.visit(story, doings, first, formed_at - dt.timedelta(hours=3))
        before = len(story.items)
        self.crowd.decide(story, case.doings, formed_at)
        # Reported at once, so that the clock starts to the second.
        sitting, story.items = story.items[before:], story.items[:before]
        self.replay.plan(formed_at, partial(self.record, sitting))
        return story

    def _plan_acts(self, case: Case, email: str) -> dt.datetime:
        """Plan what people do with the handoff of a case; return when it is formed."""
        replay, marketer = self.replay, self.dice.choice(self.colleagues.marketers)
        stood = STOOD_HOURS if case.paused_because else 0.0
        # An offer went out 20 hours of working time after the lead was offered to its salesperson.
        start_at = replay.before(8 * case.hours + 20 if case.stands == OFFER else case.hours + stood)
        if case.stands == REVIEW:
            self._plan_pause(case, email, marketer)
            return start_at
        seller = self.colleagues.office.people[case.seller]
        self._plan_pause(case, email, seller)
        if case.stands == REJECTED:
            offered_at = replay.before(self.dice.uniform(1, 3), end=start_at)
            replay.plan(start_at, partial(self._reject, email, seller, case))
        else:
            offered_at = start_at
        replay.plan(offered_at, partial(self._approve, email, marketer, seller))
        if case.stands in (CONTACT, OFFER):
            accepted_at = replay.after(start_at, min(0.7, case.hours / 2))
            replay.plan(accepted_at, partial(self._accept, email, seller))
        if case.stands == OFFER:
            replay.plan(replay.after(start_at, 2), partial(self._call, email, seller))
            replay.plan(replay.after(start_at, 20), partial(self._offer, email, seller, case))
        return replay.before(self.dice.uniform(0.4, 2.2), end=offered_at)

    def _plan_pause(self, case: Case, email: str, actor: User) -> None:
        if case.paused_because:
            self.replay.plan(self.replay.before(STOOD_HOURS), partial(self._pause, email, actor, case))

    # The acts --------------------------------------------------------------------------------------------------------

    def _handoff(self, email: str) -> Handoff:
        return Handoff.objects.get(contact__email=email, state__in=OPEN)

    def _approve(self, email: str, marketer: User, seller: User, at: dt.datetime) -> None:
        flows.approve(
            actor=marketer,
            handoff_id=self._handoff(email).pk,
            assignee_email=seller.email,
            comment=self.dice.choice(WORDS_TO_SALES),
            at=at,
        )

    def _accept(self, email: str, seller: User, at: dt.datetime) -> None:
        flows.accept(actor=seller, handoff_id=self._handoff(email).pk, rating=self.dice.choice((None, 4, 5)), at=at)

    def _reject(self, email: str, seller: User, case: Case, at: dt.datetime) -> None:
        if case.answer is None:
            raise ValueError(f"{case.last_name} is rejected without an answer.")
        reason, comment, rating = case.answer
        handoff_id = self._handoff(email).pk
        flows.reject(actor=seller, handoff_id=handoff_id, reason=reason, comment=comment, rating=rating, at=at)

    def _call(self, email: str, seller: User, at: dt.datetime) -> None:
        self.colleagues.log_call(seller, self._handoff(email).contact_id, at=at, is_reached=True)

    def _offer(self, email: str, seller: User, case: Case, at: dt.datetime) -> None:
        self.colleagues.open_offer(seller, self._handoff(email).pk, amount=case.amount, at=at)

    def _pause(self, email: str, actor: User, case: Case, at: dt.datetime) -> None:
        flows.pause_clocks(
            actor=actor,
            handoff_id=self._handoff(email).pk,
            until=self.replay.after(self.replay.until, STANDS_ON_HOURS),
            reason=case.paused_because,
            at=at,
        )
