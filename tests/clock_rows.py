"""Many running clocks at once, laid out by SQL: for benchmarks and for a storm."""

from __future__ import annotations

import datetime as dt

from django.db import connection, transaction

from crm.models import User
from sla.models import Calendar, Milestone, Policy

POLICY = "in a row"


def make_sellers(number: int) -> None:
    """People who will own the clocks, and the promise that they gave: its one step tells them when it is missed."""
    User.objects.bulk_create(User(email=f"s{n}@baton.example", name=f"Seller {n}", password="!") for n in range(number))
    Policy.objects.create(
        name=POLICY,
        milestone=Milestone.CONTACT,
        target_seconds=3600,
        calendar=Calendar.objects.get(always_open=True),
        position=-1,
        steps=[{"kind": "breach", "to": "owner", "at_percent": 100}],
    )


def open_clocks(number: int, *, first_due_at: dt.datetime, apart_seconds: float) -> None:
    """Accepted handoffs of new contacts with a running contact clock each, due one after the other."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0) FROM leads_contact")
        (before,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO leads_contact (email, first_name, last_name, job_title, phone, country, city, language, "
            "time_zone, stage, stage_at, is_disqualified, attributes, created_at, owner_id) "
            "SELECT 'k' || n || '@firm.example', 'Eva', 'Firm', '', '', 'FI', '', '', '', 'sql', now(), false, '{}', "
            "now(), people.ids[1 + n %% cardinality(people.ids)] "
            "FROM (SELECT array_agg(id ORDER BY id) AS ids FROM crm_user WHERE email ~ '^s[0-9]+@') people, "
            "generate_series(%s::int + 1, %s::int) n",
            [before, before + number],
        )
        cursor.execute(
            "INSERT INTO leads_handoff (state, cause, is_override, assigned_because, formed_at, offered_at, "
            "answered_at, comment, grade, assignee_id, contact_id) "
            "SELECT 'accepted', 'request', false, '', %s, %s, %s, '', 'A1', owner_id, id FROM leads_contact "
            "WHERE id > %s",
            [*(first_due_at - dt.timedelta(hours=hours) for hours in (3, 2, 2)), before],
        )
        cursor.execute(
            "INSERT INTO sla_timer (milestone, policy_version, target_seconds, steps, started_at, warn_at, due_at, "
            "step, next_check_at, assignee_id, calendar_id, handoff_id, policy_id) "
            "SELECT 'contact', p.version, p.target_seconds, p.steps, d.due - p.target_seconds * interval '1 second', "
            "d.due, d.due, 0, d.due, h.assignee_id, p.calendar_id, h.id, p.id "
            "FROM leads_handoff h JOIN sla_policy p ON p.name = %s CROSS JOIN LATERAL "
            "(SELECT %s + (h.contact_id - %s) * %s * interval '1 second' AS due) d WHERE h.contact_id > %s",
            [POLICY, first_due_at, before, apart_seconds, before],
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sla_timer; ANALYZE leads_handoff; ANALYZE leads_contact")
