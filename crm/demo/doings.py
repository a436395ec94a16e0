"""What the contacts of the demo do before anybody speaks to them."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import scoring.services
from crm.demo.names import LANGUAGES, TIME_ZONES, Person
from crm.flows import ActivityIn, ContactIn
from leads.models import Activity, Company, Contact

# Where a channel's contacts come from, and how many of a hundred do.
CHANNELS = {
    "organic_search": 28,
    "paid_search": 20,
    "social": 14,
    "trade_fair": 12,
    "email": 8,
    "referral": 10,
    "website": 8,
}
CAMPAIGN_OF = {
    "paid_search": "Search ads, docks",
    "email": "Autumn mailing",
    "trade_fair": "Trade fair Lahti",
    "social": "LinkedIn campaign",
    "referral": "Partner newsletter",
}
MESSAGES = (
    "Six docks in Gdynia, lorries wait 40 minutes.",
    "We pay waiting fees to two carriers every week. What would it take to stop that?",
    "Four docks and one gate. Drivers queue on the street from six in the morning.",
    "Please show us how booking works when half of the carriers do not read mail.",
    "Our warehouse moves in spring and we want to start with slots from day one.",
    "Two plants, eleven docks, one spreadsheet. You can imagine.",
    "How long does it take to connect this to our ERP?",
    "We missed the loading window for a retail chain three times this month.",
    "Looking for a price for ten docks, and for somebody who answers the phone.",
    "Our drivers speak five languages. Does the app?",
    "Cold store, so every minute with the door open costs us. Call before noon, please.",
    "A colleague at another plant recommended you. We have the same problem, only bigger.",
)
BLOG = ("/blog/waiting-time", "/blog/slot-booking", "/blog/missed-windows", "/blog/yard-walks", "/blog/carrier-mail")
CASES = ("/customers/notec-papier", "/customers/kymen-valimo", "/customers/pivka-mlekarna")
WEBINARS = ("Less waiting at the dock", "What a missed slot costs")
MAILS = ("Autumn mailing 1", "Autumn mailing 2", "Slots explained", "Notes from the yard", "Prices for next year")

# doing: type, properties, and the program that reports it
DOINGS: dict[str, tuple[str, dict[str, str], str]] = {
    "prices": ("page_view", {"path": "/pricing"}, "website"),
    "blog": ("page_view", {}, "website"),
    "case": ("page_view", {}, "website"),
    "guide": ("content_download", {"form": "/guide", "path": "/guide", "content": "Buyer’s guide"}, "website"),
    "case_pdf": ("content_download", {"form": "/customers", "content": "Story of Noteć Papier"}, "website"),
    "calculator": ("form_submission", {"form": "/calculator", "path": "/calculator"}, "website"),
    "question": ("form_submission", {"form": "/contact", "path": "/contact"}, "website"),
    "demo": ("demo_request", {"form": "/demo", "path": "/demo"}, "website"),
    "webinar": ("webinar_attended", {}, "webinars"),
    "fair": ("event_attended", {"event": "Trade fair Lahti"}, "trade fairs"),
    "open": ("email_open", {}, "mailings"),
    "click": ("email_click", {}, "mailings"),
    "reply": ("email_reply", {}, "mailings"),
    "unsubscribe": ("unsubscribe", {}, "mailings"),
}
LIGHT = ("open", "open", "blog", "blog", "blog", "case", "click")
EARNEST = ("prices", "prices", "guide", "case", "click", "calculator", "webinar", "case_pdf", "reply", "question")
# How a buyer makes up their mind in the end: one sitting, or two.
DECISIONS = (
    ("demo",),
    ("prices", "demo"),
    ("case", "prices", "demo"),
    ("prices", "prices", "guide", "reply"),
    ("webinar", "prices", "prices", "case_pdf"),
    ("calculator", "prices", "prices", "question"),
    ("guide", "calculator", "prices", "prices"),
)
HOURS = (7, 8, 9, 9, 10, 10, 11, 11, 12, 13, 13, 14, 14, 15, 15, 16, 17, 20, 21)


@dataclass
class Story:
    """One contact, and what it does."""

    person: Person
    source: str
    campaign: str = ""
    message: str = ""
    items: list[ActivityIn] = field(default_factory=list)
    _numbers: Iterable[int] = field(default_factory=itertools.count)

    def do(self, doing: str, at: dt.datetime, dice: random.Random) -> None:
        """Add one thing the contact does; the first carries the campaign that brought it, a webinar its own."""
        type_, properties, program = DOINGS[doing]
        properties = dict(properties)
        campaign = "" if self.items else self.campaign
        if doing == "blog":
            properties["path"] = dice.choice(BLOG)
        elif doing == "case":
            properties["path"] = dice.choice(CASES)
        elif doing in ("open", "click", "reply", "unsubscribe"):
            properties["mail"] = dice.choice(MAILS)
        elif doing in ("demo", "question"):
            properties["message"] = self.message or dice.choice(MESSAGES)
        elif doing == "webinar":
            # No throw of the dice: the guests of both are many, and everything after stays as it was.
            properties["webinar"] = WEBINARS[len(self.person.email) % len(WEBINARS)]
            campaign = f"Webinar: {properties['webinar']}"
        self.items.append(
            ActivityIn(
                type=type_,
                occurred_at=at,
                external_id=f"{self.person.email}/{len(self.items)}",
                source=program,
                contact=contact_in(self.person, source=self.source),
                properties=properties,
                campaign=campaign,
            )
        )


def contact_in(person: Person, *, source: str) -> ContactIn:
    """The person as programs report them."""
    country = person.firm.country
    return ContactIn(
        email=person.email,
        fields={
            "first_name": person.first_name,
            "last_name": person.last_name,
            "job_title": person.job_title,
            "phone": person.phone,
            "country": country,
            "city": person.firm.city,
            "language": LANGUAGES[country],
            "time_zone": TIME_ZONES[country],
        },
        company=person.firm.name,
        source=source,
    )


class Judge:
    """What the published rules make of a story at most, were nothing ever to fade."""

    def __init__(self) -> None:
        self._rules = scoring.services.published_rules()
        self.threshold = self._rules.model.mql_threshold

    def fit_of(self, person: Person) -> float:
        firm = person.firm
        company = Company(name=firm.name, industry=firm.industry, employees=firm.employees, country=firm.country)
        contact = Contact(email=person.email, job_title=person.job_title, country=firm.country, company=company)
        return self._rules.fit_of(contact)

    def most_points(self, items: Sequence[ActivityIn]) -> float:
        """The points of these activities, each rule within its cap."""
        earned: dict[int, float] = {}
        for item in items:
            activity = Activity(type_id=item.type, properties=item.properties)
            for rule in self._rules.by_type.get(item.type, ()):
                if rule.counts(activity):
                    total = earned.get(rule.row.pk, 0.0) + rule.row.points
                    earned[rule.row.pk] = min(total, rule.row.cap) if rule.row.cap is not None else total
        return sum(earned.values())


def some_time_on(dice: random.Random, day: dt.datetime) -> dt.datetime:
    """A time of that day at which people look at the web; on weekends it is rather the day after or before."""
    if day.weekday() >= 5 and dice.random() < 0.7:
        day += dt.timedelta(days=2 if day.weekday() == 5 else 1) * dice.choice((1, -1))
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + dt.timedelta(hours=dice.choice(HOURS), minutes=dice.randrange(60), seconds=dice.randrange(60))


def visits(
    story: Story,
    doings: Sequence[str],
    *,
    since: dt.datetime,
    until: dt.datetime,
    dice: random.Random,
    judge: Judge,
    limit: float,
) -> None:
    """Spread things the contact does over a stretch of time, leaving out what could take its score above `limit`."""
    times = sorted(since + dice.random() * (until - since) for _ in doings)
    fit = judge.fit_of(story.person)
    for doing, moment in zip(doings, times, strict=True):
        at = min(max(some_time_on(dice, moment), since), until)
        story.do(doing, at, dice)
        if fit + judge.most_points(story.items) > limit:
            story.items.pop()
