"""What sales finds out about a contact: a verdict on each question of BANT, with its evidence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from crm.errors import Invalid
from leads.models import Contact, ContactChange, Qualification
from leads.models.qualification import Letter, Verdict

if TYPE_CHECKING:
    from crm.models import User

QUESTIONS = {
    Letter.BUDGET: gettext_lazy("Is there money for it this year, and whose is it?"),
    Letter.AUTHORITY: gettext_lazy("Who signs, and who else must agree?"),
    Letter.NEED: gettext_lazy("What does it cost them to leave things as they are?"),
    Letter.TIMELINE: gettext_lazy("By when must they decide, and what happens then?"),
}
"""What to ask where nothing is known."""


@dataclass(frozen=True)
class Answer:
    """The verdict on one question, `None` where nothing is known; `decide_by_date` for the timeline alone."""

    letter: Letter
    verdict: Verdict | None = None
    evidence: str = ""
    decide_by_date: dt.date | None = None
    at: dt.datetime | None = None
    actor: User | None = None

    @property
    def word(self) -> str:
        """The verdict in words; of the timeline the day, where one is known."""
        if self.verdict is None:
            return ""
        if self.decide_by_date is None:
            return str(self.verdict.label)
        day = date_format(self.decide_by_date, pgettext("date pattern: day, month and year", "j M Y"))
        if self.verdict == Verdict.CONFIRMED:
            return _("By %(day)s") % {"day": day}
        return _("%(verdict)s, by %(day)s") % {"verdict": self.verdict.label, "day": day}

    @property
    def mark(self) -> str:
        """The shape beside it: a tick for what is confirmed, an open ring for what is so in part, a dash for a no."""
        if self.verdict == Verdict.CONFIRMED:
            return "met"
        return "running" if self.verdict == Verdict.PARTLY else "cancelled"

    @property
    def question(self) -> str:
        return str(QUESTIONS[self.letter])


def may_write(user: User, contact: Contact) -> bool:
    """Whether the person says what sales found out: the owner, or a manager."""
    return user.is_manager or contact.owner_id == user.pk


def answers_of(contact: Contact, *, rows: Iterable[Qualification] | None = None) -> tuple[Answer, ...]:
    """What is known of a contact, all four questions in their order; one query, none where `rows` are at hand."""
    rows = contact.qualifications.select_related("actor") if rows is None else rows
    found = {row.letter: row for row in rows}
    return tuple(
        Answer(
            letter=letter,
            verdict=Verdict(row.verdict),
            evidence=row.evidence,
            decide_by_date=row.decide_by_date,
            at=row.at,
            actor=row.actor,
        )
        if (row := found.get(letter)) is not None
        else Answer(letter)
        for letter in Letter
    )


def write(
    contact: Contact, *, answers: Mapping[str, Mapping[str, Any]], actor: User, at: dt.datetime
) -> list[ContactChange]:
    """Write verdicts of a locked contact and note in its history what changed; return that.

    `answers` maps a letter to `verdict` (None: not known after all), `evidence` and, for the timeline,
    `decide_by_date`; what is left out stays. Raises `Invalid` naming the letter.
    """
    changes: list[ContactChange] = []
    for before in answers_of(contact):
        if before.letter not in answers:
            continue
        given = answers[before.letter]
        after = Answer(
            letter=before.letter,
            verdict=_verdict(before.letter, given.get("verdict", before.verdict)),
            evidence=str(given.get("evidence", before.evidence) or "").strip(),
            decide_by_date=given.get("decide_by_date", before.decide_by_date),
        )
        changed = _changes(contact, before, after, actor=actor, at=at)
        if changed:
            _write(contact, after, actor=actor, at=at)
            changes += changed
    ContactChange.objects.bulk_create(changes)
    return changes


def is_of(field: str) -> bool:
    """Whether a row of the history is about what sales found out."""
    return field.startswith(("bant.", "evidence."))


def write_back(contact: Contact, old: Mapping[str, Any], *, actor: User, at: dt.datetime) -> None:
    """Say again what `old`, by the fields of the history, says; the rest stays."""
    answers: dict[str, dict[str, Any]] = {}
    for field, value in old.items():
        kind, _dot, name = field.partition(".")
        if name == "decide_by":
            day = dt.date.fromisoformat(value) if value else None
            answers.setdefault(Letter.TIMELINE, {})["decide_by_date"] = day
        else:
            answers.setdefault(name, {})["verdict" if kind == "bant" else "evidence"] = value
    write(contact, answers=answers, actor=actor, at=at)


def _verdict(letter: Letter, given: Any) -> Verdict | None:
    if not given:
        return None
    if given not in Verdict.values:
        known = ", ".join(Verdict.values)
        raise Invalid(_("Choose one of: %(verdicts)s.") % {"verdicts": known}, field=letter)
    return Verdict(given)


def _changes(contact: Contact, before: Answer, after: Answer, *, actor: User, at: dt.datetime) -> list[ContactChange]:
    letter = after.letter
    if after.decide_by_date is not None and letter is not Letter.TIMELINE:
        raise Invalid(_("Only the timeline has a day by which they decide."), field=letter)
    if after.verdict is None and (after.evidence or after.decide_by_date):
        raise Invalid(_("Say what it is: confirmed, partly or no."), field=letter)
    day_before = before.decide_by_date.isoformat() if before.decide_by_date else None
    day_after = after.decide_by_date.isoformat() if after.decide_by_date else None
    # Under the names by which conditions ask, so that the past of fit can be read from the history.
    pairs = (
        (f"bant.{letter}", before.verdict, after.verdict),
        ("bant.decide_by", day_before, day_after),
        (f"evidence.{letter}", before.evidence or None, after.evidence or None),
    )
    return [
        ContactChange(contact=contact, field=name, old=old, new=new, at=at, actor=actor)
        for name, old, new in pairs
        if old != new
    ]


def _write(contact: Contact, answer: Answer, *, actor: User, at: dt.datetime) -> None:
    if answer.verdict is None:
        contact.qualifications.filter(letter=answer.letter).delete()
        return
    Qualification.objects.update_or_create(
        contact=contact,
        letter=answer.letter,
        defaults={
            "verdict": answer.verdict,
            "evidence": answer.evidence,
            "decide_by_date": answer.decide_by_date,
            "at": at,
            "actor": actor,
        },
    )
