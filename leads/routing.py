"""Who gets a lead: a named person, the person who has the company, else whoever on duty has most room."""

from __future__ import annotations

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
    """The salesperson a colleague named. Only inactive and off-duty people are refused; capacity may be exceeded.

    Raises `Invalid` with a sentence.
    """
    person = next((one for one in _salespeople() if one.email == email.strip().lower()), None)
    if person is None:
        raise Invalid(_("No active salesperson has the address %(email)s.") % {"email": email}, field="assignee")
    if not person.is_on_duty:
        raise Invalid(_("%(name)s is off duty. Choose somebody else.") % {"name": person}, field="assignee")
    is_full = person.open_count >= person.capacity  # type: ignore[attr-defined]
    return Choice(assignee=person, because=_("Named by a colleague"), is_override=is_full)


def choose(contact: Contact, *, but_not: int | None = None) -> Choice | None:
    """The person whom routing finds for `contact`; None when nobody on duty has room.

    While a company has an open handoff, its next contact goes to the same person. Else the least part of capacity
    taken decides, then who has waited longest for a lead.
    """
    free = [
        person
        for person in _salespeople()
        if person.is_on_duty and person.pk != but_not and person.open_count < person.capacity  # type: ignore[attr-defined]
    ]
    if not free:
        return None
    if contact.company_id:
        holders = set(
            Handoff.objects.open()
            .filter(contact__company=contact.company_id, assignee__isnull=False)
            .exclude(contact=contact)
            .values_list("assignee_id", flat=True)
        )
        for person in free:
            if person.pk in holders:
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
