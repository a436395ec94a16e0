"""The scheduled report: once for each person and period, whatever restarts."""

from __future__ import annotations

import datetime as dt
import zoneinfo

from django.db import connection, transaction

from crm import notices, rhythms
from crm.models import User
from crm.models.notices import NoticeKind

BATCH = 100


def send_due_reports(*, at: dt.datetime) -> int:
    """Have the reports written that are due at `at`; return how many.

    1. People whose hour has come are locked, passing over those another sweep holds.
    2. Each gets a notice, whose key holds person and period, and the instant of their next report, in one transaction.

    Figures are made when the mail is; after a standstill only the latest period is told.
    """
    told = 0
    while True:
        with transaction.atomic():
            due = User.objects.filter(next_report_at__lte=at).order_by("next_report_at", "id")
            if connection.features.has_select_for_update_skip_locked:
                due = due.select_for_update(skip_locked=True, of=("self",))
            people = list(due.prefetch_related("role_rows")[:BATCH])
            drafts = [_draft(person, at=at) for person in people if person.is_active and person.sees_sla]
            told += len(notices.tell(drafts, at=at))
            for person in people:
                person.next_report_at = next_report_at(person, after=at)
            User.objects.bulk_update(people, ["next_report_at"])
        if len(people) < BATCH:
            return told


def next_report_at(person: User, *, after: dt.datetime) -> dt.datetime | None:
    """When the next report of a person is due; None for who wants none."""
    if person.report_rhythm == rhythms.OFF:
        return None
    zone = zoneinfo.ZoneInfo(person.time_zone)
    return rhythms.next_at(after, rhythm=person.report_rhythm, hour=person.report_hour, zone=zone)


def _draft(person: User, *, at: dt.datetime) -> notices.Draft:
    since, until = rhythms.days_before(at, rhythm=person.report_rhythm, zone=zoneinfo.ZoneInfo(person.time_zone))
    return notices.Draft(
        kind=NoticeKind.REPORT,
        dedup_key=f"report:{person.pk}:{since}:{until}",
        recipient_id=person.pk,
        params={"since": since.isoformat(), "until": until.isoformat()},
    )
