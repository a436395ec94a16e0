"""The clock told in the slowest way there is: walk the minutes of UTC, ask of each whether it is open on the wall.

Shares nothing with `sla`: it reads the JSON form of a calendar by itself. Whole minutes in, whole minutes out.
"""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import holidays

MINUTE = timedelta(minutes=1)
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Oracle:
    def __init__(self, form):
        self.form = form
        self.zone = ZoneInfo(form["time_zone"])
        self.is_open_by_day = {}
        if form.get("country"):
            # Read each day for itself: a `holidays` object fills in the year of the day it is asked about.
            self.holidays = holidays.country_holidays(form["country"], subdiv=form.get("subdivision") or None)
        else:
            self.holidays = {}

    def is_open(self, moment):
        if self.form.get("always_open"):
            return True
        wall = moment.astimezone(self.zone)
        today = wall.date()
        if today not in self.is_open_by_day:
            self.is_open_by_day[today] = self._minutes_of(today)
        return wall.strftime("%H:%M") in self.is_open_by_day[today]

    def _minutes_of(self, today):
        closures = [item["date"] if isinstance(item, dict) else item for item in self.form.get("closures", [])]
        if today.isoformat() in self.form.get("extra_days", {}):
            intervals = self.form["extra_days"][today.isoformat()]
        elif today.isoformat() in closures or today in self.holidays:
            intervals = []
        else:
            intervals = self.form.get("weekly", {}).get(DAYS[today.weekday()], [])
        names = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
        # As text, "24:00" sorts after every minute of the day, which is just what it means.
        return {name for name in names if any(start <= name < end for start, end in intervals)}

    def counts(self, moment, pauses):
        return self.is_open(moment) and not any(paused <= moment < resumed for paused, resumed in pauses)

    def elapsed(self, start, end, pauses=()):
        total, moment = 0, start.astimezone(UTC)
        while moment < end:
            total += 60 * self.counts(moment, pauses)
            moment += MINUTE
        return total

    def due_at(self, start, working_seconds, pauses=(), give_up=None):
        """The earliest due minute; None when it is not reached by `give_up`."""
        moment, total = start.astimezone(UTC), 0
        while total < working_seconds:
            if give_up is not None and moment >= give_up:
                return None
            total += 60 * self.counts(moment, pauses)
            moment += MINUTE
        return moment
