"""Who may do what with what: every resource, verb and role, and what a stranger is told."""

import pytest

from crm.api.urls import RESOURCES
from crm.models import Role
from tests.api.conftest import ROOT, make_stranger

pytestmark = pytest.mark.django_db

ROLES = (Role.MARKETER, Role.SALESPERSON, Role.MANAGER, Role.ADMIN)
ALL, MARKETING, MANAGEMENT = frozenset(ROLES), frozenset(ROLES) - {Role.SALESPERSON}, {Role.MANAGER, Role.ADMIN}
ROWS = tuple(name for name in RESOURCES if name not in ("activity-types", "sources", "definitions"))
# What salespeople do not see at all, or see all of; everything else has row rights.
FOR_ALL = ("campaigns", "personas", "scoring-models", "policies", "calendars", "reasons")
FOR_ALL += ("handover-rules", "routing-rules")
MANAGED = {Role.SALESPERSON: 403, Role.MARKETER: 403}
READERS = {
    "imports": MARKETING,
    "segments": MARKETING,
    "webhooks": {Role.ADMIN},
    "people": MANAGEMENT,
    "outbounds": MARKETING,
}
ADMINISTERED = dict.fromkeys(ROLES, 403)
EDITING = dict.fromkeys((Role.SALESPERSON, Role.MANAGER), 403)
CHOICE = [{"field": "country", "op": "equals", "value": "SE"}]
# Verbs of handoffs, contacts and opportunities are refused by state or reason here, never by role or with an error.
WRITES = [
    ("post", "contacts/", {"last_name": "New"}, dict.fromkeys(ROLES, 201)),
    ("post", "companies/", {"name": "New"}, dict.fromkeys(MARKETING, 201) | {Role.SALESPERSON: 403}),
    ("post", "campaigns/", {"name": "New"}, dict.fromkeys(MARKETING, 201) | {Role.SALESPERSON: 403}),
    (
        "post",
        "policies/",
        {"name": "New", "milestone": "answer", "target_seconds": 60, "calendar": "CALENDAR"},
        MANAGED | dict.fromkeys(MANAGEMENT, 201),
    ),
    (
        "post",
        "calendars/",
        {"name": "New", "always_open": True},
        MANAGED | dict.fromkeys(MANAGEMENT, 201),
    ),
    (
        "post",
        "personas/",
        {"name": "New", "conditions": CHOICE},
        EDITING | dict.fromkeys((Role.MARKETER, Role.ADMIN), 201),
    ),
    (
        "post",
        "segments/",
        {"name": "New", "conditions": CHOICE},
        dict.fromkeys(MARKETING, 201) | {Role.SALESPERSON: 403},
    ),
    (
        "post",
        "outbounds/",
        {"name": "New", "campaign": "Nowhere", "calendar": "Always open"},
        {Role.SALESPERSON: 403, Role.ADMIN: 403, Role.MARKETER: 400, Role.MANAGER: 400},
    ),
    ("patch", "personas", {"name": "Renamed"}, EDITING | dict.fromkeys((Role.MARKETER, Role.ADMIN), 400)),
    ("patch", "segments", {"conditions": CHOICE}, dict.fromkeys(MARKETING, 200) | {Role.SALESPERSON: 403}),
    ("patch", "contacts", {"city": "Oulu"}, dict.fromkeys(ALL, 200)),
    ("patch", "opportunities", {"amount": "5.00"}, {"marketer": 403, "manager": 200, "salesperson": 200, "admin": 403}),
    ("patch", "tasks", {"what": "Ring"}, {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("patch", "companies", {"city": "Oulu"}, dict.fromkeys(ALL, 200)),
    ("patch", "campaigns", {"cost": "10.00"}, dict.fromkeys(MARKETING, 200) | {Role.SALESPERSON: 403}),
    (
        "patch",
        "policies",
        {"name": "Old"},
        MANAGED | dict.fromkeys(MANAGEMENT, 200),
    ),
    (
        "patch",
        "calendars",
        {"name": "Old"},
        MANAGED | dict.fromkeys(MANAGEMENT, 200),
    ),
    (
        "post",
        "webhooks/",
        {"name": "New", "url": "https://hooks.example.com/", "form": "slack", "kinds": ["warn"]},
        ADMINISTERED | {Role.ADMIN: 201},
    ),
    ("post", "reasons/", {"kind": "won", "label": "New"}, MANAGED | dict.fromkeys(MANAGEMENT, 201)),
    ("patch", "reasons", {"description": "Later."}, MANAGED | dict.fromkeys(MANAGEMENT, 200)),
    ("post", "routing-rules/", {"name": "New", "team": "Field sales"}, MANAGED | dict.fromkeys(MANAGEMENT, 201)),
    ("patch", "routing-rules", {"active": False}, MANAGED | dict.fromkeys(MANAGEMENT, 200)),
    ("post", "handover-rules/", {"name": "New", "conditions": CHOICE}, MANAGED | dict.fromkeys(MANAGEMENT, 201)),
    ("patch", "handover-rules", {"name": "Old"}, MANAGED | dict.fromkeys(MANAGEMENT, 200)),
    ("post", "reasons/1/shift/", {"to": "down"}, MANAGED | dict.fromkeys(MANAGEMENT, 200)),
    ("patch", "people", {"capacity": 9}, ADMINISTERED | {Role.ADMIN: 200}),
    ("patch", "webhooks", {"name": "Old"}, ADMINISTERED | {Role.ADMIN: 200}),
    ("delete", "webhooks", None, ADMINISTERED | {Role.ADMIN: 204}),
    # In use, so that it stays whoever asks.
    ("delete", "policies", None, MANAGED | dict.fromkeys(MANAGEMENT, 409)),
    ("delete", "calendars", None, MANAGED | dict.fromkeys(MANAGEMENT, 409)),
]
VERBS = [
    # The world's handoff is accepted by the salesperson, its contact has an open opportunity.
    ("handoffs", "approve", {"marketer": 409, "manager": 409, "salesperson": 403, "admin": 403}),
    ("handoffs", "return", {"marketer": 409, "manager": 403, "salesperson": 403, "admin": 403}),
    ("handoffs", "accept", {"marketer": 403, "manager": 403, "salesperson": 409, "admin": 403}),
    ("handoffs", "reject", {"marketer": 403, "manager": 403, "salesperson": 409, "admin": 403}),
    ("handoffs", "recycle", {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("handoffs", "reassign", {"marketer": 403, "manager": 409, "salesperson": 403, "admin": 403}),
    ("handoffs", "overflow", {"marketer": 403, "manager": 409, "salesperson": 403, "admin": 403}),
    ("handoffs", "undo", {"marketer": 403, "manager": 403, "salesperson": 200, "admin": 403}),
    ("handoffs", "pause", {"marketer": 400, "manager": 400, "salesperson": 400, "admin": 400}),
    ("handoffs", "resume", {"marketer": 409, "manager": 409, "salesperson": 409, "admin": 403}),
    ("contacts", "disqualify", {"marketer": 409, "manager": 403, "salesperson": 409, "admin": 403}),
    ("contacts", "merge", {"marketer": 400, "manager": 400, "salesperson": 400, "admin": 400}),
    ("contacts", "requalify", {"marketer": 409, "manager": 409, "salesperson": 403, "admin": 403}),
    # The world's person is the salesperson: everybody may see to themselves.
    ("people", "hand-over", {"marketer": 404, "manager": 400, "salesperson": 400, "admin": 400}),
    ("people", "absence", {"marketer": 404, "manager": 400, "salesperson": 400, "admin": 400}),
    ("people", "duty", {"marketer": 403, "manager": 400, "salesperson": 403, "admin": 400}),
    ("handoffs", "redirect", {"marketer": 403, "manager": 403, "salesperson": 409, "admin": 403}),
    ("contacts", "undo", {"marketer": 409, "manager": 409, "salesperson": 409, "admin": 409}),
    ("opportunities", "move", {"marketer": 400, "manager": 400, "salesperson": 400, "admin": 400}),
    ("opportunities", "satisfaction", {"marketer": 400, "manager": 400, "salesperson": 400, "admin": 400}),
    ("opportunities", "case-study", {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("opportunities", "undo", {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("opportunities", "win", {"marketer": 403, "manager": 403, "salesperson": 400, "admin": 403}),
    ("tasks", "undo", {"marketer": 403, "manager": 403, "salesperson": 200, "admin": 403}),
    ("tasks", "finish", {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("tasks", "cancel", {"marketer": 403, "manager": 409, "salesperson": 409, "admin": 403}),
    ("opportunities", "lose", {"marketer": 403, "manager": 403, "salesperson": 400, "admin": 403}),
]
ASKS = [
    ("calendars", "days", {"since": "2026-03-03", "until": "2026-03-04"}),
    ("calendars", "due", {"start": "2026-03-03T08:00:00Z", "working_seconds": 60}),
    ("calendars", "elapsed", {"start": "2026-03-03T08:00:00Z", "end": "2026-03-03T09:00:00Z"}),
]


@pytest.fixture
def callers(program, marketer, salesperson, manager, administrator):
    return {user.roles[0]: program(user) for user in (marketer, salesperson, manager, administrator)}


@pytest.fixture
def stranger(program, sales_team):
    """A salesperson of another team, to whom nothing was ever handed."""
    return program(make_stranger())


def test_every_resource_is_named_at_the_root(callers):
    assert set(callers["admin"].get("")) == set(RESOURCES)


@pytest.mark.parametrize("resource", list(RESOURCES))
def test_lists_and_rows_are_read_by_those_who_may(callers, world, resource):
    for role, caller in callers.items():
        may = role in READERS.get(resource, ALL)
        response = caller.call("get", f"{resource}/")
        assert response.status_code == (200 if may else 403), role
        if may:
            assert set(response.json()) == {"results", "next", "previous"}
            # Whose own the alert is: the salesperson's; marketers hear of reviews only.
            if not (resource == "alerts" and role == Role.MARKETER):
                assert response.json()["results"], role
        if resource in ROWS:
            is_hidden = resource == "alerts" and role == Role.MARKETER
            expected = 404 if is_hidden else 200 if may else 403
            assert caller.call("get", world.path(resource)).status_code == expected, role


@pytest.mark.parametrize("resource", [name for name in ROWS if name not in FOR_ALL and name not in READERS])
def test_a_stranger_sees_nothing_and_cannot_tell_hidden_from_absent(stranger, world, resource):
    assert stranger.get(f"{resource}/")["results"] == []
    hidden = stranger.call("get", world.path(resource))
    absent = stranger.call("get", f"{resource}/987654321/")
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content
    for method in ("patch", "delete"):
        assert stranger.call(method, world.path(resource), {}).status_code in (404, 405)


@pytest.mark.parametrize(("resource", "name"), [(name, verb) for name, verb, _who in VERBS if name not in READERS])
def test_verbs_on_what_is_hidden_find_nothing(stranger, world, resource, name):
    hidden = stranger.call("post", f"{world.path(resource)}{name}/", {})
    absent = stranger.call("post", f"{resource}/987654321/{name}/", {})
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content == absent.content


@pytest.mark.parametrize(("method", "resource", "data", "expected"), WRITES, ids=[" ".join(row[:2]) for row in WRITES])
def test_rows_are_written_by_those_who_may(callers, world, method, resource, data, expected):
    path = resource if resource.endswith("/") else world.path(resource)
    for role, caller in callers.items():
        given = {name: world.calendar.pk if name == "calendar" else value for name, value in (data or {}).items()}
        for named in {"name", "label"} & set(given):
            given[named] += f" {role}"
        assert caller.call(method, path, given).status_code == expected[role], role


@pytest.mark.parametrize(("resource", "name", "expected"), VERBS, ids=[name for _resource, name, _expected in VERBS])
def test_verbs_are_for_those_who_hold_them(callers, world, resource, name, expected):
    # Whoever may is refused for another reason, so that the world stays as it is for the next.
    for role, caller in callers.items():
        assert caller.call("post", f"{world.path(resource)}{name}/", {}).status_code == expected[role], role


@pytest.mark.parametrize(("resource", "name", "data"), ASKS)
def test_calendars_answer_everybody(callers, world, resource, name, data):
    for caller in callers.values():
        caller.post(f"{world.path(resource)}{name}/", data)


def test_a_score_explains_itself_to_those_who_see_the_contact(callers, stranger, world):
    for caller in callers.values():
        caller.get(f"{world.path('contacts')}score/")
    assert stranger.call("get", f"{world.path('contacts')}score/").status_code == 404


ALLOWED = {
    "contacts": ({"get", "post"}, {"get", "patch"}),
    "companies": ({"get", "post"}, {"get", "patch"}),
    "activities": ({"get", "post"}, {"get"}),
    "handoffs": ({"get"}, {"get"}),
    "opportunities": ({"get", "post"}, {"get", "patch"}),
    "tasks": ({"get", "post"}, {"get", "patch"}),
    "campaigns": ({"get", "post"}, {"get", "patch"}),
    "personas": ({"get", "post"}, {"get", "patch", "delete"}),
    "segments": ({"get", "post"}, {"get", "patch", "delete"}),
    "scoring-models": ({"get", "post"}, {"get", "patch", "delete"}),
    "routing-rules": ({"get", "post"}, {"get", "patch", "delete"}),
    "policies": ({"get", "post"}, {"get", "patch", "delete"}),
    "calendars": ({"get", "post"}, {"get", "patch", "delete"}),
    "timers": ({"get"}, {"get"}),
    "alerts": ({"get"}, {"get"}),
    "imports": ({"get"}, {"get"}),
    "people": ({"get"}, {"get", "patch"}),
    "outbounds": ({"get", "post"}, {"get", "patch"}),
    "webhooks": ({"get", "post"}, {"get", "patch", "delete"}),
    "reasons": ({"get", "post"}, {"get", "patch", "delete"}),
    "handover-rules": ({"get", "post"}, {"get", "patch", "delete"}),
}


@pytest.mark.parametrize("resource", list(RESOURCES))
def test_other_verbs_are_not_allowed_to_anybody(callers, world, resource):
    of_list, of_row = ALLOWED.get(resource, ({"get"}, None))
    for method in ("get", "post", "put", "patch", "delete", "options"):
        for caller in callers.values():
            if method not in of_list:
                assert caller.call(method, f"{resource}/", {}).status_code == 405, method
            if of_row is not None and method not in of_row:
                assert caller.call(method, world.path(resource), {}).status_code == 405, method
    for name in [name for owner, name, *_rest in (*VERBS, *ASKS) if owner == resource]:
        assert callers["admin"].call("get", f"{world.path(resource)}{name}/").status_code == 405, name


def test_nobody_gets_anything_without_a_key(program, world):
    nobody = program()
    paths = [f"{name}/" for name in RESOURCES] + [world.path(name) for name in ROWS]
    paths += [f"{world.path(resource)}{name}/" for resource, name, *_rest in (*VERBS, *ASKS)]
    paths += [f"{world.path('contacts')}score/", f"{world.path('handoffs')}comments/", ""]
    for path in paths:
        for method in ("get", "post", "patch", "delete", "put"):
            response = nobody.call(method, path)
            assert response.status_code == 401, (method, path)
            assert response["WWW-Authenticate"] == "Bearer"


def test_what_leads_nowhere_says_so(program, callers):
    for caller in (program(), callers["admin"]):
        for path in (
            "nothing/",
            "contacts/1/nothing/",
            "contacts/abc/",
            "contacts/-1/",
            "contacts",
            "contacts/" + "9" * 30,
        ):
            for method in ("get", "post", "delete"):
                assert caller.call(method, path).status_code == 404, path
    assert "slash" in program().call("get", f"{ROOT}contacts").json()["detail"]
