"""Warnings that are not sent now: their recipient is to be left alone, or what they say is not true any more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils.translation import gettext as _

from crm.models import Delivery, Notice
from crm.models.notices import NoticeKind


@dataclass(frozen=True)
class HeldBack:
    """Why a delivery does not leave: until when, or for ever and why."""

    until: dt.datetime | None = None
    reason: str = ""


def judge(delivery: Delivery, *, at: dt.datetime) -> HeldBack | None:
    """Whether a delivery is held back at `at`; None for one that leaves. Costs no query with `deliveries.RELATED`.

    Only warnings are: what was missed stays missed, and everybody hears of it at once.
    """
    if delivery.notice is None or delivery.notice.kind != NoticeKind.WARN:
        return None
    if reason := _why_untrue(delivery.notice, at=at):
        return HeldBack(reason=reason)
    free_from = delivery.recipient.free_from(at) if delivery.recipient else at
    return HeldBack(until=free_from) if free_from > at else None


def _why_untrue(notice: Notice, *, at: dt.datetime) -> str:
    timer = notice.timer
    if timer is None:
        return ""
    if timer.met_at is not None:
        return _("The promise was kept meanwhile.")
    if timer.cancelled_at is not None:
        return _("Nobody waits for it any more.")
    if timer.due_at <= at:
        return _("It was missed meanwhile, which is told by itself.")
    return ""
