from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class ScoringConfig(AppConfig):
    name = "scoring"
    verbose_name = _("Scoring")

    def ready(self) -> None:
        """Give SQLite's connections what its SQL lacks."""
        from scoring import database

        connection_created.connect(database.give_functions, dispatch_uid="scoring.database")
