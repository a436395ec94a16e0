"""`routing-rules/`."""

import pytest

from crm import flows
from leads.models import Contact, RoutingRule
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]


@pytest.fixture
def managing(program, manager):
    return program(manager)


def test_a_rule_is_made_changed_and_removed(managing, salesperson, other_salesperson):
    given = {
        "name": "Finland",
        "conditions": FINNS,
        "team": "Field sales",
        "people": [{"person": salesperson.email, "weight": 2}],
        "otherwise": "wait",
    }
    made = managing.post("routing-rules/", given, status=201)
    assert made == {"id": made["id"], "position": 0, "active": True, "rotation": None, **given}
    first = managing.post("routing-rules/", {"name": "All", "people": [{"person": salesperson.email}]}, status=201)
    assert (first["position"], first["people"][0]["weight"], first["otherwise"]) == (-1, 1, "next")
    assert [one["id"] for one in managing.get("routing-rules/", active="true")["results"]] == [made["id"], first["id"]]
    changed = managing.patch(f"routing-rules/{made['id']}/", {"team": None, "active": False, "position": 7})
    assert (changed["team"], changed["active"], changed["position"]) == (None, False, 7)
    assert changed["people"] == given["people"]
    assert managing.call("delete", f"routing-rules/{made['id']}/").status_code == 204
    assert [one.name for one in RoutingRule.objects.all()] == ["All"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"team": "Nowhere"}, "team"),
        ({"team": None, "people": []}, "weights"),
        ({"people": [{"person": "nobody@firm.example"}]}, "people"),
        ({"people": [{"person": "sam.seller@baton.example", "weight": 11}]}, "people"),
        ({"conditions": [{"field": "shoe", "op": "gt", "value": 1}]}, "conditions"),
        ({"otherwise": "never"}, "otherwise"),
        ({"name": ""}, "name"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(managing, salesperson, wrong, field):
    answer = managing.call("post", "routing-rules/", {"name": "All", "team": "Field sales"} | wrong)
    assert answer.status_code == 400 and field in answer.json()["errors"]
    assert not RoutingRule.objects.exists()


def test_the_turns_of_each_person_and_who_would_be_next_are_told(
    program, managing, marketer, salesperson, other_salesperson
):
    people = [{"person": one.email, "weight": 1} for one in (other_salesperson, salesperson)]
    rule = managing.post("routing-rules/", {"name": "Both", "people": people}, status=201)
    handoff = cross()
    asked = managing.post("routing-rules/who/", {"contact": handoff.contact_id})
    assert asked["handoff"] == handoff.pk and asked["because"] == "Both: next in the rotation; 0 of 8 open"
    assert [step["step"] for step in asked["steps"]] == ["rule", "everybody"]
    assert [step["decides"] for step in asked["steps"]] == [True, False]
    assert {one["person"] for one in asked["steps"][0]["people"]} == {salesperson.email, other_salesperson.email}
    done = flows.approve(actor=marketer, handoff_id=handoff.pk, at=NOW)
    assert done.assignee.email == asked["assignee"]
    rotation = managing.get(f"routing-rules/{rule['id']}/")["rotation"]
    assert {one["person"]: one["given"] for one in rotation["shares"]}[asked["assignee"]] == 1
    assert managing.call("delete", f"routing-rules/{rule['id']}/").status_code == 409
    assert program(salesperson).call("post", "routing-rules/who/", {"contact": handoff.contact_id}).status_code == 403
    assert program(marketer).call("post", "routing-rules/who/", {"contact": 999_999}).status_code == 404
    assert managing.call("post", "routing-rules/who/", {}).status_code == 400
    assert Contact.objects.count() == 1
