"""A marketer's day by the API: a queue of thirty, cleared without a page."""

import pytest

from crm.models import User
from leads.models import Contact, Handoff
from tests.api.conftest import activities

pytestmark = pytest.mark.django_db
THIRTY = 30


def test_a_queue_of_thirty_is_cleared_by_the_api(program, marketer, salesperson, other_salesperson):
    User.objects.update(capacity=THIRTY)
    caller = program(marketer)
    items = [one for number in range(THIRTY) for one in activities(f"lead{number}@firm{number}.example")]
    assert caller.post("activities/", items)["created"] == len(items)
    twin = caller.post("contacts/", {"email": "twin@elsewhere.example", "last_name": "Twin"}, status=201)

    queue = caller.get("handoffs/", state="in_review", page_size=100)["results"]
    assert len(queue) == THIRTY
    queue.sort(key=lambda one: one["id"])
    returned, disqualified, merged, undone, named, *rest = queue

    reason = caller.get("reasons/", kind="return")["results"][0]["code"]
    caller.post(f"handoffs/{returned['id']}/return/", {"reason": reason, "comment": "Wants a brochure."})
    assert caller.call("post", f"handoffs/{returned['id']}/return/", {"reason": reason}).status_code == 409
    why = caller.get("reasons/", kind="disqualify")["results"][0]["code"]
    caller.post(f"contacts/{disqualified['contact']}/disqualify/", {"reason": why})
    caller.post(f"contacts/{merged['contact']}/merge/", {"contact": twin["id"]})
    caller.post(f"handoffs/{undone['id']}/return/", {"reason": reason})
    caller.post(f"handoffs/{undone['id']}/undo/")
    caller.post(f"handoffs/{named['id']}/approve/", {"assignee": other_salesperson.email})
    for one in (merged, undone, *rest):
        caller.post(f"handoffs/{one['id']}/approve/", {"assignee": None})

    assert caller.get("handoffs/", state="in_review")["results"] == []
    states = list(Handoff.objects.values_list("state", flat=True))
    assert {state: states.count(state) for state in set(states)} == {"offered": 28, "returned": 1, "closed": 1}
    assert Handoff.objects.get(id=named["id"]).assignee == other_salesperson
    shares = [Handoff.objects.filter(state="offered", assignee=one).count() for one in (salesperson, other_salesperson)]
    assert sum(shares) == 28 and max(shares) - min(shares) <= 2
    assert Contact.objects.filter(is_disqualified=True).count() == 1
    assert caller.get(f"handoffs/{returned['id']}/")["comment"] == "Wants a brochure."
