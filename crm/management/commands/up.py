"""`manage.py up`: everything Baton needs, on one machine, until Ctrl-C."""

import errno
import fcntl
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection

from crm import broker, heartbeat, setup
from crm.celery import app as celery_app
from crm.supervisor import Program, Supervisor

BROKER_SECONDS = 30
WEB_SECONDS = 60
READY_SECONDS = 120
# The advisory lock under which machines that start together migrate one after the other.
MIGRATION_LOCK = 0x_BA70


class Command(BaseCommand):
    help = "Starts the site, the worker and the clock; embedded also the broker and, in an empty database, the demo."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="Leave an empty database empty.")

    def handle(self, *, no_demo: bool, **options: Any) -> None:
        supervisor = Supervisor(say=self._say)
        with _hold_lock(settings.DATA_DIR / "up.lock"):
            _check_port()
            supervisor.catch_signals()
            try:
                self._start(supervisor, is_demo_wanted=settings.IS_EMBEDDED and not no_demo)
                supervisor.run()
            finally:
                if supervisor.programs:
                    self._say("Baton stops …")
                supervisor.stop()
                if settings.IS_EMBEDDED:
                    broker.remove_socket_dir(data_dir=settings.DATA_DIR)

    def _start(self, supervisor: Supervisor, *, is_demo_wanted: bool) -> None:
        """1. broker 2. migrations 3. site 4. demo 5. worker and beat, which must not sweep over half a demo."""
        if settings.IS_EMBEDDED:
            self._start_broker(supervisor)
        self._prepare_database()
        is_demo_due = _begin_demo_if_due(is_demo_wanted=is_demo_wanted)
        connection.close()
        supervisor.add(_python("site", "-m", "gunicorn", "--config", "python:crm.webserver", "crm.wsgi"))
        if not supervisor.wait_until(lambda: _get("/healthz") == 200, seconds=WEB_SECONDS):
            return _give_up(supervisor, "The site did not answer; what it printed above says why.")
        if is_demo_due:
            self._make_demo(supervisor)
        if supervisor.is_stopping:
            return None
        level = settings.ENVIRONMENT.log_level
        count = str(settings.ENVIRONMENT.worker_processes)
        # Whoever tries Baton out may be root on their machine; Celery's page-long warning is for servers.
        warnings = ("-W", "ignore:You're running the worker with superuser") if settings.IS_EMBEDDED else ()
        celery = (*warnings, "-m", "celery", "-A", "crm", "--quiet")
        quiet = ("--without-gossip", "--without-mingle")
        worker = (*celery, "worker", "--loglevel", level, *quiet)
        supervisor.add(_python("worker", *worker, "--queues", "celery", "--concurrency", count))
        supervisor.add(_python("jobs", *worker, "--queues", "jobs", "--concurrency", "1", "--hostname", "jobs@%h"))
        supervisor.add(_python("beat", *celery, "beat", "--loglevel", level, "--pidfile", ""))
        # Beat queues its first task only after an interval; this one says sooner that broker and worker do their part.
        celery_app.send_task("crm.tasks.heartbeat", expires=READY_SECONDS)
        if supervisor.wait_until(lambda: _get("/readyz") == 200, seconds=READY_SECONDS):
            return self._greet()
        return _give_up(supervisor, f"Baton is not ready; {_own_url()}/readyz says what is missing.", is_fatal=False)

    def _start_broker(self, supervisor: Supervisor) -> None:
        try:
            broker.make_socket_dir(data_dir=settings.DATA_DIR)
        except OSError as error:
            raise CommandError(str(error)) from error
        (settings.DATA_DIR / "broker").mkdir(exist_ok=True)
        if not _stop_leftover_broker(supervisor):
            raise CommandError(
                "A broker of an earlier start still runs on this DATA_DIR and does not stop; end it first."
            )
        supervisor.add(Program("broker", broker.server_command(data_dir=settings.DATA_DIR)))
        if not supervisor.wait_until(_does_broker_answer, seconds=BROKER_SECONDS):
            return _give_up(
                supervisor, f"The broker did not answer; {broker.log_path(data_dir=settings.DATA_DIR)} says why."
            )
        with broker.connect(url=settings.REDIS_URL) as client:
            client.delete(heartbeat.KEY)  # that of an earlier start says nothing about this one
        return None

    def _prepare_database(self) -> None:
        if settings.IS_EMBEDDED and setup.is_demo_pending(data_dir=settings.DATA_DIR):
            remove_half_demo()
        with _alone_on_postgresql():
            call_command("migrate", verbosity=0, interactive=False)
        if not settings.IS_EMBEDDED:
            call_command("collectstatic", verbosity=0, interactive=False)

    def _make_demo(self, supervisor: Supervisor) -> None:
        self._say(f"Making the demo: a company at work. {_own_url()} opens when it stands …")
        code = supervisor.run_once(_python("demo", str(settings.BASE_DIR / "manage.py"), "demo"))
        if supervisor.is_stopping:
            return
        if code != 0:
            raise CommandError(
                "The demo could not be made; what it printed above says why. `--no-demo` starts without it."
            )
        setup.finish_demo(data_dir=settings.DATA_DIR)

    def _greet(self) -> None:
        self._say(f"Baton is ready at {_own_url()}")
        emails = ("marketer@demo.example", "sales@demo.example", "manager@demo.example", "admin@demo.example")
        known = set(get_user_model().objects.filter(email__in=emails).values_list("email", flat=True))
        connection.close()
        if settings.IS_EMBEDDED and known:
            self._say("Log in, password demo, as " + " · ".join(email for email in emails if email in known))
        self._say("Ctrl-C stops it.")

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def remove_half_demo() -> None:
    """Remove the database in which an interrupted start left half a demo.

    It is nobody's work: the site takes no request before its demo stands. The file goes as a whole, since what the
    migrations put into its tables must come back with them.
    """
    connection.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{settings.DATABASES['default']['NAME']}{ending}").unlink(missing_ok=True)
    setup.finish_demo(data_dir=settings.DATA_DIR)


