"""The database answers every condition as the Python evaluator does."""

import datetime as dt
import sys
import unicodedata

import pytest
from django.db import transaction
from django.db.models import Case, IntegerField, Sum, Value, When
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leads import conditions, facts
from leads.conditions import Condition
from leads.conditions_sql import activity_q, contact_q
from leads.models import Activity, BotVerdict, Campaign, Company, Contact, Persona, Qualification, Source

AT = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
OPERATORS = [op for op in conditions.OPERATORS if op not in conditions.VALUELESS_OPERATORS]

pytestmark = pytest.mark.django_db

# What PostgreSQL can hold, of letters that all versions of Unicode in use know.
letters = st.text(
    st.characters(codec="utf-8", min_codepoint=1, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn"]), max_size=8
)
texts = letters | st.sampled_from(
    [
        "", " ", "12", "12.0", "-3.50", "00100", "1e3", "12\n", "true", "FALSE", "True",
        "2026-12-05", "2026-12-05T10:00", "2026-12-05 10:00:30.5", "2026-12-05T10:00:30.500+02:00", "2026-12-05T23:30Z",
        "2026-02-29", "2024-02-29", "1900-02-29", "2000-02-29T00:00", "2026-04-31", "2026-13-01", "0000-01-01",
        "0001-01-01T00:00:00+05:00", "9999-12-31T23:00-05:00", "9999-12-31", "2026-12-05\n",
        "Žiga", "ŽIGA", "straße", "STRASSE", "STRAẞE", "İstanbul", "i̇stanbul", "istanbul", "ΟΔΟΣ", "οδος", "οδοσ",
        "Плевен", "ПЛЕВЕН", "K", "k", "100 %", "a_b", "it's", 'say "so"', "liisa@gmail.com", "LIISA@Luukku.COM",
        "a@b@GMX.de", "a@firm.example", "abv.bg", "/pricing/teams", "/PRICING",
    ]
)  # fmt: skip
numbers = (
    st.integers(-(10**6), 10**6)
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 0.0, -0.0, 0.1, 12, 12.0, 10**400, -(10**309), 2**53 + 1, 1e308, 5e-324])
)
scalars = texts | numbers | st.booleans()
json_values = st.none() | scalars | st.lists(scalars, max_size=2) | st.dictionaries(letters, scalars, max_size=2)


@st.composite
def questions(draw):
    """An operator with a value that it takes."""
    op = draw(st.sampled_from(conditions.OPERATORS))
    if op in conditions.VALUELESS_OPERATORS:
        value = None
    elif op in ("in", "contains"):
        value = draw(st.lists(scalars, min_size=1, max_size=3))
    elif op == "between":
        value = draw(st.lists(scalars, min_size=2, max_size=2))
    else:
        value = draw(scalars)
    try:
        (read,) = conditions.parse_conditions([{"field": "it", "op": op, "value": value}])
    except conditions.ConditionError:
        return draw(st.just(Condition("it", "equals", "12")))
    return read


def named(condition, field):
    return Condition(field=field, op=condition.op, value=condition.value)


quickly = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


class _Undone(Exception):
    pass


def agree(rows, check):
    """Run a check in a transaction that is taken back."""
    try:
        with transaction.atomic():
            check(*rows())
            raise _Undone
    except _Undone:
        pass


@given(value=json_values, other=json_values, asked=st.lists(questions(), min_size=1, max_size=6))
@example(value="İstanbul", other="K", asked=[Condition("it", "contains", "i̇s"), Condition("it", "equals", "k")])
@quickly
def test_attributes_and_properties(value, other, asked):
    def rows():
        contact = Contact.objects.create(stage_at=AT, created_at=AT, attributes={"it": value, "other one": other})
        activity = Activity(contact=contact, type_id="page_view", direction="inbound", occurred_at=AT, recorded_at=AT)
        activity.source, activity.external_id, activity.properties = "api", "1", {"it": value, "other one": other}
        activity.save()
        return contact, activity

    def check(contact, activity):
        contact = Contact.objects.select_related("company", "source").get(pk=contact.pk)
        get = facts.contact_getter(contact)
        for condition in asked:
            for name in ("it", "other one", "missing"):
                expected = conditions.matches(condition, {"it": value, "other one": other}.get(name))
                mine = named(condition, f"attributes.{name}")
                assert conditions.matches(mine, get(mine.field)) is expected
                assert Contact.objects.filter(contact_q([mine])).exists() is expected, mine
                assert Activity.objects.filter(activity_q([named(condition, name)])).exists() is expected
                assert Activity.objects.filter(~activity_q([named(condition, name)])).exists() is not expected

    agree(rows, check)


