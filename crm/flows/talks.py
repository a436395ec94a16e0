"""What happens to an opportunity between its opening and its end, and what they say afterwards."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from crm import notices
from crm.errors import Conflict, Forbidden, Invalid, NotFound
from crm.models import Notice, Role
from crm.models.notices import NoticeKind
from leads import currencies, lifecycle, locks, next_steps
from leads.models import Opportunity, OpportunityEvent, Task, TaskKind
from leads.models.tasks import TaskVerb

if TYPE_CHECKING:
    from crm.models import User

KEPT = (
    "name",
    "amount",
    "currency",
    "step",
    "moved_at",
    "sent_date",
    "satisfaction",
    "satisfaction_comment",
    "case_study_at",
)
"""What a change may replace, and an undo puts back."""
CHANGEABLE = ("name", "amount", "currency", "sent_date")
ASKED_AFTER = dt.timedelta(days=30)
"""How long after they bought somebody asks how satisfied they are."""
HAPPY_FROM = 4
"""From this answer on marketing may hear of it."""
MORNING = dt.time(9)


def asked_at(owner: User, *, at: dt.datetime) -> dt.datetime:
    """When `owner` asks somebody who buys at `at` how satisfied they are: a morning from Monday to Friday."""
    zone = zoneinfo.ZoneInfo(owner.time_zone)
    day = (at + ASKED_AFTER).astimezone(zone).date()
    day += dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
    return dt.datetime.combine(day, MORNING, tzinfo=zone)


def check(opportunity: Opportunity, *, at: dt.datetime) -> None:
    """Raise `Invalid` naming the field for what an opportunity cannot be."""
    if not opportunity.name:
        raise Invalid(_("Say what is offered."), field="name")
    if opportunity.amount < 0:
        raise Invalid(_("An amount is not below zero."), field="amount")
    if opportunity.currency not in currencies.CODES:
        raise Invalid(_("Choose a currency of ISO 4217, such as EUR."), field="currency")
    if opportunity.step not in Opportunity.Step.values:
        raise Invalid(_("Choose one of: %(steps)s.") % {"steps": ", ".join(Opportunity.Step.values)}, field="step")
    if opportunity.sent_date is not None and opportunity.sent_date > (at + dt.timedelta(days=1)).date():
        raise Invalid(_("The offer was sent today or before."), field="sent_date")
    if opportunity.step != Opportunity.Step.TO_OFFER and opportunity.sent_date is None:
        raise Invalid(_("Say on which day the offer was sent."), field="sent_date")


@transaction.atomic
def move_opportunity(
    *, actor: User, opportunity_id: int, step: str, sent_date: dt.date | None = None, at: dt.datetime
) -> Opportunity:
    """The talks have come further, or back. An offer that was sent has a day: `sent_date`, else the actor's today.

    One that is to be offered anew has none any more. The owner or a manager. Raises `NotFound`, `Forbidden`,
    `Conflict` when it is closed, `Invalid`.
    """
    opportunity = _locked(actor, opportunity_id, state=Opportunity.State.OPEN)
    if step == opportunity.step and sent_date in (None, opportunity.sent_date):
        return opportunity
    today = at.astimezone(zoneinfo.ZoneInfo(actor.time_zone)).date()
    values: dict[str, Any] = {"step": step, "moved_at": at, "sent_date": sent_date or opportunity.sent_date or today}
    if step == Opportunity.Step.TO_OFFER:
        values["sent_date"] = None
    _change(opportunity, "step", values, actor=actor, at=at)
    return opportunity


@transaction.atomic
def change_opportunity(*, actor: User, opportunity_id: int, values: Mapping[str, Any], at: dt.datetime) -> Opportunity:
    """Another name, amount, currency or day of the offer: `values` are of `CHANGEABLE`.

    Raises as `move_opportunity`.
    """
    opportunity = _locked(actor, opportunity_id, state=Opportunity.State.OPEN)
    wanted = {name: values[name] for name in CHANGEABLE if name in values}
    if "amount" in wanted:
        wanted["amount"] = Decimal(wanted["amount"]).quantize(Decimal("0.01"))
    if "currency" in wanted:
        wanted["currency"] = str(wanted["currency"]).upper()
    _change(opportunity, "change", wanted, actor=actor, at=at)
    return opportunity


@transaction.atomic
def rate_satisfaction(
    *, actor: User, opportunity_id: int, rating: int, comment: str = "", at: dt.datetime
) -> Opportunity:
    """Write down how satisfied a customer is, from 1 to 5, and what they said; the task to ask them is done."""
    opportunity = _locked(actor, opportunity_id, state=Opportunity.State.WON)
    if not 1 <= rating <= 5:
        raise Invalid(_("Rate from 1 to 5."), field="rating")
    values = {"satisfaction": rating, "satisfaction_comment": comment.strip()}
    if rating < HAPPY_FROM:
        values["case_study_at"] = None
    _change(opportunity, "satisfaction", values, actor=actor, at=at)
    asked = Task.objects.filter(contact_id=opportunity.contact_id, kind=TaskKind.SATISFIED)
    for task in next_steps.locked(asked):
        next_steps.change(task, TaskVerb.FINISH, {"done_at": at}, actor=actor, at=at)
    return opportunity


@transaction.atomic
def suggest_case_study(*, actor: User, opportunity_id: int, at: dt.datetime) -> Opportunity:
    """Tell marketing of a satisfied customer, once. Raises `Conflict` when they were not asked or are not satisfied."""
    opportunity = _locked(actor, opportunity_id, state=Opportunity.State.WON)
    if (opportunity.satisfaction or 0) < HAPPY_FROM:
        raise Conflict(_("Only customers who answered %(least)s or 5 are suggested.") % {"least": HAPPY_FROM})
    if opportunity.case_study_at is not None:
        raise Conflict(_("Marketing knows already."))
    event = _change(opportunity, "case_study", {"case_study_at": at}, actor=actor, at=at)
    params = {"by": str(actor), "rating": opportunity.satisfaction, "comment": opportunity.satisfaction_comment}
    notices.tell(
        [
            notices.Draft(
                kind=NoticeKind.CASE_STUDY,
                dedup_key=f"case_study:{event.pk if event else opportunity.pk}:{marketer.pk}",
                recipient_id=marketer.pk,
                contact_id=opportunity.contact_id,
                handoff_id=opportunity.handoff_id,
                params=params,
            )
            for marketer in notices.people_with(Role.MARKETER)
        ],
        at=at,
        wait=dt.timedelta(seconds=30),
    )
    return opportunity


@transaction.atomic
def undo_opportunity(
    *, actor: User, opportunity_id: int, since: dt.datetime | None = None, at: dt.datetime
) -> Opportunity:
    """Take back the last change of an opportunity: the same person, within ten minutes, nothing having followed.

    Opening and closing one are acts on its handoff, which `undo` takes back; `since` as there. Raises `NotFound`,
    `Forbidden`, `Conflict`.
    """
    opportunity = _locked(actor, opportunity_id, state=None)
    acts = opportunity.events.values_list("at", "undone_at")
    lifecycle.require_none_since((at for pair in acts for at in pair if at is not None), since)
    event = opportunity.events.filter(undone_at=None).order_by("-at", "-id").first()
    if event is None or (opportunity.closed_at is not None and opportunity.closed_at > event.at):
        raise Conflict(_("There is nothing to undo."))
    if event.actor_id != actor.pk:
        raise Forbidden(_("Only %(name)s can undo this.") % {"name": event.actor})
    if at - event.at > lifecycle.UNDO_WINDOW:
        raise Conflict(_("That was more than ten minutes ago."))
    for name, value in event.before.items():
        setattr(opportunity, name, _parsed(name, value))
    opportunity.save(update_fields=KEPT)
    event.undone_at = at
    event.save(update_fields=["undone_at"])
    if event.what == "satisfaction":
        for task in Task.objects.filter(contact_id=opportunity.contact_id, kind=TaskKind.SATISFIED, done_at=event.at):
            next_steps.change(task, TaskVerb.UNDO, {"done_at": None}, actor=actor, at=at)
    told = Notice.objects.filter(dedup_key__startswith=f"case_study:{event.pk}:")
    told.exclude(deliveries__sent_at__isnull=False).delete()
    return opportunity


def may_change(user: User, opportunity: Opportunity) -> bool:
    """Whether the person moves an opportunity and says what they said: its owner and managers."""
    return user.is_manager or opportunity.owner_id == user.pk


def _locked(actor: User, opportunity_id: int, *, state: str | None) -> Opportunity:
    """An opportunity that the actor may see and change, its contact locked first, in this state (None: in any)."""
    rows = Opportunity.objects.visible_to(actor).filter(id=opportunity_id)
    contact_id = rows.values_list("contact_id", flat=True).first()
    if contact_id is None:
        raise NotFound(_("There is no such opportunity."))
    contact = locks.locked_contact(user=None, contact_id=contact_id)
    opportunity = Opportunity.objects.select_for_update(of=("self",), no_key=True).get(id=opportunity_id)
    opportunity.contact = contact
    if not may_change(actor, opportunity):
        raise Forbidden(_("That is for the owner or a manager to do."))
    if state is not None and opportunity.state != state:
        now = opportunity.get_state_display().lower()
        raise Conflict(_("This opportunity is %(state)s.") % {"state": now})
    return opportunity


def _change(
    opportunity: Opportunity, what: str, values: Mapping[str, Any], *, actor: User, at: dt.datetime
) -> OpportunityEvent | None:
    """Set columns of a locked opportunity, keeping what they were; None when they change nothing."""
    before = {name: _plain(getattr(opportunity, name)) for name in KEPT}
    from_step = opportunity.step
    for name, value in values.items():
        setattr(opportunity, name, value)
    if before == {name: _plain(getattr(opportunity, name)) for name in KEPT}:
        return None
    check(opportunity, at=at)
    opportunity.save(update_fields=KEPT)
    return OpportunityEvent.objects.create(
        opportunity=opportunity,
        what=what,
        at=at,
        actor=actor,
        from_step=from_step,
        to_step=opportunity.step,
        before=before,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _parsed(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name.endswith("_at"):
        return dt.datetime.fromisoformat(value)
    return dt.date.fromisoformat(value) if name.endswith("_date") else value
