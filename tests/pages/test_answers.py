"""What is done from the contact page: each act works, and is refused in words to who may not, came late or erred."""

import pytest

from crm import flows
from leads.models import Activity, Contact, Handoff, Opportunity
from sla.models import Pause, Timer
from tests.pages.sales_work import DAY, HOUR, HTMX, TUESDAY, ask, bring_to, offer
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
TOMORROW = "2026-11-18"


@pytest.fixture
def offered(marketer, salesperson):
    return bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)


@pytest.fixture
def called(marketer, salesperson):
    return bring_to("called", marketer=marketer, seller=salesperson, at=TUESDAY)


@pytest.fixture
def deal(called, salesperson):
    return flows.open_opportunity(actor=salesperson, handoff_id=called.pk, name="Ten docks", amount=9800, at=TUESDAY)


@pytest.fixture
def client(browsing, salesperson):
    return browsing(salesperson)


def test_accepting_makes_an_sql_of_theirs_and_can_be_undone(client, offered, salesperson):
    answer = client.post(f"/handoffs/{offered.pk}/accept/", {"rating": "4", "comment": "Good one"})
    assert (answer.status_code, answer["Location"]) == (303, f"/contacts/{offered.contact_id}/")
    offered.refresh_from_db()
    assert (offered.state, offered.rating, offered.comment) == ("accepted", 4, "Good one")
    assert Contact.objects.get().owner == salesperson
    page = client.get(answer["Location"]).content.decode()
    assert "Accepted Eva Novak: an SQL, yours." in page
    undo = f"/handoffs/{offered.pk}/undo/?next=%2Fcontacts%2F{offered.contact_id}%2F"
    assert undo in page
    assert client.post(undo)["Location"] == f"/contacts/{offered.contact_id}/"
    assert Handoff.objects.get().state == "offered"


def test_with_htmx_the_page_changes_in_place_and_tells_it(client, offered):
    answer = client.post(f"/handoffs/{offered.pk}/accept/", **HTMX)
    fragment = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in fragment
    assert "First contact" in words(fragment) and "Accepted Eva Novak" in fragment
    assert 'id="toasts" role="status" hx-swap-oob' in fragment


