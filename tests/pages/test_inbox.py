"""The inbox: what waits, in the order in which waiting costs most, each number with its rows."""

import re
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from crm import flows
from crm.models import Notice
from crm.queries.inbox import inbox_of
from crm.queries.navigation import navigation_counts
from crm.urgency import Tier
from leads.models import Handoff, Task
from sla.models import Calendar
from tests.pages.sales_work import DAY, HOUR, HTMX, MINUTE, TUESDAY, ask, bring_to, look_at_prices, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def inbox(browsing, salesperson):
    client = browsing(salesperson)

    def text(path: str = "/inbox/", **headers: str) -> str:
        answer = client.get(path, **headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return text


def words(page: str) -> str:
    return re.sub(r"\s+", " ", strip_tags(page.replace("<", " <"))).replace(" .", ".").replace(" ,", ",")


def names_in_order(page: str) -> list[str]:
    return re.findall(r'data-row="[a-z_]+-\d+".*?class="name"[^>]*>([^<]+)<', page, flags=re.S)


def test_an_empty_inbox_says_what_comes_next(inbox):
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "New leads reach you here and by e-mail" in page


def test_an_offered_lead_stands_first_with_the_sentence_to_say_its_clock_and_what_follows(
    inbox, marketer, salesperson, manager
):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, message="Lorries wait 40 minutes")
    page = inbox()
    assert "You asked us for a demo today and wrote: ‘Lorries wait 40 minutes’." in words(page)
    assert "4 h left" in words(page)
    assert "At 14:00 Maija Manager is told." in words(page)
    assert "Accept Eva" in words(page) and "Read it first" in words(page)
    assert "data-open-hours" in page and 'data-key="Enter"' in page


def test_late_ones_come_first_then_those_with_least_time(inbox, marketer, salesperson, tuesday):
    tuesday.move_to(TUESDAY + 5 * HOUR)
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY + 4 * HOUR, name="plenty")
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="late")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY - 2 * HOUR, name="soon")
    assert names_in_order(inbox()) == ["Late Novak", "Soon Novak", "Plenty Novak"]
    assert "1 h late" in words(inbox())


