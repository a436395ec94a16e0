"""Runs several programs as one: starts them, restarts what dies, stops all of them. Knows nothing of Django.

Every program is the leader of a session of its own, so that a Ctrl-C in the terminal reaches the supervisor alone and
the order of stopping is ours. On Linux the kernel ends the programs when the supervisor itself is killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
# Who ran this long has recovered: the next restart is quick again.
STEADY_SECONDS = 60.0
POLL_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One program to keep running. `dies_by` is the signal the kernel sends it when the supervisor is killed."""

    name: str
    command: list[str]
    dies_by: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    quick_deaths: int = field(default=0)

    def start(self) -> None:
        """Start it now."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(self.dies_by),  # safe: the supervisor has one thread
        )
        self.started_at = time.monotonic()
        self.restart_at = None

    def is_running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Supervisor:
    """Keeps programs running, in the order in which they were added; stops them in the reverse order.

    `say` is told in a sentence what happened.
    """

    say: Callable[[str], None]
    programs: list[Program] = field(default_factory=list)
    is_stopping: bool = False

    def catch_signals(self) -> None:
        """From now on INT, TERM and HUP only note that everything is to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_stop)

    def add(self, program: Program) -> None:
        """Start `program` and keep it running."""
        program.start()
        self.programs.append(program)

    def tick(self) -> None:
        """Look at every program once: note who died, restart whose time has come."""
        for program in self.programs:
            if program.is_running():
                continue
            now = time.monotonic()
            if program.restart_at is None:
                code = program.process.returncode if program.process else None
                wait = self._note_death(program, now=now)
                self.say(f"The {program.name} ended ({_ending(code)}); it starts again in {wait:g} s.")
            elif now >= program.restart_at:
                program.start()

    def wait_until(self, condition: Callable[[], bool], *, seconds: float) -> bool:
        """Keep the programs running until `condition` holds (True), a stop is asked for or `seconds` pass (False)."""
        deadline = time.monotonic() + seconds
        while not self.is_stopping and time.monotonic() < deadline:
            if condition():
                return True
            self.tick()
            time.sleep(POLL_SECONDS)
        return False

    def run_once(self, program: Program) -> int | None:
        """Run `program` to its end while the others are kept running; its exit code, None when a stop was asked for."""
        program.start()
        assert program.process is not None
        try:
            self.wait_until(lambda: not program.is_running(), seconds=float("inf"))
            return program.process.poll()
        finally:
            _stop([program], seconds=5)

    def run(self) -> None:
        """Keep the programs running until a stop is asked for."""
        self.wait_until(lambda: False, seconds=float("inf"))

    def stop(self, *, seconds: float = 8.0) -> None:
        """Stop all: the programs added last first, together, and the first one (the broker of the others) at the end.

        Each gets TERM, and KILL for it and all it started when it has not ended within `seconds`.
        """
        self.is_stopping = True
        _stop(self.programs[1:], seconds=seconds)
        _stop(self.programs[:1], seconds=seconds)

    def _note_stop(self, number: int, frame: object) -> None:
        self.is_stopping = True

    def _note_death(self, program: Program, *, now: float) -> float:
        lived = now - program.started_at
        program.quick_deaths = 1 if lived > STEADY_SECONDS else program.quick_deaths + 1
        wait = min(FIRST_RESTART_SECONDS * 2 ** (program.quick_deaths - 1), LONGEST_RESTART_SECONDS)
        program.restart_at = now + wait
        if program.process is not None:
            _signal_group(program.process, signal.SIGKILL)  # what the dead one left behind
        return wait


def _stop(programs: list[Program], *, seconds: float) -> None:
    running = [program.process for program in programs if program.process is not None]
    for process in reversed(running):
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + seconds
    for process in running:
        try:
            process.wait(timeout=max(deadline - time.monotonic(), 0.05))
        except subprocess.TimeoutExpired:
            pass  # it hangs: the KILL below ends it
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # the whole group has ended already (macOS answers the latter)


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child is to do before it becomes its program, so that the kernel sends it `number` when we are killed.

    For `preexec_fn`; None where the kernel has no such service. We must start the child from our main thread: the
    kernel watches the thread, not the process.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_the_kernel


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"killed by {signal.Signals(-code).name}"
