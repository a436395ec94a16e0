"""The way through, in one table: stages, handoff states, and who may do what from where.

Pure: no database, no Django, no clock. Pages, API, import and sweeps all decide with `check` and read the
outcome from `VERBS`; the database repeats the resulting invariants as constraints.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a contact stands. Every contact is in exactly one."""

    SUBSCRIBER = "subscriber"
    LEAD = "lead"
    MQL = "mql"
    SQL = "sql"
    OPPORTUNITY = "opportunity"
    CUSTOMER = "customer"


class HandoffState(StrEnum):
    """One attempt to pass one contact from marketing to sales."""

    IN_REVIEW = "in_review"
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    REJECTED = "rejected"
    RECYCLED = "recycled"
    CLOSED = "closed"


class Phase(StrEnum):
    """What a stage and an open handoff must agree on: marketing and sales still decide, or sales works."""

    REVIEW = "review"
    WORK = "work"


REVIEW_STATES = (HandoffState.IN_REVIEW, HandoffState.WAITING, HandoffState.OFFERED)
WORK_STATES = (HandoffState.ACCEPTED,)
OPEN_STATES = REVIEW_STATES + WORK_STATES
ENDED_STATES = tuple(state for state in HandoffState if state not in OPEN_STATES)

REVIEW_STAGES = (Stage.MQL,)
WORK_STAGES = (Stage.SQL, Stage.OPPORTUNITY)
PROMOTABLE_STAGES = (Stage.SUBSCRIBER, Stage.LEAD)


class ReasonKind(StrEnum):
    """Which list a counted reason belongs to."""

    RETURN = "return"
    REJECT = "reject"
    RECYCLE = "recycle"
    WON = "won"
    LOST = "lost"
    DISQUALIFY = "disqualify"
    MERGE = "merge"
    REDIRECT = "redirect"


class Actor(StrEnum):
    """In what capacity somebody acts. A person may hold several at once; the system holds only its own."""

    SYSTEM = "system"
    MARKETER = "marketer"
    SALESPERSON = "salesperson"
    MANAGER = "manager"
    ADMIN = "admin"
    ASSIGNEE = "assignee"
    OWNER = "owner"


class VerbName(StrEnum):
    """Every act that moves a handoff or a contact."""

    CROSS = "cross"
    REQUEST = "request"
    OUTBOUND = "outbound"
    PROSPECT = "prospect"
    APPROVE = "approve"
    OFFER = "offer"
    RETURN = "return"
    ACCEPT = "accept"
    REJECT = "reject"
    REASSIGN = "reassign"
    HAND_OVER = "hand_over"
    OVERFLOW = "overflow"
    RECYCLE = "recycle"
    REDIRECT = "redirect"
    OPEN_OPPORTUNITY = "open_opportunity"
    WIN = "win"
    LOSE = "lose"
    DISQUALIFY = "disqualify"
    REQUALIFY = "requalify"
    MERGE = "merge"
    UNDO = "undo"


@dataclass(frozen=True)
class Verb:
    """One row of the table.

    `states`: handoff states it starts from; None stands for a contact without an open handoff.
    `to_states`: handoff states it may end in; empty when the state is kept.
    `stages` / `to_stages`: the same of the contact; empty `to_stages` keeps the stage.
    `reason`: the list from which a counted reason is demanded, None when none is asked.
    """

    by: frozenset[Actor]
    states: frozenset[HandoffState | None]
    stages: frozenset[Stage]
    to_states: frozenset[HandoffState] = frozenset()
    to_stages: frozenset[Stage] = frozenset()
    reason: ReasonKind | None = None


def _verb(
    by: Collection[Actor],
    states: Collection[HandoffState | None],
    stages: Collection[Stage],
    *,
    to_states: Collection[HandoffState] = (),
    to_stages: Collection[Stage] = (),
    reason: ReasonKind | None = None,
) -> Verb:
    return Verb(frozenset(by), frozenset(states), frozenset(stages), frozenset(to_states), frozenset(to_stages), reason)


_A, _H, _S, _V = Actor, HandoffState, Stage, VerbName

