"""A missing or malformed variable stops the start with one sentence that names it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from crm import environment
from crm.environment import EnvironmentProblem

PRODUCTION = {
    "DATABASE_URL": "postgres://baton:secret@db.example:5433/baton",
    "REDIS_URL": "redis://redis.example:6380/1",
    "SECRET_KEY": "k" * 50,
}


def read(**variables: str) -> environment.Environment:
    return environment.read(variables=variables, base_dir=Path("/srv/baton"))


def test_an_empty_environment_is_embedded() -> None:
    found = read()
    assert found.is_embedded
    assert found.database["ENGINE"] == "django.db.backends.sqlite3"
    assert found.database["NAME"] == Path("/srv/baton/data/baton.sqlite3")
    assert found.database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found.redis_url.startswith("redis+socket:///")
    assert not found.is_https


def test_all_three_make_a_production() -> None:
    found = read(**PRODUCTION, SITE_URL="https://baton.example.com/")
    assert not found.is_embedded
    assert (found.database["HOST"], found.database["PORT"], found.database["NAME"]) == ("db.example", 5433, "baton")
    assert found.database["CONN_MAX_AGE"] > 0
    assert found.redis_url == PRODUCTION["REDIS_URL"]
    assert found.is_https
    assert found.site_url == "https://baton.example.com"
    assert "baton.example.com" in found.allowed_hosts
    assert found.csrf_trusted_origins == ["https://baton.example.com"]


@pytest.mark.parametrize("missing", sorted(PRODUCTION))
def test_two_of_the_three_name_the_third(missing: str) -> None:
    variables = {name: value for name, value in PRODUCTION.items() if name != missing}
    with pytest.raises(EnvironmentProblem, match=f"^{missing} is missing"):
        read(**variables)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "baton"),
        ("DATABASE_URL", "mysql://baton@db.example/baton"),
        ("DATABASE_URL", "postgres://baton@db.example"),
        ("DATABASE_URL", "postgres://baton@db.example:port/baton"),
        ("REDIS_URL", "redis.example:6379"),
        ("REDIS_URL", "amqp://redis.example"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://redis.example:port"),
        ("SECRET_KEY", "short"),
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("SITE_URL", "baton.example.com"),
        ("SITE_URL", "https://baton.example.com/crm"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.example,b.example"),
        ("ALLOWED_HOSTS", "https://baton.example.com"),
        ("EMAIL_URL", "mail.example"),
        ("EMAIL_URL", "smtp://"),
        ("EMAIL_URL", "smtp://mail.example:port"),
        ("TIME_ZONE", "Helsinki"),
        ("TIME_ZONE", "../etc/passwd"),
        ("WEB_WORKERS", "many"),
        ("WEBHOOKS_INSIDE", "perhaps"),
        ("DIGEST_ABOVE", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("DEBUG", "perhaps"),
    ],
)
def test_a_malformed_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(EnvironmentProblem, match=f"^{name} ") as problem:
        read(**{**PRODUCTION, name: value})
    assert str(problem.value).endswith(".")


@pytest.mark.parametrize(
    ("url", "backend", "host"),
    [
        ("", "console", None),
        ("smtp://user:pass@mail.example:2525", "smtp", "mail.example"),
        ("smtp+tls://mail.example:587", "smtp", "mail.example"),
        ("filemail:///srv/mail", "filebased", None),
    ],
)
def test_mail_goes_where_its_url_says(url: str, backend: str, host: str | None) -> None:
    found = read(EMAIL_URL=url).email
    assert found["EMAIL_BACKEND"] == f"django.core.mail.backends.{backend}.EmailBackend"
    assert found.get("EMAIL_HOST") == host


def test_the_broker_socket_is_short_however_deep_the_folder(tmp_path: Path) -> None:
    url = read(DATA_DIR=f"{tmp_path}{'/deep' * 50}").redis_url
    assert len(os.fsencode(url.removeprefix("redis+socket://"))) <= 103


@pytest.mark.parametrize(
    ("variables", "named"),
    [({"REDIS_URL": "nonsense", "DATABASE_URL": "x"}, "SECRET_KEY"), ({"PORT": "nonsense"}, "PORT")],
)
def test_a_command_ends_with_the_sentence_alone(variables: dict[str, str], named: str, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in PRODUCTION}
    result = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=settings.BASE_DIR,
        env={**clean, "DATA_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"Baton cannot start: {named} ")
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_embedded_secret_key_is_made_once_and_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PRODUCTION:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "new"))
    first = environment.load(base_dir=tmp_path).secret_key
    assert len(first) >= 50
    assert environment.load(base_dir=tmp_path).secret_key == first
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["secret_key"]
