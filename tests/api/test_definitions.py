"""`reasons/`: what answers are given with, kept by managers."""

import pytest

from crm import flows
from tests.api.conftest import NOW, cross

pytestmark = pytest.mark.django_db


def test_a_reason_is_added_renamed_moved_retired_and_removed_while_it_was_never_given(program, manager):
    caller = program(manager)
    made = caller.post("reasons/", {"kind": "won", "label": "A friend's word"}, status=201)
    assert (made["code"], made["description"], made["is_retired"]) == ("a_friends_word", "", False)
    codes = [one["code"] for one in caller.get("reasons/", kind="won")["results"]]
    assert set(codes) == {"best_fit", "price", "service", "recommended", "a_friends_word"}
    moved = caller.post(f"reasons/{made['id']}/shift/", {"to": "up"})
    assert moved["position"] == made["position"] - 1
    changed = caller.patch(f"reasons/{made['id']}/", {"label": "Word of mouth", "is_retired": True})
    assert (changed["label"], changed["code"], changed["is_retired"]) == ("Word of mouth", "a_friends_word", True)
    assert made["id"] not in [one["id"] for one in caller.get("reasons/", kind="won")["results"]]
    assert [one["id"] for one in caller.get("reasons/", is_retired="true")["results"]] == [made["id"]]
    assert caller.call("delete", f"reasons/{made['id']}/").status_code == 204


def test_what_cannot_be_is_refused_with_the_field(program, manager, world):
    caller = program(manager)
    for data, field in (
        ({"kind": "won"}, "label"),
        ({"kind": "merge", "label": "x"}, "kind"),
        ({"kind": "won", "label": "PRICE"}, "label"),
    ):
        answer = caller.call("post", "reasons/", data)
        assert answer.status_code == 400 and field in answer.json()["errors"], data
    assert caller.call("post", f"{world.path('reasons')}shift/", {"to": "left"}).status_code == 400


def test_a_reason_that_was_given_stays(program, manager, salesperson, world):
    flows.win_opportunity(actor=salesperson, opportunity_id=world.opportunity.pk, reason="price", at=NOW)
    caller = program(manager)
    given = next(one for one in caller.get("reasons/", kind="won")["results"] if one["code"] == "price")
    assert caller.call("delete", f"reasons/{given['id']}/").status_code == 409
    assert caller.patch(f"reasons/{given['id']}/", {"is_retired": True})["is_retired"] is True


def test_a_rule_passes_leads_straight_on_and_says_which(program, manager, salesperson):
    caller = program(manager)
    rule = caller.post("handover-rules/", {"name": "All", "is_straight": True, "conditions": []}, status=201)
    assert (rule["is_straight"], rule["active"], rule["conditions"]) == (True, True, [])
    contact = caller.post("contacts/", {"email": "new@firm.example"}, status=201)
    told = caller.post("handover-rules/which/", {"contact": contact["id"]})
    assert told == {
        "is_straight": True,
        "assignee": salesperson.email,
        "rules": [{"rule": rule["id"], "fits": True, "decides": True}],
    }
    handoff = cross("new@firm.example")
    assert caller.get(f"handoffs/{handoff.pk}/")["straight_by"] == rule["id"]
    assert [one["id"] for one in caller.get("handoffs/", straight_by=rule["id"])["results"]] == [handoff.pk]
    assert caller.call("delete", f"handover-rules/{rule['id']}/").status_code == 409
    assert caller.patch(f"handover-rules/{rule['id']}/", {"active": False})["active"] is False
    told = caller.post("handover-rules/which/", {"contact": contact["id"]})
    assert told == {"is_straight": False, "assignee": None, "rules": []}
    wrong = caller.call("post", "handover-rules/", {"name": "x", "conditions": [{"field": "shoe", "op": "is_set"}]})
    assert wrong.status_code == 400 and "conditions" in wrong.json()["errors"]
    assert program(salesperson).call("post", "handover-rules/which/", {"contact": 999}).status_code == 404


def test_words_are_read_by_all_and_written_over_nobody(program, manager, marketer):
    caller = program(manager)
    before = {one["word"]: one for one in program(marketer).get("definitions/")["results"]}
    assert list(before) == ["subscriber", "lead", "mql", "sql", "opportunity", "customer", "hot", "cold"]
    assert (before["sql"]["version"], before["sql"]["actor"], before["sql"]["at"]) == (0, None, None)
    written = caller.patch("definitions/sql/", {"text": "Talks to us.", "version": 0})
    assert (written["text"], written["version"], written["actor"]) == ("Talks to us.", 1, manager.email)
    assert program(marketer).get("definitions/sql/") == written
    assert caller.call("patch", "definitions/sql/", {"text": "Other.", "version": 0}).status_code == 409
    assert caller.call("patch", "definitions/sql/", {"text": "", "version": 1}).status_code == 400
    assert caller.call("patch", "definitions/shoe/", {"text": "x", "version": 0}).status_code == 404
    assert [caller.call("get", f"definitions/{word}/").status_code for word in ("shoe", "SQL", "1")] == [404] * 3
    assert program(marketer).call("patch", "definitions/sql/", {"text": "x", "version": 1}).status_code == 403