def test_rejecting_sends_the_answer_back_to_marketing(client, offered):
    client.post(f"/handoffs/{offered.pk}/reject/", {"reason": "too_early", "comment": "Call in May", "rating": "2"})
    offered.refresh_from_db()
    assert (offered.state, offered.reason.code, offered.comment, offered.rating) == (
        "rejected",
        "too_early",
        "Call in May",
        2,
    )
    page = words(client.get(f"/contacts/{offered.contact_id}/").content.decode())
    assert "You rejected today 10:00. It is with marketing for review." in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_rejection_without_a_reason_names_the_field_and_keeps_what_was_typed(client, offered, headers):
    answer = client.post(f"/handoffs/{offered.pk}/reject/", {"comment": "A long word", "rating": "2"}, **headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose a reason." in page and 'href="#answer_form_reason"' in page and 'id="answer_form_reason"' in page
    assert "A long word</textarea>" in page and 'value="2" checked' in page
    assert ("<html" in page) is not bool(headers)
    assert Handoff.objects.get().state == "offered"


@pytest.mark.parametrize("given", [{"reason": "nonsense"}, {"reason": "too_early", "rating": "6"}])
def test_answers_that_are_none_are_refused(client, offered, given):
    assert client.post(f"/handoffs/{offered.pk}/reject/", given).status_code == 422
    assert Handoff.objects.get().state == "offered"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_who_comes_second_learns_how_things_stand(client, offered, headers):
    client.post(f"/handoffs/{offered.pk}/accept/")
    answer = client.post(f"/handoffs/{offered.pk}/reject/", {"reason": "too_early"}, **headers)
    page = words(answer.content.decode())
    assert answer.status_code == 409
    assert "Eva Novak is already accepted. The last to act was Sam Seller." in page
    assert "Or reject, because" not in page


def test_a_team_mate_who_was_faster_is_named(browsing, marketer, manager, salesperson, other_salesperson, sales_team):
    sales_team.kind = "partner"
    sales_team.save()
    handoff = offer(ask(at=TUESDAY - HOUR), by=marketer, to=other_salesperson, at=TUESDAY)
    flows.overflow(actor=manager, handoff_id=handoff.pk, team_id=sales_team.pk, at=TUESDAY)
    assert browsing(salesperson).post(f"/handoffs/{handoff.pk}/accept/").status_code == 303
    late = browsing(other_salesperson).post(f"/handoffs/{handoff.pk}/accept/")
    assert late.status_code == 404
    assert "Eva Novak is with Sam Seller since today 10:00." in late.content.decode()
    assert browsing(other_salesperson).post(f"/handoffs/{handoff.pk}/accept/", **HTMX)["HX-Refresh"] == "true"
    typed = {"reason": "no_budget", "comment": "I know them: <no>"}
    for headers, status in (({}, 404), (HTMX, 409)):
        answer = browsing(other_salesperson).post(f"/handoffs/{handoff.pk}/reject/", typed, **headers)
        assert answer.status_code == status
        assert "I know them: &lt;no&gt;</textarea>" in answer.content.decode()
        assert answer.get("HX-Retarget") == ("#main" if headers else None)


LOGS = [
    (
        {"type": "call", "outcome": "reached", "no_next": "They call us"},
        {"outcome": "reached", "no_next": "They call us"},
    ),
    (
        {"type": "call", "outcome": "call_back", "note": "In a meeting", "next": TOMORROW},
        {"outcome": "call_back", "note": "In a meeting", "next_at": f"{TOMORROW}T09:00:00+00:00"},
    ),
    (
        {"type": "email", "outcome": "reached", "note": "Sent the offer", "no_next": "Wait"},
        {"note": "Sent the offer", "no_next": "Wait"},
    ),
    ({"type": "email", "outcome": "meeting", "no_next": "Wait"}, {"outcome": "meeting", "no_next": "Wait"}),
    (
        {"type": "note", "later": "2026-12-01T14:30"},
        {"next_at": "2026-12-01T14:30:00+00:00", "next_has_time": True},
    ),
]


@pytest.mark.parametrize(("given", "kept"), LOGS)
def test_what_was_done_is_logged(client, marketer, salesperson, given, kept):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    assert client.post(f"/contacts/{handoff.contact_id}/log/", given).status_code == 303
    logged = Activity.objects.get(actor=salesperson)
    assert (logged.type_id, logged.properties) == (given["type"], kept)
    is_met = Timer.objects.get(milestone="contact").met_at is not None
    assert is_met is (given["type"] != "note")


def test_a_call_may_have_been_earlier(client, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    tuesday.move_to(TUESDAY + 2 * HOUR)
    given = {"type": "call", "outcome": "reached", "occurred_at": "2026-11-17T10:30", "next": TOMORROW}
    client.post(f"/contacts/{handoff.contact_id}/log/", given)
    assert Timer.objects.get(milestone="contact").met_at == TUESDAY + HOUR / 2
    page = words(client.get(f"/contacts/{handoff.contact_id}/").content.decode())
    # Both times: when it was, and when it was entered.
    assert "Called, reached · Sam Seller" in page and "entered Tue 17 Nov 2026, 12:00 UTC" in page


def test_a_call_of_before_the_offer_is_kept_and_stops_nothing(client, marketer, salesperson, tuesday):
    handoff = bring_to("accepted", marketer=marketer, seller=salesperson, at=TUESDAY)
    given = {"type": "call", "outcome": "reached", "occurred_at": "2026-11-17T09:30", "next": TOMORROW}
    answer = client.post(f"/contacts/{handoff.contact_id}/log/", given, **HTMX)
    assert "It was before the lead was offered, so it keeps no promise." in words(answer.content.decode())
    assert Activity.objects.filter(actor=salesperson).count() == 1
    assert Timer.objects.get(milestone="contact").met_at is None


BAD_LOGS = [
    ({"type": "call"}, "Choose what came of the call."),
    ({"type": "call", "outcome": "call_back"}, "Choose when to call back."),
    ({"type": "note"}, "Write the note, or choose a day for the next step."),
    ({"type": "visit", "outcome": "reached"}, "Select a valid choice"),
    ({"type": "email", "later": "soon"}, "Choose a day and a time."),
    ({"type": "email", "next": "2026-11-02"}, "The next step lies ahead."),
    (
        {"type": "call", "outcome": "reached", "occurred_at": "2026-11-19T10:00", "no_next": "Wait"},
        "lies in the future",
    ),
]


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(("given", "said"), BAD_LOGS)
def test_a_log_that_is_none_says_why_and_keeps_the_words(client, called, given, said, headers):
    before = Activity.objects.count()
    answer = client.post(f"/contacts/{called.contact_id}/log/", given, **headers)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Activity.objects.count() == before


def test_a_manager_gives_the_lead_to_somebody_else(browsing, manager, offered, other_salesperson):
    client = browsing(manager)
    answer = client.post(f"/handoffs/{offered.pk}/reassign/", {"assignee": other_salesperson.email, "comment": "Yours"})
    assert answer.status_code == 303
    assert Handoff.objects.get().assignee == other_salesperson
    assert "Eva Novak is now with Otto Other." in client.get(answer["Location"]).content.decode()
    again = client.post(f"/handoffs/{offered.pk}/reassign/", {"assignee": other_salesperson.email})
    assert again.status_code == 422
    assert "Otto Other has it already." in again.content.decode()


def test_the_owner_gives_the_contact_back_until_a_day(client, called):
    given = {"reason": "no_budget", "resurface_at": "2027-01-12", "comment": "Next year"}
    assert client.post(f"/handoffs/{called.pk}/recycle/", given).status_code == 303
    called.refresh_from_db()
    assert (called.state, called.resurface_at.isoformat()) == ("recycled", "2027-01-12T09:00:00+00:00")
    page = words(client.get(f"/contacts/{called.contact_id}/").content.decode())
    assert "It comes back by itself on 12 Jan 2027." in page


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": "no_budget"}, "Choose a day."),
        ({"resurface_at": "2027-01-12"}, "Choose a reason."),
        ({"reason": "no_budget", "resurface_at": "2026-01-12"}, "the day lies ahead"),
    ],
)
def test_giving_back_needs_a_reason_and_a_day_to_come(client, called, given, said):
    answer = client.post(f"/handoffs/{called.pk}/recycle/", given)
    assert answer.status_code == 422 and said in answer.content.decode()


