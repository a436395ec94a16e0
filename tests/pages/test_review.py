"""What marketing does with leads in review: one, several at once, and taken back."""

import re

import pytest
from django.contrib.messages import get_messages
from django.utils.html import strip_tags

from crm import flows, toasts
from crm.models import User
from leads.models import Contact, Handoff
from tests.pages.sales_work import DAY, HTMX, MINUTE, TUESDAY, ask, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
REASON = {"reason": "not_ready", "comment": "Wants a brochure."}


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


def told(answer) -> list[str]:
    """What the answer adds to the toasts that wait for the next page."""
    return [str(message) for message in get_messages(answer.wsgi_request)._queued_messages]


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


@pytest.fixture
def handoff(salesperson) -> Handoff:
    return ask("eva", at=TUESDAY)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_approve_offers_it_and_goes_on_to_the_next(client, handoff, salesperson, headers):
    following = ask("next", at=TUESDAY + MINUTE)
    answer = client.post(f"/handoffs/{handoff.pk}/approve/", {"by": "routing", "back": "order=-score"}, **headers)
    assert (answer.status_code, answer["Location"]) == (303, f"/queue/?order=-score&focus={following.pk}")
    assert told(answer) == ["Approved Eva Novak, offered to Sam Seller."]
    handoff.refresh_from_db()
    assert (handoff.state, handoff.assignee) == ("offered", salesperson)


def test_approve_to_somebody_else_with_a_word(client, handoff, other_salesperson):
    answer = client.post(
        f"/handoffs/{handoff.pk}/approve/", {"assignee": other_salesperson.email, "comment": "In a hurry."}
    )
    assert answer.status_code == 303
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.comment) == (other_salesperson, "In a hurry.")


def test_the_main_button_means_whom_it_names_not_the_list_below(client, handoff, salesperson, other_salesperson):
    client.post(f"/handoffs/{handoff.pk}/approve/", {"by": "routing", "assignee": other_salesperson.email})
    handoff.refresh_from_db()
    assert handoff.assignee == salesperson


def test_approve_with_nobody_free_waits_and_says_so(client, handoff):
    User.objects.update(is_on_duty=False)
    answer = client.post(f"/handoffs/{handoff.pk}/approve/")
    assert "Nobody on duty has room" in told(answer)[0]
    handoff.refresh_from_db()
    assert handoff.state == "waiting"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_an_assignee_who_cannot_be_is_refused_in_the_form(client, handoff, headers):
    typed = {"assignee": "nobody@firm.example", "comment": "In a hurry."}
    answer = client.post(f"/handoffs/{handoff.pk}/approve/", typed, **headers)
    assert answer.status_code == 422
    assert "No active salesperson has the address nobody@firm.example." in words(answer)
    assert "In a hurry." in words(answer)
    handoff.refresh_from_db()
    assert handoff.state == "in_review"


def test_return_needs_a_reason_and_keeps_what_was_typed(client, handoff):
    for headers in ({}, HTMX):
        for reason in ("", "nonsense"):
            answer = client.post(
                f"/handoffs/{handoff.pk}/return/", {"reason": reason, "comment": "Wants a brochure."}, **headers
            )
            assert answer.status_code == 422
            assert "Wants a brochure." in words(answer)
            assert "Nothing was saved yet." in words(answer)
    assert answer["HX-Retarget"] == "#panel"
    handoff.refresh_from_db()
    assert handoff.state == "in_review"


def test_return_gives_it_back_to_nurturing(client, handoff):
    answer = client.post(f"/handoffs/{handoff.pk}/return/", REASON)
    assert told(answer) == ["Returned Eva Novak to nurturing: Not ready yet."]
    handoff.refresh_from_db()
    assert (handoff.state, handoff.contact.stage, handoff.comment) == ("returned", "lead", "Wants a brochure.")


