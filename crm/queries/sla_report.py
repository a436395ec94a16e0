"""The report of a period: what was missed, who has it, and the trend, from the same figures as the page of promises."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections import defaultdict
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from crm import rhythms
from crm.models import Notice, User
from crm.models.notices import NoticeKind
from crm.queries import sla_period, timers
from crm.queries.sla_period import Asked, Period
from crm.queries.timers import DECIDED, KEPT, LATE, NOBODY
from sla.models import Milestone, Timer

LISTED = 20
"""So many of those that were missed a report names; the others are a link away."""


@dataclass(frozen=True)
class Promise:
    """How one kind of promise was kept, against the period before."""

    label: str
    report: sla_period.Report

    @property
    def late_href(self) -> str:
        return self.report.asked.address(state=LATE)


@dataclass(frozen=True)
class Missed:
    """One promise that was not met when due."""

    name: str
    path: str
    promise: str
    due_at: dt.datetime
    who: str
    """Who has it now."""
    is_open: bool


@dataclass(frozen=True)
class Handler:
    """Whose promises were missed, and how many of them are still open."""

    name: str
    missed: int
    missed_href: str
    open: int
    open_href: str


@dataclass(frozen=True)
class PeriodReport:
    """What a manager reads every day or every week."""

    period: Period
    promises: tuple[Promise, ...]
    missed: tuple[Missed, ...]
    missed_count: int
    missed_href: str
    kept_href: str
    of_href: str
    handlers: tuple[Handler, ...]
    page_href: str
    """The page of promises, of the same period."""

    @property
    def kept(self) -> int:
        return sum(one.report.now.kept for one in self.promises)

    @property
    def of(self) -> int:
        return sum(one.report.now.of for one in self.promises)

    @property
    def unlisted(self) -> int:
        return self.missed_count - len(self.missed)


def of_period(*, user: User, period: Period, now: dt.datetime) -> PeriodReport:
    """The report of `period` for what `user` may see. As many queries however many rows; days of the active zone."""
    asked = [Asked(period=period, milestone=milestone) for milestone in Milestone]
    reports = [sla_period.report(user=user, asked=one, now=now) for one in asked]
    rows = timers.timers_of(user, now=now).filter(
        timers.in_states(LATE), timers.on_days("due_at", period.since, period.until)
    )
    late = list(rows.select_related(*timers.RELATED).order_by("-due_at", "-pk"))
    days = {"since": period.since.isoformat(), "until": period.until.isoformat()}
    return PeriodReport(
        period=period,
        promises=tuple(Promise(str(one.asked.milestone.label), one) for one in reports if one.now.of or one.before.of),
        missed=tuple(_missed(timer) for timer in late[:LISTED]),
        missed_count=len(late),
        missed_href=timers.address(by="due", state=LATE, **days),
        kept_href=timers.address(by="due", state=KEPT, **days),
        of_href=timers.address(by="due", state=DECIDED, **days),
        handlers=_handlers(late, days),
        page_href=f"{reverse('sla')}?since={days['since']}&until={days['until']}",
    )


def _missed(timer: Timer) -> Missed:
    return Missed(
        name=timer.handoff.contact.name,
        path=reverse("contact", args=[timer.handoff.contact_id]),
        promise=str(Milestone(timer.milestone).label),
        due_at=timer.due_at,
        who=timers.holder_of(timer) or _("Marketing"),
        is_open=timer.met_at is None,
    )


def _handlers(late: list[Timer], days: dict[str, str]) -> tuple[Handler, ...]:
    """By whose promise it was, the one with most still open first."""
    groups: dict[tuple[str | None, str | None], list[Timer]] = defaultdict(list)
    for timer in late:
        groups[timer.person_email, timer.person_name].append(timer)  # type: ignore[attr-defined]
    found = []
    for (email, name), mine in groups.items():
        chosen = {"by": "due", "person": email or NOBODY, **days}
        found.append(
            Handler(
                name=name or _("Nobody yet"),
                missed=len(mine),
                missed_href=timers.address(state=LATE, **chosen),
                open=sum(timer.met_at is None for timer in mine),
                open_href=timers.address(state="missed", **chosen),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.open, -one.missed, one.name.casefold())))


def of_notice(notice: Notice, *, now: dt.datetime) -> PeriodReport:
    """The report that a notice announced, with the figures as they are known now."""
    since, until = (dt.date.fromisoformat(notice.params[name]) for name in ("since", "until"))
    return of_period(user=notice.recipient, period=Period(since, until), now=now)


def last_notice(user: User) -> Notice | None:
    """The last report that was sent to `user`."""
    return Notice.objects.filter(recipient=user, kind=NoticeKind.REPORT).order_by("-created_at", "-id").first()


def coming_period(user: User, *, now: dt.datetime) -> Period:
    """What a report made now would be about; the last week for who gets none."""
    rhythm = rhythms.WEEKLY if user.report_rhythm == rhythms.OFF else user.report_rhythm
    return Period(*rhythms.days_before(now, rhythm=rhythm, zone=zoneinfo.ZoneInfo(user.time_zone)))
