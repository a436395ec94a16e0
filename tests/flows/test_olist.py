"""A real funnel, taken through the product: 8,000 contacts of an online marketplace and the 665 who became sellers.

The data set is public (Marketing Funnel by Olist, CC BY-NC-SA 4.0) and stays outside the repository.
"""

import collections
import csv
import datetime as dt
import gzip
import io
import statistics
from decimal import Decimal

import pytest

from crm import flows
from crm.models import Role, User
from crm.queries import funnel
from leads.models import Contact, Handoff, Opportunity, StageChange, Touch
from sla.models import Timer
from tests.outside import DATA, needs

FOLDER = DATA / "olist_funnel"
IMPORTED_AT = dt.datetime(2018, 6, 15, 9, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)

pytestmark = [pytest.mark.django_db, needs("olist_funnel")]


def rows_of(name: str) -> list[dict[str, str]]:
    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def address(mql_id: str) -> str:
    return f"{mql_id}@olist.example"


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.fixture
def leads() -> list[dict[str, str]]:
    return rows_of("olist_marketing_qualified_leads_dataset.csv.gz")


@pytest.fixture
def deals() -> list[dict[str, str]]:
    return rows_of("olist_closed_deals_until_2018-05.csv.gz")


@pytest.fixture
def sellers(deals) -> dict[str, User]:
    """The sales representatives of the file."""
    return {
        code: User.objects.create_user(f"{code}@baton.example", name=code[:8], roles=(Role.SALESPERSON,), capacity=999)
        for code in sorted({deal["sr_id"] for deal in deals})
    }


def as_csv(leads) -> io.BytesIO:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Email", "Origin", "First contact date", "Landing page"])
    for lead in leads:
        writer.writerow([address(lead["mql_id"]), lead["origin"], lead["first_contact_date"], lead["landing_page_id"]])
    return io.BytesIO(text.getvalue().encode())


def ask_for_contact(by_day: dict[dt.datetime, list[str]]) -> None:
    """On their day each of these asked to be contacted: an activity that promotes at once."""
    for at, emails in sorted(by_day.items()):
        flows.record_activities(
            activities=[
                flows.ActivityIn(
                    type="demo_request",
                    occurred_at=at,
                    external_id=email,
                    source="olist",
                    contact=flows.ContactIn(email=email),
                )
                for email in emails
            ],
            by=None,
            actor=None,
            at=at,
        )


def win(handoff_id: int, deal: dict[str, str], *, asked_at: dt.datetime, seller: User, marketer: User) -> None:
    """Approve, accept, offer, win; the last at the date of the file."""
    won_at = instant(deal["won_date"])
    step = min((won_at - asked_at) / 4, HOUR)
    flows.approve(actor=marketer, handoff_id=handoff_id, assignee_email=seller.email, at=asked_at + step)
    flows.accept(actor=seller, handoff_id=handoff_id, at=asked_at + 2 * step)
    opportunity = flows.open_opportunity(
        actor=seller,
        handoff_id=handoff_id,
        name=deal["business_segment"],
        amount=Decimal(deal["declared_monthly_revenue"]),
        currency="BRL",
        at=asked_at + 3 * step,
    )
    flows.win_opportunity(actor=seller, opportunity_id=opportunity.pk, reason="best_fit", at=won_at)


def test_the_funnel_of_the_product_is_the_funnel_of_the_file(leads, deals, sellers, marketer):
    job = flows.start_import(actor=marketer, file=as_csv(leads), file_name="mql.csv", at=IMPORTED_AT)
    job = flows.run_import(import_id=job.pk, at=IMPORTED_AT)
    assert (job.state, job.created, job.touched, job.refused) == ("done", 8000, 0, 0)
    assert not Handoff.objects.exists()

    # Who won before the first contact must have asked before that: the day of the file is when somebody noted it.
    contacted = {lead["mql_id"]: instant(lead["first_contact_date"]) for lead in leads}
    asked = {
        deal["mql_id"]: min(contacted[deal["mql_id"]] + 9 * HOUR, instant(deal["won_date"]) - HOUR) for deal in deals
    }
    by_day = collections.defaultdict(list)
    for mql_id, at in asked.items():
        by_day[at].append(address(mql_id))
    ask_for_contact(by_day)
    handoffs = dict(Handoff.objects.values_list("contact__email", "id"))
    for deal in sorted(deals, key=lambda deal: asked[deal["mql_id"]]):
        win(
            handoffs[address(deal["mql_id"])],
            deal,
            asked_at=asked[deal["mql_id"]],
            seller=sellers[deal["sr_id"]],
            marketer=marketer,
        )

    rows = funnel.channel_rows(user=marketer)
    found = {row.source.code if row.source else "": (row.contacts, row.handoffs, row.won) for row in rows}
    origin = {lead["mql_id"]: lead["origin"] for lead in leads}
    came = collections.Counter(origin.values())
    won = collections.Counter(origin[deal["mql_id"]] for deal in deals)
    assert found == {name: (count, won[name], won[name]) for name, count in came.items()}
    assert (sum(came.values()), sum(won.values()), came[""]) == (8000, 665, 60)

    days = collections.defaultdict(list)
    for deal in deals:
        passed = (instant(deal["won_date"]) - contacted[deal["mql_id"]]) / DAY
        if passed >= 0:
            days[origin[deal["mql_id"]]].append(passed)
    assert {row.source.code if row.source else "": row.timed for row in rows if row.timed} == {
        name: len(passed) for name, passed in days.items()
    }
    assert sum(row.timed for row in rows) == 664
    for row in rows:
        code = row.source.code if row.source else ""
        assert row.days_to_won == (pytest.approx(statistics.median(days[code])) if days[code] else None)

    touches = dict(Touch.objects.values_list("contact__email", "at"))
    assert touches == {address(mql_id): at for mql_id, at in contacted.items()}
    assert dict(Opportunity.objects.values_list("contact__email", "closed_at")) == {
        address(deal["mql_id"]): instant(deal["won_date"]) for deal in deals
    }
    assert Contact.objects.filter(stage="customer").count() == 665
    assert StageChange.objects.filter(to_stage="customer").count() == 665
    assert not Timer.objects.open().exists()
