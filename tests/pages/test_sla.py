"""The page about promises: it says what the timers say, and every number opens as many rows."""

import csv
import datetime as dt
import html
import io
import random
import re
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from crm import flows
from crm.queries import sla, sla_groups, sla_period, sla_tables, timers
from crm.queries.sla_period import Asked
from leads.models import Handoff
from sla.models import Calendar, Milestone, Pause, Policy, Timer
from sla.states import timer_state
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, ask, bring_to, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]

COUNT = re.compile(r'<a class="count[^"]*" href="([^"]+)"[^>]*>([\d,]+)')
BOXED = re.compile(r'<a class="heat-late" href="([^"]+)">.*?</svg>(\d+)')
BAR = re.compile(r'<a href="([^"]+)" aria-label="[^"]*: (\d+)"')


@pytest.fixture
def sellers(salesperson, other_salesperson):
    for seller in (salesperson, other_salesperson):
        seller.capacity = 500
        seller.save()
    return [salesperson, other_salesperson]


@pytest.fixture
def busy_weeks(marketer, sellers, manager):
    """Thirty leads of the last seven weeks, brought to every standing by the flows, some late, some paused."""
    choose = random.Random(7)
    for number in range(30):
        start = TUESDAY - choose.uniform(0, 49) * DAY
        handoff = ask(f"lead{number}", at=start)
        reviewed = start + choose.uniform(0.2, 30) * HOUR
        if reviewed > TUESDAY or choose.random() < 0.1:
            continue
        seller = choose.choice(sellers)
        offer(handoff, by=marketer, to=seller, at=reviewed)
        if choose.random() < 0.1 and reviewed + MINUTE < TUESDAY:
            until = reviewed + choose.uniform(5, 80) * HOUR
            flows.pause_clocks(actor=manager, handoff_id=handoff.pk, until=until, reason="Away", at=reviewed + MINUTE)
        answered = reviewed + choose.uniform(0.2, 20) * HOUR
        if answered > TUESDAY or choose.random() < 0.1:
            continue
        if choose.random() < 0.15:
            flows.reject(actor=seller, handoff_id=handoff.pk, reason="too_early", at=answered)
            continue
        flows.accept(actor=seller, handoff_id=handoff.pk, at=answered)
        called = answered + choose.uniform(0.2, 90) * HOUR
        if called < TUESDAY and choose.random() < 0.9:
            flows.log_contact(actor=seller, contact_id=handoff.contact_id, type="call", at=called)


def own_state(timer, now):
    """What `states.timer_state` says of a timer; `soon` past its warning."""
    pause = next(
        (one for one in Pause.objects.filter(handoff=timer.handoff) if one.starts_at <= now < one.ends_at), None
    )
    state = timer_state(
        now=now,
        due_at=timer.due_at,
        met_at=timer.met_at,
        cancelled_at=timer.cancelled_at,
        paused_from=pause.starts_at if pause else None,
        paused_until=pause.ends_at if pause else None,
    ).value
    return "soon" if state == "running" and timer.warn_at <= now else state


def test_the_figures_are_those_of_the_timers_at_any_instant(busy_weeks, manager):
    choose = random.Random(11)
    everything = list(Timer.objects.all())
    for _round in range(12):
        now = TUESDAY - choose.uniform(-3, 20) * DAY
        states = Counter((timer.milestone, own_state(timer, now)) for timer in everything)
        board = sla.board(user=manager, now=now)
        for row, milestone in zip(board.rows, sla.ALWAYS_SHOWN, strict=True):
            assert [cell.count for cell in row.cells] == [states[milestone, state] for state in sla.STATES], now
        assert [cell.count for cell in board.total.cells] == [
            sum(n for (_milestone, one), n in states.items() if one == state) for state in sla.STATES
        ]
        for milestone in sla.ALWAYS_SHOWN:
            asked = sla_period.Asked(sla_period.last_days(28, now=now), milestone=milestone)
            report = sla_period.report(user=manager, asked=asked, now=now)
            since, until = asked.period.since, asked.period.until
            of_period = [
                own_state(timer, now)
                for timer in everything
                if timer.milestone == milestone and since <= timezone.localdate(timer.due_at) <= until
            ]
            decided = Counter(state for state in of_period if state in timers.DECIDED)
            assert (report.now.kept, report.now.of) == (decided["met"], decided.total())
            assert report.unmet == decided["missed"]
            assert report.measured_times == decided["met"] + decided["late"]
            assert sum(row.of for row in report.groups.rows) == decided.total()
            assert sum(row.late for row in report.groups.rows) == decided["late"] + decided["missed"]


