"""Locks on contacts and their handoffs, taken in the order contact, handoff, timers, and contacts by their ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.utils.translation import gettext as _

from crm.errors import Conflict, NotFound
from leads.models import Contact, Handoff, Merge
from leads.sets import among

if TYPE_CHECKING:
    from crm.models import User


def locked_contacts(contact_ids: Collection[int]) -> list[Contact]:
    """Lock contacts in id order, so that two transactions never wait for each other, and return them.

    Without their keys, here as with handoffs: a sweep that holds timers may still write notices that point at them.
    """
    locked = (
        Contact.objects.filter(id__in=among(contact_ids)).order_by("id").select_for_update(of=("self",), no_key=True)
    )
    return list(locked.select_related("company", "source"))


class MergedMeanwhile(Conflict):
    """A contact went into another between being found and being locked: find it once more, and it is the other."""

    def __init__(self) -> None:
        super().__init__(_("This contact was merged with another just now. Try again."))


TRIES = 3
P = ParamSpec("P")
R = TypeVar("R")


def tried_again(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function that is one transaction started anew when a contact is merged under its hands."""

    @wraps(function)
    def trying(*args: P.args, **kwargs: P.kwargs) -> R:
        for _try in range(TRIES - 1):
            try:
                return function(*args, **kwargs)
            except MergedMeanwhile:
                continue
        return function(*args, **kwargs)

    return trying


def all_locked(contact_ids: Collection[int]) -> dict[int, Contact]:
    """As `locked_contacts`, by id. Raises `MergedMeanwhile` unless all of them are there."""
    locked = {contact.pk: contact for contact in locked_contacts(contact_ids)}
    if len(locked) != len(set(contact_ids)):
        raise MergedMeanwhile
    return locked


@dataclass(slots=True)
class Outline:
    """Of a locked contact no more than who follows up many activities asks for."""

    pk: int
    stage: str
    is_disqualified: bool
    owner_id: int | None
    last_activity_at: dt.datetime | None
    stage_at: dt.datetime


def outlines_locked(contact_ids: Collection[int]) -> dict[int, Outline]:
    """As `all_locked`, in outline: for thousands a fifth of the time."""
    rows = Contact.objects.filter(id__in=among(contact_ids)).order_by("id").select_for_update(no_key=True)
    named = rows.values_list("id", "stage", "is_disqualified", "owner_id", "last_activity_at", "stage_at")
    locked = {row[0]: Outline(*row) for row in named}
    if len(locked) != len(set(contact_ids)):
        raise MergedMeanwhile
    return locked


def kept_ids(contact_ids: Collection[int]) -> dict[int, int]:
    """For those of these ids that were merged into another contact, its id."""
    return dict(Merge.objects.filter(merged_id__in=contact_ids).values_list("merged_id", "contact_id"))


def locked_handoff(*, user: User | None, handoff_id: int) -> Handoff:
    """Lock a handoff that `user` may see (None: the system, which sees all), its contact first.

    Raises `NotFound` alike when there is none and when it is not the user's to see.
    """
    rows = Handoff.objects.all() if user is None else Handoff.objects.visible_to(user)
    for _try in range(TRIES):
        contact_id = rows.filter(id=handoff_id).values_list("contact_id", flat=True).first()
        if contact_id is None:
            raise NotFound(_("There is no such handoff."))
        contacts = locked_contacts([contact_id])
        handoff = (
            Handoff.objects.select_for_update(of=("self",), no_key=True)
            .select_related("assignee", "team")
            .get(id=handoff_id)
        )
        if contacts and handoff.contact_id == contact_id:
            handoff.contact = contacts[0]
            return handoff
    raise MergedMeanwhile


def locked_contact(*, user: User | None, contact_id: int) -> Contact:
    """Lock a contact that `user` may see, or that into which it was merged.

    Raises `NotFound` alike when absent and when forbidden.
    """
    rows = Contact.objects.all() if user is None else Contact.objects.visible_to(user)
    for _try in range(TRIES):
        if not rows.filter(id=contact_id).exists():
            contact_id = kept_ids([contact_id]).get(contact_id, 0)
            if not contact_id or not rows.filter(id=contact_id).exists():
                raise NotFound(_("There is no such contact."))
        if contacts := locked_contacts([contact_id]):
            return contacts[0]
    raise MergedMeanwhile


def open_handoff_of(contact: Contact) -> Handoff | None:
    """The contact's open handoff, locked; None when there is none."""
    handoff = (
        contact.handoffs.open().select_for_update(of=("self",), no_key=True).select_related("assignee", "team").first()
    )
    if handoff is not None:
        handoff.contact = contact
    return handoff
