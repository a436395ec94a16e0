"""How fast clocks that run out are told of, on PostgreSQL, beside plain SQL doing the same work.

Run as `python -m tests.bench.bench_alerts`. Without DATABASE_URL and REDIS_URL it starts throw-away servers. TIMERS
(100,000) is how many clocks are open; 1,000,000 is the size the aims are meant for, and takes some minutes to lay out.

idle        what a sweep costs when nothing is due, with ever more clocks open
sweep       one sweep of 10,000 due clocks among all: each judged anew, a notice and a mail to be sent written for each
            plain: the same rows written by three statements that judge nothing
            together: two processes sweep as many at once, as two workers do when there is more than a batch
through     a real beat and two real workers, mail over SMTP: 20 clocks fall due each second, then many at one instant
"""

# ruff: noqa: S608 - SQL of our own
from __future__ import annotations

import datetime as dt
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

FOLDER = Path(__file__).resolve().parent.parent.parent
DATABASE = "baton_bench_alerts"
DUE = 10_000
RATE, SECONDS = 20, 45
BURST = 2_000
PEOPLE = 200


def main() -> None:
    if not os.environ.get("DATABASE_URL"):
        command = [sys.executable, "tests/servers.py", sys.executable, "-m", "tests.bench.bench_alerts"]
        sys.exit(subprocess.run(command, cwd=FOLDER, check=False).returncode)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    connection.settings_dict["NAME"] = DATABASE
    call_command("migrate", verbosity=0)
    timers = int(os.environ.get("TIMERS", "100000"))
    print(f"{os.cpu_count()} processors, PostgreSQL {connection.pg_version // 10000}", flush=True)
    lay_out_ground()
    idle(timers)
    sweep(timers)
    through()
    connection.close()
    connection.settings_dict["NAME"] = "postgres"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


def lay_out_ground() -> None:
    from crm.models import Role, User
    from tests import clock_rows

    clock_rows.make_sellers(PEOPLE)
    User.objects.create_user("boss@baton.example", name="Boss", roles=(Role.MANAGER,))


# What a sweep costs ---------------------------------------------------------------------------------------------------