def test_every_number_opens_as_many_rows(busy_weeks, manager, browsing):
    client = browsing(manager)
    found = set()
    queries = ["", "?milestone=review&split=team", "?milestone=answer&time=calendar&split=source&sort=-late"]
    for query in (*queries, "?split=campaign", "?split=grade&since=2026-09-01"):
        page = client.get(f"/sla/{query}").content.decode()
        found |= {*COUNT.findall(page), *BAR.findall(page), *BOXED.findall(page)}
    assert len(found) > 50
    for href, count in sorted(found):
        rows = client.get(html.unescape(href))
        assert rows.status_code == 200, href
        expected = int(count.replace(",", ""))
        assert rows.context["page"].paginator.count == expected, href


def test_the_bars_add_up_to_those_who_were_contacted_and_the_limit_parts_kept_from_late(busy_weeks, manager):
    asked = sla_period.Asked(sla_period.last_days(49, now=TUESDAY))
    report = sla_period.report(user=manager, asked=asked, now=TUESDAY)
    chart = report.histogram
    assert chart is not None and chart.limit_at == 8 and chart.limit_label == "limit 8 h"
    inside = sum(one.count for one in chart.bins[:8])
    assert inside == report.now.kept
    assert sum(one.count for one in chart.bins[8:]) == report.now.of - report.now.kept - report.unmet


def test_the_sentence_says_what_is_missed_and_what_soon_will_be(marketer, salesperson, manager, browsing, tuesday):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR)  # half past what it has
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name="ivo")
    tuesday.shift(3 * HOUR)
    page = browsing(manager).get("/sla/")
    board = page.context["board"]
    assert (board.missed.count, board.soon.count) == (2, 1)
    names = [row.name for row in board.missing]
    assert names == ["Ivo Novak", "Ivo Novak", "Eva Novak"]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page.content.decode()))
    assert "2 promises are missed, 1 soon will be, 0 leads have nobody." in text


def test_of_those_missed_the_higher_score_comes_first(marketer, salesperson, manager, tuesday):
    for name in ("low", "high"):
        bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * DAY, name=name)
    Handoff.objects.filter(contact__email__startswith="low").update(score=61)
    Handoff.objects.filter(contact__email__startswith="high").update(score=95)
    board = sla.board(user=manager, now=TUESDAY)
    assert [row.name for row in board.missing] == ["High Novak", "High Novak", "Low Novak", "Low Novak"]


def test_leads_between_two_chairs_are_counted_with_their_oldest(marketer, salesperson, manager, browsing, sales_team):
    salesperson.capacity = 0
    salesperson.save()
    waiting = ask("waits", at=TUESDAY - DAY)
    flows.approve(actor=marketer, handoff_id=waiting.pk, at=TUESDAY - HOUR)
    away = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * HOUR, name="away")
    salesperson.is_on_duty = False
    salesperson.save()
    found = {one.lying.chair.value: one for one in sla.board(user=manager, now=TUESDAY).between}
    assert {chair: one.lying.count for chair, one in found.items()} == {
        "waiting": 1,
        "nobody": 0,
        "away": 1,
        "no_contact": 1,
    }
    assert found["waiting"].lying.oldest_at == TUESDAY - HOUR
    assert found["no_contact"].lying.oldest_at == TUESDAY - 2 * HOUR
    rows = browsing(manager).get(found["away"].href)
    assert [one.pk for one in rows.context["page"].object_list] == [away.pk]