def test_disqualify_from_the_queue(client, handoff):
    assert client.post(f"/queue/{handoff.pk}/disqualify/", {}).status_code == 422
    answer = client.post(f"/queue/{handoff.pk}/disqualify/", {"reason": "never_buys"})
    assert (answer.status_code, told(answer)) == (303, ["Disqualified Eva Novak: Will not buy."])
    assert Contact.objects.get().is_disqualified
    assert client.post(f"/queue/{handoff.pk}/disqualify/", {"reason": "never_buys"}).status_code == 409


@pytest.mark.parametrize("path", ["/handoffs/{}/return/", "/queue/{}/disqualify/"])
def test_what_a_colleague_approved_meanwhile_is_not_taken_back(client, handoff, manager, path):
    """Nobody had room, so that it waits: from there it could be returned as well, but that was not what was seen."""
    User.objects.update(is_on_duty=False)
    flows.approve(actor=manager, handoff_id=handoff.pk, at=TUESDAY)
    typed = {"reason": "not_ready" if "return" in path else "never_buys", "comment": "Wants a brochure."}
    answer = client.post(path.format(handoff.pk), typed | {"seen_as": "in_review"})
    assert answer.status_code == 409
    assert "Eva Novak is already waiting for capacity. The last to act was Maija Manager." in words(answer)
    assert client.post(path.format(handoff.pk), typed | {"seen_as": "waiting"}).status_code == 303


def test_a_waiting_lead_that_found_somebody_meanwhile_is_left_to_them(
    browsing, handoff, marketer, manager, salesperson, other_salesperson
):
    User.objects.update(is_on_duty=False)
    flows.approve(actor=marketer, handoff_id=handoff.pk, at=TUESDAY)
    User.objects.update(is_on_duty=True)
    assert flows.route_waiting(at=TUESDAY) == 1
    handoff.refresh_from_db()
    has_it = handoff.assignee
    named = other_salesperson if has_it == salesperson else salesperson
    answer = browsing(manager).post(f"/handoffs/{handoff.pk}/offer/", {"assignee": named.email})
    assert answer.status_code == 409
    handoff.refresh_from_db()
    assert (handoff.assignee, handoff.events.filter(verb="offer").count()) == (has_it, 1)


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_second_is_told_who_was_first_and_keeps_what_was_typed(client, handoff, manager, headers):
    flows.approve(actor=manager, handoff_id=handoff.pk, at=TUESDAY)
    answer = client.post(f"/handoffs/{handoff.pk}/return/", REASON, **headers)
    page = words(answer)
    assert answer.status_code == 409
    assert "Eva Novak is already offered. The last to act was Maija Manager. Nothing was changed by you." in page
    assert "Wants a brochure." in page
    handoff.refresh_from_db()
    assert handoff.state == "offered"
    if headers:
        assert f'id="queue-row-{handoff.pk}" hx-swap-oob="true"' in answer.content.decode()
        assert "Nothing to review." in page
        assert """<span hx-swap-oob="innerHTML:a[href='/queue/'] .nav-count">0</span>""" in answer.content.decode()
    assert ('id="queue-sentence"' in answer.content.decode()) is bool(headers)


def test_undo_puts_it_back_once(client, browsing, handoff, manager):
    client.post(f"/handoffs/{handoff.pk}/approve/")
    answer = browsing(manager).post(f"/handoffs/{handoff.pk}/undo/")
    assert told(answer) == ["Only Mira Marketer can undo this."]
    answer = client.post(f"/handoffs/{handoff.pk}/undo/?next=/queue/%3Ffocus%3D1")
    assert (answer["Location"], told(answer)) == ("/queue/?focus=1", ["Taken back: Eva Novak is as before."])
    handoff.refresh_from_db()
    assert handoff.state == "in_review"
    assert told(client.post(f"/handoffs/{handoff.pk}/undo/")) == ["There is nothing to undo."]


def offered_undo(answer) -> str:
    """Where the undo of the latest toast posts."""
    return toasts.undo_url_of(get_messages(answer.wsgi_request)._queued_messages[-1])


