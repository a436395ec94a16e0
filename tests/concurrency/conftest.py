"""Real processes on the test's PostgreSQL database and on a Redis database of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from crm import broker

STOP_SECONDS = 10


@dataclass
class Processes:
    """Starts Baton's own programs against the database of the running test.

    The test's rows must be committed before a process can see them: `installation` sees to that. `redis_url` is a
    database that no other test run uses, empty at the start of the test.
    """

    variables: dict[str, str]
    redis_url: str
    log_dir: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `python ARGUMENTS…` beside the test, such as "manage.py", "shell", "-c", "…"."""
        log = self.log_dir / f"{len(self.started)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=settings.BASE_DIR,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a Celery worker of one process, ready for tasks when this returns."""
        name = f"worker{len(self.started)}"
        options = ["--hostname", f"{name}@%h", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        process = self.start("-m", "celery", "-A", "crm", "worker", "--concurrency", "1", *options)
        wait_for(lambda: f"{name}@" in self.output(process) and " ready." in self.output(process), seconds=60)
        return process

    def run(self, *arguments: str, seconds: float = 60) -> str:
        """Run `python ARGUMENTS…` to its end; what it printed. Fails when it fails."""
        process = self.start(*arguments)
        code = process.wait(timeout=seconds)
        assert code == 0, self.output(process)
        return self.output(process)

    def output(self, process: subprocess.Popen[bytes]) -> str:
        """What `process` has printed so far."""
        return (self.log_dir / f"{self.started.index(process)}.log").read_text()

    def stop(self) -> None:
        """End what still runs, with all it started."""
        for process in self.started:
            if process.poll() is None:
                process.terminate()
        for process in self.started:
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()


def wait_for(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until `condition` holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen within {seconds:g} s"
        time.sleep(0.05)


@pytest.fixture
def installation(transactional_db: None, worker_id: str, tmp_path: Path) -> Iterator[Processes]:
    """Baton's programs beside this test; all are ended after it."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 1
    redis_url = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}"))
    with broker.connect(url=redis_url) as client:
        client.flushdb()
    variables = {**os.environ, "DATABASE_URL": urlunsplit(database), "REDIS_URL": redis_url, "DATA_DIR": str(tmp_path)}
    processes = Processes(variables=variables, redis_url=redis_url, log_dir=tmp_path)
    yield processes
    processes.stop()
