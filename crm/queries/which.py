"""Which policy a lead gets, and why: every policy in order before one contact, by the rule that starts clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from crm import formats
from crm.errors import NotFound
from crm.models import User
from crm.queries import card
from leads import condition_words
from leads.conditions import Judged, Several, is_unset
from leads.filters import ContactFilter
from leads.models import Contact, Handoff
from leads.queries import contacts_listed
from scoring import queries as scores
from sla import clock
from sla.choosing import Chooser, calendar_for
from sla.models import Calendar, Milestone, Policy, Timer

MOST_FOUND = 12


@dataclass(frozen=True)
class Asked:
    """One condition, also as a sentence, what the lead has for it, and whether it holds."""

    field: str
    op: str
    value: Any
    said: str
    value_said: str
    holds: bool


@dataclass(frozen=True)
class Candidate:
    """One policy in its place: whether it fits, and whether it is the one that is chosen."""

    policy: Policy
    asked: tuple[Asked, ...]
    fits: bool
    is_chosen: bool


@dataclass(frozen=True)
class Answer:
    """One milestone: the policies in order, the one chosen, and when a clock that started now would fall due."""

    milestone: Milestone
    candidates: tuple[Candidate, ...]
    chosen: Policy | None
    calendar: Calendar | None
    due_at: dt.datetime | None
    running: Timer | None
    """The clock that runs now, with the policy and version that it was started under."""

    @property
    def differs(self) -> bool:
        """Whether the clock that runs is under something else than what would be chosen now."""
        if self.running is None or self.chosen is None:
            return False
        return (self.running.policy_id, self.running.policy_version) != (self.chosen.pk, self.chosen.version)


@dataclass(frozen=True)
class Which:
    """What a contact would be promised now."""

    contact: Contact
    handoff: Handoff
    is_supposed: bool
    """Whether there is no open handoff, and one that crossed the threshold now is supposed."""
    answers: tuple[Answer, ...]


def as_id(text: str) -> int:
    """The id that an address names. Raises `NotFound` for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(_("There is no such contact."))
    return int(text)


def contacts_found(user: User, query: str) -> list[Contact]:
    """The first contacts that `user` may see and that the search finds."""
    found = ContactFilter(QueryDict(mutable=True) | {"q": query}, queryset=contacts_listed(user=user))
    return list(found.qs[:MOST_FOUND]) if found.is_valid() else []


def which(user: User, *, contact_id: int, now: dt.datetime) -> Which:
    """Every policy before the contact's open handoff, or a supposed one. Raises `NotFound` when not to be seen."""
    contact = card.contact_seen(user, contact_id)
    found = contact.handoffs.open().select_related("assignee", "team").first()
    handoff = found or supposed(contact, now=now)
    handoff.contact = contact
    running = {}
    if found is not None:
        rows = Timer.objects.open().visible_to(user).filter(handoff=found).select_related("policy")
        running = {timer.milestone: timer for timer in rows}
    answers = (answer(handoff, milestone, running=running.get(milestone), now=now) for milestone in Milestone)
    return Which(contact, handoff, found is None, tuple(one for one in answers if one.candidates))


def supposed(contact: Contact, *, now: dt.datetime) -> Handoff:
    """The handoff that would be formed if the contact crossed the threshold now."""
    live = scores.live_scores([contact], at=now)[contact.pk]
    return Handoff(contact=contact, cause=Handoff.Cause.THRESHOLD, score=live.value, grade=live.grade, formed_at=now)


def answer(handoff: Handoff, milestone: Milestone, *, running: Timer | None, now: dt.datetime) -> Answer:
    """The policies of one milestone before a handoff; the first that fits is the one `sla.services.start` takes."""
    judged = list(Chooser(milestone, [handoff]).judge(handoff))
    chosen = next((one.policy for one in judged if one.fits), None)
    calendar = calendar_for(chosen, handoff) if chosen else None
    return Answer(
        milestone=milestone,
        candidates=tuple(
            Candidate(one.policy, tuple(asked(each) for each in one.conditions), one.fits, one.policy is chosen)
            for one in judged
        ),
        chosen=chosen,
        calendar=calendar,
        due_at=clock.due_at(calendar.parse(), now, chosen.target_seconds) if chosen and calendar else None,
        running=running,
    )


def asked(judged: Judged) -> Asked:
    """A condition before a lead, in words."""
    one = judged.condition
    said = condition_words.whole_sentence(one)
    return Asked(one.field, one.op, one.value, said, _value(judged.value), judged.holds)


def _value(value: Any) -> str:
    """What a lead has, as a person reads it."""
    if isinstance(value, Several):
        return ", ".join(str(one) for one in value) or _("none")
    if is_unset(value):
        return _("not known")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return formats.number(value, decimals=None) if isinstance(value, int | float) else str(value)
