"""Who would get a lead, and why: every step of routing before one contact, by the desk that decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crm.models import User
from crm.queries import card
from crm.queries.which import Asked, asked, supposed
from leads import routing
from leads.models import Contact, Handoff, RoutingRule
from leads.routing import Candidate
from leads.stages import HandoffState


@dataclass(frozen=True)
class Asking:
    """One step: who has the company, a rule, or everybody; what it asked, whom it considered, what came of it."""

    rule: RoutingRule | None
    is_of_company: bool
    asked: tuple[Asked, ...]
    fits: bool
    candidates: tuple[Candidate, ...]
    chosen: User | None
    because: str
    decides: bool
    """Whether this is the step after which no other is asked."""
    is_later: bool
    """Whether an earlier one has decided already."""

    @property
    def waits(self) -> bool:
        """Whether the lead waits for one of this rule's people."""
        return self.decides and self.chosen is None


@dataclass(frozen=True)
class Who:
    """Who would get a contact's lead if it were approved now."""

    contact: Contact
    handoff: Handoff
    is_supposed: bool
    """Whether there is no open handoff, and one that crossed the threshold now is supposed."""
    steps: tuple[Asking, ...]
    chosen: User | None
    because: str
    waits_behind: bool
    """Whether somebody could take it, but leads that wait already go first."""


def who(user: User, *, contact_id: int, now: dt.datetime) -> Who:
    """Every step of routing before the contact's open handoff, or a supposed one, as if it were new.

    Raises `NotFound` when the contact is not to be seen.
    """
    contact = card.contact_seen(user, contact_id)
    found = contact.handoffs.open().select_related("assignee", "team").first()
    handoff = found or supposed(contact, now=now)
    handoff.contact = contact
    desk = routing.Desk([handoff], at=now)
    steps: list[Asking] = []
    is_decided = False
    for step in desk.steps(handoff):
        decides = step.ends and not is_decided
        steps.append(
            Asking(
                rule=step.rule,
                is_of_company=step.is_of_company,
                asked=tuple(asked(one) for one in step.judged),
                fits=step.fits,
                candidates=step.candidates,
                chosen=step.chosen.person if step.chosen else None,
                because=step.because,
                decides=decides,
                is_later=is_decided,
            )
        )
        is_decided = is_decided or decides
    deciding = next((one for one in steps if one.decides), None)
    is_waiting = handoff.state == HandoffState.WAITING
    return Who(
        contact=contact,
        handoff=handoff,
        is_supposed=found is None,
        steps=tuple(steps),
        chosen=deciding.chosen if deciding else None,
        because=deciding.because if deciding else "",
        waits_behind=bool(deciding and deciding.chosen) and not is_waiting and desk.would_overtake([handoff]),
    )
