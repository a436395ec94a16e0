"""What a person has been told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Case, IntegerField, QuerySet, Value, When

from crm import notice_words
from crm.models import Notice, User
from crm.models.notices import NoticeKind
from crm.notice_words import NoticeWords

# How a notice of a clock is marked; what is no alert has no mark.
MARKS = {NoticeKind.WARN: "soon", NoticeKind.BREACH: "missed", NoticeKind.ESCALATE: "missed"}


@dataclass(frozen=True)
class AlertRow:
    """One notice of a list, in words."""

    pk: int
    kind: str
    words: NoticeWords
    created_at: dt.datetime
    read_at: dt.datetime | None

    @property
    def mark(self) -> str:
        """The state that is drawn before it; empty for none."""
        return MARKS.get(NoticeKind(self.kind), "")

    @property
    def kind_word(self) -> str:
        return str(NoticeKind(self.kind).label)


def notices_of(user: User) -> QuerySet[Notice]:
    """What `user` was told: the unread first, then the newest."""
    is_read = Case(When(read_at=None, then=Value(0)), default=Value(1), output_field=IntegerField())
    return Notice.objects.filter(recipient=user).order_by(is_read, "-created_at", "-id")


def _kind(notice: Notice) -> str:
    """The kind that is drawn: who is called before a promise is due hears of nothing missed."""
    is_early = notice.kind == NoticeKind.ESCALATE and notice_words.is_before_due(notice)
    return NoticeKind.WARN if is_early else notice.kind


def rows_of(notices: Sequence[Notice]) -> list[AlertRow]:
    """The rows of a page; the notices are read with `notice_words.RELATED`."""
    return [
        AlertRow(
            pk=one.pk,
            kind=_kind(one),
            words=notice_words.describe(one),
            created_at=one.created_at,
            read_at=one.read_at,
        )
        for one in notices
    ]