def test_clocks_stand_still_and_run_again(client, offered):
    given = {"until": "2026-11-19T10:00", "reason": "On a ship"}
    assert client.post(f"/handoffs/{offered.pk}/pause/", given).status_code == 303
    assert Pause.objects.get().ends_at == TUESDAY + 2 * DAY
    page = client.get(f"/contacts/{offered.contact_id}/").content.decode()
    assert "Paused" in page and f"/handoffs/{offered.pk}/resume/" in page
    assert client.post(f"/handoffs/{offered.pk}/resume/").status_code == 303
    assert Pause.objects.get().ends_at == TUESDAY
    assert client.post(f"/handoffs/{offered.pk}/resume/").status_code == 409
    for until, said in (
        ("2026-11-17T09:00", "A pause ends in the future."),
        ("2026-12-31T10:00", "A pause lasts 30 days at most."),
    ):
        refused = client.post(f"/handoffs/{offered.pk}/pause/", {"until": until, "reason": "On a ship"})
        assert refused.status_code == 422
        assert said in refused.content.decode() and "On a ship" in refused.content.decode()
    bad = client.post(f"/handoffs/{offered.pk}/pause/", {"until": "2026-11-16T10:00"})
    assert bad.status_code == 422 and "Say why" in bad.content.decode()


def test_an_offer_is_opened_and_won(client, called):
    given = {"name": "Ten docks", "amount": "9800.50", "currency": "PLN"}
    assert client.post(f"/handoffs/{called.pk}/opportunity/", given).status_code == 303
    deal = Opportunity.objects.get()
    assert (deal.name, str(deal.amount), deal.currency) == ("Ten docks", "9800.50", "PLN")
    refused = client.post(f"/opportunities/{deal.pk}/win/", {"comment": "So glad"})
    assert refused.status_code == 422 and "So glad</textarea>" in refused.content.decode()
    assert client.post(f"/opportunities/{deal.pk}/win/", {"reason": "price"}).status_code == 303
    assert Contact.objects.get().stage == "customer"
    assert client.post(f"/opportunities/{deal.pk}/win/", {"reason": "price"}).status_code == 409


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"amount": "-1"}, "greater than or equal to 0"),
        ({"amount": "much"}, "Give the amount as a number."),
        ({}, "Give the amount of the offer."),
        ({"amount": "5", "currency": "XXX"}, "Select a valid choice"),
    ],
)
def test_an_offer_needs_an_amount(client, called, given, said):
    answer = client.post(f"/handoffs/{called.pk}/opportunity/", {"currency": "EUR", **given})
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not Opportunity.objects.exists()


