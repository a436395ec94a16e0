"""The OpenAPI schema is valid, complete, and open to everybody."""

import json

import pytest
from django.core.management import call_command
from django.test import Client

from crm.api.urls import RESOURCES


def test_the_schema_is_valid_and_made_without_a_warning(tmp_path):
    file = tmp_path / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format=openapi-json", f"--file={file}")
    schema = json.loads(file.read_text())
    assert schema["openapi"].startswith("3.1")
    for name in RESOURCES:
        assert f"/api/v1/{name}/" in schema["paths"]
    for path, operations in schema["paths"].items():
        for verb, operation in operations.items():
            problem = operation["responses"]["default"]["content"]
            assert list(problem) == ["application/problem+json"], (path, verb)
            assert operation["description"], (path, verb)
    verbs = ["approve", "return", "accept", "reject", "recycle", "reassign", "overflow", "undo", "pause", "resume"]
    assert all(f"/api/v1/handoffs/{{id}}/{verb}/" in schema["paths"] for verb in verbs)


@pytest.mark.django_db
def test_the_schema_and_its_page_are_open_to_all():
    schema = Client().get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert (schema.status_code, schema.json()["info"]["title"]) == (200, "Baton")
    page = Client().get("/api/v1/docs/")
    text = page.content.decode()
    assert page.status_code == 200 and "<style" not in text and "<script>" not in text
    script = Client().get("/api/v1/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/v1/schema/" in script.content.decode()