def test_two_clicks_on_undo_take_back_one_act(client, browsing, handoff, salesperson, tuesday):
    client.post(f"/handoffs/{handoff.pk}/approve/", {"assignee": salesperson.email})
    sales = browsing(salesperson)
    tuesday.shift(MINUTE)
    sales.post(f"/handoffs/{handoff.pk}/accept/")
    tuesday.shift(MINUTE)
    back = (TUESDAY + 9 * DAY).date().isoformat()
    undo = offered_undo(sales.post(f"/handoffs/{handoff.pk}/recycle/", {"reason": "too_early", "resurface_at": back}))
    tuesday.shift(MINUTE)
    assert told(sales.post(undo)) == ["Taken back: Eva Novak is as before."]
    assert told(sales.post(undo)) == ["It was taken back already, or something was done since. Look at it again."]
    handoff.refresh_from_db()
    assert handoff.state == "accepted"


def test_an_undo_takes_back_no_later_act(client, browsing, handoff, salesperson, tuesday):
    client.post(f"/handoffs/{handoff.pk}/approve/", {"assignee": salesperson.email})
    sales = browsing(salesperson)
    undo = offered_undo(sales.post(f"/handoffs/{handoff.pk}/accept/"))
    tuesday.shift(MINUTE)
    back = (TUESDAY + 9 * DAY).date().isoformat()
    sales.post(f"/handoffs/{handoff.pk}/recycle/", {"reason": "too_early", "resurface_at": back})
    assert told(sales.post(undo)) == ["It was taken back already, or something was done since. Look at it again."]
    handoff.refresh_from_db()
    assert handoff.state == "recycled"


def test_what_is_said_of_a_contact_without_a_handoff_is_taken_back_once(client, marketer, tuesday):
    contact = flows.create_contact(actor=marketer, values={"first_name": "Ines", "last_name": "Ray"}, at=TUESDAY)
    tuesday.shift(MINUTE)
    undo = offered_undo(client.post(f"/contacts/{contact.pk}/disqualify/", {"reason": "never_buys"}))
    tuesday.shift(MINUTE)
    assert told(client.post(undo)) == ["Taken back: Ines Ray is as before."]
    tuesday.shift(MINUTE)
    assert told(client.post(undo)) == ["It was taken back already, or something was done since. Look at it again."]
    contact.refresh_from_db()
    assert not contact.is_disqualified


def test_undo_leads_nowhere_else(client, handoff):
    answer = client.post(f"/handoffs/{handoff.pk}/undo/?next=//evil.example/")
    assert answer["Location"] == "/"
    answer = client.post(f"/handoffs/{handoff.pk}/undo/", headers={"referer": "http://testserver/contacts/1/?all=1"})
    assert answer["Location"] == "/contacts/1/?all=1"


def test_after_ten_minutes_it_stands(client, handoff, tuesday):
    client.post(f"/handoffs/{handoff.pk}/approve/")
    tuesday.shift(11 * MINUTE)
    assert told(client.post(f"/handoffs/{handoff.pk}/undo/")) == ["That was more than ten minutes ago."]


# Several at once ------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(salesperson, other_salesperson) -> list[Handoff]:
    return [ask(name, at=TUESDAY, company=name) for name in ("eva", "pia", "ivo")]


def ids(handoffs) -> dict[str, list[int]]:
    return {"handoff": [one.pk for one in handoffs]}


def states() -> list[str]:
    return sorted(Handoff.objects.values_list("state", flat=True))


def test_several_are_approved_and_the_rest_is_named(client, manager, several):
    flows.approve(actor=manager, handoff_id=several[1].pk, at=TUESDAY)
    answer = client.post("/queue/bulk/", ids(several) | {"verb": "approve"})
    assert (answer.status_code, answer["Location"]) == (303, "/queue/")
    done, refused = told(answer)
    assert done == "Approved 2 leads: Otto Other 1, Sam Seller 1."
    assert refused == ("1 was left as it is. Pia Novak is already offered. The last to act was Maija Manager.")
    assert states() == ["offered"] * 3


