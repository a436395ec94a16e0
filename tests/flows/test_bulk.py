"""Many rows by one statement are the rows that one by one would have been."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm import bulk
from crm.models import Delivery, Notice, User

AT = dt.datetime(2026, 3, 29, 0, 59, 59, 123456, tzinfo=dt.UTC)
# What a text column of PostgreSQL takes: everything but the zero character and halves of characters.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
facts = st.dictionaries(texts, st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | texts, st.lists))


class TestRows(TestCase):
    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.tuples(texts, facts, st.none() | st.just(AT)), max_size=6))
    def test_whatever_the_columns_hold_is_kept(self, given_rows):
        reader = User.objects.create_user("reader@baton.example", name="Reader")
        rows = [
            {
                "kind": "offered",
                "dedup_key": f"{number}:{text}",
                "recipient_id": reader.pk,
                "params": params,
                "read_at": read_at,
            }
            for number, (text, params, read_at) in enumerate(given_rows)
        ]
        ids = bulk.insert(Notice, rows, once_by="dedup_key", created_at=AT)
        kept = Notice.objects.in_bulk()
        assert set(ids) == {row["dedup_key"] for row in rows}
        assert set(ids.values()) == set(kept)
        for row in rows:
            one = kept[ids[row["dedup_key"]]]
            assert one.created_at == AT
            assert (one.timer_id, one.step, one.handoff_id, one.contact_id) == (None, None, None, None)
            for name, value in row.items():
                assert getattr(one, name) == value, name
        changes = [{"id": number, "read_at": AT, "kind": f"k{number}"} for number in list(ids.values())[1:]]
        bulk.update(Notice, changes)
        for one in Notice.objects.all():
            changed = any(change["id"] == one.pk for change in changes)
            assert one.kind == (f"k{one.pk}" if changed else "offered")
            assert one.read_at == (AT if changed else kept[one.pk].read_at)
        reader.delete()


@pytest.fixture
def row(salesperson):
    return {"kind": "offered", "dedup_key": "once", "recipient_id": salesperson.pk}


@pytest.mark.django_db
def test_what_stands_already_is_left_out(row):
    assert bulk.insert(Notice, [], once_by="dedup_key") == {}
    (first,) = bulk.insert(Notice, [row, row], once_by="dedup_key", created_at=AT).values()
    ids = bulk.insert(Notice, [row, row | {"dedup_key": "later"}], once_by="dedup_key", created_at=AT)
    assert list(ids) == ["later"]
    assert set(Notice.objects.values_list("id", flat=True)) == {first, *ids.values()}


@pytest.mark.django_db
def test_what_the_table_refuses_is_refused(row):
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(Notice, [row, row], created_at=AT)
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert(Notice, [row | {"kind": "breach"}], once_by="dedup_key", created_at=AT)
    assert not Notice.objects.exists()


@pytest.mark.django_db
def test_a_column_that_is_not_named_is_as_by_default(row):
    (notice_id,) = bulk.insert(Notice, [row], once_by="dedup_key", created_at=AT).values()
    sending = {"notice_id": notice_id, "recipient_id": row["recipient_id"]}
    assert bulk.insert(Delivery, [sending], channel="email", created_at=AT, next_attempt_at=AT) == {}
    found = Delivery.objects.get()
    assert (found.state, found.attempts, found.error, found.sent_at) == ("queued", 0, "", None)
    found.refresh_from_db()
    assert found.notice.params == {}
