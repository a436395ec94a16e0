"""How fast activities are taken in and everybody is rescored, on PostgreSQL, beside plain SQL doing the same work.

Run as `python -m tests.bench.bench_scoring`. Without DATABASE_URL it starts a throw-away PostgreSQL. CONTACTS (50,000)
is how many contacts are rescored, with ten activities each. Each line says the rate, the rate beside it, and the aim.
Calls and what stands beside them take turns, so that what else the machine does slows both alike. Processor seconds
are those of this process and of its connection's in PostgreSQL (Linux only): what else runs hardly moves them.

list        activities a second by the list API, 5,000 a call, over contacts that are known
            plain: for the same number of others, statements that write the same rows into the same tables: activities,
            components, counted objects, scores, and when each contact was last active. It checks, answers and promotes
            nothing. The tables are analyzed after the first call, as they are by themselves on a running installation.
apart       the same by four callers at once, processes with the whole application, each with contacts of its own
shared      the same by four who share their contacts, so that each waits where another writes
            plain: the statements of `list` by as many connections; they lock their contacts first, for else they would
            wait for each other without end
single      activities a second, one a call
            bare: a view of Django REST framework that checks the same fields and creates one row
rescoring   contacts a second that a publication brings over, in transactions of a thousand that can be resumed
            plain: three statements over the whole ledger that write the same rows (INSERT … SELECT … GROUP BY of the
            components, of the scores, and the first of each object) into the same empty tables; once before and once
            after the publication, the mean counts
            sums alone: the one of the components, without objects and scores
memory      the most that the process of the publication ever held; first for a tenth of the contacts
preview     seconds until the page before publishing is counted
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.bench import callers

FOLDER = Path(__file__).resolve().parent.parent.parent
DATABASE = "baton_bench"
CALL = 5000
CALLS = 6
SINGLES = 300
TURN = 20
KNOWN = 20_000
PATHS = ("/pricing", "/pricing/teams", "/blog/a", "/blog/b", "/about", "/features")


def main() -> None:
    if not os.environ.get("DATABASE_URL"):
        command = [sys.executable, "tests/servers.py", sys.executable, "-m", "tests.bench.bench_scoring"]
        sys.exit(subprocess.run(command, cwd=FOLDER, check=False).returncode)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    if len(sys.argv) > 1:
        publish(int(sys.argv[1]))
        return
    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    contacts = int(os.environ.get("CONTACTS", "50000"))
    print(f"{os.cpu_count()} processors, PostgreSQL {connection.pg_version // 10000}", flush=True)
    print(f"load of the machine: {', '.join(f'{one:.1f}' for one in os.getloadavg())}", flush=True)
    taking_in()
    rescoring(contacts // 10)
    rescoring(contacts)
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


# Taking in ------------------------------------------------------------------------------------------------------------


def made(number: int, emails: list[str], chance: random.Random, *, run: str) -> list[dict]:
    from django.utils import timezone

    kinds = ("page_view",) * 6 + ("email_open", "email_click", "content_download", "form_submission")
    now = timezone.now().timestamp()
    rows = []
    for index in range(number):
        kind = chance.choice(kinds)
        then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - chance.randrange(60 * 86400)))
        rows.append(
            {
                "external_id": f"{run}-{index}",
                "source": "website",
                "contact": {"email": chance.choice(emails)},
                "type": kind,
                "occurred_at": then,
                "properties": {"path": chance.choice(PATHS), "mail": f"m{chance.randrange(50)}"},
            }
        )
    return rows


def taking_in() -> None:
    from django.db import connection
    from django.test import Client
    from django.urls import include, path
    from rest_framework.generics import CreateAPIView
    from rest_framework.serializers import ModelSerializer

    from crm.models import ApiKey, Role, User
    from leads.models import Activity, Contact

    user = User.objects.create_user("bench@baton.example", "unused password", name="Bench", roles=(Role.ADMIN,))
    _key, secret = ApiKey.objects.issue(user=user, is_integration=True)
    make_contacts(KNOWN)
    emails = list(Contact.objects.values_list("email", flat=True))
    chance = random.Random(2026)
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def post(address: str, data: object) -> dict:
        answer = client.post(address, json.dumps(data), content_type="application/json")
        assert answer.status_code in (200, 201), answer.content[:500]
        return answer.json()

    def timed(calls: list[tuple[str, object]]) -> float:
        began = time.perf_counter()
        for address, data in calls:
            post(address, data)
        return time.perf_counter() - began

    post("/api/v1/activities/", made(CALL, emails, chance, run="warm"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    listed = plain = listed_work = plain_work = 0.0
    for turn in range(CALLS):
        calls = [("/api/v1/activities/", made(CALL, emails, chance, run=f"list{turn}"))]
        beside = made(CALL, emails, chance, run=f"plain{turn}")
        before = processor_seconds()
        listed += timed(calls)
        between = processor_seconds()
        plain += plain_intake(beside)
        listed_work, plain_work = listed_work + between - before, plain_work + processor_seconds() - between
    count = CALL * CALLS
    said("list", count / listed, "activities/s", beside="plain SQL", other=count / plain, aim="aim: 10,000 a second")
    print(f"{'':<12}{listed_work / CALLS:.2f} processor seconds a call, plain {plain_work / CALLS:.2f}", flush=True)
    make_contacts(KNOWN * (callers.CALLERS - 1))
    for label, is_shared in (("apart", False), ("shared", True)):
        rates = callers.together(secret=secret, known=KNOWN, is_shared=is_shared)
        said(
            label,
            rates["list"],
            "activities/s",
            beside="plain SQL",
            other=rates["plain"],
            aim=f"{callers.CALLERS} callers at once",
        )

    class BareSerializer(ModelSerializer):
        class Meta:
            model = Activity
            fields = (
                "contact",
                "type",
                "direction",
                "occurred_at",
                "recorded_at",
                "source",
                "external_id",
                "properties",
            )

    class Bare(CreateAPIView):
        queryset = Activity.objects.all()
        serializer_class = BareSerializer

    from types import ModuleType

    from django.conf import settings
    from django.urls import clear_url_caches

    bare_urls = ModuleType("bare_urls")
    bare_urls.urlpatterns = [path("bare/", Bare.as_view()), path("", include("crm.urls"))]  # type: ignore[attr-defined]
    sys.modules["bare_urls"] = bare_urls
    settings.ROOT_URLCONF = "bare_urls"
    clear_url_caches()
    ids = list(Contact.objects.values_list("id", flat=True)[:1000])
    bare = [
        (
            "/bare/",
            {
                "contact": chance.choice(ids),
                "type": "page_view",
                "direction": "inbound",
                "occurred_at": "2026-03-03T08:00:00Z",
                "recorded_at": "2026-03-03T08:00:00Z",
                "source": "website",
                "external_id": f"bare{n}",
                "properties": {"path": "/pricing"},
            },
        )
        for n in range(SINGLES)
    ]
    single = [("/api/v1/activities/", one) for one in made(SINGLES, emails, chance, run="single")]
    timed(bare[:TURN]), timed(single[:TURN])
    bare_seconds = single_seconds = 0.0
    for first in range(TURN, SINGLES, TURN):
        bare_seconds += timed(bare[first : first + TURN])
        single_seconds += timed(single[first : first + TURN])
    count = SINGLES - TURN
    said(
        "single",
        count / single_seconds,
        "activities/s",
        beside="bare view",
        other=count / bare_seconds,
        aim="aim: ratio at least 0.50",
    )


def plain_intake(rows: list[dict], *, is_locking: bool = False) -> float:
    """Write the same rows, as plainly as it can be done; return the seconds. `is_locking`: others write beside it."""
    from django.db import connection, transaction
    from psycopg2.extras import execute_values

    from scoring.models import ScoringModel

    with connection.cursor() as cursor:
        cursor.execute("SELECT email, id FROM leads_contact")
        ids = dict(cursor.fetchall())
        model_id = ScoringModel.objects.get(status="published").pk
        began = time.perf_counter()
        with transaction.atomic():
            if is_locking:
                mine = list({ids[row["contact"]["email"]] for row in rows})
                cursor.execute("SELECT id FROM leads_contact WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [mine])
            found = execute_values(
                cursor.cursor,
                "INSERT INTO leads_activity (contact_id, type_id, direction, occurred_at, recorded_at, source, "
                "external_id, properties) VALUES %s ON CONFLICT DO NOTHING RETURNING id",
                [
                    (ids[row["contact"]["email"]], row["type"], "inbound", row["occurred_at"], row["occurred_at"],
                     row["source"], row["external_id"], json.dumps(row["properties"]))
                    for row in rows
                ],
                page_size=CALL, fetch=True,
            )  # fmt: skip
            new = [one[0] for one in found]
            concerned = "SELECT contact_id FROM leads_activity WHERE id = ANY(%s)"
            cursor.execute(
                f"{SUM_UP} WHERE a.id = ANY(%s) GROUP BY a.contact_id, r.id ON CONFLICT (contact_id, rule_id) "
                "DO UPDATE SET amount = scoring_component.amount + excluded.amount, "
                "count = scoring_component.count + excluded.count",
                [new],
            )
            cursor.execute(f"{COUNT_ONCE} AND a.id = ANY(%s) {FIRST} ON CONFLICT DO NOTHING", [new])
            cursor.execute(
                f"{ADD_UP} WHERE c.id IN ({concerned}) GROUP BY c.id ON CONFLICT (contact_id) DO UPDATE SET "
                "value = excluded.value, engagement = excluded.engagement, valued_at = excluded.valued_at",
                [model_id, new],
            )
            cursor.execute(
                "UPDATE leads_contact c SET last_activity_at = a.latest FROM (SELECT contact_id, "
                "MAX(occurred_at) AS latest FROM leads_activity WHERE id = ANY(%s) GROUP BY contact_id) a "
                "WHERE a.contact_id = c.id AND (c.last_activity_at IS NULL OR c.last_activity_at < a.latest)",
                [new],
            )
        return time.perf_counter() - began


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


# Rescoring ------------------------------------------------------------------------------------------------------------


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


def make_ledger(contacts: int) -> None:
    """Contacts with ten activities each, unchecked, and as the database knows them after a while."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE leads_activity, leads_contact CASCADE")
        cursor.execute("SET session_replication_role = replica")
        make_contacts(contacts)
        # Indexes are made once the rows are there, which is quicker than keeping them.
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'leads_activity' AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint WHERE conrelid = 'leads_activity'::regclass)"
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute(
            "INSERT INTO leads_activity (contact_id, type_id, direction, occurred_at, recorded_at, source, "
            "external_id, properties) "
            "SELECT c.id, (ARRAY['page_view', 'page_view', 'page_view', 'page_view', 'page_view', "
            "'email_open', 'email_click', 'content_download', 'form_submission', 'note'])[1 + n], 'inbound', "
            "now() - ((c.id * 7919 + n * 104729) % 31536000) * interval '1 second', now(), 'bench', "
            "c.id || '-' || n, jsonb_build_object('path', (ARRAY['/pricing', '/blog/a', '/about', '/features', "
            "'/Pricing/teams'])[1 + (c.id + n) % 5], 'mail', 'm' || n) "
            "FROM leads_contact c CROSS JOIN generate_series(0, 9) n"
        )
        cursor.execute("SET session_replication_role = origin")
        for _name, definition in indexes:
            cursor.execute(definition)
        cursor.execute("ANALYZE leads_activity; ANALYZE leads_contact")


