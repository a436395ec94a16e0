"""What came of a lead that marketing handed over, in the three ways that marketing asks for.

Pure: no database, no Django. `HandoffQuerySet.with_outcome` says the same in SQL; a test holds both equal.
"""

from __future__ import annotations

from enum import StrEnum

from leads.stages import HandoffState, ReasonKind


class Outcome(StrEnum):
    """What became of a handed lead."""

    CUSTOMER = "customer"
    WORKING = "working"
    UNQUALIFIED = "unqualified"


STILL_WORKED = (HandoffState.OFFERED, HandoffState.ACCEPTED)


def outcome(*, state: HandoffState, is_own: bool, is_offered: bool, reason_kind: ReasonKind | None) -> Outcome | None:
    """What came of a handoff; None where marketing handed nothing over.

    That is so before it was offered to sales, for a salesperson's own prospect (`is_own`), and for one that was closed
    because its contact was merged into another, whose own handoff tells. `reason_kind` is the list of the reason with
    which it ended.
    """
    if is_own or not is_offered or reason_kind == ReasonKind.MERGE:
        return None
    if state in STILL_WORKED:
        return Outcome.WORKING
    return Outcome.CUSTOMER if reason_kind == ReasonKind.WON else Outcome.UNQUALIFIED
