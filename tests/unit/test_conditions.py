"""The language of conditions: what it accepts, what it refuses, and what each operator says."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads import conditions
from leads.conditions import Condition, ConditionError
from leads.free_mail import FREE_MAIL_DOMAINS

NOON = datetime(2026, 12, 5, 12, tzinfo=UTC)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["12", "-3.50", "2026-12-05", "0001-01-01T00:00:00+05:00", "2026-02-31", "", " ", "a@gmail.com"])
    | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
scalars = st.text(min_size=1, max_size=12) | st.integers() | st.booleans() | st.floats(allow_nan=False)


def meets(op, operand, value):
    (condition,) = conditions.parse_conditions([{"field": "it", "op": op, "value": operand}])
    return conditions.matches(condition, value)


def refusal(data, **options):
    with pytest.raises(ConditionError) as caught:
        conditions.parse_conditions(data, **options)
    return caught.value


# Operators


@pytest.mark.parametrize(
    ("op", "operand", "value", "expected"),
    [
        # Text ignores case and is not trimmed.
        ("equals", "Finland", "FINLAND", True),
        ("equals", "straße", "STRAẞE", True),
        ("equals", "straße", "STRASSE", False),
        ("equals", "Žiga Čuš", "ŽIGA ČUŠ", True),
        ("equals", "Плевен", "ПЛЕВЕН", True),
        ("equals", "ΟΔΟΣ", "οδος", True),
        ("contains", "ΟΔΟΣ", "οδοσα", True),
        ("starts_with", "i̇", "İstanbul", True),
        ("equals", "Finland", " Finland", False),
        ("not_equals", "Finland", "finland", False),
        ("not_equals", "Finland", "Sweden", True),
        ("in", ["fi", "SE"], "Se", True),
        ("in", ["fi", "se"], "no", False),
        ("in", [1, "2"], "1", True),
        ("in", [1, "2"], 2, True),
        ("contains", "PRIC", "/pricing", True),
        ("contains", ["/demo", "/pricing"], "/en/Pricing?x=1", True),
        ("contains", ["/demo", "/pricing"], "/blog", False),
        ("contains", "%", "100 %", True),
        ("contains", "_", "no underscore here", False),
        ("contains", "1", 12, False),
        ("contains", "a", ["a"], False),
        ("starts_with", "/PRICING", "/pricing/teams", True),
        ("starts_with", "/pricing", "/en/pricing", False),
        # Numbers compare as numbers as soon as one side is one.
        ("equals", 12, "12", True),
        ("equals", "12", 12, True),
        ("equals", "12.0", 12, True),
        ("equals", 0.1, Decimal("0.10"), True),
        ("equals", 12, "12 ", False),
        ("equals", 12, "1_2", False),
        ("equals", 12, "١٢", False),
        ("equals", 12, "twelve", False),
        ("equals", "100", "00100", False),
        ("equals", "1e3", 1000, False),
        ("gt", 100, 101, True),
        ("gt", 100, 100, False),
        ("gt", "100", "250", True),
        ("gt", 9, "10", True),
        ("gt", 9, "many", False),
        ("gt", 0, True, False),
        ("gt", 0, 10**400, False),
        ("gt", 0, float("nan"), False),
        ("gt", 0, float("inf"), False),
        ("gte", 100, 100, True),
        ("lt", 0.5, Decimal("0.25"), True),
        ("lt", 100, 100, False),
        ("lte", 100, 100, True),
        ("between", [10, 20], 10, True),
        ("between", [10, 20], "20", True),
        ("between", [10, 20], 20.01, False),
        ("between", [10, 20], 9, False),
        # Yes or no is no number, and equals its name.
        ("equals", True, True, True),
        ("equals", True, "TRUE", True),
        ("equals", "false", False, True),
        ("equals", True, 1, False),
        ("equals", 0, False, False),
        ("equals", True, "yes", False),
        # Dates: whole days include all of the day, in UTC.
        ("equals", "2026-12-05", date(2026, 12, 5), True),
        ("equals", "2026-12-05", NOON, True),
        ("equals", "2026-12-05T14:00:00+02:00", NOON, True),
        ("equals", "2026-12-05T12:00", NOON, True),
        ("equals", "soon", NOON, False),
        ("equals", "2026-12-05", datetime(2026, 12, 6, 1, tzinfo=timezone(timedelta(hours=2))), True),
        ("gt", "2026-12-05", NOON, False),
        ("gt", "2026-12-05T11:59:59.999Z", NOON, True),
        ("gt", "2026-12-04", "2026-12-05", True),
        ("lte", "2026-12-05", NOON, True),
        ("lt", "2026-12-05", "2026-12-04T23:59:59Z", True),
        ("lt", "2026-12-05", "2026-02-31", False),
        ("lt", "2026-12-05", "0001-01-01T00:00:00+05:00", False),
        ("lt", "2026-12-05", 5, False),
        ("lt", 5, "2026-12-05", False),
        ("between", ["2026-12-01", "2026-12-05"], NOON, True),
        ("between", ["2026-12-01", "2026-12-05"], date(2026, 12, 6), False),
        # There or not there.
        ("is_set", None, "x", True),
        ("is_set", None, 0, True),
        ("is_set", None, False, True),
        ("is_set", None, " ", True),
        ("is_set", None, [], True),
        ("is_set", None, "", False),
        ("is_unset", None, None, True),
        ("is_unset", None, "", True),
        ("is_unset", None, 0, False),
        # Free mail.
        ("is_free_mail", None, "liisa@gmail.com", True),
        ("is_free_mail", None, "LIISA@Luukku.COM", True),
        ("is_free_mail", None, "abv.bg", True),
        ("is_free_mail", None, "jan@wp.pl", True),
        ("is_free_mail", None, "ana@siol.net", True),
        ("is_free_mail", None, "li@yahoo.co.uk", True),
        ("is_free_mail", None, "a@b@gmx.de", True),
        ("is_free_mail", None, "gmail.com@firm.example", False),
        ("is_free_mail", None, "someone@notgmail.com", False),
        ("is_free_mail", None, "someone@mail.gmail.com", False),
        ("is_free_mail", None, 12, False),
    ],
)
def test_each_operator_says_what_the_table_says(op, operand, value, expected):
    assert meets(op, operand, value) is expected


@pytest.mark.parametrize("unset", [None, ""])
@pytest.mark.parametrize(
    ("op", "operand"),
    [
        ("equals", "x"),
        ("in", ["x", 0]),
        ("contains", "x"),
        ("starts_with", "x"),
        ("gt", -1),
        ("gte", 0),
        ("lt", 1),
        ("lte", 0),
        ("between", [-1, 1]),
        ("is_set", None),
        ("is_free_mail", None),
    ],
)
def test_an_unset_value_meets_nothing_but_is_unset_and_not_equals(op, operand, unset):
    assert meets(op, operand, unset) is False
    assert meets("is_unset", None, unset) is True
    assert meets("not_equals", "x", unset) is True


def test_every_condition_has_to_be_met_and_a_missing_field_is_unset():
    both = conditions.parse_conditions(
        [{"field": "country", "op": "equals", "value": "fi"}, {"field": "employees", "op": "gte", "value": 50}]
    )
    assert conditions.all_match(both, {"country": "FI", "employees": 80}.get)
    assert not conditions.all_match(both, {"country": "FI", "employees": 20}.get)
    assert not conditions.all_match(both, {"country": "FI"}.get)
    assert conditions.all_match((), {}.get)


def test_of_several_values_one_has_to_fit_and_none_may_where_the_operator_says_no():
    several = conditions.Several(["Planner", "Buyer"])
    none = conditions.Several()
    for op, operand, of_several, of_none in [
        ("equals", "buyer", True, False),
        ("not_equals", "buyer", False, True),
        ("not_equals", "owner", True, True),
        ("in", ["owner", "planner"], True, False),
        ("contains", "plan", True, False),
        ("is_set", None, True, False),
        ("is_unset", None, False, True),
    ]:
        assert meets(op, operand, several) is of_several
        assert meets(op, operand, none) is of_none


def test_a_known_name_may_stand_for_all_that_begin_alike():
    known = {"country", "attributes.*"}
    (read,) = conditions.parse_conditions([{"field": "attributes.Lead Origin", "op": "is_set"}], known=known)
    assert read.field == "attributes.Lead Origin"
    for name in ("attributes.", "attributes", "attributes.*", "company.name"):
        refusal([{"field": name, "op": "is_set"}], known=known)


def test_listed_domains_are_bare_and_lower_case():
    assert {"gmail.com", "o2.pl", "onet.pl", "interia.pl", "gazeta.pl", "mail.bg", "dir.bg"} <= FREE_MAIL_DOMAINS
    assert all(domain == domain.casefold() and "." in domain and "@" not in domain for domain in FREE_MAIL_DOMAINS)


# Reading


def test_conditions_are_read_in_order_and_other_keys_left_alone():
    data = [
        {"property": "path", "op": "contains", "value": ["/pricing", "/demo"], "note": "x"},
        {"property": "form", "op": "is_set"},
        {"property": "email", "op": "is_free_mail", "value": True},
    ]
    assert conditions.parse_conditions(data, key="property") == (
        Condition("path", "contains", ("/pricing", "/demo")),
        Condition("form", "is_set", None),
        Condition("email", "is_free_mail", None),
    )


def test_the_operators_are_these():
    assert " ".join(conditions.OPERATORS) == (
        "equals not_equals in contains starts_with gt gte lt lte between is_set is_unset is_free_mail"
    )


@pytest.mark.parametrize(
    ("op", "value", "sentence"),
    [
        ("like", "x", "no operator “like”"),
        (None, "x", "Give the condition an operator"),
        ("equals", None, "equals needs a value"),
        ("equals", "", "equals needs a value"),
        ("equals", ["x"], "needs one text, number, date"),
        ("equals", float("nan"), "needs one text, number, date"),
        ("not_equals", {}, "needs one text, number, date"),
        ("in", "x", "needs a list"),
        ("in", [], "needs a list"),
        ("in", ["x", None], "needs a list"),
        ("contains", 5, "needs a text"),
        ("contains", [], "one or more texts"),
        ("contains", ["x", ""], "one or more texts"),
        ("starts_with", ["/a"], "starts_with needs a text"),
        ("gt", "soon", "gt needs a number, or a date"),
        ("gte", True, "gte needs a number, or a date"),
        ("lt", [1], "lt needs a number, or a date"),
        ("lte", "2026-13-01", "lte needs a number, or a date"),
        ("between", 5, "two numbers or two dates"),
        ("between", [5], "two numbers or two dates"),
        ("between", [5, 4], "the lower one first"),
        ("between", [5, "2026-12-05"], "two numbers or two dates"),
        ("between", ["2026-12-05", "2026-12-01"], "the lower one first"),
        ("is_set", False, "is_set takes no value"),
        ("is_unset", "x", "is_unset takes no value"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_with_a_sentence(op, value, sentence):
    good = {"field": "country", "op": "is_set"}
    error = refusal([good, {"field": "size", "op": op, "value": value}])
    assert sentence in str(error)
    assert str(error).endswith(".")
    assert (error.index, error.field) == (1, "size")
    assert error.template % error.params == str(error)


def test_what_is_no_list_of_objects_with_a_known_name_is_refused():
    assert refusal({"field": "x"}).index is None
    assert refusal(None).index is None
    assert refusal(["x"]).index == 0
    assert "property" in str(refusal([{"field": "path", "op": "is_set"}], key="property"))
    error = refusal([{"field": "shoe", "op": "is_set"}], known={"country", "email"})
    assert "“shoe”" in str(error)
    assert "country, email" in str(error)


# For every value


@settings(deadline=None)
@given(value=json_values, other=json_values, op=st.sampled_from(conditions.OPERATORS))
def test_no_value_makes_a_condition_raise(value, other, op):
    assert conditions.matches(Condition("it", op, other), value) in (True, False)


@settings(deadline=None)
@given(
    data=json_values
    | st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "field": json_values,
                "op": st.sampled_from(conditions.OPERATORS) | json_values,
                "value": json_values,
            },
        ),
        max_size=3,
    ),
    value=json_values,
)
def test_whatever_is_given_is_read_or_refused_in_words(data, value):
    try:
        parsed = conditions.parse_conditions(data)
    except ConditionError as error:
        assert len(str(error)) > 10
    else:
        assert len(parsed) == len(data)
        assert len({hash(condition) for condition in parsed}) <= len(parsed)
        for condition in parsed:
            assert conditions.matches(condition, value) in (True, False)


@settings(deadline=None)
@given(value=json_values, operand=scalars)
def test_not_equals_is_the_contrary_of_equals(value, operand):
    equals, differs = Condition("it", "equals", operand), Condition("it", "not_equals", operand)
    assert conditions.matches(equals, value) is not conditions.matches(differs, value)


@settings(deadline=None)
@given(value=scalars, operand=scalars)
def test_equals_does_not_ask_who_comes_first(value, operand):
    there, back = Condition("it", "equals", operand), Condition("it", "equals", value)
    assert conditions.matches(there, value) is conditions.matches(back, operand)


@settings(deadline=None)
@given(value=json_values, operands=st.lists(scalars, min_size=1, max_size=4))
def test_in_is_equals_to_any_of_them(value, operands):
    expected = any(conditions.matches(Condition("it", "equals", operand), value) for operand in operands)
    assert conditions.matches(Condition("it", "in", tuple(operands)), value) is expected


@settings(deadline=None)
@given(
    value=json_values | st.datetimes() | st.dates() | st.decimals(),
    operand=st.integers() | st.dates() | st.dates().map(date.isoformat) | st.datetimes(timezones=st.just(UTC)),
)
def test_a_value_that_compares_is_below_at_or_above_and_only_one_of_them(value, operand):
    is_below, is_at_most, is_at_least, is_above = (
        conditions.matches(Condition("it", op, operand), value) for op in ("lt", "lte", "gte", "gt")
    )
    if is_at_most or is_at_least:
        assert is_below is not is_at_least
        assert is_above is not is_at_most
    else:
        assert not (is_below or is_above)
    between = conditions.matches(Condition("it", "between", (operand, operand)), value)
    assert between is (is_at_most and is_at_least)


@settings(deadline=None)
@given(text=st.text(max_size=20), start=st.integers(0, 20), length=st.integers(1, 20))
def test_a_piece_of_a_text_is_in_it_whatever_its_case(text, start, length):
    piece = text[start : start + length]
    if piece:
        assert conditions.matches(Condition("it", "contains", piece), text)
        assert conditions.matches(Condition("it", "contains", conditions.fold(piece)), text)
        assert conditions.matches(Condition("it", "starts_with", conditions.fold(text[:length])), text)
