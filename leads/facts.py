"""The facts about a contact, an activity or a handoff that conditions may ask for, by field name.

`leads.conditions_sql` asks the database for the same facts under the same names.

contact            its own fields, bare
company.…          those of its company, unset without one
attributes.NAME    what else is known of it
segment            the names of the segments that the contact is in: several values, or none; for policies alone
handoff.…          `cause`, `grade`, `score`, `team` of the handoff; `campaign` the names of all campaigns that the
                   contact had met when it was formed
activity.…         `type`, `campaign`, `source`, `form`, `path`, `mail` and `webinar` of what the contact did itself:
                   several values, or none; what was done with it and what a machine did is left out. Not for fit and
                   personas: what somebody did gives points by rules of its own
bant.…             the verdict on `budget`, `authority`, `need`, `timeline`; `bant.decide_by` the day of the decision
persona            the names of the active personas whose conditions it meets: several values, or none. A persona's own
                   conditions cannot ask for personas; there it is unset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from leads.conditions import ANY_NAME, Condition, Several, all_match, parse_conditions
from leads.intake import AnyActivity
from leads.models import Activity, Contact, Handoff, Persona, Segment
from leads.models.qualification import Letter

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
    "campaign": lambda handoff: Several(
        touch.campaign.name
        for touch in handoff.contact.touches.all()
        if touch.campaign is not None and touch.at <= handoff.formed_at
    ),
}

BANT_FIELDS = (*Letter.values, "decide_by")
ACTIVITY_PARTS = ("type", "campaign", "source", "form", "path", "mail", "webinar")
DONE = "done_by_itself"
"""Under which name a contact carries what it did, once that was fetched."""

FIT_FIELDS = frozenset(
    {
        *CONTACT_FIELDS,
        *(f"company.{field}" for field in COMPANY_FIELDS),
        *(f"bant.{field}" for field in BANT_FIELDS),
        f"attributes{ANY_NAME}",
        "persona",
    }
)
SEGMENT_FIELDS = FIT_FIELDS | {f"activity.{name}" for name in ACTIVITY_PARTS}
POLICY_FIELDS = SEGMENT_FIELDS | {f"handoff.{field}" for field in HANDOFF_FIELDS} | {"segment"}
ACTIVITY_FACTS = ("source", "direction", "campaign")


@dataclass(frozen=True)
class Picture:
    """An active persona, ready to be compared with contacts."""

    name: str
    conditions: tuple[Condition, ...]

    def matches(self, contact: Contact) -> bool:
        """Whether the contact meets every condition; a persona without conditions matches nobody."""
        return bool(self.conditions) and all_match(self.conditions, contact_getter(contact, pictures=()))


def pictures() -> tuple[Picture, ...]:
    """The active personas, by one query."""
    return tuple(
        Picture(name=row.name, conditions=parse_conditions(row.conditions))
        for row in Persona.objects.filter(is_active=True)
    )


def segments() -> tuple[Picture, ...]:
    """The segments, by one query; their conditions may ask for personas."""
    return tuple(Picture(name=row.name, conditions=parse_conditions(row.conditions)) for row in Segment.objects.all())


@dataclass(frozen=True)
class Drawn:
    """The pictures that handoffs are compared with: the active personas and the segments, where they are asked for."""

    personas: Sequence[Picture] = ()
    segments: Sequence[Picture] = ()


def fetch(contacts: Iterable[Contact], *, fields: Iterable[str]) -> None:
    """Fetch what conditions on `fields` read of these contacts beside their company and source: one query at most."""
    if any(field.startswith("bant.") for field in fields):
        prefetch_related_objects(list(contacts), "qualifications")


def fetch_handoffs(handoffs: Sequence[Handoff], *, fields: Iterable[str]) -> Drawn:
    """Fetch what conditions on `fields` read of these handoffs and their contacts; return what these are compared with.

    As many queries however many handoffs there are; none where nothing is asked for or all is there already.
    """
    asked = set(fields)
    chosen = segments() if "segment" in asked else ()
    asked |= {condition.field for segment in chosen for condition in segment.conditions}
    known = pictures() if "persona" in asked else ()
    asked |= {condition.field for picture in known for condition in picture.conditions}
    lookups = {
        "contact": any(not field.startswith("handoff.") for field in asked),
        "contact__source": "source" in asked,
        "contact__company": any(field.startswith("company.") for field in asked),
        "contact__qualifications": any(field.startswith("bant.") for field in asked),
        "contact__touches__campaign": "handoff.campaign" in asked,
        "team": "handoff.team" in asked,
    }
    wanted: list[Any] = [name for name, is_asked in lookups.items() if is_asked]
    if any(field.startswith("activity.") for field in asked):
        wanted += ["contact", Prefetch("contact__activities", queryset=done(), to_attr=DONE)]
    prefetch_related_objects(list(handoffs), *wanted)
    return Drawn(personas=known, segments=chosen)


def contact_getter(contact: Contact, *, pictures: Sequence[Picture] | None = None) -> Callable[[str], Any]:
    """Read a fact about the contact. Its company and source come with it.

    `pictures` are the active personas, for who reads many contacts; without them they are looked up when asked for.
    """

    def get(field: str) -> Any:
        reader = CONTACT_FIELDS.get(field)
        if reader is not None:
            return reader(contact)
        if field == "persona":
            return _personas(contact, pictures)
        kind, _dot, name = field.partition(".")
        if kind == "company" and name in COMPANY_FIELDS:
            return getattr(contact.company, name) if contact.company else None
        if kind == "attributes":
            return contact.attributes.get(name)
        if kind == "bant" and name in BANT_FIELDS:
            return _bant(contact, name)
        if kind == "activity" and name in ACTIVITY_PARTS:
            return _of_what_it_did(contact, name)
        return None

    return get


def _personas(contact: Contact, known: Sequence[Picture] | None) -> Several:
    known = pictures() if known is None else known
    return Several(picture.name for picture in known if picture.matches(contact))


def _bant(contact: Contact, name: str) -> Any:
    letter = Letter.TIMELINE if name == "decide_by" else name
    for row in contact.qualifications.all():
        if row.letter == letter:
            return row.decide_by_date if name == "decide_by" else row.verdict
    return None


def done() -> QuerySet[Activity]:
    """What contacts did themselves: neither what was done with them nor what a machine did."""
    return Activity.objects.filter(direction="inbound", bot_verdict=None).select_related("campaign")


def _of_what_it_did(contact: Contact, name: str) -> Several:
    rows = getattr(contact, DONE, None)
    values = [activity_part(row, name) for row in (done().filter(contact=contact) if rows is None else rows)]
    return Several({repr(value): value for value in values}.values())  # each once, lists and objects among them


def activity_part(activity: AnyActivity, name: str) -> Any:
    """The fact `activity.NAME` of one activity."""
    return activity.type_id if name == "type" else activity_getter(activity)(name)


def handoff_getter(handoff: Handoff, *, drawn: Drawn | None = None) -> Callable[[str], Any]:
    """Read a field of the handoff (`handoff.…`), of its contact (bare) or of the company.

    `drawn` is what `fetch_handoffs` has found for many; without it personas and segments are looked up when asked for.
    """

    def get(field: str) -> Any:
        if field.startswith("handoff."):
            reader = HANDOFF_FIELDS.get(field.removeprefix("handoff."))
            return reader(handoff) if reader else None
        of_contact = contact_getter(handoff.contact, pictures=drawn.personas if drawn else None)
        if field == "segment":
            known = drawn.segments if drawn else segments()
            return Several(one.name for one in known if all_match(one.conditions, of_contact))
        return of_contact(field)

    return get


def activity_getter(activity: AnyActivity) -> Callable[[str], Any]:
    """Read a property of the activity; where no property has the name: its source, direction or campaign."""

    def get(field: str) -> Any:
        if field in activity.properties:
            return activity.properties[field]
        if field == "campaign":
            return activity.campaign.name if activity.campaign else None
        return getattr(activity, field) if field in ACTIVITY_FACTS else None

    return get
