"""Sorting the values of one field into groups that a fit rule can name: texts, ranges of numbers, and unset.

What a value is, and when two are the same, is as in `leads.conditions`: a group holds exactly the values that the
rule of its operator and value is met by, apart from those that no group names.
"""

import bisect
import dataclasses
import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from leads.conditions import Condition, as_number, fold, is_unset, matches

RANGES = 12
"""A field of numbers falls into so many ranges at most, each of about as many cases."""
TEXTS = 40
"""A field of texts keeps so many values apart at most; the rarer ones are pooled."""
FEW_NUMBERS = 8
"""Up to so many different numbers are told apart one by one, as texts are."""
MOST = 0.95
"""A field is one of numbers when so many of its values are."""
DECIMALS = 6

POOL = "pool"
"""The operator of the group of all values that no other group names. No rule can ask for it, so it gets no points."""


@dataclass(frozen=True, slots=True)
class Group:
    """Values that a rule of this operator and value is met by."""

    op: str
    value: object = None


@dataclass(frozen=True)
class Grouping:
    """The groups of one field. Ranges of numbers stand in rising order and next to each other."""

    field: str
    groups: tuple[Group, ...]
    edges: tuple[float, ...] = ()
    step: float = 1.0
    _unset: int | None = None
    _pool: int | None = None
    _known: dict[tuple[type, object], int | None] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def is_numeric(self) -> bool:
        return bool(self.edges)

    def index(self, value: Any) -> int | None:
        """Return which group holds the value, None if none does."""
        if is_unset(value):
            return self._unset
        if self.edges:
            number = as_number(value)
            return self._pool if number is None else bisect.bisect_right(self.edges, number)
        if not isinstance(value, Hashable):
            return self._pool
        key = (type(value), value)
        if key not in self._known:
            self._known[key] = self._find(value)
        return self._known[key]

    def _find(self, value: object) -> int | None:
        for index, group in enumerate(self.groups):
            if group.op == "equals" and matches(Condition(self.field, group.op, group.value), value):
                return index
        return self._pool

    def joined(self, indexes: Sequence[int]) -> Group:
        """Return several groups as one: texts as a list, ranges that follow each other as the range of all."""
        if len(indexes) == 1:
            return self.groups[indexes[0]]
        if not self.edges:
            return Group("in", [self.groups[index].value for index in indexes])
        return _range(self.edges, min(indexes), max(indexes), self.step)


def group_values(name: str, values: Sequence[object], *, at_least: int) -> Grouping | None:
    """Sort the values that cases have in a field into groups of at least so many; None if they are all alike.

    Rare texts are pooled, and so are texts in a field of numbers; unset is a group of its own.
    """
    given = [value for value in values if not is_unset(value)]
    numbers = [number for value in given if (number := as_number(value)) is not None]
    has_unset = len(values) - len(given) >= at_least
    if len(numbers) >= MOST * len(given) and len(set(numbers)) > FEW_NUMBERS:
        grouping = _ranges(name, numbers, others=len(given) - len(numbers), has_unset=has_unset, at_least=at_least)
    else:
        grouping = _texts(name, given, has_unset=has_unset, at_least=at_least)
    return grouping if len(grouping.groups) > 1 else None


def _key(value: object, *, has_numbers: bool) -> object:
    """What equal values have in common. Beside numbers, text that looks like one is that number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    number = as_number(value) if has_numbers or not isinstance(value, str) else None
    if number is not None:
        return number
    return fold(value) if isinstance(value, str) else None


def _texts(name: str, given: Sequence[object], *, has_unset: bool, at_least: int) -> Grouping:
    spellings: dict[object, Counter[object]] = defaultdict(Counter)
    has_numbers = any(not isinstance(value, str) and as_number(value) is not None for value in given)
    pooled = 0
    for value in given:
        key = _key(value, has_numbers=has_numbers)
        if key is None:
            pooled += 1
        else:
            spellings[key][_plain(key) if isinstance(key, float) else value] += 1
    by_count = sorted(spellings.items(), key=lambda item: (-item[1].total(), str(item[0])))
    kept = [(key, seen) for key, seen in by_count[:TEXTS] if seen.total() >= at_least]
    pooled += sum(seen.total() for _key, seen in by_count) - sum(seen.total() for _key, seen in kept)
    groups = [Group("equals", min(seen, key=lambda value: (-seen[value], str(value)))) for _key, seen in kept]
    return _complete(name, groups, pooled >= at_least, has_unset)


def _ranges(name: str, numbers: list[float], *, others: int, has_unset: bool, at_least: int) -> Grouping:
    """Cut where each range has its share of the cases; many cases of one number are a range of their own."""
    counts = sorted(Counter(numbers).items())
    share = max(at_least, math.ceil(len(numbers) / RANGES))
    edges: list[float] = []
    held, left = 0, len(numbers)
    for (_number, count), (following, following_count) in itertools.pairwise(counts):
        held, left = held + count, left - count
        is_full = held >= share or (held >= at_least and following_count >= share)
        if is_full and left >= at_least:
            edges.append(following)
            held = 0
    if not edges:
        return _complete(name, [], len(numbers) + others >= at_least, has_unset)
    step = 10.0 ** -max(_decimals(number) for number, _count in counts)
    groups = [_range(edges, index, index, step) for index in range(len(edges) + 1)]
    return _complete(name, groups, others >= at_least, has_unset, edges=tuple(edges), step=step)


def _complete(
    name: str,
    groups: list[Group],
    has_pool: bool,
    has_unset: bool,
    *,
    edges: tuple[float, ...] = (),
    step: float = 1.0,
) -> Grouping:
    pool = unset = None
    if has_pool:
        pool = len(groups)
        groups.append(Group(POOL))
    if has_unset:
        unset = len(groups)
        groups.append(Group("is_unset"))
    return Grouping(name, tuple(groups), edges, step, unset, pool)


def _range(edges: Sequence[float], first: int, last: int, step: float) -> Group:
    """The range from the edge below `first` up to the edge above `last`. `between` holds both its ends, so it ends
    one step of the numbers' precision below the next range.
    """
    if first == 0:
        return Group("lt", _plain(edges[last]))
    if last == len(edges):
        return Group("gte", _plain(edges[first - 1]))
    # Rounding takes away the noise of binary fractions.
    lowest, highest = _plain(edges[first - 1]), _plain(round(edges[last] - step, DECIMALS))
    return Group("equals", lowest) if lowest == highest else Group("between", [lowest, highest])


def _decimals(number: float) -> int:
    """How many decimals the number is written with, at most `DECIMALS`."""
    text = f"{number:.{DECIMALS}f}".rstrip("0")
    return len(text.partition(".")[2])


def _plain(number: float) -> float:
    """A number as people write it: 3 rather than 3.0."""
    return int(number) if number == int(number) else number
