"""Reasons say when they apply, and no two of a list say the same."""

import django.db.models.functions.text
from django.db import migrations, models

DESCRIPTIONS = {
    ("return", "not_ready"): "Right company, right person, but nothing for sales to talk about yet.",
    ("return", "bad_data"): "Nobody could be called with what we know.",
    ("reject", "not_the_decider"): "Cannot decide and cannot bring us to who does.",
    ("reject", "no_budget"): "There is no money for it and none is planned.",
    ("reject", "too_early"): "Wants it, but decides later than a salesperson can wait.",
    ("reject", "too_small"): "Below the size that we serve well.",
    ("reject", "unreachable"): "Several tries at different times, no answer.",
    ("recycle", "too_early"): "Decides later; say on which day it comes back.",
    ("disqualify", "asked_to_stop"): "Said so in words; nothing is sent any more.",
}


def describe(apps, schema_editor):
    reason = apps.get_model("leads", "Reason")
    for (kind, code), text in DESCRIPTIONS.items():
        reason.objects.filter(kind=kind, code=code, description="").update(description=text)


class Migration(migrations.Migration):
    dependencies = [("leads", "0011_tasks")]

    operations = [
        migrations.AddField(
            model_name="reason",
            name="description",
            field=models.CharField(blank=True, max_length=300, verbose_name="when it applies"),
        ),
        migrations.AlterField(model_name="reason", name="position", field=models.IntegerField(default=0)),
        migrations.AddConstraint(
            model_name="reason",
            constraint=models.UniqueConstraint(
                models.F("kind"),
                django.db.models.functions.text.Lower("label"),
                name="reason_label_once_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="reason",
            constraint=models.CheckConstraint(
                condition=models.Q(("label", ""), _negated=True), name="reason_has_a_label"
            ),
        ),
        migrations.RunPython(describe, migrations.RunPython.noop),
    ]
