"""Lists of contacts and companies, and entering and editing a contact by hand."""

import re

import pytest
from django.contrib.messages import get_messages
from django.utils.html import strip_tags

from crm import flows
from leads.models import Activity, Company, Contact, Import, ImportedContact, Source, Touch
from sla.models import Timer
from tests.pages.sales_work import HTMX, TUESDAY, ask, offer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday")]


def words(answer) -> str:
    text = re.sub(r"\s+", " ", strip_tags(answer.content.decode().replace("<", " <")))
    return re.sub(r" ([.,:;])", r"\1", text)


def names(answer) -> list[str]:
    return re.findall(r'class="name" href="/contacts/\d+/" data-primary>([^<]+)<', answer.content.decode())


def told(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)._queued_messages]


@pytest.fixture
def client(browsing, marketer):
    return browsing(marketer)


@pytest.fixture
def enter(marketer):
    """`enter(last_name, **fields)` makes a contact."""

    def make(last_name: str, *, company: str = "", **values: str) -> Contact:
        where = Company.objects.get_or_create(name=company, defaults={"created_at": TUESDAY})[0] if company else None
        values = {"last_name": last_name, "email": f"{last_name.lower()}@firm.example", "company": where} | values
        return flows.create_contact(actor=marketer, values=values, at=TUESDAY)

    return make


# The list -------------------------------------------------------------------------------------------------------------


def test_what_the_form_has_no_field_for_stays_and_can_be_taken_away(client, browsing, salesperson, enter, marketer):
    job = Import.objects.create(
        file_name="fair.csv", checksum="1", actor=marketer, created_at=TUESDAY, updated_at=TUESDAY
    )
    came, _other = enter("Came"), enter("Other")
    ImportedContact.objects.create(job=job, contact=came, is_created=True)
    answer = client.get("/contacts/", {"created_by_import": job.pk, "stage": "lead"})
    page = answer.content.decode()
    assert names(answer) == ["Came"]
    assert f'<input type="hidden" name="created_by_import" value="{job.pk}">' in page
    assert 'class="chip" href="/contacts/?stage=lead" aria-label="Without: Created by the import: fair.csv"' in page
    where = '[{"field": "country", "op": "in", "value": ["FI"]}]'
    assert "Conditions: " in words(client.get("/contacts/", {"where": where}))
    # Whoever may not see imports is not told their names.
    page = browsing(salesperson).get("/contacts/", {"created_by_import": job.pk}).content.decode()
    assert "fair.csv" not in page and f"Created by the import: {job.pk}" in page


def test_a_search_finds_names_addresses_companies_and_phone_numbers(client, enter):
    enter(
        "Wójcik",
        email="wojcik@firm.example",
        first_name="Agnieszka",
        phone="+48 58 555-01-37",
        company="Bałtyk Logistyka",
    )
    enter("Horvat", first_name="Rok")
    for asked in ("wójcik", "WÓJCIK", "agn wój", "wojcik@firm", "bałtyk", "58 555 01", "585550137", "+48585550137"):
        assert names(client.get("/contacts/", {"q": asked})) == ["Agnieszka Wójcik"], asked
    assert "Nobody fits." in words(client.get("/contacts/?q=wójcik+horvat"))


def test_a_search_finds_a_further_address(client, enter):
    kept = enter("Wójcik", email="wojcik@firm.example")
    enter("Horvat")
    kept.addresses.create(email="old.name@other.example", at=TUESDAY)
    assert names(client.get("/contacts/?q=name@other")) == ["Wójcik"]
    assert "Nobody fits." in words(client.get("/contacts/?q=name@nowhere"))


def test_filters_and_orders(client, enter, salesperson, marketer):
    handoff = offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    flows.accept(actor=salesperson, handoff_id=handoff.pk, at=TUESDAY)
    enter("Berg", source=Source.objects.get(code="phone"), job_title="Head of operations", country="FI")
    gone = enter("Aalto")
    flows.disqualify(actor=marketer, contact_id=gone.pk, reason="never_buys", at=TUESDAY)
    assert names(client.get("/contacts/?order=name")) == ["Aalto", "Berg", "Eva Novak"]
    assert names(client.get("/contacts/?order=-name")) == ["Eva Novak", "Berg", "Aalto"]
    assert names(client.get("/contacts/?order=-score"))[0] == "Eva Novak"
    assert names(client.get("/contacts/?stage=sql")) == ["Eva Novak"]
    assert names(client.get(f"/contacts/?owner={salesperson.email}")) == ["Eva Novak"]
    assert names(client.get("/contacts/?source=phone")) == ["Berg"]
    assert names(client.get("/contacts/?is_disqualified=true")) == ["Aalto"]
    assert names(client.get("/contacts/?grade=B")) == ["Berg"]
    assert names(client.get("/contacts/?is_hot=true")) == []
    assert names(client.get("/contacts/", {"rule": "999"})) == []


