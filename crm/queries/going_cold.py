"""Contacts without a running promise that get colder: what was planned, who stirs, who is silent, who came back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm import formats, openers
from crm.deeds import Deed, headline
from crm.models import Notice, User
from crm.models.notices import NoticeKind
from crm.queries import history
from leads.models import Contact, Handoff, Opportunity, Task
from leads.stages import HandoffState, Stage

DAY = dt.timedelta(days=1)
SILENT_AFTER = 7 * DAY
ACTIVE_WITHIN = 14 * DAY
RESURFACED_WITHIN = 7 * DAY
TRY_AGAIN_AFTER = DAY
LONGEST = 100
"""Rows without a clock beyond this number wait until some of them are done."""


class Kind(StrEnum):
    """Why a row stands in the inbox."""

    ANSWER = "answer"
    CONTACT = "contact"
    MEETING = "meeting"
    FOLLOW_UP = "follow_up"
    NEXT_STEP = "next_step"
    ACTIVE = "active"
    SILENT = "silent"
    NOT_REACHED = "not_reached"
    BACK = "back"


LABELS = {
    Kind.ANSWER: gettext_lazy("Answer"),
    Kind.CONTACT: gettext_lazy("First contact"),
    Kind.MEETING: gettext_lazy("Meeting"),
    Kind.FOLLOW_UP: gettext_lazy("Follow-up"),
    Kind.NEXT_STEP: gettext_lazy("Next step"),
    Kind.ACTIVE: gettext_lazy("Active again"),
    Kind.SILENT: gettext_lazy("Silent"),
    Kind.NOT_REACHED: gettext_lazy("Not reached"),
    Kind.BACK: gettext_lazy("Came back"),
}


@dataclass(frozen=True)
class Planned:
    """A day to come with the contacts to get in touch with."""

    day: dt.date
    contacts: tuple[Contact, ...]


@dataclass(frozen=True)
class Cold:
    """A contact that gets colder; `weight` orders the rows of one kind."""

    kind: Kind
    contact: Contact
    when: str
    note: str
    weight: float
    why: str = ""


def in_work(user: User, *, now: dt.datetime, but_not: set[int]) -> list[Contact]:
    """Contacts that `user` works on, and customers of theirs who stirred of late."""
    is_in_work = Q(stage__in=[Stage.SQL.value, Stage.OPPORTUNITY.value])
    is_stirring = Q(stage=Stage.CUSTOMER.value, last_activity_at__gte=now - ACTIVE_WITHIN)
    return list(
        Contact.objects.visible_to(user)
        .filter(is_in_work | is_stirring, owner=user)
        .exclude(id__in=but_not)
        .select_related("company")
        .prefetch_related(
            Prefetch("handoffs", Handoff.objects.open(), to_attr="open_handoffs"),
            Prefetch("opportunities", Opportunity.objects.filter(state="open"), to_attr="open_opportunities"),
            Prefetch("tasks", Task.objects.next_steps(), to_attr="next_steps"),
        )
        .order_by("id")
    )


def back_again(user: User, *, now: dt.datetime, but_not: set[int]) -> list[Contact]:
    """Contacts that `user` gave back until a day that has come, and that nobody has taken up since."""
    told = Notice.objects.filter(
        kind=NoticeKind.RESURFACED, created_at__gte=now - RESURFACED_WITHIN, handoff__assignee=user
    )
    return list(
        Contact.objects.visible_to(user)
        .filter(id__in=told.values("contact_id"), stage__in=[Stage.SUBSCRIBER.value, Stage.LEAD.value])
        .exclude(id__in=but_not)
        .exclude(is_disqualified=True)
        .select_related("company")
        .prefetch_related(
            Prefetch(
                "handoffs",
                Handoff.objects.filter(assignee=user, state=HandoffState.RECYCLED).select_related("reason"),
                to_attr="given_back",
            )
        )
        .order_by("id")
    )


def going_cold(
    work: Sequence[Contact], back: Sequence[Contact], deeds: Mapping[int, Sequence[Deed]], *, now: dt.datetime
) -> list[Cold]:
    """The rows without a clock: what was planned, who stirs, who is silent, who was not reached, who came back."""
    found = [_judge(contact, deeds.get(contact.pk, ()), now=now) for contact in work]
    found += [_came_back(contact, deeds.get(contact.pk, ()), now=now) for contact in back]
    order = list(Kind)
    rows = sorted(
        (one for one in found if one is not None),
        key=lambda one: (order.index(one.kind), -one.weight, one.contact.pk),
    )
    return rows[:LONGEST]


def _judge(contact: Contact, deeds: Sequence[Deed], *, now: dt.datetime) -> Cold | None:
    """Why this contact should be looked at today; None when it need not be."""
    ours = next((deed for deed in deeds if openers.is_attempt(deed) or history.next_step_of(deed)), None)
    step = _next_step(contact)
    theirs = next((deed for deed in deeds if deed.is_theirs), None)
    offer = next(iter(contact.open_opportunities), None)  # type: ignore[attr-defined]
    money = _offer_words(offer) if offer else ""
    if step is not None and step.due_at < _end_of_day(now):
        return Cold(
            Kind.NEXT_STEP,
            contact,
            when=formats.when(step.due_at, now=now),
            note=step.what or (ours.words if ours else "") or money,
            weight=(now - step.due_at).total_seconds(),
        )
    has_stirred = theirs is not None and theirs.at >= now - ACTIVE_WITHIN and (ours is None or theirs.at > ours.at)
    if theirs is not None and has_stirred and (ours is not None or contact.stage == Stage.CUSTOMER):
        since = _("%(age)s ago") % {"age": formats.age((now - theirs.at).total_seconds())}
        return Cold(Kind.ACTIVE, contact, when=since, note=money or _last_ours(ours, now=now), weight=0.0)
    if step is not None or contact.stage == Stage.CUSTOMER:
        return None
    return _silent(contact, deeds, ours, offer, money, now=now)


def _next_step(contact: Contact) -> Task | None:
    """What the owner means to do next, as `in_work` found it."""
    return next(iter(contact.next_steps), None)  # type: ignore[attr-defined]


def _silent(
    contact: Contact,
    deeds: Sequence[Deed],
    ours: Deed | None,
    offer: Opportunity | None,
    money: str,
    *,
    now: dt.datetime,
) -> Cold | None:
    """An offer nobody spoke of for long, or an accepted lead that was not reached or has no next step."""
    handoff = next(iter(contact.open_handoffs), None)  # type: ignore[attr-defined]
    last_at = max((deed.at for deed in deeds), default=contact.stage_at)
    quiet = now - max(last_at, offer.opened_at if offer else contact.stage_at)
    if offer is None and ours is not None and handoff is not None and handoff.reached_at is None:
        if now - ours.at < TRY_AGAIN_AFTER:
            return None
        tries = sum(openers.is_attempt(deed) for deed in deeds)
        text = ngettext("%(n)d try", "%(n)d tries", tries) % {"n": tries}
        return Cold(
            Kind.NOT_REACHED, contact, when=text, note=_last_ours(ours, now=now), weight=(now - ours.at).total_seconds()
        )
    if quiet < SILENT_AFTER:
        return None
    days = ngettext("%(n)d day", "%(n)d days", quiet.days) % {"n": quiet.days}
    note = money or _last_ours(ours, now=now) or _("No next step is set")
    # Offers before leads: what has a price is lost for a price.
    weight = quiet.total_seconds() + (10**9 if offer else 0)
    return Cold(Kind.SILENT, contact, when=days, note=note, weight=weight, why=_silence(deeds, offer, now=now))


def _silence(deeds: Sequence[Deed], offer: Opportunity | None, *, now: dt.datetime) -> str:
    """The last thing that happened: "Called, reached on 11 November", else the offer."""
    if offer is not None and (not deeds or deeds[0].at < offer.opened_at):
        when = openers.said(offer.opened_at, now=now)
        return _("Offered “%(name)s” %(when)s") % {"name": offer.name, "when": when}
    if not deeds:
        return ""
    return f"{headline(deeds[0])} {openers.said(deeds[0].at, now=now)}"


def _came_back(contact: Contact, deeds: Sequence[Deed], *, now: dt.datetime) -> Cold | None:
    given = next(iter(contact.given_back), None)  # type: ignore[attr-defined]
    if given is None or any(openers.is_attempt(deed) and deed.at > now - RESURFACED_WITHIN for deed in deeds):
        return None
    said = str(given.reason or "")
    if given.comment:
        said = _("%(reason)s: “%(words)s”") % {"reason": said, "words": given.comment}
    month = openers.said(given.ended_at, now=now) if given.ended_at else ""
    why = _("You %(when)s: %(words)s") % {"when": month, "words": said}
    note = _("Marketing has it; a call may wake it")
    return Cold(Kind.BACK, contact, when=_("This week"), note=note, weight=0.0, why=why)


def _offer_words(offer: Opportunity) -> str:
    amount = formats.money(offer.amount, currency=offer.currency)
    return _("%(amount)s at stake") % {"amount": amount}


def _last_ours(ours: Deed | None, *, now: dt.datetime) -> str:
    if ours is None:
        return ""
    return _("Last tried %(when)s") % {"when": openers.said(ours.at, now=now)}


def _end_of_day(now: dt.datetime) -> dt.datetime:
    return timezone.localtime(now).replace(hour=23, minute=59, second=59)


def coming_days(work: Sequence[Contact], *, now: dt.datetime) -> tuple[Planned, ...]:
    """The next days on which somebody is to be called or seen, by the next step of each."""
    days: dict[dt.date, list[tuple[dt.datetime, Contact]]] = {}
    for contact in work:
        step = _next_step(contact)
        if step is not None and step.due_at >= _end_of_day(now):
            days.setdefault(timezone.localtime(step.due_at).date(), []).append((step.due_at, contact))
    return tuple(
        Planned(day, tuple(contact for _at, contact in sorted(days[day], key=lambda pair: (pair[0], pair[1].pk))))
        for day in sorted(days)[:4]
    )
