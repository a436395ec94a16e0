"""What Python computes of times is what PostgreSQL's own percentile_cont would."""

import random

import pytest
from django.db import connection

from crm import statistics

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [1, 2, 3, 10, 999])
def test_percentiles_are_those_of_percentile_cont(size):
    choose = random.Random(size)
    values = [choose.uniform(0, 1e6) for _ in range(size)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY x) FROM unnest(%s::float8[]) AS x", [values]
        )
        (found,) = cursor.fetchone()
    spread = statistics.spread(values)
    assert [spread.median, spread.ninth] == pytest.approx(found, rel=1e-12)
