"""Writing contacts, companies, campaigns and their touches: everything about them but stage and hand-over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.text import slugify
from django.utils.translation import gettext as _

from crm.errors import Invalid
from leads import lifecycle
from leads.models import Campaign, Company, Contact, ContactAddress, ContactChange, Source, StageChange, Touch
from leads.names import company_key, company_name
from leads.sets import among

if TYPE_CHECKING:
    from crm.models import User

EDITABLE = (
    "email",
    "first_name",
    "last_name",
    "job_title",
    "phone",
    "country",
    "city",
    "language",
    "time_zone",
    "company",
    "source",
)
COMPANY_EDITABLE = (
    "name",
    "domain",
    "tax_number",
    "industry",
    "employees",
    "annual_revenue",
    "country",
    "city",
)
COPIED = ("first_name", "last_name", "job_title", "phone", "country", "city", "language", "time_zone")


@dataclass(frozen=True)
class NewContact:
    """A contact to be created when its address is not known yet. `fields` are columns named in `COPIED`."""

    email: str
    fields: dict[str, str] = field(default_factory=dict)
    company: str = ""
    source: str = ""
    attributes: dict[str, str | int | float] = field(default_factory=dict)


def normal_email(email: str) -> str:
    """An address as it is stored and compared."""
    return email.strip().lower()


def clean_email(email: str) -> str:
    """As `normal_email`. Raises `Invalid` unless it is an address."""
    email = normal_email(email)
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(_("“%(email)s” is not an e-mail address.") % {"email": email}, field="email") from None
    return email


def find_by_email(contacts: Any, emails: Collection[str]) -> dict[str, int]:
    """The ids of those among `contacts` (a queryset) who are known by one of these addresses. Two queries.

    The main addresses are asked for first: a merge makes a further address out of a main one, so that whoever reads
    in this order finds it in the one place or in the other.
    """
    wanted = {normal_email(email) for email in emails}
    if not wanted:
        return {}
    found = dict(contacts.filter(email__in=among(wanted)).order_by().values_list("email", "id"))
    if missing := wanted.difference(found):
        further = ContactAddress.objects.filter(email__in=among(missing), contact__in=contacts).order_by()
        found |= further.values_list("email", "contact_id")
    return found


def is_taken(email: str, *, but_by: Contact | None = None) -> bool:
    """Whether somebody (other than `but_by`) is known by a clean address, be it the main one or a further one."""
    others = Contact.objects.all() if but_by is None else Contact.objects.exclude(pk=but_by.pk)
    return bool(find_by_email(others, [email]))


def create_missing(new: Sequence[NewContact], *, at: dt.datetime, actor: User | None) -> dict[str, int]:
    """Create subscribers for addresses, skipping those that exist, and return the ids of all. Set-wise.

    Two writers who bring the same new address both get the one contact: the unique address decides. They write in the
    order of the addresses, so that neither waits for the other.
    """
    wanted: dict[str, NewContact] = {}
    for one in new:
        wanted.setdefault(normal_email(one.email), one)
    if not wanted:
        return {}
    sources = sources_by_code({one.source for one in wanted.values() if one.source})
    companies = companies_by_name({one.company for one in wanted.values() if one.company}, at=at)
    before = find_by_email(Contact.objects.all(), wanted)
    Contact.objects.bulk_create(
        [
            Contact(
                email=email,
                company=companies.get(company_key(one.company)),
                source=sources.get(one.source),
                attributes=one.attributes,
                stage="subscriber",
                stage_at=at,
                created_at=at,
                **{name: value for name, value in one.fields.items() if name in COPIED},
            )
            for email, one in sorted(wanted.items(), key=itemgetter(0))
            if email not in before
        ],
        ignore_conflicts=True,
    )
    # One that another writer created a moment ago has its first history row from there.
    fresh = list(Contact.objects.filter(email__in=[email for email in wanted if email not in before]))
    begun = set(StageChange.objects.filter(contact__in=fresh).values_list("contact_id", flat=True))
    lifecycle.begin([one for one in fresh if one.pk not in begun], at=at, actor=actor)
    return before | {one.email: one.pk for one in fresh if one.email}


def sources_by_code(names: Collection[str]) -> dict[str, Source]:
    """Sources by the names given, each found by its code and made when missing."""
    codes = {name: (slugify(name).replace("-", "_") or "other")[:60] for name in names}
    Source.objects.bulk_create(
        [
            Source(code=code, name=name.replace("_", " ").capitalize()[:100])
            for code, name in sorted({code: name for name, code in codes.items()}.items())
        ],
        ignore_conflicts=True,
    )
    rows = {row.code: row for row in Source.objects.filter(code__in=set(codes.values()))}
    return {name: rows[code] for name, code in codes.items()}


def companies_by_name(names: Collection[str], *, at: dt.datetime) -> dict[str, Company]:
    """Companies by the key of their name, made when missing, in the order of the keys. Set-wise.

    Two writers who bring the same new company both get the one: the unique key decides.
    """
    # Of several ways to write a new one, that with both capitals and small letters is the likely one.
    likely_last = sorted(names, key=lambda name: (not name.isupper() and not name.islower(), name))
    wanted = {company_key(name): company_name(name) for name in likely_last if name.strip()}
    if not wanted:
        return {}
    known = {company.name_key: company for company in Company.objects.filter(name_key__in=wanted)}
    missing = [Company(name=name, created_at=at) for key, name in sorted(wanted.items()) if key not in known]
    if missing:
        Company.objects.bulk_create(missing, ignore_conflicts=True)
        known = {company.name_key: company for company in Company.objects.filter(name_key__in=wanted)}
    return known


def _require_new_name(name: str, *, but_of: Company | None = None) -> None:
    """Raise `Invalid` for an empty name, and for one that another company has, however it is written."""
    if not name.strip():
        raise Invalid(_("Give the company a name."), field="name")
    others = Company.objects.exclude(pk=but_of.pk) if but_of else Company.objects.all()
    if others.filter(name_key=company_key(name)).exists():
        raise Invalid(_("There is a company of this name already."), field="name")


def campaigns_by_name(names: Collection[str], *, at: dt.datetime) -> dict[str, Campaign]:
    """Campaigns by name, made when missing, without a cost until somebody gives one."""
    wanted = {name: name.strip()[:150] for name in names if name.strip()}
    if not wanted:
        return {}
    Campaign.objects.bulk_create(
        [Campaign(name=name, created_at=at) for name in sorted(set(wanted.values()))], ignore_conflicts=True
    )
    rows = {row.name: row for row in Campaign.objects.filter(name__in=wanted.values()).select_related("source")}
    return {given: rows[name] for given, name in wanted.items()}


def save_campaign(campaign: Campaign, *, values: dict[str, Any], at: dt.datetime) -> Campaign:
    """Write a new or changed campaign; `values` are its columns, `source` the code of a channel. Raises `Invalid`."""
    for name in ("name", "cost", "currency", "start_date", "end_date"):
        if name in values:
            setattr(campaign, name, values[name])
    campaign.currency = campaign.currency.upper()
    if "source" in values:
        code = (values["source"] or "").strip()
        campaign.source = sources_by_code({code})[code] if code else None
    if campaign.start_date and campaign.end_date and campaign.end_date < campaign.start_date:
        raise Invalid(_("A campaign ends on the day it starts or later."), field="end_date")
    if Campaign.objects.filter(name=campaign.name).exclude(pk=campaign.pk).exists():
        raise Invalid(_("There is a campaign of this name already."), field="name")
    campaign.created_at = campaign.created_at or at
    campaign.save()
    return campaign


def create(*, values: dict[str, Any], owner: User | None, at: dt.datetime, actor: User | None) -> Contact:
    """Create one contact as a subscriber. Raises `Invalid` for a bad or taken address or when nothing names it."""
    values = {name: value for name, value in values.items() if name in EDITABLE}
    values["email"] = clean_email(values["email"]) if values.get("email") else None
    if not any(values.get(name) for name in ("email", "phone", "last_name", "first_name")):
        raise Invalid(_("Give a name, an e-mail address or a phone number."), field="email")
    if values["email"] and is_taken(values["email"]):
        raise Invalid(_("There is a contact with this address already."), field="email")
    contact = Contact.objects.create(owner=owner, stage="subscriber", stage_at=at, created_at=at, **values)
    lifecycle.begin([contact], at=at, actor=actor)
    return contact


def edit(contact: Contact, *, values: dict[str, Any], actor: User | None, at: dt.datetime) -> list[ContactChange]:
    """Change fields of a locked contact and write what changed into its history. Raises `Invalid`."""
    if "email" in values:
        values = values | {"email": clean_email(values["email"]) if values["email"] else None}
        if values["email"] and is_taken(values["email"], but_by=contact):
            raise Invalid(_("There is a contact with this address already."), field="email")
        exchange_address(contact, main=values["email"], at=at)
    changes = []
    for name, new in values.items():
        if name not in EDITABLE or getattr(contact, name) == new:
            continue
        old = getattr(contact, name)
        changes.append(
            ContactChange(contact=contact, field=name, old=_readable(old), new=_readable(new), at=at, actor=actor)
        )
        setattr(contact, name, new)
    if changes:
        contact.save(update_fields=[change.field for change in changes])
        ContactChange.objects.bulk_create(changes)
    return changes


def exchange_address(contact: Contact, *, main: str | None, at: dt.datetime) -> None:
    """Before one of its further addresses becomes the main one of a locked contact: what was the main one takes its
    place, so that both stay known."""
    if main and contact.email and contact.email != main and contact.addresses.filter(email=main).delete()[0]:
        ContactAddress.objects.create(contact=contact, email=contact.email, at=at)


def create_company(*, values: dict[str, Any], at: dt.datetime) -> Company:
    """Create a company. Raises `Invalid` without a name and for one that is known."""
    values = {name: value for name, value in values.items() if name in COMPANY_EDITABLE}
    _require_new_name(str(values.get("name", "")))
    return Company.objects.create(created_at=at, **values)


def edit_company(
    company: Company, *, contacts: Sequence[Contact], values: dict[str, Any], actor: User | None, at: dt.datetime
) -> list[str]:
    """Change fields of a locked company, note it in the history of its `contacts`, return what changed."""
    changed = [name for name in COMPANY_EDITABLE if name in values and getattr(company, name) != values[name]]
    if "name" in changed:
        _require_new_name(str(values["name"]), but_of=company)
    ContactChange.objects.bulk_create(
        ContactChange(
            contact=contact,
            field=f"company.{name}",
            old=_readable(getattr(company, name)),
            new=_readable(values[name]),
            at=at,
            actor=actor,
        )
        for contact in contacts
        for name in changed
    )
    for name in changed:
        setattr(company, name, values[name])
    company.save(update_fields=[*changed, "name_key"])
    return changed


def touch(rows: Sequence[tuple[int, Campaign | None, Source | None, dt.datetime]]) -> None:
    """Record meetings of contacts with campaigns or channels; those recorded before change nothing."""
    Touch.objects.bulk_create(
        [
            Touch(contact_id=contact_id, campaign=campaign, source=source, at=at)
            for contact_id, campaign, source, at in rows
        ],
        ignore_conflicts=True,
    )


def _readable(value: Any) -> Any:
    """A value as the history shows it."""
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
