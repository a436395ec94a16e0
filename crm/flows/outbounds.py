"""Outbound: a person sets it up and starts it, Baton takes so many contacts a working day."""

from __future__ import annotations

import datetime as dt
import logging
import zoneinfo
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.flows import scores
from crm.queries import outbounds as queries
from leads import lifecycle, locks, services
from leads.models import Contact, Handoff, Outbound, OutboundContact
from leads.models.outbounds import OutboundThen
from leads.stages import Stage
from scoring.models import Score
from sla import clock

if TYPE_CHECKING:
    from crm.models import User

logger = logging.getLogger(__name__)
AGAIN_AFTER = dt.timedelta(hours=1)
"""When who has come into the segment since is looked for."""
FIELDS = ("name", "segment", "date_attribute", "within_days", "campaign", "then", "per_day", "calendar")
CHANGEABLE = ("name", "within_days", "per_day", "calendar")
"""What may be changed when it took somebody already: the rest is what it took them by."""
State = Outbound.State


@transaction.atomic
def create_outbound(*, actor: User, values: dict[str, Any], at: dt.datetime) -> Outbound:
    """Set one up, paused. `values` are columns named in `FIELDS`. Raises `Forbidden`, `Invalid`."""
    _require_marketing(actor)
    outbound = Outbound(created_at=at, created_by=actor)
    _write(outbound, values)
    return outbound


@transaction.atomic
def edit_outbound(*, actor: User, outbound_id: int, values: dict[str, Any], at: dt.datetime) -> Outbound:
    """Change one, for whom it takes from now on; once it took somebody only columns named in `CHANGEABLE`.

    A number a day that is raised holds for today already. Raises `Forbidden`, `NotFound`, `Conflict`, `Invalid`.
    """
    _require_marketing(actor)
    outbound = _locked(outbound_id)
    if outbound.state == State.ENDED:
        raise Conflict(_("%(name)s has ended. Set up another one.") % {"name": outbound})
    changed = {name: values[name] for name in FIELDS if name in values and getattr(outbound, name) != values[name]}
    settled = next((name for name in changed if name not in CHANGEABLE), None)
    if settled is not None and outbound.taken.exists():
        raise Invalid(_("It took contacts already, so this stays. Set up another one."), field=settled)
    if outbound.state == State.RUNNING:
        outbound.next_check_at = at
    _write(outbound, changed)
    return outbound


def _write(outbound: Outbound, values: dict[str, Any]) -> None:
    for name in FIELDS:
        if name in values:
            setattr(outbound, name, values[name])
    outbound.name, outbound.date_attribute = outbound.name.strip(), outbound.date_attribute.strip()
    if bool(outbound.date_attribute) != (outbound.within_days is not None):
        raise Invalid(_("Give both the attribute and the days before it, or neither."), field="within_days")
    if outbound.segment is None and not outbound.date_attribute:
        raise Invalid(_("Choose a segment, a date that comes near, or both."), field="segment")
    if outbound.per_day < 1:
        raise Invalid(_("Take at least one a day."), field="per_day")
    try:
        with transaction.atomic():
            outbound.save()
    except IntegrityError:
        raise Invalid(_("There is an outbound of this name already."), field="name") from None


@transaction.atomic
def set_state(*, actor: User, outbound_id: int, state: str, at: dt.datetime) -> Outbound:
    """Start it, let it go on, pause it, or end it for good. Raises `Forbidden`, `NotFound`, `Conflict`."""
    _require_marketing(actor)
    outbound = _locked(outbound_id)
    if outbound.state == State.ENDED and state != State.ENDED:
        raise Conflict(_("%(name)s has ended. Set up another one.") % {"name": outbound})
    if outbound.state != state:
        outbound.state = state
        outbound.next_check_at = at if state == State.RUNNING else None
        outbound.save(update_fields=["state", "next_check_at"])
    return outbound


def _locked(outbound_id: int) -> Outbound:
    outbound = Outbound.objects.select_for_update(no_key=True).filter(id=outbound_id).first()
    if outbound is None:
        raise NotFound(_("There is no such outbound."))
    return outbound


