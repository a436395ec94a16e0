"""Contacts that may be one person, each with the plain reasons for it, and what a merge of two would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from crm.errors import Conflict, NotFound
from crm.models import User
from leads import lifecycle, merges, stages, words
from leads.free_mail import is_free_mail
from leads.merges import Side, Union
from leads.models import Activity, Contact, Handoff, Merge, Opportunity, Touch
from leads.models.contacts import PHONE_TAIL
from leads.stages import Stage, VerbName
from scoring.models import Adjustment

SHOWN = 5
FOUND = 10


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person, and why."""

    contact: Contact
    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        return ", ".join(self.reasons)


def duplicates_of(user: User, contact: Contact) -> tuple[Duplicate, ...]:
    """Who of those whom `user` may see may be the same person, the most reasons first. One query over indexes."""
    asked = _phone_q(contact) | _name_q(contact) | _address_q(contact)
    if not asked:
        return ()
    rows = Contact.objects.visible_to(user).filter(asked).exclude(pk=contact.pk).select_related("company")
    found = [Duplicate(row, reasons) for row in rows.order_by("id")[:FOUND] if (reasons := _reasons(contact, row))]
    return tuple(sorted(found, key=lambda one: -len(one.reasons))[:SHOWN])


def _phone_q(contact: Contact) -> Q:
    tail = contact.phone_tail
    return Q(phone_tail=tail) if len(tail) == PHONE_TAIL else Q()


def _name_q(contact: Contact) -> Q:
    """The name as it is usually written; the index holds it letter by letter."""
    if not (contact.first_name and contact.last_name):
        return Q()
    first, last = (
        sorted({name, name.lower(), name.upper(), name.title()})
        for name in (contact.first_name.strip(), contact.last_name.strip())
    )
    return Q(last_name__in=last, first_name__in=first)


def _address_q(contact: Contact) -> Q:
    if not contact.email or not contact.company_id:
        return Q()
    return Q(company=contact.company_id, email__startswith=_local_part(contact) + "@")


def _local_part(contact: Contact) -> str:
    return (contact.email or "").partition("@")[0]


def _reasons(one: Contact, other: Contact) -> tuple[str, ...]:
    """Why the two may be one person; of the same name alone there may be many."""
    is_same_company = one.company_id is not None and one.company_id == other.company_id
    reasons = []
    if one.email and other.email and is_same_company and _local_part(one) == _local_part(other):
        reasons.append(_("same address before the @ and same company"))
    if len(one.phone_tail) == PHONE_TAIL and one.phone_tail == other.phone_tail:
        reasons.append(_("same phone number"))
    if one.first_name and one.last_name and _name(one) == _name(other):
        if is_same_company:
            reasons.append(_("same name and company"))
        elif _is_private(one) or _is_private(other):
            reasons.append(_("same name, one with a private address or none"))
        elif one.company_id is None or other.company_id is None:
            reasons.append(_("same name, one without a company"))
    return tuple(reasons)


def _name(contact: Contact) -> tuple[str, str]:
    return contact.first_name.strip().casefold(), contact.last_name.strip().casefold()


def _is_private(contact: Contact) -> bool:
    return not contact.email or is_free_mail(address=contact.email)


# A merge, before it is done -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """What one of the two says in a field; `code` is how a choice names it."""

    code: str
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class Choice:
    """A field in which the two differ; `is_choice` where both say something."""

    field: str
    label: str
    values: tuple[Value, Value]
    is_choice: bool


@dataclass(frozen=True)
class Column:
    """One of the two, and what becomes of it."""

    contact: Contact
    role: str


@dataclass(frozen=True)
class Preview:
    """What merging `merged` into `kept` would do."""

    kept: Contact
    merged: Contact
    reasons: tuple[str, ...]
    choices: tuple[Choice, ...]
    moved: tuple[str, ...]
    """What goes along, in words: "12 activities"."""
    consequences: tuple[str, ...]
    refusal: str
    """Why it is not possible now and what to do first; empty when it is."""
    is_allowed: bool
    """Whether the reader may do it at all."""

    @property
    def sides(self) -> tuple[Column, Column]:
        return Column(self.kept, _("stays")), Column(self.merged, _("goes into the other"))

    @property
    def can_merge(self) -> bool:
        return self.is_allowed and not self.refusal


def contact_for_merging(user: User, contact_id: int) -> Contact:
    """A contact with what the comparison shows. Raises `NotFound` alike when absent and when forbidden."""
    rows = Contact.objects.visible_to(user).select_related("company", "source", "owner")
    found = rows.filter(id=contact_id).first()
    if found is None:
        raise NotFound(_("There is no such contact."))
    return found


