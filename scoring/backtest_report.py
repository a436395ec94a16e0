"""The result of a backtest, added up case by case; what it keeps does not grow with the number of contacts.

Counts are complete. Contacts themselves are kept for the lists behind the counts: the first `MOST_CASES` cases, and
the first `MOST_DIFFERING` of each way to differ.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from scoring import backtest
from scoring.backtest import Lift, Tally
from scoring.cases import Case, Ending, Version
from scoring.engine import DAY_SECONDS

MOST_CASES = 4000
MOST_DIFFERING = 500
WEEK_SECONDS = 7 * DAY_SECONDS
MODEL, PUBLISHED = "model", "published"
ONLY_MODEL, ONLY_PUBLISHED, LOST, GAINED = "only-model", "only-published", "lost-winners", "gained-winners"


class Report:
    """Takes cases and answers with what is stored as the result.

    `versions` are the one that is tested and, where it is another, the published one, in this order.
    """

    def __init__(self, versions: Sequence[Version], *, since: dt.datetime, until: dt.datetime) -> None:
        models = [version.rules.model for version in versions]
        self.since, self.until = since, until
        self.thresholds = backtest.grid(models[0].mql_threshold, models[-1].mql_threshold)
        self._sides = [
            _Side(key, place, version, self)
            for place, (key, version) in enumerate(zip((MODEL, PUBLISHED), versions, strict=False))
        ]
        self.contacts = self.watched = self.accepted = self.winners = 0
        self._cases: list[list[Any]] = []
        self._case_count = 0
        self._differing: dict[str, list[list[Any]]] = {key: [] for key in (ONLY_MODEL, ONLY_PUBLISHED, LOST, GAINED)}
        self._differing_counts: dict[str, int] = dict.fromkeys(self._differing, 0)

    def add(self, case: Case) -> None:
        """Count one contact."""
        self.contacts += 1
        self.watched += case.found[0].peak is not None
        self.accepted += case.end.ending.is_accepted
        self.winners += case.end.ending is Ending.WON
        crossed = [side.add(case) for side in self._sides]
        row = [
            case.contact_id,
            crossed[0],
            crossed[1] if len(crossed) > 1 else None,
            case.end.ending.value,
            case.end.reason_id,
        ]
        if any(at is not None for at in crossed) or case.end.ending.is_accepted:
            self._case_count += 1
            if len(self._cases) < MOST_CASES:
                self._cases.append(row)
        if len(crossed) > 1:
            self._compare(row, is_won=case.end.ending is Ending.WON)

    def _compare(self, row: list[Any], *, is_won: bool) -> None:
        _contact_id, by_model, by_published, *_rest = row
        if (by_model is None) == (by_published is None):
            return
        keys = (ONLY_PUBLISHED, LOST) if by_model is None else (ONLY_MODEL, GAINED)
        for key in keys if is_won else keys[:1]:
            self._differing_counts[key] += 1
            if len(self._differing[key]) < MOST_DIFFERING:
                self._differing[key].append(row)

    @property
    def weeks(self) -> float:
        return (self.until - self.since).total_seconds() / WEEK_SECONDS

    def as_json(self) -> dict[str, Any]:
        """Everything that was found.

        A row of a contact is `[id, crossed by the model at, by the published at, ending, id of the reason]`, instants
        in seconds since 1970 UTC.
        """
        return {
            "contacts": self.contacts,
            "watched": self.watched,
            "weeks": self.weeks,
            "accepted": self.accepted,
            "winners": self.winners,
            "versions": [side.as_json() for side in self._sides],
            "curve": [
                {"threshold": threshold} | {side.key: _counts(side.curve[place]) for side in self._sides}
                for place, threshold in enumerate(self.thresholds)
            ],
            "cases": self._cases,
            "case_count": self._case_count,
            "differ": self._differing_counts,
            "differing": self._differing,
        }


class _Side:
    """What one version would have found."""

    def __init__(self, key: str, place: int, version: Version, report: Report) -> None:
        model = version.rules.model
        self.key, self.place, self.report = key, place, report
        self.version, self.name, self.threshold = model.version, model.name, model.mql_threshold
        self.own = report.thresholds.index(self.threshold)
        self.curve = [Tally() for _ in report.thresholds]
        self.by_week: dict[int, int] = defaultdict(int)
        self.by_ending: dict[str, int] = defaultdict(int)
        self.by_reason: dict[int, int] = defaultdict(int)
        self.lift = Lift()

    def add(self, case: Case) -> float | None:
        """Count one contact; return when this version would have promoted it."""
        found, ending = case.found[self.place], case.end.ending
        for place, at in enumerate(found.first):
            if at is not None:
                self.curve[place].add(
                    is_accepted=ending.is_accepted, is_refused=ending.is_refused, is_won=ending is Ending.WON
                )
        if found.peak is not None:
            self.lift.add(found.peak, is_good=ending.is_accepted)
        crossed_at = found.first[self.own]
        if crossed_at is not None:
            self.by_week[int((crossed_at - self.report.since.timestamp()) // WEEK_SECONDS)] += 1
            self.by_ending[ending.value] += 1
            if case.end.reason_id is not None:
                self.by_reason[case.end.reason_id] += 1
        return crossed_at

    def as_json(self) -> dict[str, Any]:
        tally = self.curve[self.own]
        weeks = range(max(1, -int(-self.report.weeks // 1)))
        return {
            "key": self.key,
            "version": self.version,
            "name": self.name,
            "threshold": self.threshold,
            **_counts(tally),
            "precision": tally.precision,
            "recall": backtest.share(tally.accepted, self.report.accepted),
            "lift": self.lift.value(),
            "by_week": [self.by_week[week] for week in weeks],
            "by_ending": dict(self.by_ending),
            "by_reason": {str(key): count for key, count in self.by_reason.items()},
        }


def _counts(tally: Tally) -> dict[str, int]:
    return {"mqls": tally.mqls, "accepted": tally.accepted, "refused": tally.refused, "won": tally.won}
