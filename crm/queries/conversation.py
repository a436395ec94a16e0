"""The one conversation about a contact: what both teams did with its handoffs, and what they said beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm.errors import NotFound
from crm.models import Role, User
from crm.queries import timeline
from leads import mentions
from leads.mentions import Piece
from leads.models import Activity, Contact, Handoff, HandoffComment, HandoffEvent

LATEST = 8


@dataclass(frozen=True)
class Word:
    """One thing done or said: `did` is the act, empty for a comment; `pieces` what was written, names set apart."""

    at: dt.datetime
    who: str
    did: str
    pieces: tuple[Piece, ...] = ()
    reason: str = ""
    rating: int | None = None
    is_own: bool = False


@dataclass(frozen=True)
class Conversation:
    """What was said and done, oldest first; a new word joins `handoff_id`, None where nothing was handed over yet."""

    words: tuple[Word, ...]
    handoff_id: int | None

    @property
    def latest(self) -> tuple[Word, ...]:
        return self.words[-LATEST:]

    @property
    def before(self) -> tuple[Word, ...]:
        """What is folded away until somebody wants it."""
        return self.words[:-LATEST]

    @property
    def counterpart(self) -> str:
        """Whom an answer is for: who else said or did something last; empty when nobody has."""
        return next((word.who for word in reversed(self.words) if not word.is_own), "")


def conversation_of(
    contact: Contact, *, reader: User, events: Sequence[HandoffEvent], notes: Iterable[Activity] = ()
) -> Conversation:
    """The conversation as `reader` sees it, by one query.

    `events` are those of all handoffs of the contact with `actor`, `assignee` and `reason`; `notes` with `actor`.
    """
    comments = HandoffComment.objects.filter(handoff__contact=contact).select_related("author")
    said = [*_acts(events, reader), *_comments(comments, reader), *_notes(notes, reader)]
    handoffs = {event.handoff_id for event in events}
    return Conversation(words=tuple(sorted(said, key=lambda word: word.at)), handoff_id=max(handoffs, default=None))


def conversation_read(user: User, handoff_id: int) -> Conversation:
    """The same for the contact of a handoff, by four queries. Raises `NotFound` when it is not the user's to see."""
    contact = contact_spoken_of(user, handoff_id)
    events = HandoffEvent.objects.filter(handoff__contact=contact).select_related("actor", "assignee", "reason")
    return conversation_of(contact, reader=user, events=list(events), notes=notes_of(contact))


def notes_of(contact: Contact) -> QuerySet[Activity]:
    """What our people noted on a contact."""
    return contact.activities.filter(type="note").select_related("actor")


def contact_spoken_of(user: User, handoff_id: int) -> Contact:
    """The contact of a handoff, for whoever may see it: they may speak too. Raises `NotFound`."""
    contact = Contact.objects.visible_to(user).filter(handoffs=handoff_id).first()
    if contact is None:
        raise NotFound(_("There is no such handoff."))
    return contact


def people_to_name(user: User, contact: Contact) -> QuerySet[User]:
    """Everybody else who may see the contact, and so be named in the conversation."""
    see_all = Q(role_rows__role__in=[Role.MARKETER, Role.MANAGER, Role.ADMIN])
    theirs = Handoff.objects.filter(contact=contact)
    is_theirs = Q(pk=contact.owner_id) | Q(pk__in=theirs.values("assignee"))
    of_team = Q(team__in=theirs.filter(assignee=None, team__isnull=False).values("team"))
    rows = User.objects.filter(see_all | is_theirs | of_team, is_active=True).exclude(pk=user.pk)
    return rows.select_related("team").distinct().order_by("name", "id")


def _acts(events: Iterable[HandoffEvent], reader: User) -> list[Word]:
    """What people did; what the system did alone stands in the timeline."""
    return [
        Word(
            at=event.at,
            who=str(event.actor or _("Baton")),
            did=_lowered(timeline.event_words(event)),
            pieces=tuple(mentions.pieces(event.comment, event.names)) if event.comment else (),
            reason=str(event.reason or ""),
            rating=event.rating,
            is_own=event.actor_id == reader.pk,
        )
        for event in events
        if event.undone_at is None and not timeline.is_echo(event) and (event.actor_id or event.comment)
    ]


def _comments(rows: Iterable[HandoffComment], reader: User) -> list[Word]:
    return [
        Word(
            at=row.at,
            who=str(row.author),
            did="",
            pieces=tuple(mentions.pieces(row.text, row.names)),
            is_own=row.author_id == reader.pk,
        )
        for row in rows
    ]


def _notes(rows: Iterable[Activity], reader: User) -> list[Word]:
    return [
        Word(
            at=row.occurred_at,
            who=str(row.actor or ""),
            did=_("noted"),
            pieces=tuple(mentions.pieces(str(row.properties["note"]), ())),
            is_own=row.actor_id == reader.pk,
        )
        for row in rows
        if row.properties.get("note")
    ]


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
