"""The page on which what somebody holds is handed over, and the same by the API."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import ApiKey, Departure, User
from leads.models import Handoff
from sla.models import Timer
from tests.pages.sales_work import HTMX, TUESDAY, bring_to
from tests.pages.test_people import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def held(marketer, salesperson, other_salesperson):
    def bring(name, state):
        company = f"{name.title()} Oy"
        return bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=name, company=company)

    return [bring(name, state) for name, state in [("one", "offered"), ("two", "offered"), ("tea", "accepted")]]


@pytest.fixture
def address(salesperson):
    return f"/people/{salesperson.pk}/hand-over/?why=leave"


def seen_on(page) -> str:
    return re.search(r'name="seen" value="(\w+)"', page.content.decode())[1]


def test_the_page_says_who_gets_how_many_and_one_button_does_it(
    held, address, browsing, administrator, salesperson, other_salesperson
):
    client = browsing(administrator)
    page = client.get(address)
    said = words(page)
    assert "Leads to be answered 2" in said and "Leads in work 1" in said
    assert "Who gets these: Leads to be answered" in said and "Who gets these: Leads in work" in said
    assert "Otto Other 3 3 of 8" in said
    answer = client.post(address, {"seen": seen_on(page), "offered": other_salesperson.email})
    assert (answer.status_code, answer["Location"]) == (303, "/settings/people/")
    assert "Sam Seller is not active any more. Handed over: 3, to 1 people." in words(client.get("/settings/people/"))
    assert set(Handoff.objects.values_list("assignee", flat=True)) == {other_salesperson.pk}


def test_a_preview_follows_what_is_chosen_and_writes_nothing(held, address, browsing, administrator, other_salesperson):
    User.objects.filter(pk=other_salesperson.pk).update(capacity=1)
    client = browsing(administrator)
    chosen = {"act": "preview", "offered": "route", "in_work": "route"}
    answer = client.post(address, chosen, **HTMX)
    assert answer.status_code == 200
    assert "1 finds nobody with room: it waits for capacity" in words(answer)
    assert "1 in work finds nobody with room" in words(answer)
    answer = client.post(address, chosen | {f"in_work-{held[2].pk}": other_salesperson.email}, **HTMX)
    assert "Otto Other 1 1 of 1" in words(answer) and "2 find nobody with room" in words(answer)
    answer = client.post(address, chosen | {"in_work": other_salesperson.email, "offered": other_salesperson.email})
    assert "Otto Other 3 3 of 1 beyond capacity, as an exception" in words(answer)
    assert not Departure.objects.exists()


def test_what_cannot_be_done_is_said_and_what_was_chosen_stays(
    held, address, browsing, administrator, salesperson, other_salesperson
):
    User.objects.filter(pk=other_salesperson.pk).update(is_on_duty=False)
    client = browsing(administrator)
    answer = client.post(address, {"offered": "route", "in_work": "route"})
    assert answer.status_code == 422
    assert "Nobody on duty has room for Tea Novak." in words(answer)
    assert client.post(address, {"offered": other_salesperson.email}).status_code == 422
    assert User.objects.get(pk=salesperson.pk).is_active


def test_who_comes_second_is_told(held, address, browsing, administrator, salesperson):
    client = browsing(administrator)
    seen = seen_on(client.get(address))
    Handoff.objects.filter(pk=held[0].pk)
    second = User.objects.create_user("sue@baton.example", name="Sue Second", roles=("admin",))
    assert browsing(second).post(address, {"seen": seen}).status_code == 303
    answer = client.post(address, {"seen": "", "offered": "route"}, follow=True)
    assert "Sue Second has handed over what Sam Seller held already." in words(answer)
    assert Departure.objects.count() == 1


def test_who_is_away_is_asked_what_stays(held, browsing, manager, salesperson):
    address = f"/people/{salesperson.pk}/hand-over/?why=away"
    client = browsing(manager)
    assert "Stays with Sam Seller" in client.get(address).content.decode()
    stays = {"offered": "keep", "in_work": "keep"}
    assert "Say from which day to which Sam Seller is away." in words(client.post(address, stays))
    days = {"away_from": "2026-11-17", "away_until": "2026-11-19"}
    refused = client.post(address, days)
    assert refused.status_code == 422
    assert "Say what becomes of these: Leads to be answered (2), Leads in work (1)." in words(refused)
    assert 'value="2026-11-19"' in refused.content.decode() and not Departure.objects.exists()
    said = words(client.post(address, days | stays | {"act": "preview"}, **HTMX))
    assert "3 stay as they are." in said and "fall due while nobody is there." in said and "One Novak" in said
    answer = client.post(address, days | stays)
    assert (answer.status_code, answer["Location"]) == (303, "/sla/unnoticed/")
    assert User.objects.get(pk=salesperson.pk).is_away(TUESDAY)
    assert Handoff.objects.filter(assignee=salesperson).count() == 3
    assert "Sam Seller is back: forget these days" in words(client.get(address))
    assert "Sam Seller is back." in words(client.post(address, {"act": "back"}, follow=True))
    assert User.objects.get(pk=salesperson.pk).days_away(TUESDAY) is None


def test_ones_own_absence_leads_here(held, browsing, salesperson):
    client = browsing(salesperson)
    page = client.get("/my-settings/").content.decode()
    boxes = dict.fromkeys(re.findall(r'name="((?:bell|email)_\w+)"', page), "on")
    given = boxes | {
        "language": "en",
        "time_zone": "UTC",
        "away_from": "2026-11-17",
        "away_until": "2026-11-18",
        "quiet_from": "22:00",
        "quiet_until": "06:00",
    }
    answer = client.post("/my-settings/", given)
    days = "away_from=2026-11-17&away_until=2026-11-18"
    assert answer["Location"] == f"/people/{salesperson.pk}/hand-over/?why=away&{days}"
    salesperson.refresh_from_db()
    # The days are saved along with the choice, all else at once.
    assert (salesperson.away_from, salesperson.quiet_from.hour) == (None, 22)
    page = client.get(answer["Location"]).content.decode()
    assert 'value="2026-11-18"' in page and "3 are still to be decided" in page
    choice = {"away_from": "2026-11-17", "away_until": "2026-11-18", "offered": "route", "in_work": "keep"}
    assert client.post(answer["Location"], choice)["Location"] == "/my-settings/"
    assert User.objects.get(pk=salesperson.pk).is_away(TUESDAY)
    assert Handoff.objects.filter(assignee=salesperson).get() == held[2]
    # Saved once more, nothing is asked again.
    assert client.post("/my-settings/", given)["Location"] == "/my-settings/"


def test_going_off_duty_leads_here_too(held, browsing, administrator, salesperson):
    form = {"name": "Sam Seller", "email": salesperson.email, "roles": ["salesperson"], "capacity": "8"}
    form |= {"time_zone": "UTC", "language": "en", "is_active": "on"}
    answer = browsing(administrator).post(f"/settings/people/{salesperson.pk}/", form)
    assert answer["Location"] == f"/people/{salesperson.pk}/hand-over/?why=off_duty"
    salesperson.refresh_from_db()
    assert salesperson.is_on_duty


def test_it_takes_a_constant_number_of_queries(held, address, browsing, administrator, marketer, salesperson):
    client = browsing(administrator)
    client.get(address)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    for number in range(5):
        name = f"more{number}"
        bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name=name, company=f"{name} Oy")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 25


def test_wrong_ways_in(held, browsing, administrator, salesperson, other_salesperson, manager):
    assert browsing(administrator).get("/people/4711/hand-over/").status_code == 404
    assert browsing(administrator).get(f"/people/{salesperson.pk}/hand-over/?why=nothing").status_code == 404
    assert browsing(other_salesperson).post(f"/people/{salesperson.pk}/hand-over/?why=away").status_code == 404
    assert browsing(manager).post(f"/people/{salesperson.pk}/hand-over/?why=leave").status_code == 403
    assert browsing(administrator).put(f"/people/{salesperson.pk}/hand-over/").status_code == 405


def calling(client, caller, salesperson):
    """What posts to the address of a person for the caller, and the caller's key."""
    _key, secret = ApiKey.objects.issue(user=caller)

    def post(path, body, method="post"):
        return getattr(client, method)(
            f"/api/v1/people/{salesperson.pk}/{path}/".replace("//", "/"),
            body,
            content_type="application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )

    return post, secret


def test_by_the_api_nobody_is_away_before_it_is_said_what_becomes_of_it(
    held, client, administrator, manager, salesperson, other_salesperson
):
    way = f"/api/v1/people/{salesperson.pk}/hand-over/"
    days = {"away_from": "2026-11-17", "away_until": "2026-11-18"}
    own, _key = calling(client, salesperson, salesperson)
    managing, _key = calling(client, manager, salesperson)
    administering, _key = calling(client, administrator, salesperson)
    for answer in (
        own("absence", days),
        managing("absence", days),
        managing("duty", {"is_on_duty": False}),
        administering("", {"is_on_duty": False}, "patch"),
        administering("", {"is_active": False}, "patch"),
        administering("", {"roles": ["marketer"]}, "patch"),
    ):
        assert (answer.status_code, answer.json()["way"]) == (409, way)
        assert "Sam Seller still holds 3 things" in answer.json()["detail"]
    undecided = own("hand-over", {"why": "away", **days})
    assert undecided.status_code == 400 and "Say what becomes of these" in undecided.json()["detail"]
    choice = {"why": "away", **days, "groups": {"offered": other_salesperson.email, "in_work": "keep"}}
    (kept,) = (one for one in own("hand-over/preview", choice).json()["items"] if one["becomes"] == "kept")
    due = Timer.objects.open().get(handoff=held[2], milestone="contact").due_at
    assert dt.datetime.fromisoformat(kept["due_at"]) == due
    made = own("hand-over", choice).json()
    assert ([row["to"] for row in made["moved"]], made["kept"][0]["key"]) == (
        [other_salesperson.email] * 2,
        f"in_work-{held[2].pk}",
    )
    assert own("absence", {"away_from": None, "away_until": None}).json()["away_from"] is None
    stranger, _key = calling(client, other_salesperson, salesperson)
    assert stranger("absence", days).status_code == stranger("hand-over", choice).status_code == 404
    assert own("duty", {"is_on_duty": False}).status_code == 403
    assert managing("", {"capacity": 3}, "patch").status_code == 403
    assert administering("", {"capacity": 3, "team": None}, "patch").json()["capacity"] == 3
    assert administering("", {"team": "Nowhere"}, "patch").status_code == 400
    assert managing("absence", {"away_from": "2026-11-17", "away_until": None}).status_code == 400


def test_the_same_by_the_api(held, client, administrator, salesperson, other_salesperson):
    post, secret = calling(client, administrator, salesperson)
    order = {"why": "leave", "groups": {"offered": other_salesperson.email}}
    proposal = post("hand-over/preview", order).json()
    assert [(item["group"], item["to"], item["becomes"]) for item in proposal["items"]] == [
        ("offered", other_salesperson.email, "given"),
        ("offered", other_salesperson.email, "given"),
        ("in_work", other_salesperson.email, "given"),
    ]
    assert post("hand-over", {"why": "leave", "groups": {"nothing": "route"}}).status_code == 400
    assert post("hand-over", {"why": "leave", "groups": {"offered": "keep"}}).status_code == 400
    assert post("hand-over", order | {"seen": "0" * 16}).status_code == 409
    made = post("hand-over", order | {"seen": proposal["seen"]}).json()
    assert (made["person"], made["actor"], len(made["moved"])) == (salesperson.email, administrator.email, 3)
    assert post("hand-over", order).json()["id"] == made["id"]
    row = client.get("/api/v1/people/?is_active=false", headers={"Authorization": f"Bearer {secret}"}).json()["results"]
    assert [(one["email"], one["open_handoffs"]) for one in row] == [(salesperson.email, 0)]
