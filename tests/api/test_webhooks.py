"""`webhooks/`: made, changed, switched and removed by administrators; the secret is told once."""

import pytest

from crm.models import Webhook

pytestmark = pytest.mark.django_db

NEW = {"name": "Room", "url": "https://hooks.example.com/abc", "form": "slack", "kinds": ["breach"]}


@pytest.fixture
def admin(program, administrator):
    return program(administrator)


def test_one_is_made_with_a_secret_that_is_told_once(admin):
    made = admin.post("webhooks/", NEW, status=201)
    assert made["secret"].startswith("whsec_")
    assert {name: made[name] for name in NEW} == NEW
    assert made["active"] is True
    row = admin.get(f"webhooks/{made['id']}/")
    assert "secret" not in row
    assert admin.get("webhooks/")["results"] == [row]


def test_one_is_changed_switched_and_removed(admin):
    made = admin.post("webhooks/", NEW | {"active": False}, status=201)
    assert (made["active"], bool(made["off_reason"])) == (False, True)
    path = f"webhooks/{made['id']}/"
    changed = admin.patch(path, {"active": True, "kinds": ["warn", "breach"]})
    assert (changed["active"], changed["kinds"], changed["off_reason"]) == (True, ["warn", "breach"], "")
    assert admin.patch(path, {"active": False})["active"] is False
    assert admin.call("delete", path).status_code == 204
    assert not Webhook.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://hooks.example.com/"),
        ("url", "https://127.0.0.1/"),
        ("url", "nonsense"),
        ("kinds", []),
        ("kinds", ["webhook_off"]),
        ("kinds", "breach"),
        ("form", "fax"),
        ("name", ""),
        ("active", "perhaps"),
    ],
)
def test_what_is_wrong_is_named(admin, settings, field, value):
    settings.WEBHOOKS_PLAIN_HTTP = settings.WEBHOOKS_INSIDE = False
    problem = admin.post("webhooks/", NEW | {field: value}, status=400)
    assert field in str(problem)
    assert not Webhook.objects.exists()


def test_a_name_is_taken_once(admin):
    admin.post("webhooks/", NEW, status=201)
    assert "name" in str(admin.post("webhooks/", NEW, status=400))


def test_lists_are_filtered(admin):
    admin.post("webhooks/", NEW, status=201)
    admin.post("webhooks/", NEW | {"name": "Other", "form": "generic", "active": False}, status=201)
    assert [one["name"] for one in admin.get("webhooks/", form="slack")["results"]] == ["Room"]
    assert [one["name"] for one in admin.get("webhooks/", active="false")["results"]] == ["Other"]
    assert [one["name"] for one in admin.get("webhooks/", name="Room")["results"]] == ["Room"]
    assert admin.call("get", "webhooks/?colour=red").status_code == 400
