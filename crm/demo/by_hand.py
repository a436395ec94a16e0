"""What colleagues bring in themselves: prospects of their own, callers, lists from a fair, and a judgement by hand."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from crm import flows
from crm.demo.colleagues import Colleagues
from crm.demo.doings import Story
from crm.demo.names import LANGUAGES, TIME_ZONES, Person
from crm.demo.replay import Replay
from crm.models import Role, User
from leads.models import Company, Contact, Source

OWN_PROSPECTS, CALLERS, JUDGEMENTS = 9, 8, 6
FAIR, FAIR_DAYS_AGO, FAIR_VISITORS = "Trade fair Lahti", 52, 55
OLD_LIST_DAYS_AGO, OLD_LIST_ROWS = 74, 30
CALLER_NOTES = (
    "Called the switchboard, wants a price list. No hurry.",
    "Asked at reception whether we also do gates for vans.",
    "Read about us in the trade paper; please send the guide.",
)
JUDGED = (
    (10.0, "Met her at the fair, she draws the yard from memory."),
    (8.0, "Their new plant opens in spring; it was in the news."),
    (-15.0, "Reads everything, buys nothing, for two years now."),
)
# Rows that somebody typed at the stand.
BAD_ROWS = (
    ("Sirpa", "Ahonen", "sirpa at saha.example", "Saha Ky"),
    ("Matti", "", "", "visits on Tuesday"),
    ("Olli", "Peltola", "olli.peltola@kone.example; info@kone.example", "Kone Oy"),
    ("Riikka", "Salo", "riikka.salo@", "Salon Leipä"),
)


class ByHand:
    """Plans what people enter, judge and import."""

    def __init__(self, *, replay: Replay, colleagues: Colleagues, dice: random.Random, settled_at: dt.datetime) -> None:
        self.replay, self.colleagues, self.dice, self.settled_at = replay, colleagues, dice, settled_at
        self.salespeople = colleagues.office.holding(Role.SALESPERSON, team="Sales")

    def plan(self, people: Sequence[Person], stories: Sequence[Story]) -> None:
        """`people` are entered by hand, the first `OWN_PROSPECTS` as prospects; of the `stories` some are on lists."""
        for person in people[:OWN_PROSPECTS]:
            seller = self.dice.choice(self.salespeople)
            self.replay.plan(self._some_office_hour(), partial(self._enter_prospect, seller, person))
        for person in people[OWN_PROSPECTS:]:
            marketer = self.dice.choice(self.colleagues.marketers)
            self.replay.plan(self._some_office_hour(), partial(self._enter_caller, marketer, person))
        for story in self.dice.sample(list(stories), min(JUDGEMENTS, len(stories))):
            marketer = self.dice.choice(self.colleagues.marketers)
            judged_at = max(story.items[-1].occurred_at, self.settled_at - dt.timedelta(days=30))
            act = partial(self._judge, marketer, story.person.email)
            self.replay.plan(self.replay.after(judged_at, self.dice.uniform(1, 5)), act)
        self._plan_lists(stories)

    def _some_office_hour(self) -> dt.datetime:
        """A moment of the last two months at which people work, early enough to be dealt with by now."""
        return self.replay.after(self.settled_at - dt.timedelta(days=self.dice.uniform(1, 60)), self.dice.random())

    # Entering --------------------------------------------------------------------------------------------------------

    def _values(self, person: Person) -> dict[str, Any]:
        country = person.firm.country
        return {
            "email": person.email,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "job_title": person.job_title,
            "phone": person.phone,
            "company": Company.objects.get(name=person.firm.name),
            "country": country,
            "city": person.firm.city,
            "language": LANGUAGES[country],
            "time_zone": TIME_ZONES[country],
        }

    def _enter_prospect(self, seller: User, person: Person, at: dt.datetime) -> None:
        contact = flows.create_contact(actor=seller, values=self._values(person), at=at)
        self.colleagues.after_acceptance(seller, contact.handoffs.get().pk, at=at)

    def _enter_caller(self, marketer: User, person: Person, at: dt.datetime) -> None:
        source = Source.objects.get(code="phone")
        contact = flows.create_contact(actor=marketer, values=self._values(person) | {"source": source}, at=at)
        note = self.dice.choice(CALLER_NOTES)
        flows.log_contact(actor=marketer, contact_id=contact.pk, type="note", note=note, at=at)

    def _judge(self, marketer: User, email: str, at: dt.datetime) -> None:
        contact = Contact.objects.filter(email=email).first()
        if contact is not None:
            points, reason = self.dice.choice(JUDGED)
            flows.adjust_score(actor=marketer, contact_id=contact.pk, points=points, reason=reason, at=at)

    # Lists -----------------------------------------------------------------------------------------------------------

    def _plan_lists(self, stories: Sequence[Story]) -> None:
        aino, katarzyna = self.colleagues.marketers
        visitors = [story.person for story in stories if story.campaign == FAIR]
        others = [story.person for story in stories if story.campaign != FAIR]
        rows = [*visitors, *others[: max(FAIR_VISITORS - len(visitors), 0)]][:FAIR_VISITORS]
        fair_at = self.replay.after(self.replay.until - dt.timedelta(days=FAIR_DAYS_AGO), 2)
        visited_on = f"{fair_at - dt.timedelta(days=2):%d.%m.%Y}"
        fair = _table(
            ["Etunimi", "Sukunimi", "Sähköposti", "Yritys", "Puhelin", "Päivämäärä"],
            [
                *([one.first_name, one.last_name, one.email, one.firm.name, one.phone, visited_on] for one in rows),
                *([first, last, email, firm, "", visited_on] for first, last, email, firm in BAD_ROWS),
            ],
        )
        self.replay.plan(fair_at, partial(self._import, katarzyna, "lahti-messut.csv", fair, FAIR))
        old = _table(
            ["Full Name", "Email", "Company", "City"],
            [
                [f"{one.first_name} {one.last_name}", one.email, one.firm.name, one.firm.city]
                for one in others[-OLD_LIST_ROWS:]
            ],
        )
        old_at = self.replay.after(self.replay.until - dt.timedelta(days=OLD_LIST_DAYS_AGO), 3)
        self.replay.plan(old_at, partial(self._import, aino, "newsletter-readers.csv", old, ""))

    def _import(self, marketer: User, file_name: str, data: bytes, campaign: str, at: dt.datetime) -> None:
        job = flows.start_import(
            actor=marketer, file=io.BytesIO(data), file_name=file_name, campaign=campaign, is_history=True, at=at
        )
        flows.run_import(import_id=job.pk, at=at)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """A file as spreadsheets of Finland save it: semicolons, and a byte order mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
