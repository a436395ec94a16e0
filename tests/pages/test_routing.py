"""Routing as managers set it up, and who would get a lead, as reviewers ask."""

import html
import re

import pytest

from crm import flows
from crm.flows import routes
from crm.models import Team, User
from crm.models.people import TeamKind
from leads.models import Contact, Rotation, RotationTurn, RoutingRule, RoutingSettings
from sla.models import Calendar
from tests.pages.sales_work import HTMX, TUESDAY, ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]
FINNS = [{"field": "country", "op": "equals", "value": "FI"}]
LIST, NEW, WAIT, WHO = (f"/settings/routing/{part}" for part in ("", "new/", "wait/", "who/"))


def words(answer) -> str:
    """What stands on a page, without its tags."""
    text = re.sub(r"<[^>]*>", " ", html.unescape(answer.content.decode()))
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text))


@pytest.fixture
def client(manager, browsing):
    return browsing(manager)


@pytest.fixture
def finland(manager, other_salesperson):
    values = {"name": "Finland", "conditions": FINNS, "weights": {other_salesperson.pk: 2}}
    return routes.create_rule(actor=manager, values=values)


def typed(**changes):
    given = {"name": "Nordic", "otherwise": "next", "is_active": "on", "rows": "0", "act": "save"}
    return {name: value for name, value in (given | changes).items() if value is not None}


def lead(name="eva", *, country="", company="Firm"):
    handoff = ask(name, at=TUESDAY, company=company)
    Contact.objects.filter(pk=handoff.contact_id).update(country=country)
    return handoff


# Rules ----------------------------------------------------------------------------------------------------------------


def test_the_list_shows_the_rules_in_order_with_the_turns_of_each(client, marketer, salesperson, finland):
    for name in ("eva", "ivo", "ada"):
        flows.approve(actor=marketer, handoff_id=lead(name, country="FI", company=name).pk, at=TUESDAY)
    page = words(client.get(LIST))
    assert "1 rule is in use." in page and "0 leads wait for somebody." in page
    assert "Country is FI." in page
    assert "Otto Other × 2 3 of 3 due" in page
    assert "All of sales What no rule has placed; always the last" in page and "no turn yet" in page
    rotation = Rotation.objects.get()
    opened = client.get(f"/settings/routing/turns/{rotation.pk}/?person={finland.members.get().person_id}")
    assert "3 turns of Otto Other since the rotation began" in words(opened)
    assert len(opened.context["page"].object_list) == 3
    RotationTurn.objects.filter(number=1).update(handoff=None)
    all_of_them = client.get(f"/settings/routing/turns/{rotation.pk}/")
    assert "3 turns since the rotation began" in words(all_of_them) and "taken back" in words(all_of_them)


def test_turns_of_nobody_and_of_no_rotation(client, marketer, salesperson):
    assert client.get("/settings/routing/turns/1/").status_code == 404
    flows.approve(actor=marketer, handoff_id=lead().pk, at=TUESDAY)
    address = f"/settings/routing/turns/{Rotation.objects.get().pk}/"
    assert client.get(f"{address}?person=x").status_code == 404
    assert "0 turns of Mira Marketer" in words(client.get(f"{address}?person={marketer.pk}"))


def test_a_rule_is_written_with_people_a_team_and_conditions(client, salesperson, other_salesperson, sales_team):
    given = typed(
        team=sales_team.pk,
        otherwise="wait",
        rows="1",
        field_0="country",
        op_0="in",
        value_0="FI, SE",
        **{f"weight_{salesperson.pk}": "3", f"weight_{other_salesperson.pk}": "0"},
    )
    answer = client.post(NEW, given, follow=True)
    assert "Saved the rule Nordic." in words(answer)
    rule = RoutingRule.objects.get()
    assert rule.conditions == [{"field": "country", "op": "in", "value": ["FI", "SE"]}]
    assert (rule.team, rule.otherwise) == (sales_team, "wait")
    assert dict(rule.members.values_list("person", "weight")) == {salesperson.pk: 3, other_salesperson.pk: 0}
    page = client.get(f"/settings/routing/{rule.pk}/")
    assert page.context["form"][f"weight_{salesperson.pk}"].value() == 3
    emptied = {f"weight_{salesperson.pk}": "", "name": "North", "is_active": None}
    client.post(f"/settings/routing/{rule.pk}/", typed(team=sales_team.pk, **emptied))
    rule.refresh_from_db()
    assert (rule.name, rule.is_active, rule.conditions, rule.members.count()) == ("North", False, [], 0)
    assert "not in use" in words(client.get(LIST))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Name a team, or somebody with a weight of 1 or more."),
        ({"name": ""}, "This field is required."),
        ({"weight": "11"}, "less than or equal to 10"),
        ({"weight": "1", "rows": "1", "field_0": "country", "op_0": "gt", "value_0": "FI"}, "gt needs a number"),
        ({"weight": "1", "otherwise": "never"}, "Select a valid choice"),
    ],
)
def test_a_rule_that_makes_no_sense_is_shown_again_with_what_was_typed(client, salesperson, wrong, said):
    wrong = dict(wrong)
    given = typed(**wrong) | {f"weight_{salesperson.pk}": wrong.pop("weight", "")}
    answer = client.post(NEW, given)
    assert answer.status_code == 422 and said in words(answer)
    assert not RoutingRule.objects.exists()


