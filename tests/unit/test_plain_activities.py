"""What the quick way reads of an activity, the serializer reads alike."""

from hypothesis import given, settings
from hypothesis import strategies as st

from leads.api.activities import ActivityInputSerializer, _activity, read_plainly

TEXTS = st.sampled_from(
    ["a", "website", "x y", " x", "x ", "", "\x00", "é", "a\nb", "inbound", "a" * 61, "a" * 201]
) | (st.text(max_size=5))
VALUES = (
    TEXTS | st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.lists(st.integers(), max_size=2)
)
EMAILS = st.sampled_from(
    ["eva@firm.example", "Eva@Firm.example", "eva@firm", "eva@-firm.example", "e.va+x@sub.firm-x.example",
     "é@firm.example", "eva..x@firm.example", "eva@firm.example ", "eva@1.2", f"{'a' * 50}@firm.example"]
) | TEXTS  # fmt: skip
INSTANTS = st.sampled_from(
    ["2026-03-03T08:00:00Z", "2026-03-03T08:00:00.123Z", "2026-03-03T08:00:00.123456+00:00", "2026-02-30T08:00:00Z",
     "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2099-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-03-03",
     "2026-03-03T24:00:00Z", "2026-03-03T08:00:60Z", "2026-03-03T08:00:00", "2026-03-03T08:00:00.12345Z",
     "2026-03-03T08:00:00+02:00", "2026-03-03 08:00:00Z"]
) | VALUES  # fmt: skip
ITEMS = st.fixed_dictionaries(
    {"type": st.just("page_view") | VALUES, "occurred_at": INSTANTS},
    optional={
        "external_id": VALUES,
        "source": VALUES,
        "contact": st.fixed_dictionaries({"email": EMAILS}, optional={"first_name": VALUES}) | VALUES,
        "contact_id": VALUES,
        "direction": st.sampled_from(["inbound", "outbound", "sideways"]) | VALUES,
        "properties": st.dictionaries(TEXTS, VALUES, max_size=3) | VALUES,
        "campaign": VALUES,
        "other": VALUES,
    },
)


@settings(max_examples=1500, deadline=None)
@given(item=ITEMS)
def test_the_quick_way_and_the_serializer_read_alike(item):
    plain = read_plainly(item)
    if plain is not None:
        serializer = ActivityInputSerializer()
        assert plain == _activity(serializer.run_validation(item))


def test_what_most_programs_send_is_read_quickly():
    item = {
        "external_id": "7f3a",
        "source": "website",
        "contact": {"email": "eva@firm.example"},
        "type": "page_view",
        "occurred_at": "2026-03-03T08:00:00Z",
        "properties": {"path": "/pricing?x=1", "count": 3, "is_first": True, "ref": None},
    }
    assert read_plainly(item) is not None
