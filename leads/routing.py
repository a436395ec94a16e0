"""Who gets a lead: a named person, the person who has the company, else whoever on duty has most room."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Count, Max, Q
from django.utils.translation import gettext as _

from crm.errors import Invalid
from crm.models import Role, User
from leads.models import Contact, Handoff
from leads.models.handoffs import OPEN


@dataclass(frozen=True)
class Choice:
    """A person, and why."""

    assignee: User
    because: str
    is_override: bool = False


def _salespeople() -> list[User]:
    """Everybody who sells and is active, with what they hold and when they last got something, by one query."""
    return list(
        User.objects.with_role(Role.SALESPERSON)
        .select_related("team")
        .annotate(
            open_count=Count("handoffs", filter=Q(handoffs__state__in=OPEN), distinct=True),
            last_offered_at=Max("handoffs__offered_at"),
        )
        .order_by("id")
    )


def named(email: str) -> Choice:
    """The salesperson a colleague named. Only who is inactive, off duty or out of office is refused; capacity is not.

    Raises `Invalid` with a sentence.
    """
    person = next((one for one in _salespeople() if one.email == email.strip().lower()), None)
    if person is None:
        raise Invalid(_("No active salesperson has the address %(email)s.") % {"email": email}, field="assignee")
    if not person.is_on_duty:
        raise Invalid(_("%(name)s is off duty. Choose somebody else.") % {"name": person}, field="assignee")
    if not person.is_available:
        raise Invalid(_("%(name)s is out of office. Choose somebody else.") % {"name": person}, field="assignee")
    is_full = person.open_count >= person.capacity  # type: ignore[attr-defined]
    return Choice(assignee=person, because=_("Named by a colleague"), is_override=is_full)


def choose(contact: Contact, *, but_not: Collection[int] = (), people: Sequence[User] | None = None) -> Choice | None:
    """The person whom routing finds for `contact`, none of `but_not`; None when nobody on duty has room.

    While a company has an open handoff, its next contact goes to the same person. Else the least part of capacity
    taken decides, then who has waited longest for a lead. `people`: those of `salespeople`, where they are at hand.
    """
    others = [person for person in people or _salespeople() if person.pk not in but_not]
    return _chosen(contact, people=others, holders=_holders([contact]))


def preview(contacts: Sequence[Contact], *, at: dt.datetime) -> list[Choice | None]:
    """Whom routing would find for each of `contacts`, offered one after the other at `at`. Two queries, no write."""
    people, holders = _salespeople(), _holders(contacts)
    choices: list[Choice | None] = []
    for contact in contacts:
        choice = _chosen(contact, people=people, holders=holders)
        if choice is not None:
            choice.assignee.open_count += 1  # type: ignore[attr-defined]
            choice.assignee.last_offered_at = at  # type: ignore[attr-defined]
            if contact.company_id:
                holders.setdefault(contact.company_id, set()).add(choice.assignee.pk)
        choices.append(choice)
    return choices


def salespeople() -> list[User]:
    """Everybody who sells and is active, with `open_count`, what each holds; by name."""
    return sorted(_salespeople(), key=lambda person: (person.name.casefold(), person.pk))


def _holders(contacts: Sequence[Contact]) -> dict[int, set[int]]:
    """Who talks to the companies of `contacts` about others of theirs, by company."""
    company_ids = {contact.company_id for contact in contacts if contact.company_id}
    if not company_ids:
        return {}
    open_ones = (
        Handoff.objects.open()
        .filter(contact__company__in=company_ids, assignee__isnull=False)
        .exclude(contact__in=[contact.pk for contact in contacts])
    )
    holders: dict[int, set[int]] = {}
    for company_id, assignee_id in open_ones.values_list("contact__company", "assignee_id"):
        holders.setdefault(company_id, set()).add(assignee_id)
    return holders


def _chosen(contact: Contact, *, people: Sequence[User], holders: dict[int, set[int]]) -> Choice | None:
    free = [
        person
        for person in people
        if person.is_available and person.open_count < person.capacity  # type: ignore[attr-defined]
    ]
    if not free:
        return None
    talking = holders.get(contact.company_id or 0, set())
    for person in free:
        if person.pk in talking:
            return Choice(person, _("Talks to the same company already"))

    def room(person: User) -> tuple[float, float, int]:
        last = person.last_offered_at  # type: ignore[attr-defined]
        taken = person.open_count / person.capacity  # type: ignore[attr-defined]
        return taken, last.timestamp() if last else 0.0, person.pk

    person = min(free, key=room)
    return Choice(
        person,
        _("Next in the rotation; %(open)d of %(capacity)d open")
        % {"open": person.open_count, "capacity": person.capacity},  # type: ignore[attr-defined]
    )