def idle(timers: int) -> None:
    from django.utils import timezone

    from crm import flows
    from sla.models import Timer
    from tests import clock_rows

    for wanted in (timers // 100, timers // 10, timers):
        tomorrow = timezone.now() + dt.timedelta(days=1)
        clock_rows.open_clocks(wanted - Timer.objects.count(), first_due_at=tomorrow, apart_seconds=0.001)
        times = []
        for _ in range(50):
            began = time.perf_counter()
            assert flows.sweep_timers(at=timezone.now()) == 0
            times.append(time.perf_counter() - began)
        print(f"{'idle':<10}{statistics.median(times) * 1000:>10,.2f} ms with {wanted:>9,} clocks open", flush=True)


def sweep(timers: int) -> None:
    from django.db import connection, transaction

    from crm import flows
    from crm.models import Delivery, Notice
    from sla.models import Timer
    from tests.bench.beside import processor_seconds

    def instant_of(number: int) -> dt.datetime:
        """When the so-many-th clock falls due."""
        waiting = Timer.objects.filter(next_check_at__isnull=False).order_by("next_check_at")
        return waiting.values_list("next_check_at", flat=True)[number - 1]

    at = instant_of(DUE)
    with connection.cursor() as cursor:
        began, used = time.perf_counter(), processor_seconds()
        with transaction.atomic():
            cursor.execute(
                "CREATE TEMP TABLE due ON COMMIT DROP AS "
                "SELECT t.id, t.assignee_id, t.handoff_id, h.contact_id, t.due_at "
                "FROM sla_timer t JOIN leads_handoff h ON h.id = t.handoff_id WHERE t.next_check_at <= %s",
                [at],
            )
            cursor.execute(
                "INSERT INTO crm_notice (kind, dedup_key, step, params, created_at, contact_id, handoff_id, "
                "recipient_id, timer_id) SELECT 'breach', 'plain:' || id, 0, "
                "jsonb_build_object('milestone', 'contact', 'due_at', due_at), "
                "now(), contact_id, handoff_id, assignee_id, id FROM due"
            )
            cursor.execute(
                f"INSERT INTO crm_delivery ({delivery_columns()}) SELECT {delivery_values()} "
                "FROM crm_notice WHERE dedup_key LIKE 'plain:%%'"
            )
            cursor.execute("UPDATE sla_timer SET step = 1, next_check_at = NULL WHERE id IN (SELECT id FROM due)")
        plain, plain_work = time.perf_counter() - began, processor_seconds() - used
    at = instant_of(DUE)
    before = Notice.objects.count(), Delivery.objects.count()
    began, used = time.perf_counter(), processor_seconds()
    told = flows.sweep_timers(at=at)
    took, work = time.perf_counter() - began, processor_seconds() - used
    assert told == DUE, told
    assert (Notice.objects.count() - before[0], Delivery.objects.count() - before[1]) == (DUE, DUE)
    print(
        f"{'sweep':<10}{took:>10,.2f} s for {DUE:,} due of {timers:,} clocks   plain SQL {plain:,.2f} s"
        f"   ratio {took / plain:.1f}   aim: under 1 s at 1,000,000",
        flush=True,
    )
    print(
        f"{'':<10}{work:>10,.2f} processor seconds, plain {plain_work:,.2f}; load {os.getloadavg()[0]:.1f}", flush=True
    )
    took = sweep_together(at=instant_of(DUE))
    print(f"{'together':<10}{took:>10,.2f} s for {DUE:,} due, by two processes", flush=True)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE crm_notice, crm_delivery CASCADE")


SWEEPER = """
import datetime as dt, sys
import django
django.setup()
from crm import flows
at = dt.datetime.fromisoformat(sys.argv[1])
flows.sweep_timers(at=at - dt.timedelta(days=1))
print("ready", flush=True)
sys.stdin.readline()
print(flows.sweep_timers(at=at), flush=True)
"""


def sweep_together(*, at: dt.datetime) -> float:
    """How many seconds two processes take to sweep what is due, both ready beforehand."""
    sweepers = [
        subprocess.Popen(
            [sys.executable, "-c", SWEEPER, at.isoformat()],
            cwd=FOLDER,
            env=os.environ | {"DATABASE_URL": bench_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for one in sweepers:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for one in sweepers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [int(one.stdout.readline()) for one in sweepers if one.stdout is not None]
    took = time.perf_counter() - began
    for one in sweepers:
        one.communicate()
    assert sum(told) == DUE and all(told), told
    return took


def bench_url() -> str:
    """The address of the benchmark's own database."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{DATABASE}"))


def delivery_columns() -> str:
    return "channel, state, next_attempt_at, attempts, leases_lost, error, created_at, recipient_id, notice_id"


def delivery_values() -> str:
    return "'email', 'queued', created_at, 0, 0, '', created_at, recipient_id, id"


# From due to sent -----------------------------------------------------------------------------------------------------


def through() -> None:
    from django.utils import timezone

    from crm.models import Delivery
    from sla.models import Timer
    from tests import clock_rows
    from tests.concurrency import mail_server

    with ExitStack() as stack:
        mail = stack.enter_context(mail_server.running())
        stack.enter_context(celery("worker", mail.url, "--concurrency", "2"))
        stack.enter_context(celery("worker", mail.url, "--concurrency", "2"))
        stack.enter_context(celery("beat", mail.url, "--pidfile", ""))
        wait_for_work(mail)
        soon = timezone.now() + dt.timedelta(seconds=5)
        clock_rows.open_clocks(RATE * SECONDS, first_due_at=soon, apart_seconds=1 / RATE)
        wait_until_sent(RATE * SECONDS, seconds=SECONDS + 60)
        delays = sorted(
            (sent_at - due_at).total_seconds()
            for due_at, sent_at in Delivery.objects.filter(state="sent", notice__kind="breach").values_list(
                "notice__timer__due_at", "sent_at"
            )
        )
        print(
            f"{'through':<10}{RATE:>10,} clocks a second among {Timer.objects.count():,}: due to sent "
            f"{statistics.median(delays):.1f} s in the middle, {delays[int(len(delays) * 0.99)]:.1f} s at the 99th "
            "percentile   aim: under 10 s",
            flush=True,
        )
        done = Delivery.objects.filter(state="sent").count()
        due_at = timezone.now() + dt.timedelta(seconds=5)
        clock_rows.open_clocks(BURST, first_due_at=due_at, apart_seconds=0)
        wait_until_sent(done + BURST, seconds=180)
        last = Delivery.objects.filter(state="sent").order_by("-sent_at").values_list("sent_at", flat=True)[0]
        took = (last - due_at).total_seconds()
        print(f"{'burst':<10}{BURST / took:>10,.0f} alerts a second: {BURST:,} at one instant in {took:.1f} s")


def wait_until_sent(number: int, *, seconds: float) -> None:
    from crm.models import Delivery

    deadline = time.monotonic() + seconds
    while (sent := Delivery.objects.filter(state="sent").count()) < number:
        if time.monotonic() > deadline:
            raise SystemExit(f"Only {sent} of {number} were sent within {seconds} s.")
        time.sleep(0.25)


def wait_for_work(mail) -> None:
    """Until the first mail has come through: beat and the workers are up."""
    from django.utils import timezone

    from crm.models import Delivery, Notice
    from tests import clock_rows

    clock_rows.open_clocks(1, first_due_at=timezone.now(), apart_seconds=0)
    deadline = time.monotonic() + 60
    while not mail.messages:
        if time.monotonic() > deadline:
            raise SystemExit("No worker sends anything.")
        time.sleep(0.1)
    time.sleep(0.5)
    Delivery.objects.all().delete()
    Notice.objects.all().delete()


@contextmanager
def celery(kind: str, email_url: str, *extra: str) -> Iterator[None]:
    variables = os.environ | {
        "DATABASE_URL": bench_url(),
        "EMAIL_URL": email_url,
        "LOG_LEVEL": "ERROR",
        "DIGEST_ABOVE": "100000",  # each alert leaves by itself
    }
    command = [sys.executable, "-m", "celery", "-A", "crm", "--quiet", kind, "--loglevel", "error", *extra]
    process = subprocess.Popen(command, cwd=FOLDER, env=variables, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    main()