VERBS: dict[VerbName, Verb] = {
    # Where the hand-over rule passes it straight to sales it waits for somebody, who is looked for at once.
    _V.CROSS: _verb([_A.SYSTEM], [None], PROMOTABLE_STAGES, to_states=[_H.IN_REVIEW, _H.WAITING], to_stages=[_S.MQL]),
    _V.REQUEST: _verb([_A.SYSTEM], [None], PROMOTABLE_STAGES, to_states=[_H.IN_REVIEW, _H.WAITING], to_stages=[_S.MQL]),
    # A person set up who is taken; each one is taken by Baton.
    _V.OUTBOUND: _verb(
        [_A.SYSTEM], [None], PROMOTABLE_STAGES, to_states=[_H.IN_REVIEW, _H.WAITING], to_stages=[_S.MQL]
    ),
    _V.PROSPECT: _verb([_A.SALESPERSON], [None], PROMOTABLE_STAGES, to_states=[_H.ACCEPTED], to_stages=[_S.SQL]),
    _V.APPROVE: _verb([_A.MARKETER, _A.MANAGER], [_H.IN_REVIEW], [_S.MQL], to_states=[_H.OFFERED, _H.WAITING]),
    _V.OFFER: _verb([_A.SYSTEM, _A.MANAGER], [_H.WAITING], [_S.MQL], to_states=[_H.OFFERED]),
    _V.RETURN: _verb(
        [_A.MARKETER],
        [_H.IN_REVIEW, _H.WAITING],
        [_S.MQL],
        to_states=[_H.RETURNED],
        to_stages=[_S.LEAD],
        reason=ReasonKind.RETURN,
    ),
    _V.ACCEPT: _verb([_A.ASSIGNEE], [_H.OFFERED], [_S.MQL], to_states=[_H.ACCEPTED], to_stages=[_S.SQL]),
    _V.REJECT: _verb([_A.ASSIGNEE], [_H.OFFERED], [_S.MQL], to_states=[_H.REJECTED], reason=ReasonKind.REJECT),
    _V.REASSIGN: _verb([_A.MANAGER, _A.SYSTEM], [_H.OFFERED, _H.ACCEPTED], [_S.MQL, _S.SQL, _S.OPPORTUNITY]),
    # Somebody goes, for good or for a while. What was offered waits where nobody has room.
    _V.HAND_OVER: _verb(
        [_A.MANAGER, _A.ADMIN, _A.ASSIGNEE],
        [_H.OFFERED, _H.ACCEPTED],
        [_S.MQL, _S.SQL, _S.OPPORTUNITY],
        to_states=[_H.WAITING, _H.OFFERED, _H.ACCEPTED],
    ),
    _V.OVERFLOW: _verb([_A.MANAGER, _A.SYSTEM], [_H.OFFERED, _H.WAITING], [_S.MQL], to_states=[_H.OFFERED]),
    _V.RECYCLE: _verb(
        [_A.OWNER, _A.MANAGER],
        [_H.ACCEPTED],
        [_S.SQL],
        to_states=[_H.RECYCLED],
        to_stages=[_S.LEAD],
        reason=ReasonKind.RECYCLE,
    ),
    # Somebody else decides: the handoff of that person, accepted too, follows this one.
    _V.REDIRECT: _verb(
        [_A.OWNER],
        [_H.ACCEPTED],
        [_S.SQL],
        to_states=[_H.CLOSED],
        to_stages=[_S.LEAD],
        reason=ReasonKind.REDIRECT,
    ),
    _V.OPEN_OPPORTUNITY: _verb([_A.OWNER], [_H.ACCEPTED], [_S.SQL], to_stages=[_S.OPPORTUNITY]),
    _V.WIN: _verb(
        [_A.OWNER],
        [_H.ACCEPTED],
        [_S.OPPORTUNITY],
        to_states=[_H.CLOSED],
        to_stages=[_S.CUSTOMER],
        reason=ReasonKind.WON,
    ),
    _V.LOSE: _verb(
        [_A.OWNER],
        [_H.ACCEPTED],
        [_S.OPPORTUNITY],
        to_states=[_H.ACCEPTED, _H.RECYCLED, _H.CLOSED],
        to_stages=[_S.SQL, _S.LEAD],
        reason=ReasonKind.LOST,
    ),
    _V.DISQUALIFY: _verb(
        [_A.MARKETER, _A.OWNER],
        [None, *OPEN_STATES],
        [_S.SUBSCRIBER, _S.LEAD, _S.MQL, _S.SQL],
        to_states=[_H.CLOSED],
        to_stages=[_S.SUBSCRIBER, _S.LEAD],
        reason=ReasonKind.DISQUALIFY,
    ),
    _V.REQUALIFY: _verb([_A.MARKETER, _A.MANAGER], [None], PROMOTABLE_STAGES),
    # Of two contacts that are one person: what becomes of their handoffs and stages says `leads.merges`.
    _V.MERGE: _verb(
        [_A.MARKETER, _A.MANAGER, _A.ADMIN, _A.OWNER],
        [None, *OPEN_STATES],
        list(Stage),
        to_states=[_H.CLOSED],
        to_stages=list(Stage),
    ),
}


class Refusal(StrEnum):
    """Why an act is not possible; interfaces put it into words."""

    WRONG_ROLE = "wrong_role"
    WRONG_STATE = "wrong_state"
    WRONG_STAGE = "wrong_stage"
    NO_REASON = "no_reason"


def check(
    verb: VerbName,
    *,
    actors: Collection[Actor],
    state: HandoffState | None,
    stage: Stage,
    has_reason: bool = False,
) -> Refusal | None:
    """Say why `verb` is impossible, or None when it may go ahead.

    `actors`: every capacity in which the person acts on this very handoff. Role is judged before state, so
    that a stranger learns nothing of the state.
    """
    row = VERBS[verb]
    if not row.by.intersection(actors):
        return Refusal.WRONG_ROLE
    if state not in row.states:
        return Refusal.WRONG_STATE
    if stage not in row.stages:
        return Refusal.WRONG_STAGE
    if row.reason is not None and not has_reason:
        return Refusal.NO_REASON
    return None
