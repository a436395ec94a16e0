"""Filters that people keep under a name."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("crm", "0015_happy_customers"),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedFilter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(choices=[('queue', 'Queue')], max_length=20, verbose_name='page')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('query', models.CharField(max_length=500, verbose_name='filter')),
                ('position', models.IntegerField(default=0, verbose_name='position')),
                ('is_shared', models.BooleanField(default=False, verbose_name='for everybody who sees the page')),
                ('is_default', models.BooleanField(default=False, verbose_name='what the page opens with')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='saved_filters', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['position', 'id'],
                'constraints': [models.UniqueConstraint(models.F('user'), models.F('page'), django.db.models.functions.text.Lower('name'), name='saved_filter_once_a_name'), models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('user', 'page'), name='one_default_filter_a_page'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='saved_filter_has_a_name'), models.CheckConstraint(condition=models.Q(('query', ''), _negated=True), name='saved_filter_narrows')],
            },
        ),
    ]
