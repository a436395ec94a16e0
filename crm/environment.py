"""What the environment says about this installation, read once and checked before anything starts.

None of DATABASE_URL, REDIS_URL and SECRET_KEY set means *embedded*: SQLite and a broker of our own in DATA_DIR, for
trying Baton on one machine. Any of them set means *production*, and then all three are required.
"""

import os
import secrets
import tempfile
import warnings
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from crm import broker

PRODUCTION_NAMES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
REDIS_SCHEMES = ("redis", "rediss", "redis+socket")
EMAIL_SCHEMES = ("consolemail", "filemail", "smtp", "smtps", "smtp+tls", "smtp+ssl")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off", "")
MIN_SECRET_KEY_LENGTH = 16


class EnvironmentProblem(Exception):
    """A variable is missing or malformed; the message is one sentence that begins with its name."""


@dataclass(frozen=True)
class Environment:
    """Every setting that an installation chooses. Instants and durations are in seconds, folders absolute."""

    is_embedded: bool
    is_debug: bool
    data_dir: Path
    secret_key: str
    database: dict[str, Any]
    redis_url: str
    host: str
    port: int
    site_url: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    email: dict[str, Any]
    default_from_email: str
    time_zone: str
    are_webhooks_inside_allowed: bool
    digest_above: int
    web_workers: int
    web_threads: int
    worker_processes: int
    log_level: str

    @property
    def is_https(self) -> bool:
        """Whether people reach the site over TLS: then cookies are secure, HTTP is redirected and HSTS is sent."""
        return self.site_url.startswith("https://")


def read(*, variables: Mapping[str, str], base_dir: Path) -> Environment:
    """The environment described by `variables`; relative folders are below `base_dir`.

    Raises EnvironmentProblem, naming the variable, when one is missing or malformed. Reads and writes no file: the
    embedded secret key is left empty here and filled by `load`.
    """
    is_embedded = not any(variables.get(name) for name in PRODUCTION_NAMES)
    for name in PRODUCTION_NAMES:
        if not is_embedded and not variables.get(name):
            given = " and ".join(other for other in PRODUCTION_NAMES if variables.get(other))
            raise EnvironmentProblem(
                f"{name} is missing: {given} is set, and production needs all of {', '.join(PRODUCTION_NAMES)}."
            )
    data_dir = (base_dir / (variables.get("DATA_DIR") or "data")).resolve()
    port = _read_number(variables, "PORT", default=8000, low=1, high=65535)
    site_url = _read_origin("SITE_URL", variables.get("SITE_URL") or f"http://127.0.0.1:{port}")
    return Environment(
        is_embedded=is_embedded,
        is_debug=_read_bool(variables, "DEBUG", default=False),
        data_dir=data_dir,
        secret_key="" if is_embedded else _read_secret_key(variables),
        database=_embedded_database(data_dir) if is_embedded else _read_database(variables),
        redis_url=broker.socket_url(data_dir=data_dir) if is_embedded else _read_redis_url(variables),
        host=variables.get("HOST") or "127.0.0.1",
        port=port,
        site_url=site_url,
        allowed_hosts=_read_hosts(variables, site_url=site_url),
        csrf_trusted_origins=[
            _read_origin("CSRF_TRUSTED_ORIGINS", origin)
            for origin in _read_list(variables, "CSRF_TRUSTED_ORIGINS") or [site_url]
        ],
        email=_read_email(variables),
        default_from_email=variables.get("DEFAULT_FROM_EMAIL") or "Baton <baton@localhost>",
        time_zone=_read_time_zone(variables),
        are_webhooks_inside_allowed=_read_bool(variables, "WEBHOOKS_INSIDE", default=False),
        digest_above=_read_number(variables, "DIGEST_ABOVE", default=5, low=1, high=100_000),
        web_workers=_read_number(variables, "WEB_WORKERS", default=1 if is_embedded else 2, low=1, high=64),
        web_threads=_read_number(variables, "WEB_THREADS", default=8 if is_embedded else 4, low=1, high=64),
        worker_processes=_read_number(variables, "WORKER_PROCESSES", default=2, low=1, high=64),
        log_level=_read_log_level(variables),
    )


def load(*, base_dir: Path) -> Environment:
    """The environment of this process, its folder made and its embedded secret key in place.

    Ends the process with one sentence and exit code 1 when a variable is missing or malformed.
    """
    try:
        environment = read(variables=os.environ, base_dir=base_dir)
        try:
            environment.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise EnvironmentProblem(f"DATA_DIR {environment.data_dir} cannot be made: {error.strerror}.") from error
        if environment.is_embedded:
            object.__setattr__(environment, "secret_key", _keep_secret_key(data_dir=environment.data_dir))
    except EnvironmentProblem as problem:
        raise SystemExit(f"Baton cannot start: {problem}") from None
    return environment


