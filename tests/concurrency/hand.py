"""A process that acts when it is told to: `python -m tests.concurrency.hand`.

It reads one order a line from standard input, `{"act": NAME, "go_at": SECONDS, "arguments": {…}}`, waits for the
instant `go_at`, acts, and writes one line: `{"result": …}` or `{"refused": NAME OF THE ERROR, "text": …}`.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import django

django.setup()

from django.conf import settings  # noqa: E402 - models can be imported only now
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from crm import deliveries, digests, flows  # noqa: E402
from crm.errors import DomainError  # noqa: E402
from crm.flows import departures, publishing, routes  # noqa: E402
from crm.models import Team, User  # noqa: E402
from crm.models.notices import Channel  # noqa: E402
from crm.queries.holdings import Decisions  # noqa: E402
from leads.models import Handoff  # noqa: E402
from leads.stages import HandoffState  # noqa: E402

ACTS: dict[str, Callable[..., Any]] = {}


def act(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offer a function as an act under its name."""
    ACTS[function.__name__] = function
    return function


@act
def sweep_timers(*, at: str) -> int:
    return flows.sweep_timers(at=dt.datetime.fromisoformat(at))


@act
def mail_to(*, url: str) -> None:
    """From now on mail goes to the server at `url`."""
    parts = urlsplit(url)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = parts.hostname, parts.port


@act
def webhooks_inside() -> None:
    """From now on webhooks may lead to a receiver on this machine."""
    settings.WEBHOOKS_INSIDE = settings.WEBHOOKS_PLAIN_HTTP = True


@act
def digest_above(*, n: int) -> None:
    """From now on more than `n` notices a minute become a digest."""
    settings.DIGEST_ABOVE = n


@act
def claim_and_die(*, at: str) -> int:
    """Group and claim what is due, and never send it, as a worker that ends there."""
    moment = dt.datetime.fromisoformat(at)
    digests.group_due(at=moment, channel=Channel.EMAIL)
    return len(deliveries.claim(at=moment))


@act
def send_due(*, at: str, channel: str = Channel.EMAIL) -> int:
    return deliveries.send_due(at=dt.datetime.fromisoformat(at), channel=Channel(channel)).sent


@act
def record(*, activities: list[dict[str, Any]], at: str) -> list[str]:
    """Record activities given as `{"type", "external_id", "email"}`; the status of each."""
    moment = dt.datetime.fromisoformat(at)
    items = [
        flows.ActivityIn(
            type=one["type"],
            occurred_at=moment,
            external_id=one["external_id"],
            contact=flows.ContactIn(email=one["email"]),
            properties=one.get("properties", {}),
        )
        for one in activities
    ]
    return [one.status for one in flows.record_activities(activities=items, by=None, actor=None, at=moment)]


@act
def verb(*, name: str, by: str, handoff_id: int, **arguments: Any) -> str:
    """A verb of a handoff by the person with the address `by`; the state it ends in."""
    actor = User.objects.get(email=by)
    done = getattr(flows, name)(actor=actor, handoff_id=handoff_id, at=timezone.now(), **arguments)
    return str(done.state)


@act
def approve_each(*, by: str, handoff_ids: list[int]) -> dict[str, str]:
    """The person with the address `by` approves one after the other as routing says; what became of each."""
    actor, became = User.objects.get(email=by), {}
    for handoff_id in handoff_ids:
        try:
            became[str(handoff_id)] = str(flows.approve(actor=actor, handoff_id=handoff_id, at=timezone.now()).state)
        except DomainError as refusal:
            became[str(handoff_id)] = type(refusal).__name__
    return became


@act
def disqualify_each(*, by: str, handoff_ids: list[int]) -> dict[str, str]:
    """The person with the address `by` disqualifies whom they saw in review; what became of each."""
    actor, became = User.objects.get(email=by), {}
    for handoff_id in handoff_ids:
        contact_id = Handoff.objects.values_list("contact", flat=True).get(id=handoff_id)
        given = {"reason": "never_buys", "seen_as": [HandoffState.IN_REVIEW], "at": timezone.now()}
        try:
            flows.disqualify(actor=actor, contact_id=contact_id, **given)
            became[str(handoff_id)] = "closed"
        except DomainError as refusal:
            became[str(handoff_id)] = type(refusal).__name__
    return became


@act
def offer_each(*, by: str, handoff_ids: list[int], to: str) -> dict[str, str]:
    """The manager with the address `by` offers what waits to the person with the address `to`; what became of each."""
    actor, became = User.objects.get(email=by), {}
    for handoff_id in handoff_ids:
        try:
            flows.offer(actor=actor, handoff_id=handoff_id, assignee_email=to, at=timezone.now())
            became[str(handoff_id)] = "offered"
        except DomainError as refusal:
            became[str(handoff_id)] = type(refusal).__name__
    return became


@act
def set_wait(*, by: str, seconds: list[int]) -> int:
    """The manager with the address `by` sets how long leads wait, again and again."""
    actor, team = User.objects.get(email=by), Team.objects.get(kind="partner")
    for wait in seconds:
        values = {"overflow_team": team, "overflow_seconds": wait}
        routes.save_settings(actor=actor, values=values, at=timezone.now())
    return len(seconds)


@act
def route_waiting() -> int:
    return flows.route_waiting(at=timezone.now())


@act
def leave(*, by: str, person: str) -> int:
    """The administrator with the address `by` lets a person go, by routing; how much went to others."""
    actor, gone = User.objects.get(email=by), User.objects.get(email=person)
    made = departures.depart(actor=actor, person_id=gone.pk, kind="leave", decisions=Decisions(), at=timezone.now())
    return len(made.moved)


@act
def merge(*, by: str, kept: int, merged: int) -> int:
    """The person with the address `by` makes one contact of two; the number of the one that is left."""
    actor = User.objects.get(email=by)
    return int(flows.merge_contacts(actor=actor, kept=kept, merged=merged, at=timezone.now()).pk)


@act
def publication(*, publication_id: int, at: str) -> str:
    """Bring everybody under a published version; how the publication stands then."""
    return publishing.run_publication(publication_id=publication_id, at=dt.datetime.fromisoformat(at)).state


def main() -> None:
    connection.ensure_connection()
    print(json.dumps({"result": "ready"}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        while (left := order["go_at"] - time.time()) > 0:
            time.sleep(left if left < 0.001 else left * 0.9)
        try:
            answer = {"result": ACTS[order["act"]](**order["arguments"])}
        except DomainError as refusal:
            answer = {"refused": type(refusal).__name__, "text": str(refusal)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
