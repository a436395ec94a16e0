"""How fast a publication rescores everybody, on PostgreSQL, beside plain SQL doing the same work.

Run as `python -m tests.bench.bench_rescoring`. CONTACTS (50,000) is how many contacts are rescored, with ten activities
each, after a tenth of them.

rescoring   contacts a second that a publication brings over, in transactions of two thousand that can be resumed
            plain: three statements over the whole ledger that write the same rows (INSERT … SELECT … GROUP BY of the
            components, of the scores, and the first of each object) into the same empty tables; once before and once
            after the publication, the mean counts
            sums alone: the one of the components, without objects and scores
memory      the most that the process of the publication ever held; first for a tenth of the contacts
preview     seconds until the page before publishing is counted
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

from tests.bench.beside import (
    ADD_UP,
    COUNT_ONCE,
    DATABASE,
    FIRST,
    FOLDER,
    SUM_UP,
    make_contacts,
    measure,
    processor_seconds,
    said,
    start,
)

EMAIL = "bench@baton.example"


def main() -> None:
    start("tests.bench.bench_rescoring")
    if len(sys.argv) > 1:
        publish(int(sys.argv[1]))
        return
    contacts = int(os.environ.get("CONTACTS", "50000"))
    measure(lambda: rescoring(contacts // 10), lambda: rescoring(contacts))


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
    from crm.models import Role, User
    from crm.queries.publishing import preview
    from leads.models import Activity, Contact
    from scoring.models import JobState, Score, ScoringModel

    make_ledger(contacts)
    marketer = User.objects.filter(email=EMAIL).first()
    if marketer is None:
        marketer = User.objects.create_user(EMAIL, "unused password", name="Bench", roles=(Role.MARKETER,))
    in_force = ScoringModel.objects.get(status="published")
    sums_alone, plain, plain_work = plain_rescoring(in_force.pk)
    model = publishing.draft_from(actor=marketer, model_id=in_force.pk, at=timezone.now())
    began = time.perf_counter()
    preview(model, at=timezone.now())
    previewed = time.perf_counter() - began
    job = publishing.publish(actor=marketer, model_id=model.pk, mode="from_now", at=timezone.now())
    answer = subprocess.run(
        [sys.executable, "-m", "tests.bench.bench_rescoring", str(job.pk)],
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
