"""A lead in the queue whose promotion rested on what turned out to be a machine's: marked, said why, and filtered."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import flows
from leads.models import BotVerdict, Handoff
from scoring.models import ActivityRule
from tests.pages.sales_work import HOUR, HTMX, TUESDAY, ask
from tests.pages.test_queue import rows, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


def click(name, *seconds, at):
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="email_click",
                occurred_at=TUESDAY - HOUR + second * SECOND,
                external_id=f"{name}-{second}",
                contact=flows.ContactIn(email=f"{name}@firm.example", fields={"first_name": name.title()}),
                properties={"mail": "spring"},
            )
            for second in seconds
        ],
        by=None,
        actor=None,
        at=at,
    )


def doubted(name):
    """A lead that three clicks lifted over the threshold, of which two more then show that a gateway did them."""
    ActivityRule.objects.filter(type="email_click").update(points=25, cap=None, once_per="", within_days=None)
    click(name, 0, 1, 2, at=TUESDAY - HOUR + 2 * SECOND)
    click(name, 3, 4, at=TUESDAY - HOUR + 4 * SECOND)
    return Handoff.objects.get(contact__email=f"{name}@firm.example")


def test_a_lead_in_doubt_is_marked_by_word_and_shape_with_the_reason(client):
    lead = doubted("eva")
    page = client.get("/queue/")
    assert "#mark-soon" in page.content.decode().partition('id="queue-row-')[2].partition("</tr>")[0]
    assert words(page).count("In doubt") >= 2
    said = "When it crossed, “E-mail clicked” × 3 counted, which turned out to be the doing of a mail gateway"
    assert said in words(client.get(f"/queue/{lead.pk}/", **HTMX))
    assert said in words(client.get(f"/queue/{lead.pk}/"))


def test_only_those_in_doubt_are_shown_when_asked_for(client):
    doubted("eva")
    ask("ada", at=TUESDAY)
    assert rows(client.get("/queue/")) == ["Eva", "Ada Novak"]
    page = client.get("/queue/?doubted=1")
    assert rows(page) == ["Eva"]
    assert "Filtered" in words(page)
    assert "doubted=1" in page.content.decode()


def test_what_counted_for_nothing_from_the_start_raises_no_doubt(client):
    ask("ada", at=TUESDAY)
    click("ada", 0, 1, 2, 3, 4, at=TUESDAY)
    assert BotVerdict.objects.count() == 5
    assert "In doubt" not in words(client.get("/queue/")).replace("Only those in doubt", "")
    assert rows(client.get("/queue/?doubted=1")) == []


def test_marks_take_no_query_a_row(client):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/queue/").status_code == 200
        return len(queries)

    doubted("eva")
    count()
    few = count()
    for name in ("ada", "ivo", "ana"):
        doubted(name)
    assert count() == few
