"""First responses in the log of a help desk, counted from the file alone: `python helpdesk_figures.py FILE HOURS`.

It stands apart from the product on purpose and shares no code with it: what both say must be the same. A ticket is
opened at its first event and answered when it is first taken in charge. Times of the log are local, without a zone;
here they are those of Rome. Working time is counted by walking through the days and adding up the minutes of each.
"""

import csv
import datetime as dt
import gzip
import io
import statistics
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

ROME = ZoneInfo("Europe/Rome")
OPENS, CLOSES = dt.time(9), dt.time(18)
ANSWER = "Take in charge ticket"

Ticket = tuple[dt.datetime, dt.datetime | None]


def tickets(path: Path) -> dict[str, Ticket]:
    """When each ticket was opened and first taken in charge (None: never), in UTC."""
    opened: dict[str, dt.datetime] = {}
    answered: dict[str, dt.datetime] = {}
    with gzip.open(path) as file:
        for row in csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")):
            local = dt.datetime.strptime(row["complete_timestamp"], "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=ROME)
            at, case = local.astimezone(dt.UTC), row["case_id"]
            opened[case] = min(at, opened.get(case, at))
            if row["activity"] == ANSWER:
                answered[case] = min(at, answered.get(case, at))
    return {case: (at, answered.get(case)) for case, at in opened.items()}


def minutes_always(start: dt.datetime, end: dt.datetime) -> float:
    """Minutes from one instant to another."""
    return (end - start).total_seconds() / 60


def minutes_in_office(start: dt.datetime, end: dt.datetime) -> float:
    """Minutes of Monday to Friday, 09 to 18 in Rome, from one instant to another."""
    total, day = 0.0, start.astimezone(ROME).date()
    while day <= end.astimezone(ROME).date():
        if day.weekday() < 5:
            opens = dt.datetime.combine(day, OPENS, ROME).astimezone(dt.UTC)
            closes = dt.datetime.combine(day, CLOSES, ROME).astimezone(dt.UTC)
            total += max(minutes_always(max(opens, start), min(closes, end)), 0.0)
        day += dt.timedelta(days=1)
    return total


def figures(of: list[Ticket], *, limit_minutes: float, minutes) -> dict[str, float]:
    """How many were opened, answered and answered within the limit, and the median in minutes of those answered."""
    took = [minutes(start, end) for start, end in of if end is not None]
    return {
        "opened": len(of),
        "answered": len(took),
        "within": sum(one <= limit_minutes for one in took),
        "median": statistics.median(took),
    }


if __name__ == "__main__":
    every = list(tickets(Path(sys.argv[1])).values())
    limit = 60 * float(sys.argv[2])
    print("always open", figures(every, limit_minutes=limit, minutes=minutes_always))
    print("Mon-Fri 09-18", figures(every, limit_minutes=limit, minutes=minutes_in_office))
