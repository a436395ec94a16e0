"""Half as many indexes to write for every step of every clock."""

import django.db.models.deletion
from django.db import migrations, models

UNIQUE = "sla_timer_replaces_id_key"


def index_those_that_replace(apps, schema_editor):
    """A clock is replaced once at most, as before; the many that replace none are no longer in the index."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE sla_timer DROP CONSTRAINT {UNIQUE}")
        schema_editor.execute(f"CREATE UNIQUE INDEX {UNIQUE} ON sla_timer (replaces_id) WHERE replaces_id IS NOT NULL")


def index_all(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX {UNIQUE}")
        schema_editor.execute(f"ALTER TABLE sla_timer ADD CONSTRAINT {UNIQUE} UNIQUE (replaces_id)")


class Migration(migrations.Migration):

    dependencies = [
        ('sla', '0007_one_index_each'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='timer',
            name='sla_timer_milesto_150fca_idx',
        ),
        migrations.AlterField(
            model_name='timer',
            name='calendar',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sla.calendar'),
        ),
        migrations.AlterField(
            model_name='timer',
            name='policy',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='timers', to='sla.policy'),
        ),
        migrations.RunPython(index_those_that_replace, index_all),
    ]
