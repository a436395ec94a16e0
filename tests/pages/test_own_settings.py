"""Everybody chooses for themselves what reaches them how, and when they are to be left alone."""

import datetime as dt

import pytest

from crm.models import OptOut
from tests.pages.sales_work import DAY, TUESDAY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

PAGE = "/my-settings/"


def typed(client, **changes):
    """What the form holds as it is shown, with changes; a box that is to be empty is None."""
    form = client.get(PAGE).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    boxes = {name: "on" for name, value in shown.items() if value is True}
    given = {name: value for name, value in shown.items() if value not in (None, True, False)}
    return {name: value for name, value in (given | boxes | changes).items() if value is not None}


def test_the_page_is_everybodys_own(marketer, salesperson, manager, administrator, browsing):
    for user in (marketer, salesperson, manager, administrator):
        page = browsing(user).get(PAGE)
        assert page.status_code == 200
        text = page.content.decode()
        assert ("A webhook was switched off" in text) == user.is_admin
        assert 'name="bell_breach"' not in text and 'name="email_breach"' in text


def test_saving_without_a_change_changes_nothing(salesperson, browsing):
    client = browsing(salesperson)
    assert client.post(PAGE, typed(client)).status_code == 303
    before = salesperson.time_zone, salesperson.language
    salesperson.refresh_from_db()
    assert (salesperson.time_zone, salesperson.language) == before
    assert not OptOut.objects.exists()


def test_choices_are_kept_and_shown(salesperson, manager, browsing):
    client = browsing(salesperson)
    first = TUESDAY.date() + DAY
    answer = client.post(
        PAGE,
        typed(
            client,
            email_warn=None,
            bell_resurfaced=None,
            quiet_from="22:00",
            quiet_until="07:00",
            away_from=first.isoformat(),
            away_until=(first + DAY).isoformat(),
            deputy=manager.pk,
            time_zone="Europe/Helsinki",
        ),
    )
    assert answer.status_code == 303
    salesperson.refresh_from_db()
    assert (salesperson.quiet_from, salesperson.quiet_until) == (dt.time(22), dt.time(7))
    assert salesperson.deputy == manager
    assert set(OptOut.objects.values_list("kind", "channel")) == {("warn", "email"), ("resurfaced", "bell")}
    form = client.get(PAGE).context["form"]
    assert (form["away_from"].value(), form["away_until"].value()) == (first, first + DAY)
    assert (form["email_warn"].value(), form["email_breach"].value()) == (False, True)
    client.post(PAGE, typed(client))
    assert OptOut.objects.count() == 2


def test_an_absence_that_is_over_is_shown_no_more(salesperson, browsing):
    salesperson.away_from, salesperson.away_until = TUESDAY - 2 * DAY, TUESDAY - DAY
    salesperson.save()
    client = browsing(salesperson)
    assert client.get(PAGE).context["form"]["away_from"].value() is None
    client.post(PAGE, typed(client))
    salesperson.refresh_from_db()
    assert salesperson.away_from is None


def test_who_is_away_reads_so(salesperson, browsing):
    salesperson.away_from, salesperson.away_until = TUESDAY - DAY, TUESDAY + DAY
    salesperson.save()
    text = browsing(salesperson).get(PAGE).content.decode()
    assert "You are out of office: no leads are given to you." in text


def test_what_is_wrong_is_named_and_what_was_typed_stays(salesperson, browsing):
    client = browsing(salesperson)
    for wrong, said in (
        ({"quiet_from": "22:00"}, "Give both the beginning and the end"),
        ({"time_zone": "Mars"}, "is not a known time zone"),
        ({"quiet_from": "late", "quiet_until": "07:00"}, "Enter a valid time"),
        ({"away_from": "2026-11-20", "away_until": "2026-11-19"}, "not before the first"),
        ({"deputy": salesperson.pk}, "Select a valid choice"),
    ):
        answer = client.post(PAGE, typed(client, email_warn=None, **wrong))
        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert answer.context["form"]["email_warn"].value() is False
    assert not OptOut.objects.exists()


def test_a_link_changes_nothing(salesperson, browsing):
    client = browsing(salesperson)
    assert client.get(PAGE, {"email_warn": "", "quiet_from": "22:00"}).status_code == 200
    assert client.delete(PAGE).status_code == 405
    salesperson.refresh_from_db()
    assert salesperson.quiet_from is None and not OptOut.objects.exists()
