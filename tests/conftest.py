"""What every test stands on: a database like the real one, no broker, no slow password hashing, a folder of its own."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

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


@pytest.fixture(scope="session", autouse=True)
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run's files, instead of the installation's own."""
    settings.DATA_DIR = tmp_path_factory.mktemp("data")
    settings.MEDIA_ROOT = settings.DATA_DIR / "files"
    return settings.DATA_DIR


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
