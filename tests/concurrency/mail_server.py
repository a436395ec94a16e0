"""A mail server for tests: takes mail over SMTP and keeps it, or holds a sender in mid-talk for as long as wanted."""

from __future__ import annotations

import email
import email.policy
import itertools
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage


class MailServer(socketserver.ThreadingTCPServer):
    """Listens on a free loopback port. While `is_holding` is set, nobody gets an answer to MAIL FROM.

    Every `fails_each`-th mail is put off by an error that may pass; 0 is none.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.messages: list[EmailMessage] = []
        self.is_holding = threading.Event()
        self.has_somebody = threading.Event()
        """Set as soon as a sender is held."""
        self.fails_each = 0
        self._asked = itertools.count(1)

    def take(self, data: bytes) -> None:
        """Keep a mail: from now on the sender may know that it was taken."""
        self.messages.append(email.message_from_bytes(data, policy=email.policy.default))

    def is_to_fail(self) -> bool:
        """Whether the mail that is announced now is put off."""
        return bool(self.fails_each) and next(self._asked) % self.fails_each == 0

    @property
    def url(self) -> str:
        """What EMAIL_URL is to be."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def wait_for(self, subject: str, *, to: str, seconds: float) -> EmailMessage:
        """The first mail to `to` whose subject begins with `subject`. Fails when none comes in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for message in list(self.messages):
                if message["To"] == to and message["Subject"].startswith(subject):
                    return message
            time.sleep(0.05)
        found = [(message["To"], message["Subject"]) for message in self.messages]
        raise AssertionError(f"No mail “{subject}…” to {to} within {seconds} s; there were {found}.")


class _Talk(socketserver.StreamRequestHandler):
    """One connection: as much of SMTP as a sender needs."""

    server: MailServer

    def handle(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline():
            verb = line.strip().decode().upper()
            if verb.startswith("QUIT"):
                self._say("221 bye")
                return
            if verb.startswith("DATA"):
                self._take_message()
            elif verb.startswith("EHLO"):
                self._say("250-test\r\n250 8BITMIME")
            else:
                if verb.startswith("MAIL FROM") and self.server.is_holding.is_set():
                    self.server.has_somebody.set()
                    while self.server.is_holding.is_set():
                        time.sleep(0.02)
                is_put_off = verb.startswith("MAIL FROM") and self.server.is_to_fail()
                self._say("451 not now" if is_put_off else "250 ok")

    def _take_message(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        self.server.take(b"".join(lines))
        self._say("250 taken")

    def _say(self, answer: str) -> None:
        try:
            self.wfile.write(f"{answer}\r\n".encode())
        except OSError:
            # The sender was killed; it no longer wants an answer.
            self.rfile.close()


@contextmanager
def running(server: MailServer | None = None) -> Iterator[MailServer]:
    """A mail server that listens until the end of the block."""
    with server or MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.is_holding.clear()
            server.shutdown()
            thread.join()
