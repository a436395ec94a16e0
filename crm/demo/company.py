"""Making the demo: hire, let contacts come, let everybody work, and stop at now."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.db.models import F

from crm import flows
from crm.demo import ahead, by_hand, names, office, talk
from crm.demo.by_hand import ByHand
from crm.demo.cast import AGNIESZKA, CASES, FIRMS
from crm.demo.colleagues import Colleagues
from crm.demo.crowd import Crowd
from crm.demo.doings import Judge, Story
from crm.demo.replay import Replay
from crm.demo.staging import Staging
from crm.flows import ActivityIn
from crm.models import Delivery, Notice
from crm.models.notices import DeliveryState
from leads.models import Company, Handoff

SEED = 20
DAYS = 91
FIRM_COUNT = 95
READERS, WARM, BUYERS = 70, 72, 152
# Whoever is to have been dealt with by now has crossed this many hours of working time ago.
SETTLED_HOURS = 26.0
# Activities that programs report together: everything within so many minutes. A request is reported at once.
REPORT_EVERY, LATE_REPORT_EVERY = dt.timedelta(minutes=75), dt.timedelta(minutes=10)
# Notices of the last so many hours of working time have not been read.
UNREAD_HOURS = 3.0


@transaction.atomic
def make_demo(*, at: dt.datetime, share: float = 1.0) -> None:
    """Make the demo as it stands at `at`, in a migrated database without people. All of it, or nothing.

    `share` below 1 leaves out so much of the crowd whose story is over; the open work is the same.
    """
    since = (at - dt.timedelta(days=DAYS)).replace(hour=3, minute=0, second=0, microsecond=0)
    dice = random.Random(SEED)
    people = office.open_office(at=at)
    replay = Replay(since=since, until=at, hours=people.hours)
    _Making(replay, Colleagues(people, replay, dice), dice, since).run(share=share)
    office.set_routing(people, at=at)
    _settle_messages(unread_since=replay.before(UNREAD_HOURS))


class _Making:
    """The stories of all contacts, planned and then lived through."""

    def __init__(self, replay: Replay, colleagues: Colleagues, dice: random.Random, since: dt.datetime) -> None:
        self.replay, self.colleagues, self.dice, self.since = replay, colleagues, dice, since
        self.settled_at = replay.before(SETTLED_HOURS)
        self.scripted: set[str] = set()
        self.seen_handoff_id = 0

    def run(self, *, share: float) -> None:
        """Plan everything and live through it."""
        firms = names.make_firms(self.dice, known=FIRMS, count=FIRM_COUNT)
        self._found_companies([*FIRMS.values(), *firms])
        cast = [case.person(names.make_phone(self.dice, FIRMS[case.firm].country)) for case in CASES]
        self.scripted = {person.email for person in cast}
        sizes = [round(size * share) for size in (READERS, WARM, BUYERS)]
        entered = by_hand.OWN_PROSPECTS + by_hand.CALLERS
        people = names.make_people(self.dice, firms=firms, count=sum(sizes) + entered, taken=set(self.scripted))
        crowd = Crowd(
            dice=self.dice,
            judge=Judge(),
            since=self.since,
            until=self.replay.until,
            settled_at=self.settled_at,
        )
        tellers = [
            teller
            for teller, size in zip((crowd.reader, crowd.warm, crowd.buyer), sizes, strict=True)
            for _ in range(size)
        ]
        stories = [tell(person) for tell, person in zip(tellers, people, strict=False)]
        hands = ByHand(replay=self.replay, colleagues=self.colleagues, dice=self.dice, settled_at=self.settled_at)
        hands.plan(people[len(stories) :], [story for story in stories if story.items])
        staging = Staging(
            replay=self.replay, colleagues=self.colleagues, crowd=crowd, dice=self.dice, record=self._record
        )
        self._report([*stories, *(staging.plan(case, person) for case, person in zip(CASES, cast, strict=True))])
        seller = self.colleagues.office.people[AGNIESZKA]
        talk.plan(self.replay, seller=seller)
        colleagues = self.colleagues
        ahead.plan(
            self.replay,
            seller=seller,
            marketer=colleagues.marketers[0],
            manager=colleagues.manager,
            scripted=self.scripted,
        )
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

    def _report(self, stories: Sequence[Story]) -> None:
        """Plan the activities as programs report them: together, every so many minutes."""
        items = sorted((item for story in stories for item in story.items), key=lambda item: item.occurred_at)
        late = self.replay.until - dt.timedelta(days=3)
        batch: list[ActivityIn] = []
        for item in items:
            if item.occurred_at >= self.replay.until:
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
        # Also those that a judgement or a day of resurfacing formed since. A rejected one is taken up where it fell.
        formed = Handoff.objects.filter(id__gt=self.seen_handoff_id, state="in_review").order_by("id")
        for handoff_id, email in formed.exclude(cause=Handoff.Cause.REJECTED).values_list("id", "contact__email"):
            self.seen_handoff_id = handoff_id
            if email not in self.scripted:
                self.colleagues.take_up(handoff_id, at=at)


def _settle_messages(*, unread_since: dt.datetime) -> None:
    """What was to be told in the past was told: the mails are sent, and all but the last notices are read."""
    Delivery.objects.filter(next_attempt_at__isnull=False).update(
        state=DeliveryState.SENT, sent_at=F("next_attempt_at"), next_attempt_at=None, attempts=1
    )
    Notice.objects.filter(created_at__lt=unread_since).update(read_at=F("created_at"))
