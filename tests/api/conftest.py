"""A program that calls the API, and a small world for it to call about, made through the real flows."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client

from crm import flows
from crm.flows import definitions, personas, routes
from crm.models import ApiKey, Notice, Role, Team, User, Webhook
from leads import segments
from leads.models import (
    Activity,
    Campaign,
    Company,
    Contact,
    Handoff,
    HandoverRule,
    Import,
    Opportunity,
    Outbound,
    Persona,
    Reason,
    RoutingRule,
    Segment,
    Task,
)
from scoring.models import ScoringModel
from sla.models import Calendar, Policy, Timer
from tests.conftest import make_user

NOW = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)  # a Tuesday morning
ROOT = "/api/v1/"
NOTHING = object()  # no body at all
CROSSING = ("demo_request", "content_download", *["page_view"] * 5)


class Program:
    """Calls the API with a key, or without one."""

    def __init__(self, user: User | None = None, *, is_integration: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {}
        if user is not None:
            _key, secret = ApiKey.objects.issue(user=user, is_integration=is_integration)
            self.headers["Authorization"] = f"Bearer {secret}"

    def call(self, method: str, path: str, data: Any = NOTHING, *, raw: Any = None, **extra: Any) -> HttpResponse:
        """One request; `path` is below the API, `data` is sent as JSON, `raw` as it is."""
        address = path if path.startswith(("/", "http")) else ROOT + path
        sent = {"data": raw if raw is not None else "" if data is NOTHING else json.dumps(data)}
        if method in ("get", "head"):
            sent = {}
        response = self.client.generic(
            method.upper(), address, **({"content_type": "application/json"} | sent | extra), headers=self.headers
        )
        if response.status_code >= 400:
            assert response["Content-Type"] == "application/problem+json", response.content
            problem = response.json()
            assert problem["status"] == response.status_code
            assert problem["detail"] and problem["title"]
        return response

    def get(self, path: str, **params: Any) -> Any:
        """What a GET answers, which must be 200."""
        response = self.call("get", path, **({"query_params": params} if params else {}))
        assert response.status_code == 200, response.content
        return response.json()

    def post(self, path: str, data: Any = NOTHING, *, status: int = 200) -> Any:
        """What a POST answers, which must be `status`."""
        response = self.call("post", path, data)
        assert response.status_code == status, response.content
        return response.json() if response.content else None

    def patch(self, path: str, data: Any = NOTHING, *, status: int = 200) -> Any:
        """What a PATCH answers, which must be `status`."""
        response = self.call("patch", path, data)
        assert response.status_code == status, response.content
        return response.json() if response.content else None


@pytest.fixture
def program() -> Callable[..., Program]:
    """`program(user)` calls with a key of that person, `program(None)` without any."""
    return Program


@pytest.fixture(autouse=True)
def frozen() -> Iterator[Any]:
    """Tuesday morning; `frozen.shift(…)` lets time pass."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def activities(email: str = "eva@firm.example", types: tuple[str, ...] = CROSSING, **more: Any) -> list[dict[str, Any]]:
    """A list as a program sends it; by default one that brings a contact to the review queue."""
    return [
        {
            "external_id": f"{email}-{index}",
            "source": "website",
            "contact": {"email": email},
            "type": kind,
            "occurred_at": NOW.isoformat(),
            "properties": {"path": "/pricing"} if kind == "page_view" else {},
        }
        | more
        for index, kind in enumerate(types)
    ]


def cross(email: str = "eva@firm.example", *, at: dt.datetime = NOW) -> Handoff:
    """A contact that crossed the threshold, by the flow itself; its handoff stands in review."""
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type=kind,
                occurred_at=at,
                external_id=f"{email}-{index}",
                contact=flows.ContactIn(email=email, company=email.partition("@")[2]),
                properties={"path": "/pricing"} if kind == "page_view" else {},
                campaign="Spring fair",
            )
            for index, kind in enumerate(CROSSING)
        ],
        by=None,
        actor=None,
        at=at,
    )
    return Handoff.objects.open().get(contact__email=email)


