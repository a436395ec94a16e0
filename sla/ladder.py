"""The ladder of a promise: what its steps do, whom they tell, and when each is taken."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.errors import Invalid
from crm.models import Team, User
from crm.models.people import OVERFLOW_KINDS, TeamKind
from sla import clock
from sla.models import Milestone, Timer

Step = dict[str, Any]
PauseSpan = tuple[dt.datetime, dt.datetime]

MOST_STEPS = 20
LONGEST_AFTER = 10 * 365 * 86_400


@dataclass(frozen=True)
class StepKind:
    """What a step does: it tells somebody, or moves the lead."""

    code: str
    label: str | Promise
    milestones: frozenset[str]
    """The promises in whose ladders it may stand."""
    is_act: bool = False
    """Whether it moves the lead; then it has no recipient of its own, since those concerned are told."""


_EVERY = frozenset(Milestone.values)
# What a lead in review could be taken from is marketing as a whole; what is accepted is no longer offered to a team.
_OF_A_PERSON = _EVERY - {Milestone.REVIEW}

STEP_KINDS: dict[str, StepKind] = {
    kind.code: kind
    for kind in (
        StepKind("warn", gettext_lazy("Warn"), _EVERY),
        StepKind("breach", gettext_lazy("Say that it is missed"), _EVERY),
        StepKind("escalate", gettext_lazy("Say that somebody missed it"), _EVERY),
        StepKind("reassign", gettext_lazy("Give it to whom routing finds"), _OF_A_PERSON, is_act=True),
        StepKind("overflow", gettext_lazy("Offer it to another team"), frozenset({Milestone.ANSWER}), is_act=True),
    )
}
RECIPIENTS: dict[str, str | Promise] = {
    "owner": gettext_lazy("whose promise it is"),
    "manager": gettext_lazy("the managers"),
    "person": gettext_lazy("a person"),
    "team": gettext_lazy("a team"),
}

# The ladder of a policy that names no steps of its own.
STANDARD_STEPS: list[Step] = [
    {"at_percent": 75, "kind": "warn", "to": "owner"},
    {"at_percent": 100, "kind": "breach", "to": "owner"},
    {"at_percent": 100, "kind": "escalate", "to": "manager"},
]


def parse_steps(steps: Any, *, milestone: str) -> list[Step]:
    """Check a ladder and put it in the order in which it is climbed; an empty one is the standard ladder.

    A step is `{"kind": …}` of `STEP_KINDS` with either `at_percent` (of the target, up to 100) or `after_seconds` (of
    working time past due). One that tells has `to` of `RECIPIENTS`, and with `person` an address or id, with `team` a
    name or id; `overflow` may name the `team` to offer the lead to, else the first one of a partner or of customer
    service gets it. People and teams are kept by id. Raises `Invalid` with a sentence.
    """
    if not steps:
        return [dict(step) for step in STANDARD_STEPS]
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Invalid(_("Steps are a list of objects."), field="steps")
    if len(steps) > MOST_STEPS:
        raise Invalid(_("A ladder has %(most)d steps at most.") % {"most": MOST_STEPS}, field="steps")
    parsed: list[Step] = []
    for number, step in enumerate(steps, start=1):
        try:
            one = parse_step(step, milestone=milestone)
        except Invalid as refusal:
            sentence = _("Step %(number)d: %(sentence)s") % {"number": number, "sentence": refusal}
            raise Invalid(sentence, field="steps") from None
        if one in parsed:
            values = {"number": number, "other": parsed.index(one) + 1}
            raise Invalid(_("Step %(number)d repeats step %(other)d.") % values, field="steps")
        parsed.append(one)
    return sorted(parsed, key=lambda step: (step.get("at_percent", 100), step.get("after_seconds", 0)))


def parse_step(step: Step, *, milestone: str) -> Step:
    """One step with what it needs and nothing else. Raises `Invalid` without the step's number."""
    kind = STEP_KINDS.get(str(step.get("kind")))
    if kind is None:
        raise Invalid(_("kind is one of %(kinds)s.") % {"kinds": ", ".join(STEP_KINDS)})
    if milestone not in kind.milestones:
        values = {"kind": kind.code, "milestone": Milestone(milestone).label}
        raise Invalid(_("“%(kind)s” is no step of a promise of “%(milestone)s”.") % values)
    found: Step = {**_when(step), "kind": kind.code}
    if kind.code == "breach" and found.get("at_percent", 100) < 100:
        raise Invalid(_("a promise is missed at 100 % of its time at the earliest; warn before that."))
    if kind.is_act:
        if kind.code == "overflow" and step.get("team"):
            found["team"] = _team(step["team"], of=OVERFLOW_KINDS).pk
        return found
    if str(step.get("to")) not in RECIPIENTS:
        raise Invalid(_("to is one of %(recipients)s.") % {"recipients": ", ".join(RECIPIENTS)})
    found["to"] = step["to"]
    if step["to"] == "person":
        found["person"] = _person(step.get("person")).pk
    elif step["to"] == "team":
        found["team"] = _team(step.get("team")).pk
    return found


