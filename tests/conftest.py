"""What every test stands on: a database like the real one, no broker, no slow password hashing, a folder of its own."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from crm import broker
from crm.models import Role, Team, User
from crm.models.people import TeamKind
from scoring.services import published_version

PASSWORD = "correct horse battery"
IS_POSTGRESQL = bool(os.environ.get("DATABASE_URL"))

# They need a server that locks rows, and real processes beside it: `make test-postgres`.
collect_ignore = [] if IS_POSTGRESQL else ["concurrency"]


def pytest_configure(config: pytest.Config) -> None:
    from crm.celery import app

    # One round, for tests only: the real hasher spends a quarter of a second on every user.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Hashed names need `collectstatic` to have run; the names of files are not what tests are about.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STATIC_ROOT = None
    settings.WHITENOISE_USE_FINDERS = True
    # Tasks queued by what is tested go nowhere: tests call a task's function themselves.
    app.conf.broker_url = "memory://"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that commits is cleaned up by emptying every table: have what the migrations put there put back."""
    for item in items:
        marker = item.get_closest_marker("django_db")
        fixtures = getattr(item, "fixturenames", ())
        if (marker and marker.kwargs.get("transaction")) or {"transactional_db", "live_server"} & set(fixtures):
            item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run's files, instead of the installation's own."""
    settings.DATA_DIR = tmp_path_factory.mktemp("data")
    settings.MEDIA_ROOT = settings.DATA_DIR / "files"
    return settings.DATA_DIR


@pytest.fixture(autouse=True)
def no_version_in_memory() -> None:
    """What a test rolled back gives its ids to the next one's rows."""
    published_version.cache_clear()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as in an installation: in memory all threads share one connection and nothing waits."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture
def anonymous() -> Client:
    """A browser in which nobody is logged in, whose forms are checked for their CSRF token."""
    return Client(enforce_csrf_checks=True)


def make_user(role: str, *, name: str, team: Team | None = None) -> User:
    """A person with one role, who logs in with the password of all test people."""
    return User.objects.create_user(
        f"{name.lower().replace(' ', '.')}@baton.example", PASSWORD, name=name, roles=(role,), team=team
    )


@pytest.fixture
def marketer(db: None) -> User:
    """A person of marketing."""
    return make_user(Role.MARKETER, name="Mira Marketer")


@pytest.fixture
def sales_team(db: None) -> Team:
    """The team of `salesperson` and `manager`."""
    return Team.objects.create(name="Field sales", kind=TeamKind.SALES)


@pytest.fixture
def salesperson(sales_team: Team) -> User:
    """A person of sales."""
    return make_user(Role.SALESPERSON, name="Sam Seller", team=sales_team)


@pytest.fixture
def other_salesperson(sales_team: Team) -> User:
    """A team mate of `salesperson`."""
    return make_user(Role.SALESPERSON, name="Otto Other", team=sales_team)


@pytest.fixture
def manager(sales_team: Team) -> User:
    """The manager of both teams."""
    return make_user(Role.MANAGER, name="Maija Manager", team=sales_team)


@pytest.fixture
def administrator(db: None) -> User:
    """A person who sets Baton up."""
    return make_user(Role.ADMIN, name="Ada Admin")


@pytest.fixture
def browsing() -> Callable[[User], Client]:
    """`browsing(user)` is a browser in which that person is logged in."""

    def log_in(user: User) -> Client:
        fresh = Client()
        fresh.force_login(user)
        return fresh

    return log_in


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker: that of REDIS_URL, else the embedded one on a socket of its own."""
    if IS_POSTGRESQL:
        yield os.environ["REDIS_URL"]
        return
    folder = tmp_path_factory.mktemp("broker")
    (folder / "broker").mkdir()
    url = broker.socket_url(data_dir=folder)
    socket = broker.make_socket_dir(data_dir=folder)
    server = subprocess.Popen(broker.server_command(data_dir=folder), stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with broker.connect(url=url) as client:
            client.ping()
        yield url
    finally:
        server.terminate()
        server.wait()
        broker.remove_socket_dir(data_dir=folder)
