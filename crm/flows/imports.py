"""Taking in files of contacts: a job that is a row, goes on where it was stopped, and may be run twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any

from django.core.files.base import ContentFile
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import scores
from leads import csv_rows, locks, services
from leads.conditions import is_unset
from leads.csv_rows import FileProblem, Row, Sheet
from leads.models import Company, Contact, ContactChange, Import, ImportedContact, Source
from leads.models.imports import ImportState
from leads.names import company_key

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
BATCH = 500
LARGEST_BYTES = 30 * 1024 * 1024
# A job whose runner has not written for so long has lost it. A batch takes a second or two.
LEASE = dt.timedelta(minutes=2)
# What a file may fill in of a contact that exists.
FILLED = services.COPIED


def start_import(
    *,
    actor: User | None,
    file: IO[bytes],
    file_name: str,
    campaign: str = "",
    is_history: bool = True,
    at: dt.datetime,
) -> Import:
    """Keep a file of contacts and queue its import; `run_import` does it. `actor` None is the command line.

    `campaign`: the name of the effort that these contacts met, made when missing. `is_history`: what the file tells
    starts no clock and tells nobody. Raises `Forbidden`, and `Invalid` with what to do when the file as a whole cannot
    be read.
    """
    if actor is not None and not actor.sees_all_contacts:
        raise Forbidden(_("Marketers, managers and administrators import contacts."))
    data = file.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        megabytes = LARGEST_BYTES // 1024**2
        raise Invalid(_("This file is larger than %(size)d MB. Part it in two.") % {"size": megabytes}, field="file")
    try:
        sheet = csv_rows.read(data, time_zone=timezone.get_default_timezone())
    except FileProblem as problem:
        raise Invalid(str(problem), field="file") from None
    name = PurePath(file_name.replace("\\", "/")).name[-200:] or "contacts.csv"
    with transaction.atomic():
        job = Import(
            file_name=name,
            checksum=hashlib.sha256(data).hexdigest(),
            campaign=services.campaigns_by_name({campaign}, at=at).get(campaign),
            is_history=is_history,
            rows=len(sheet.rows),
            actor=actor,
            created_at=at,
            updated_at=at,
        )
        job.file.save(f"{job.checksum[:16]}.csv", ContentFile(data), save=False)
        job.save()
    return job


def run_import(*, import_id: int, at: dt.datetime, on_progress: Callable[[Import], None] = lambda job: None) -> Import:
    """Do an import, or the rest of it; return its row. Does nothing when it is over or somebody else is at it.

    1. Claim: the row becomes `running`, unless another runner has written to it within `LEASE`.
    2. Each batch of rows is one transaction, contacts locked in id order; `rows_done` and the counts are written with
       it, and only where `rows_done` still stands where this runner left it. So a runner that was thought dead and
       comes back finds its place taken and stops, and a kill costs the batch at hand, which is done again.
    3. When all is done, the refused rows are written out of the file itself.

    A batch that cannot be written ends the import as `failed`, with what was done kept; run again, it goes on there.
    """
    began = time.monotonic()

    def now() -> dt.datetime:
        return at + dt.timedelta(seconds=time.monotonic() - began)

    if not _claim(import_id, at=at):
        return _found(import_id)
    job = _found(import_id)
    with translation.override(job.actor.language if job.actor else translation.get_language()):
        try:
            with job.file.open("rb") as file:
                sheet = csv_rows.read(file.read(), time_zone=timezone.get_default_timezone())
            while job.rows_done < len(sheet.rows):
                rows = sheet.rows[job.rows_done : job.rows_done + BATCH]
                if not _take_in(job, rows, sheet=sheet, at=at, now=now()):
                    return _found(import_id)
                on_progress(job)
            _finish(job, sheet, now=now())
        except OperationalError:
            # The database is away or busy: the sweep takes the job up again.
            raise
        except Exception as error:
            logger.exception("Import %d failed after %d rows.", import_id, job.rows_done)
            _fail(job, error, now=now())
    return _found(import_id)


def imports_to_resume(*, at: dt.datetime) -> list[int]:
    """Imports that nobody is at, though they are queued or were begun: their task or their runner was lost."""
    waiting = Import.objects.filter(_is_free(at)).exclude(state=ImportState.FAILED)
    return list(waiting.order_by("id").values_list("id", flat=True))


def retry_import(*, actor: User, import_id: int, at: dt.datetime) -> Import:
    """Queue an import that failed once more; it goes on after the rows that are done. Raises `Conflict`."""
    if not actor.sees_all_contacts:
        raise Forbidden(_("Marketers, managers and administrators import contacts."))
    if not Import.objects.filter(id=import_id, state=ImportState.FAILED).update(
        state=ImportState.QUEUED, error="", updated_at=at
    ):
        raise Conflict(_("This import has not failed."))
    return _found(import_id)


# The job --------------------------------------------------------------------------------------------------------------


def _is_free(at: dt.datetime) -> Q:
    return Q(state=ImportState.QUEUED) | Q(state=ImportState.RUNNING, updated_at__lt=at - LEASE)


def _claim(import_id: int, *, at: dt.datetime) -> bool:
    return bool(
        Import.objects.filter(_is_free(at), id=import_id).update(state=ImportState.RUNNING, error="", updated_at=at)
    )


def _found(import_id: int) -> Import:
    job = Import.objects.select_related("campaign__source", "actor").filter(id=import_id).first()
    if job is None:
        raise NotFound(_("There is no such import."))
    return job


def _finish(job: Import, sheet: Sheet, *, now: dt.datetime) -> None:
    """Write the refused rows beside the file and say that all is done."""
    if any(row.problem for row in sheet.rows):
        job.refused_file.save(f"{job.checksum[:16]}-refused.csv", ContentFile(csv_rows.refused_file(sheet)), save=False)
    Import.objects.filter(id=job.pk, state=ImportState.RUNNING).update(
        state=ImportState.DONE, refused_file=job.refused_file.name or "", updated_at=now
    )


def _fail(job: Import, error: Exception, *, now: dt.datetime) -> None:
    sentence = (
        str(error)
        if isinstance(error, FileProblem)
        else _("Row %(first)d to %(last)d could not be saved: %(error)s.")
        % {"first": job.rows_done + 1, "last": min(job.rows_done + BATCH, job.rows), "error": error}
    )
    Import.objects.filter(id=job.pk, state=ImportState.RUNNING).update(
        state=ImportState.FAILED, error=sentence, updated_at=now
    )


# One batch ------------------------------------------------------------------------------------------------------------


@locks.tried_again
@transaction.atomic
def _take_in(job: Import, rows: Sequence[Row], *, sheet: Sheet, at: dt.datetime, now: dt.datetime) -> bool:
    """Take in one batch; False when another runner has done it."""
    mine = Import.objects.filter(id=job.pk, state=ImportState.RUNNING, rows_done=job.rows_done)
    if not mine.update(updated_at=now):
        return False
    good = [row for row in rows if not row.problem]
    sources = _sources(good)
    known = services.find_by_email(Contact.objects.all(), [row.email for row in good])
    services.create_missing(
        [_new(row, job, sheet, sources) for row in good if row.email not in known], at=at, actor=job.actor
    )
    ids = services.find_by_email(Contact.objects.all(), [row.email for row in good])
    locked = locks.all_locked(set(ids.values()))
    contacts = {email: locked[contact_id] for email, contact_id in ids.items()}
    created = set(contacts) - set(known)
    _fill(good, contacts, sources, actor=job.actor, at=at)
    default = job.campaign.source if job.campaign else None
    first_at = _first_at(job)
    services.touch(
        [
            (
                contacts[row.email].pk,
                job.campaign,
                sources.get(row.values.get("source", "")) or default,
                row.at if row.at is not None and row.at < first_at else first_at,
            )
            for row in good
        ]
    )
    scores.rescore(list(locked.values()), at=at, is_history=job.is_history)
    ImportedContact.objects.bulk_create(
        [
            ImportedContact(job=job, contact=contact, is_created=email in created)
            for email, contact in sorted(contacts.items(), key=lambda item: item[1].pk)
        ],
        ignore_conflicts=True,
    )
    rows_of = Counter(row.email for row in good)
    touched = [contact.pk for email, contact in contacts.items() if rows_of[email] > (email in created)]
    ImportedContact.objects.filter(job=job, contact_id__in=touched).update(is_touched=True)
    job.rows_done += len(rows)
    job.created += len(created)
    job.touched += len(good) - len(created)
    job.refused += len(rows) - len(good)
    Import.objects.filter(id=job.pk).update(
        rows_done=job.rows_done, created=job.created, touched=job.touched, refused=job.refused
    )
    return True


def _first_at(job: Import) -> dt.datetime:
    """When this file was first imported for this campaign: rows without a past date then meet it once only."""
    same = Import.objects.filter(checksum=job.checksum, campaign=job.campaign).order_by("created_at", "id")
    return same.values_list("created_at", flat=True)[0]


def _sources(rows: Iterable[Row]) -> dict[str, Source]:
    """The channels that these rows name, each found by its code or its name, made when missing."""
    names = {row.values["source"] for row in rows if "source" in row.values}
    if not names:
        return {}
    by_name = {source.name.casefold(): source for source in Source.objects.all()}
    found = {name: by_name[name.casefold()] for name in names if name.casefold() in by_name}
    return found | services.sources_by_code(names - set(found))


def _new(row: Row, job: Import, sheet: Sheet, sources: dict[str, Source]) -> services.NewContact:
    """A contact as its row has it. A file without a column for channels came through its campaign's, or the import."""
    if "source" in sheet.fields:
        source = sources[row.values["source"]].code if "source" in row.values else ""
    else:
        source = job.campaign.source.code if job.campaign and job.campaign.source else "import"
    return services.NewContact(
        email=row.email,
        fields={name: row.values[name] for name in FILLED if name in row.values},
        company=row.values.get("company", ""),
        source=source,
        attributes=row.attributes,
    )


