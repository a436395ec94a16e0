"""What runs is what requirements.txt says: nothing that only the tests' packages bring, and one PostgreSQL driver."""

import importlib.util
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

from django.conf import settings
from django.db.backends.postgresql import psycopg_any

PINNED = re.compile(r"^[A-Za-z0-9_.-]+(\[[a-z,]+\])?==[0-9][A-Za-z0-9.]*$")


def test_the_driver_of_postgresql_is_psycopg2() -> None:
    assert importlib.util.find_spec("psycopg2") is not None
    assert importlib.util.find_spec("psycopg") is None, "psycopg 3 is installed, and Django would switch to it unasked"
    assert psycopg_any.is_psycopg3 is False


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (settings.BASE_DIR / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert PINNED.match(line), f"{name}: {line}"


def test_baton_runs_with_its_requirements_alone(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    # This interpreter's pip fills the other environment: quicker than to install a pip there first.
    install = ["-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    requirements = ["--no-compile", "--root-user-action=ignore", "--requirement", "requirements.txt"]
    subprocess.run([sys.executable, *install, *requirements], cwd=settings.BASE_DIR, check=True)
    clean = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    code = "from crm.celery import app; app.loader.import_default_modules(); import crm.webserver, gunicorn.app.wsgiapp"
    for arguments in (["manage.py", "check"], ["-c", code], ["-m", "celery", "-A", "crm", "report"]):
        result = subprocess.run(
            [python, *arguments], cwd=settings.BASE_DIR, env=clean, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
