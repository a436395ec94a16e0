from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = _("Leads")

    def ready(self) -> None:
        """Give SQLite's connections what its SQL lacks."""
        from leads import conditions_sql

        connection_created.connect(conditions_sql.give_functions, dispatch_uid="leads.conditions_sql")
