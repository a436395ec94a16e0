"""The versions of policies that are there already."""

from django.db import migrations
from django.utils import timezone


def keep_versions(apps, schema_editor):
    """What is promised now becomes a version; what earlier ones said is not known any more."""
    version = apps.get_model("sla", "PolicyVersion")
    policies = apps.get_model("sla", "Policy").objects.select_related("calendar")
    version.objects.bulk_create(
        version(
            policy=policy,
            number=policy.version,
            promise={
                "target_seconds": policy.target_seconds,
                "calendar": policy.calendar.name,
                "calendar_of": policy.calendar_of,
                "conditions": policy.conditions,
                "steps": policy.steps,
            },
            at=timezone.now(),
        )
        for policy in policies
    )


class Migration(migrations.Migration):
    dependencies = [("sla", "0005_policy_versions")]
    operations = [migrations.RunPython(keep_versions, migrations.RunPython.noop)]