@pytest.mark.parametrize(
    ("given", "stage"),
    [
        ({"then": "work_on"}, "sql"),
        ({"then": "recycle", "recycle_reason": "too_early", "resurface_at": "2027-02-01"}, "lead"),
        ({"then": "disqualify", "disqualify_reason": "never_buys"}, "lead"),
    ],
)
def test_a_lost_offer_leads_where_the_owner_says(client, deal, given, stage):
    assert client.post(f"/opportunities/{deal.pk}/lose/", {"reason": "competitor", **given}).status_code == 303
    deal.refresh_from_db()
    assert (deal.state, deal.contact.stage) == ("lost", stage)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"then": "work_on"}, "Choose a reason."),
        ({"reason": "price", "then": "recycle", "resurface_at": "2027-02-01"}, "Choose a reason."),
        ({"reason": "price", "then": "recycle", "recycle_reason": "too_early"}, "Choose a day."),
        ({"reason": "price", "then": "disqualify"}, "Choose a reason."),
        ({"reason": "price", "then": "shout"}, "Select a valid choice"),
    ],
)
def test_a_lost_offer_says_why_and_what_then(client, deal, given, said):
    answer = client.post(f"/opportunities/{deal.pk}/lose/", given)
    assert answer.status_code == 422 and said in answer.content.decode()
    deal.refresh_from_db()
    assert deal.state == "open"


def test_a_marketer_adjusts_the_score_with_a_reason(browsing, marketer, called):
    client = browsing(marketer)
    address = f"/contacts/{called.contact_id}/adjust/"
    assert client.post(address, {"points": "12.5", "reason": "Met the board"}).status_code == 303
    assert "Met the board" in client.get(f"/contacts/{called.contact_id}/").content.decode()
    for bad in (
        {"points": "5"},
        {"points": "5000", "reason": "x"},
        {"points": "nan", "reason": "x"},
        {"points": "0", "reason": "x"},
    ):
        assert client.post(address, bad).status_code == 422, bad


def addresses(handoff: Handoff, deal: Opportunity) -> dict[str, str]:
    own = {
        verb: f"/handoffs/{handoff.pk}/{verb}/"
        for verb in ("accept", "reject", "reassign", "recycle", "pause", "resume")
    }
    return own | {
        "log": f"/contacts/{handoff.contact_id}/log/",
        "adjust": f"/contacts/{handoff.contact_id}/adjust/",
        "opportunity": f"/handoffs/{handoff.pk}/opportunity/",
        "win": f"/opportunities/{deal.pk}/win/",
        "lose": f"/opportunities/{deal.pk}/lose/",
    }


def test_to_strangers_nothing_of_it_is_there(browsing, other_salesperson, called, deal):
    client = browsing(other_salesperson)
    for address in addresses(called, deal).values():
        assert client.post(address).status_code == 404, address


@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        ("marketer", {"pause", "resume", "log", "adjust"}),
        ("manager", {"reassign", "recycle", "pause", "resume", "log", "adjust"}),
        ("administrator", {"log"}),
    ],
)
def test_each_act_is_for_its_roles(who, allowed, request, browsing, called, deal):
    client = browsing(request.getfixturevalue(who))
    for name, address in addresses(called, deal).items():
        status = client.post(address).status_code
        assert (status != 403) is (name in allowed), (name, status)
        assert status < 500


def test_acts_are_posts(client, called, deal):
    for address in addresses(called, deal).values():
        assert client.get(address).status_code == 405, address


def test_without_a_token_nothing_is_done(anonymous, offered, salesperson):
    anonymous.force_login(salesperson)
    assert anonymous.post(f"/handoffs/{offered.pk}/accept/").status_code == 403
    assert Handoff.objects.get().state == "offered"
