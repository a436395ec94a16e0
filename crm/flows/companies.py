"""Companies entered and edited; what a company is counts in the fit of everybody who works there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm.errors import NotFound
from crm.flows import scores
from leads import locks, services
from leads.models import Company, Contact

if TYPE_CHECKING:
    from crm.models import User


@transaction.atomic
def create_company(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Company:
    """A person enters a company. `values` are columns named in `services.COMPANY_EDITABLE`. Raises `Invalid`."""
    return services.create_company(values=values, at=at)


@transaction.atomic
def edit_company(*, actor: User, company_id: int, values: dict[str, Any], at: dt.datetime) -> Company:
    """Change fields of a company; each change is kept with its contacts, and their scores follow.

    Raises `NotFound`, `Invalid`.
    """
    if not Company.objects.visible_to(actor).filter(id=company_id).exists():
        raise NotFound(_("There is no such company."))
    contact_ids = Contact.objects.filter(company_id=company_id).values_list("id", flat=True)
    contacts = locks.locked_contacts(list(contact_ids))
    company = Company.objects.select_for_update(of=("self",)).get(id=company_id)
    for contact in contacts:
        contact.company = company
    if services.edit_company(company, contacts=contacts, values=values, actor=actor, at=at) and contacts:
        scores.rescore(contacts, at=at)
    return company
