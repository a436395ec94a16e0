"""How fast activities are taken in, on PostgreSQL, beside plain SQL doing the same work.

Run as `python -m tests.bench.bench_intake`. Calls and what stands beside them take turns, so that what else the machine
does slows both alike.

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
"""

from __future__ import annotations

import json
import random
import sys
import time

from tests.bench import callers
from tests.bench.beside import (
    ADD_UP,
    COUNT_ONCE,
    FIRST,
    SUM_UP,
    make_contacts,
    measure,
    processor_seconds,
    said,
    start,
)

CALL = 5000
CALLS = 6
SINGLES = 300
TURN = 20
KNOWN = 20_000
PATHS = ("/pricing", "/pricing/teams", "/blog/a", "/blog/b", "/about", "/features")


def main() -> None:
    start("tests.bench.bench_intake")
    from django.conf import settings

    import crm.wsgi  # noqa: F401 - what a server loads

    settings.ALLOWED_HOSTS = ["*"]
    settings.SECURE_SSL_REDIRECT = False
    measure(taking_in)


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


if __name__ == "__main__":
    main()