def test_the_head_counts_by_stage_and_the_fragment_is_the_list_alone(client, enter):
    enter("Berg")
    page = client.get("/contacts/")
    assert "1 lead" in words(page)
    assert "/contacts/?stage=lead" in page.content.decode()
    fragment = client.get("/contacts/?q=berg&stage=", **HTMX)
    assert fragment["HX-Replace-Url"] == "/contacts/?q=berg"
    assert names(fragment) == ["Berg"] and b"<html" not in fragment.content


def test_what_is_not_understood_finds_nothing_and_says_so(client, enter):
    enter("Berg")
    for path in ("/contacts/?stage=nonsense", "/contacts/?campaign=x"):
        for headers in ({}, HTMX):
            page = client.get(path, **headers)
            assert "nothing is shown" in words(page) and names(page) == []


def test_salespeople_see_their_own(browsing, enter, marketer, salesperson, other_salesperson):
    enter("Berg")
    offer(ask("eva", at=TUESDAY), by=marketer, to=salesperson, at=TUESDAY)
    offer(ask("pia", at=TUESDAY, company="Other"), by=marketer, to=other_salesperson, at=TUESDAY)
    client = browsing(salesperson)
    assert names(client.get("/contacts/")) == ["Eva Novak"]
    assert "1 MQL" in words(client.get("/contacts/"))
    assert re.findall(r"data-primary>([^<]+)<", client.get("/companies/").content.decode()) == ["Firm"]
    theirs = Company.objects.get(name="Other")
    assert client.get(f"/companies/{theirs.pk}/").status_code == 404
    own = Company.objects.get(name="Firm")
    assert names(client.get(f"/companies/{own.pk}/")) == ["Eva Novak"]


# A new one ------------------------------------------------------------------------------------------------------------

TYPED = {
    "name": "Anna Maria Berg",
    "email": "Anna@Firm.example",
    "phone": "+358 40 1",
    "company": "Firm",
    "job_title": "CFO",
    "note": "Met at the stand.",
}


def test_a_marketers_new_contact_is_a_lead(client):
    source = Source.objects.get(code="trade_fair")
    answer = client.post("/contacts/new/", TYPED | {"source": source.pk})
    contact = Contact.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/contacts/{contact.pk}/")
    assert told(answer) == ["Anna Maria Berg is a lead now."]
    assert (contact.first_name, contact.last_name, contact.email) == ("Anna Maria", "Berg", "anna@firm.example")
    assert (contact.stage, contact.owner, contact.company.name, contact.source) == ("lead", None, "Firm", source)
    assert Activity.objects.get().properties == {"note": "Met at the stand."}


def test_a_salespersons_new_contact_is_theirs_at_once(browsing, salesperson):
    client = browsing(salesperson)
    assert "Save, yours at once" in words(client.get("/contacts/new/"))
    answer = client.post("/contacts/new/", {"name": "Berg", "phone": "+358 40 1"})
    contact = Contact.objects.get()
    assert (contact.stage, contact.owner, contact.first_name) == ("sql", salesperson, "Berg")
    assert list(Timer.objects.values_list("milestone", flat=True)) == ["contact"]
    assert "yours" in told(answer)[0]


def test_a_dialog_over_any_page_leads_on_when_done(client):
    form = client.get("/contacts/new/", **HTMX)
    assert b"<html" not in form.content and b"dialog-head" in form.content
    answer = client.post("/contacts/new/", TYPED, **HTMX)
    assert answer["HX-Redirect"] == f"/contacts/{Contact.objects.get().pk}/"


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"note": "Who was it?"}, "Give a name, an e-mail address or a phone number."),
        ({"name": "Berg", "email": "anna@", "note": "Who was it?"}, "Enter a valid email address."),
        ({"name": "Berg", "source": "4711", "note": "Who was it?"}, "Select a valid choice."),
    ],
)
def test_bad_input_changes_nothing_and_stays(client, typed, said, headers):
    answer = client.post("/contacts/new/", typed, **headers)
    assert answer.status_code == 422
    assert said in words(answer) and "Who was it?" in words(answer)
    assert not Contact.objects.exists() and not Company.objects.exists()


def test_a_known_address_is_not_entered_twice_but_touched(client, enter):
    known = enter("Berg")
    typed = TYPED | {"email": "BERG@firm.example"}
    answer = client.post("/contacts/new/", typed)
    assert answer.status_code == 422
    assert "Berg is here already" in words(answer) and "Met at the stand." in words(answer)
    assert f"/contacts/{known.pk}/touch/" in answer.content.decode()
    assert "Berg is here already" in words(client.get("/contacts/known/?email=berg@firm.example"))
    assert words(client.get("/contacts/known/?email=other@firm.example")).strip() == ""
    source = Source.objects.get(code="phone")
    answer = client.post(f"/contacts/{known.pk}/touch/", typed | {"source": source.pk})
    assert (answer.status_code, answer["Location"]) == (303, f"/contacts/{known.pk}/")
    assert Touch.objects.get().source == source
    assert Activity.objects.get().properties == {"note": "Met at the stand."}
    assert Contact.objects.count() == 1


