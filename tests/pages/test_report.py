"""The scheduled report as a page: the last one, a certain one, or what one would say now."""

import pytest

from crm.flows import own_settings, reports
from crm.models import Notice
from tests.pages.sales_work import DAY, HOUR, TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

PAGE = "/sla/report/"


@pytest.fixture
def missed(marketer, salesperson):
    """A lead of last week that nobody called."""
    return bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 6 * DAY)


@pytest.fixture
def sent(missed, manager):
    """The report that the manager was sent this morning."""
    values = {"language": "en", "time_zone": "UTC", "report_rhythm": "daily", "report_hour": 8}
    own_settings.save_own_settings(actor=manager, values=values, unwanted=(), at=TUESDAY - 5 * DAY)
    reports.send_due_reports(at=TUESDAY - HOUR)
    return Notice.objects.get(kind="report")


def test_before_the_first_one_it_says_what_it_would_say(missed, manager, browsing):
    text = browsing(manager).get(PAGE).content.decode()
    assert "This is what a report sent now would say." in text
    assert "None is mailed to you." in text
    assert f"/contacts/{missed.contact_id}/" in text
    assert "9 Nov – 15 Nov" in text


def test_the_last_one_is_shown_and_found_from_the_alerts(sent, manager, browsing):
    client = browsing(manager)
    assert client.get(PAGE).context["notice"] == sent
    assert f"{PAGE}{sent.pk}/" in client.get("/alerts/").content.decode()
    page = client.get(f"{PAGE}{sent.pk}/")
    assert page.status_code == 200
    assert page.context["report"].period.since.isoformat() == sent.params["since"]


def test_every_number_leads_to_as_many_rows(missed, manager, browsing):
    client = browsing(manager)
    report = client.get(PAGE).context["report"]
    numbers = [(one.report.now.of, one.report.now.of_href) for one in report.promises]
    numbers += [(one.report.late, one.late_href) for one in report.promises]
    numbers += [(one.missed, one.missed_href) for one in report.handlers]
    numbers += [(one.open, one.open_href) for one in report.handlers]
    numbers.append((report.missed_count, report.missed_href))
    numbers += [(report.kept, report.kept_href), (report.of, report.of_href)]
    assert any(n for n, _href in numbers)
    for n, href in numbers:
        assert client.get(href).context["page"].paginator.count == n, href


def test_it_is_nobody_elses(sent, administrator, marketer, salesperson, browsing):
    assert browsing(administrator).get(f"{PAGE}{sent.pk}/").status_code == 404
    for user in (marketer, salesperson):
        assert browsing(user).get(PAGE).status_code == 403
        assert browsing(user).get(f"{PAGE}{sent.pk}/").status_code == 403
    assert browsing(administrator).post(PAGE).status_code == 405


def test_it_is_chosen_in_ones_own_settings(manager, salesperson, browsing):
    assert 'name="report_rhythm"' in browsing(manager).get("/my-settings/").content.decode()
    assert 'name="report_rhythm"' not in browsing(salesperson).get("/my-settings/").content.decode()