def _embedded_database(data_dir: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": data_dir / "baton.sqlite3",
        "OPTIONS": {
            # With Django's defaults two thirds of concurrent writes fail: a transaction that begins by reading cannot
            # wait for its turn to write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def _read_database(variables: Mapping[str, str]) -> dict[str, Any]:
    url = variables["DATABASE_URL"]
    wanted = "must look like postgres://USER:PASSWORD@HOST:5432/NAME"
    try:
        scheme = urlsplit(url).scheme
        with warnings.catch_warnings(action="ignore"):
            database = environ.Env.db_url_config(url)
    except ValueError as error:
        raise EnvironmentProblem(f"DATABASE_URL {wanted} ({error}).") from error
    if scheme not in ("postgres", "postgresql"):
        raise EnvironmentProblem(f"DATABASE_URL {wanted}, not begin with '{scheme or url[:12]}'.")
    if not database.get("NAME"):
        raise EnvironmentProblem(f"DATABASE_URL {wanted}; it names no database.")
    # Compiling a statement costs more than any of ours takes, and on today's disks a row by its index costs hardly more
    # than the next row: else each foreign key to a person is checked by reading all people. Who wants it otherwise
    # gives `?options=-c%20jit%3Don`.
    options = {"options": "-c jit=off -c random_page_cost=1.1", **database.get("OPTIONS", {})}
    return {**database, "OPTIONS": options, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def _read_redis_url(variables: Mapping[str, str]) -> str:
    url = variables["REDIS_URL"]
    wanted = "must look like redis://HOST:6379/0"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise EnvironmentProblem(f"REDIS_URL {wanted} ({error}).") from error
    if parts.scheme not in REDIS_SCHEMES:
        raise EnvironmentProblem(f"REDIS_URL {wanted}, not begin with '{parts.scheme or url[:12]}'.")
    if not (parts.path if parts.scheme == "redis+socket" else parts.hostname):
        raise EnvironmentProblem(f"REDIS_URL {wanted}; it names no host.")
    return url


def _read_secret_key(variables: Mapping[str, str]) -> str:
    key = variables["SECRET_KEY"]
    if len(key) < MIN_SECRET_KEY_LENGTH:
        raise EnvironmentProblem(
            f"SECRET_KEY must have at least {MIN_SECRET_KEY_LENGTH} characters that nobody can guess; "
            "`openssl rand -base64 48` prints some."
        )
    return key


def _keep_secret_key(*, data_dir: Path) -> str:
    """The key in `data_dir`, made when absent. Processes that start together share one: the first link wins."""
    path = data_dir / "secret_key"
    try:
        if not path.exists():
            handle, fresh = tempfile.mkstemp(dir=data_dir, prefix=".secret_key-")  # mode 600
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_urlsafe(48))
                os.link(fresh, path)
            except FileExistsError:
                pass  # another process was first, and its key is the one read below
            finally:
                os.unlink(fresh)
        return path.read_text().strip()
    except OSError as error:
        raise EnvironmentProblem(f"DATA_DIR {data_dir} cannot hold the secret key: {error.strerror}.") from error


def _read_email(variables: Mapping[str, str]) -> dict[str, Any]:
    url = variables.get("EMAIL_URL") or "consolemail://"
    wanted = "must look like smtp://USER:PASSWORD@HOST:25, smtp+tls://…:587, filemail:///FOLDER or consolemail://"
    try:
        parts = urlsplit(url)
        if parts.scheme not in EMAIL_SCHEMES:
            raise EnvironmentProblem(f"EMAIL_URL {wanted}, not begin with '{parts.scheme or url[:12]}'.")
        if parts.scheme.startswith("smtp") and not parts.hostname:
            raise EnvironmentProblem(f"EMAIL_URL {wanted}; it names no host.")
        config = environ.Env.email_url_config(url)
    except ValueError as error:
        raise EnvironmentProblem(f"EMAIL_URL {wanted} ({error}).") from error
    if parts.scheme == "filemail":
        config["EMAIL_FILE_PATH"] = parts.path
    return {name: value for name, value in config.items() if value is not None}


def _read_hosts(variables: Mapping[str, str], *, site_url: str) -> list[str]:
    hosts = _read_list(variables, "ALLOWED_HOSTS") or [urlsplit(site_url).hostname or ""]
    for host in hosts:
        if "/" in host or " " in host:
            raise EnvironmentProblem(f"ALLOWED_HOSTS must be host names parted by commas, and '{host}' is none.")
    # Health checks and the person at the machine itself come by these names.
    return [*dict.fromkeys([*hosts, "localhost", "127.0.0.1", "[::1]"])]


def _read_origin(name: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
        raise EnvironmentProblem(f"{name} must look like https://baton.example.com, and '{value}' does not.")
    return f"{parts.scheme}://{parts.netloc}"


def _read_time_zone(variables: Mapping[str, str]) -> str:
    name = variables.get("TIME_ZONE") or "UTC"
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise EnvironmentProblem(f"TIME_ZONE must be a name such as Europe/Helsinki, and '{name}' is none.") from error
    return name


def _read_log_level(variables: Mapping[str, str]) -> str:
    level = (variables.get("LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        raise EnvironmentProblem(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, and '{level}' is none.")
    return level


def _read_number(variables: Mapping[str, str], name: str, *, default: int, low: int, high: int) -> int:
    text = variables.get(name) or str(default)
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise EnvironmentProblem(f"{name} must be a whole number from {low} to {high}, and '{text}' is none.")
    return number


def _read_bool(variables: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = variables.get(name, str(default)).lower()
    if text not in TRUE_WORDS + FALSE_WORDS:
        raise EnvironmentProblem(f"{name} must be on or off, and '{text}' is neither.")
    return text in TRUE_WORDS


def _read_list(variables: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in variables.get(name, "").split(",") if item.strip()]