def _begin_demo_if_due(*, is_demo_wanted: bool) -> bool:
    """Whether the demo is to be made now: it is wanted, and nobody works here yet."""
    is_due = is_demo_wanted and not get_user_model().objects.exists()
    if is_due:
        setup.begin_demo(data_dir=settings.DATA_DIR)
    return is_due


def _python(name: str, *arguments: str) -> Program:
    # A worker told to TERM may wait for a broker that the same end took away; nothing it holds is lost by KILL.
    dies_by = signal.SIGTERM if name == "site" else signal.SIGKILL
    return Program(name, [sys.executable, *arguments], dies_by=dies_by)


def _give_up(supervisor: Supervisor, sentence: str, *, is_fatal: bool = True) -> None:
    """Raise CommandError with `sentence`, unless it was a stop asked for that ended the waiting."""
    if supervisor.is_stopping:
        return
    if is_fatal:
        raise CommandError(sentence)
    supervisor.say(sentence)


def _does_broker_answer() -> bool:
    try:
        with broker.connect(url=settings.REDIS_URL) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _stop_leftover_broker(supervisor: Supervisor) -> bool:
    """Stop the broker of a start that was killed; True when none runs any more."""
    if not _does_broker_answer():
        return True
    try:
        with broker.connect(url=settings.REDIS_URL) as client:
            client.shutdown()
    except redis.RedisError:
        return not _does_broker_answer()
    return supervisor.wait_until(lambda: not _does_broker_answer(), seconds=BROKER_SECONDS)


@contextmanager
def _alone_on_postgresql() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    """Hold this DATA_DIR alone; the kernel lets go of the lock however the process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            raise CommandError(
                f"Baton already runs on {path.parent} ({owner}). Stop that one first, or choose another DATA_DIR."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, {_own_url()}")
        file.flush()
        yield


def _check_port() -> None:
    host, port = settings.ENVIRONMENT.host, settings.ENVIRONMENT.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error}"
            raise CommandError(f"Port {port} {reason}. Choose another one, for example PORT={port + 1}.") from None


def _own_url() -> str:
    host = settings.ENVIRONMENT.host
    return f"http://{'127.0.0.1' if host in ('', '0.0.0.0') else host}:{settings.ENVIRONMENT.port}"  # noqa: S104


def _get(path: str) -> int | None:
    """The status with which the site answers `path`; None when it does not answer."""
    try:
        with urllib.request.urlopen(_own_url() + path, timeout=5) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None