def test_a_condition_more_keeps_what_was_typed(client, salesperson):
    answer = client.post(NEW, typed(name="Half", act="add_condition", **{f"weight_{salesperson.pk}": "4"}))
    form = answer.context["form"]
    assert answer.status_code == 200 and (form.rows, form["name"].value()) == (1, "Half")
    assert form[f"weight_{salesperson.pk}"].value() == "4"


def test_who_stopped_selling_stays_named(client, manager, salesperson, finland, other_salesperson):
    User.objects.filter(pk=other_salesperson.pk).update(is_active=False)
    assert "Nobody who is active" in words(client.get(LIST))
    client.post(f"/settings/routing/{finland.pk}/", typed(**{f"weight_{salesperson.pk}": "1"}))
    assert dict(finland.members.values_list("person", "weight")) == {salesperson.pk: 1, other_salesperson.pk: 2}


def test_rules_are_moved_and_removed(client, manager, marketer, salesperson, finland):
    first = routes.create_rule(actor=manager, values={"name": "First", "weights": {salesperson.pk: 1}})
    answer = client.post(f"/settings/routing/{first.pk}/shift/", {"to": "down"})
    assert answer.status_code == 303
    assert [row.name for row in RoutingRule.objects.all()] == ["Finland", "First"]
    fragment = client.post(f"/settings/routing/{first.pk}/shift/", {"to": "up"}, **HTMX)
    assert fragment.status_code == 200 and words(fragment).index("First") < words(fragment).index("Finland")
    assert client.post(f"/settings/routing/{first.pk}/shift/", {"to": "left"}).status_code == 422
    flows.approve(actor=marketer, handoff_id=lead().pk, at=TUESDAY)
    refused = client.post(f"/settings/routing/{first.pk}/delete/", follow=True)
    assert "it stays for their history" in words(refused)
    assert "Removed the rule Finland." in words(client.post(f"/settings/routing/{finland.pk}/delete/", follow=True))


def test_what_becomes_of_leads_that_wait_is_set_on_the_page(client):
    partner = Team.objects.create(name="North partner", kind=TeamKind.PARTNER)
    office = Calendar.objects.get(name="Office hours")
    given = {"overflow_team": partner.pk, "overflow_after": "1 d", "overflow_calendar": office.pk, "most_a_pass": "2"}
    assert "Saved what becomes of leads that wait." in words(client.post(WAIT, given, follow=True))
    found = RoutingSettings.objects.get()
    assert (found.overflow_team, found.overflow_calendar, found.most_a_pass) == (partner, office, 2)
    assert found.overflow_seconds == 8 * 3600
    assert client.get(LIST).context["form"]["overflow_after"].value() == "8 h"
    for wrong, said in (
        ({"overflow_after": ""}, "Say both: after how long, and to which team."),
        ({"overflow_team": ""}, "Say both: after how long, and to which team."),
        ({"overflow_after": "soon"}, "Write “soon” as 2 h"),
        ({"most_a_pass": "0"}, "greater than or equal to 1"),
    ):
        answer = client.post(WAIT, given | wrong)
        assert answer.status_code == 422 and said in words(answer)
    assert client.post("/settings/calendars/" + f"{office.pk}/delete/").status_code == 303
    assert Calendar.objects.filter(pk=office.pk).exists()


