"""The conversation on the contact page and in the queue's panel, with and without htmx."""

import pytest

from leads.models import HandoffComment
from tests.pages.sales_work import HTMX, TUESDAY, bring_to
from tests.pages.test_inbox import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


@pytest.fixture
def offered(marketer, salesperson):
    return bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)


def say(client, handoff, text, **more):
    return client.post(f"/handoffs/{handoff.pk}/comments/", {"text": text} | more.pop("data", {}), **more)


def test_a_word_is_read_by_both_teams(browsing, offered, marketer, salesperson):
    answer = say(browsing(marketer), offered, "@Sam they open at six")
    assert (answer.status_code, answer["Location"]) == (303, f"/contacts/{offered.contact_id}/#conversation")
    page = browsing(salesperson).get(f"/contacts/{offered.contact_id}/").content.decode()
    assert "Mira Marketer @Sam Seller they open at six" in words(page)
    assert '<b class="at-name">@Sam Seller</b>' in page
    assert "Answer Mira Marketer, or @ someone" in page


def test_the_queue_shows_it_too_and_leads_back_there(browsing, marketer, salesperson):
    handoff = bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY)
    panel = f"/queue/{handoff.pk}/"
    assert say(browsing(marketer), handoff, "Look", data={"next": panel})["Location"] == f"{panel}#conversation"
    page = browsing(marketer).get(panel).content.decode()
    assert "Mira Marketer Look" in words(page) and f'name="next" value="{panel}"' in page


def test_htmx_gets_the_conversation_alone(browsing, offered, salesperson):
    page = say(browsing(salesperson), offered, "Fine", **HTMX).content.decode()
    assert page.strip().startswith('<div id="conversation">') and "Sam Seller Fine" in words(page)
    assert "<textarea" in page and "Fine</textarea>" not in page


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_what_is_refused_stays_in_the_field(headers, browsing, offered, salesperson):
    answer = say(browsing(salesperson), offered, "@Nobody & co", **headers)
    page = answer.content.decode()
    assert answer.status_code == 422 and "Nobody here is called @Nobody" in words(page)
    assert "@Nobody &amp; co</textarea>" in page and 'aria-invalid="true"' in page
    assert not HandoffComment.objects.exists()


def test_strangers_are_told_nothing(browsing, offered, other_salesperson):
    client = browsing(other_salesperson)
    assert say(client, offered, "Hello").status_code == 404
    assert client.get(f"/handoffs/{offered.pk}/people/").status_code == 404


def test_saying_is_a_post_and_asking_for_names_a_get(browsing, offered, salesperson):
    client = browsing(salesperson)
    assert client.get(f"/handoffs/{offered.pk}/comments/").status_code == 405
    assert client.post(f"/handoffs/{offered.pk}/people/").status_code == 405


def test_the_field_completes_the_names_of_those_who_may_see_the_contact(browsing, offered, salesperson, manager):
    page = browsing(salesperson).get(f"/handoffs/{offered.pk}/people/").content.decode()
    assert 'data-name="Maija Manager"' in page and 'data-name="Mira Marketer"' in page
    assert "Sam Seller" not in page


def test_a_long_conversation_is_folded(browsing, offered, salesperson):
    client = browsing(salesperson)
    for number in range(12):
        say(client, offered, f"Word {number}")
    text = words(client.get(f"/contacts/{offered.contact_id}/").content.decode())
    assert "5 before" in text and text.index("Word 3") < text.index("Word 4") < text.index("Word 11")
