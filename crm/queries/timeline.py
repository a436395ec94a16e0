"""The one history of a contact: what it did, what was done with it, where it stood and what was changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import deeds, formats, openers
from crm.queries import history
from leads import words
from leads.condition_words import OF_COMPANY, OF_QUALIFICATION
from leads.models import Activity, Contact, ContactChange, HandoffEvent, StageChange
from leads.models.qualification import Letter
from leads.stages import HandoffState, Stage, VerbName
from scoring.queries import RulePoints
from sla.models import Pause

SHORT = 8
LONGEST = 500
STRONG = ("demo_request", "form_submission", "email_reply")
FIELD_LABELS = {
    **{field.name: field.verbose_name for field in Contact._meta.fields},
    **OF_COMPANY,
    **OF_QUALIFICATION,
    **{f"evidence.{letter}": gettext_lazy("what they said on it") for letter in Letter},
}


@dataclass(frozen=True)
class Line:
    """One line of the history; `who` of us did it, empty for the contact itself and for Baton."""

    at: dt.datetime
    text: str
    who: str = ""
    detail: str = ""
    """What was written with it: theirs or ours, in their own words."""
    is_strong: bool = False
    points: float | None = None
    """What is left of the activity's points, where the lines are those behind one rule."""
    rank: int = 0
    """Orders what happened in the same minute: deeds, then stages, then acts."""


@dataclass(frozen=True)
class Timeline:
    """The lines shown, newest first, and how many activities there are in all."""

    lines: tuple[Line, ...]
    activity_count: int
    is_whole: bool
    rule: str = ""
    """The rule whose activities these are; empty when they are everything."""


def timeline_of(
    contact: Contact,
    *,
    activities: Sequence[Activity],
    events: Sequence[HandoffEvent],
    pauses: Iterable[Pause],
    now: dt.datetime,
    is_whole: bool,
) -> Timeline:
    """The merged history, newest first; unless `is_whole` only the last touches. At most two queries of its own.

    Of `activities`, which are counted, the latest are shown.

    `activities` come newest first with `type`, `actor` and `campaign`; `events` with `actor`, `assignee`, `reason`.
    """
    stage_changes = list(contact.stage_changes.select_related("actor"))
    # A corrected phone number is history, but no touch.
    changes = contact.changes.select_related("actor")[:LONGEST] if is_whole else ()
    lines = [
        *activity_lines(activities[:LONGEST]),
        *_event_lines(events, stage_changes),
        *_stage_lines(stage_changes, told={(event.verb, event.at) for event in events}),
        *_change_lines(changes),
        *_pause_lines(pauses, now=now),
    ]
    # Of one minute, what the contact did comes before what followed from it, so it stands below.
    lines.sort(key=lambda line: (line.at.replace(second=0, microsecond=0), line.rank, line.at), reverse=True)
    return Timeline(tuple(lines if is_whole else lines[:SHORT]), len(activities), is_whole)


def timeline_of_rule(rule: RulePoints, *, activity_count: int) -> Timeline:
    """The activities behind the points of one rule, each with what is left of its own."""
    lines = []
    for one in rule.activities:
        deed = history.deed_of(one.activity)
        lines.append(Line(one.occurred_at, deeds.headline(deed), detail=_detail(deed), points=one.points))
    return Timeline(tuple(lines), activity_count, is_whole=True, rule=rule.rule)


def handoff_lines(events: Sequence[HandoffEvent], *, pauses: Iterable[Pause], now: dt.datetime) -> list[Line]:
    """What was done with a handoff and its clocks; `events` with `actor`, `assignee`, `reason`, pauses with `actor`."""
    return [*_event_lines(events, ()), *_pause_lines(pauses, now=now)]


def activity_lines(activities: Sequence[Activity]) -> list[Line]:
    """What a contact did and what was done with it; activities as `history.deed_of` wants them."""
    return [
        Line(
            line.latest.at,
            line.text,
            who=line.latest.actor,
            detail=_detail(line.latest),
            is_strong=line.latest.type in STRONG,
        )
        for line in deeds.gather([history.deed_of(row) for row in activities])
    ]


