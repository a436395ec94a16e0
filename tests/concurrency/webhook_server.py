"""A receiver of webhooks for tests: keeps what is posted, fails as often as wanted, or holds a sender in mid-talk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    body: bytes
    status: int
    """What it was answered."""
    at: float
    """When, by the monotonic clock."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]


class WebhookServer(ThreadingHTTPServer):
    """Listens on a free loopback port and answers `status`, or an error to every `fails_each`-th request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.posts: list[Post] = []
        self.status = 200
        self.fails_each = 0
        self.location = ""
        self.is_holding = threading.Event()
        """While it is set, whoever posted waits for the answer, although the post was taken."""
        self.has_somebody = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"

    @property
    def taken(self) -> list[Post]:
        """The posts that were answered with a success."""
        return [post for post in self.posts if 200 <= post.status < 300]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        with self._lock:
            is_failure = self.fails_each and (len(self.posts) + 1) % self.fails_each == 0
            status = 503 if is_failure else self.status
            self.posts.append(Post(path, headers, body, status, time.monotonic()))
        return status

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that was killed wants no answer any more."""


class _Talk(BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = self.server.take(self.path, headers, body)
        if self.server.is_holding.is_set():
            self.server.has_somebody.set()
            while self.server.is_holding.is_set():
                time.sleep(0.02)
        self.send_response(status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        text = b"ok" if status == 200 else b"not now"
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what came is kept in `posts`."""


@contextmanager
def running() -> Iterator[WebhookServer]:
    """A receiver that listens until the end of the block."""
    with WebhookServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.is_holding.clear()
            server.shutdown()
            thread.join()
