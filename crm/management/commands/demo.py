"""`manage.py demo`: a company at work, in an empty database."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from crm import demo, setup
from crm.models import User


class Command(BaseCommand):
    help = "Makes the demo: a company at work, three months of it up to now. Only in a database without people."

    def handle(self, **options: Any) -> None:
        if User.objects.exists():
            raise CommandError(
                "The demo is made only in an empty database, and this one has people. "
                "Give DATA_DIR an empty folder, or DATABASE_URL an empty database, and migrate it."
            )
        was_begun = setup.is_demo_pending(data_dir=settings.DATA_DIR)
        setup.begin_demo(data_dir=settings.DATA_DIR)
        try:
            demo.make_demo(at=timezone.now())
        except BaseException:
            # Nothing of it is kept, so nobody need wait for it; unless whoever began it says so themselves.
            if not was_begun:
                setup.finish_demo(data_dir=settings.DATA_DIR)
            raise
        setup.finish_demo(data_dir=settings.DATA_DIR)
        self.stdout.write(
            "The demo stands. Log in as marketer@, sales@, manager@ or admin@demo.example, password demo."
        )
