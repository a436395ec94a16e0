"""What the tests of sales' pages share: one Tuesday, and leads brought to where they are needed by the real flows."""

import datetime as dt

from crm import flows
from crm.models import User
from leads.models import Contact, Handoff

TUESDAY = dt.datetime(2026, 11, 17, 10, 0, tzinfo=dt.UTC)  # office hours are 09 to 17 UTC
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
HTMX = {"HTTP_HX_REQUEST": "true"}


def ask(
    name: str = "eva", *, at: dt.datetime, message: str = "", company: str = "Firm", phone: str = "+358 40 1"
) -> Handoff:
    """Somebody asks for a demo; returns the handoff in review."""
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="demo_request",
                occurred_at=at,
                external_id=f"{name}-{at.isoformat()}",
                contact=flows.ContactIn(
                    email=f"{name}@firm.example",
                    fields={"first_name": name.title(), "last_name": "Novak", "phone": phone},
                    company=company,
                ),
                properties={"message": message, "form": "/demo"} if message else {"form": "/demo"},
            )
        ],
        by=None,
        actor=None,
        at=at,
    )
    return Handoff.objects.open().get(contact__email=f"{name}@firm.example")


def look_at_prices(contact: Contact, *, times: int = 1, at: dt.datetime) -> None:
    """The contact looks at the prices."""
    flows.record_activities(
        activities=[
            flows.ActivityIn(
                type="page_view",
                occurred_at=at,
                external_id=f"{contact.pk}-{at.isoformat()}-{n}",
                contact_id=contact.pk,
                properties={"path": "/pricing"},
            )
            for n in range(times)
        ],
        by=None,
        actor=None,
        at=at,
    )


def offer(handoff: Handoff, *, by: User, to: User, at: dt.datetime, comment: str = "") -> Handoff:
    """Marketing approves it for one person."""
    return flows.approve(actor=by, handoff_id=handoff.pk, assignee_email=to.email, comment=comment, at=at)


def bring_to(state: str, *, marketer: User, seller: User, at: dt.datetime, name: str = "eva", **more: str) -> Handoff:
    """A handoff formed an hour before `at` and brought to `in_review`, `offered`, `accepted` or `called` at `at`."""
    handoff = ask(name, at=at - HOUR, **more)
    if state != "in_review":
        handoff = offer(handoff, by=marketer, to=seller, at=at)
    if state in ("accepted", "called"):
        handoff = flows.accept(actor=seller, handoff_id=handoff.pk, at=at)
    if state == "called":
        flows.log_contact(actor=seller, contact_id=handoff.contact_id, type="call", outcome="reached", at=at)
    handoff.refresh_from_db()
    return handoff