def test_fewer_than_five_are_not_compared(marketer, salesperson, manager, browsing):
    for number in range(4):
        bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name=f"lead{number}")
    page = browsing(manager).get("/sla/").content.decode()
    assert "too few to compare" in page
    assert "4 contacted: too few to tell" in page
    assert "Too few to tell how long it takes" in page


def test_several_limits_draw_no_line_and_are_named(marketer, salesperson, manager, browsing):
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY)
    office = Calendar.objects.get(name="Office hours")
    Policy.objects.create(name="Quick", milestone=Milestone.CONTACT, target_seconds=7200, calendar=office, position=-1)
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name="ivo")
    page = browsing(manager).get("/sla/")
    assert page.context["report"].limit is None
    assert page.context["report"].histogram.limit_at is None
    assert "several were promised, 2 h, 8 h" in page.content.decode()


def test_an_empty_installation_says_so_calmly(manager, browsing):
    page = browsing(manager).get("/sla/").content.decode()
    assert "No clock is running." in page
    assert "Nobody is missing anything." in page
    assert "No promise fell due in this period or the one before." in page


def test_a_fragment_brings_the_sentence_along_and_no_second_head(manager, browsing):
    fragment = browsing(manager).get("/sla/", **HTMX).content.decode()
    assert "<html" not in fragment
    assert 'id="sla-sentence" hx-swap-oob="true"' in fragment
    assert 'id="sla-time" hx-swap-oob="true"' in fragment


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?since=2026-11-10&until=2026-11-01", "The last day is before the first."),
        ("?since=yesterday", "Enter a valid date."),
        ("?since=2020-01-01&until=2026-11-01", "Choose a year at most."),
        ("?since=2027-01-01", "Choose a day that has begun."),
        ("?milestone=lunch", "Select a valid choice."),
        ("?time=sidereal", "Select a valid choice."),
        ("?split=zodiac", "Select a valid choice."),
        ("?sort=luck", "Select a valid choice."),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_in_words(manager, browsing, query, sentence):
    answer = browsing(manager).get(f"/sla/{query}")
    assert answer.status_code == 422
    assert sentence in answer.content.decode()


def test_the_page_is_for_managers_and_administrators(marketer, salesperson, manager, administrator, browsing):
    codes = [browsing(user).get("/sla/").status_code for user in (marketer, salesperson, manager, administrator)]
    assert codes == [403, 403, 200, 200]
    assert browsing(manager).post("/sla/").status_code == 405


def test_the_number_of_queries_does_not_grow_with_the_rows(busy_weeks, manager, django_assert_max_num_queries):
    manager.roles  # noqa: B018 - read once a request anyway
    with django_assert_max_num_queries(7):
        sla.board(user=manager, now=TUESDAY)
    with django_assert_max_num_queries(5):
        sla_period.report(user=manager, asked=sla_period.Asked(sla_period.last_days(28, now=TUESDAY)), now=TUESDAY)


# The rows behind the numbers ------------------------------------------------------------------------------------------


def rows_of(client, query):
    answer = client.get(f"/sla/timers/?{query}")
    assert answer.status_code == 200
    return [(row.timer.milestone, row.timer.handoff.contact.first_name) for row in answer.context["rows"]]


def test_a_salesperson_sees_the_promises_of_their_own_leads_only(
    marketer, salesperson, other_salesperson, manager, browsing
):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    bring_to("offered", marketer=marketer, seller=other_salesperson, at=TUESDAY, name="ivo")
    assert {name for _milestone, name in rows_of(browsing(salesperson), "")} == {"Eva"}
    assert {name for _milestone, name in rows_of(browsing(manager), "")} == {"Eva", "Ivo"}


