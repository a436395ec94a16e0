"""Contacts that get colder while nothing is promised: what was planned, who stirs, who is silent, who came back.

Which of these holds is judged here from plain values; `crm.queries.to_do` finds the contacts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from crm import formats, openers
from crm.deeds import Deed, headline
from crm.errands import Errand, Kind
from crm.models import Notice, User
from crm.models.notices import NoticeKind
from crm.queries import history
from leads import window
from leads.models import Contact, Handoff, HandoffComment, Task
from leads.models.handoffs import OPEN
from leads.models.qualification import Letter
from leads.models.tasks import TaskKind
from leads.models.windows import lead_time_beside, with_lead_time
from leads.stages import HandoffState, Stage
from leads.window import LeadTime, WindowState

DAY = dt.timedelta(days=1)
SILENT_AFTER = 7 * DAY
ACTIVE_WITHIN = 14 * DAY
RESURFACED_WITHIN = 7 * DAY
TRY_AGAIN_AFTER = DAY
QUOTED = 120


@dataclass(frozen=True)
class Offer:
    """An open offer."""

    name: str
    amount: Decimal
    currency: str
    opened_at: dt.datetime

    @property
    def words(self) -> str:
        return _("%(amount)s at stake") % {"amount": formats.money(self.amount, currency=self.currency)}


@dataclass(frozen=True)
class Held:
    """A contact that somebody works on, with what is open of it."""

    contact: Contact
    answered_at: dt.datetime | None
    """When its open handoff was accepted; None without one."""
    reached_at: dt.datetime | None
    offer: Offer | None
    decide_by: dt.date | None
    lead_time: LeadTime

    @property
    def amount(self) -> float:
        return float(self.offer.amount) if self.offer else 0.0


def held_by(user: User, *, now: dt.datetime) -> list[Held]:
    """The contacts that `user` works on, and customers of theirs who stirred of late: one query.

    A contact has one open handoff, one open offer and one timeline at most, by constraint, so the joins add no rows.
    """
    is_in_work = Q(stage__in=[Stage.SQL.value, Stage.OPPORTUNITY.value])
    is_stirring = Q(stage=Stage.CUSTOMER.value, last_activity_at__gte=now - ACTIVE_WITHIN)
    rows = with_lead_time(
        Contact.objects.visible_to(user)
        .filter(is_in_work | is_stirring, owner=user)
        .select_related("company")
        .annotate(
            held=FilteredRelation("handoffs", condition=Q(handoffs__state__in=OPEN)),
            offer=FilteredRelation("opportunities", condition=Q(opportunities__state="open")),
            timeline=FilteredRelation("qualifications", condition=Q(qualifications__letter=Letter.TIMELINE)),
        )
        .annotate(
            answered_at=F("held__answered_at"),
            reached_at=F("held__reached_at"),
            offer_name=F("offer__name"),
            offer_amount=F("offer__amount"),
            offer_currency=F("offer__currency"),
            offer_opened_at=F("offer__opened_at"),
            decide_by=F("timeline__decide_by_date"),
        )
        .order_by("id")
    )
    return [_held(row) for row in rows]


def _held(row: Contact) -> Held:
    values = vars(row)
    offer = None
    if values["offer_opened_at"] is not None:
        offer = Offer(values["offer_name"], values["offer_amount"], values["offer_currency"], values["offer_opened_at"])
    return Held(
        row, values["answered_at"], values["reached_at"], offer, values["decide_by"], lead_time=lead_time_beside(row)
    )


def given_back_by(user: User, *, now: dt.datetime) -> QuerySet[Handoff]:
    """What `user` gave back until a day that has come, and nobody has taken up since, the latest last."""
    told = Notice.objects.filter(
        kind=NoticeKind.RESURFACED, created_at__gte=now - RESURFACED_WITHIN, handoff__assignee=user
    )
    came_back_at = told.filter(handoff=OuterRef("pk")).order_by("created_at").values("created_at")[:1]
    rows = (
        Handoff.objects.visible_to(user)
        .filter(id__in=told.values("handoff_id"), assignee=user, state=HandoffState.RECYCLED)
        .filter(contact__stage__in=[Stage.SUBSCRIBER.value, Stage.LEAD.value], contact__is_disqualified=False)
        .annotate(came_back_at=Subquery(came_back_at))
    )
    return rows.order_by("ended_at", "id")


def judge(held: Held, deeds: Sequence[Deed], *, step_at: dt.datetime | None, now: dt.datetime) -> Errand | None:
    """Why a contact without a running clock should be looked at today; None when it need not be.

    `step_at` is when its owner means to do something next; once its day has come that is an errand of its own.
    """
    contact, offer = held.contact, held.offer
    if step_at is not None and step_at < end_of_day(now):
        return None
    ours = next((deed for deed in deeds if openers.is_attempt(deed) or history.next_step_of(deed)), None)
    theirs = next((deed for deed in deeds if deed.is_theirs), None)
    money = offer.words if offer else ""
    has_stirred = theirs is not None and theirs.at >= now - ACTIVE_WITHIN and (ours is None or theirs.at > ours.at)
    if theirs is not None and has_stirred and (ours is not None or contact.stage == Stage.CUSTOMER):
        since = _("%(age)s ago") % {"age": formats.age((now - theirs.at).total_seconds())}
        note = money or _last_ours(ours, now=now)
        return Errand(Kind.ACTIVE, contact, since=theirs.at, amount=held.amount, when=since, note=note)
    if step_at is not None or contact.stage == Stage.CUSTOMER:
        return None
    return _silent(held, deeds, ours, now=now)


def _silent(held: Held, deeds: Sequence[Deed], ours: Deed | None, *, now: dt.datetime) -> Errand | None:
    """An offer nobody spoke of for long, or an accepted lead that was not reached or has no next step."""
    contact, offer = held.contact, held.offer
    last_at = max((deed.at for deed in deeds), default=contact.stage_at)
    quiet_since = max(last_at, offer.opened_at if offer else contact.stage_at)
    if offer is None and ours is not None and held.answered_at is not None and held.reached_at is None:
        if now - ours.at < TRY_AGAIN_AFTER:
            return None
        tries = sum(openers.is_attempt(deed) for deed in deeds)
        text = ngettext("%(n)d try", "%(n)d tries", tries) % {"n": tries}
        since = ours.at + TRY_AGAIN_AFTER
        return Errand(Kind.NOT_REACHED, contact, since=since, when=text, note=_last_ours(ours, now=now))
    quiet = now - quiet_since
    if quiet < SILENT_AFTER:
        return None
    return Errand(
        Kind.SILENT,
        contact,
        since=quiet_since + SILENT_AFTER,
        amount=held.amount,
        when=ngettext("%(n)d day", "%(n)d days", quiet.days) % {"n": quiet.days},
        why=_silence(deeds, offer, now=now),
        note=(offer.words if offer else "") or _last_ours(ours, now=now) or _("No next step is set"),
    )


def _silence(deeds: Sequence[Deed], offer: Offer | None, *, now: dt.datetime) -> str:
    """The last thing that happened: "Called, reached on 11 November", else the offer."""
    if offer is not None and (not deeds or deeds[0].at < offer.opened_at):
        when = openers.said(offer.opened_at, now=now)
        return _("Offered “%(name)s” %(when)s") % {"name": offer.name, "when": when}
    if not deeds:
        return ""
    return f"{headline(deeds[0])} {openers.said(deeds[0].at, now=now)}"


def task_errand(task: Task, deeds: Sequence[Deed], *, held: Held | None, now: dt.datetime) -> Errand:
    """What somebody means to do today, or meant to do before; where they did not say what, their last words say why."""
    when = formats.when(task.due_at, now=now, with_time=task.has_time)
    ours = next((deed for deed in deeds if not deed.is_theirs and deed.words), None)
    why = task.what or (ours.words if ours else "") or str(TaskKind(task.kind).label)
    note = held.offer.words if held and held.offer else ""
    return Errand(
        Kind.APPOINTMENT if task.kind == TaskKind.MEETING else Kind.TASK,
        task.contact,
        task=task,
        due_at=task.due_at if task.has_time else end_of_day(task.due_at),
        amount=held.amount if held else 0.0,
        when=when,
        why=why,
        note=note,
    )


def judge_window(held: Held, deeds: Sequence[Deed], *, step_at: dt.datetime | None, now: dt.datetime) -> Errand | None:
    """Whether to talk to a buyer now because of the day of their decision, and nobody has since the window opened.

    Not where the next step, at `step_at`, is planned within the window anyway.
    """
    today = timezone.localtime(now).date()
    if held.decide_by is None or held.decide_by < today:
        return None
    days = window.window_of(held.decide_by, held.lead_time)
    state = days.state(today)
    if state is WindowState.TOO_EARLY:
        return None
    opened = start_of_day(days.opens_on)
    if any(openers.is_attempt(deed) and deed.at >= opened for deed in deeds):
        return None
    if step_at is not None and step_at < start_of_day(days.closes_on + DAY):
        return None
    pattern = pgettext("date pattern: day and month in full", "j F")
    decides = _("Decides by %(day)s") % {"day": date_format(held.decide_by, pattern)}
    closes = date_format(days.closes_on, pattern)
    if state is WindowState.TOO_LATE:
        when, note = _("Closed"), _("Was to be called by %(day)s") % {"day": closes}
    elif days.opens_on == today:
        when, note = _("Opens today"), _("Closes on %(day)s") % {"day": closes}
    else:
        left = days.days_left(today) + 1
        when = ngettext("%(n)d day left", "%(n)d days left", left) % {"n": left}
        note = _("Closes on %(day)s") % {"day": closes}
    return Errand(Kind.WINDOW, held.contact, since=opened, amount=held.amount, when=when, why=decides, note=note)


def unanswered(user: User) -> QuerySet[HandoffComment]:
    """The latest comment on each contact that names `user`, and after which they said nothing there."""
    later = HandoffComment.objects.filter(handoff__contact=OuterRef("handoff__contact"), at__gte=OuterRef("at"))
    is_latest = ~Exists(later.filter(mentions=user).exclude(author=user).filter(pk__gt=OuterRef("pk")))
    rows = HandoffComment.objects.filter(
        ~Exists(later.filter(author=user, pk__gt=OuterRef("pk"))),
        is_latest,
        mentions=user,
        handoff__contact__in=Contact.objects.visible_to(user),
    )
    return rows.exclude(author=user).order_by("at", "id")


def mention_errand(said: HandoffComment, *, held: Held | None, now: dt.datetime) -> Errand:
    """What somebody asks, until it is answered in the conversation."""
    since = _("%(age)s ago") % {"age": formats.age((now - said.at).total_seconds())}
    return Errand(
        Kind.MENTION,
        said.handoff.contact,
        comment=said,
        since=said.at,
        amount=held.amount if held else 0.0,
        when=since,
        why=_("%(who)s: “%(words)s”") % {"who": said.author, "words": Truncator(said.text).chars(QUOTED)},
        note=_("An answer in the conversation closes it"),
    )


def is_tried_again(deeds: Sequence[Deed], *, now: dt.datetime) -> bool:
    """Whether one of us tried to reach a contact since it came back."""
    return any(openers.is_attempt(deed) and deed.at > now - RESURFACED_WITHIN for deed in deeds)


def came_back(given: Handoff, deeds: Sequence[Deed], *, now: dt.datetime) -> Errand | None:
    """Why a contact that came back to marketing may be called by who gave it back; None once they tried."""
    if is_tried_again(deeds, now=now):
        return None
    said = str(given.reason or "")
    if given.comment:
        said = _("%(reason)s: “%(words)s”") % {"reason": said, "words": given.comment}
    month = openers.said(given.ended_at, now=now) if given.ended_at else ""
    why = _("You %(when)s: %(words)s") % {"when": month, "words": said}
    note = _("Marketing has it; a call may wake it")
    since = vars(given)["came_back_at"]
    when = formats.when(since, now=now, with_time=False)
    return Errand(Kind.BACK, given.contact, handoff=given, since=since, when=when, why=why, note=note)


def _last_ours(ours: Deed | None, *, now: dt.datetime) -> str:
    if ours is None:
        return ""
    return _("Last tried %(when)s") % {"when": openers.said(ours.at, now=now)}


def start_of_day(day: dt.date) -> dt.datetime:
    """Midnight of a day in the reader's zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time()))


def end_of_day(now: dt.datetime) -> dt.datetime:
    """The midnight after `now` in the reader's zone."""
    return start_of_day(timezone.localtime(now).date() + DAY)
