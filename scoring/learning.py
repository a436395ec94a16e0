"""Points learned from outcomes: an additive score fitted to how cases ended. Plain values in, plain values out.

How
    1. The values of each field are sorted into groups that a fit rule can name (`scoring.groups`): texts, ranges of
       numbers, unset as a value of its own, rare values pooled. Ledgers of activities come as amounts.
    2. A logistic regression with an L2 penalty is fitted to the groups and amounts; how strong the penalty is, is
       chosen by cross-validation.
    3. Coefficients become whole points: ten points more double the odds. The points of a field are counted from its
       average case, so that plus means better than average and minus worse, or from its pooled values, if it has
       some, since no rule can name those. Groups of one field with the same points become one rule.

How well the rounded points tell good from bad is said by the AUC on cases held out from all of these steps.
Everything is deterministic. numpy and scikit-learn are loaded when something is learned, not before.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scoring.groups import POOL, Group, Grouping, group_values

ENOUGH_CASES = 100
"""Fewer outcomes than this say nothing that one should act on."""
ENOUGH_OF_EACH = 10
"""So many good and so many bad ones there must be among them."""
DOUBLING = 10
"""So many points double the odds."""
MOST_POINTS = 50
LATE_FROM = 0.5
"""A field of which a larger share than this was filled after the fact is leakage."""
STRENGTHS = (0.03, 0.1, 0.3, 1.0)
"""The inverse strengths of the penalty that are tried."""
MOST_EXACT_COLUMNS = 2000
FOLDS = 5
SEED = 0
CHANCE = 0.5

_POINTS_PER_LOGIT = DOUBLING / math.log(2)


class TooFewOutcomes(ValueError):
    """There is too little to learn from: `closed` outcomes, of which `positives` good, and `missing` more needed."""

    def __init__(self, *, closed: int, positives: int) -> None:
        self.closed, self.positives = closed, positives
        self.missing = missing_outcomes(closed=closed, positives=positives)
        super().__init__(
            f"Points can be learned from {ENOUGH_CASES} closed outcomes, {ENOUGH_OF_EACH} of them good and "
            f"{ENOUGH_OF_EACH} bad; there are {closed}, {positives} of them good: {self.missing} are missing."
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One closed outcome: what was known of the contact by field, and how much of what it did by activity rule."""

    values: Mapping[str, object]
    is_positive: bool
    amounts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Points, and what stands behind them: so many cases, so many of them good."""

    points: int
    cases: int
    positives: int

    @property
    def share(self) -> float:
        """The share of good cases, 0 to 1."""
        return self.positives / self.cases if self.cases else 0.0


@dataclass(frozen=True, slots=True)
class FitPoints:
    """A learned fit rule: these points for contacts whose field meets the operator and value."""

    field: str
    op: str
    value: object
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Filled:
    """Of how many cases a field is set today, and of how many of these it was filled after the fact."""

    cases: int
    after: int

    @property
    def share(self) -> float:
        return self.after / self.cases if self.cases else 0.0


@dataclass(frozen=True)
class Suggestion:
    """What the outcomes suggest.

    `amounts` has the points of each activity rule by its key; a key with too few cases is absent. `average` is the
    score at which a case is as likely to end well as the average one; ten points more are odds twice as good. `auc`
    is that of the rounded points on held-out cases, true to `auc_margin` in 95 of 100 samples. `fit_quartiles` and
    `engagement_quartiles` say how the points of fields and of amounts are spread over the cases: upper quartile,
    median, lower quartile.
    """

    cases: int
    positives: int
    fit: tuple[FitPoints, ...]
    amounts: Mapping[str, Evidence]
    average: float
    auc: float
    auc_margin: float
    fit_quartiles: tuple[float, float, float]
    engagement_quartiles: tuple[float, float, float]

    @property
    def is_no_better_than_chance(self) -> bool:
        """Whether held-out cases leave it open that the points tell nothing: half an AUC is a toss of a coin."""
        return self.auc - self.auc_margin <= CHANCE

    @property
    def is_worse_than_chance(self) -> bool:
        """Whether held-out cases say that the points point the wrong way."""
        return self.auc + self.auc_margin < CHANCE


def missing_outcomes(*, closed: int, positives: int) -> int:
    """Return how many more closed outcomes are needed at least, 0 when there are enough."""
    of_each = max(0, ENOUGH_OF_EACH - positives) + max(0, ENOUGH_OF_EACH - (closed - positives))
    return max(ENOUGH_CASES - closed, of_each, 0)


def auc_margin(auc: float, *, positives: int, negatives: int) -> float:
    """Half the width of the 95 % interval of an AUC: Hanley and McNeil, Radiology 143 (1982), formula 2."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)
    return 1.96 * math.sqrt((auc * (1 - auc) + spread) / (positives * negatives))


