"""Who may do what, as one table: address × verb × role → status.

`assignee` is the salesperson to whom the lead is offered, `stranger` another one: what is not theirs looks absent.
"""

import datetime as dt

import pytest
from django.utils import timezone

from crm import flows
from crm.flows import publishing
from leads.models import Campaign, Company, Contact, Handoff, Persona, Segment

pytestmark = pytest.mark.django_db

COLUMNS = ("marketer", "assignee", "stranger", "manager", "admin")

# One status a column. 404: absent and forbidden look alike; 403: seen, but not for this role.
PAGES = {
    "/queue/": (200, 403, 403, 200, 200),
    "/queue/{offered}/": (200, 403, 403, 200, 200),
    "/queue/filters/new/?query=due%3Dlate": (200, 403, 403, 200, 200),
    "/queue/filters/999999/": (404, 403, 403, 404, 404),
    "/inbox/": (403, 200, 200, 403, 403),
    "/inbox/plan/": (403, 200, 200, 403, 403),
    "/contacts/": (200, 200, 200, 200, 200),
    "/contacts/new/": (200, 200, 200, 200, 200),
    "/contacts/{contact}/": (200, 200, 404, 200, 200),
    "/contacts/{contact}/edit/": (200, 200, 404, 200, 200),
    "/contacts/{contact}/identity/": (200, 200, 404, 200, 200),
    "/contacts/{contact}/merge/": (200, 403, 404, 200, 200),
    "/contacts/999999/": (404, 404, 404, 404, 404),
    "/companies/": (200, 200, 200, 200, 200),
    "/companies/{company}/": (200, 200, 404, 200, 200),
    "/campaigns/": (200, 403, 403, 200, 200),
    "/campaigns/outbound/": (200, 403, 403, 200, 200),
    "/campaigns/outbound/new/": (200, 403, 403, 200, 403),
    "/campaigns/outbound/999999/": (404, 403, 403, 404, 404),
    "/campaigns/outbound/999999/edit/": (404, 403, 403, 404, 403),
    "/campaigns/{campaign}/": (200, 403, 403, 200, 200),
    "/handoffs/": (200, 200, 200, 200, 200),
    "/handoffs/{offered}/people/": (200, 200, 404, 200, 200),
    "/opportunities/": (200, 200, 200, 200, 200),
    "/opportunities/board/": (200, 200, 200, 200, 200),
    "/tasks/": (200, 200, 200, 200, 200),
    "/imports/": (200, 403, 403, 200, 200),
    "/personas/": (200, 403, 403, 200, 200),
    "/personas/new/": (200, 403, 403, 403, 200),
    "/personas/{persona}/": (200, 403, 403, 200, 200),
    "/segments/": (200, 403, 403, 200, 200),
    "/segments/new/": (200, 403, 403, 200, 200),
    "/segments/count/": (200, 403, 403, 200, 200),
    "/segments/{segment}/": (200, 403, 403, 200, 200),
    "/scoring/": (200, 403, 403, 200, 200),
    "/scoring/backtests/": (200, 403, 403, 200, 200),
    "/scoring/feedback/": (200, 403, 403, 200, 200),
    "/scoring/feedback/handoffs/": (200, 403, 403, 200, 200),
    "/scoring/versions/": (200, 403, 403, 200, 200),
    "/scoring/compare/": (200, 403, 403, 200, 200),
    "/scoring/suggest/": (200, 403, 403, 403, 200),
    "/scoring/drafts/{draft}/": (200, 403, 403, 200, 200),
    "/scoring/drafts/{draft}/preview/": (200, 403, 403, 200, 200),
    "/sla/": (403, 403, 403, 200, 200),
    "/sla/breaches/": (403, 403, 403, 200, 200),
    "/sla/files/groups/": (403, 403, 403, 200, 200),
    "/sla/files/secrets/": (403, 403, 403, 404, 404),
    "/sla/unnoticed/": (403, 403, 403, 200, 200),
    "/sla/timers/": (200, 200, 200, 200, 200),
    "/sla/timers.csv": (200, 200, 200, 200, 200),
    "/alerts/": (200, 200, 200, 200, 200),
    "/sla/report/": (403, 403, 403, 200, 200),
    "/my-settings/": (200, 200, 200, 200, 200),
    "/settings/people/": (403, 403, 403, 403, 200),
    "/people/{assignee}/hand-over/?why=leave": (404, 403, 404, 403, 200),
    "/people/{assignee}/hand-over/?why=away": (404, 200, 404, 200, 200),
    "/sla/which/": (200, 200, 200, 200, 200),
    "/sla/which/?contact={contact}": (200, 200, 404, 200, 200),
    "/settings/definitions/": (200, 200, 200, 200, 200),
    "/settings/definitions/words/mql/": (200, 200, 200, 200, 200),
    "/settings/definitions/words/mqx/": (404, 404, 404, 404, 404),
    "/settings/definitions/handover/": (200, 200, 200, 200, 200),
    "/settings/definitions/handover/which/": (200, 200, 200, 200, 200),
    "/settings/definitions/handover/which/?contact={contact}": (200, 200, 404, 200, 200),
    "/settings/definitions/handover/new/": (403, 403, 403, 200, 200),
    "/settings/definitions/handover/999999/": (403, 403, 403, 404, 404),
    "/settings/definitions/reasons/": (200, 200, 200, 200, 200),
    "/settings/definitions/reasons/new/": (403, 403, 403, 200, 200),
    "/settings/definitions/reasons/1/": (403, 403, 403, 200, 200),
    "/settings/definitions/window/": (200, 200, 200, 200, 200),
    "/settings/policies/": (403, 403, 403, 200, 200),
    "/settings/policies/new/": (403, 403, 403, 200, 200),
    "/settings/policies/1/": (403, 403, 403, 200, 200),
    "/settings/calendars/": (403, 403, 403, 200, 200),
    "/settings/calendars/new/": (403, 403, 403, 200, 200),
    "/settings/calendars/1/": (403, 403, 403, 200, 200),
    "/settings/routing/": (403, 403, 403, 200, 200),
    "/settings/routing/new/": (403, 403, 403, 200, 200),
    "/settings/routing/999999/": (403, 403, 403, 404, 404),
    "/settings/routing/turns/999999/": (403, 403, 403, 404, 404),
    "/settings/routing/who/": (200, 403, 403, 200, 200),
    "/settings/routing/who/?contact={contact}": (200, 403, 403, 200, 200),
    "/settings/moves/999999/": (403, 403, 403, 404, 404),
    "/settings/deliveries/": (403, 403, 403, 403, 200),
    "/settings/webhooks/": (403, 403, 403, 403, 200),
    "/settings/webhooks/new/": (403, 403, 403, 403, 200),
    "/style-guide/": (200, 200, 200, 200, 200),
}

