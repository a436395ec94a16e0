"""What is promised, to whom: policies in their order, one in plain words, its versions and its clocks."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import formats
from crm.queries import timers
from leads import condition_words
from leads.conditions import parse_conditions
from sla import ladder
from sla.durations import written_duration
from sla.models import CalendarOf, ClockMove, Milestone, Policy, Timer


@dataclass(frozen=True)
class PolicyRow:
    """One policy of a list."""

    policy: Policy
    conditions: tuple[str, ...]
    """For whom it holds, as sentences; none is for everybody."""
    whose: str
    """In whose working time, where it is not that of its own calendar."""
    ladder: str
    open_count: int
    open_href: str
    is_first: bool
    is_last: bool
    reach: str
    """Where one without conditions stands before or after it, what that means for it."""

    @property
    def has_order(self) -> bool:
        """Whether it may be asked earlier or later."""
        return self.policy.is_active and not (self.is_first and self.is_last)


@dataclass(frozen=True)
class PolicyGroup:
    """The policies of one milestone in the order in which they are asked."""

    milestone: Milestone
    rows: tuple[PolicyRow, ...]


def policies() -> tuple[PolicyGroup, ...]:
    """Every policy, by milestone, the active ones first in their order: three queries at most."""
    found: dict[str, list[Policy]] = defaultdict(list)
    is_open = Q(timers__met_at=None, timers__cancelled_at=None, timers__isnull=False)
    rows = Policy.objects.select_related("calendar").annotate(open_count=Count("timers", filter=is_open))
    for row in rows.order_by("-is_active", "position", "-id"):
        found[row.milestone].append(row)
    names = ladder.names_in(row.steps for group in found.values() for row in group)
    return tuple(PolicyGroup(one, _rows(found[one.value], names)) for one in Milestone if found[one.value])


def _rows(group: Sequence[Policy], names: ladder.Names) -> tuple[PolicyRow, ...]:
    in_use = [row for row in group if row.is_active]
    catching = next((row for row in in_use if not row.conditions), None)
    return tuple(
        PolicyRow(
            policy=row,
            conditions=conditions_in_words(row.conditions),
            whose="" if row.calendar_of == CalendarOf.NAMED else row.get_calendar_of_display(),
            ladder=ladder_in_words(row.steps, names),
            open_count=row.open_count,  # type: ignore[attr-defined]
            open_href=timers.address(policy=row.pk, state="open"),
            is_first=row.is_active and row is in_use[0],
            is_last=row.is_active and row is in_use[-1],
            reach=_reach(row, in_use, catching) if row.is_active else "",
        )
        for row in group
    )


def _reach(row: Policy, in_use: Sequence[Policy], catching: Policy | None) -> str:
    if row is catching:
        return _("For every lead that is left") if row is not in_use[0] else ""
    if catching is not None and in_use.index(catching) < in_use.index(row):
        return _("Never asked: “%(name)s” before it takes every lead") % {"name": catching.name}
    return ""


# One policy -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class VersionRow:
    """What a version promised, who made it so and when, and the clocks that run under it."""

    number: int
    said: str
    by: str
    at: dt.datetime
    open_count: int
    open_href: str


@dataclass(frozen=True)
class PolicyPage:
    """One policy as its page shows it beside the form."""

    policy: Policy
    said: str
    versions: tuple[VersionRow, ...]
    open_count: int
    open_href: str
    running_count: int
    """Those of them that are not missed, which a change could move."""
    running_href: str
    movable_count: int
    """Running clocks under what is no longer promised that are not missed yet."""
    movable_href: str
    missed_count: int
    """Those that are, and stay."""
    missed_href: str
    move: ClockMove | None
    """A move of them that is not over."""
    is_used: bool
    """Whether a clock was ever started under it."""


def policy_page(policy: Policy, *, now: dt.datetime) -> PolicyPage:
    """One policy with its versions and its clocks, in a constant number of queries."""
    versions = list(policy.versions.select_related("actor"))
    names = ladder.names_in([policy.steps, *(row.promise["steps"] for row in versions)])
    running = dict(
        Timer.objects.open().filter(policy=policy).order_by().values_list("policy_version").annotate(Count("id"))
    )
    outdated = Timer.objects.outdated().filter(policy=policy)
    movable, missed = outdated.filter(due_at__gte=now).count(), outdated.filter(due_at__lt=now).count()
    in_time = ("running", "soon", "paused")
    return PolicyPage(
        policy=policy,
        said=sentence_of(policy, names),
        versions=tuple(
            VersionRow(
                number=row.number,
                said=promise_in_words(policy.milestone, names=names, **row.promise),
                by=str(row.actor) if row.actor else "",
                at=row.at,
                open_count=running.get(row.number, 0),
                open_href=timers.address(policy=policy.pk, policy_version=row.number, state="open"),
            )
            for row in versions
        ),
        open_count=sum(running.values()),
        open_href=timers.address(policy=policy.pk, state="open"),
        running_count=Timer.objects.open().filter(policy=policy, due_at__gte=now).count(),
        running_href=timers.address(policy=policy.pk, state=in_time),
        movable_count=movable,
        movable_href=timers.address(policy=policy.pk, is_outdated="true", state=in_time),
        missed_count=missed,
        missed_href=timers.address(policy=policy.pk, is_outdated="true", state="missed"),
        move=policy.moves.filter(finished_at=None).first(),
        is_used=policy.timers.exists(),
    )


WHAT = {
    Milestone.REVIEW: gettext_lazy("Review"),
    Milestone.ANSWER: gettext_lazy("Answer"),
    Milestone.CONTACT: gettext_lazy("Make the first contact"),
    Milestone.MEETING: gettext_lazy("Arrange a meeting"),
    Milestone.FOLLOW_UP: gettext_lazy("Follow up"),
}
WHOSE = {
    CalendarOf.NAMED: gettext_lazy("%(calendar)s"),
    CalendarOf.TEAM: gettext_lazy("calendar of the team, else %(calendar)s"),
    CalendarOf.ASSIGNEE: gettext_lazy("calendar of the assignee, else %(calendar)s"),
}
DEEDS = {
    "warn": gettext_lazy("warn %(who)s"),
    "breach": gettext_lazy("tell %(who)s that it is missed"),
    "escalate": gettext_lazy("tell %(who)s that somebody missed it"),
    "reassign": gettext_lazy("give it to whom routing finds"),
    "overflow": gettext_lazy("offer it to %(who)s"),
}


def sentence_of(policy: Policy, names: ladder.Names) -> str:
    """A policy in plain words; see `promise_in_words`."""
    return promise_in_words(
        policy.milestone,
        names=names,
        target_seconds=policy.target_seconds,
        calendar=policy.calendar.name,
        calendar_of=policy.calendar_of,
        conditions=policy.conditions,
        steps=policy.steps,
    )


def promise_in_words(
    milestone: str,
    *,
    names: ladder.Names,
    target_seconds: int,
    calendar: str,
    calendar_of: str,
    conditions: Sequence[dict[str, Any]],
    steps: Sequence[ladder.Step],
) -> str:
    """What is promised: "Answer within 4 h of working time (Helsinki) when grade is A1; at 75 % warn the owner."."""
    head = _("%(what)s within %(time)s of working time (%(calendar)s)") % {
        "what": WHAT[Milestone(milestone)],
        "time": written_duration(target_seconds),
        "calendar": WHOSE[CalendarOf(calendar_of)] % {"calendar": calendar},
    }
    asked = condition_words.conditions_sentence(parse_conditions(conditions))
    who = _("when %(conditions)s") % {"conditions": asked} if asked else _("for every lead")
    parts = [f"{head} {who}", *(_step_sentence(step, names) for step in steps or ladder.STANDARD_STEPS)]
    return "; ".join(parts) + "."


def _step_sentence(step: ladder.Step, names: ladder.Names) -> str:
    after = step.get("after_seconds")
    if after:
        when = _("%(time)s after it was due") % {"time": written_duration(after)}
    elif after == 0 or step.get("at_percent") == 100:
        when = _("when it is due")
    else:
        when = _("at %(share)s") % {"share": formats.percent(step["at_percent"] / 100)}
    who = _("another team") if step["kind"] == "overflow" and "team" not in step else _who(step, names)
    return f"{when} {DEEDS[step['kind']] % {'who': who}}"


def _who(step: ladder.Step, names: ladder.Names) -> str:
    if "person" in step:
        return str(names.people.get(step["person"], ladder.RECIPIENTS["manager"]))
    if "team" in step:
        return str(names.teams.get(step["team"], ladder.RECIPIENTS["manager"]))
    return _("the owner") if step.get("to") == "owner" else str(ladder.RECIPIENTS["manager"])


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
