"""Real processes beside the test: hands that act at the same instant, workers that can be killed, a mail server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from crm import broker
from crm.supervisor import die_with_parent
from tests.concurrency import mail_server, webhook_server
from tests.concurrency.mail_server import MailServer
from tests.concurrency.webhook_server import WebhookServer

LEAD_SECONDS = 0.03
"""How long before the common instant the last order is given."""


def database_url() -> str:
    """The test's own database, as another process names it."""
    parts = connection.settings_dict
    secret = f":{parts['PASSWORD']}" if parts["PASSWORD"] else ""
    return f"postgres://{parts['USER']}{secret}@{parts['HOST']}:{parts['PORT'] or 5432}/{parts['NAME']}"


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> Iterator[str]:
    """A database of the broker that no other run of tests uses, empty at first."""
    number = 2 + int("".join(filter(str.isdigit, worker_id)) or 0)
    url = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}"))
    with broker.connect(url=url) as client:
        client.flushdb()
    yield url
    with broker.connect(url=url) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def variables(django_db_setup: None, redis_url: str) -> dict[str, str]:
    """The environment of a process that works on the test's database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": redis_url,
        "DATA_DIR": str(settings.DATA_DIR),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "LOG_LEVEL": "WARNING",
        # Tests count single sendings; that of the digests asks for them.
        "DIGEST_ABOVE": "100000",
    }


class Hand:
    """One process that does what it is told."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.concurrency.hand"],
            cwd=settings.BASE_DIR,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    def tell(self, act: str, *, go_at: float = 0.0, **arguments: Any) -> None:
        """Order something."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"act": act, "go_at": go_at, "arguments": arguments}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """What came of it; waits until it is known."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"a hand ended with {self.process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        return answer


Together = Callable[[Sequence[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def hands(variables: dict[str, str]) -> Iterator[Together]:
    """`hands([{"act": …, …}, …])` has each order done by a process of its own, all at one instant; their answers."""
    crew: list[Hand] = []

    def together(orders: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        fresh = [Hand(variables) for _ in range(len(orders) - len(crew))]
        crew.extend(fresh)
        for hand in fresh:
            assert hand.answer() == {"result": "ready"}
        go_at = time.time() + LEAD_SECONDS
        for hand, order in zip(crew, orders, strict=False):
            hand.tell(go_at=go_at, **order)
        return [hand.answer() for hand in crew[: len(orders)]]

    yield together
    for hand in crew:
        assert hand.process.stdin is not None and hand.process.stdout is not None
        hand.process.stdin.close()
        hand.process.wait(timeout=20)
        hand.process.stdout.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server of the test's own."""
    with mail_server.running() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[WebhookServer]:
    """A receiver of webhooks of the test's own."""
    with webhook_server.running() as server:
        yield server


Running = Callable[..., Any]


@pytest.fixture
def celery(variables: dict[str, str], mail: MailServer, tmp_path: Path) -> Running:
    """`with celery("worker") as process:` runs a real worker, or beat, that sends its mail to `mail`."""

    @contextmanager
    def run(kind: str) -> Iterator[subprocess.Popen[bytes]]:
        extra = {"worker": ["--concurrency", "2"], "beat": ["--pidfile", ""]}[kind]
        command = [sys.executable, "-m", "celery", "-A", "crm", "--quiet", kind, "--loglevel", "warning", *extra]
        with (tmp_path / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=variables | {"EMAIL_URL": mail.url, "WEBHOOKS_INSIDE": "on"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
        try:
            yield process
        finally:
            kill_group(process)
            sys.stdout.write((tmp_path / f"{kind}.log").read_text())  # shown when the test fails

    return run


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children as `kill -9` does; one that ended already is left alone."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
