import django.db.models.deletion
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


def make_settings(apps, schema_editor):
    """The one row of settings: nothing overflows until somebody says where to."""
    apps.get_model("leads", "RoutingSettings").objects.get_or_create(id=1)


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0012_daily_capacity"),
        ("leads", "0013_comments"),
        ("sla", "0007_one_index_each"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rotation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("began_at", models.DateTimeField()),
                ("turn", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="RotationShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weight", models.PositiveSmallIntegerField(default=0)),
                ("given", models.PositiveIntegerField(default=0)),
                ("behind", models.FloatField(default=0)),
                ("last_turn", models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="RotationTurn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["rotation", "-number"],
            },
        ),
        migrations.CreateModel(
            name="RoutingMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weight", models.PositiveSmallIntegerField(default=1, verbose_name="weight")),
            ],
            options={
                "ordering": ["rule", "person__name", "person"],
            },
        ),
        migrations.CreateModel(
            name="RoutingRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("conditions", models.JSONField(blank=True, default=list, verbose_name="conditions")),
                (
                    "otherwise",
                    models.CharField(
                        choices=[("next", "The next rule is asked"), ("wait", "The lead waits for one of them")],
                        default="next",
                        max_length=4,
                        verbose_name="when nobody can",
                    ),
                ),
                ("position", models.IntegerField(default=0, verbose_name="position")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
            ],
            options={
                "ordering": ["position", "-id"],
            },
        ),
        migrations.CreateModel(
            name="RoutingSettings",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("overflow_seconds", models.PositiveIntegerField(blank=True, null=True, verbose_name="after waiting")),
                (
                    "most_a_pass",
                    models.PositiveSmallIntegerField(default=3, verbose_name="waiting leads to one person at a time"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="handoff",
            name="overflow_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="offered to another team from"),
        ),
        migrations.AlterField(
            model_name="handoffevent",
            name="assignee",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("overflow_at__isnull", False)), fields=["overflow_at"], name="handoff_overflow_due"
            ),
        ),
        migrations.AddIndex(
            model_name="handoffevent",
            index=models.Index(fields=["assignee", "at"], name="leads_hando_assigne_ad3799_idx"),
        ),
        migrations.AddConstraint(
            model_name="handoff",
            constraint=models.CheckConstraint(
                condition=models.Q(("overflow_at", None), ("state", "waiting"), _connector="OR"),
                name="handoff_overflows_only_while_waiting",
            ),
        ),
        migrations.AddField(
            model_name="rotationshare",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rotationshare",
            name="rotation",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="leads.rotation"
            ),
        ),
        migrations.AddField(
            model_name="rotationturn",
            name="handoff",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="turns", to="leads.handoff"
            ),
        ),
        migrations.AddField(
            model_name="rotationturn",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="rotationturn",
            name="rotation",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="turns", to="leads.rotation"
            ),
        ),
        migrations.AddField(
            model_name="routingmember",
            name="person",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="routing_members", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="routingrule",
            name="team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="routing_rules",
                to="crm.team",
                verbose_name="team",
            ),
        ),
        migrations.AddField(
            model_name="routingmember",
            name="rule",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="members",
                to="leads.routingrule",
            ),
        ),
        migrations.AddField(
            model_name="rotation",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rotations",
                to="leads.routingrule",
            ),
        ),
        migrations.AddField(
            model_name="routingsettings",
            name="overflow_calendar",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="sla.calendar",
                verbose_name="working time of the wait",
            ),
        ),
        migrations.AddField(
            model_name="routingsettings",
            name="overflow_team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="crm.team",
                verbose_name="offered to",
            ),
        ),
        migrations.AddConstraint(
            model_name="rotationshare",
            constraint=models.UniqueConstraint(fields=("rotation", "person"), name="share_once_a_rotation"),
        ),
        migrations.AddConstraint(
            model_name="rotationshare",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gt", 0), ("given", 0), _connector="OR"), name="share_of_nobody_is_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="rotationturn",
            constraint=models.UniqueConstraint(fields=("rotation", "number"), name="turn_once_a_number"),
        ),
        migrations.AddConstraint(
            model_name="routingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("otherwise__in", ["next", "wait"])), name="routing_rule_otherwise_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="routingmember",
            constraint=models.UniqueConstraint(fields=("rule", "person"), name="routing_member_once_a_rule"),
        ),
        migrations.AddConstraint(
            model_name="routingmember",
            constraint=models.CheckConstraint(condition=models.Q(("weight__lte", 10)), name="routing_weight_known"),
        ),
        migrations.AddConstraint(
            model_name="rotation",
            constraint=models.UniqueConstraint(
                django.db.models.functions.comparison.Coalesce("rule_id", models.Value(0)), name="one_rotation_a_rule"
            ),
        ),
        migrations.AddConstraint(
            model_name="routingsettings",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="one_row_of_routing_settings"),
        ),
        migrations.AddConstraint(
            model_name="routingsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("most_a_pass__gt", 0)), name="routing_gives_one_a_pass_at_least"
            ),
        ),
        migrations.AddConstraint(
            model_name="routingsettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("overflow_seconds", None), ("overflow_team", None)),
                    models.Q(
                        ("overflow_seconds__gt", 0),
                        ("overflow_seconds__isnull", False),
                        ("overflow_team__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="overflow_has_a_team_and_a_wait",
            ),
        ),
        migrations.RunPython(make_settings, migrations.RunPython.noop),
    ]