def _when(step: Step) -> Step:
    """`at_percent` or `after_seconds`, exactly one of them."""
    percent: Any = step.get("at_percent")
    after: Any = step.get("after_seconds")
    if after is None and _is_number(percent) and 0 < percent <= 100:
        return {"at_percent": percent}
    if percent is None and _is_number(after) and 0 <= after <= LONGEST_AFTER:
        return {"after_seconds": after}
    raise Invalid(_("give at_percent from 1 to 100, or after_seconds from 0."))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _person(given: Any) -> User:
    """An active person by address or id. Raises `Invalid`."""
    people = User.objects.filter(is_active=True)
    found = people.filter(id=given) if _is_id(given) else people.filter(email=str(given or "").strip().lower())
    person = found.first()
    if person is None:
        raise Invalid(_("person is the address of somebody who is active."))
    return person


def _team(given: Any, *, of: Sequence[str] = tuple(TeamKind)) -> Team:
    """A team of these kinds by name or id. Raises `Invalid`."""
    teams = Team.objects.filter(kind__in=of)
    found = teams.filter(id=given) if _is_id(given) else teams.filter(name__iexact=str(given or "").strip())
    team = found.first()
    if team is None:
        kinds = ", ".join(str(TeamKind(kind).label) for kind in of)
        raise Invalid(_("team is the name of a team of this kind: %(kinds)s.") % {"kinds": kinds})
    return team


def _is_id(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and 0 < given < 2**63


def is_act(step: Step) -> bool:
    """Whether a step moves the lead rather than tells of it."""
    return STEP_KINDS[step["kind"]].is_act


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


def _deed(step: Step) -> str:
    """What a step does, whenever it does it."""
    return repr(sorted((name, value) for name, value in step.items() if name not in ("at_percent", "after_seconds")))


@dataclass(frozen=True)
class Names:
    """The people and teams that ladders name, by id; those that are gone are not in it."""

    people: dict[int, User]
    teams: dict[int, Team]


def names_in(ladders: Iterable[Sequence[Step]]) -> Names:
    """Whom these ladders name: a query each for people and for teams, none where nobody is named."""
    steps = [step for ladder in ladders for step in ladder]
    people = {step["person"] for step in steps if "person" in step}
    teams = {step["team"] for step in steps if "team" in step}
    return Names(
        people={row.pk: row for row in User.objects.filter(id__in=people)} if people else {},
        teams={row.pk: row for row in Team.objects.filter(id__in=teams)} if teams else {},
    )


# When a step is taken -------------------------------------------------------------------------------------------------


def working_seconds(step: Step, *, target_seconds: int) -> float:
    """After how much working time since the start of the promise a step is taken."""
    return float(target_seconds * step.get("at_percent", 100) / 100 + step.get("after_seconds", 0))


class Promised(Protocol):
    """What the instants of a ladder follow from, beside the calendar and the pauses."""

    @property
    def steps(self) -> list[Step]: ...
    @property
    def target_seconds(self) -> int: ...
    @property
    def started_at(self) -> dt.datetime: ...


def time_of(number: int, *, of: Promised, calendar: clock.Calendar, pauses: Sequence[PauseSpan]) -> dt.datetime:
    """When step `number` of a timer's ladder is taken, from the facts of the timer and its pauses."""
    working = working_seconds(of.steps[number], target_seconds=of.target_seconds)
    return clock.due_at(calendar, of.started_at, working, pauses)


def next_time(of: Timer, *, calendar: clock.Calendar, pauses: Sequence[PauseSpan]) -> dt.datetime | None:
    """When the next step of a timer's ladder is taken; None when all are."""
    if of.step >= len(of.steps):
        return None
    return time_of(of.step, of=of, calendar=calendar, pauses=pauses)
