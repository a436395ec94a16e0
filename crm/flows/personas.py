"""Personas: the shared pictures of buyers. A change is a new version, and the scores that it moves follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

import scoring.services
from crm.errors import Conflict, NotFound
from crm.flows.publishing import require_editor
from leads import segments
from leads.models import Contact, Persona

if TYPE_CHECKING:
    from crm.models import User


@transaction.atomic
def create_persona(*, actor: User, values: Mapping[str, Any], at: dt.datetime) -> Persona:
    """Draw the first version of a persona: `name`, `description`, `conditions`. Marketers and administrators.

    Raises `Forbidden`, `Invalid`.
    """
    require_editor(actor)
    persona = segments.new_persona(values=values, actor=actor, at=at)
    _look_again(segments.chosen_by(persona), at=at)
    return persona


@transaction.atomic
def change_persona(*, actor: User, persona_id: int, values: Mapping[str, Any], at: dt.datetime) -> Persona:
    """Replace the active version of a persona by a new one; return it, or the same where nothing changes.

    Whom the change takes in or leaves out is scored again by the sweep of scores, if rules in force ask for personas.
    Raises `Forbidden`, `NotFound`, `Invalid`, and `Conflict` for a version that is not in use any more.
    """
    require_editor(actor)
    old = _locked(persona_id)
    new = segments.next_persona(old, values=values, actor=actor, at=at)
    if new.conditions != old.conditions:
        before, after = segments.chosen_by(old), segments.chosen_by(new)
        _look_again((before & ~after) | (after & ~before), at=at)
    return new


@transaction.atomic
def retire_persona(*, actor: User, persona_id: int, at: dt.datetime) -> Persona:
    """Take a persona out of use: it matches nobody any more. Raises `Forbidden`, `NotFound`, `Conflict`."""
    require_editor(actor)
    persona = _locked(persona_id)
    if not persona.is_active:
        raise Conflict(_("Version %(version)d of %(name)s is not in use any more.") % vars(persona))
    segments.retire(persona)
    _look_again(segments.chosen_by(persona), at=at)
    return persona


def _locked(persona_id: int) -> Persona:
    persona = Persona.objects.select_for_update(no_key=True).filter(id=persona_id).first()
    if persona is None:
        raise NotFound(_("There is no such persona."))
    return persona


def _look_again(moved: Q, *, at: dt.datetime) -> None:
    """Let the sweep of scores come to these contacts next, where their fit may have moved."""
    rules = scoring.services.published_rules()
    if any(check.field == "persona" for check in rules.fit):
        scoring.services.look_again(Contact.objects.filter(moved).order_by().values("pk"), at=at)
