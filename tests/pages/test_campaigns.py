"""Campaigns: what they cost and whom they brought."""

import re
from decimal import Decimal

import pytest
from django.utils.html import strip_tags

from crm import flows
from leads.models import Campaign, Source
from tests.pages.sales_work import DAY, TUESDAY, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


def click(name: str, *, campaign: str, at) -> None:
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="email_click",
                occurred_at=at,
                contact=flows.ContactIn(email=f"{name}@firm.example"),
                campaign=campaign,
            )
        ],
        by=None,
        actor=None,
        at=at,
    )


def test_a_campaign_counts_touches_contacts_and_the_handoffs_that_came_after(client):
    click("eva", campaign="Autumn mailing", at=TUESDAY - 3 * DAY)
    click("eva", campaign="Autumn mailing", at=TUESDAY - 2 * DAY)
    ask("eva", at=TUESDAY - DAY)
    ask("before", at=TUESDAY - 3 * DAY)
    click("before", campaign="Autumn mailing", at=TUESDAY - DAY)
    campaign = Campaign.objects.get()
    page = client.get("/campaigns/")
    assert re.findall(r'class="count[^"]*" href="([^"]+)">(\d+)<', page.content.decode())[:2] == [
        (f"/contacts/?campaign={campaign.pk}", "2"),
        (f"/handoffs/?campaign={campaign.pk}", "1"),
    ]
    assert "2 contacts met it, 3 times; 1 handoff came after it." in words(client.get(f"/campaigns/{campaign.pk}/"))
    listed = client.get(f"/handoffs/?campaign={campaign.pk}").content.decode()
    assert "eva@firm.example" in listed and "Before Novak" not in listed


def test_an_empty_list_leads_to_the_first(client):
    assert "There is no campaign yet." in words(client.get("/campaigns/"))


TYPED = {
    "name": "Trade fair",
    "cost": "1200.50",
    "currency": "eur",
    "start_date": "2026-09-01",
    "end_date": "2026-09-03",
}


def test_a_campaign_is_planned_and_changed(client):
    source = Source.objects.get(code="trade_fair")
    answer = client.post("/campaigns/new/", TYPED | {"source": source.pk})
    campaign = Campaign.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/campaigns/{campaign.pk}/")
    assert (campaign.cost, campaign.currency, campaign.source) == (Decimal("1200.50"), "EUR", source)
    page = client.get(f"/campaigns/{campaign.pk}/edit/").content.decode()
    assert 'value="2026-09-01"' in page
    client.post(f"/campaigns/{campaign.pk}/edit/", TYPED | {"cost": ""})
    campaign.refresh_from_db()
    assert (campaign.cost, campaign.source) == (None, None)
    assert "Not known" in words(client.get(f"/campaigns/{campaign.pk}/"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"cost": "-1"}, "A cost is not below zero."),
        ({"end_date": "2026-08-01"}, "The campaign ends before it starts."),
        ({"currency": "€"}, "three letters"),
        ({"name": "Known"}, "already"),
    ],
)
def test_bad_input_changes_nothing_and_stays(client, typed, said):
    Campaign.objects.create(name="Known", created_at=TUESDAY)
    answer = client.post("/campaigns/new/", TYPED | typed)
    assert answer.status_code == 422
    assert said in words(answer)
    assert 'value="2026-09-01"' in answer.content.decode()
    assert Campaign.objects.count() == 1


def test_salespeople_keep_out_and_others_find_what_is_there(browsing, salesperson, manager, client):
    campaign = Campaign.objects.create(name="Known", created_at=TUESDAY)
    paths = ("/campaigns/", "/campaigns/new/", f"/campaigns/{campaign.pk}/", f"/campaigns/{campaign.pk}/edit/")
    for path in paths:
        assert browsing(salesperson).get(path).status_code == 403
        assert browsing(manager).get(path).status_code == 200
    assert browsing(salesperson).post("/campaigns/new/", TYPED).status_code == 403
    assert client.get("/campaigns/4711/").status_code == 404
    assert client.post("/campaigns/4711/edit/", TYPED).status_code == 404
    assert client.post("/campaigns/").status_code == 405
    assert client.delete(f"/campaigns/{campaign.pk}/edit/").status_code == 405
