"""Signing in, the first page of each role, and the people whom administrators keep."""

import re

import pytest
from django.utils.html import strip_tags

from crm import flows
from crm.models import User
from sla.models import Calendar
from tests.conftest import PASSWORD
from tests.pages.sales_work import HOUR, TUESDAY, ask, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


# The way in -----------------------------------------------------------------------------------------------------------


def test_each_role_has_its_first_page(browsing, marketer, salesperson, manager, administrator):
    homes = {marketer: "/queue/", salesperson: "/inbox/", manager: "/sla/", administrator: "/settings/"}
    for user, home in homes.items():
        answer = browsing(user).get("/")
        assert (answer.status_code, answer["Location"]) == (302, home)
    assert browsing(administrator).get("/settings/")["Location"] == "/settings/people/"


def test_without_a_role_one_comes_to_an_empty_list(browsing, marketer):
    marketer.set_roles(())
    client = browsing(User.objects.get(pk=marketer.pk))
    assert client.get("/")["Location"] == "/contacts/"
    assert client.get("/contacts/").status_code == 200


def test_sign_in_leads_on_and_sign_out_is_a_post(client, marketer):
    assert client.get("/queue/")["Location"] == "/login/?next=/queue/"
    page = client.get("/login/?next=/queue/")
    assert "Sign in to see that page." in words(page)
    answer = client.post("/login/", {"username": marketer.email.upper(), "password": PASSWORD, "next": "/queue/"})
    assert (answer.status_code, answer["Location"]) == (302, "/queue/")
    assert client.get("/login/")["Location"] == "/"
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/queue/").status_code == 302


def test_a_wrong_password_and_an_inactive_person_are_refused_alike(client, marketer):
    given = {"username": marketer.email, "password": "wrong"}
    assert "correct" in words(client.post("/login/", given))
    User.objects.update(is_active=False)
    assert "correct" in words(client.post("/login/", given | {"password": PASSWORD}))


def test_the_demo_names_its_people_at_the_door(client, settings):
    settings.IS_EMBEDDED = True
    assert "demo.example" not in words(client.get("/login/"))
    User.objects.create_user("sales@demo.example", "demo", name="Sales", roles=("salesperson",))
    assert "sales@demo.example" in words(client.get("/login/"))
    settings.IS_EMBEDDED = False
    assert "demo.example" not in words(client.get("/login/"))


def test_the_menu_counts_what_waits(browsing, marketer, salesperson, manager):
    offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    ask("pia", at=TUESDAY)

    def counts(user) -> dict[str, str]:
        page = browsing(user).get("/contacts/").content.decode()
        return dict(re.findall(r'<span>(\w+)</span><span class="nav-count[^"]*">(\d+)</span>', page))

    assert counts(marketer) == {"Queue": "1", "Alerts": "0"}
    assert counts(salesperson) == {"Inbox": "1", "Alerts": "1", "Opportunities": "0"}
    assert counts(manager) == {"SLA": "3", "Unnoticed": "0", "Queue": "1", "Alerts": "0", "Opportunities": "0"}


def test_who_is_left_in_utc_is_told_where_that_is_changed(browsing, marketer):
    User.objects.update(time_zone="Europe/Helsinki")
    assert "time zone" not in words(browsing(marketer).get("/contacts/"))
    User.objects.update(time_zone="UTC")
    page = browsing(marketer).get("/contacts/").content.decode()
    assert '<a href="/my-settings/#id_time_zone">set your time zone</a>' in page
    assert 'id="id_time_zone"' in browsing(marketer).get("/my-settings/").content.decode()


def test_a_new_person_is_offered_the_zone_that_the_company_works_in(browsing, administrator):
    Calendar.objects.filter(always_open=False).update(time_zone="Europe/Warsaw")
    page = browsing(administrator).get("/settings/people/new/").content.decode()
    assert 'name="time_zone" value="Europe/Warsaw"' in page


# People ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def admin(browsing, administrator):
    return browsing(administrator)


@pytest.fixture
def typed(sales_team) -> dict:
    return {
        "name": "Nora New",
        "email": "Nora@Firm.example",
        "roles": ["salesperson", "manager"],
        "first_role": "manager",
        "team": sales_team.pk,
        "capacity": "5",
        "time_zone": "Europe/Warsaw",
        "language": "en",
        "is_on_duty": "on",
        "is_active": "on",
    }