def may_merge(user: User, contact: Contact) -> bool:
    """Whether the reader may merge this contact with one of which the same holds."""
    held = lifecycle.capacities(user, contact=contact, handoff=None)
    return bool(stages.VERBS[VerbName.MERGE].by & held)


def preview_of(user: User, kept: Contact, merged: Contact, *, choices: dict[str, str]) -> Preview:
    """What a merge would do, in a constant number of queries; `choices` are those made so far, by field."""
    sides = _sides(kept, merged)
    try:
        union, refusal = merges.unite(*sides), ""
    except Conflict as conflict:
        union, refusal = None, str(conflict)
    return Preview(
        kept=kept,
        merged=merged,
        reasons=_reasons(kept, merged),
        choices=tuple(_choice(one, choices) for one in merges.differences(kept, merged)),
        moved=_moved(merged),
        consequences=_consequences(union, kept, merged) if union else (),
        refusal=refusal,
        is_allowed=may_merge(user, kept) and may_merge(user, merged),
    )


def _sides(*both: Contact) -> list[Side]:
    handoffs = {
        row.contact_id: row for row in Handoff.objects.open().filter(contact__in=both).select_related("assignee")
    }
    offers = Opportunity.objects.filter(contact__in=both, state=Opportunity.State.OPEN)
    offered = set(offers.values_list("contact_id", flat=True))
    return [Side(one, handoffs.get(one.pk), one.pk in offered) for one in both]


def _choice(one: merges.Difference, choices: dict[str, str]) -> Choice:
    chosen = choices.get(one.field, one.chosen)
    return Choice(
        field=one.field,
        label=_label(one.field),
        values=(
            Value(merges.KEPT, _shown(one.kept), chosen == merges.KEPT),
            Value(merges.MERGED, _shown(one.merged), chosen == merges.MERGED),
        ),
        is_choice=one.is_choice,
    )


def _label(field: str) -> str:
    if field.startswith("attributes."):
        return field.removeprefix("attributes.")
    label = str(Contact._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
    return label[:1].upper() + label[1:]


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _moved(merged: Contact) -> tuple[str, ...]:
    counted = (
        (Activity, ngettext_lazy("%(n)d activity", "%(n)d activities", "n")),
        (Touch, ngettext_lazy("%(n)d touch", "%(n)d touches", "n")),
        (Handoff, ngettext_lazy("%(n)d handoff", "%(n)d handoffs", "n")),
        (Opportunity, ngettext_lazy("%(n)d opportunity", "%(n)d opportunities", "n")),
        (Adjustment, ngettext_lazy("%(n)d adjustment by hand", "%(n)d adjustments by hand", "n")),
    )
    counts = [(model._default_manager.filter(contact=merged).count(), said) for model, said in counted]
    return tuple(str(said % {"n": n}) for n, said in counts if n)


def _consequences(union: Union, kept: Contact, merged: Contact) -> tuple[str, ...]:
    """What becomes of stage, handoffs and addresses, in sentences."""
    stage = words.STAGES[Stage(union.leading.contact.stage)]
    said = [_("The stage is %(stage)s.") % {"stage": stage}]
    if union.staying and union.closing:
        said.append(
            _("The handoff that is %(state)s goes on; the other one, %(other)s, is closed as merged.")
            % {"state": _state(union.staying), "other": _state(union.closing)}
        )
    elif union.closing:
        said.append(_("The handoff that is %(state)s is closed as merged.") % {"state": _state(union.closing)})
    elif union.staying:
        said.append(_("The handoff that is %(state)s goes on with its clocks.") % {"state": _state(union.staying)})
    if union.closing and union.closing.assignee:
        said.append(_("%(name)s is told.") % {"name": union.closing.assignee})
    if kept.email and merged.email:
        said.append(_("Mail and forms of either address reach the one contact."))
    if kept.is_disqualified or merged.is_disqualified:
        said.append(_("It stays disqualified."))
    return tuple(said)


def _state(handoff: Handoff) -> str:
    word = str(words.HANDOFF_STATES[handoff.state_enum]).lower()
    return _("%(state)s to %(name)s") % {"state": word, "name": handoff.assignee} if handoff.assignee else word


# Before and elsewhere -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """As what else a contact is known: further addresses, contacts that went into it, and possible duplicates."""

    contact: Contact
    addresses: tuple[str, ...]
    merges: tuple[Merge, ...]
    duplicates: tuple[Duplicate, ...]


def identity_of(user: User, contact_id: int) -> Identity:
    """As what else a contact is known, in four queries. Raises `NotFound`."""
    contact = contact_for_merging(user, contact_id)
    return Identity(
        contact=contact,
        addresses=tuple(contact.addresses.values_list("email", flat=True)),
        merges=tuple(contact.merges.select_related("actor")),
        duplicates=duplicates_of(user, contact),
    )
