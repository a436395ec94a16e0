"""What both teams agreed on: reasons that are kept in order, retired, and never lost once they were given."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from crm import flows
from leads.models import Contact, DefinitionVersion, HandoverRule, Reason
from leads.reasons import KINDS
from leads.words import REASON_KINDS
from tests.pages.sales_work import TUESDAY, bring_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
NEW = {"kind": "reject", "label": "Wrong language", "description": "Nobody of us speaks it."}


def words(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def reason(code, kind="reject"):
    return Reason.objects.get(kind=kind, code=code)


def offered(kind="reject"):
    return list(Reason.objects.filter(kind=kind, is_retired=False).values_list("code", flat=True))


def test_everybody_reads_the_reasons_and_managers_and_administrators_change_them(
    browsing, marketer, salesperson, manager, administrator
):
    for user in (marketer, salesperson):
        client = browsing(user)
        page = client.get(reverse("reasons"))
        assert page.status_code == 200 and "Cannot decide and cannot bring us" in words(page)
        assert "New reason" not in words(page)
        assert client.get(reverse("reason_new")).status_code == 403
        for act in ("reason_shift", "reason_retire", "reason_bring_back", "reason_delete"):
            assert client.post(reverse(act, args=[reason("too_early").pk])).status_code == 403
    for user in (manager, administrator):
        assert "New reason" in words(browsing(user).get(reverse("reasons")))


def test_a_new_reason_can_be_given_at_once(browsing, manager, marketer, salesperson):
    client = browsing(manager)
    answer = client.post(reverse("reason_new"), NEW)
    made = reason("wrong_language")
    assert (answer.status_code, answer.url) == (303, f"{reverse('reasons')}#reason-{made.pk}")
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    card = words(browsing(salesperson).get(reverse("contact", args=[handoff.contact_id])))
    assert "Wrong language" in card and "Nobody of us speaks it." in card
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="wrong_language", at=TUESDAY)
    html = client.get(reverse("reasons")).content.decode()
    href = f"{reverse('handoffs')}?reason=wrong_language&amp;state=rejected"
    assert re.search(re.escape(href) + r'"[^>]*>1<', html)
    assert "Eva Novak" in words(client.get(href.replace("&amp;", "&")))


def test_what_is_wrong_with_a_reason_is_said_beside_what_was_typed(browsing, manager):
    client = browsing(manager)
    for given, text in (
        ({"label": "  "}, "Say the reason."),
        ({"label": "too EARLY"}, "This reason is here already."),
        ({"label": "x" * 121}, "at most 120 characters"),
        ({"kind": "merge"}, "Select a valid choice."),
    ):
        answer = client.post(reverse("reason_new"), NEW | given)
        assert answer.status_code == 422 and text in words(answer)
        assert "Nobody of us speaks it." in answer.content.decode()
    before = Reason.objects.count()
    client.post(reverse("reason_retire", args=[reason("too_early").pk]))
    answer = client.post(reverse("reason_new"), NEW | {"label": "Too early"})
    assert answer.status_code == 422 and "bring it back instead" in words(answer)
    assert Reason.objects.count() == before


def test_a_renamed_reason_renames_old_answers_and_keeps_its_code(browsing, manager, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY)
    client, row = browsing(manager), reason("too_early")
    page = words(client.get(reverse("reason_edit", args=[row.pk])))
    assert "Answers given with it read so from now on." in page
    given = {"label": "Decides too late", "description": ""}
    assert client.post(reverse("reason_edit", args=[row.pk]), given).status_code == 303
    handoff.refresh_from_db()
    assert (handoff.reason.label, handoff.reason.code) == ("Decides too late", "too_early")


def test_a_reason_moves_within_what_is_offered(browsing, manager):
    client, before = browsing(manager), offered()
    row = reason(before[1])
    answer = client.post(reverse("reason_shift", args=[row.pk]), {"to": "up"})
    assert answer.url == f"{reverse('reasons')}#reason-{row.pk}"
    assert offered()[:2] == [before[1], before[0]]
    client.post(reverse("reason_shift", args=[row.pk]), {"to": "up"})
    assert offered()[:2] == [before[1], before[0]]
    part = client.post(reverse("reason_shift", args=[row.pk]), {"to": "down"}, HTTP_HX_REQUEST="true")
    assert part.status_code == 200 and "<html" not in part.content.decode() and offered() == before
    assert client.post(reverse("reason_shift", args=[row.pk]), {"to": "left"}).status_code == 422
    assert client.get(reverse("reason_shift", args=[row.pk])).status_code == 405


def test_a_retired_reason_is_kept_by_old_answers_and_given_no_more(browsing, manager, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY)
    client, row = browsing(manager), reason("too_early")
    client.post(reverse("reason_retire", args=[row.pk]))
    assert "too_early" not in offered()
    handoff.refresh_from_db()
    assert handoff.reason == row
    again = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY, name="ida")
    refused = browsing(salesperson).post(reverse("handoff_reject", args=[again.pk]), {"reason": "too_early"})
    assert refused.status_code == 422
    client.post(reverse("reason_bring_back", args=[row.pk]))
    assert offered()[-1] == "too_early"


def test_the_last_reason_of_a_list_stays(browsing, manager):
    client = browsing(manager)
    for code in offered()[1:]:
        client.post(reverse("reason_retire", args=[reason(code).pk]))
    last = offered()
    assert len(last) == 1
    for act in ("reason_retire", "reason_delete"):
        page = client.post(reverse(act, args=[reason(last[0]).pk]), follow=True)
        assert "Add another one first." in words(page)
    assert offered() == last


def test_a_reason_that_was_given_is_not_removed(browsing, manager, marketer, salesperson):
    handoff = bring_to("offered", marketer=marketer, seller=salesperson, at=TUESDAY)
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY)
    client = browsing(manager)
    page = client.post(reverse("reason_delete", args=[reason("too_early").pk]), follow=True)
    assert "Retire it instead." in words(page) and Reason.objects.filter(kind="reject", code="too_early").exists()
    client.post(reverse("reason_delete", args=[reason("too_small").pk]))
    assert not Reason.objects.filter(kind="reject", code="too_small").exists()
    assert client.post(reverse("reason_delete", args=[999])).status_code == 404


def test_the_reason_of_a_merge_is_nobodys_to_change(browsing, manager):
    client, row = browsing(manager), Reason.objects.filter(kind="merge").get()
    assert str(row.pk) not in re.findall(r'id="reason-(\d+)"', client.get(reverse("reasons")).content.decode())
    assert client.get(reverse("reason_edit", args=[row.pk])).status_code == 404
    assert client.post(reverse("reason_retire", args=[row.pk])).status_code == 404


def test_the_disqualified_stand_behind_the_number_beside_their_reason(browsing, manager, marketer):
    handoff = bring_to("in_review", marketer=marketer, seller=marketer, at=TUESDAY)
    flows.disqualify(actor=marketer, contact_id=handoff.contact_id, reason="never_buys", at=TUESDAY)
    client = browsing(manager)
    href = f"{reverse('contacts')}?disqualified_reason=never_buys"
    assert re.search(re.escape(href) + r'"[^>]*>1<', client.get(reverse("reasons")).content.decode())
    listed = words(client.get(href))
    assert "Eva Novak" in listed and "Disqualified because: Will not buy" in listed
    assert Contact.objects.get().disqualified_reason.code == "never_buys"


def test_the_page_costs_the_same_however_many_reasons_there_are(browsing, manager):
    client = browsing(manager)
    client.get(reverse("reasons"))
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("reasons"))
    Reason.objects.bulk_create(
        Reason(kind="won", code=f"more_{n}", label=f"More {n}", position=100 + n) for n in range(30)
    )
    with CaptureQueriesContext(connection) as many:
        client.get(reverse("reasons"))
    assert len(few) == len(many)


def test_every_kind_of_reason_has_a_list_of_what_it_was_given_for(browsing, manager):
    page = words(browsing(manager).get(reverse("reasons")))
    assert all(str(REASON_KINDS[kind]) in page for kind in KINDS)


# The hand-over rule ---------------------------------------------------------------------------------------------------

FINNS = {"rows": "1", "field_0": "country", "op_0": "equals", "value_0": "FI", "act": "save"}
RULE = {"name": "Finland", "way": "straight", "is_active": "on", **FINNS}


def test_a_rule_is_written_read_by_everybody_and_opens_the_leads_it_passed_on(browsing, manager, marketer, salesperson):
    client = browsing(manager)
    assert "Marketing reviews every MQL before sales sees it." in words(client.get(reverse("handover")))
    answer = client.post(reverse("handover_new"), RULE)
    made = HandoverRule.objects.get()
    assert (answer.status_code, answer.url) == (303, f"{reverse('handover')}#rule-{made.pk}")
    flows.create_contact(actor=manager, values={"email": "eva@firm.example", "country": "FI"}, at=TUESDAY)
    bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY)
    for user in (manager, marketer):
        html = browsing(user).get(reverse("handover")).content.decode()
        assert "Country is FI" in html and "Offered to sales at once" in html and "Every other lead" in html
        assert re.search(rf'straight_by={made.pk}"[^>]*>1<', html)
    listed = words(client.get(f"{reverse('handoffs')}?straight_by={made.pk}"))
    assert "eva@firm.example" in listed and "Passed straight to sales by: Finland" in listed
    page = client.post(reverse("handover_delete", args=[made.pk]), follow=True)
    assert "Take it out of use instead." in words(page)
    edited = client.post(reverse("handover_edit", args=[made.pk]), RULE | {"way": "review", "is_active": ""})
    assert edited.status_code == 303
    made.refresh_from_db()
    assert (made.is_straight, made.is_active) == (False, False)
    assert "not in use" in words(client.get(reverse("handover")))


def test_a_rule_that_makes_no_sense_is_refused_with_what_was_typed(browsing, manager, marketer):
    client = browsing(manager)
    for given, text in (
        ({"name": ""}, "This field is required."),
        ({"value_0": "", "field_0": ""}, ""),
        ({"field_0": "company.employees", "op_0": "gt", "value_0": "many"}, ""),
        ({"way": "somehow"}, "Select a valid choice."),
    ):
        answer = client.post(reverse("handover_new"), RULE | given)
        if given != {"value_0": "", "field_0": ""}:
            assert answer.status_code == 422 and text in words(answer), given
    more = client.post(reverse("handover_new"), RULE | {"act": "add_condition"})
    assert more.status_code == 200 and 'name="field_1"' in more.content.decode()
    assert 'value="Finland"' in more.content.decode()
    for address in ("handover_new", "handover"):
        assert browsing(marketer).post(reverse(address), RULE).status_code in (403, 405)


def test_rules_are_put_in_order(browsing, manager):
    client = browsing(manager)
    for name in ("Second", "First"):
        client.post(reverse("handover_new"), RULE | {"name": name})
    first, second = HandoverRule.objects.all()
    assert (first.name, second.name) == ("First", "Second")
    part = client.post(reverse("handover_shift", args=[second.pk]), {"to": "up"}, HTTP_HX_REQUEST="true")
    assert part.status_code == 200 and "<html" not in part.content.decode()
    assert list(HandoverRule.objects.all()) == [second, first]
    assert client.post(reverse("handover_shift", args=[second.pk]), {"to": "x"}).status_code == 422
    assert client.post(reverse("handover_shift", args=[999]), {"to": "up"}).status_code == 404


def test_what_would_happen_is_what_happens(browsing, manager, marketer, salesperson):
    client = browsing(manager)
    client.post(reverse("handover_new"), RULE)
    finn = flows.create_contact(actor=manager, values={"email": "aino@firm.example", "country": "FI"}, at=TUESDAY)
    pole = flows.create_contact(actor=manager, values={"email": "ewa@firm.example", "country": "PL"}, at=TUESDAY)
    page = reverse("handover_which")
    assert "aino@firm.example" in words(client.get(page, {"q": "aino"}))
    straight = words(client.get(page, {"contact": finn.pk}))
    assert "This one decides" in straight and "Now it would go to Sam Seller" in straight
    reviewed = words(client.get(page, {"contact": pole.pk}))
    assert "Marketing reviews it first" in reviewed and "does not fit" in reviewed
    assert client.get(page, {"contact": "x"}).status_code == 404
    assert browsing(salesperson).get(page, {"contact": finn.pk}).status_code == 404
    for contact, state in ((finn, "offered"), (pole, "in_review")):
        bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY, name=contact.email.split("@")[0])
        assert contact.handoffs.get().state == state


# Words ----------------------------------------------------------------------------------------------------------------

OURS = "Asked for a price, or more than 40 points."


def test_a_word_is_defined_by_managers_and_read_wherever_it_is_used(browsing, manager, marketer, salesperson):
    lead = bring_to("in_review", marketer=marketer, seller=salesperson, at=TUESDAY)
    for user in (marketer, salesperson):
        page = browsing(user).get(reverse("definition", args=["mql"]))
        assert "the score crossed the threshold" in words(page) and "Save for everybody" not in words(page)
        refused = browsing(user).post(reverse("definition", args=["mql"]), {"text": OURS, "seen": "0"})
        assert refused.status_code == 403
    client = browsing(manager)
    answer = client.post(reverse("definition", args=["mql"]), {"text": OURS, "seen": "0"})
    assert (answer.status_code, answer.url) == (303, reverse("definitions"))
    version = DefinitionVersion.objects.get()
    assert (version.word, version.number, version.text, version.actor) == ("mql", 1, OURS, manager)
    assert OURS in words(client.get(reverse("definitions"))) and "Maija Manager" in words(
        client.get(reverse("definitions"))
    )
    for address in (reverse("queue"), reverse("contact", args=[lead.contact_id])):
        assert OURS in words(browsing(marketer).get(address))
    assert f'title="{OURS}"' in browsing(marketer).get(reverse("contacts")).content.decode()
    history = words(client.get(reverse("definition", args=["mql"])))
    assert OURS in history and "In the beginning" in history


def test_whoever_writes_second_is_told_who_was_first_and_overwrites_nothing(browsing, manager, administrator):
    page = reverse("definition", args=["hot"])
    browsing(administrator).post(page, {"text": "Call today.", "seen": "0"})
    second = browsing(manager).post(page, {"text": "Call within the hour.", "seen": "0"})
    assert second.status_code == 409
    assert "Ada Admin changed it meanwhile." in words(second) and "Call within the hour." in words(second)
    assert 'name="seen" value="1"' in second.content.decode()
    assert DefinitionVersion.objects.get().text == "Call today."
    assert browsing(manager).post(page, {"text": "Call within the hour.", "seen": "1"}).status_code == 303
    assert list(DefinitionVersion.objects.values_list("number", "text")) == [
        (2, "Call within the hour."),
        (1, "Call today."),
    ]


def test_a_word_that_says_nothing_is_refused(browsing, manager):
    page = reverse("definition", args=["cold"])
    for given in ({"text": " ", "seen": "0"}, {"text": "x" * 1001, "seen": "0"}, {"text": "x", "seen": "?"}):
        assert browsing(manager).post(page, given).status_code == 422
    assert browsing(manager).delete(page).status_code == 405
    assert browsing(manager).get(reverse("definition", args=["luke"])).status_code == 404
