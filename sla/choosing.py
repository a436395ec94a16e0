"""Which policy a handoff gets, why, and in whose working time it then runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from crm.errors import Conflict
from leads import facts
from leads.conditions import Condition, Judged, all_match, judge, parse_conditions
from leads.models import Handoff
from sla.models import Calendar, CalendarOf, Milestone, Policy

IF_PROMISED = (Milestone.MEETING, Milestone.FOLLOW_UP)
"""Clocks that run only where a policy promises something."""


@dataclass(frozen=True)
class Judgement:
    """One policy before one handoff; it fits when every condition holds."""

    policy: Policy
    conditions: tuple[Judged, ...]

    @property
    def fits(self) -> bool:
        return all(one.holds for one in self.conditions)


class Chooser:
    """The active policies of one milestone in the order in which they are asked; of these, each handoff's.

    As many queries however many handoffs: the policies, and what they and the choice of a calendar ask for.
    """

    def __init__(self, milestone: Milestone, handoffs: Sequence[Handoff]) -> None:
        self.milestone = milestone
        rows = Policy.objects.filter(milestone=milestone, is_active=True).select_related("calendar")
        self.policies: list[tuple[Policy, tuple[Condition, ...]]] = [
            (policy, parse_conditions(policy.conditions)) for policy in rows
        ]
        asked = {one.field for _policy, conditions in self.policies for one in conditions}
        self._drawn = facts.fetch_handoffs(handoffs, fields=asked)
        if any(policy.calendar_of != CalendarOf.NAMED for policy, _conditions in self.policies):
            prefetch_related_objects(list(handoffs), "team__calendar", "assignee__team__calendar", "assignee__calendar")

    def choose(self, handoff: Handoff) -> Policy | None:
        """The policy that a clock of this handoff gets: the first that fits.

        Where none fits, a milestone of `IF_PROMISED` is not promised, which is None; for any other it raises
        `Conflict`, since then there would be no clock.
        """
        get = facts.handoff_getter(handoff, drawn=self._drawn)
        for policy, conditions in self.policies:
            if all_match(conditions, get):
                return policy
        if self.milestone in IF_PROMISED:
            return None
        raise Conflict(
            _("No policy promises a time for “%(milestone)s”. Make one without conditions, to come last.")
            % {"milestone": self.milestone.label}
        )

    def judge(self, handoff: Handoff) -> Iterator[Judgement]:
        """Every policy in order, each condition with what the handoff has for it."""
        get = facts.handoff_getter(handoff, drawn=self._drawn)
        for policy, conditions in self.policies:
            yield Judgement(policy, judge(conditions, get))


def calendar_for(policy: Policy, handoff: Handoff) -> Calendar:
    """The working time in which a clock of this handoff runs under a policy.

    That of the assignee is their own calendar, else that of their team; that of the team is of the team the lead was
    offered to, else the assignee's. Where there is none, as before a lead is offered, it is the policy's own.
    """
    person = handoff.assignee
    of_team = handoff.team or (person.team if person else None)
    match policy.calendar_of:
        case CalendarOf.TEAM:
            chosen = of_team.calendar if of_team else None
        case CalendarOf.ASSIGNEE:
            chosen = (person.calendar if person else None) or (of_team.calendar if of_team else None)
        case _:
            chosen = None
    return chosen or policy.calendar