def late_fields(filled: Mapping[str, Filled]) -> dict[str, Filled]:
    """Return the fields that are mostly filled after the fact, the worst first: leakage, for a score never sees them.

    A field that sales fills once a deal is made tells good from bad brilliantly, and is empty for every new contact.
    """
    late = [(name, found) for name, found in filled.items() if found.share > LATE_FROM]
    return dict(sorted(late, key=lambda item: (-item[1].share, item[0])))


def learn(cases: Sequence[Case], *, leave_out: Collection[str] = ()) -> Suggestion:
    """Return the points that the cases suggest, without the fields in `leave_out`. Raises `TooFewOutcomes`."""
    positives = sum(case.is_positive for case in cases)
    if missing_outcomes(closed=len(cases), positives=positives):
        raise TooFewOutcomes(closed=len(cases), positives=positives)
    import numpy as np

    fields = sorted({name for case in cases for name in case.values} - set(leave_out))
    labels = np.array([case.is_positive for case in cases])
    strength = _best_strength(cases, labels, fields)
    card = _fit(cases, labels, fields, strength=strength)
    fit, engagement = card.points_of(cases)
    auc = _held_out_auc(cases, labels, fields, strength=strength)
    return Suggestion(
        cases=len(cases),
        positives=positives,
        fit=tuple(_fit_points(card, cases)),
        amounts=_amount_points(card, cases),
        average=card.average,
        auc=auc,
        auc_margin=auc_margin(auc, positives=positives, negatives=len(cases) - positives),
        fit_quartiles=_quartiles(fit),
        engagement_quartiles=_quartiles(engagement),
    )


@dataclass(frozen=True)
class _Table:
    """The columns of the regression: one for each group of each field, then one for each amount."""

    groupings: tuple[Grouping, ...]
    starts: tuple[int, ...]
    amounts: tuple[str, ...]
    scales: tuple[float, ...]

    @property
    def width(self) -> int:
        return sum(len(grouping.groups) for grouping in self.groupings)

    def groups_of(self, case: Case) -> Iterable[int]:
        """The columns of the groups that the case is in."""
        for grouping, start in zip(self.groupings, self.starts, strict=True):
            index = grouping.index(case.values.get(grouping.field))
            if index is not None:
                yield start + index

    def matrix(self, cases: Sequence[Case]) -> Any:
        """One row a case, sparse."""
        from scipy import sparse

        rows, columns, data = [], [], []
        for row, case in enumerate(cases):
            for column in self.groups_of(case):
                rows.append(row)
                columns.append(column)
                data.append(1.0)
            for number, (key, scale) in enumerate(zip(self.amounts, self.scales, strict=True)):
                if amount := case.amounts.get(key, 0.0):
                    rows.append(row)
                    columns.append(self.width + number)
                    data.append(amount / scale)
        shape = (len(cases), self.width + len(self.amounts))
        return sparse.csr_matrix((data, (rows, columns)), shape=shape)


@dataclass(frozen=True)
class _Card:
    """The points, whole ones: by column for groups, by key for amounts."""

    table: _Table
    group_points: tuple[int, ...]
    amount_points: tuple[int, ...]
    average: float

    def points_of(self, cases: Sequence[Case]) -> tuple[list[int], list[float]]:
        """The points of each case for its fields, and for its amounts."""
        points = self.group_points
        weights = tuple(zip(self.table.amounts, self.amount_points, strict=True))
        fit = [sum(points[column] for column in self.table.groups_of(case)) for case in cases]
        return fit, [math.fsum(weight * case.amounts.get(key, 0.0) for key, weight in weights) for case in cases]


def _table(cases: Sequence[Case], fields: Iterable[str]) -> _Table:
    at_least = max(ENOUGH_OF_EACH, round(len(cases) / 200))
    found = (group_values(name, [case.values.get(name) for case in cases], at_least=at_least) for name in fields)
    groupings = tuple(grouping for grouping in found if grouping is not None)
    starts, start = [], 0
    for grouping in groupings:
        starts.append(start)
        start += len(grouping.groups)
    amounts, scales = [], []
    for key in sorted({key for case in cases for key in case.amounts}):
        values = [case.amounts.get(key, 0.0) for case in cases]
        mean = math.fsum(values) / len(values)
        deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
        if sum(value > 0 for value in values) >= at_least and deviation > 1e-9:
            amounts.append(key)
            scales.append(deviation)
    return _Table(groupings, tuple(starts), tuple(amounts), tuple(scales))


def _regression(matrix: Any, labels: Any, *, strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    # Newton's method comes to the same points on every machine, but keeps a square of the columns in memory.
    solver = "newton-cholesky" if matrix.shape[1] <= MOST_EXACT_COLUMNS else "lbfgs"
    return LogisticRegression(C=strength, solver=solver, max_iter=2000, tol=1e-6).fit(matrix, labels)


def _folds(cases: Sequence[Case], labels: Any) -> list[tuple[Any, Any]]:
    from sklearn.model_selection import StratifiedKFold

    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(list(range(len(cases))), labels))


