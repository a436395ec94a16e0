"""What the benchmarks of scores share: a database of their own, contacts, plain SQL to stand beside, lines of numbers.

Each runs as `python -m tests.bench.bench_NAME`, without DATABASE_URL on a throw-away PostgreSQL. Each line says the
rate, the rate beside it, and the aim. Processor seconds are those of this process and of its connection's in PostgreSQL
(Linux only): what else runs hardly moves them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent
DATABASE = "baton_bench"


def start(module: str) -> None:
    """Make ready to use the database; start the servers, and this module again with them, where none is given."""
    if not os.environ.get("DATABASE_URL"):
        command = [sys.executable, "tests/servers.py", sys.executable, "-m", module]
        sys.exit(subprocess.run(command, cwd=FOLDER, check=False).returncode)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()


def measure(*parts: Callable[[], None]) -> None:
    """Do the parts one after the other in an empty database, and say how busy the machine was."""
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    call_command("migrate", verbosity=0)
    print(f"{os.cpu_count()} processors, PostgreSQL {connection.pg_version // 10000}", flush=True)
    for part in (say_load, *parts, say_load):
        part()


def say_load() -> None:
    print(f"load of the machine: {', '.join(f'{one:.1f}' for one in os.getloadavg())}", flush=True)


def said(label: str, rate: float, unit: str, *, beside: str, other: float, aim: str) -> None:
    print(
        f"{label:<12}{rate:>10,.0f} {unit:<13} {beside:<10}{other:>10,.0f} {unit:<13} ratio {rate / other:.2f}   {aim}",
        flush=True,
    )


def processor_seconds() -> float:
    """What this process and that of its connection, on the same machine, have used of the processors so far."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    of_server = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return time.process_time() + (int(of_server[11]) + int(of_server[12])) / os.sysconf("SC_CLK_TCK")


def make_contacts(number: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_contact (email, first_name, last_name, job_title, phone, country, city, language, "
            "time_zone, stage, stage_at, is_disqualified, attributes, created_at) "
            "SELECT 'c' || n || '@firm' || n %% 5000 || '.example', 'Eva', 'Firm', "
            "(ARRAY['', 'Head of Operations', 'Buyer', 'Plant director'])[1 + n %% 4], '', "
            "(ARRAY['FI', 'PL', 'DE', ''])[1 + n %% 4], '', '', '', 'subscriber', now(), false, '{}', now() "
            "FROM generate_series((SELECT COALESCE(max(id), 0) + 1 FROM leads_contact), "
            "(SELECT COALESCE(max(id), 0) FROM leads_contact) + %s) n",
            [number],
        )


RULES = (
    "SELECT id, type_id, points, once_per, lower(conditions -> 0 ->> 'value') AS prefix FROM scoring_activityrule "
    "WHERE model_id = (SELECT id FROM scoring_scoringmodel WHERE status = 'published')"
)
MATCHING = (
    f"FROM leads_activity a JOIN ({RULES}) r ON r.type_id = a.type_id "
    "AND (r.prefix IS NULL OR starts_with(lower(a.properties ->> 'path'), r.prefix))"
)
SUM_UP = (
    "INSERT INTO scoring_component (contact_id, rule_id, amount, reference_at, count) SELECT a.contact_id, r.id, "
    "SUM(r.points * power(2::float8, date_part('epoch', a.occurred_at - now()) / 1209600)), now(), COUNT(*) " + MATCHING
)
COUNT_ONCE = (
    'INSERT INTO scoring_countedobject (contact_id, rule_id, object_key, "window", activity_id, occurred_at) '
    "SELECT DISTINCT ON (a.contact_id, r.id, a.properties ->> 'mail') a.contact_id, r.id, a.properties ->> 'mail', -1, "
    f"a.id, a.occurred_at {MATCHING} WHERE r.once_per <> ''"
)
FIRST = "ORDER BY a.contact_id, r.id, a.properties ->> 'mail', a.occurred_at"
ADD_UP = (
    "INSERT INTO scoring_score (contact_id, model_id, value, engagement, fit, adjustment, grade, valued_at, is_armed, "
    "next_check_at) SELECT c.id, %s, COALESCE(SUM(p.amount), 0), COALESCE(SUM(p.amount), 0), 0, 0, 'D4', now(), true, "
    "now() + interval '1 day' FROM leads_contact c LEFT JOIN scoring_component p ON p.contact_id = c.id"
)
