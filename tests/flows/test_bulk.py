"""Many rows at once are the rows that one by one would have been."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from crm import bulk
from crm.models import Notice, User

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
            Notice(
                kind="offered",
                dedup_key=f"{number}:{text}",
                recipient_id=reader.pk,
                params=params,
                created_at=AT,
                read_at=read_at,
            )
            for number, (text, params, read_at) in enumerate(given_rows)
        ]
        bulk.insert(rows)
        kept = {one.pk: one for one in Notice.objects.all()}
        assert len(kept) == len(rows)
        for row in rows:
            one = kept[row.pk]
            for field in Notice._meta.concrete_fields:
                assert getattr(one, field.attname) == getattr(row, field.attname), field.name
        reader.delete()


@pytest.mark.django_db
def test_what_the_table_refuses_is_refused(salesperson):
    def notice():
        return Notice(kind="offered", dedup_key="once", recipient_id=salesperson.pk, created_at=AT)

    bulk.insert([notice()])
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert([notice()])
    bulk.insert([])
    assert Notice.objects.count() == 1
    late = notice()
    late.dedup_key = "later"
    bulk.insert([late])
    late.read_at = AT
    late.save(update_fields=["read_at"])
    assert Notice.objects.filter(read_at=AT).get() == late