def plain_rescoring(model_id: int) -> tuple[float, float, float]:
    """Sum up, then write the rest; return the seconds of the sums alone and of all, and processor seconds of all."""
    from django.db import connection

    before = processor_seconds()
    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(f"{SUM_UP} GROUP BY a.contact_id, r.id")
        summed_up = time.perf_counter() - began
        cursor.execute(f"{COUNT_ONCE} {FIRST}")
        cursor.execute(f"{ADD_UP} GROUP BY c.id", [model_id])
        took = time.perf_counter() - began
    work = processor_seconds() - before
    empty_scores()
    return summed_up, took, work


def empty_scores() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE scoring_component, scoring_countedobject, scoring_score")


def rescoring(contacts: int) -> None:
    from django.utils import timezone

    from crm.flows import publishing
    from crm.models import User
    from crm.queries.publishing import preview
    from leads.models import Activity, Contact
    from scoring.models import JobState, Score, ScoringModel

    make_ledger(contacts)
    in_force = ScoringModel.objects.get(status="published")
    sums_alone, plain, plain_work = plain_rescoring(in_force.pk)
    model = publishing.draft_from(actor=User.objects.get(), model_id=in_force.pk, at=timezone.now())
    began = time.perf_counter()
    preview(model, at=timezone.now())
    previewed = time.perf_counter() - began
    job = publishing.publish(actor=User.objects.get(), model_id=model.pk, mode="from_now", at=timezone.now())
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_scoring", str(job.pk)],
        cwd=FOLDER, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    seconds, megabytes, work = map(float, answer.split())
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, contacts), job.error
    assert Score.objects.filter(model=model).count() == Contact.objects.count()
    empty_scores()
    sums_again, plain_again, plain_work_again = plain_rescoring(model.pk)
    sums_alone, plain = (sums_alone + sums_again) / 2, (plain + plain_again) / 2
    plain_work = (plain_work + plain_work_again) / 2
    print(f"{contacts:,} contacts with {Activity.objects.count():,} activities")
    said(
        "rescoring",
        contacts / seconds,
        "contacts/s",
        beside="plain SQL",
        other=contacts / plain,
        aim=f"{seconds / plain:.2f} times as long, aim: at most 1.50",
    )
    print(
        f"{'':<12}{seconds:,.1f} s, plain {plain:,.1f} s ({2 * plain - plain_again:,.1f} before, {plain_again:,.1f} "
        f"after), sums alone {sums_alone:,.1f} s",
        flush=True,
    )
    print(
        f"{'':<12}{work:,.1f} processor seconds, plain {plain_work:,.1f}: {work / plain_work:.2f} times as many",
        flush=True,
    )
    print(f"{'memory':<12}{megabytes:>10,.0f} MB at most{'':<45}aim: flat, under 500 MB")
    print(f"{'preview':<12}{previewed:>10,.1f} s", flush=True)


def publish(publication_id: int) -> None:
    """In a process of its own: bring everybody over, say how long it took and how much memory."""
    from django.db import connection
    from django.utils import timezone

    from crm.flows import publishing

    connection.settings_dict["NAME"] = DATABASE
    began, before = time.perf_counter(), processor_seconds()
    publishing.run_publication(publication_id=publication_id, at=timezone.now())
    took = time.perf_counter() - began
    print(took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, processor_seconds() - before)


if __name__ == "__main__":
    main()
