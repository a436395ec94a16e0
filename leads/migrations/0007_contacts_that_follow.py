from django.db import migrations, models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce


def fill(apps, schema_editor):
    """The latest contact and the first meeting of handoffs, as the ledger has them."""
    handoffs = apps.get_model("leads", "Handoff").objects.filter(contacted_at__isnull=False)
    attempts = apps.get_model("leads", "Activity").objects.filter(
        contact=OuterRef("contact"),
        occurred_at__gte=OuterRef("contacted_at"),
        occurred_at__lte=Coalesce(OuterRef("ended_at"), F("occurred_at")),
        type__is_contact_attempt=True,
        direction="outbound",
        actor__isnull=False,
    )
    handoffs.update(
        last_contacted_at=Coalesce(
            Subquery(attempts.order_by("-occurred_at").values("occurred_at")[:1]), F("contacted_at")
        ),
        meeting_at=Subquery(attempts.filter(type="meeting").order_by("occurred_at").values("occurred_at")[:1]),
    )


class Migration(migrations.Migration):
    dependencies = [("leads", "0006_segments")]
    operations = [
        migrations.AddField(
            model_name="handoff",
            name="last_contacted_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="latest attempt of a person"),
        ),
        migrations.AddField(
            model_name="handoff",
            name="meeting_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="meeting arranged"),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="handoff",
            constraint=models.CheckConstraint(
                condition=Q(contacted_at=None, last_contacted_at=None)
                | Q(contacted_at__isnull=False, last_contacted_at__gte=F("contacted_at")),
                name="handoff_contacted_first_and_last",
            ),
        ),
        migrations.AddConstraint(
            model_name="handoff",
            constraint=models.CheckConstraint(
                condition=Q(meeting_at=None) | Q(meeting_at__gte=F("contacted_at")),
                name="handoff_meeting_was_a_contact",
            ),
        ),
    ]
