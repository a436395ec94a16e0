"""What was known of contacts at instants of the past, from the histories of their fields and stages.

Where no history was kept, today's value stands for the past: for fields never changed since they were entered, for
what personas and free mail domains are, and for the companies themselves before their changes were noted. A contact
that worked elsewhere then is judged by that other company as it is today. A verdict on BANT counts from the day it was
given; what it had replaced is not known.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leads import facts
from leads.conditions import Several, all_match, matches
from leads.models import Company, Contact, ContactChange, Source, StageChange
from scoring.services import Rules

_TODAY = object()
Changes = list[tuple[dt.datetime, Any]]


@dataclass(frozen=True)
class Past:
    """One contact with its histories: by field when it changed and what it had been until then, the oldest first."""

    contact: Contact
    changes: Mapping[str, Changes] = field(default_factory=dict)
    stages: Sequence[StageChange] = ()
    companies: Mapping[str, Company] = field(default_factory=dict)
    source_codes: Mapping[str, str] = field(default_factory=dict)

    def instants(self, fields: Collection[str]) -> list[dt.datetime]:
        """When one of these facts changed, in order."""
        names = {"company" if name.startswith("company.") else name for name in fields} | set(fields)
        found = {at for name, changes in self.changes.items() if name in names for at, _old in changes}
        if "stage" in names:
            found |= {row.at for row in self.stages}
        if any(name.startswith("bant.") for name in names):
            found |= {row.at for row in self.contact.qualifications.all()}
        return sorted(found)

    def stage_at(self, at: dt.datetime) -> str:
        """The stage at an instant; "" before the contact was there."""
        return next((row.from_stage for row in self.stages if row.at > at), self.contact.stage)

    def free_from(self, at: dt.datetime, *, stages: Sequence[str]) -> dt.datetime | None:
        """The first instant from `at` on at which the contact stood in one of `stages`, or was not there yet."""
        if self.stage_at(at) in ("", *stages):
            return at
        return next((row.at for row in self.stages if row.at > at and row.to_stage in stages), None)

    def fit(self, rules: Rules, *, at: dt.datetime | None) -> float:
        """Points for who the contact was at `at`; None is before everything that is known."""
        get = self.getter(rules, at=at)
        return sum(check.points for check in rules.fit if matches(check.condition, get(check.field)))

    def getter(self, rules: Rules, *, at: dt.datetime | None) -> Callable[[str], Any]:
        """What fit rules ask of the contact as it was at `at`."""
        today = facts.contact_getter(self.contact, pictures=())

        def get(name: str) -> Any:
            if name == "persona":
                return Several(
                    picture.name
                    for picture in rules.pictures
                    if picture.conditions
                    and all_match(picture.conditions, lambda one: None if one == name else get(one))
                )
            if name.startswith("company."):
                return self._of_company(name, at)
            if name == "stage":
                return self.contact.stage if at is None and not self.stages else self._stage(at)
            old = self._until(name, at)
            if old is _TODAY:
                is_noted = name in self.changes or not name.startswith("bant.")
                return today(name) if is_noted or self._is_given(name, at) else None
            return self.source_codes.get(str(old), old) if name == "source" else old

        return get

    def _stage(self, at: dt.datetime | None) -> str:
        return self.stages[0].to_stage if at is None else self.stage_at(at)

    def _until(self, name: str, at: dt.datetime | None) -> Any:
        """What a field had been at an instant where it has changed since, else `_TODAY`."""
        changes = self.changes.get(name, [])
        place = 0 if at is None else bisect_right(changes, at, key=lambda change: change[0])
        return changes[place][1] if place < len(changes) else _TODAY

    def _of_company(self, name: str, at: dt.datetime | None) -> Any:
        employer = self._until("company", at)
        company = self.contact.company if employer is _TODAY else self.companies.get(str(employer or ""))
        if company is None:
            return None
        old = self._until(name, at) if employer is _TODAY else _TODAY
        bare = name.removeprefix("company.")
        if old is not _TODAY:
            return old
        return getattr(company, bare) if bare in facts.COMPANY_FIELDS else None

    def _is_given(self, name: str, at: dt.datetime | None) -> bool:
        letter = name.removeprefix("bant.").replace("decide_by", "timeline")
        return at is not None and any(
            row.letter == letter and row.at <= at for row in self.contact.qualifications.all()
        )


def pasts_of(contacts: Sequence[Contact]) -> dict[int, Past]:
    """The pasts of contacts that come with company and source, by at most four queries however many they are."""
    ids = [contact.pk for contact in contacts]
    changes: dict[int, dict[str, Changes]] = defaultdict(lambda: defaultdict(list))
    # What happened to contacts that were merged into these later is none of their own past.
    for row in ContactChange.objects.filter(contact_id__in=ids, merge=None).order_by("at", "id"):
        changes[row.contact_id][row.field].append((row.at, row.old))
    stages: dict[int, list[StageChange]] = defaultdict(list)
    for change in StageChange.objects.filter(contact_id__in=ids, merge=None).order_by("at", "id"):
        stages[change.contact_id].append(change)
    employers = {str(old) for fields in changes.values() for _at, old in fields.get("company", ()) if old}
    companies = {company.name: company for company in Company.objects.filter(name__in=employers).order_by("-id")}
    has_sources = any("source" in fields for fields in changes.values())
    codes = {source.name: source.code for source in Source.objects.all()} if has_sources else {}
    return {
        contact.pk: Past(
            contact=contact,
            changes=changes.get(contact.pk, {}),
            stages=stages.get(contact.pk, ()),
            companies=companies,
            source_codes=codes,
        )
        for contact in contacts
    }