@dataclass(frozen=True)
class World:
    """One row of everything, all of it the salesperson's."""

    contact: Contact
    company: Company
    activity: Activity
    handoff: Handoff
    opportunity: Opportunity
    task: Task
    campaign: Campaign
    model: ScoringModel
    policy: Policy
    calendar: Calendar
    timer: Timer
    alert: Notice
    file_import: Import
    persona: Persona
    outbound: Outbound
    segment: Segment
    webhook: Webhook
    reason: Reason
    routing_rule: RoutingRule
    handover_rule: HandoverRule

    def path(self, resource: str) -> str:
        """The address of the row of this resource."""
        rows = {
            "contacts": self.contact,
            "companies": self.company,
            "activities": self.activity,
            "handoffs": self.handoff,
            "opportunities": self.opportunity,
            "tasks": self.task,
            "people": self.handoff.assignee,
            "campaigns": self.campaign,
            "scoring-models": self.model,
            "policies": self.policy,
            "calendars": self.calendar,
            "timers": self.timer,
            "alerts": self.alert,
            "imports": self.file_import,
            "personas": self.persona,
            "outbounds": self.outbound,
            "segments": self.segment,
            "webhooks": self.webhook,
            "reasons": self.reason,
            "routing-rules": self.routing_rule,
            "handover-rules": self.handover_rule,
        }
        return f"{resource}/{rows[resource].pk}/"


@pytest.fixture
def world(marketer: User, salesperson: User, manager: User) -> World:
    """A contact with an offer, whose first contact was too late, so that its clock has alerts."""
    handoff = cross()
    at = NOW + dt.timedelta(minutes=1)
    flows.approve(actor=marketer, handoff_id=handoff.pk, assignee_email=salesperson.email, at=at)
    flows.sweep_timers(at=at + dt.timedelta(days=5))
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=at)
    opportunity = flows.open_opportunity(
        actor=salesperson, handoff_id=handoff.pk, name="Machines", amount=Decimal(1200), at=at
    )
    task = flows.add_task(actor=salesperson, contact_id=handoff.contact_id, due_at=NOW + dt.timedelta(days=2), at=NOW)
    flows.finish_task(actor=salesperson, task_id=task.pk, at=NOW)
    handoff.refresh_from_db()
    timer = Timer.objects.get(handoff=handoff, milestone="contact")
    file_import = Import.objects.create(
        file="imports/one.csv", file_name="one.csv", checksum="0" * 64, actor=marketer, created_at=NOW, updated_at=NOW
    )
    finns = {"name": "Finns", "conditions": [{"field": "country", "op": "equals", "value": "FI"}]}
    return World(
        persona=personas.create_persona(actor=marketer, values=finns, at=NOW),
        outbound=Outbound.objects.create(
            name="Calls",
            date_attribute="contract_ends",
            within_days=90,
            campaign=Campaign.objects.get(),
            calendar=Calendar.objects.get(always_open=True),
            created_at=NOW,
        ),
        segment=segments.save_segment(Segment(), values=finns, actor=marketer, at=NOW),
        contact=handoff.contact,
        company=Company.objects.get(),
        activity=Activity.objects.first(),
        handoff=handoff,
        opportunity=opportunity,
        task=task,
        campaign=Campaign.objects.get(),
        model=ScoringModel.objects.get(),
        policy=Policy.objects.get(milestone="contact"),
        calendar=Calendar.objects.get(always_open=False),
        timer=timer,
        alert=Notice.objects.get(timer=timer, kind="breach"),
        file_import=file_import,
        handover_rule=definitions.add_handover_rule(actor=manager, values={"name": "All reviewed"}),
        reason=Reason.objects.get(kind="return", code="not_ready"),
        routing_rule=routes.create_rule(actor=manager, values={"name": "Field", "team": salesperson.team}),
        webhook=Webhook.objects.create(name="Room", url="https://hooks.example.com/", kinds=["warn"], created_at=NOW),
    )


@pytest.fixture
def key_of(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The key that `manage.py create_api_key` prints."""

    def make(*arguments: str) -> str:
        capsys.readouterr()
        call_command("create_api_key", *arguments)
        return capsys.readouterr().out

    return make


def make_stranger() -> User:
    """A salesperson of another team, to whom nothing was ever handed."""
    return make_user(Role.SALESPERSON, name="Stina Stranger", team=Team.objects.create(name="Elsewhere"))
