"""Requests to addresses that people typed in, kept from leading where nobody outside may go.

A name is resolved once, every address it has is judged, and the connection goes to the address that was judged: a
name that answers differently a moment later gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from django.conf import settings
from django.utils.translation import gettext as _

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10
EXCERPT = 300
"""How many bytes of an answer are read: what tells a person why it was refused."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(Exception):
    """This address is not for us to call; the text says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    excerpt: str

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


def check(url: str) -> None:
    """Raise `Refused` unless `url` may be kept as an address to call. Resolves no name; `post` does."""
    parts = _parts(url)
    try:
        literal = ipaddress.ip_address(parts.host)
    except ValueError:
        return
    _require_outside(literal)


def post(url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Post `body` to `url` and return what was answered, a redirect like any other answer.

    Raises `Refused` for an address that is not to be called, and `OSError` or `urllib3.exceptions.HTTPError` when
    nobody answers in time.
    """
    parts = _parts(url)
    address = _resolve(parts.host, parts.port)
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    pool: urllib3.HTTPConnectionPool
    if parts.is_tls:
        pool = urllib3.HTTPSConnectionPool(
            address, parts.port, timeout=timeout, server_hostname=parts.host, assert_hostname=parts.host
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, parts.port, timeout=timeout)
    with pool:
        response = pool.request(
            "POST",
            parts.target,
            body=body,
            headers={"User-Agent": "Baton", **headers, "Host": parts.netloc},
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            excerpt = response.read(EXCERPT, decode_content=False)
        finally:
            response.close()
    return Answer(response.status, excerpt.decode(errors="replace").strip())


@dataclass(frozen=True)
class _Parts:
    is_tls: bool
    host: str
    port: int
    netloc: str
    target: str


def _parts(url: str) -> _Parts:
    """What an address is made of. Raises `Refused`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(_("Give an address such as https://hooks.example.com/abc.")) from error
    schemes = ("https", "http") if settings.WEBHOOKS_PLAIN_HTTP else ("https",)
    if parts.scheme not in schemes:
        raise Refused(_("Give an address that begins with https://, so that nobody on the way can read along."))
    if not host or not host.isascii() or not url.isprintable() or " " in url:
        raise Refused(_("Give an address such as https://hooks.example.com/abc."))
    if parts.username or parts.password:
        raise Refused(_("Leave the user name and password out of the address."))
    is_tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Parts(is_tls, host, port or (443 if is_tls else 80), parts.netloc, target)


def _resolve(host: str, port: int) -> str:
    """The address to connect to. Raises `Refused` when any that the name has is inside, `OSError` when it has none."""
    found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        _require_outside(ipaddress.ip_address(str(address).partition("%")[0]))
    return str(found[0])


def _require_outside(address: Address) -> None:
    if settings.WEBHOOKS_INSIDE:
        return
    if not all(one.is_global and not one.is_multicast for one in _meant(address)):
        raise Refused(
            _(
                "%(address)s is inside the own network, which webhooks may not reach. "
                "Setting WEBHOOKS_INSIDE=on in the environment allows it."
            )
            % {"address": address}
        )


def _meant(address: Address) -> list[Address]:
    """The address itself and those that it only wraps, so that none is reached by a detour."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    wrapped: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        wrapped.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    return [address, *(one for one in wrapped if one is not None)]
