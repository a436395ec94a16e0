"""Rules that say which MQLs are passed straight to sales."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0015_held_by_somebody_active"),
    ]

    operations = [
        migrations.CreateModel(
            name='HandoverRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, verbose_name='name')),
                ('conditions', models.JSONField(blank=True, default=list, verbose_name='conditions')),
                ('is_straight', models.BooleanField(default=False, verbose_name='straight to sales')),
                ('position', models.IntegerField(default=0, verbose_name='position')),
                ('is_active', models.BooleanField(default=True, verbose_name='in use')),
            ],
            options={
                'ordering': ['position', '-id'],
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('name'), name='one_handover_rule_a_name'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='handover_rule_has_a_name')],
            },
        ),
        migrations.AddField(
            model_name='handoff',
            name='straight_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='handoffs', to='leads.handoverrule', verbose_name='passed straight to sales by'),
        ),
        migrations.AddIndex(
            model_name='handoff',
            index=models.Index(condition=models.Q(('straight_by__isnull', False)), fields=['straight_by'], name='handoff_passed_straight'),
        ),
    ]
