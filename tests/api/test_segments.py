"""`segments/` and `personas/`: chosen by conditions, counted, and the way to their contacts."""

import json

import pytest

from crm import flows
from tests.api.conftest import NOW

pytestmark = pytest.mark.django_db
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]


@pytest.fixture
def caller(program, marketer):
    for name, country in (("Aino", "FI"), ("Pekka", "FI"), ("Ewa", "PL")):
        flows.create_contact(actor=marketer, values={"first_name": name, "country": country}, at=NOW)
    return program(marketer)


def names(answer):
    return sorted(one["first_name"] for one in answer["results"])


@pytest.mark.parametrize("kind", ["segment", "persona"])
def test_conditions_choose_contacts_that_are_counted_and_listed(caller, kind):
    row = caller.post(f"{kind}s/", {"name": "Finland", "conditions": FINNS}, status=201)
    assert (row["contact_count"], row["conditions"]) == (2, FINNS)
    assert names(caller.get("contacts/", **{kind: row["id"]})) == ["Aino", "Pekka"]
    assert caller.get(f"{kind}s/", name="finland")["results"] == [row]
    wrong = caller.call("post", f"{kind}s/", {"name": "x", "conditions": [{"field": "shoe", "op": "equals"}]})
    assert wrong.status_code == 400 and "conditions" in wrong.json()["errors"]
    assert caller.call("post", f"{kind}s/", {"name": "x", "conditions": []}).status_code == 400


def test_a_changed_persona_is_its_next_version(caller):
    first = caller.post("personas/", {"name": "Finn", "conditions": FINNS}, status=201)
    poles = [{"field": "country", "op": "equals", "value": "PL"}]
    second = caller.patch(f"personas/{first['id']}/", {"conditions": poles})
    assert (second["version"], second["is_active"], second["contact_count"]) == (2, True, 1)
    assert caller.get(f"personas/{first['id']}/")["is_active"] is False
    assert caller.call("patch", f"personas/{first['id']}/", {"conditions": FINNS}).status_code == 409
    assert [one["id"] for one in caller.get("personas/", is_active="true")["results"]] == [second["id"]]
    assert caller.call("delete", f"personas/{second['id']}/").status_code == 204
    assert caller.get(f"personas/{second['id']}/")["is_active"] is False


def test_contacts_are_listed_by_conditions_of_ones_own(caller):
    assert names(caller.get("contacts/", where=json.dumps(FINNS))) == ["Aino", "Pekka"]
    for wrong in ("FI", "[1]", json.dumps([{"field": "shoe", "op": "is_set"}])):
        assert caller.call("get", "contacts/", query_params={"where": wrong}).status_code == 400
