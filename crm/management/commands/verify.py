"""`manage.py verify`: recompute scores, clocks and stages from the ledger and name every difference."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crm.queries import verify

CHECKS = {
    "scores": verify.score_differences,
    "clocks": verify.clock_differences,
    "stages": verify.stage_differences,
    "addresses": verify.address_differences,
    "turns": verify.turn_differences,
}


class Command(BaseCommand):
    """Read-only; exits with 1 when anything differs."""

    help = "Recompute scores, clocks, stages and turns from the ledger; name any difference, and exit with 1 then."

    def add_arguments(self, parser: CommandParser) -> None:
        for name in CHECKS:
            parser.add_argument(f"--{name}", action="store_true", help=f"only {name}")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = [name for name in CHECKS if options[name]] or list(CHECKS)
        found = 0
        for name in chosen:
            here = 0
            for difference in CHECKS[name]():
                self.stdout.write(difference)
                here += 1
            self.stdout.write(f"{name}: {here or 'no'} difference{'' if here == 1 else 's'}")
            found += here
        if found:
            raise SystemExit(1)
