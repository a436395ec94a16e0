"""The pages of outbound, and the same by the API."""

import pytest
from django.utils import timezone

from crm import flows
from crm.errors import Invalid
from crm.flows import outbounds
from crm.models import ApiKey
from leads.models import Campaign, Outbound, Segment
from sla.models import Calendar
from tests.pages.test_people import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def typed(marketer):
    now = timezone.now()
    for number in range(3):
        values = {"email": f"c{number}@firm.example", "country": "FI", "last_name": f"Finn {number}"}
        flows.create_contact(actor=marketer, values=values, at=now)
    conditions = [{"field": "country", "op": "equals", "value": "FI"}]
    segment = Segment.objects.create(name="Finland", conditions=conditions, created_at=now)
    return {
        "name": "Spring calls",
        "segment": segment.pk,
        "campaign": Campaign.objects.create(name="Spring", created_at=now).pk,
        "then": "review",
        "per_day": "2",
        "calendar": Calendar.objects.get(always_open=True).pk,
    }


def test_it_is_set_up_seen_and_started(typed, browsing, marketer):
    client = browsing(marketer)
    assert "There is no outbound yet." in words(client.get("/campaigns/outbound/"))
    answer = client.post("/campaigns/outbound/new/", typed)
    assert answer.status_code == 303
    page = client.get(answer["Location"])
    assert "Paused. 0 taken, 3 to come: 2 working days." in words(page)
    assert "Finn 0" in words(page)
    done = client.post(f"{answer['Location']}state/", {"state": "running"}, follow=True)
    assert "Spring calls runs" in words(done)
    outbounds.take_due(at=timezone.now())
    assert "Running. 2 taken, 1 to come: 1 working day." in words(client.get(answer["Location"]))
    assert "Spring calls Running Spring 2 2 1 1" in words(client.get("/campaigns/outbound/"))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"segment": ""}, "Choose a segment, a date that comes near, or both."),
        ({"date_attribute": "contract_ends"}, "Say how many days before the date."),
        ({"date_attribute": "a b", "within_days": "3"}, "Letters, digits and underscores"),
        ({"per_day": "0"}, "greater than or equal to 1"),
        ({"campaign": ""}, "This field is required."),
    ],
)
def test_bad_input_is_refused_and_stays(typed, browsing, marketer, changed, said):
    answer = browsing(marketer).post("/campaigns/outbound/new/", typed | changed)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "Spring calls" in answer.content.decode()
    assert not Outbound.objects.exists()


def test_who_may_come_here(typed, browsing, marketer, manager, salesperson, administrator):
    address = browsing(marketer).post("/campaigns/outbound/new/", typed)["Location"]
    for user, reading, setting in ((manager, 200, 200), (administrator, 200, 403), (salesperson, 403, 403)):
        client = browsing(user)
        assert client.get("/campaigns/outbound/").status_code == reading
        assert client.get(address).status_code == reading
        assert client.get("/campaigns/outbound/new/").status_code == setting
    assert browsing(salesperson).post(f"{address}state/", {"state": "running"}).status_code == 403
    client = browsing(marketer)
    assert client.get("/campaigns/outbound/4711/").status_code == 404
    assert client.post(f"{address}state/", {"state": "nothing"}).status_code == 404
    assert client.get(f"{address}state/").status_code == 405


def test_before_it_took_anybody_all_of_it_may_be_changed(typed, browsing, marketer):
    client = browsing(marketer)
    address = client.post("/campaigns/outbound/new/", typed)["Location"]
    page = client.get(f"{address}edit/")
    assert page.status_code == 200 and "It took nobody yet" in words(page)
    nordic = [{"field": "country", "op": "in", "value": ["FI", "SE"]}]
    nordics = Segment.objects.create(name="Nordics", conditions=nordic, created_at=timezone.now())
    answer = client.post(f"{address}edit/", typed | {"name": "Summer calls", "segment": nordics.pk, "then": "lead"})
    assert (answer.status_code, answer["Location"]) == (303, address)
    changed = Outbound.objects.get()
    assert (changed.name, changed.segment, changed.then, changed.state) == ("Summer calls", nordics, "lead", "paused")


def test_once_it_took_somebody_only_how_many_and_what_it_is_called_changes(typed, browsing, marketer):
    client = browsing(marketer)
    address = client.post("/campaigns/outbound/new/", typed | {"per_day": "1"})["Location"]
    client.post(f"{address}state/", {"state": "running"})
    assert outbounds.take_due(at=timezone.now()) == 1
    assert outbounds.take_due(at=timezone.now()) == 0
    other = Campaign.objects.create(name="Other", created_at=timezone.now())
    values = typed | {"name": "Calls", "per_day": "3", "campaign": other.pk}
    assert client.post(f"{address}edit/", values).status_code == 303
    changed = Outbound.objects.get()
    assert (changed.name, changed.per_day, changed.campaign.name) == ("Calls", 3, "Spring")
    assert outbounds.take_due(at=timezone.now()) == 2
    with pytest.raises(Invalid, match="this stays"):
        outbounds.edit_outbound(actor=marketer, outbound_id=changed.pk, values={"campaign": other}, at=timezone.now())


def test_a_change_that_cannot_be_is_refused_and_stays(typed, browsing, marketer, manager, administrator, salesperson):
    client = browsing(marketer)
    address = client.post("/campaigns/outbound/new/", typed)["Location"]
    client.post("/campaigns/outbound/new/", typed | {"name": "Other calls"})
    for changed, said in (
        ({"name": "Other calls"}, "There is an outbound of this name already."),
        ({"per_day": "0"}, "greater than or equal to 1"),
        ({"segment": ""}, "Choose a segment, a date that comes near, or both."),
    ):
        answer = client.post(f"{address}edit/", typed | changed)
        assert answer.status_code == 422
        assert said in words(answer)
    for user, status in ((manager, 200), (administrator, 403), (salesperson, 403)):
        assert browsing(user).get(f"{address}edit/").status_code == status
    client.post(f"{address}state/", {"state": "ended"})
    assert f"{address}edit/" not in client.get(address).content.decode()
    answer = client.post(f"{address}edit/", typed | {"name": "Again"})
    assert answer.status_code == 409
    assert "Spring calls has ended." in words(answer)


def test_the_same_by_the_api(typed, client, marketer):
    headers = {"Authorization": f"Bearer {ApiKey.objects.issue(user=marketer)[1]}"}
    given = {"name": "By program", "segment": "Finland", "campaign": "Spring", "calendar": "Always open", "per_day": 2}
    made = client.post("/api/v1/outbounds/", given, content_type="application/json", headers=headers)
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["state"], row["waiting_count"], row["days_left"], row["taken_count"]) == ("paused", 3, 2, 0)
    path = f"/api/v1/outbounds/{row['id']}/"
    changed = client.patch(path, {"per_day": 3}, content_type="application/json", headers=headers)
    assert (changed.status_code, changed.json()["per_day"], changed.json()["days_left"]) == (200, 3, 1)
    for verb, state in (("start", "running"), ("pause", "paused"), ("end", "ended")):
        answer = client.post(f"/api/v1/outbounds/{row['id']}/{verb}/", headers=headers)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert client.post(f"/api/v1/outbounds/{row['id']}/start/", headers=headers).status_code == 409
    wrong = client.post(
        "/api/v1/outbounds/", given | {"segment": "Nowhere"}, content_type="application/json", headers=headers
    )
    assert wrong.status_code == 400
    listed = client.get("/api/v1/outbounds/?state=ended", headers=headers).json()["results"]
    assert [one["id"] for one in listed] == [row["id"]]