def test_several_are_returned_for_one_reason_and_taken_back_together(client, several):
    answer = client.post("/queue/bulk/", ids(several) | {"verb": "return", **REASON})
    assert told(answer) == ["Returned 3 leads: Not ready yet."]
    assert states() == ["returned"] * 3
    asked = "&".join(f"handoff={one.pk}" for one in several)
    answer = client.post(f"/queue/undo/?{asked}&handoff=x&next=/queue/")
    assert (answer["Location"], told(answer)) == ("/queue/", ["Taken back: 3 leads are as before."])
    assert states() == ["in_review"] * 3


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"verb": "return", "comment": "Wants a brochure."}, "Choose a reason."),
        ({"verb": "return", "reason": "nonsense"}, "Choose one of the reasons."),
        ({"verb": "dance"}, "dance"),
        ({"verb": "assign"}, "Choose who gets them."),
        ({"verb": "disqualify", "reason": "not_ready"}, "Choose a reason."),
        ({"verb": "approve", "handoff": ["x"]}, "These rows are not known."),
        ({"verb": "approve", "handoff": []}, "Select the leads first."),
        ({"verb": "approve", "handoff": [str(n) for n in range(201)]}, "Select 200 at most."),
    ],
)
def test_a_bad_selection_changes_nothing_and_stays_selected(client, several, given, said, headers):
    answer = client.post("/queue/bulk/", ids(several) | given, **headers)
    assert answer.status_code == 422
    assert said in words(answer)
    if "handoff" not in given:
        assert len(re.findall(r'data-select aria-label="[^"]+" checked', answer.content.decode())) == 3
    assert states() == ["in_review"] * 3


def test_several_go_to_one_person_whatever_routing_would_find(client, several, other_salesperson):
    asked = ids(several) | {"verb": "assign", "assignee": other_salesperson.email}
    assert told(client.post("/queue/bulk/", asked)) == ["Approved 3 leads: Otto Other 3."]
    assert states() == ["offered"] * 3
    assert set(Handoff.objects.values_list("assignee__email", flat=True)) == {other_salesperson.email}


def test_several_are_disqualified_for_one_reason_but_not_those_that_sales_has(client, manager, several):
    flows.approve(actor=manager, handoff_id=several[1].pk, at=TUESDAY)
    asked = ids(several) | {"verb": "disqualify", "disqualify_reason": "never_buys"}
    done, refused = told(client.post("/queue/bulk/", asked))
    assert done == "Disqualified 2 leads: Will not buy."
    assert refused == "1 was left as it is. Pia Novak is already offered. The last to act was Maija Manager."
    assert states() == ["closed", "closed", "offered"]
    asked = "&".join(f"handoff={one.pk}" for one in (several[0], several[2]))
    assert told(client.post(f"/queue/undo/?{asked}&next=/queue/")) == ["Taken back: 2 leads are as before."]
    assert not Contact.objects.filter(is_disqualified=True).exists()


def test_managers_approve_several_but_return_none(browsing, manager, several):
    client = browsing(manager)
    assert client.post("/queue/bulk/", ids(several) | {"verb": "return", **REASON}).status_code == 403
    assert states() == ["in_review"] * 3
    client.post("/queue/bulk/", ids(several[:1]) | {"verb": "approve"})
    assert states() == ["in_review", "in_review", "offered"]


# Capacity -------------------------------------------------------------------------------------------------------------


def test_a_manager_offers_what_waits_beyond_capacity(browsing, client, manager, marketer, salesperson, handoff):
    User.objects.filter(pk=salesperson.pk).update(capacity=0)
    client.post(f"/handoffs/{handoff.pk}/approve/")
    assert client.post(f"/handoffs/{handoff.pk}/offer/", {"assignee": salesperson.email}).status_code == 403
    page = browsing(manager)
    assert page.post(f"/handoffs/{handoff.pk}/offer/", {}).status_code == 422
    answer = page.post(f"/handoffs/{handoff.pk}/offer/", {"assignee": salesperson.email})
    assert told(answer) == ["Offered Eva Novak to Sam Seller."]
    handoff.refresh_from_db()
    assert (handoff.state, handoff.is_override) == ("offered", True)
    assert told(page.post(offered_undo(answer))) == ["Taken back: Eva Novak is as before."]
    handoff.refresh_from_db()
    assert handoff.state == "waiting"


