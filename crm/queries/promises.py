"""What is promised, to whom: policies in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from crm import formats
from crm.queries import timers
from leads import condition_words
from leads.conditions import parse_conditions
from sla import ladder
from sla.models import Milestone, Policy


@dataclass(frozen=True)
class PolicyRow:
    """One policy of a list."""

    policy: Policy
    conditions: tuple[str, ...]
    """For whom it holds, as sentences; none is for everybody."""
    ladder: str
    open_count: int
    open_href: str


@dataclass(frozen=True)
class PolicyGroup:
    """The policies of one milestone in the order in which they are asked."""

    milestone: Milestone
    rows: tuple[PolicyRow, ...]


def policies() -> tuple[PolicyGroup, ...]:
    """Every policy, by milestone, the active ones first in their order: three queries at most."""
    found: dict[str, list[PolicyRow]] = defaultdict(list)
    is_open = Q(timers__met_at=None, timers__cancelled_at=None, timers__isnull=False)
    rows = Policy.objects.select_related("calendar").annotate(open_count=Count("timers", filter=is_open))
    ordered = list(rows.order_by("-is_active", "position", "-id"))
    names = ladder.names_in(row.steps for row in ordered)
    for row in ordered:
        found[row.milestone].append(
            PolicyRow(
                policy=row,
                conditions=conditions_in_words(row.conditions),
                ladder=ladder_in_words(row.steps, names),
                open_count=row.open_count,
                open_href=timers.address(policy=row.pk, state="open"),
            )
        )
    return tuple(PolicyGroup(one, tuple(found[one.value])) for one in Milestone if found[one.value])


def conditions_in_words(conditions: Any) -> tuple[str, ...]:
    """Conditions as sentences."""
    return tuple(condition_words.whole_sentence(one) for one in parse_conditions(conditions))


def ladder_in_words(steps: Sequence[ladder.Step], names: ladder.Names) -> str:
    """What a ladder does, and when: "75 % owner, 100 % owner and manager, +2 h reassign". Empty is the standard one."""
    told: dict[str, list[str]] = defaultdict(list)
    for step in steps or ladder.STANDARD_STEPS:
        after = step.get("after_seconds")
        when = formats.percent(step["at_percent"] / 100) if after is None else f"+{formats.duration(after)}"
        if (what := step_in_words(step, names)) not in told[when]:
            told[when].append(what)
    return ", ".join(f"{when} {_(' and ').join(whats)}" for when, whats in told.items())


def step_in_words(step: ladder.Step, names: ladder.Names) -> str:
    """Whom a step tells, or what it does with the lead, in a word or two."""
    gone = _("manager")
    match step:
        case {"kind": "reassign"}:
            return _("reassign")
        case {"kind": "overflow", "team": team_id} if team_id in names.teams:
            return _("offer to %(team)s") % {"team": names.teams[team_id]}
        case {"kind": "overflow"}:
            return _("offer to another team")
        case {"to": "person", "person": person_id}:
            return str(names.people.get(person_id, gone))
        case {"to": "team", "team": team_id}:
            return str(names.teams.get(team_id, gone))
        case {"to": "owner"}:
            return _("owner")
    return gone