def test_an_address_that_belongs_to_somebody_elses_contact_is_taken_and_tells_no_name(browsing, enter, salesperson):
    hidden = enter("Berg")
    client = browsing(salesperson)
    answer = client.post("/contacts/new/", {"name": "Me", "email": "berg@firm.example"})
    assert answer.status_code == 422
    assert "There is a contact with this address already." in words(answer)
    assert str(hidden.pk) not in re.findall(r"/contacts/(\d+)/", answer.content.decode())
    assert words(client.get("/contacts/known/?email=berg@firm.example")).strip() == ""
    assert client.post(f"/contacts/{hidden.pk}/touch/", {"name": "Me"}).status_code == 404


def test_a_bad_touch_is_refused(client, enter):
    known = enter("Berg")
    assert client.post(f"/contacts/{known.pk}/touch/", {"email": "no"}).status_code == 422
    assert client.get(f"/contacts/{known.pk}/touch/").status_code == 405


def test_companies_are_offered_while_a_name_is_typed(client, enter):
    enter("Berg", company="Baltic Oy")
    enter("Koch", company="North Baltic")
    answer = client.get("/companies/names/?company=balt", **HTMX)
    assert re.findall(r'value="([^"]+)"', answer.content.decode()) == ["Baltic Oy", "North Baltic"]
    assert client.get("/companies/names/?company=").content.strip() == b""


# Editing --------------------------------------------------------------------------------------------------------------


def test_an_edit_is_kept_in_the_history_and_moves_the_score(client, enter):
    contact = enter("Berg")
    page = client.get(f"/contacts/{contact.pk}/edit/").content.decode()
    assert 'value="berg@firm.example"' in page
    typed = {"last_name": "Berg", "email": "berg@firm.example", "company": "New Oy", "country": "fi", "language": "FI"}
    answer = client.post(f"/contacts/{contact.pk}/edit/", typed)
    assert (answer.status_code, answer["Location"]) == (303, f"/contacts/{contact.pk}/")
    contact.refresh_from_db()
    assert (contact.company.name, contact.country, contact.language) == ("New Oy", "FI", "fi")
    assert set(contact.changes.values_list("field", flat=True)) == {"company", "country", "language"}
    assert contact.score.fit == 3  # 5 for the country, −2 for no job title


def test_a_bad_edit_changes_nothing_and_stays(client, enter):
    contact, other = enter("Berg"), enter("Koch")
    path = f"/contacts/{contact.pk}/edit/"
    for typed, said in (
        (
            {"last_name": "X", "email": other.email, "company": "New Oy"},
            "There is a contact with this address already.",
        ),
        ({"last_name": "X", "country": "Finland"}, "at most 2 characters"),
    ):
        answer = client.post(path, typed)
        assert answer.status_code == 422
        assert said in words(answer) and 'value="X"' in answer.content.decode()
    contact.refresh_from_db()
    assert contact.last_name == "Berg" and not Company.objects.exists()


def test_what_is_not_theirs_is_not_found_and_lists_are_only_read(browsing, enter, salesperson):
    contact = enter("Berg")
    client = browsing(salesperson)
    assert client.get(f"/contacts/{contact.pk}/edit/").status_code == 404
    assert client.post(f"/contacts/{contact.pk}/edit/", {"last_name": "Mine"}).status_code == 404
    for path in ("/contacts/", "/contacts/known/", "/companies/", "/companies/names/"):
        assert client.post(path).status_code == 405
    assert client.put("/contacts/new/").status_code == 405


# Companies ------------------------------------------------------------------------------------------------------------


def test_companies_count_their_contacts(client, enter):
    enter("Berg", company="Alpha")
    ask("eva", at=TUESDAY, company="Beta")
    page = client.get("/companies/")
    assert re.findall(r"data-primary>([^<]+)<", page.content.decode()) == ["Alpha", "Beta"]
    assert re.findall(r"data-primary>([^<]+)<", client.get("/companies/?q=alp").content.decode()) == ["Alpha"]
    assert re.findall(r"data-primary>([^<]+)<", client.get("/companies/?order=-open").content.decode()) == [
        "Beta",
        "Alpha",
    ]
    assert "No company fits." in words(client.get("/companies/?q=zzz"))
    beta = Company.objects.get(name="Beta")
    assert names(client.get(f"/companies/{beta.pk}/")) == ["Eva Novak"]
    assert client.get("/companies/4711/").status_code == 404
