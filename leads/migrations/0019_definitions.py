"""What the words of the hand-over mean, in versions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("leads", "0018_working"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DefinitionVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(choices=[('subscriber', 'Subscriber'), ('lead', 'Lead'), ('mql', 'MQL'), ('sql', 'SQL'), ('opportunity', 'Opportunity'), ('customer', 'Customer'), ('hot', 'Hot'), ('cold', 'Cold')], max_length=12, verbose_name='word')),
                ('number', models.PositiveIntegerField(verbose_name='version')),
                ('text', models.TextField(verbose_name='meaning')),
                ('at', models.DateTimeField()),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['word', '-number'],
                'constraints': [models.UniqueConstraint(fields=('word', 'number'), name='definition_version_once_a_word'), models.CheckConstraint(condition=models.Q(('word__in', ['subscriber', 'lead', 'mql', 'sql', 'opportunity', 'customer', 'hot', 'cold'])), name='definition_word_known'), models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='definition_says_something')],
            },
        ),
    ]
