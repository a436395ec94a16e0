"""Commands that a new installation is set up with."""

import io

import pytest
from django.core.management import CommandError, call_command

from crm.models import Role, User

pytestmark = pytest.mark.django_db


def create(monkeypatch: pytest.MonkeyPatch, password: str, *arguments: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    call_command("create_user", *arguments, stdout=out)
    return out.getvalue()


def test_a_created_user_can_log_in(monkeypatch: pytest.MonkeyPatch) -> None:
    said = create(
        monkeypatch,
        "correct horse battery",
        "Ada@Baton.Example",
        "--name",
        "Ada",
        "--role",
        "admin",
        "--role",
        "manager",
    )
    assert said == "ada@baton.example can log in now.\n"
    user = User.objects.get()
    assert user.check_password("correct horse battery")
    assert user.roles == [Role.ADMIN, Role.MANAGER]


@pytest.mark.parametrize(
    ("password", "email", "sentence"),
    [
        ("short", "ada@baton.example", "too short"),
        ("correct horse battery", "ada", "valid email"),
    ],
)
def test_a_bad_user_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, password: str, email: str, sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        create(monkeypatch, password, email, "--role", "admin")
    assert not User.objects.exists()


def test_the_same_address_is_refused_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch, "correct horse battery", "ada@baton.example", "--role", "admin")
    with pytest.raises(CommandError, match="already exists"):
        create(monkeypatch, "correct horse battery", "ADA@baton.example", "--role", "admin")
    assert User.objects.count() == 1
