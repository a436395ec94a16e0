"""The counted reasons: added, renamed, put in order, retired; deleted only while nobody gave them.

A reason is renamed where its words can be said better: every answer that was given with it then reads so. Another
meaning is another reason. Free text stands beside a reason, never instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.errors import Conflict, Invalid, NotFound
from leads import order, words
from leads.models import Reason
from leads.stages import ReasonKind

KINDS = tuple(kind for kind in ReasonKind if kind is not ReasonKind.MERGE)
"""Those that people choose from; merging gives its own."""
LONGEST_LABEL, LONGEST_DESCRIPTION = 120, 300
MOST_OF_A_KIND = 40


def locked(reason_id: int) -> Reason:
    """A reason that people may change, with all others of its kind locked, so that one of them stays in use.

    Raises `NotFound`.
    """
    kind = Reason.objects.filter(id=reason_id, kind__in=KINDS).values_list("kind", flat=True).first()
    found = {row.pk: row for row in _of_kind(kind)} if kind else {}
    if reason_id not in found:
        raise NotFound(_("There is no such reason."))
    return found[reason_id]


def _of_kind(kind: str) -> list[Reason]:
    return list(Reason.objects.select_for_update(no_key=True).filter(kind=kind).order_by("position", "id"))


def add(*, kind: str, values: Mapping[str, Any]) -> Reason:
    """A new reason at the end of its list. `values`: `label`, `description`. Raises `Invalid` naming the field."""
    if kind not in KINDS:
        raise Invalid(_("Say what it is a reason for."), field="kind")
    others = _of_kind(kind)
    if len(others) >= MOST_OF_A_KIND:
        raise Invalid(_("A list of reasons holds %(most)d at most.") % {"most": MOST_OF_A_KIND}, field="label")
    reason = Reason(kind=kind, position=max((row.position for row in others), default=-1) + 1)
    _write(reason, values, others=others)
    reason.code = _code_for(reason.label, taken={row.code for row in others})
    reason.save()
    return reason


def edit(reason: Reason, *, values: Mapping[str, Any]) -> None:
    """Say a locked reason in other words; answers given with it read so from now on. Its code stays.

    Raises `Invalid` naming the field.
    """
    _write(reason, values, others=[row for row in _of_kind(reason.kind) if row.pk != reason.pk])
    reason.save(update_fields=["label", "description"])


def _write(reason: Reason, values: Mapping[str, Any], *, others: list[Reason]) -> None:
    if "label" in values or reason._state.adding:
        reason.label = str(values.get("label") or "").strip()
    if "description" in values:
        reason.description = str(values["description"] or "").strip()
    if not reason.label or len(reason.label) > LONGEST_LABEL:
        raise Invalid(_("Say the reason in up to %(most)d characters.") % {"most": LONGEST_LABEL}, field="label")
    if len(reason.description) > LONGEST_DESCRIPTION:
        text = _("Say when it applies in up to %(most)d characters.") % {"most": LONGEST_DESCRIPTION}
        raise Invalid(text, field="description")
    for other in others:
        if other.label.casefold() == reason.label.casefold():
            again = _("This reason is here, but retired: bring it back instead.")
            raise Invalid(again if other.is_retired else _("This reason is here already."), field="label")


def _code_for(label: str, *, taken: set[str]) -> str:
    """A code for programs out of the words; numbered where it is taken or the words have no plain letters."""
    longest = 36
    base = slugify(label).replace("-", "_")[:longest].strip("_") or "reason"
    return base if base not in taken else next(f"{base}_{n}" for n in range(2, 99) if f"{base}_{n}" not in taken)


def shift(reason: Reason, *, by: int) -> bool:
    """Move a locked reason up (-1) or down (1) among those of its kind in use; whether it moved."""
    in_use = [row for row in _of_kind(reason.kind) if not row.is_retired]
    return order.shift(in_use, pk=reason.pk, by=by)


def retire(reason: Reason) -> None:
    """Offer a locked reason no more; answers given with it keep it. Raises `Conflict` for the last of its kind."""
    _require_another(reason)
    reason.is_retired = True
    reason.save(update_fields=["is_retired"])


def bring_back(reason: Reason) -> None:
    """Offer a locked reason again, at the end of its list."""
    if reason.is_retired:
        reason.is_retired = False
        reason.position = max(row.position for row in _of_kind(reason.kind)) + 1
        reason.save(update_fields=["is_retired", "position"])


def delete(reason: Reason) -> None:
    """Remove a locked reason that was never given. Raises `Conflict`."""
    _require_another(reason)
    try:
        with transaction.atomic():
            reason.delete()
    except (ProtectedError, IntegrityError):
        raise Conflict(_("Somebody gave this reason, so it stays for what was answered. Retire it instead.")) from None


def _require_another(reason: Reason) -> None:
    if not reason.is_retired and not any(not row.is_retired for row in _of_kind(reason.kind) if row.pk != reason.pk):
        kind = words.REASON_KINDS[ReasonKind(reason.kind)]
        raise Conflict(_("It is the last reason in use for “%(kind)s”. Add another one first.") % {"kind": kind})
