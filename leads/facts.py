"""The facts about a contact, an activity or a handoff that conditions may ask for, by field name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from leads.models import Activity, Contact, Handoff

CONTACT_FIELDS: dict[str, Callable[[Contact], Any]] = {
    "email": lambda contact: contact.email,
    "first_name": lambda contact: contact.first_name,
    "last_name": lambda contact: contact.last_name,
    "job_title": lambda contact: contact.job_title,
    "phone": lambda contact: contact.phone,
    "country": lambda contact: contact.country,
    "city": lambda contact: contact.city,
    "language": lambda contact: contact.language,
    "stage": lambda contact: contact.stage,
    "source": lambda contact: contact.source.code if contact.source else None,
}
COMPANY_FIELDS = (
    "name",
    "domain",
    "tax_number",
    "industry",
    "employees",
    "annual_revenue",
    "country",
    "city",
)
HANDOFF_FIELDS: dict[str, Callable[[Handoff], Any]] = {
    "cause": lambda handoff: handoff.cause,
    "grade": lambda handoff: handoff.grade,
    "score": lambda handoff: handoff.score,
    "team": lambda handoff: handoff.team.name if handoff.team else None,
}

FIT_FIELDS = frozenset({*CONTACT_FIELDS, *(f"company.{field}" for field in COMPANY_FIELDS)})
POLICY_FIELDS = FIT_FIELDS | {f"handoff.{field}" for field in HANDOFF_FIELDS}
ACTIVITY_FACTS = ("source", "direction", "campaign")


def contact_getter(contact: Contact) -> Callable[[str], Any]:
    """Read a field of the contact (bare) or of its company (`company.…`). Company and source come with it."""

    def get(field: str) -> Any:
        if field.startswith("company."):
            return getattr(contact.company, field.removeprefix("company."), None) if contact.company else None
        reader = CONTACT_FIELDS.get(field)
        return reader(contact) if reader else None

    return get


def handoff_getter(handoff: Handoff) -> Callable[[str], Any]:
    """Read a field of the handoff (`handoff.…`), of its contact (bare) or of the company."""
    of_contact = contact_getter(handoff.contact)

    def get(field: str) -> Any:
        if field.startswith("handoff."):
            reader = HANDOFF_FIELDS.get(field.removeprefix("handoff."))
            return reader(handoff) if reader else None
        return of_contact(field)

    return get


def activity_getter(activity: Activity) -> Callable[[str], Any]:
    """Read a property of the activity; where no property has the name: its source, direction or campaign."""

    def get(field: str) -> Any:
        if field in activity.properties:
            return activity.properties[field]
        if field == "campaign":
            return activity.campaign.name if activity.campaign else None
        return getattr(activity, field) if field in ACTIVITY_FACTS else None

    return get
