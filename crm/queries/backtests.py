"""Backtests as pages show them: how far they are, what they found, and the contacts behind each number."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import formats
from crm.models import User
from crm.threshold_chart import Curve, CurvePoint, ThresholdChart
from leads.models import Contact, Opportunity, Reason
from scoring.backtest import FEWEST_OUTCOMES, Tally
from scoring.backtest_report import GAINED, LOST, MODEL, ONLY_MODEL, ONLY_PUBLISHED, PUBLISHED, WEEK_SECONDS
from scoring.cases import Ending
from scoring.models import Backtest, JobState

ENDINGS = {
    Ending.WON: gettext_lazy("Won"),
    Ending.ACCEPTED: gettext_lazy("Accepted"),
    Ending.REJECTED: gettext_lazy("Rejected by sales"),
    Ending.RETURNED: gettext_lazy("Returned by marketing"),
    Ending.DISQUALIFIED: gettext_lazy("Disqualified"),
    Ending.OPEN: gettext_lazy("Not answered yet"),
    Ending.NONE: gettext_lazy("Never handed over"),
}
ACCEPTED = (Ending.ACCEPTED, Ending.WON)
Row = Sequence[Any]
SLIGHT = 3
"""Fewer points of precision than these are not called better or worse."""
CONTACT, BY_MODEL, BY_PUBLISHED, ENDING, REASON = range(5)


@dataclass(frozen=True)
class Count:
    """A number, and the name of the list of its contacts."""

    n: int
    only: str


@dataclass(frozen=True)
class ReasonCount:
    """How many were refused for a reason, and who refuses for it: lists of reasons share some words."""

    label: str
    kind: str
    count: Count


@dataclass(frozen=True)
class Side:
    """What one version would have done."""

    key: str
    version: int
    threshold: float
    mqls: Count
    per_week: float
    accepted: Count
    precision: float | None
    won: Count
    winners: int
    winners_missed: Count
    recall: float | None
    lift: float | None
    endings: tuple[tuple[str, Count], ...]
    reasons: tuple[ReasonCount, ...]

    @property
    def is_tested(self) -> bool:
        """Whether it is the version that the backtest is about."""
        return self.key == MODEL


@dataclass(frozen=True)
class Week:
    """A week of the period, with the MQLs of each version."""

    date: dt.date
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class Winner:
    """A customer whom the version would not have found, and what they brought."""

    contact: Contact
    amount: Any
    currency: str


@dataclass(frozen=True)
class Result:
    """What a finished backtest found."""

    sides: tuple[Side, ...]
    chart: ThresholdChart
    contacts: int
    capacity: float | None
    seconds: int
    is_stale: bool
    weeks: tuple[Week, ...]
    few: int
    """How many answers are missing until shares are worth giving; 0 when there are enough."""
    differ: dict[str, Count] = field(default_factory=dict)
    lost: tuple[Winner, ...] = ()

    @property
    def rows(self) -> tuple[Side, ...]:
        """Both versions in the order of a comparison: what is, then what would be."""
        return tuple(reversed(self.sides))

    @property
    def tested(self) -> Side:
        return self.sides[0]

    @property
    def published(self) -> Side | None:
        return self.sides[1] if len(self.sides) > 1 else None


@dataclass(frozen=True)
class Progress:
    """How far a job is, and how long it may still take; None before that can be told."""

    share: float
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True)
class JobRow:
    """A backtest of a list, with the last instant of its period."""

    job: Backtest
    last_at: dt.datetime


def job_rows(jobs: Sequence[Backtest]) -> list[JobRow]:
    """The rows of a page."""
    return [JobRow(job=job, last_at=last_at(job)) for job in jobs]


def last_at(job: Backtest) -> dt.datetime:
    """The last instant of the period: its end is the first that does not count."""
    return job.until - dt.timedelta(microseconds=1)


def jobs() -> QuerySet[Backtest]:
    """All backtests, the newest first, with what a row shows."""
    return Backtest.objects.select_related("model", "actor").defer("result").order_by("-id")


def progress_of(job: Backtest, *, now: dt.datetime) -> Progress:
    """Of a job that is queued or runs: at the pace it had so far."""
    started = (job.result or {}).get("started_at")
    left = None
    if job.done and started:
        left = max(now.timestamp() - started, 0.0) * max(job.total - job.done, 0) / job.done
    share = min(job.done / job.total, 1.0) if job.total else 0.0
    return Progress(share=share, done=job.done, total=job.total, seconds_left=left)


def is_stale(job: Backtest) -> bool:
    """Whether the rules have been changed since the job read them."""
    changed_at, started = job.model.changed_at, (job.result or {}).get("started_at")
    return changed_at is not None and started is not None and changed_at.timestamp() > started


def result_of(job: Backtest, *, user: User) -> Result | None:
    """The result of a finished job, by at most three queries; None while there is none."""
    if job.state != JobState.DONE or not job.result:
        return None
    found = job.result
    reasons = _reasons(found)
    sides = tuple(_side(given, found, reasons=reasons) for given in found["versions"])
    differ = {
        key.replace("-", "_"): Count(found["differ"][key], key) for key in (ONLY_MODEL, ONLY_PUBLISHED, LOST, GAINED)
    }
    return Result(
        sides=sides,
        chart=_chart(found, sides),
        contacts=found["contacts"],
        capacity=found["capacity"],
        seconds=math.ceil(found["seconds"]),
        is_stale=is_stale(job),
        weeks=tuple(
            Week(
                date=timezone.localdate(job.since) + dt.timedelta(days=7 * place),
                counts=tuple(Count(one["by_week"][place], f"{one['key']}-week-{place}") for one in found["versions"]),
            )
            for place in range(len(found["versions"][0]["by_week"]))
        ),
        few=max(FEWEST_OUTCOMES - found["versions"][0]["accepted"] - found["versions"][0]["refused"], 0),
        differ=differ if len(sides) > 1 else {},
        lost=_winners([row[CONTACT] for row in found["differing"][LOST][:3]], user=user),
    )


def _side(given: dict[str, Any], found: dict[str, Any], *, reasons: dict[str, Reason]) -> Side:
    key = given["key"]
    by_ending = [(str(ENDINGS[one]), Count(given["by_ending"].get(one, 0), f"{key}-{one}")) for one in Ending]
    by_reason = sorted(given["by_reason"].items(), key=lambda item: (-item[1], int(item[0])))
    return Side(
        key=key,
        version=given["version"],
        threshold=given["threshold"],
        mqls=Count(given["mqls"], key),
        per_week=given["mqls"] / found["weeks"],
        accepted=Count(given["accepted"], f"{key}-taken"),
        precision=given["precision"],
        won=Count(given["won"], f"{key}-won"),
        winners=found["winners"],
        winners_missed=Count(found["winners"] - given["won"], f"{key}-missed"),
        recall=given["recall"],
        lift=given["lift"],
        endings=tuple(one for one in by_ending if one[1].n),
        reasons=tuple(
            ReasonCount(
                label=reasons[code].label,
                kind=str(reasons[code].get_kind_display()),
                count=Count(n, f"{key}-reason-{code}"),
            )
            for code, n in by_reason
            if code in reasons
        ),
    )


def _reasons(found: dict[str, Any]) -> dict[str, Reason]:
    ids = {int(code) for given in found["versions"] for code in given["by_reason"]}
    return {str(reason.pk): reason for reason in Reason.objects.filter(id__in=ids)}


def _winners(contact_ids: Sequence[int], *, user: User) -> tuple[Winner, ...]:
    won = Opportunity.objects.visible_to(user).filter(contact_id__in=contact_ids, state=Opportunity.State.WON)
    by_contact = {one.contact_id: one for one in won.select_related("contact").order_by("-closed_at")}
    return tuple(
        Winner(contact=one.contact, amount=one.amount, currency=one.currency)
        for one in (by_contact.get(contact_id) for contact_id in contact_ids)
        if one is not None
    )


def _chart(found: dict[str, Any], sides: Sequence[Side]) -> ThresholdChart:
    curves = [_curve(found, side) for side in sides]
    capacity = found["capacity"]
    rounded = "" if capacity is None else formats.number(round(capacity))
    return ThresholdChart(
        curve=curves[0],
        before=curves[1] if len(curves) > 1 else None,
        capacity=capacity,
        capacity_lines=() if capacity is None else (_("%(n)s sales can") % {"n": rounded}, _("take a week")),
        label=_("Precision and MQLs a week against the threshold: %(versions)s")
        % {"versions": ", ".join(curve.name for curve in curves)},
    )


def _curve(found: dict[str, Any], side: Side) -> Curve:
    def precision(counts: dict[str, int]) -> float | None:
        return Tally(accepted=counts["accepted"], refused=counts["refused"]).precision

    return Curve(
        name=_("version %(version)d") % {"version": side.version},
        points=tuple(
            CurvePoint(
                threshold=point["threshold"],
                precision=precision(point[side.key]),
                per_week=point[side.key]["mqls"] / found["weeks"],
            )
            for point in found["curve"]
        ),
        threshold=side.threshold,
        threshold_text=formats.number(side.threshold),
        precision_text="" if side.precision is None else formats.percent(side.precision),
        per_week_text=formats.number(side.per_week, decimals=1),
    )


# The contacts behind the numbers -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CaseRow:
    """One contact of a list: when each version would have promoted it, and how it ended in fact."""

    contact: Contact
    by_model_at: dt.datetime | None
    by_published_at: dt.datetime | None
    ending: str
    reason: str


@dataclass(frozen=True)
class CaseList:
    """A list that a number of a backtest opens. `total` may be more than what was kept."""

    title: str
    kept: Sequence[Row]
    total: int

    @property
    def is_cut(self) -> bool:
        return len(self.kept) < self.total


def case_list(job: Backtest, only: str) -> CaseList | None:
    """The list by its name, as `Count.only` gives it; None when there is no such list."""
    found = job.result or {}
    if job.state != JobState.DONE:
        return None
    versions = {given["key"]: given for given in found["versions"]}
    if only in found["differing"]:
        if PUBLISHED not in versions:
            return None
        return CaseList(_differing_title(only, versions), found["differing"][only], found["differ"][only])
    key, _dash, part = only.partition("-")
    if key not in versions:
        return None
    picked = _part(part, versions[key], found, place=BY_MODEL if key == MODEL else BY_PUBLISHED, since=job.since)
    if picked is None:
        return None
    words, total, belongs = picked
    title = _("Version %(version)d: %(what)s") % {"version": versions[key]["version"], "what": words}
    return CaseList(title, [row for row in found["cases"] if belongs(row)], total)


def _part(
    part: str, given: dict[str, Any], found: dict[str, Any], *, place: int, since: dt.datetime
) -> tuple[str, int, Callable[[Row], bool]] | None:
    """What one part of a version's MQLs is called, how many they are, and which rows belong to it."""
    if not part:
        return _("all MQLs"), given["mqls"], lambda row: row[place] is not None
    if part == "taken":
        return _("accepted"), given["accepted"], lambda row: row[place] is not None and row[ENDING] in ACCEPTED
    if part == "missed":
        total = found["winners"] - given["won"]
        return _("winners not found"), total, lambda row: row[place] is None and row[ENDING] == Ending.WON
    if part in set(Ending):
        total = given["by_ending"].get(part, 0)
        return str(ENDINGS[Ending(part)]), total, lambda row: row[place] is not None and row[ENDING] == part
    name, _dash, number = part.partition("-")
    if not (number.isascii() and number.isdigit() and len(number) < 12):
        return None
    if name == "reason" and number in given["by_reason"]:
        label = Reason.objects.get(id=int(number)).label
        return label, given["by_reason"][number], lambda row: row[place] is not None and row[REASON] == int(number)
    if name == "week" and int(number) < len(given["by_week"]):
        start = since.timestamp() + WEEK_SECONDS * int(number)
        words = _("week %(number)d") % {"number": int(number) + 1}
        return (
            words,
            given["by_week"][int(number)],
            lambda row: row[place] is not None and start <= row[place] < start + WEEK_SECONDS,
        )
    return None


