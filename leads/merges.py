"""What becomes of two contacts that are one person: which handoff goes on, where the one contact stands, what it says.

The rules lose nothing: the handoff that is further goes on with its clocks, the other is closed with the reason
"merged". What would end somebody's work without their knowing is refused, with what is to be done first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crm.errors import Conflict
from leads import words
from leads.conditions import is_unset
from leads.models import Contact, Handoff
from leads.services import EDITABLE
from leads.stages import OPEN_STATES, HandoffState, Stage

KEPT, MERGED = "kept", "merged"
_STAGES = list(Stage)


@dataclass(frozen=True)
class Side:
    """One of the two: the contact, its open handoff, and whether an offer of it is open."""

    contact: Contact
    handoff: Handoff | None
    has_offer: bool

    @property
    def stage(self) -> Stage:
        return Stage(self.contact.stage)


@dataclass(frozen=True)
class Union:
    """How the two go on as one: `leading` gives stage and owner, `staying` goes on open, `closing` ends."""

    leading: Side
    staying: Handoff | None
    closing: Handoff | None
    owner_id: int | None


def unite(kept: Side, merged: Side) -> Union:
    """Say how two contacts go on as one. Raises `Conflict` with what is to be done first where that is not safe."""
    _refuse_what_is_not_safe(kept, merged)
    leading = _leading(kept, merged)
    other = merged if leading is kept else kept
    staying = leading.handoff
    return Union(
        leading=leading,
        staying=staying,
        closing=other.handoff,
        owner_id=leading.contact.owner_id or (None if staying else other.contact.owner_id),
    )


def _leading(kept: Side, merged: Side) -> Side:
    """The side that is further: by stage, within MQL by the state of the handoff; of two alike the older handoff."""

    def place(side: Side) -> tuple[int, int, float]:
        if side.handoff is None:
            return _STAGES.index(side.stage), -1, 0.0
        state = OPEN_STATES.index(HandoffState(side.handoff.state))
        return _STAGES.index(side.stage), state, -side.handoff.formed_at.timestamp()

    return max((kept, merged), key=place)


def _refuse_what_is_not_safe(kept: Side, merged: Side) -> None:
    if kept.has_offer and merged.has_offer:
        raise Conflict(_("Both have an open offer. Win or lose one of the two first."))
    for one, other in ((kept, merged), (merged, kept)):
        named = {"one": one.contact, "other": other.contact, "stage": words.STAGES[other.stage]}
        if one.contact.is_disqualified and other.stage not in (Stage.SUBSCRIBER, Stage.LEAD):
            raise Conflict(
                _("%(one)s is disqualified and %(other)s is %(stage)s. Say first which is true: take the mark away.")
                % named
            )
        if one.stage is Stage.CUSTOMER and _is_worked(other):
            raise Conflict(
                _("%(one)s is a customer and %(other)s is being worked on. Win, lose or give back that work first.")
                % named
            )
    if _is_worked(kept) and _is_worked(merged) and kept.contact.owner_id != merged.contact.owner_id:
        raise Conflict(
            _("%(one)s is worked on by %(owner)s and %(other)s by %(colleague)s. Give both to one of them first.")
            % {
                "one": kept.contact,
                "owner": kept.contact.owner,
                "other": merged.contact,
                "colleague": merged.contact.owner,
            }
        )


def _is_worked(side: Side) -> bool:
    return side.handoff is not None and side.handoff.state == HandoffState.ACCEPTED


# Fields ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A field in which the two differ; `chosen` is whose value is taken unless somebody says otherwise."""

    field: str
    kept: Any
    merged: Any

    @property
    def chosen(self) -> str:
        return MERGED if is_unset(self.kept) else KEPT

    @property
    def is_choice(self) -> bool:
        """Whether both say something."""
        return not is_unset(self.kept) and not is_unset(self.merged)


def differences(kept: Contact, merged: Contact) -> list[Difference]:
    """The fields, further attributes included, in which two contacts differ. Company and source come with them."""
    pairs = [(name, getattr(kept, name), getattr(merged, name)) for name in EDITABLE]
    pairs += [
        (f"attributes.{name}", kept.attributes.get(name), merged.attributes.get(name))
        for name in sorted({*kept.attributes, *merged.attributes})
    ]
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2] and not (is_unset(pair[1]) and is_unset(pair[2]))]


def taken(found: list[Difference], choices: Mapping[str, str]) -> dict[str, Any]:
    """The values that the kept contact takes from the other one, by field."""
    return {
        one.field: one.merged
        for one in found
        if choices.get(one.field, one.chosen) == MERGED and not is_unset(one.merged)
    }