@given(
    columns=st.fixed_dictionaries(dict.fromkeys(("job_title", "last_name", "city"), texts)),
    company=st.none()
    | st.fixed_dictionaries(
        {
            "name": texts,
            "domain": texts,
            "employees": st.none() | st.integers(0, 2**31 - 1),
            "annual_revenue": st.none() | st.decimals(0, 10**12, places=2),
        }
    ),
    source=st.sampled_from([None, "website", "import"]),
    verdict=st.sampled_from([None, "confirmed", "partly", "no"]),
    decide_by=st.none() | st.dates(dt.date(1000, 1, 1)),
    asked=st.lists(questions(), min_size=1, max_size=4),
)
@quickly
def test_fields_of_contact_company_source_and_qualification(columns, company, source, verdict, decide_by, asked):
    def rows():
        made = Company.objects.create(created_at=AT, **company) if company is not None else None
        found = Source.objects.get_or_create(code=source, defaults={"name": source})[0] if source else None
        contact = Contact.objects.create(stage_at=AT, created_at=AT, company=made, source=found, **columns)
        if verdict:
            Qualification.objects.create(contact=contact, letter="budget", verdict=verdict, at=AT)
            Qualification.objects.create(
                contact=contact, letter="timeline", verdict=verdict, decide_by_date=decide_by, at=AT
            )
        return (contact.pk,)

    def check(pk):
        contact = Contact.objects.select_related("company", "source").get(pk=pk)
        get = facts.contact_getter(contact)
        fields = [*columns, "email", "stage", "source", "bant.budget", "bant.decide_by", "bant.need", "nothing"]
        fields += [f"company.{name}" for name in ("name", "domain", "employees", "annual_revenue", "country")]
        conditions_ = [named(one, field) for field in fields for one in asked]
        answers = Contact.objects.aggregate(
            **{
                f"a{index}": Sum(
                    Case(When(contact_q([one]), then=Value(1)), default=Value(0), output_field=IntegerField())
                )
                for index, one in enumerate(conditions_)
            }
        )
        for index, one in enumerate(conditions_):
            assert bool(answers[f"a{index}"]) is conditions.matches(one, get(one.field)), one

    agree(rows, check)


def make_activity(contact, **columns):
    columns = {"external_id": "x", "source": "api", "direction": "inbound", "properties": {}} | columns
    return Activity.objects.create(contact=contact, type_id="page_view", occurred_at=AT, recorded_at=AT, **columns)


@given(
    did=st.lists(
        st.tuples(
            st.sampled_from(["page_view", "form_submission", "webinar_attended"]),
            st.dictionaries(st.sampled_from(["form", "path", "campaign", "type"]), json_values, max_size=2),
            st.booleans(),
            st.sampled_from(["inbound", "inbound", "outbound"]),
            st.sampled_from([False, False, True]),
        ),
        max_size=3,
    ),
    asked=st.lists(questions(), min_size=1, max_size=4),
)
@example(
    did=[("page_view", {"path": "/pricing"}, True, "inbound", False), ("page_view", {}, False, "inbound", True)],
    asked=[Condition("it", "starts_with", "/PRICING"), Condition("it", "not_equals", "page_view")],
)
@example(did=[("page_view", {}, False, "inbound", False)], asked=[Condition("it", "equals", "PAGE_VIEW")])
@quickly
def test_what_contacts_did(did, asked):
    def rows():
        contact = Contact.objects.create(stage_at=AT, created_at=AT)
        campaign = Campaign.objects.create(name="Spring", created_at=AT)
        for number, (kind, properties, has_campaign, direction, is_machine) in enumerate(did):
            row = Activity.objects.create(
                contact=contact,
                type_id=kind,
                occurred_at=AT,
                recorded_at=AT,
                external_id=f"{number}",
                source="api",
                direction=direction,
                campaign=campaign if has_campaign else None,
                properties=properties,
            )
            if is_machine:
                BotVerdict.objects.create(activity=row, reason="fast", at=AT)
        Contact.objects.create(stage_at=AT, created_at=AT, email="other@firm.example")
        return (contact.pk,)

    def check(pk):
        get = facts.contact_getter(Contact.objects.get(pk=pk))
        for one in asked:
            for part in facts.ACTIVITY_PARTS:
                mine = named(one, f"activity.{part}")
                found = Contact.objects.filter(contact_q([mine]), pk=pk).exists()
                assert found is conditions.matches(mine, get(mine.field)), (mine, get(mine.field))

    agree(rows, check)


