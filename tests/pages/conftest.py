"""One Tuesday morning, on which the tests of pages that show clocks take place."""

from collections.abc import Iterator

import pytest
import time_machine

from tests.pages.sales_work import TUESDAY


@pytest.fixture
def tuesday() -> Iterator[time_machine.Traveller]:
    """Tuesday at 10:00 UTC, an hour into the working day; `tuesday.move_to(…)` and `.shift(…)` let time pass."""
    with time_machine.travel(TUESDAY, tick=False) as traveler:
        yield traveler
