"""One company, however its name is written: in services, on pages, in imports, and in the database itself."""

import datetime as dt
from io import BytesIO

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from hypothesis import given
from hypothesis import strategies as st

from crm import flows
from crm.errors import Invalid
from leads import services
from leads.models import Company, Contact
from leads.names import company_key, company_name

AT = dt.datetime(2026, 3, 3, 8, 0, tzinfo=dt.UTC)

# Finnish, Polish, Bulgarian, Slovene, and what keyboards and spreadsheets make of them.
SAME = [
    ("Äänekosken Saha Oy", "ÄÄNEKOSKEN SAHA OY"),
    ("Zażółć Gęślą Sp. z o.o.", "zażółć  gęślą sp. z o.o."),
    ("Българска Мебел ООД", "БЪЛГАРСКА МЕБЕЛ ООД"),
    ("Škofja Loka Žaga d.o.o.", " ŠKOFJA LOKA\u00a0ŽAGA D.O.O.\t"),
    ("Östermalm", "O\u0308stermalm"),
    ("ΟΔΥΣΣΕΥΣ", "Οδυσσεύς".replace("ύ", "υ")),
]
OTHER = [("Äänekoski", "Aanekoski"), ("Saha", "Saha Oy"), ("Мебел", "Mebel"), ("Straße", "Strasse")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_name_is_known_however_it_is_written(one, other):
    assert company_key(one) == company_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_different_names_stay_different(one, other):
    assert company_key(one) != company_key(other)


@given(st.text(max_size=300))
def test_a_name_as_it_is_stored_has_the_same_key(name):
    assert company_key(company_name(name)) == company_key(name)
    assert company_name(company_name(name)) == company_name(name)
    assert len(company_key(name)) <= 800


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), SAME)
def test_intake_finds_the_company_however_it_is_written(marketer, one, other):
    known = flows.create_company(actor=marketer, values={"name": one}, at=AT)
    found = services.create_missing(
        [services.NewContact(f"{index}@firm.example", company=name) for index, name in enumerate((one, other))],
        at=AT,
        actor=None,
    )
    assert set(Contact.objects.filter(pk__in=found.values()).values_list("company", flat=True)) == {known.pk}
    with pytest.raises(Invalid, match="of this name already"):
        flows.create_company(actor=marketer, values={"name": other}, at=AT)
    third = flows.create_company(actor=marketer, values={"name": "Third"}, at=AT)
    with pytest.raises(Invalid, match="of this name already"):
        flows.edit_company(actor=marketer, company_id=third.pk, values={"name": other}, at=AT)
    flows.edit_company(actor=marketer, company_id=known.pk, values={"name": other}, at=AT)
    assert services.companies_by_name({one}, at=AT) == {company_key(one): known}


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_database_holds_it(one, other):
    Company.objects.create(name=one, created_at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Company.objects.create(name=other, created_at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        Company.objects.bulk_create([Company(name=other, created_at=AT)])


@pytest.mark.django_db
def test_a_file_that_writes_a_company_in_three_ways_makes_one(marketer):
    text = "email,company\na@f.example,ACME  oy\nb@f.example,Acme Oy\nc@f.example,acme oy \n"
    job = flows.start_import(actor=marketer, file=BytesIO(text.encode()), file_name="f.csv", is_history=True, at=AT)
    assert flows.run_import(import_id=job.pk, at=AT).created == 3
    assert Company.objects.get().name == "Acme Oy"
    # Those who had none get it as well.
    services.create_missing([services.NewContact("d@f.example")], at=AT, actor=None)
    again = BytesIO(b"email,company\nd@f.example,ACME OY\n")
    job = flows.start_import(actor=marketer, file=again, file_name="g.csv", is_history=True, at=AT)
    flows.run_import(import_id=job.pk, at=AT)
    assert Contact.objects.get(email="d@f.example").company == Company.objects.get()


@pytest.mark.django_db
def test_the_filter_of_the_api_finds_every_way_to_write_it(browsing, marketer):
    Company.objects.create(name="Българска Мебел", created_at=AT)
    answer = browsing(marketer).get("/api/v1/companies/", {"name": "БЪЛГАРСКА  мебел"})
    assert [row["name"] for row in answer.json()["results"]] == ["Българска Мебел"]


@pytest.mark.django_db(transaction=True)
def test_companies_that_stood_there_twice_become_one_unless_their_numbers_differ():
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    MigrationExecutor(connection).migrate([("leads", "0007_contacts_that_follow")])
    try:
        then = MigrationExecutor(connection).loader.project_state([("leads", "0007_contacts_that_follow")]).apps
        company, contact = then.get_model("leads", "Company"), then.get_model("leads", "Contact")
        rows = [
            company.objects.create(created_at=AT, **values)
            for values in (
                {"name": "Žaga d.o.o.", "domain": "zaga.example"},
                {"name": "ŽAGA D.O.O.", "employees": 40},
                {"name": "žaga d.o.o.", "domain": "other.example", "tax_number": "SI1"},
                {"name": "žaga  d.o.o.", "domain": "other.example"},
                {"name": " "},
            )
        ]
        for row in rows:
            contact.objects.create(email=f"{row.pk}@f.example", company=row, stage_at=AT, created_at=AT)
    finally:
        MigrationExecutor(connection).migrate(latest)
    found = dict(Company.objects.order_by("id").values_list("name", "employees"))
    blank = str(rows[-1].pk)
    assert found == {"Žaga d.o.o.": 40, "žaga d.o.o. (SI1)": None, "žaga d.o.o. (other.example)": None, blank: None}
    works_for = list(Contact.objects.order_by("id").values_list("company", flat=True))
    assert works_for == [rows[index].pk for index in (0, 0, 2, 3, 4)]
