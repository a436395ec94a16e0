"""Files of contacts as the pages show them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leads.models import Import
from leads.models.imports import ImportState

# The shape and the word of a state.
STANDINGS: dict[str, tuple[str, str | Promise]] = {
    ImportState.QUEUED: ("paused", _("Queued")),
    ImportState.RUNNING: ("running", _("Running")),
    ImportState.DONE: ("met", _("Done")),
    ImportState.FAILED: ("missed", _("Failed")),
}


@dataclass(frozen=True)
class ImportFace:
    """One import: where it stands, and where its numbers lead. `share` is the part of the rows that are done."""

    id: int
    file_name: str
    campaign: str
    campaign_href: str
    is_history: bool
    actor: str
    created_at: dt.datetime
    updated_at: dt.datetime
    mark: str
    word: str | Promise
    is_over: bool
    is_failed: bool
    error: str
    rows: int
    rows_done: int
    created: int
    touched: int
    refused: int
    has_refused_file: bool
    created_href: str
    touched_contacts: int
    touched_href: str

    @property
    def share(self) -> float:
        return self.rows_done / self.rows if self.rows else 1.0

    @property
    def rows_left(self) -> int:
        return self.rows - self.rows_done


def imports_listed() -> QuerySet[Import]:
    """All imports, the newest first, with what a row shows. For those who may import: there are no rights by row."""
    touched = Count("contacts", filter=Q(contacts__is_touched=True))
    return Import.objects.select_related("campaign", "actor").annotate(touched_contacts=touched).order_by("-id")


def import_face(job: Import) -> ImportFace:
    """One import of `imports_listed` as it stands now: no query."""
    mark, word = STANDINGS[job.state]
    contacts = reverse("contacts")
    return ImportFace(
        id=job.pk,
        file_name=job.file_name,
        campaign=str(job.campaign or ""),
        campaign_href=reverse("campaign", args=[job.campaign_id]) if job.campaign_id else "",
        is_history=job.is_history,
        actor=str(job.actor or ""),
        created_at=job.created_at,
        updated_at=job.updated_at,
        mark=mark,
        word=word,
        is_over=job.state in (ImportState.DONE, ImportState.FAILED),
        is_failed=job.state == ImportState.FAILED,
        error=job.error,
        rows=job.rows,
        rows_done=job.rows_done,
        created=job.created,
        touched=job.touched,
        refused=job.refused,
        has_refused_file=bool(job.refused_file),
        created_href=f"{contacts}?created_by_import={job.pk}",
        touched_contacts=getattr(job, "touched_contacts", 0),
        touched_href=f"{contacts}?touched_by_import={job.pk}",
    )
