"""One calendar and one promise a milestone, so that no handoff is ever without a clock."""

from django.conf import settings
from django.db import migrations

HOURS = 3600
OFFICE_DAY = [["09:00", "17:00"]]
STEPS = [
    {"at_percent": 75, "kind": "warn", "to": "owner"},
    {"at_percent": 100, "kind": "breach", "to": "owner"},
    {"at_percent": 100, "kind": "escalate", "to": "manager"},
]

# milestone, name, working seconds
POLICIES = [
    ("review", "Review within half a day", 4 * HOURS),
    ("answer", "Answer within half a day", 4 * HOURS),
    ("contact", "First contact within a day", 8 * HOURS),
]


def add(apps, schema_editor):
    calendar_model = apps.get_model("sla", "Calendar")
    calendar = calendar_model.objects.create(
        name="Office hours",
        time_zone=settings.TIME_ZONE,
        weekly={day: OFFICE_DAY for day in ("mon", "tue", "wed", "thu", "fri")},
    )
    calendar_model.objects.create(name="Always open", time_zone="UTC", always_open=True)
    policy = apps.get_model("sla", "Policy")
    policy.objects.bulk_create(
        policy(
            name=name,
            milestone=milestone,
            target_seconds=seconds,
            calendar=calendar,
            steps=STEPS,
            # Last in the order: whatever is added later is more special and comes before it.
            position=1000,
        )
        for milestone, name, seconds in POLICIES
    )


class Migration(migrations.Migration):
    dependencies = [("sla", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
