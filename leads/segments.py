"""Segments and personas: contacts chosen by conditions, under a name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, ProtectedError, Q
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid
from leads import condition_words, facts
from leads.conditions import Condition, parse_conditions
from leads.conditions_sql import contact_q
from leads.models import Contact, Persona, Segment

if TYPE_CHECKING:
    from crm.models import User

PERSONA_FIELDS = facts.FIT_FIELDS - {"persona"}
"""What a persona's own conditions may ask for: personas do not stand on personas."""
LONGEST_NAME = 100


def save_segment(segment: Segment, *, values: Mapping[str, Any], actor: User, at: dt.datetime) -> Segment:
    """Write a new or changed segment; `values` has its name and conditions. Raises `Invalid` naming the field."""
    if "name" in values:
        segment.name = _name(values["name"])
    is_new = segment._state.adding
    if "conditions" in values or is_new:
        segment.conditions = condition_words.checked(values.get("conditions"), known=facts.SEGMENT_FIELDS)
    if not segment.conditions:
        raise Invalid(_("Choose by at least one condition; without any it would be everybody."), field="conditions")
    if is_new:
        segment.created_at, segment.created_by = at, actor
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError:
        raise Invalid(_("There is a segment of this name already."), field="name") from None
    return segment


def delete_segment(segment: Segment) -> None:
    """Forget a segment; its contacts stay as they are. Raises `Conflict` where something chooses by it."""
    try:
        segment.delete()
    except ProtectedError as error:
        names = ", ".join(sorted(str(one) for one in error.protected_objects))
        raise Conflict(_("Outbound chooses by it: %(names)s. The segment stays.") % {"names": names}) from None


def new_persona(*, values: Mapping[str, Any], actor: User, at: dt.datetime) -> Persona:
    """The first version of a persona. Raises `Invalid` naming the field."""
    name = _name(values.get("name"))
    if Persona.objects.filter(name__iexact=name, is_active=True).exists():
        raise Invalid(_("There is a persona of this name already."), field="name")
    return _write(name, values, actor=actor, at=at)


def next_persona(persona: Persona, *, values: Mapping[str, Any], actor: User, at: dt.datetime) -> Persona:
    """The version after a locked active one, which it replaces; the same one where nothing changes.

    The name stays, since rules ask for it. Raises `Invalid`, and `Conflict` for a version that is not in use.
    """
    if not persona.is_active:
        raise Conflict(_("Version %(version)d of %(name)s is not in use any more.") % vars(persona))
    if "name" in values and _name(values["name"]) != persona.name:
        raise Invalid(_("The name of a persona stays, since rules ask for it."), field="name")
    new = {"description": persona.description, "conditions": persona.conditions} | dict(values)
    stored = condition_words.checked(new["conditions"], known=PERSONA_FIELDS)
    if (new["description"], stored) == (persona.description, persona.conditions):
        return persona
    retire(persona)
    return _write(persona.name, new, actor=actor, at=at)


def retire(persona: Persona) -> None:
    """Take a version out of use; it stays as history."""
    persona.is_active = False
    persona.save(update_fields=["is_active"])


def _write(name: str, values: Mapping[str, Any], *, actor: User, at: dt.datetime) -> Persona:
    conditions = condition_words.checked(values.get("conditions"), known=PERSONA_FIELDS)
    if not conditions:
        raise Invalid(_("Give at least one condition; without any it would match nobody."), field="conditions")
    last = Persona.objects.filter(name=name).aggregate(last=Max("version"))["last"] or 0
    return Persona.objects.create(
        name=name,
        version=last + 1,
        description=str(values.get("description") or "").strip(),
        conditions=conditions,
        created_at=at,
        created_by=actor,
    )


def _name(given: Any) -> str:
    name = str(given or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise Invalid(_("Give a name of up to %(most)d characters.") % {"most": LONGEST_NAME}, field="name")
    return name


# Reading --------------------------------------------------------------------------------------------------------------


def chosen_by(row: Segment | Persona, *, pictures: Iterable[facts.Picture] | None = None) -> Q:
    """The contacts that a segment or a persona chooses."""
    own = parse_conditions(row.conditions)
    if isinstance(row, Persona):
        return _q(own, pictures=())
    return _q(own, pictures=None if pictures is None else tuple(pictures))


def _q(conditions: tuple[Condition, ...], *, pictures: tuple[facts.Picture, ...] | None) -> Q:
    return contact_q(conditions, pictures=pictures) if conditions else Q(pk__in=[])


def counts(rows: Iterable[Segment] | Iterable[Persona], *, user: User) -> dict[int, int]:
    """How many of the contacts that `user` may see each of them chooses: two queries however many they are."""
    known = facts.pictures()
    asked = {f"n{row.pk}": Count("pk", filter=chosen_by(row, pictures=known)) for row in rows}
    found = Contact.objects.visible_to(user).order_by().aggregate(**asked) if asked else {}
    return {int(name[1:]): count for name, count in found.items()}