def _fill(
    rows: Sequence[Row],
    contacts: dict[str, Contact],
    sources: dict[str, Source],
    *,
    actor: User | None,
    at: dt.datetime,
) -> None:
    """Fill what is empty of the contacts from their rows, in order; nothing that is there is changed."""
    companies = services.companies_by_name(
        {row.values["company"] for row in rows if "company" in row.values and not contacts[row.email].company_id}, at=at
    )
    changes: list[ContactChange] = []
    filled: dict[int, Contact] = {}
    for row in rows:
        contact = contacts[row.email]
        given: dict[str, Any] = {name: row.values[name] for name in FILLED if name in row.values}
        given["company"] = companies.get(company_key(row.values.get("company", "")))
        given["source"] = sources.get(row.values.get("source", ""))
        for name, value in given.items():
            if value and not getattr(contact, name):
                setattr(contact, name, value)
                filled[contact.pk] = contact
                changes.append(
                    ContactChange(contact=contact, field=name, old=None, new=_shown(value), at=at, actor=actor)
                )
        for name, known in row.attributes.items():
            if is_unset(contact.attributes.get(name)):
                contact.attributes[name] = known
                filled[contact.pk] = contact
                changes.append(
                    ContactChange(contact=contact, field=f"attributes.{name}", old=None, new=known, at=at, actor=actor)
                )
    Contact.objects.bulk_update(filled.values(), [*FILLED, "company", "source", "attributes"], batch_size=BATCH)
    ContactChange.objects.bulk_create(changes)


def _shown(value: str | Company | Source) -> str:
    return str(value)