def test_accepted_leads_ask_for_a_call_until_one_is_logged(inbox, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert "Call +358 40 1" in words(inbox())
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", outcome="no_answer", at=TUESDAY)
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "Called, no answer" in page


def test_what_was_planned_comes_back_on_its_day(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.log_contact(
        actor=salesperson,
        contact_id=handoff.contact_id,
        type="call",
        outcome="call_back",
        note="The board decides on Thursday",
        next_at=TUESDAY + 2 * DAY,
        at=TUESDAY,
    )
    page = words(inbox())
    assert "Nothing waits for you." in page
    assert "Coming days" in page and "Thu 19 1 task" in page
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = words(inbox())
    assert "Task" in page and "The board decides on Thursday" in page


def test_who_stirs_after_the_last_call_is_active_again(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    tuesday.move_to(TUESDAY + DAY)
    look_at_prices(handoff.contact, times=3, at=TUESDAY + 20 * HOUR)
    page = words(inbox())
    assert "Active again" in page
    assert "We spoke yesterday. You looked at our prices 3 times" in page


def test_a_silent_offer_says_what_is_at_stake(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Ten docks", amount=9800, at=TUESDAY)
    assert "Nothing waits for you." in words(inbox())
    tuesday.move_to(TUESDAY + 9 * DAY)
    page = words(inbox())
    assert "9 days" in page and "9,800 € at stake" in page


def test_who_was_not_reached_is_tried_again(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.log_contact(actor=salesperson, contact_id=handoff.contact_id, type="call", outcome="no_answer", at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = words(inbox())
    assert "Not reached" in page and "1 try" in page


def test_who_was_given_back_comes_back(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.recycle(
        actor=salesperson,
        handoff_id=handoff.pk,
        reason="no_budget",
        comment="Frozen until spring",
        resurface_at=TUESDAY + 10 * DAY,
        at=TUESDAY,
    )
    assert "Nothing waits for you." in words(inbox())
    tuesday.move_to(TUESDAY + 10 * DAY + HOUR)
    flows.resurface_due(at=TUESDAY + 10 * DAY + MINUTE)
    assert Notice.objects.filter(kind="resurfaced").exists()
    page = words(inbox())
    assert "Came back" in page and "Frozen until spring" in page


def test_one_kind_alone_is_shown_when_asked_for(inbox, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="ana")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="bo")
    assert names_in_order(inbox("/inbox/?kind=contact")) == ["Bo Novak"]
    assert len(names_in_order(inbox("/inbox/?kind=nonsense"))) == 2
    assert "None of this kind waits." in words(inbox("/inbox/?kind=back"))


def test_nobody_elses_work_is_seen(browsing, other_salesperson, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert "Novak" not in browsing(other_salesperson).get("/inbox/").content.decode()


def test_every_number_of_the_month_opens_that_many_rows(inbox, browsing, salesperson, marketer, tuesday):
    kept = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="kept")
    bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY, name="missed")
    offer_ = flows.open_opportunity(actor=salesperson, handoff_id=kept.pk, name="", amount=9800, at=TUESDAY)
    flows.win_opportunity(actor=salesperson, opportunity_id=offer_.pk, reason="price", at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * DAY)
    page = inbox()
    assert re.search(r"Contacted in time 1 of 2", words(page))
    assert re.search(r"Answered in time 2 of 2", words(page))
    links = [
        (int(number), href.replace("&amp;", "&"))
        for href, number in re.findall(r'class="count[^"]*" href="(/(?:handoffs|opportunities)/[^"]+)">(\d+)<', page)
    ]
    assert len(links) == 5
    client = browsing(salesperson)
    for number, href in links:
        assert client.get(href).content.decode().count("<tr data-row=") == number, href


def test_done_today_counts_acts_and_calls_of_today_only(inbox, marketer, salesperson, tuesday):
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - DAY, name="old")
    bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="new")
    rejected = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="no")
    flows.reject(actor=salesperson, handoff_id=rejected.pk, reason="too_small", at=TUESDAY)
    page = words(inbox())
    assert "3 done today" in page
    assert "Rejected: No Novak" in page and "Old Novak" not in page


def test_the_fragment_is_the_list_without_the_page(inbox, marketer, salesperson):
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    fragment = inbox(**HTMX)
    assert "<html" not in fragment and 'id="inbox-sentence" hx-swap-oob' in fragment
    assert names_in_order(fragment) == ["Eva Novak"]


@pytest.mark.parametrize("who", ["marketer", "manager", "administrator"])
def test_the_inbox_is_for_salespeople(who, request, browsing):
    assert browsing(request.getfixturevalue(who)).get("/inbox/").status_code == 403


def test_strangers_are_asked_to_sign_in(anonymous):
    assert anonymous.get("/inbox/").status_code == 302


def test_the_inbox_takes_no_posts(browsing, salesperson):
    assert browsing(salesperson).post("/inbox/").status_code == 405


def test_the_number_in_the_navigation_is_that_of_the_rows(inbox, marketer, salesperson, manager, tuesday):
    for state in ("offered", "accepted", "called"):
        bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=state)
    tuesday.move_to(TUESDAY + 9 * DAY)
    now = TUESDAY + 9 * DAY
    rows = names_in_order(inbox())
    assert sorted(rows) == ["Accepted Novak", "Called Novak", "Offered Novak"]
    assert navigation_counts(user=salesperson)["inbox"] == inbox_of(salesperson, now=now).total == len(rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_number_agrees_with_the_rows_whatever_waits(seed, inbox, marketer, salesperson, tuesday):
    random = Random(seed)
    for n in range(6):
        state = random.choice(["in_review", "offered", "accepted", "called"])
        handoff = bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=f"eva{n}")
        if state != "in_review" and random.random() < 0.5:
            due_at = TUESDAY + random.choice([HOUR, DAY, 3 * DAY])
            add_task(handoff, salesperson, due_at=due_at, kind=random.choice(["call", "meeting", "other"]))
        if state == "called" and random.random() < 0.5:
            flows.open_opportunity(actor=salesperson, handoff_id=handoff.pk, name="Docks", amount=9000, at=TUESDAY)
        if state != "in_review" and random.random() < 0.3:
            flows.comment(actor=marketer, handoff_id=handoff.pk, text=f"@{salesperson.email} when?", at=TUESDAY)
    for later in (HOUR, DAY + HOUR, 8 * DAY):
        tuesday.move_to(TUESDAY + later)
        page, shown = inbox(), inbox_of(salesperson, now=TUESDAY + later)
        rows = names_in_order(page)
        assert len(rows) == len(set(rows)) == shown.total == navigation_counts(user=salesperson)["inbox"]
        assert [item.contact.name for item in shown.items] == rows
        assert [item.urgency for item in shown.items] == sorted(item.urgency for item in shown.items)
        every, *kinds = shown.tabs
        assert every.count == sum(tab.count for tab in kinds) == shown.total
        for tab in kinds:
            assert len(names_in_order(inbox(tab.href))) == tab.count, tab.label


def test_a_long_inbox_takes_no_more_queries_than_a_short_one(inbox, marketer, salesperson, manager, tuesday):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            inbox()
        return len(queries)

    def add(numbers: range) -> None:
        for n in numbers:
            for state in ("offered", "accepted", "called"):
                bring_to(state, marketer=marketer, seller=salesperson, at=TUESDAY, name=f"{state}{n}")

    add(range(1))
    tuesday.move_to(TUESDAY + 9 * DAY)
    few = count()
    tuesday.move_to(TUESDAY)
    add(range(1, 5))
    tuesday.move_to(TUESDAY + 9 * DAY)
    assert count() == few
    assert few <= 32


def test_one_contact_stands_once_with_the_most_urgent_and_names_the_others(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    add_task(handoff, salesperson, due_at=TUESDAY + 2 * HOUR, what="Send the price list", has_time=True)
    page = inbox()
    assert names_in_order(page) == ["Eva Novak"]
    assert "2 h left" not in words(page) and "Task" in words(page) and "Also: first contact" in words(page)
    tuesday.move_to(TUESDAY + 2 * DAY)
    assert "Also:" in words(inbox()) and len(names_in_order(inbox())) == 1


def add_task(handoff, owner, *, due_at, at=TUESDAY, **values):
    return flows.add_task(actor=owner, contact_id=handoff.contact_id, due_at=due_at, at=at, **values)


def test_a_task_for_a_day_is_in_time_all_day_and_late_the_day_after(inbox, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR)
    add_task(handoff, salesperson, due_at=TUESDAY + DAY, what="Send the offer", kind="other")
    assert "Nothing waits for you." in words(inbox())
    tuesday.move_to(TUESDAY + DAY + 6 * HOUR)
    page = inbox()
    assert [item.urgency.tier for item in inbox_of(salesperson, now=TUESDAY + DAY + 6 * HOUR).items] == [Tier.PROMISED]
    assert "Send the offer" in words(page) and "Done" in words(page)
    tuesday.move_to(TUESDAY + 2 * DAY)
    assert [item.urgency.tier for item in inbox_of(salesperson, now=TUESDAY + 2 * DAY).items] == [Tier.LATE]


def test_an_open_contact_window_calls_until_somebody_called(inbox, browsing, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    decides = (TUESDAY + 70 * DAY).date()
    flows.qualify(
        actor=salesperson,
        contact_id=handoff.contact_id,
        answers={"timeline": {"verdict": "confirmed", "evidence": "", "decide_by_date": decides}},
        at=TUESDAY,
    )
    add_task(handoff, salesperson, due_at=TUESDAY + 200 * DAY)
    assert "Nothing waits for you." in words(inbox())
    assert "1 window opens" in words(inbox("/inbox/plan/"))
    tuesday.move_to(TUESDAY + 10 * DAY)
    page = words(inbox())
    assert "Contact window" in page and "Opens today" in page and "Decides by 26 January" in page
    tuesday.move_to(TUESDAY + 50 * DAY)
    client = browsing(salesperson)
    assert "Was to be called by 5 January" in words(client.get("/inbox/").content.decode())
    flows.log_contact(
        actor=salesperson,
        contact_id=handoff.contact_id,
        type="call",
        outcome="reached",
        next_at=TUESDAY + 200 * DAY,
        at=TUESDAY + 50 * DAY,
    )
    assert "Contact window" not in words(client.get("/inbox/").content.decode())


def test_who_is_named_in_the_conversation_is_asked_until_they_answer(
    inbox, browsing, marketer, salesperson, other_salesperson
):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert "Nothing waits for you." in words(inbox())
    flows.comment(actor=marketer, handoff_id=handoff.pk, text="@Sam did they ask for the price list?", at=TUESDAY)
    flows.comment(actor=marketer, handoff_id=handoff.pk, text="@Sam and the date?", at=TUESDAY)
    page = words(inbox())
    assert "Asks you" in page and "and the date?" in page and "price list" not in page
    assert navigation_counts(user=salesperson)["inbox"] == 1
    say = f"/inbox/handoffs/{handoff.pk}/say/"
    assert browsing(other_salesperson).post(say, {"text": "Yes"}).status_code == 404
    assert browsing(marketer).post(say, {"text": "Yes"}).status_code == 403
    client = browsing(salesperson)
    assert client.get(say).status_code == 405
    refused = client.post(say, {"text": "@Nobody yes"})
    assert refused.status_code == 422 and ">@Nobody yes</textarea>" in refused.content.decode()
    assert "Nothing waits for you." in words(client.post(say, {"text": "On Friday"}, **HTMX).content.decode())


# The acts of rows -----------------------------------------------------------------------------------------------------


def test_an_offered_lead_is_accepted_in_place_and_taken_back(browsing, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    client = browsing(salesperson)
    answer = client.post(f"/inbox/handoffs/{handoff.pk}/accept/", **HTMX)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Accepted Eva Novak: an SQL, yours." in page
    assert f'action="/handoffs/{handoff.pk}/undo/?next=%2Finbox%2F&amp;since=' in page
    assert "Call +358 40 1" in words(page)
    assert re.search(r"nav-count[^>]*>1<", page)
    client.post(f"/handoffs/{handoff.pk}/undo/?next=%2Finbox%2F")
    assert Handoff.objects.get(pk=handoff.pk).state == "offered"


def test_without_javascript_an_act_leads_back_to_the_list_it_was_done_from(browsing, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    answer = browsing(salesperson).post(f"/inbox/handoffs/{handoff.pk}/accept/", {"kind": "answer"})
    assert (answer.status_code, answer["Location"]) == (303, "/inbox/?kind=answer")


def test_who_comes_second_is_told_and_the_list_is_as_it_is(browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    answer = browsing(salesperson).post(f"/inbox/handoffs/{handoff.pk}/accept/", **HTMX)
    assert answer.status_code == 409
    assert names_in_order(answer.content.decode()) == ["Eva Novak"]


def test_a_call_is_logged_in_place_with_its_next_step(browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    given = {"type": "call", "outcome": "reached", "note": "Two docks", "next": "2026-11-19"}
    answer = browsing(salesperson).post(f"/inbox/contacts/{handoff.contact_id}/log/", given, **HTMX)
    assert answer.status_code == 200
    page = words(answer.content.decode())
    assert "Nothing waits for you." in page and "Next step Thu." in page
    assert Task.objects.open().get().due_at == TUESDAY.replace(day=19, hour=9)
    assert Handoff.objects.get(pk=handoff.pk).reached_at == TUESDAY


def test_a_typed_day_holds_before_a_chosen_one(browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    given = {"type": "call", "outcome": "call_back", "next": "2026-11-18", "later": "2026-11-26T15:30"}
    browsing(salesperson).post(f"/inbox/contacts/{handoff.contact_id}/log/", given)
    task = Task.objects.open().get()
    assert (task.due_at, task.has_time) == (TUESDAY.replace(day=26, hour=15, minute=30), True)


def test_a_refused_log_keeps_what_was_typed_in_its_row(browsing, marketer, salesperson):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    given = {"type": "call", "note": "Two docks", "next": ""}
    for more in ({}, HTMX):
        answer = browsing(salesperson).post(f"/inbox/contacts/{handoff.contact_id}/log/", given, **more)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "Choose what came of the call." in page and ">Two docks</textarea>" in page
        assert re.search(r'<details class="menu[^>]* open>', page)
    early = {"type": "call", "outcome": "reached", "later": "2026-11-01T09:00"}
    answer = browsing(salesperson).post(f"/inbox/contacts/{handoff.contact_id}/log/", early)
    assert answer.status_code == 422 and "The next step lies ahead." in answer.content.decode()


def test_a_task_is_done_in_place_and_taken_back(browsing, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY - HOUR)
    task = add_task(handoff, salesperson, due_at=TUESDAY + HOUR, what="Send the offer", kind="other", has_time=True)
    client = browsing(salesperson)
    answer = client.post(f"/inbox/tasks/{task.pk}/done/", **HTMX)
    assert "Done with Eva Novak: Send the offer." in answer.content.decode()
    assert "Nothing waits for you." in words(answer.content.decode())
    assert client.post(f"/inbox/tasks/{task.pk}/done/", **HTMX).status_code == 409
    back = client.post(f"/inbox/tasks/{task.pk}/undo/?kind=task")
    assert (back.status_code, back["Location"]) == (303, "/inbox/?kind=task")
    assert Task.objects.open().get() == task
    tuesday.move_to(TUESDAY + 11 * MINUTE)
    client.post(f"/inbox/tasks/{task.pk}/undo/")
    assert "That was more than ten minutes ago." in client.get("/inbox/").content.decode()


def test_a_task_is_put_off_and_one_is_planned_where_there_was_none(browsing, marketer, salesperson, tuesday):
    handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)
    client, later = browsing(salesperson), f"/inbox/contacts/{handoff.contact_id}/later/"
    assert client.post(later, {"next": "2026-11-20"}).status_code == 303
    task = Task.objects.open().get()
    assert task.due_at == TUESDAY.replace(day=20, hour=9)
    answer = client.post(later, {"task": task.pk, "later": "2026-11-23T11:00"}, **HTMX)
    assert "next step Mon 11:00" in answer.content.decode()
    task.refresh_from_db()
    assert (task.due_at, task.has_time) == (TUESDAY.replace(day=23, hour=11), True)
    for refused in ({}, {"next": "2026-11-01"}, {"task": task.pk, "later": "2026-11-01T09:00"}):
        assert client.post(later, refused).status_code == 422


def test_acts_of_others_are_not_found_and_not_got(browsing, marketer, salesperson, other_salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    task = add_task(handoff, salesperson, due_at=TUESDAY + HOUR)
    acts = [
        f"/inbox/handoffs/{handoff.pk}/accept/",
        f"/inbox/contacts/{handoff.contact_id}/log/",
        f"/inbox/contacts/{handoff.contact_id}/later/",
        f"/inbox/tasks/{task.pk}/done/",
        f"/inbox/tasks/{task.pk}/undo/",
    ]
    given = {"type": "call", "outcome": "reached", "next": "2026-11-19"}
    for act in acts:
        assert browsing(other_salesperson).post(act, given).status_code == 404, act
        assert browsing(marketer).post(act, given).status_code == 403, act
        assert browsing(salesperson).get(act).status_code == 405, act


# The coming days ------------------------------------------------------------------------------------------------------


def test_every_number_of_the_coming_days_opens_that_many_rows(inbox, marketer, salesperson, tuesday):
    for n, day in enumerate((1, 1, 3)):
        handoff = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name=f"eva{n}")
        add_task(handoff, salesperson, due_at=TUESDAY + day * DAY)
        add_task(handoff, salesperson, due_at=TUESDAY + day * DAY, kind="meeting", has_time=True)
    given = bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY, name="back")
    flows.recycle(
        actor=salesperson, handoff_id=given.pk, reason="no_budget", resurface_at=TUESDAY + 3 * DAY, at=TUESDAY
    )
    bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY + 6 * HOUR, name="due")
    beside = re.findall(r'href="/inbox/plan/#([\w-]+)">(\d+)<', inbox())
    assert {anchor: int(n) for anchor, n in beside} == {
        "2026-11-18-meeting": 2,
        "2026-11-18-task": 2,
        "2026-11-18-clock": 2,
        "2026-11-20-meeting": 1,
        "2026-11-20-task": 1,
        "2026-11-20-back": 1,
    }
    page = inbox("/inbox/plan/")
    for anchor, n in beside:
        part = page.partition(f'id="{anchor}"')[2].partition("</ul>")[0]
        assert part.count("<li data-entry>") == int(n), anchor


def test_holidays_and_days_off_are_marked(inbox, salesperson):
    calendar = Calendar.objects.get(always_open=False)
    calendar.closures = [{"date": "2026-11-20", "name": "Stocktaking"}]
    calendar.save()
    salesperson.calendar = calendar
    salesperson.save()
    assert "Fri 20 Stocktaking" in words(inbox())
    page = words(inbox("/inbox/plan/"))
    assert "Friday 20 November Stocktaking" in page and "Saturday 21 November No working day" in page


def test_a_lead_offered_to_the_team_says_that_the_first_has_it(
    inbox, marketer, manager, salesperson, other_salesperson, sales_team
):
    sales_team.kind = "partner"
    sales_team.save()
    handoff = offer(ask(at=TUESDAY - HOUR), by=marketer, to=other_salesperson, at=TUESDAY)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=sales_team.pk, at=TUESDAY)
    assert "whoever is first has it" in words(inbox())
