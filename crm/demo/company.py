"""Making the demo: hire, let contacts come, let everybody work, and stop at now."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.db.models import F

from crm import flows
from crm.demo import names, office
from crm.demo.cast import CASES, CONTACT, FIRMS, OFFER, REJECTED, REVIEW, Case
from crm.demo.colleagues import Colleagues
from crm.demo.doings import CAMPAIGN_OF, CHANNELS, DECISIONS, EARNEST, LIGHT, Judge, Story, some_time_on, visits
from crm.demo.replay import Replay
from crm.flows import ActivityIn
from crm.models import Delivery, Notice, User
from crm.models.notices import DeliveryState
from leads.models import Company, Handoff
from leads.models.handoffs import OPEN

SEED = 20
DAYS = 91
FIRM_COUNT = 95
READERS, WARM, BUYERS = 78, 80, 152
# Whoever is to have been dealt with by now has crossed this many hours of working time ago.
SETTLED_HOURS = 26.0
# Activities that programs report together: everything within so many minutes. A request is reported at once.
REPORT_EVERY, LATE_REPORT_EVERY = dt.timedelta(minutes=75), dt.timedelta(minutes=10)
MARGIN = 2.0
# Notices of the last so many hours of working time have not been read.
UNREAD_HOURS = 3.0


@transaction.atomic
def make_demo(*, at: dt.datetime) -> None:
    """Make the demo as it stands at `at`, in a migrated database without people. All of it, or nothing."""
    since = (at - dt.timedelta(days=DAYS)).replace(hour=3, minute=0, second=0, microsecond=0)
    dice = random.Random(SEED)
    people = office.open_office(at=at)
    replay = Replay(since=since, until=at, hours=people.hours)
    colleagues = Colleagues(people, replay, dice)
    _Making(replay, colleagues, people, dice, since).run()
    _settle_messages(unread_since=replay.before(UNREAD_HOURS))


class _Making:
    """The stories of all contacts, planned and then lived through."""

    def __init__(
        self, replay: Replay, colleagues: Colleagues, people: office.Office, dice: random.Random, since: dt.datetime
    ) -> None:
        self.replay, self.colleagues, self.people = replay, colleagues, people
        self.dice, self.since, self.until = dice, since, replay.until
        self.judge = Judge()
        self.scripted: set[str] = set()
        self.seen_handoff_id = 0

    def run(self) -> None:
        firms = names.make_firms(self.dice, known=FIRMS, count=FIRM_COUNT)
        self._found_companies([*FIRMS.values(), *firms])
        cases = [(case, case.person(names.make_phone(self.dice, FIRMS[case.firm].country))) for case in CASES]
        taken = {person.email for _case, person in cases}
        self.scripted = set(taken)
        crowd = names.make_people(self.dice, firms=firms, count=READERS + WARM + BUYERS, taken=taken)
        stories = [self._reader(person) for person in crowd[:READERS]]
        stories += [self._warm(person) for person in crowd[READERS : READERS + WARM]]
        stories += [self._buyer(person) for person in crowd[READERS + WARM :]]
        stories += [self._case(case, person) for case, person in cases]
        self._report(stories)
        self.replay.run()

    def _found_companies(self, firms: Sequence[names.Firm]) -> None:
        Company.objects.bulk_create(
            Company(
                name=firm.name,
                domain=firm.domain,
                industry=firm.industry,
                employees=firm.employees,
                country=firm.country,
                city=firm.city,
                created_at=self.since,
            )
            for firm in firms
        )

    # The crowd -----------------------------------------------------------------------------------------------------

    def _story(self, person: names.Person) -> Story:
        source = self.dice.choices(list(CHANNELS), weights=list(CHANNELS.values()))[0]
        campaign = CAMPAIGN_OF.get(source, "") if self.dice.random() < 0.7 else ""
        return Story(person, source, campaign)

    def _someday(self, *, until: dt.datetime) -> dt.datetime:
        return self.since + self.dice.random() * (until - self.since)

    def _visit(self, story: Story, doings: Sequence[str], since: dt.datetime, until: dt.datetime) -> None:
        limit = self.judge.threshold - MARGIN
        visits(story, doings, since=since, until=until, dice=self.dice, judge=self.judge, limit=limit)

    def _reader(self, person: names.Person) -> Story:
        story = self._story(person)
        doings = self.dice.choices(LIGHT, k=self.dice.randrange(2, 9))
        self._visit(story, doings, self._someday(until=self.until - dt.timedelta(days=2)), self.until)
        return story

    def _warm(self, person: names.Person) -> Story:
        story = self._story(person)
        doings = [*self.dice.choices(EARNEST, k=self.dice.randrange(1, 5)), *self.dice.choices(LIGHT, k=4)]
        self.dice.shuffle(doings)
        self._visit(story, doings, self._someday(until=self.until - dt.timedelta(days=2)), self.until)
        if self.dice.random() < 0.06:
            story.do("unsubscribe", self.until - self.dice.random() * dt.timedelta(days=20), self.dice)
        return story

    def _buyer(self, person: names.Person) -> Story:
        story = self._story(person)
        settled_at = self.replay.before(SETTLED_HOURS)
        # More and more of them: the company grows.
        day = self.since + (settled_at - self.since) * self.dice.random() ** 0.75
        decided_at = min(some_time_on(self.dice, day), settled_at)
        first = max(self.since, decided_at - dt.timedelta(days=self.dice.uniform(1, 40)))
        doings = [*self.dice.choices(LIGHT, k=4), *self.dice.choices(EARNEST, k=self.dice.randrange(4))]
        self._visit(story, doings, first, decided_at - dt.timedelta(hours=1))
        self._decide(story, self.dice.choice(DECISIONS), decided_at)
        return story

    def _decide(self, story: Story, doings: Sequence[str], at: dt.datetime) -> list[ActivityIn]:
        """One sitting that takes the contact over the threshold, or asks for a demo; its last act is at `at`."""
        known, wanted = len(story.items), list(doings)
        fit = self.judge.fit_of(story.person)
        more = [doing for doing in (*EARNEST, "prices", "prices") if doing not in doings]
        self.dice.shuffle(more)
        while True:
            del story.items[known:]
            for number, doing in enumerate(wanted):
                minutes = 4 * (len(wanted) - 1 - number) + self.dice.random()
                story.do(doing, at - dt.timedelta(minutes=minutes if number < len(wanted) - 1 else 0), self.dice)
            sitting = story.items[known:]
            if "demo" in wanted or fit + self.judge.most_points(sitting) >= self.judge.threshold + MARGIN or not more:
                return sitting
            wanted.insert(0, more.pop())

    # The cast --------------------------------------------------------------------------------------------------------

    def _case(self, case: Case, person: names.Person) -> Story:
        story = Story(person, case.source, case.campaign, case.message)
        formed_at, steps = self._steps(case, person.email)
        first = formed_at - dt.timedelta(days=self.dice.uniform(3, 30))
        doings = [*self.dice.choices(LIGHT, k=5), *self.dice.choices(EARNEST, k=1)]
        self._visit(story, doings, first, formed_at - dt.timedelta(hours=3))
        before = len(story.items)
        self._decide(story, case.doings, formed_at)
        # Reported at once, so that the clock starts to the second.
        sitting = story.items[before:]
        del story.items[before:]
        self.replay.plan(formed_at, partial(self._record, sitting))
        for at, act in steps:
            self.replay.plan(at, act)
        return story

    def _steps(self, case: Case, email: str):  # type: ignore[no-untyped-def]
        """When the handoff of a case is formed, and what people do with it until it stands as it is to stand."""
        replay, marketer = self.replay, self.dice.choice(self.colleagues.marketers)
        seller = self.people.people.get(case.seller)
        stood = 1.0 if case.paused_because else 0.0
        days = 8 * case.hours
        start_at = replay.before(days + 20 if case.stands == OFFER else case.hours + stood)
        hours_before = self.dice.uniform(0.4, 2.2)
        steps = []
        if case.stands == REVIEW:
            formed_at, actor = start_at, marketer
        elif case.stands == REJECTED:
            offered_at = replay.before(case.hours + self.dice.uniform(1, 3))
            formed_at, actor = replay.before(1.5, end=offered_at), marketer
            steps = [
                (offered_at, partial(self._approve, email, marketer, seller)),
                (start_at, partial(self._reject, email, seller, case)),
            ]
        else:
            formed_at, actor = replay.before(hours_before, end=start_at), seller
            steps = [(start_at, partial(self._approve, email, marketer, seller))]
        if case.stands in (CONTACT, OFFER):
            steps.append((replay.after(start_at, min(0.7, case.hours / 2)), partial(self._accept, email, seller)))
        if case.stands == OFFER:
            steps.append((replay.after(start_at, 2), partial(self._call, email, seller)))
            steps.append((replay.after(start_at, 20), partial(self._offer, email, seller, case)))
        if case.paused_because:
            steps.append((replay.before(stood), partial(self._pause, email, actor, case)))
        return formed_at, steps

    def _handoff(self, email: str) -> Handoff:
        return Handoff.objects.get(contact__email=email, state__in=OPEN)

    def _approve(self, email: str, marketer: User, seller: User, at: dt.datetime) -> None:
        comment = self.dice.choice(("", "Concrete and in a hurry.", "Please ask about the second site."))
        handoff_id = self._handoff(email).pk
        flows.approve(actor=marketer, handoff_id=handoff_id, assignee_email=seller.email, comment=comment, at=at)

    def _accept(self, email: str, seller: User, at: dt.datetime) -> None:
        flows.accept(actor=seller, handoff_id=self._handoff(email).pk, rating=self.dice.choice((None, 4, 5)), at=at)

    def _reject(self, email: str, seller: User, case: Case, at: dt.datetime) -> None:
        assert case.answer is not None
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
            until=self.replay.after(self.until, 24),
            reason=case.paused_because,
            at=at,
        )

    # Reporting -------------------------------------------------------------------------------------------------------

    def _report(self, stories: Sequence[Story]) -> None:
        """Plan the activities as programs report them: together, every so many minutes."""
        items = sorted((item for story in stories for item in story.items), key=lambda item: item.occurred_at)
        late = self.until - dt.timedelta(days=3)
        batch: list[ActivityIn] = []
        for item in items:
            if item.occurred_at >= self.until:
                continue
            every = REPORT_EVERY if item.occurred_at < late else LATE_REPORT_EVERY
            if batch and (item.occurred_at - batch[0].occurred_at > every or batch[-1].type == "demo_request"):
                self.replay.plan(batch[-1].occurred_at, partial(self._record, batch))
                batch = []
            batch.append(item)
        if batch:
            self.replay.plan(batch[-1].occurred_at, partial(self._record, batch))

    def _record(self, items: Sequence[ActivityIn], at: dt.datetime) -> None:
        flows.record_activities(activities=items, by=None, actor=None, at=at)
        formed = Handoff.objects.filter(id__gt=self.seen_handoff_id, state="in_review").order_by("id")
        for handoff_id, email in formed.values_list("id", "contact__email"):
            self.seen_handoff_id = handoff_id
            if email not in self.scripted:
                self.colleagues.take_up(handoff_id, at=at)


def _settle_messages(*, unread_since: dt.datetime) -> None:
    """What was to be told in the past was told: the mails are sent, and all but the last notices are read."""
    Delivery.objects.filter(next_attempt_at__isnull=False).update(
        state=DeliveryState.SENT, sent_at=F("next_attempt_at"), next_attempt_at=None, attempts=1
    )
    Notice.objects.filter(created_at__lt=unread_since).update(read_at=F("created_at"))
