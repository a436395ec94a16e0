"""A real Chromium, the machine's own, for the tests of this folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from crm.models import User
from tests.browser.chromium import ADVICE, ARGUMENTS, find_chromium
from tests.conftest import PASSWORD

PATIENCE_MILLISECONDS = 10_000


@pytest.fixture(scope="session")
def browser(django_db_setup: None) -> Iterator[Browser]:
    """One Chromium for the whole run. Without one the tests are skipped with advice; in CI that is an error."""
    path = find_chromium()
    if path is None or not Path(path).exists():
        if os.environ.get("CI"):
            pytest.fail(ADVICE)
        pytest.skip(ADVICE)
    # Playwright's loop runs in this thread, so Django takes every query of a test for one of asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    first_rows = connection._test_serialized_contents  # type: ignore[attr-defined]
    with sync_playwright() as playwright:
        # Beside a running loop Django opens another connection; it too has to know what the migrations brought.
        connection._test_serialized_contents = first_rows  # type: ignore[attr-defined]
        chromium = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()
        # The connection beside the loop is out of reach once the loop has ended.
        connection.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def new_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """`new_page(user=None, may_refuse=False, **context options)` opens a page of the site, logged in as `user`.

    At the end of the test, a page that met a script error, a refused policy or a broken link in its console fails it.
    Where it `may_refuse` what is typed or comes second, that the browser notes an answer of 422 or 409 does not.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def note(message: ConsoleMessage, may_refuse: bool) -> None:
        is_refusal = any(f"the server responded with a status of {code}" in message.text for code in (422, 409))
        if message.type == "error" and not (may_refuse and is_refusal):
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def open_page(user: User | None = None, may_refuse: bool = False, **options: object) -> Page:
        context = browser.new_context(base_url=live_server.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: note(message, may_refuse))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if user is not None:
            log_in(page, user)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def log_in(page: Page, user: User) -> None:
    """Log `user` in through the login page, as a person does."""
    page.goto("/login/")
    page.fill("input[type=email], input[name=username], input[name=email]", user.email)
    page.fill("input[type=password]", PASSWORD)
    page.press("input[type=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)
