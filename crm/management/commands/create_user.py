"""`manage.py create_user EMAIL --name NAME --role admin`: the first person of a new installation."""

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.db import transaction

from crm.models import Role, User
from crm.queries.calendars import company_zone


class Command(BaseCommand):
    help = "Creates a person who can log in; the password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="The address to log in with.")
        parser.add_argument("--name", help="The name shown to others; the address where none is given.")
        parser.add_argument(
            "--role",
            action="append",
            choices=Role.values,
            required=True,
            dest="roles",
            help="May be given several times; the first decides the home page.",
        )

    def handle(self, *, email: str, name: str | None, roles: list[str], **options: Any) -> None:
        password = getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password, User(email=email, name=name or email))
            with transaction.atomic():
                user = User.objects.create_user(
                    email, password, name=name or email, roles=tuple(roles), time_zone=company_zone()
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{user.email} can log in now.")