def _differing_title(only: str, versions: dict[str, dict[str, Any]]) -> str:
    numbers = {"model": versions[MODEL]["version"], "published": versions[PUBLISHED]["version"]}
    titles = {
        ONLY_MODEL: _("Only in version %(model)d, not in version %(published)d"),
        ONLY_PUBLISHED: _("Only in version %(published)d, not in version %(model)d"),
        LOST: _("Winners that version %(model)d would lose"),
        GAINED: _("Winners that version %(model)d would gain"),
    }
    return titles[only] % numbers


def rows_of(rows: Sequence[Row], *, user: User) -> list[CaseRow]:
    """The rows of a page, in two queries; contacts that are gone are left out."""
    contacts = Contact.objects.visible_to(user).select_related("company").in_bulk([row[CONTACT] for row in rows])
    labels = {
        reason.pk: reason.label for reason in Reason.objects.filter(id__in={row[REASON] for row in rows if row[REASON]})
    }
    return [
        CaseRow(
            contact=contacts[row[CONTACT]],
            by_model_at=_instant(row[BY_MODEL]),
            by_published_at=_instant(row[BY_PUBLISHED]),
            ending=str(ENDINGS[Ending(row[ENDING])]),
            reason=labels.get(row[REASON], ""),
        )
        for row in rows
        if row[CONTACT] in contacts
    ]


def _instant(seconds: float | None) -> dt.datetime | None:
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, tz=dt.UTC)


def headline(result: Result) -> str:
    """What is seen, in a sentence."""
    tested, published = result.tested, result.published
    if published is None:
        words = ngettext("%(n)s MQL in the period", "%(n)s MQLs in the period", tested.mqls.n)
        return words % {"n": formats.number(tested.mqls.n)}
    more = tested.mqls.n - published.mqls.n
    many = _("as many") if not more else _("more") if more > 0 else _("fewer")
    if tested.precision is None or published.precision is None:
        return _("Version %(version)d finds %(many)s") % {"version": tested.version, "many": many}
    gain = round(tested.precision * 100) - round(published.precision * 100)
    good = _("about as good ones") if abs(gain) < SLIGHT else _("better ones") if gain > 0 else _("worse ones")
    return _("Version %(version)d finds %(many)s, and %(good)s") % {
        "version": tested.version,
        "many": many,
        "good": good,
    }