# The verbs of the API on an offered handoff, each tried from the same standing. 200: done; 409: not from this state.
VERBS = {
    ("approve", "in_review"): (200, 404, 404, 200, 403),
    ("return", "in_review"): (200, 404, 404, 403, 403),
    ("accept", "in_review"): (403, 404, 404, 403, 403),
    ("approve", "offered"): (409, 403, 404, 409, 403),
    ("return", "offered"): (409, 403, 404, 403, 403),
    ("accept", "offered"): (403, 200, 404, 403, 403),
    ("reject", "offered"): (403, 200, 404, 403, 403),
    ("reassign", "offered"): (403, 403, 404, 200, 403),
    ("overflow", "offered"): (403, 403, 404, 200, 403),
    ("recycle", "offered"): (403, 403, 404, 409, 403),
    ("recycle", "accepted"): (403, 200, 404, 200, 403),
    ("accept", "accepted"): (403, 409, 404, 403, 403),
    ("pause", "offered"): (200, 200, 404, 200, 403),
    ("undo", "offered"): (200, 403, 404, 403, 403),
}
BODIES = {
    "approve": {"assignee": None},
    "return": {"reason": "not_ready"},
    "accept": {},
    "reject": {"reason": "no_budget"},
    "reassign": {"assignee": "otto.other@baton.example"},
    "overflow": {},
    "recycle": {"reason": "too_early", "resurface_at": (timezone.now() + dt.timedelta(days=40)).isoformat()},
    "pause": {"until": (timezone.now() + dt.timedelta(days=2)).isoformat(), "reason": "Away"},
    "undo": {},
}


@pytest.fixture
def people(marketer, salesperson, other_salesperson, manager, administrator):
    return dict(zip(COLUMNS, (marketer, salesperson, other_salesperson, manager, administrator), strict=True))


@pytest.fixture
def lead(people):
    """A contact of a company in review, met through a campaign."""
    now = timezone.now()
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request",
                occurred_at=now,
                external_id="1",
                contact=flows.ContactIn(email="eva@firm.example", company="Firm Oy"),
                campaign="Autumn",
            )
        ],
        by=None,
        actor=None,
        at=now,
    )
    return Handoff.objects.get()


def offer(lead, people):
    flows.approve(
        actor=people["marketer"], handoff_id=lead.pk, assignee_email=people["assignee"].email, at=timezone.now()
    )


@pytest.mark.parametrize("address", PAGES)
def test_pages_open_to_whom_they_are_for(address, people, lead, browsing):
    offer(lead, people)
    draft = publishing.draft_from(actor=people["marketer"], model_id=1, at=timezone.now())
    chosen = {"conditions": [{"field": "country", "op": "equals", "value": "FI"}], "created_at": timezone.now()}
    url = address.format(
        draft=draft.pk,
        persona=Persona.objects.create(name="Planner", **chosen).pk,
        segment=Segment.objects.create(name="Finland", **chosen).pk,
        offered=lead.pk,
        assignee=people["assignee"].pk,
        contact=lead.contact_id,
        company=Company.objects.get().pk,
        campaign=Campaign.objects.get().pk,
    )
    found = tuple(browsing(people[column]).get(url).status_code for column in COLUMNS)
    assert found == PAGES[address]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(("verb", "state"), VERBS)
def test_verbs_are_for_those_whom_the_table_names(verb, state, column, people, lead, browsing):
    from crm.models import Team

    Team.objects.create(name="Partner", kind="partner")
    if state != "in_review":
        offer(lead, people)
    if state == "accepted":
        flows.accept(actor=people["assignee"], handoff_id=lead.pk, at=timezone.now())
    before = Contact.objects.values("stage", "owner").get()
    response = browsing(people[column]).post(
        f"/api/v1/handoffs/{lead.pk}/{verb}/", BODIES[verb], content_type="application/json"
    )
    assert response.status_code == VERBS[verb, state][COLUMNS.index(column)], response.content
    if response.status_code != 200:
        assert response["Content-Type"] == "application/problem+json"
        assert Contact.objects.values("stage", "owner").get() == before
        assert Handoff.objects.get().state == state
