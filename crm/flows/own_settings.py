"""What a person chooses for themselves: language and zone, what reaches them how, and when nothing is to ring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm import rhythms
from crm.errors import Invalid
from crm.flows import reports, ways_out
from crm.models import Departure, OptOut, User
from crm.models.notices import ALWAYS_IN_BELL, Channel
from leads import routing

FIELDS = (
    "language",
    "time_zone",
    "quiet_from",
    "quiet_until",
    "away_from",
    "away_until",
    "deputy",
    "report_rhythm",
    "report_hour",
)


@transaction.atomic
def save_own_settings(
    *, actor: User, values: dict[str, Any], unwanted: Collection[tuple[str, str]], at: dt.datetime
) -> User:
    """Change one's own settings. `values` are columns named in `FIELDS`; `unwanted` are (kind, channel).

    The first and the last day out of office come as days, `away_from` and `away_until`, both included, of the person's
    own time zone; without them the absence stays as it is. Raises `Invalid`, and `HandOverFirst` where a person would
    be away longer than is known and holds something: `flows.departures.depart` writes the days along with the choice.
    """
    if values.get("away_from"):
        # Nobody is given a lead while they are going.
        routing.hold()
    person = User.objects.select_for_update().get(id=actor.pk)
    first, last = values.get("away_from"), values.get("away_until")
    _require_both("quiet", values.get("quiet_from"), values.get("quiet_until"))
    _require_both("away", first, last)
    if values.get("quiet_from") and values["quiet_from"] == values["quiet_until"]:
        raise Invalid(_("Quiet hours end at another time than they begin."), field="quiet_until")
    is_going = first is not None and last is not None and ways_out.is_away_longer(person, first=first, last=last, at=at)
    if not person.sees_sla:
        values = values | {"report_rhythm": rhythms.OFF}
    for name in FIELDS:
        if name in values:
            setattr(person, name, values[name])
    try:
        person.clean_fields(exclude=[name for name in values if name.startswith("away")] + ["password", "created_at"])
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Invalid(" ".join(messages), field=name) from error
    if first and last:
        person.away_from, person.away_until = ways_out.absence_of(person, first=first, last=last, at=at)
        if is_going:
            ways_out.require_nothing_held(person, kind=Departure.Kind.AWAY)
    if person.deputy and not person.possible_deputies().filter(id=person.deputy.pk).exists():
        raise Invalid(_("Choose a colleague who sees every contact."), field="deputy")
    person.next_report_at = reports.next_report_at(person, after=at)
    person.save(update_fields=[*FIELDS, "next_report_at"])
    _set_unwanted(person, unwanted)
    return person


def _require_both(name: str, begin: object, end: object) -> None:
    if (begin is None) != (end is None):
        field = f"{name}_from" if begin is None else f"{name}_until"
        raise Invalid(_("Give both the beginning and the end, or neither."), field=field)


def _set_unwanted(person: User, unwanted: Collection[tuple[str, str]]) -> None:
    """Keep what the person does not want. Raises `Invalid` for what nobody can choose not to see."""
    if any(channel == Channel.BELL and kind in ALWAYS_IN_BELL for kind, channel in unwanted):
        raise Invalid(_("What was missed always stands in Baton."))
    OptOut.objects.filter(user=person).delete()
    OptOut.objects.bulk_create(OptOut(user=person, kind=kind, channel=channel) for kind, channel in sorted(unwanted))