# The contact page -----------------------------------------------------------------------------------------------------


def test_disqualify_and_requalify_from_the_contact_page(client, handoff):
    path = f"/contacts/{handoff.contact_id}/"
    assert client.post(f"{path}disqualify/", {"comment": "No"}).status_code == 422
    answer = client.post(
        f"{path}disqualify/", {"reason": "never_buys"}, headers={"referer": f"http://testserver{path}"}
    )
    assert (answer.status_code, answer["Location"]) == (303, path)
    assert Contact.objects.get().is_disqualified
    assert client.post(f"{path}disqualify/", {"reason": "never_buys"}).status_code == 409
    assert "may buy again" in told(client.post(f"{path}requalify/"))[-1]
    assert not Contact.objects.get().is_disqualified
    assert "is not disqualified" in told(client.post(f"{path}requalify/"))[-1]


def test_return_from_the_contact_page_leads_back_there(client, handoff):
    path = f"/contacts/{handoff.contact_id}/"
    answer = client.post(f"/handoffs/{handoff.pk}/return/", {"page": "contact", "comment": "Wants a brochure."})
    assert answer.status_code == 422
    assert "Wants a brochure." in words(answer) and "Eva Novak" in words(answer)
    answer = client.post(
        f"/handoffs/{handoff.pk}/return/", REASON | {"page": "contact"}, headers={"referer": f"http://testserver{path}"}
    )
    assert (answer.status_code, answer["Location"]) == (303, path)


# Rights ---------------------------------------------------------------------------------------------------------------

ACTS = ("/handoffs/{}/approve/", "/handoffs/{}/return/", "/queue/{}/disqualify/")


def test_salespeople_review_nothing(browsing, salesperson, handoff):
    client = browsing(salesperson)
    for path in (*ACTS, "/handoffs/{}/offer/", "/queue/bulk/", "/queue/undo/"):
        assert client.post(path.format(handoff.pk), REASON).status_code == 403
        assert client.post(path.format(handoff.pk), REASON, **HTMX).status_code == 403
    handoff.refresh_from_db()
    assert handoff.state == "in_review"


def test_a_manager_neither_returns_nor_disqualifies(browsing, manager, handoff):
    client = browsing(manager)
    assert client.post(f"/handoffs/{handoff.pk}/return/", REASON).status_code == 403
    assert client.post(f"/queue/{handoff.pk}/disqualify/", {"reason": "never_buys"}).status_code == 403
    handoff.refresh_from_db()
    assert handoff.state == "in_review"


def test_absent_handoffs_are_not_found_for_anybody(client, browsing, salesperson, other_salesperson, marketer):
    for path in ACTS:
        assert client.post(path.format(4711), REASON | {"reason": "not_a_buyer"}).status_code == 404
    theirs = offer(ask("pia", at=TUESDAY), by=marketer, to=other_salesperson, at=TUESDAY)
    assert browsing(salesperson).post(f"/handoffs/{theirs.pk}/undo/").status_code == 404
    assert (
        browsing(salesperson).post(f"/contacts/{theirs.contact_id}/disqualify/", {"reason": "never_buys"}).status_code
        == 404
    )
    assert browsing(salesperson).post(f"/contacts/{theirs.contact_id}/requalify/").status_code == 404


def test_acts_are_posts(client, handoff):
    for path in (*ACTS, "/handoffs/{}/undo/", "/queue/bulk/", "/queue/undo/"):
        assert client.get(path.format(handoff.pk)).status_code == 405
