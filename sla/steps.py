"""The ladder of a promise: what may happen as its time goes by, as one table, and how a ladder is read.

A step is `{"kind": …, "to": …}` with either `at_percent` (of the target, above 0 and up to 100) or `after_seconds` (of
working time past due). What a kind does when a clock comes to it stands in `sla.services.climb`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Invalid

Step = dict[str, Any]


@dataclass(frozen=True)
class StepKind:
    """One kind of step: what it is called where one is chosen, what it says in a sentence, and to whom it may go."""

    label: Promise | str
    sentence: Promise | str
    recipients: tuple[str, ...]


RECIPIENTS: dict[str, Promise | str] = {
    "owner": gettext_lazy("the owner"),
    "manager": gettext_lazy("the manager"),
}
KINDS: dict[str, StepKind] = {
    "warn": StepKind(gettext_lazy("Warn"), gettext_lazy("warn %(who)s"), ("owner", "manager")),
    "breach": StepKind(
        gettext_lazy("Say that it is missed to"), gettext_lazy("tell %(who)s that it is missed"), ("owner", "manager")
    ),
    "escalate": StepKind(gettext_lazy("Call in"), gettext_lazy("call in %(who)s"), ("owner", "manager")),
}
# The ladder of a policy that names no steps of its own.
STANDARD: list[Step] = [
    {"at_percent": 75, "kind": "warn", "to": "owner"},
    {"at_percent": 100, "kind": "breach", "to": "owner"},
    {"at_percent": 100, "kind": "escalate", "to": "manager"},
]
LONGEST_SECONDS = 10 * 365 * 86_400


def parse_steps(steps: Any) -> list[Step]:
    """Check a ladder and put it in order; an empty one is the standard ladder. Raises `Invalid` with a sentence."""
    if not steps:
        return [dict(step) for step in STANDARD]
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Invalid(_("Steps are a list of objects."), field="steps")
    for number, step in enumerate(steps, start=1):
        if (problem := problem_of(step)) is not None:
            raise Invalid(_("Step %(number)d: %(problem)s") % {"number": number, "problem": problem}, field="steps")
    return sorted(steps, key=lambda step: (step.get("at_percent", 100), step.get("after_seconds", 0)))


def problem_of(step: Mapping[str, Any]) -> str | None:
    """What is wrong with one step, in a sentence; None when nothing is."""
    kind = KINDS.get(step["kind"]) if isinstance(step.get("kind"), str) else None
    if kind is None:
        return _("kind is one of %(known)s.") % {"known": ", ".join(KINDS)}
    if step.get("to") not in kind.recipients:
        return _("to is one of %(known)s.") % {"known": ", ".join(kind.recipients)}
    if not _is_at_percent(step) and not _is_after_seconds(step):
        return _("give at_percent, above 0 and up to 100, or after_seconds from 0.")
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_at_percent(step: Mapping[str, Any]) -> bool:
    value: Any = step.get("at_percent")
    return "after_seconds" not in step and _is_number(value) and 0 < value <= 100


def _is_after_seconds(step: Mapping[str, Any]) -> bool:
    value: Any = step.get("after_seconds")
    return "at_percent" not in step and _is_number(value) and 0 <= value <= LONGEST_SECONDS


def working_seconds(step: Mapping[str, Any], *, target_seconds: float) -> float:
    """How much working time after the start of its clock a step is taken."""
    return float(target_seconds * step.get("at_percent", 100) / 100 + step.get("after_seconds", 0))


def carry_over(taken: Sequence[Step], *, onto: Sequence[Step]) -> tuple[list[Step], int]:
    """A ladder for a clock that goes on from another, and how many of its steps count as taken.

    What was done already is not done again: each step `taken` stands for the first step of `onto` that does the same,
    whenever. Those come first; the others keep their order. So "the first so many are taken" holds for it as well.
    """
    done = Counter(_deed(step) for step in taken)
    first, rest = [], []
    for step in onto:
        if done[_deed(step)] > 0:
            done[_deed(step)] -= 1
            first.append(step)
        else:
            rest.append(step)
    return [*first, *rest], len(first)


def _deed(step: Mapping[str, Any]) -> str:
    """What a step does, whenever it does it."""
    return repr(sorted((name, value) for name, value in step.items() if name not in ("at_percent", "after_seconds")))