def _require_marketing(actor: User) -> None:
    if not (actor.is_marketer or actor.is_manager):
        raise Forbidden(_("Outbound is for marketers and managers to set up."))


def take_due(*, at: dt.datetime) -> int:
    """Take the next contacts of every outbound that is due; return how many. One transaction each."""
    taken = 0
    for outbound_id in Outbound.objects.filter(next_check_at__lte=at).order_by("next_check_at").values_list("id"):
        try:
            taken += _take(outbound_id[0], at=at)
        except Exception:
            logger.exception("Outbound %d failed; it is tried again later.", outbound_id[0])
            Outbound.objects.filter(id=outbound_id[0], state=State.RUNNING).update(next_check_at=at + AGAIN_AFTER)
    return taken


@locks.tried_again
@transaction.atomic
def _take(outbound_id: int, *, at: dt.datetime) -> int:
    """Take what is left of the day's number, the hottest first.

    1. It is locked, so that two sweeps take no more together than one.
    2. Contacts are locked in id order and asked for again; each gets its row, by which it is taken once.
    3. They meet the campaign; then subscribers become leads, or all are formed into handoffs, as was set up.
    """
    rows = Outbound.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
    outbound = rows.select_related("segment", "calendar", "campaign").filter(id=outbound_id).first()
    if outbound is None or outbound.next_check_at is None or outbound.next_check_at > at:
        return 0
    calendar = outbound.calendar.parse()
    zone = zoneinfo.ZoneInfo(calendar.time_zone)
    today = at.astimezone(zone).date()
    if outbound.taken_date != today:
        outbound.taken_date, outbound.taken_that_day = today, 0
    room = outbound.per_day - outbound.taken_that_day if clock.is_open(calendar, at) else 0
    taken = _take_some(outbound, most=room, at=at) if room > 0 else 0
    outbound.taken_that_day += taken
    if outbound.taken_that_day >= outbound.per_day:
        tomorrow = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), tzinfo=zone)
        outbound.next_check_at = clock.due_at(calendar, tomorrow, 1)
    else:
        outbound.next_check_at = max(at + AGAIN_AFTER, clock.due_at(calendar, at, 1))
    outbound.save(update_fields=["next_check_at", "taken_date", "taken_that_day"])
    return taken


def _take_some(outbound: Outbound, *, most: int, at: dt.datetime) -> int:
    ids = list(queries.candidates(outbound, at=at).values_list("id", flat=True)[:most])
    locks.all_locked(ids)
    still = set(queries.candidates(outbound, at=at).filter(id__in=ids).values_list("id", flat=True))
    contacts = locks.locked_contacts(still)
    if not contacts:
        return 0
    services.touch([(contact.pk, outbound.campaign, outbound.campaign.source, at) for contact in contacts])
    handoffs: dict[int, Handoff] = {}
    if outbound.then == OutboundThen.REVIEW:
        known = Score.objects.filter(contact__in=contacts).select_related("model")
        by_contact = {score.contact_id: score for score in known}
        formed = [_formed(contact, by_contact.get(contact.pk)) for contact in contacts]
        handoffs = {one.contact_id: one for one in scores.open_handoffs(formed, at=at)}
    else:
        subscribers = [contact for contact in contacts if contact.stage == Stage.SUBSCRIBER]
        lifecycle.warm(subscribers, at=at, actor=None)
    OutboundContact.objects.bulk_create(
        OutboundContact(outbound=outbound, contact=contact, handoff=handoffs.get(contact.pk), at=at)
        for contact in contacts
    )
    if outbound.then == OutboundThen.LEAD:
        scores.rescore(contacts, at=at)
    return len(contacts)


def _formed(contact: Contact, score: Score | None) -> lifecycle.Formed:
    return lifecycle.Formed(
        contact=contact,
        cause=Handoff.Cause.OUTBOUND,
        score=score.value if score else None,
        grade=score.grade if score else "",
        model_version=score.model.version if score else None,
    )
