"""`manage.py up` for real: it becomes ready, survives a killed worker, keeps its data and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from crm import broker, setup

READY_SECONDS = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def variables(data_dir: Path, port: int) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    }
    return {**kept, "DATA_DIR": str(data_dir), "PORT": str(port)}


def manage(data_dir: Path, port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=variables(data_dir, port), capture_output=True, text=True, check=False
    )


@contextmanager
def running(data_dir: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", "up", "--no-demo"]
    with (data_dir / "up.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=variables(data_dir, port), stdout=log, stderr=log, text=True
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)
        broker.remove_socket_dir(data_dir=data_dir)  # a killed one leaves it behind


def ask(port: int, path: str) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


def wait_until_ready(port: int, data_dir: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if ask(port, "/readyz")[0] == 200:
            return
        time.sleep(0.2)
    pytest.fail(f"not ready: {ask(port, '/readyz')}\n{(data_dir / 'up.log').read_text()}")


def processes_of(data_dir: Path) -> list[int]:
    """Every process that was started with this DATA_DIR."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            entries = (folder / "environ").read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile, or is not ours
            continue
        if f"DATA_DIR={data_dir}".encode() in entries:
            found.append(int(folder.name))
    return found


def children_named(parent: int, word: str) -> list[int]:
    lines = subprocess.run(["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in lines.splitlines()]
    return [int(pid) for pid, ppid, arguments in rows if int(ppid) == parent and word in arguments]


def test_up_runs_recovers_and_stops(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port) as process:
        wait_until_ready(port, tmp_path)

        second = manage(tmp_path, free_port(), "up")
        assert second.returncode == 1
        assert second.stderr.startswith(f"CommandError: Baton already runs on {tmp_path} (process {process.pid},")

        elsewhere = manage(tmp_path / "elsewhere", port, "up")
        assert elsewhere.returncode == 1
        assert elsewhere.stderr.startswith(f"CommandError: Port {port} is taken by another program.")

        (worker,) = children_named(process.pid, "--queues celery")
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while children_named(process.pid, "--queues celery") in ([], [worker]):
            assert time.monotonic() < deadline, "the worker was not started again"
            time.sleep(0.1)
        assert "The worker ended (killed by SIGKILL)" in (tmp_path / "up.log").read_text()

        made = manage(tmp_path, port, "shell", "-c", "from crm.models import Team; Team.objects.create(name='kept')")
        assert made.returncode == 0, made.stderr

    assert process.returncode == 0
    assert processes_of(tmp_path) == []
    assert not broker.socket_path(data_dir=tmp_path).parent.exists()

    started_at = time.monotonic()
    with running(tmp_path, port) as process:
        wait_until_ready(port, tmp_path)
        assert time.monotonic() - started_at < READY_SECONDS
        kept = manage(tmp_path, port, "shell", "-c", "from crm.models import Team; print(Team.objects.get().name)")
        assert kept.stdout.split()[-1:] == ["kept"], kept.stderr
        process.kill()
        process.wait()
        deadline = time.monotonic() + 10
        while processes_of(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert processes_of(tmp_path) == []


def test_half_a_demo_is_made_anew(tmp_path: Path) -> None:
    port = free_port()

    def shell(code: str) -> list[str]:
        result = manage(tmp_path, port, "shell", "-c", f"from crm.models import Team; {code}")
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    count = "from leads.models import ActivityType as Type; print(Team.objects.count(), Type.objects.exists())"
    assert manage(tmp_path, port, "migrate").returncode == 0
    shell("Team.objects.create(name='half')")
    assert shell(count)[-2:] == ["1", "True"]
    setup.begin_demo(data_dir=tmp_path)
    with running(tmp_path, port):
        wait_until_ready(port, tmp_path)
        assert shell(count)[-2:] == ["0", "True"]
    assert not setup.is_demo_pending(data_dir=tmp_path)


def test_nobody_works_in_a_demo_that_is_not_made_yet(client: Any, db: None) -> None:
    assert client.get("/login/").status_code != 503
    setup.begin_demo(data_dir=settings.DATA_DIR)
    try:
        assert client.get("/login/").status_code == 503
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").json()["demo"] == "being made"
    finally:
        setup.finish_demo(data_dir=settings.DATA_DIR)
    assert client.get("/login/").status_code != 503
