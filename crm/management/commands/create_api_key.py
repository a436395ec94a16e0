"""`manage.py create_api_key EMAIL`: a key by which a program acts for a person."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from crm.models import ApiKey, User


class Command(BaseCommand):
    help = "Makes an API key for a person and prints it alone; it cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="The address that the person logs in with.")
        parser.add_argument("--name", default="", help="What the key is for, to tell keys apart.")
        parser.add_argument(
            "--integration",
            action="store_true",
            help="The key belongs to a system: what it records, no person has done.",
        )

    def handle(self, *, email: str, name: str, integration: bool, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"Nobody logs in with {email}. Make the person first: manage.py create_user.")
        if not user.is_active:
            raise CommandError(f"{email} is not active any more, so a key would not be let in.")
        if len(name) > 100:
            raise CommandError("Give the key a name of 100 characters at most.")
        _key, secret = ApiKey.objects.issue(user=user, name=name, is_integration=integration)
        self.stdout.write(secret)
