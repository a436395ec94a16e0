from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0011_mentions"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="daily_capacity",
            field=models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="new leads a day at most"),
        ),
    ]
