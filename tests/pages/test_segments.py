"""Segments and personas: chosen by the same editor of conditions, counted, listed, kept in versions."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from crm import flows
from crm.flows import personas, publishing
from leads.models import Contact, Persona, Segment
from scoring.models import Score

pytestmark = pytest.mark.django_db
FINNS = {"rows": "1", "field_0": "country", "op_0": "equals", "value_0": "fi", "act": "save"}


@pytest.fixture
def people(marketer):
    """Three contacts, two of them in Finland."""
    for name, country in (("Aino", "FI"), ("Pekka", "FI"), ("Ewa", "PL")):
        values = {"first_name": name, "country": country}
        flows.create_contact(actor=marketer, values=values, at=timezone.now())


def words(answer):
    return re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))


def test_a_segment_is_saved_counted_and_opened(browsing, marketer, people):
    client = browsing(marketer)
    assert "There is no segment yet." in words(client.get(reverse("segments")))
    answer = client.post(reverse("segment_new"), FINNS | {"name": "Finland"})
    assert (answer.status_code, answer.url) == (303, reverse("segments"))
    segment = Segment.objects.get()
    html = client.get(reverse("segments")).content.decode()
    assert "Country is fi" in html and f'href="{reverse("contacts")}?segment={segment.pk}"' in html
    assert re.search(r"segment=\d+\"[^>]*>2<", html)
    listed = words(client.get(reverse("contacts"), {"segment": segment.pk}))
    assert "Aino" in listed and "Pekka" in listed and "Ewa" not in listed
    assert "Aino" not in words(client.get(reverse("contacts"), {"segment": 999}))
    page = reverse("segment", args=[segment.pk])
    assert client.post(page, FINNS | {"name": "Poland", "value_0": "PL"}).status_code == 303
    segment.refresh_from_db()
    assert (segment.name, segment.conditions[0]["value"], segment.created_by) == ("Poland", "PL", marketer)
    assert client.post(reverse("segment_delete", args=[segment.pk])).status_code == 303
    assert not Segment.objects.exists() and Contact.objects.count() == 3


def test_a_segment_is_drawn_by_what_contacts_did(browsing, marketer, people):
    aino = Contact.objects.get(first_name="Aino")
    seen = flows.ActivityIn(
        type="webinar_attended",
        occurred_at=timezone.now(),
        external_id="w1",
        contact_id=aino.pk,
        properties={"webinar": "Calm docks"},
    )
    flows.record_activities(activities=[seen], by=None, actor=None, at=timezone.now())
    client = browsing(marketer)
    asked = {"rows": "2", "field_0": "activity.webinar", "op_0": "contains", "value_0": "docks"}
    asked |= {"field_1": "activity.type", "op_1": "not_equals", "value_1": "demo_request", "act": "save"}
    assert client.post(reverse("segment_new"), asked | {"name": "Calm ones"}).status_code == 303
    assert "Webinar of an activity contains docks" in words(client.get(reverse("segments")))
    listed = words(client.get(reverse("contacts"), {"segment": Segment.objects.get().pk}))
    assert "Aino" in listed and "Pekka" not in listed
    page = client.get(reverse("segment", args=[Segment.objects.get().pk])).content.decode()
    assert re.search(r'value="activity.webinar" selected', page)
    # What somebody did gives points by rules of its own, so a persona does not ask for it.
    answer = client.post(reverse("persona_new"), asked | {"name": "Calm ones"})
    assert answer.status_code == 422 and not Persona.objects.exists()


def test_a_segment_that_chooses_nothing_is_refused_and_what_was_typed_is_kept(browsing, marketer):
    client = browsing(marketer)
    answer = client.post(reverse("segment_new"), {"name": "Everybody", "rows": "1", "op_0": "equals", "act": "save"})
    assert answer.status_code == 422
    assert "Choose what to look at." in words(answer) and 'value="Everybody"' in answer.content.decode()
    assert client.post(reverse("segment_new"), FINNS | {"name": ""}).status_code == 422
    client.post(reverse("segment_new"), FINNS | {"name": "Finland"})
    again = client.post(reverse("segment_new"), FINNS | {"name": "finland"})
    assert again.status_code == 422 and "There is a segment of this name already." in words(again)
    added = client.post(reverse("segment_new"), FINNS | {"name": "", "act": "add_condition"})
    assert added.status_code == 200 and 'name="field_1"' in added.content.decode()
    assert "data-errors" not in added.content.decode()


def test_conditions_are_counted_while_they_are_typed(browsing, marketer, people):
    client = browsing(marketer)
    assert "2 contacts meet this now." in words(client.get(reverse("conditions_count"), FINNS))
    assert "Complete the conditions" in words(client.get(reverse("conditions_count"), FINNS | {"value_0": ""}))
    assert "Complete the conditions" in words(client.get(reverse("conditions_count")))


def test_a_persona_is_drawn_changed_in_versions_and_taken_out_of_use(browsing, marketer, people):
    client = browsing(marketer)
    answer = client.post(reverse("persona_new"), FINNS | {"name": "Finn", "description": "Wants quiet."})
    first = Persona.objects.get()
    assert answer.url == reverse("persona", args=[first.pk])
    assert "Version 1, in use: 2 contacts are one now." in words(client.get(answer.url))
    assert client.post(answer.url, FINNS | {"description": "Wants quiet."}).status_code == 303
    assert Persona.objects.count() == 1, "saving what did not change makes no version"
    changed = client.post(answer.url, FINNS | {"value_0": "PL", "description": "Wants quiet."})
    second = Persona.objects.get(is_active=True)
    assert changed.url == reverse("persona", args=[second.pk])
    assert (second.name, second.version, second.description) == ("Finn", 2, "Wants quiet.")
    old = words(client.get(answer.url))
    assert "Version 1, not in use any more; 2 would be one now." in old and "Save as the next version" not in old
    assert client.post(answer.url, FINNS).status_code == 409
    assert "Country is PL" in words(client.get(reverse("personas")))
    assert client.post(reverse("persona_retire", args=[second.pk])).status_code == 303
    assert "Not in use any more" in words(client.get(reverse("personas")))
    assert client.post(reverse("persona_retire", args=[second.pk])).status_code == 409
    client.post(reverse("persona_new"), FINNS | {"name": "Finn"})
    assert Persona.objects.get(is_active=True).version == 3


def test_personas_stand_on_no_personas_and_have_names_of_their_own(browsing, marketer):
    client = browsing(marketer)
    assert 'value="persona"' not in client.get(reverse("persona_new")).content.decode()
    wrong = FINNS | {"name": "Circular", "field_0": "persona", "value_0": "Circular"}
    assert client.post(reverse("persona_new"), wrong).status_code == 422
    client.post(reverse("persona_new"), FINNS | {"name": "Finn"})
    again = client.post(reverse("persona_new"), FINNS | {"name": "FINN"})
    assert again.status_code == 422 and "There is a persona of this name already." in words(again)


def test_a_changed_persona_moves_the_scores_that_ask_for_it(marketer, people):
    at = timezone.now()
    rules = [{"name": "Finn", "field": "persona", "op": "equals", "value": "Finn", "points": 7}]
    draft = publishing.draft_from(actor=marketer, model_id=1, values={"fit_rules": rules}, at=at)
    publishing.run_publication(
        publication_id=publishing.publish(actor=marketer, model_id=draft.pk, note="x", at=at).pk, at=at
    )

    def fit():
        flows.sweep_scores(at=timezone.now())
        return dict(Score.objects.values_list("contact__first_name", "fit"))

    values = {"name": "Finn", "conditions": [{"field": "country", "op": "equals", "value": "FI"}]}
    persona = personas.create_persona(actor=marketer, values=values, at=at)
    assert fit() == {"Aino": 7, "Pekka": 7, "Ewa": 0}
    poles = [{"field": "country", "op": "equals", "value": "PL"}]
    persona = personas.change_persona(actor=marketer, persona_id=persona.pk, values={"conditions": poles}, at=at)
    assert fit() == {"Aino": 0, "Pekka": 0, "Ewa": 7}
    personas.retire_persona(actor=marketer, persona_id=persona.pk, at=at)
    assert fit() == {"Aino": 0, "Pekka": 0, "Ewa": 0}


def test_who_may(browsing, marketer, salesperson, manager):
    values = {"name": "Finn", "conditions": [{"field": "country", "op": "equals", "value": "FI"}]}
    persona = personas.create_persona(actor=marketer, values=values, at=timezone.now())
    page, retire = reverse("persona", args=[persona.pk]), reverse("persona_retire", args=[persona.pk])
    client = browsing(manager)
    assert client.get(page).status_code == 200 and "Save as the next version" not in words(client.get(page))
    assert [client.post(address, FINNS).status_code for address in (page, retire, reverse("persona_new"))] == [403] * 3
    assert client.post(reverse("segment_new"), FINNS | {"name": "Finland"}).status_code == 303
    delete = reverse("segment_delete", args=[Segment.objects.get().pk])
    assert browsing(salesperson).post(delete).status_code == 403
    client = browsing(marketer)
    assert client.get(delete).status_code == client.get(retire).status_code == 405
    assert client.put(page).status_code == client.post(reverse("segments")).status_code == 405
    for name in ("persona", "segment", "segment_delete", "persona_retire"):
        address = reverse(name, args=[999])
        assert client.post(address, FINNS | {"name": "x"}).status_code == 404


@pytest.mark.parametrize("kind", ["segments", "personas"])
def test_a_list_costs_the_same_queries_however_long(kind, browsing, marketer, django_assert_num_queries):
    client = browsing(marketer)

    def add(number):
        values = {"name": f"No {number}", "conditions": [{"field": "country", "op": "equals", "value": "FI"}]}
        if kind == "personas":
            personas.create_persona(actor=marketer, values=values, at=timezone.now())
        else:
            Segment.objects.create(created_at=timezone.now(), **values)

    add(1)
    client.get(reverse(kind))
    with CaptureQueriesContext(
        connection,
    ) as one:
        client.get(reverse(kind))
    for number in range(2, 7):
        add(number)
    with django_assert_num_queries(len(one)):
        client.get(reverse(kind))
