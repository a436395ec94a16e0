"""Addresses that people typed in lead outside, whatever they look like."""

import socket

import pytest

from crm import outgoing


@pytest.fixture
def strict(settings):
    """As in production."""
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = False


def resolving_to(monkeypatch, *addresses):
    """Every name has these addresses; what is connected to is kept in the list that is returned."""
    connected = []

    def resolve(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    def connect(address, *rest, **more):
        connected.append(address)
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    return connected


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "https://",
        "https:///path",
        "https://hooks.example.com:port/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: x",
        "https://[::1",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
    ],
)
def test_what_leads_inside_or_is_no_address_is_refused(strict, url):
    with pytest.raises(outgoing.Refused):
        outgoing.check(url)


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/x?y=1", "https://93.184.216.34/", "https://[2606:2800::1]/"]
)
def test_what_leads_outside_is_taken(strict, url):
    outgoing.check(url)


def test_a_name_that_leads_inside_is_refused_before_anything_is_sent(strict, monkeypatch):
    connected = resolving_to(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(outgoing.Refused, match=r"127\.0\.0\.1 is inside"):
        outgoing.post("https://hooks.example.com/", body=b"", headers={})
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_judged(strict, monkeypatch):
    connected = resolving_to(monkeypatch, "93.184.216.34")
    with pytest.raises(Exception, match="nobody listens"):
        outgoing.post("https://hooks.example.com/", body=b"", headers={})
    assert connected == [("93.184.216.34", 443)]


def test_inside_is_allowed_where_the_environment_says_so(settings):
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True
    outgoing.check("http://127.0.0.1:8065/hooks/abc")
