"""Contacts with their live scores, as lists show them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from crm.faces import ScoreFace
from crm.queries.queue import score_face
from leads.models import Contact
from scoring import queries as scores


@dataclass(frozen=True)
class ContactRow:
    """One contact of a list."""

    contact: Contact
    score: ScoreFace


def contact_rows(contacts: Sequence[Contact], *, now: dt.datetime) -> list[ContactRow]:
    """The rows of a page, scores true at `now`, in a constant number of queries. Company and source come with them."""
    live = scores.live_scores(contacts, at=now)
    return [ContactRow(contact=contact, score=score_face(live[contact.pk])) for contact in contacts]
