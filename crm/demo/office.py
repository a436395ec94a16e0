"""Who works in the demo, when, and the campaigns they pay for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.hashers import make_password

from crm.flows import definitions, outbounds, personas, routes, saved_filters
from crm.models import FilteredPage, Role, Team, User
from crm.models.people import TeamKind
from leads import segments, services
from leads.models import Campaign, Segment, Source
from sla import clock
from sla.models import Calendar

PASSWORD = "demo"
HELSINKI = "Europe/Helsinki"


@dataclass(frozen=True)
class Colleague:
    """Somebody who works here. `pace` multiplies how long the ordinary person takes for anything."""

    email: str
    name: str
    role: Role
    team: str
    time_zone: str
    pace: float = 1.0
    capacity: int = 16


TEAMS = {
    "Marketing": TeamKind.MARKETING,
    "Sales": TeamKind.SALES,
    "Customer service": TeamKind.CUSTOMER_SERVICE,
}
COLLEAGUES = (
    Colleague("marketer@demo.example", "Aino Korhonen", Role.MARKETER, "Marketing", HELSINKI, 0.8),
    Colleague("katarzyna@demo.example", "Katarzyna Zielińska", Role.MARKETER, "Marketing", "Europe/Warsaw", 1.1),
    Colleague("sales@demo.example", "Agnieszka Wójcik", Role.SALESPERSON, "Sales", "Europe/Warsaw", 1.0, 24),
    Colleague("mikko@demo.example", "Mikko Lahtinen", Role.SALESPERSON, "Sales", HELSINKI, 0.6),
    Colleague("maja@demo.example", "Maja Kovač", Role.SALESPERSON, "Sales", "Europe/Ljubljana", 0.8),
    Colleague("georgi@demo.example", "Georgi Dimitrov", Role.SALESPERSON, "Sales", "Europe/Sofia", 1.7),
    Colleague("manager@demo.example", "Elina Saarinen", Role.MANAGER, "Sales", HELSINKI),
    Colleague("admin@demo.example", "Henrik Lindroos", Role.ADMIN, "Marketing", HELSINKI),
    Colleague("petra@demo.example", "Petra Mlakar", Role.SALESPERSON, "Customer service", "Europe/Ljubljana"),
    Colleague("tomek@demo.example", "Tomasz Kubiak", Role.SALESPERSON, "Customer service", "Europe/Warsaw"),
)

# name, channel, cost in euro (None: nobody has entered it yet), days before now that it starts and ends
CAMPAIGNS = (
    ("Search ads, docks", "paid_search", "6400", 95, None),
    ("Autumn mailing", "email", "900", 80, 10),
    ("Webinar: Less waiting at the dock", "social", "1850", 90, None),
    ("Trade fair Lahti", "trade_fair", "11200", 55, 53),
    ("LinkedIn campaign", "social", "3100", 60, None),
    ("Webinar: What a missed slot costs", "social", "1650", 92, None),
    ("Partner newsletter", "referral", None, 40, 12),
)


# name, who they are, a field with its operator and value
PERSONAS = (
    (
        "Runs the dock",
        "Answers for lorries that wait. Wants calm mornings; fears a system that the shift will not use.",
        ("job_title", "contains", ["warehouse", "dock", "logistics", "shift"]),
    ),
    (
        "Signs the order",
        "Reads one page with a number on it. Wants proof from a plant like their own.",
        ("job_title", "contains", ["director", "CFO", "head of"]),
    ),
)
SEGMENTS: tuple[tuple[str, tuple[str, str, object]], ...] = (
    ("Food and logistics", ("company.industry", "in", ["food", "logistics"])),
    ("Private mailboxes", ("email", "is_free_mail", None)),
)


# What both teams have written down of what they mean, by its word.
AGREED = {
    "mql": "Over 60 points, or asked for a demo or a quote. Runs a warehouse or a dock in a country that we serve.",
    "sql": "Accepted by sales: the need is real and we are talking to somebody who can say yes, or brings us there.",
}


# name, a field with its operator and value, who takes part with which weight; the last one is asked first
ROUTING_RULES: tuple[tuple[str, tuple[str, str, object], dict[str, int]], ...] = (
    ("Large companies", ("company.employees", "gte", 250), {"sales": 2, "maja": 1}),
    ("Finland and the Baltics", ("country", "in", ["FI", "EE", "LV", "LT"]), {"mikko": 1}),
)


@dataclass
class Office:
    """The people by address, the campaigns by name, and the hours in which they work."""

    people: dict[str, User]
    paces: dict[str, float]
    hours: clock.Calendar

    def holding(self, role: Role, *, team: str) -> list[User]:
        """The people of one team with this role, in the order in which they are named here."""
        emails = [one.email for one in COLLEAGUES if one.role == role and one.team == team]
        return [self.people[email] for email in emails]


def open_office(*, at: dt.datetime) -> Office:
    """Hire everybody, set the working hours, and start the campaigns as they will have been started by `at`."""
    calendar = Calendar.objects.get(name="Office hours")
    calendar.time_zone = HELSINKI
    calendar.save(update_fields=["time_zone"])
    teams = {name: Team.objects.create(name=name, kind=kind) for name, kind in TEAMS.items()}
    people = {one.email: _hire(one, teams[one.team]) for one in COLLEAGUES}
    # One hashing for all: it takes a good part of a second on purpose.
    User.objects.update(password=make_password(PASSWORD))
    _start_campaigns(at=at)
    since = at - dt.timedelta(days=CAMPAIGNS[0][3])
    _draw_buyers(people["marketer@demo.example"], at=since)
    _agree(people, at=since)
    _plan_outbound(people["marketer@demo.example"], calendar=calendar, at=at)
    return Office(people, {one.email: one.pace for one in COLLEAGUES}, calendar.parse())


def _hire(colleague: Colleague, team: Team) -> User:
    return User.objects.create_user(
        colleague.email,
        name=colleague.name,
        roles=(colleague.role,),
        team=team,
        time_zone=colleague.time_zone,
        capacity=colleague.capacity,
        # Customer service gets what overflows, and takes no part in the rotation.
        is_on_duty=colleague.team != "Customer service",
    )


def _draw_buyers(marketer: User, *, at: dt.datetime) -> None:
    for name, description, condition in PERSONAS:
        values = {"name": name, "description": description, "conditions": [_condition(*condition)]}
        personas.create_persona(actor=marketer, values=values, at=at)
    for name, asked in SEGMENTS:
        values = {"name": name, "conditions": [_condition(*asked)]}
        segments.save_segment(Segment(), values=values, actor=marketer, at=at)


def _plan_outbound(marketer: User, *, calendar: Calendar, at: dt.datetime) -> None:
    """Calls to a segment, set up and not started yet: there is a page on which to see whom they would reach."""
    segment = Segment.objects.order_by("id").first()
    campaign = Campaign.objects.order_by("-start_date").first()
    values = {"name": "Calls before the season", "segment": segment, "campaign": campaign, "calendar": calendar}
    outbounds.create_outbound(actor=marketer, values=values | {"per_day": 5}, at=at)


def _agree(people: dict[str, User], *, at: dt.datetime) -> None:
    """The words, a hand-over rule that is thought about but not in use yet, and a filter that marketing shares."""
    manager, marketer = people["manager@demo.example"], people["katarzyna@demo.example"]
    for word, text in AGREED.items():
        definitions.define(actor=manager, word=word, text=text, seen=0, at=at)
    asked = [_condition("handoff.cause", "equals", "request"), _condition("handoff.grade", "starts_with", "A")]
    rule = {"name": "Best fit, asked for a demo", "conditions": asked, "is_straight": True, "is_active": False}
    definitions.add_handover_rule(actor=manager, values=rule)
    saved_filters.save_filter(
        user=marketer, page=FilteredPage.QUEUE, query="hot=1", values={"name": "Hot ones", "is_shared": True}
    )


def _condition(field: str, op: str, value: object) -> dict[str, object]:
    return {"field": field, "op": op, "value": value}


def set_routing(made: Office, *, at: dt.datetime) -> None:
    """Say who gets leads from now on, and where one goes that waits for two working days."""
    manager = made.people["manager@demo.example"]
    for name, condition, weights in ROUTING_RULES:
        weighted = {made.people[f"{person}@demo.example"].pk: weight for person, weight in weights.items()}
        routes.create_rule(
            actor=manager, values={"name": name, "conditions": [_condition(*condition)], "weights": weighted}
        )
    values = {
        "overflow_team": Team.objects.get(kind=TeamKind.CUSTOMER_SERVICE),
        "overflow_seconds": 16 * 3600,
        "overflow_calendar": Calendar.objects.get(name="Office hours"),
    }
    routes.save_settings(actor=manager, values=values, at=at)


def _start_campaigns(*, at: dt.datetime) -> None:
    names = [name for name, *_rest in CAMPAIGNS]
    services.campaigns_by_name(set(names), at=at - dt.timedelta(days=CAMPAIGNS[0][3]))
    sources = {source.code: source for source in Source.objects.all()}
    for name, channel, cost, starts, ends in CAMPAIGNS:
        Campaign.objects.filter(name=name).update(
            source=sources[channel],
            cost=Decimal(cost) if cost else None,
            start_date=(at - dt.timedelta(days=starts)).date(),
            end_date=(at - dt.timedelta(days=ends)).date() if ends else None,
            created_at=at - dt.timedelta(days=starts + 2),
        )
