"""A published first version of the rules, so that a new installation scores from its first activity on."""

import datetime as dt

from django.db import migrations
from django.utils import timezone

# name, type, conditions, points, cap, floor, once_per, within_days, half_life_days, is_request
ACTIVITY_RULES = [
    ("Asks for a demo", "demo_request", [], 35, 35, None, "", None, None, True),
    ("Visits the prices", "page_view", [("path", "starts_with", "/pricing")], 4, 20, None, "", None, None, False),
    ("Downloads content", "content_download", [], 12, 24, None, "", None, None, False),
    ("Sends a form", "form_submission", [], 10, 20, None, "", None, None, False),
    ("Attends a webinar", "webinar_attended", [], 14, 28, None, "", None, None, False),
    ("Attends an event", "event_attended", [], 12, 24, None, "", None, None, False),
    ("Answers one of our mails", "email_reply", [], 15, 30, None, "", None, None, False),
    ("Clicks in a mailing", "email_click", [], 3, 9, None, "mail", 7, None, False),
    ("Opens a mailing", "email_open", [], 1, 5, None, "mail", None, None, False),
    ("Reads the blog", "page_view", [("path", "starts_with", "/blog")], 1, 8, None, "", None, None, False),
    ("Unsubscribes", "unsubscribe", [], -25, None, -25, "", None, 90, False),
    ("Address bounces", "bounce", [], -15, None, -15, "", None, 90, False),
]

# name, field, operator, value, points
FIT_RULES = [
    ("200 to 1,000 people", "company.employees", "between", [200, 1000], 12),
    ("Decides on operations", "job_title", "contains", ["operations", "plant", "warehouse", "logistics"], 10),
    ("Leads a department", "job_title", "contains", ["head", "director", "chief", "owner", "ceo"], 8),
    ("Industry we know", "company.industry", "in", ["logistics", "food", "manufacturing"], 8),
    ("Country we serve", "country", "in", ["FI", "PL", "BG", "SI"], 5),
    ("Private mailbox", "email", "is_free_mail", None, -12),
    ("Job title not known", "job_title", "is_unset", None, -2),
]


def add(apps, schema_editor):
    now = timezone.now()
    model = apps.get_model("scoring", "ScoringModel").objects.create(
        name="Standard",
        version=1,
        status="published",
        half_life_days=14,
        mql_threshold=60,
        hot_threshold=90,
        reference_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        note="The first version.",
        created_at=now,
        published_at=now,
    )
    activity_rule = apps.get_model("scoring", "ActivityRule")
    activity_rule.objects.bulk_create(
        activity_rule(
            model=model,
            position=position,
            name=name,
            type_id=type_code,
            conditions=[{"property": prop, "op": op, "value": value} for prop, op, value in conditions],
            points=points,
            cap=cap,
            floor=floor,
            once_per=once_per,
            within_days=within_days,
            half_life_days=half_life_days,
            is_request=is_request,
        )
        for position, (
            name,
            type_code,
            conditions,
            points,
            cap,
            floor,
            once_per,
            within_days,
            half_life_days,
            is_request,
        ) in enumerate(ACTIVITY_RULES)
    )
    fit_rule = apps.get_model("scoring", "FitRule")
    fit_rule.objects.bulk_create(
        fit_rule(model=model, position=position, name=name, field=field, op=op, value=value, points=points)
        for position, (name, field, op, value, points) in enumerate(FIT_RULES)
    )


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial"), ("leads", "0002_builtins")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
