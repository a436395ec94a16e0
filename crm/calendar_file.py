"""A task as a calendar file (RFC 5545), for whatever calendar its owner keeps."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event

from leads.models import Task, TaskKind

REMIND_BEFORE = dt.timedelta(minutes=15)


def ics_of(task: Task, *, address: str, now: dt.datetime) -> bytes:
    """The task as one event: at its time in the owner's zone, or all day where it has none.

    The name (UID) is the same for ever and `SEQUENCE` grows with each change, so that a calendar that takes the file
    again moves what it has; a task that was canceled takes it out. `address` is the page of the contact. Reads contact,
    company and owner of the task.
    """
    calendar, event = Calendar(), Event()
    calendar.add("prodid", "-//Baton//Tasks//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if task.cancelled_at else "PUBLISH")
    event.add("uid", f"{task.uid}@baton")
    event.add("sequence", task.sequence)
    event.add("dtstamp", now.astimezone(dt.UTC))
    zone = zoneinfo.ZoneInfo(task.owner.time_zone)
    begins = task.due_at.astimezone(zone)
    if task.has_time:
        event.add("dtstart", begins)
        event.add("dtend", begins + dt.timedelta(minutes=task.minutes))
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", str(task))
        alarm.add("trigger", -REMIND_BEFORE)
        event.add_component(alarm)
    else:
        event.add("dtstart", begins.date())
        event.add("dtend", begins.date() + dt.timedelta(days=1))
        event.add("transp", "TRANSPARENT")
    event.add("summary", _summary(task))
    event.add("description", "\n".join(part for part in (task.contact.phone, task.contact.email, address) if part))
    event.add("url", address)
    event.add("status", "CANCELLED" if task.cancelled_at else "CONFIRMED")
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _summary(task: Task) -> str:
    """ "Call Hanna Virtanen (Odra Meble): send the price"."""
    company = f" ({task.contact.company})" if task.contact.company else ""
    kind = str(TaskKind(task.kind).label)
    what = _("%(kind)s: %(contact)s") % {"kind": kind, "contact": f"{task.contact.name}{company}"}
    return f"{what}. {task.what}" if task.what else what
