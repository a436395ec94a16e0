from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0021_turns_taken_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="handoffevent",
            name="names",
            field=models.JSONField(blank=True, default=list),
        ),
    ]