def test_wrong_verbs_and_wrong_people(client, marketer, salesperson, administrator, browsing, finland):
    assert browsing(administrator).get(LIST).status_code == 200
    for person in (marketer, salesperson):
        other = browsing(person)
        for address in (LIST, NEW, f"/settings/routing/{finland.pk}/", "/settings/routing/turns/1/"):
            assert other.get(address).status_code == 403
        for act in ("shift", "delete"):
            assert other.post(f"/settings/routing/{finland.pk}/{act}/").status_code == 403
        assert other.post(WAIT).status_code == 403
    for address in (WAIT, f"/settings/routing/{finland.pk}/shift/", f"/settings/routing/{finland.pk}/delete/"):
        assert client.get(address).status_code == 405
    assert client.post(WHO).status_code == 405 and client.post(LIST).status_code == 405
    for act in ("", "shift/", "delete/"):
        assert client.post(f"/settings/routing/999/{act}", {"to": "up"}).status_code == 404


def test_the_list_takes_as_many_queries_for_many_rules(
    client, manager, salesperson, finland, django_assert_num_queries, django_assert_max_num_queries
):
    client.get(LIST)
    with django_assert_max_num_queries(30) as few:
        client.get(LIST)
    for n in range(5):
        routes.create_rule(actor=manager, values={"name": f"Rule {n}", "weights": {salesperson.pk: 1}})
    with django_assert_num_queries(len(few.captured_queries)):
        client.get(LIST)


# Who would get it -----------------------------------------------------------------------------------------------------


def test_who_would_get_a_lead_is_told_step_by_step(client, marketer, salesperson, other_salesperson, finland):
    User.objects.filter(pk=other_salesperson.pk).update(is_on_duty=False)
    handoff = lead(country="FI")
    found = client.get(WHO, {"q": "novak"})
    assert f"{WHO}?contact={handoff.contact_id}" in found.content.decode()
    page = words(client.get(WHO, {"contact": handoff.contact_id}))
    assert "Sam Seller would get it: Next in the rotation; 0 of 8 open." in page
    assert "1. Finland nobody can take it; the next is asked" in page
    assert "Country is FI. FI yes" in page
    assert "Otto Other off duty 0 of 8 no limit 0, weight 2" in page
    assert "2. All of sales gives it to Sam Seller" in page
    routes.edit_rule(actor=marketer_of(client), rule_id=finland.pk, values={"otherwise": "wait"})
    page = words(client.get(WHO, {"contact": handoff.contact_id}))
    assert "It would wait" in page and "the lead waits for one of them" in page
    assert "not asked any more; would give it to Sam Seller" in page
    assert not Rotation.objects.exists()


def marketer_of(client):
    """The manager behind the browser."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def test_who_has_the_company_comes_first(browsing, marketer, salesperson, other_salesperson, finland):
    first = flows.approve(actor=marketer, handoff_id=lead("ada").pk, at=TUESDAY)
    second = lead("eva", country="FI")
    page = words(browsing(marketer).get(WHO, {"contact": second.contact_id}))
    assert f"1. Who has the company gives it to {first.assignee}" in page
    assert "2. Finland not asked any more; would give it to Otto Other" in page


def test_a_lead_that_would_wait_behind_others_is_told(client, marketer, salesperson):
    User.objects.filter(pk=salesperson.pk).update(capacity=0)
    flows.approve(actor=marketer, handoff_id=lead("ada", company="A").pk, at=TUESDAY)
    User.objects.filter(pk=salesperson.pk).update(capacity=5)
    page = words(client.get(WHO, {"contact": lead("eva").contact_id}))
    assert "Leads that wait already go first" in page


def test_without_an_open_handoff_one_is_supposed(client, salesperson):
    contact = Contact.objects.create(email="quiet@firm.example", stage_at=TUESDAY, created_at=TUESDAY)
    assert "as if the threshold were crossed now" in words(client.get(WHO, {"contact": contact.pk}))
    assert client.get(WHO, {"contact": "x"}).status_code == 404
    assert client.get(WHO, {"contact": "99999"}).status_code == 404
    assert "Nobody is found." in words(client.get(WHO, {"q": "zzz"}))


def test_new_leads_a_day_are_set_with_the_person(browsing, administrator, salesperson):
    address = f"/settings/people/{salesperson.pk}/"
    admin = browsing(administrator)
    form = admin.get(address).context["form"]
    given = {name: form[name].value() for name in form.fields}
    given = {name: value for name, value in given.items() if value not in (None, False)} | {"daily_capacity": "4"}
    assert admin.post(address, given).status_code == 303
    salesperson.refresh_from_db()
    assert salesperson.daily_capacity == 4
    assert admin.post(address, given | {"daily_capacity": ""}).status_code == 303
    salesperson.refresh_from_db()
    assert salesperson.daily_capacity is None
