"""The visible order of rows that people put in order: rules, policies, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def shift(rows: Sequence[Any], *, pk: int, by: int) -> bool:
    """Move the row `pk` among `rows`, which are locked and in their order, up (-1) or down (1); whether it moved.

    Only their column `position` is written, the places of all of them staying the same where no two share one.
    """
    order = [row.pk for row in rows]
    if pk not in order:
        return False
    here, there = order.index(pk), order.index(pk) + by
    if not 0 <= there < len(order):
        return False
    order.insert(there, order.pop(here))
    places = sorted(row.position for row in rows)
    if len(set(places)) < len(places):
        # Some share a place; then the order is written down anew, ending where it ended.
        places = list(range(places[-1] - len(places) + 1, places[-1] + 1))
    by_id = {row.pk: row for row in rows}
    for place, key in zip(places, order, strict=True):
        by_id[key].position = place
    type(rows[0])._default_manager.bulk_update(rows, ["position"])
    return True
