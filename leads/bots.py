"""Telling machines from people: plain values in, verdicts out.

A verdict is given for one activity by itself, when it names its agent or asked for headers only, or for several
together: mail gateways follow every link of a mail within seconds, which nobody who reads does. The proxies through
which people's mail programs fetch pictures are none of these.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

AGENT, HEAD, GATEWAY = "agent", "head", "gateway"
MAIL_TYPES = frozenset({"email_open", "email_click"})
AT_ONCE = 5
"""So many opens and clicks of one mail …"""
WITHIN = timedelta(seconds=10)
"""… within this time are a machine's."""

_AGENTS = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|phantomjs|lighthouse|pingdom|uptime|monitoring|archiver"
    r"|facebookexternalhit|whatsapp/|skypeuripreview|bingpreview|preview service|embedly|validator"
    r"|barracuda|mimecast|proofpoint|safelinks|symantec|trend ?micro|fireeye|cloudmark|sophos|messagelabs|ironport"
    r"|^curl/|^wget/|python-|aiohttp|^java/|go-http-client|okhttp|libwww|httpclient|^node|axios/|^ruby|^php|scrapy",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Met:
    """An open or a click of a mail by a contact; `mail` is what names the mail."""

    id: int
    contact_id: int
    mail: object
    at: datetime


def verdict(properties: Mapping[str, object]) -> str | None:
    """Why one activity by itself is a machine's, None when it may be a person's."""
    agent, method = properties.get("user_agent"), properties.get("method")
    if isinstance(agent, str) and _AGENTS.search(agent):
        return AGENT
    if isinstance(method, str) and method.strip().upper() == "HEAD":
        return HEAD
    return None


def followed_at_once(met: Iterable[Met]) -> set[int]:
    """Those of a contact's opens and clicks that belong to five or more of one mail within ten seconds."""
    by_mail: dict[tuple[int, object], list[Met]] = defaultdict(list)
    for one in met:
        by_mail[one.contact_id, one.mail].append(one)
    convicted: set[int] = set()
    for events in by_mail.values():
        events.sort(key=lambda one: (one.at, one.id))
        for first, last in zip(events, events[AT_ONCE - 1 :], strict=False):
            if last.at - first.at <= WITHIN:
                convicted |= {one.id for one in events if first.at <= one.at <= last.at}
    return convicted
