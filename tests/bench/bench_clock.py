"""How many due times a second the clock computes over a one-year span, beside the minute-by-minute oracle.

Run as `python -m tests.bench.bench_clock`.
"""

import random
import time
from datetime import UTC, datetime, timedelta

from sla import clock
from tests.unit.clock_oracle import Oracle

FORM = {
    "time_zone": "Europe/Helsinki",
    "weekly": {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
    "country": "FI",
    "closures": ["2026-07-15", "2026-12-31"],
    "extra_days": {"2026-12-05": [["10:00", "14:00"]]},
}
YEAR_OF_WORK = 250 * 7 * 3600
QUESTIONS = 200_000
WALKED = 3


def questions(number):
    chance = random.Random(2026)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        (first + timedelta(minutes=chance.randrange(365 * 1440)), YEAR_OF_WORK - 60 * chance.randrange(420))
        for _ in range(number)
    ]


def timed(label, asked, answer):
    began = time.perf_counter()
    answers = [answer(start, seconds) for start, seconds in asked]
    took = time.perf_counter() - began
    print(f"{label:<44}{len(asked) / took:>14,.1f} due_at/s")
    return answers


def main():
    began = time.perf_counter()
    calendar = clock.parse_calendar(**FORM)
    parsed = time.perf_counter()
    clock.due_at(calendar, datetime(2026, 1, 1, tzinfo=UTC), YEAR_OF_WORK)
    print(f"{'reading the first calendar':<44}{(parsed - began) * 1000:>14,.1f} ms")
    print(f"{'its first answer':<44}{(time.perf_counter() - parsed) * 1000:>14,.1f} ms")
    asked = questions(QUESTIONS)
    pauses = [(start, start + timedelta(days=2)) for start, _ in questions(3)]
    found = timed("clock, one-year span", asked, lambda start, seconds: clock.due_at(calendar, start, seconds))
    timed(
        "clock, one-year span, 3 pauses", asked, lambda start, seconds: clock.due_at(calendar, start, seconds, pauses)
    )
    walked = timed("oracle, one-year span", asked[:WALKED], Oracle(FORM).due_at)
    print("the same answers" if walked == found[:WALKED] else "DIFFERENT ANSWERS")


if __name__ == "__main__":
    main()