def test_what_a_contact_did_is_told_once_and_without_machines_and_people():
    contact = Contact.objects.create(stage_at=AT, created_at=AT)
    make_activity(contact, external_id="a", properties={"path": "/pricing"})
    make_activity(contact, external_id="b", properties={"path": "/pricing"})
    make_activity(contact, external_id="c", properties={"path": "/by-us"}, direction="outbound")
    machine = make_activity(contact, external_id="d", properties={"path": "/by-a-machine"})
    BotVerdict.objects.create(activity=machine, reason="fast", at=AT)
    get = facts.contact_getter(contact)
    assert get("activity.path") == ("/pricing",)
    assert get("activity.type") == ("page_view",)


def test_a_property_goes_before_the_fact_of_the_same_name():
    contact = Contact.objects.create(stage_at=AT, created_at=AT)
    campaign = Campaign.objects.create(name="Spring", created_at=AT)
    plain = make_activity(contact, external_id="a", campaign=campaign)
    made = [
        plain,
        make_activity(contact, external_id="b", properties={"campaign": "Autumn", "source": None}),
        make_activity(contact, external_id="c", direction="outbound", properties={"direction": ""}),
    ]
    for field in ("campaign", "source", "direction", "path"):
        for op, value in [("equals", "SPRING"), ("equals", "autumn"), ("is_unset", None), ("equals", "api")]:
            asked = Condition(field, op, value)
            found = set(Activity.objects.filter(activity_q([asked])))
            expected = {row for row in made if conditions.matches(asked, facts.activity_getter(row)(field))}
            assert found == expected, asked


def persona(name, *asked, **columns):
    stored = [{"field": field, "op": op, "value": value} for field, op, value in asked]
    return Persona.objects.create(name=name, conditions=stored, created_at=AT, **columns)


def test_a_persona_is_each_active_one_that_matches():
    persona("Planner", ("job_title", "contains", "plan"))
    persona("Nordic", ("country", "in", ["FI", "SE"]))
    persona("Circular", ("persona", "equals", "Nordic"))
    persona("Nobody")
    persona("Old", ("country", "equals", "FI"), is_active=False)
    for title, country in [("Planner", "FI"), ("Planner", ""), ("Owner", "SE"), ("Owner", "PL")]:
        Contact.objects.create(stage_at=AT, created_at=AT, job_title=title, country=country)
    everybody = list(Contact.objects.order_by("id"))
    names = [set(facts.contact_getter(one)("persona")) for one in everybody]
    assert names == [{"Planner", "Nordic"}, {"Planner"}, {"Nordic"}, set()]
    for op, value in [
        ("equals", "nordic"),
        ("not_equals", "Nordic"),
        ("in", ("Planner", "Old")),
        ("contains", "n"),
        ("starts_with", "nob"),
        ("equals", "Circular"),
        ("not_equals", "nobody"),
        ("is_set", None),
        ("is_unset", None),
    ]:
        asked = Condition("persona", op, value)
        expected = [one for one in everybody if conditions.matches(asked, facts.contact_getter(one)("persona"))]
        assert list(Contact.objects.filter(contact_q([asked])).order_by("id")) == expected, asked


def test_qualification_and_personas_cost_the_same_queries_for_many(django_assert_num_queries):
    persona("Ready", ("bant.budget", "equals", "confirmed"))
    for _number in range(5):
        contact = Contact.objects.create(stage_at=AT, created_at=AT)
        Qualification.objects.create(contact=contact, letter="budget", verdict="confirmed", at=AT)
    with django_assert_num_queries(3):
        pictures = facts.pictures()
        contacts = list(Contact.objects.all())
        facts.fetch(contacts, fields=[one.field for picture in pictures for one in picture.conditions])
        assert [list(facts.contact_getter(one, pictures=pictures)("persona")) for one in contacts] == [["Ready"]] * 5


def test_conditions_narrow_down_through_a_relation():
    company = Company.objects.create(name="Satama Oy", created_at=AT)
    make_activity(Contact.objects.create(stage_at=AT, created_at=AT, company=company))
    asked = Condition("company.name", "equals", "SATAMA OY")
    assert Activity.objects.filter(contact_q([asked], prefix="contact__")).count() == 1


def test_every_letter_has_the_same_lower_case_in_the_database():
    known = [
        chr(code)
        for code in range(1, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) != "Cn" and unicodedata.category(chr(code))[0] in "LMNS"
    ]
    Contact.objects.create(stage_at=AT, created_at=AT, attributes={"all": " ".join(known)})
    lowered = Condition("attributes.all", "equals", conditions.fold(" ".join(known)))
    assert Contact.objects.filter(contact_q([lowered])).exists()
