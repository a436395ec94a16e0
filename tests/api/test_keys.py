"""Keys of programs, and people who call the API from a page."""

import json

import pytest
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from crm.models import ApiKey

pytestmark = pytest.mark.django_db


def get(secret: str):
    return Client().get("/api/v1/contacts/", headers={"Authorization": f"Bearer {secret}"})


def test_the_command_prints_the_key_alone_and_it_opens_the_api(key_of, marketer):
    printed = key_of(f" {marketer.email.upper()} ", "--name", "newsletter")
    assert printed.endswith("\n") and len(printed.split()) == 1
    key = ApiKey.objects.get()
    assert (key.user, key.name, key.is_integration) == (marketer, "newsletter", False)
    assert get(printed.strip()).status_code == 200


def test_a_key_of_an_integration_says_so(key_of, marketer):
    key_of(marketer.email, "--integration")
    assert ApiKey.objects.get().is_integration


def test_nobody_gets_no_key(key_of, marketer):
    with pytest.raises(CommandError, match="Nobody logs in"):
        key_of("nobody@baton.example")
    marketer.is_active = False
    marketer.save()
    with pytest.raises(CommandError, match="not active"):
        key_of(marketer.email)
    assert not ApiKey.objects.exists()


def test_a_key_that_is_unknown_revoked_or_orphaned_is_refused(key_of, marketer):
    secret = key_of(marketer.email).strip()
    for wrong in ("", "nonsense", secret + "x", "ä"):
        response = get(wrong)
        assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
        assert response["Content-Type"] == "application/problem+json"
    marketer.is_active = False
    marketer.save()
    assert get(secret).status_code == 401
    marketer.is_active = True
    marketer.save()
    assert get(secret).status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    assert get(secret).status_code == 401


def test_somebody_who_is_logged_in_may_call_too_and_proves_it_came_from_a_page(marketer):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(marketer)
    assert browser.get("/api/v1/contacts/").status_code == 200
    send = {"data": json.dumps({"name": "Spring fair"}), "content_type": "application/json"}
    refused = browser.post("/api/v1/campaigns/", **send)
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    browser.get("/api/v1/contacts/")
    token = "a" * 32
    browser.cookies["csrftoken"] = token
    assert browser.post("/api/v1/campaigns/", **send, headers={"X-CSRFToken": token}).status_code == 201