def test_the_list_shows_roles_duty_and_what_each_holds(admin, marketer, salesperson):
    offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    page = admin.get("/settings/people/")
    assert "Sam Seller sam.seller@baton.example Salesperson Field sales on duty UTC 1 8" in words(page)
    assert "3 people can sign in." in words(page)


def test_a_new_person_can_sign_in_with_the_password_that_is_shown_once(admin, client, typed):
    answer = admin.post("/settings/people/new/", typed)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    password = re.search(r"<code>([^<]+)</code>", answer.content.decode())[1]
    person = User.objects.get(email="nora@firm.example")
    assert person.roles == ["manager", "salesperson"]
    assert (person.capacity, person.time_zone, person.is_on_duty) == (5, "Europe/Warsaw", True)
    assert client.login(username=person.email, password=password)


def test_a_lost_password_is_replaced(admin, client, marketer):
    assert admin.get(f"/settings/people/{marketer.pk}/password/").status_code == 405
    answer = admin.post(f"/settings/people/{marketer.pk}/password/")
    password = re.search(r"<code>([^<]+)</code>", answer.content.decode())[1]
    assert client.login(username=marketer.email, password=password)
    assert not client.login(username=marketer.email, password=PASSWORD)
    assert admin.post("/settings/people/4711/password/").status_code == 404


def test_an_edit_is_saved(admin, typed, marketer):
    assert 'value="mira.marketer@baton.example"' in admin.get(f"/settings/people/{marketer.pk}/").content.decode()
    answer = admin.post(f"/settings/people/{marketer.pk}/", typed | {"is_on_duty": ""})
    assert (answer.status_code, answer["Location"]) == (303, "/settings/people/")
    person = User.objects.get(pk=marketer.pk)
    assert (person.name, person.is_on_duty, person.roles) == ("Nora New", False, ["manager", "salesperson"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"roles": []}, "Give at least one role"),
        ({"first_role": "admin"}, "Choose one of the roles that this person has."),
        ({"email": "SAM.seller@baton.example"}, "There is a person with this address already."),
        ({"time_zone": "Mars/Olympus"}, "is not a known time zone"),
        ({"capacity": "-1"}, "greater than or equal to 0"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_bad_input_changes_nothing_and_stays(admin, typed, salesperson, changed, said):
    answer = admin.post("/settings/people/new/", typed | changed)
    assert answer.status_code == 422
    assert said in words(answer)
    assert "Europe/Warsaw" in answer.content.decode()
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"is_active": ""}, "leave"), ({"roles": ["manager"]}, "stop_selling"), ({"is_on_duty": ""}, "off_duty")],
)
def test_who_holds_something_hands_it_over_first(admin, typed, marketer, salesperson, changed, why):
    offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    path = f"/settings/people/{salesperson.pk}/"
    answer = admin.post(path, typed | changed)
    assert (answer.status_code, answer["Location"]) == (303, f"/people/{salesperson.pk}/hand-over/?why={why}")
    person = User.objects.get(pk=salesperson.pk)
    assert (person.name, person.is_active, person.is_on_duty, person.is_salesperson) == ("Nora New", True, True, True)
    assert "it is handed over when this person goes" in words(admin.get(path))
    handoff = salesperson.handoffs.get()
    flows.reject(actor=salesperson, handoff_id=handoff.pk, reason="too_early", at=TUESDAY + HOUR)
    assert admin.post(path, typed | changed)["Location"] == "/settings/people/"


def test_one_administrator_always_stays(admin, administrator, typed):
    path = f"/settings/people/{administrator.pk}/"
    assert "is the last administrator" in words(admin.post(path, typed))
    answer = admin.post(path, typed | {"roles": ["admin"], "first_role": "", "is_active": ""})
    assert "is the last administrator" in words(answer)
    assert User.objects.get(pk=administrator.pk).is_admin


def test_only_administrators_come_here(browsing, marketer, salesperson, manager, administrator, typed):
    for user in (marketer, salesperson, manager):
        client = browsing(user)
        for path in ("/settings/", "/settings/people/", "/settings/people/new/", f"/settings/people/{user.pk}/"):
            assert client.get(path).status_code == 403
        assert client.post("/settings/people/new/", typed).status_code == 403
        assert client.post(f"/settings/people/{user.pk}/password/").status_code == 403
    client = browsing(administrator)
    assert client.get("/settings/people/4711/").status_code == 404
    assert client.post("/settings/people/").status_code == 405
    assert User.objects.count() == 4
