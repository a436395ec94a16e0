"""What must hold of the whole project: migrations match the models, templates parse, strangers see nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import get_template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Addresses that answer without a login, and why.
OPEN_TO_ALL = {
    "healthz": "asked by the machine that watches",
    "readyz": "asked by the machine that watches",
    "metrics": "asked by the machine that watches; a proxy keeps it inside",
    "login": "where one logs in",
    "logout": "leads to the login",
    "schema": "what the API offers is no secret",
    "api-docs": "the same as a page",
    "theme": "keeps light or dark in a cookie, on the login page too",
    "set_language": "the login page has a language too",
}
SAMPLE_ARGUMENT = "1"


def walk(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every (name, address) of the site, with a sample for each part of it that varies."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield pattern.name or "", prefix + str(pattern.pattern)


def addresses() -> list[tuple[str, str]]:
    return [
        (name, sample)
        for name, route in walk(get_resolver().url_patterns)
        if (sample := sample_of(route)) is not None and name not in OPEN_TO_ALL
    ]


def sample_of(route: str) -> str | None:
    """An address that `route` matches; None for a pattern of format suffixes, the same view once more."""
    if "format" in route:
        return None
    parts = []
    for part in route.replace("^", "").replace("$", "").replace("\\Z", "").split("/"):
        parts.append(SAMPLE_ARGUMENT if part.startswith(("<", "(?P<")) or "<" in part else part)
    return "/" + "/".join(parts)


def test_no_migration_is_missing(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_template_parses() -> None:
    folder = settings.BASE_DIR / "templates"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names
    for name in names:
        get_template(name)


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_to_the_login_everywhere(method: str) -> None:
    found = addresses()
    assert found
    for name, address in found:
        response = getattr(Client(), method)(address)
        is_api = address.startswith("/api/")
        if is_api:
            assert response.status_code == 401, (name, address, response.status_code)
            assert response["Content-Type"] == "application/problem+json", (name, address)
        else:
            assert response.status_code == 302, (name, address, response.status_code)
            assert response["Location"].startswith(settings.LOGIN_URL), (name, address)


@pytest.mark.django_db
def test_a_new_contact_is_one_click_away_from_any_page(administrator, manager, marketer, salesperson, browsing) -> None:
    seen = 0
    for person in (administrator, manager, marketer, salesperson):
        client = browsing(person)
        for name, address in addresses():
            if address.startswith("/api/") or SAMPLE_ARGUMENT in address.split("/") or name == "contact_new":
                continue
            response = client.get(address)
            if response.streaming:  # a file, and no page
                continue
            page = response.content.decode()
            if response.status_code == 200 and '<aside class="sidebar"' in page:
                seen += 1
                assert 'href="/contacts/new/"' in page, (person.name, address)
    assert seen > 40


ROOT = Path(settings.BASE_DIR)


def test_flows_are_called_in_one_way():
    """By the package, where it re-exports what happens to contacts and handoffs, or by the module: never by both."""
    reexported = set(re.findall(r"^from crm\.flows\.(\w+) import", (ROOT / "crm/flows/__init__.py").read_text(), re.M))
    assert reexported
    wrong = []
    for folder in ("crm", "leads", "scoring", "sla"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.parent.name == "flows":
                continue
            named = re.findall(r"^\s*from crm\.flows import ([\w, ]+?)(?: as \w+)?$", path.read_text(), re.M)
            modules = {name.strip() for names in named for name in names.split(",")}
            wrong += [f"{path.relative_to(ROOT)}: {name}" for name in sorted(modules & reexported)]
    assert wrong == []