def test_the_list_is_narrowed_by_state_promise_person_and_time_taken(
    marketer, salesperson, other_salesperson, manager, browsing
):
    client = browsing(manager)
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY)
    bring_to("offered", marketer=marketer, seller=other_salesperson, at=TUESDAY - 2 * DAY, name="ivo")
    assert rows_of(client, "state=missed&milestone=contact") == [("contact", "Ivo")]
    assert rows_of(client, f"person={salesperson.email}&milestone=answer") == [("answer", "Eva")]
    assert rows_of(client, f"person={marketer.email}") == [("review", "Eva"), ("review", "Ivo")]
    assert rows_of(client, "milestone=review&upto=3600") == [("review", "Eva"), ("review", "Ivo")]
    assert rows_of(client, "milestone=review&over=3600") == []
    assert rows_of(client, "state=open&person=nobody") == []
    assert rows_of(client, "by=started&since=2026-11-16&until=2026-11-16&milestone=answer") == [("answer", "Eva")]


def test_a_promise_kept_late_in_closed_time_took_longer_than_promised(marketer, salesperson, manager, browsing):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - DAY)
    clock = handoff.timers.get(milestone="contact")
    called = clock.due_at.replace(hour=20) - (DAY if clock.due_at.hour > 17 else 0 * DAY)
    Timer.objects.filter(pk=clock.pk).update(due_at=called.replace(hour=17), met_at=called, next_check_at=None)
    now = called + HOUR
    (fact,) = timers.facts_of(timers.timers_of(manager, now=now).filter(pk=clock.pk))
    watch = timers.Stopwatch([fact], is_calendar_time=False)
    took = watch.took(fact)
    assert fact.state == "late"
    assert took is not None and took > fact.target_seconds


@pytest.mark.parametrize("query", ["state=asleep", "milestone=lunch", "since=soon", "over=x", "upto=-", "by=noon"])
def test_a_filter_that_is_not_understood_finds_nothing_and_says_so(marketer, salesperson, manager, browsing, query):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    answer = browsing(manager).get(f"/sla/timers/?{query}")
    assert answer.status_code == 422
    assert not answer.context["rows"]
    assert 'role="alert"' in answer.content.decode()


def test_the_tabs_keep_what_else_was_asked_for(manager, browsing):
    answer = browsing(manager).get("/sla/timers/?milestone=contact&state=met&page=3")
    addresses = {str(tab["label"]): parse_qs(urlsplit(tab["href"]).query) for tab in answer.context["tabs"]}
    assert addresses["Missed"] == {"milestone": ["contact"], "state": ["missed"]}
    assert addresses["All"] == {"milestone": ["contact"]}
    assert [tab["label"] for tab in answer.context["tabs"] if tab["is_current"]] == ["Met"]


def test_the_list_takes_no_other_verb(manager, browsing):
    assert browsing(manager).post("/sla/timers/").status_code == 405


def test_days_are_those_of_the_readers_zone(marketer, salesperson, manager, browsing):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    late_evening = dt.datetime(2026, 11, 17, 23, 30, tzinfo=dt.UTC)
    handoff.timers.filter(milestone="answer").update(due_at=late_evening, warn_at=TUESDAY)
    manager.time_zone = "Europe/Helsinki"  # there it is half past one of the next day
    manager.save()
    client = browsing(manager)
    assert rows_of(client, "milestone=answer&since=2026-11-17&until=2026-11-17") == []
    assert rows_of(client, "milestone=answer&since=2026-11-18&until=2026-11-18") == [("answer", "Eva")]


def test_groups_are_sorted_as_asked(busy_weeks, manager, browsing):
    client = browsing(manager)

    def names(query):
        return [row.name for row in client.get(f"/sla/?since=2026-09-20&{query}").context["report"].groups.rows]

    assert names("sort=name") == ["Otto Other", "Sam Seller"]
    assert names("sort=-name") == ["Sam Seller", "Otto Other"]
    for order in sla_groups.ORDERS:
        assert set(names(f"sort={order}")) == set(names(f"sort=-{order}"))
    page = client.get("/sla/?sort=-late").content.decode()
    assert 'aria-sort="descending"' in page
    assert "sort=late#groups" in page