def _detail(deed: deeds.Deed) -> str:
    """Their words or ours, the campaign they came by, when we get in touch again, and when it was entered later."""
    parts = [_("“%(words)s”") % {"words": deed.words}] if deed.words else []
    if deed.campaign:
        parts.append(deed.campaign)
    planned = history.next_step_of(deed)
    if planned is not None:
        parts.append(_("next step %(when)s") % {"when": formats.full_moment(planned)})
    if deed.properties.get("no_next"):
        parts.append(_("no next step: %(why)s") % {"why": deed.properties["no_next"]})
    if deed.entered_at is not None:
        parts.append(_("entered %(when)s") % {"when": formats.full_moment(deed.entered_at)})
    return ", ".join(parts)


def _event_lines(events: Sequence[HandoffEvent], stage_changes: Sequence[StageChange]) -> list[Line]:
    """What was done with the handoffs, each with the stage it led to."""
    stages = {(row.verb, row.at): words.STAGES[Stage(row.to_stage)] for row in stage_changes}
    lines = []
    for event in events:
        if is_echo(event) and event.verb != VerbName.UNDO:
            continue
        stage = stages.get((event.verb, event.at))
        text = event_words(event)
        if stage:
            text = _("%(what)s, now %(stage)s") % {"what": text, "stage": stage}
        if event.undone_at:
            text = _("%(what)s, taken back") % {"what": text}
        who = str(event.actor) if event.actor else ""
        is_strong = event.actor is not None and not event.undone_at
        lines.append(Line(event.at, text, who=who, detail=_event_detail(event), is_strong=is_strong, rank=2))
    return lines


def is_echo(event: HandoffEvent) -> bool:
    """Whether an event only follows from another: an undo, or the review that a rejection opens."""
    return event.verb == VerbName.UNDO or (event.verb == VerbName.REJECT and not event.from_state)


def event_words(event: HandoffEvent) -> str:
    """An act on a handoff: "Approved, offered to Sam Seller"."""
    said = str(words.DEEDS[VerbName(event.verb)])
    text = said[:1].upper() + said[1:]
    is_given = event.verb in (VerbName.APPROVE, VerbName.OFFER, VerbName.REASSIGN)
    if is_given and event.assignee:
        text = _("%(what)s, offered to %(name)s") % {"what": text, "name": event.assignee}
    elif event.verb == VerbName.HAND_OVER and event.assignee:
        text = _("%(what)s to %(name)s") % {"what": text, "name": event.assignee}
    elif event.verb in (VerbName.APPROVE, VerbName.HAND_OVER) and event.to_state == HandoffState.WAITING:
        text = _("%(what)s, waits for capacity") % {"what": text}
    return text


def _event_detail(event: HandoffEvent) -> str:
    parts = [str(event.reason)] if event.reason else []
    if event.comment and event.verb != VerbName.UNDO:
        parts.append(_("“%(words)s”") % {"words": event.comment})
    if event.rating:
        parts.append(_("rated %(rating)d of 5") % {"rating": event.rating})
    return ", ".join(parts)


def _stage_lines(stage_changes: Iterable[StageChange], *, told: Collection[tuple[str, dt.datetime]]) -> list[Line]:
    lines = []
    for row in stage_changes:
        if (row.verb, row.at) in told:
            continue
        stage = words.STAGES[Stage(row.to_stage)]
        text = _("Now %(stage)s") if row.from_stage else _("Came in as %(stage)s")
        who = str(row.actor) if row.actor else ""
        lines.append(Line(row.at, text % {"stage": stage}, who=who, rank=1))
    return lines


def _change_lines(changes: Iterable[ContactChange]) -> list[Line]:
    lines = []
    for row in changes:
        values = {
            "field": FIELD_LABELS.get(row.field, row.field),
            "old": "–" if row.old in (None, "") else row.old,
            "new": "–" if row.new in (None, "") else row.new,
        }
        text = _("Changed %(field)s: %(old)s → %(new)s") % values
        lines.append(Line(row.at, text, who=str(row.actor) if row.actor else ""))
    return lines


def _pause_lines(pauses: Iterable[Pause], *, now: dt.datetime) -> list[Line]:
    return [
        Line(
            row.starts_at,
            _("Clocks paused until %(when)s") % {"when": openers.mid_sentence(formats.when(row.ends_at, now=now))},
            who=str(row.actor) if row.actor else "",
            detail=row.reason,
        )
        for row in pauses
    ]
