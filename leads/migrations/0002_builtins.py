"""Activity types, reasons and sources that every installation starts with."""

from django.db import migrations

ACTIVITY_TYPES = [
    # code, name, usual direction, makes a subscriber a lead, a person's attempt to reach the contact
    ("page_view", "Page view", "inbound", False, False),
    ("form_submission", "Form", "inbound", True, False),
    ("content_download", "Download", "inbound", True, False),
    ("email_open", "E-mail opened", "inbound", False, False),
    ("email_click", "E-mail clicked", "inbound", False, False),
    ("email_reply", "E-mail answered", "inbound", True, False),
    ("webinar_attended", "Webinar", "inbound", True, False),
    ("event_attended", "Event", "inbound", True, False),
    ("demo_request", "Demo request", "inbound", True, False),
    ("unsubscribe", "Unsubscribed", "inbound", False, False),
    ("bounce", "E-mail bounced", "inbound", False, False),
    ("call", "Call", "outbound", True, True),
    ("meeting", "Meeting", "outbound", True, True),
    ("email", "E-mail", "outbound", False, True),
    ("note", "Note", "outbound", False, False),
]

REASONS = {
    "return": [
        ("not_ready", "Not ready yet"),
        ("bad_data", "Data missing or wrong"),
        ("not_a_buyer", "Competitor, student or job seeker"),
        ("duplicate", "Duplicate"),
    ],
    "reject": [
        ("not_the_decider", "Not the one who decides"),
        ("no_budget", "No budget"),
        ("too_early", "Too early"),
        ("too_small", "Too small"),
        ("unreachable", "Cannot be reached"),
        ("not_a_buyer", "Competitor, student or job seeker"),
    ],
    "recycle": [
        ("too_early", "Too early"),
        ("no_budget", "No budget now"),
        ("no_answer", "Stopped answering"),
        ("project_postponed", "Project postponed"),
    ],
    "won": [
        ("best_fit", "Best fit"),
        ("price", "Price"),
        ("service", "Service and people"),
        ("recommended", "Recommended"),
    ],
    "lost": [
        ("price", "Price"),
        ("competitor", "Chose a competitor"),
        ("no_decision", "No decision"),
        ("feature_missing", "Something missing in the offer"),
        ("lost_contact", "Stopped answering"),
    ],
    "disqualify": [
        ("not_a_buyer", "Competitor, student or job seeker"),
        ("bad_data", "Not a real person or address"),
        ("never_buys", "Will not buy"),
        ("asked_to_stop", "Asked not to be contacted"),
    ],
}

SOURCES = [
    ("own", "Own prospect"),
    ("website", "Website"),
    ("organic_search", "Organic search"),
    ("paid_search", "Paid search"),
    ("social", "Social media"),
    ("email", "E-mail"),
    ("referral", "Referral"),
    ("trade_fair", "Trade fair"),
    ("phone", "Phone"),
    ("import", "Import"),
    ("other", "Other"),
]


def add(apps, schema_editor):
    activity_type = apps.get_model("leads", "ActivityType")
    activity_type.objects.bulk_create(
        activity_type(
            code=code, name=name, direction=direction, is_lead_signal=is_lead_signal, is_contact_attempt=is_attempt
        )
        for code, name, direction, is_lead_signal, is_attempt in ACTIVITY_TYPES
    )
    reason = apps.get_model("leads", "Reason")
    reason.objects.bulk_create(
        reason(kind=kind, code=code, label=label, position=position)
        for kind, reasons in REASONS.items()
        for position, (code, label) in enumerate(reasons)
    )
    source = apps.get_model("leads", "Source")
    source.objects.bulk_create(source(code=code, name=name) for code, name in SOURCES)


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