def test_a_promise_that_was_not_kept_tells_its_story(marketer, salesperson, manager, browsing, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - 4 * DAY)
    clock = handoff.timers.get(milestone="contact")
    flows.sweep_timers(at=clock.warn_at + MINUTE)
    flows.sweep_timers(at=clock.due_at + MINUTE)
    called = (clock.due_at + DAY).replace(hour=11)
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", at=called)
    tuesday.move_to(called + DAY)
    client = browsing(manager)
    (breach,) = client.get("/sla/").context["breaches"]
    said = [line.text for line in breach.lines]
    assert said[0] == "Formed: asked to be contacted"
    assert any(text.startswith("Approved, offered to Sam Seller") for text in said)
    told = ["Sam Seller was warned", "Due: First contact within 8 h of working time"]
    assert [text for text in said if text in told] == told
    assert "Maija Manager was told that somebody else missed it" in said
    assert said[-1].startswith("Met ") and said[-1].endswith(" late")
    listed = client.get("/sla/breaches/")
    assert [one.timer.pk for one in listed.context["breaches"]] == [clock.pk]
    assert "Sam Seller was warned" in listed.content.decode()


def test_the_page_of_what_was_not_kept_is_calm_when_all_was(manager, browsing):
    client = browsing(manager)
    assert "Every promise of this period was kept." in client.get("/sla/breaches/").content.decode()
    assert client.get("/sla/breaches/?since=yesterday").status_code == 422
    assert client.post("/sla/breaches/").status_code == 405


@pytest.mark.parametrize("name", sla_tables.NAMES)
def test_every_table_is_a_file_with_the_filters_of_the_page(busy_weeks, manager, browsing, name):
    client = browsing(manager)
    query = "since=2026-10-01&until=2026-11-17&milestone=answer&split=source"
    answer = client.get(f"/sla/files/{name}/?{query}")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    header, *rows = csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
    assert rows
    assert {len(row) for row in rows} == {len(header)}
    assert client.get(f"/sla/files/{name}/?since=soon").status_code == 422
    assert client.post(f"/sla/files/{name}/").status_code == 405


def test_arrivals_are_a_file_hour_by_hour(busy_weeks, manager, browsing):
    query = "since=2026-10-01&until=2026-11-17&milestone=contact"
    sent = b"".join(browsing(manager).get(f"/sla/files/arrivals/?{query}")).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(sent))
    hours = [f"{hour:02}\u2013{hour + 1:02}" for hour in range(24)]
    assert header == ["Weekday", *hours, *(f"{hour}, late" for hour in hours)]
    since, until = dt.date(2026, 10, 1), dt.date(2026, 11, 17)
    asked = Asked(sla_period.Period(since, until), milestone=Milestone.CONTACT)
    shown = sla_period.report(user=manager, asked=asked, now=timezone.now()).arrivals
    assert shown.totals[-1].count
    for row, counted in zip(rows, shown.rows, strict=True):
        numbers = [int(number) for number in row[1:25]]
        stretches = [sum(numbers[since:to]) for since, to in sla_groups.STRETCHES]
        assert stretches == [cell.count for cell in counted.cells]


def test_the_list_of_promises_is_a_file_of_the_same_rows(busy_weeks, manager, salesperson, browsing):
    client = browsing(manager)
    listed = client.get("/sla/timers/?milestone=contact&state=met").context["page"].paginator.count
    sent = b"".join(client.get("/sla/timers.csv?milestone=contact&state=met")).decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(sent))
    assert len(rows) == listed > 3
    assert {row[header.index("State")] for row in rows} == {"Met"}
    own = b"".join(browsing(salesperson).get("/sla/timers.csv")).decode("utf-8-sig")
    assert {row[3] for row in csv.reader(io.StringIO(own))} <= {"Whose", "Sam Seller", "Mira Marketer", "Marketing"}
    assert client.get("/sla/timers.csv?state=asleep").status_code == 422
