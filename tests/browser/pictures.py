"""The pictures of the README: `make pictures` starts a fresh demo and takes them as its people see it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.chromium import ADVICE, ARGUMENTS, find_chromium

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PAGES = {"queue": "marketer@demo.example", "inbox": "sales@demo.example", "sla": "manager@demo.example"}
READY_SECONDS = 300


def main() -> None:
    """Start the demo in a temporary folder on a free port, take a picture of each main page, stop it."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit(ADVICE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        site = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            env=os.environ | {"DATA_DIR": folder, "PORT": str(port)},
            stdout=subprocess.DEVNULL,
        )
        try:
            base_url = f"http://127.0.0.1:{port}"
            wait_until_ready(base_url)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                for name, email in PAGES.items():
                    take(browser, base_url, name=name, email=email)
                browser.close()
        finally:
            site.terminate()
            site.wait()


def wait_until_ready(base_url: str) -> None:
    """Wait for /readyz; gives up with an error after five minutes."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{base_url}/readyz"):
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def take(browser: Browser, base_url: str, *, name: str, email: str) -> None:
    """Log in as `email` with the demo's password and keep what the home page looks like."""
    page = browser.new_page(base_url=base_url, viewport={"width": 1360, "height": 850}, color_scheme="light")
    page.goto("/login/")
    page.fill("input[name=username]", email)
    page.fill("input[name=password]", "demo")
    page.press("input[name=password]", "Enter")
    page.wait_for_url(f"**/{name}/")
    page.wait_for_load_state("networkidle")
    FOLDER.mkdir(exist_ok=True)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
