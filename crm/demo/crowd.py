"""The many contacts of the demo whose hand-over, if it comes to one, is history."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from crm.demo.doings import CAMPAIGN_OF, CHANNELS, DECISIONS, EARNEST, LIGHT, Judge, Story, some_time_on, visits
from crm.demo.names import Person

# How far below the threshold somebody stays who is not to cross it, and how far above it a decision leads.
MARGIN = 2.0
UNSUBSCRIBING = 0.06


class Crowd:
    """Tells the stories of readers, of the warm, and of buyers who decided before `settled_at`."""

    def __init__(
        self, *, dice: random.Random, judge: Judge, since: dt.datetime, until: dt.datetime, settled_at: dt.datetime
    ) -> None:
        self.dice, self.judge = dice, judge
        self.since, self.until, self.settled_at = since, until, settled_at

    def reader(self, person: Person) -> Story:
        """Opens mails and reads the blog."""
        story = self._story(person)
        doings = self.dice.choices(LIGHT, k=self.dice.randrange(2, 9))
        self.visit(story, doings, self._someday(), self.until)
        return story

    def warm(self, person: Person) -> Story:
        """Shows interest, but not enough of it."""
        story = self._story(person)
        doings = [*self.dice.choices(EARNEST, k=self.dice.randrange(1, 5)), *self.dice.choices(LIGHT, k=4)]
        self.dice.shuffle(doings)
        self.visit(story, doings, self._someday(), self.until)
        if self.dice.random() < UNSUBSCRIBING:
            story.do("unsubscribe", self.until - self.dice.random() * dt.timedelta(days=20), self.dice)
        return story

    def buyer(self, person: Person) -> Story:
        """Looks around for days or weeks, then decides in one sitting. There are more of them from month to month."""
        story = self._story(person)
        day = self.since + (self.settled_at - self.since) * self.dice.random() ** 0.75
        decided_at = min(some_time_on(self.dice, day), self.settled_at)
        first = max(self.since, decided_at - dt.timedelta(days=self.dice.uniform(1, 40)))
        doings = [*self.dice.choices(LIGHT, k=4), *self.dice.choices(EARNEST, k=self.dice.randrange(4))]
        self.visit(story, doings, first, decided_at - dt.timedelta(hours=1))
        self.decide(story, self.dice.choice(DECISIONS), decided_at)
        return story

    def visit(self, story: Story, doings: Sequence[str], since: dt.datetime, until: dt.datetime) -> None:
        """Let the contact do these things now and then, without crossing the threshold."""
        limit = self.judge.threshold - MARGIN
        visits(story, doings, since=since, until=until, dice=self.dice, judge=self.judge, limit=limit)

    def decide(self, story: Story, doings: Sequence[str], at: dt.datetime) -> None:
        """One sitting that takes the contact over the threshold, or asks for a demo; its last act is at `at`."""
        known, wanted = len(story.items), list(doings)
        needed = self.judge.threshold + MARGIN - self.judge.fit_of(story.person)
        more = [doing for doing in (*EARNEST, "prices", "prices") if doing not in doings]
        self.dice.shuffle(more)
        while True:
            del story.items[known:]
            for minutes, doing in zip(range(4 * len(wanted) - 4, -1, -4), wanted, strict=True):
                seconds = 60 * minutes - self.dice.randrange(120) if minutes else 0
                story.do(doing, at - dt.timedelta(seconds=seconds), self.dice)
            if "demo" in wanted or self.judge.most_points(story.items[known:]) >= needed or not more:
                return
            wanted.insert(0, more.pop())

    def _story(self, person: Person) -> Story:
        source = self.dice.choices(list(CHANNELS), weights=list(CHANNELS.values()))[0]
        campaign = CAMPAIGN_OF.get(source, "") if self.dice.random() < 0.7 else ""
        return Story(person, source, campaign)

    def _someday(self) -> dt.datetime:
        return self.since + self.dice.random() * (self.until - dt.timedelta(days=2) - self.since)
