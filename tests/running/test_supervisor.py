"""The supervisor restarts what dies and leaves nothing behind, shown with small programs of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from crm.supervisor import Program, Supervisor

STUBBORN = """
import pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(600)
"""

KILLED = """
import pathlib, sys, time
from crm.supervisor import Program, Supervisor
program = Program("sleeper", ["sleep", "600"])
Supervisor(say=print).add(program)
pathlib.Path(sys.argv[1]).write_text(str(program.process.pid))
time.sleep(600)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(say=said.append)
    yield supervisor
    supervisor.stop(seconds=1)


def is_alive(pid: int) -> bool:
    """Whether process `pid` runs: a zombie that nobody has reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def wait_for(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_what_dies_is_started_again_and_named(supervisor: Supervisor, said: list[str]) -> None:
    program = Program("sleeper", ["sleep", "600"])
    supervisor.add(program)
    assert program.process is not None
    first = program.process.pid
    os.kill(first, signal.SIGKILL)
    assert supervisor.wait_until(lambda: program.is_running() and program.process.pid != first, seconds=10)
    assert said == ["The sleeper ended (killed by SIGKILL); it starts again in 0.5 s."]


def test_what_dies_at_once_is_started_ever_more_slowly(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.add(Program("failure", ["false"]))
    supervisor.wait_until(lambda: len(said) == 3, seconds=10)
    assert [sentence.split("again in ")[1] for sentence in said] == ["0.5 s.", "1 s.", "2 s."]


def test_who_ignores_term_is_killed_with_all_it_started(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = Program("stubborn", [sys.executable, "-c", STUBBORN, str(note)])
    supervisor.add(program)
    assert wait_for(lambda: note.exists() and note.read_text() != "")
    grandchild = int(note.read_text())
    assert is_alive(grandchild)
    supervisor.stop(seconds=0.5)
    assert not program.is_running()
    assert wait_for(lambda: not is_alive(grandchild))


def test_the_first_program_stops_last(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "log"
    trap = f'trap "echo $0 >> {log}; exit" TERM; touch {tmp_path}/$0; while :; do sleep 0.05; done'
    for name in ("broker", "site", "worker"):
        supervisor.add(Program(name, ["sh", "-c", trap, name]))
    assert wait_for(lambda: all((tmp_path / name).exists() for name in ("broker", "site", "worker")))
    supervisor.stop(seconds=5)
    stopped = log.read_text().split()
    assert sorted(stopped) == ["broker", "site", "worker"]
    assert stopped[-1] == "broker"


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends children with their parent.")
def test_programs_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", KILLED, str(note)], cwd=settings.BASE_DIR)
    assert wait_for(lambda: note.exists() and note.read_text() != "")
    child = int(note.read_text())
    assert is_alive(child)
    parent.kill()
    parent.wait()
    assert wait_for(lambda: not is_alive(child))