def _best_strength(cases: Sequence[Case], labels: Any, fields: Sequence[str]) -> float:
    """The strength of the penalty with the least log loss on held-out cases; of equals, the stronger penalty."""
    from sklearn.metrics import log_loss

    matrix = _table(cases, fields).matrix(cases)
    if not matrix.shape[1]:
        return STRENGTHS[0]
    losses = dict.fromkeys(STRENGTHS, 0.0)
    for known, held_out in _folds(cases, labels):
        for strength in STRENGTHS:
            model = _regression(matrix[known], labels[known], strength=strength)
            losses[strength] += log_loss(labels[held_out], model.predict_proba(matrix[held_out]))
    return min(STRENGTHS, key=lambda strength: (round(losses[strength], 6), strength))


def _fit(cases: Sequence[Case], labels: Any, fields: Sequence[str], *, strength: float) -> _Card:
    table = _table(cases, fields)
    matrix = table.matrix(cases)
    base = math.log(labels.sum() / (len(labels) - labels.sum()))
    if not matrix.shape[1]:
        return _Card(table, (), (), 0.0)
    model = _regression(matrix, labels, strength=strength)
    coefficients, counts = model.coef_[0], matrix[:, : table.width].sum(axis=0).A1
    intercept = float(model.intercept_[0])
    points: list[int] = []
    for grouping, start in zip(table.groupings, table.starts, strict=True):
        own = coefficients[start : start + len(grouping.groups)]
        zero = _zero(grouping, own, counts[start : start + len(grouping.groups)])
        intercept += zero
        points.extend(_whole(coefficient - zero) for coefficient in own)
    weights = (coefficients[table.width + number] / scale for number, scale in enumerate(table.scales))
    return _Card(table, tuple(points), tuple(map(_whole, weights)), (base - intercept) * _POINTS_PER_LOGIT)


def _zero(grouping: Grouping, coefficients: Any, counts: Any) -> float:
    """The coefficient from which a field's points are counted."""
    for group, coefficient in zip(grouping.groups, coefficients, strict=True):
        if group.op == POOL:
            return float(coefficient)
    return float((coefficients * counts).sum() / counts.sum())


def _whole(logits: float) -> int:
    return max(-MOST_POINTS, min(MOST_POINTS, round(float(logits) * _POINTS_PER_LOGIT)))


def _held_out_auc(cases: Sequence[Case], labels: Any, fields: Sequence[str], *, strength: float) -> float:
    """The AUC of the whole points, averaged over folds whose cases had no part in groups, coefficients or rounding."""
    from sklearn.metrics import roc_auc_score

    found = []
    for known, held_out in _folds(cases, labels):
        card = _fit([cases[row] for row in known], labels[known], fields, strength=strength)
        fit, engagement = card.points_of([cases[row] for row in held_out])
        found.append(roc_auc_score(labels[held_out], [sum(both) for both in zip(fit, engagement, strict=True)]))
    return math.fsum(found) / len(found)


def _fit_points(card: _Card, cases: Sequence[Case]) -> Iterable[FitPoints]:
    """The rules of all fields, groups with the same points as one, those without points left out."""
    counted = [[0, 0] for _points in card.group_points]
    for case in cases:
        for column in card.table.groups_of(case):
            counted[column][0] += 1
            counted[column][1] += case.is_positive
    for grouping, start in zip(card.table.groupings, card.table.starts, strict=True):
        points = card.group_points[start : start + len(grouping.groups)]
        for indexes in _alike(grouping, points):
            own = [counted[start + index] for index in indexes]
            evidence = Evidence(points[indexes[0]], sum(one[0] for one in own), sum(one[1] for one in own))
            group: Group = grouping.joined(indexes)
            yield FitPoints(grouping.field, group.op, group.value, evidence)


def _alike(grouping: Grouping, points: Sequence[int]) -> list[list[int]]:
    """The groups that have points, as lists of those that are one rule: the same points, and next to each other if
    they are ranges.
    """
    joined: list[list[int]] = []
    for index, (group, own) in enumerate(zip(grouping.groups, points, strict=True)):
        if own == 0 or group.op == POOL:
            continue
        for other in joined if group.op != "is_unset" else ():
            if points[other[0]] == own and (not grouping.is_numeric or other[-1] == index - 1):
                other.append(index)
                break
        else:
            joined.append([index])
    return sorted(joined, key=lambda one: (-abs(points[one[0]]), one[0])) if not grouping.is_numeric else joined


def _amount_points(card: _Card, cases: Sequence[Case]) -> dict[str, Evidence]:
    found = {}
    for key, points in zip(card.table.amounts, card.amount_points, strict=True):
        behind = [case for case in cases if case.amounts.get(key, 0.0) > 0]
        found[key] = Evidence(points, len(behind), sum(case.is_positive for case in behind))
    return found


def _quartiles(points: Sequence[float]) -> tuple[float, float, float]:
    import numpy as np

    upper, median, lower = np.quantile(points, [0.75, 0.5, 0.25])
    return float(upper), float(median), float(lower)
