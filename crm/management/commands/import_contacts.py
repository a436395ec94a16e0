"""`manage.py import_contacts FILE [--campaign NAME] [--live]`: a file of contacts, with progress and counts."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from crm import flows
from crm.errors import Invalid
from leads.models import Import
from leads.models.imports import ImportState

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = "Imports a CSV file of contacts in UTF-8. Existing addresses are touched, never overwritten."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="A CSV file with a header.")
        parser.add_argument("--campaign", default="", metavar="NAME", help="The campaign that these contacts met.")
        parser.add_argument(
            "--live",
            action="store_true",
            help="No history: whoever crosses the threshold is handed over, and clocks start.",
        )

    def handle(self, *, file: Path, campaign: str, live: bool, **options: Any) -> None:
        try:
            with file.open("rb") as opened:
                job = flows.start_import(
                    actor=None,
                    file=opened,
                    file_name=file.name,
                    campaign=campaign,
                    is_history=not live,
                    at=timezone.now(),
                )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except Invalid as error:
            raise CommandError(f"{file.name}: {error}") from error
        job = flows.run_import(import_id=job.pk, at=timezone.now(), on_progress=self._show)
        while job.state in (ImportState.QUEUED, ImportState.RUNNING):  # a worker was quicker to take it up
            time.sleep(POLL_SECONDS)
            job = Import.objects.get(id=job.pk)
            self._show(job)
        if job.state == ImportState.FAILED:
            raise CommandError(f"{job.error} {job.rows_done} of {job.rows} rows are done and stay.")
        self.stdout.write(f"{job.created} created, {job.touched} touched, {job.refused} refused.")
        if job.refused_file:
            self.stdout.write(f"The refused rows, each with its reason: {job.refused_file.path}")

    def _show(self, job: Import) -> None:
        self.stdout.write(f"{job.rows_done} of {job.rows} rows")
        self.stdout.flush()
